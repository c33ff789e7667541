//! Lifecycle events: what happened to a domain, and who listens.
//!
//! Events are made in one place, by comparing two looks at a domain
//! ([`crate::registry`]); here are their words and libvirt's numbers, and the
//! bounded queue of a subscriber. Who falls behind is told to look again.

use crate::{JobState, JobStats, MetadataKind};
use std::fmt;
use tokio::sync::broadcast;
use virtxen_guest::{CpuSet, DomId, MemoryKib, Uuid};
use virtxen_host::HostEvent;

/// Something happened to a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The domain's name when it happened.
    pub name: String,
    /// The domain's identifier.
    pub uuid: Uuid,
    /// Its number; after it stopped, the one it had.
    pub id: Option<DomId>,
    /// What happened.
    pub kind: EventKind,
}

macro_rules! lifecycle {
    ($($kind:ident $number:literal $word:literal, $detail:literal $detail_word:literal;)*) => {
        /// What happened, with its detail: libvirt's lifecycle events, and those of
        /// its other events that Xen's channels tell.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum EventKind {
            $(#[doc = concat!("`", $word, "`: ", $detail_word)] $kind,)*
            /// The balloon target was set.
            BalloonChange(MemoryKib),
            /// A device was removed: its name in the guest, or of its end on the host.
            DeviceRemoved(String),
            /// A device was added.
            DeviceAdded(String),
            /// A setting of its vcpus was changed by this driver.
            Tunable(Tunable),
            /// A long operation of this driver has ended.
            JobCompleted(JobStats),
            /// Title, description or metadata changed; of metadata the namespace.
            MetadataChange(MetadataKind, Option<String>),
        }

        impl EventKind {
            /// The lifecycle event of libvirt's numbers.
            #[must_use]
            pub const fn from_numbers(event: i32, detail: i32) -> Option<Self> {
                match (event, detail) {
                    $(($number, $detail) => Some(Self::$kind),)*
                    _ => None,
                }
            }

            /// libvirt's event and detail of a lifecycle event.
            #[must_use]
            pub const fn numbers(&self) -> Option<(i32, i32)> {
                match self { $(Self::$kind => Some(($number, $detail)),)* _ => None }
            }

            /// virsh's words for event and detail of a lifecycle event.
            #[must_use]
            pub const fn words(&self) -> Option<(&'static str, &'static str)> {
                match self { $(Self::$kind => Some(($word, $detail_word)),)* _ => None }
            }
        }
    };
}

lifecycle! {
    DefinedAdded       0 "Defined",   0 "Added";
    DefinedUpdated     0 "Defined",   1 "Updated";
    DefinedRenamed     0 "Defined",   2 "Renamed";
    DefinedFromSnapshot 0 "Defined",  3 "Snapshot";
    UndefinedRemoved   1 "Undefined", 0 "Removed";
    UndefinedRenamed   1 "Undefined", 1 "Renamed";
    StartedBooted      2 "Started",   0 "Booted";
    StartedMigrated    2 "Started",   1 "Migrated";
    StartedRestored    2 "Started",   2 "Restored";
    StartedFromSnapshot 2 "Started",  3 "Snapshot";
    StartedWakeup      2 "Started",   4 "Event wakeup";
    SuspendedPaused    3 "Suspended", 0 "Paused";
    ResumedUnpaused    4 "Resumed",   0 "Unpaused";
    ResumedMigrated    4 "Resumed",   1 "Migrated";
    StoppedShutdown    5 "Stopped",   0 "Shutdown";
    StoppedDestroyed   5 "Stopped",   1 "Destroyed";
    StoppedCrashed     5 "Stopped",   2 "Crashed";
    StoppedMigrated    5 "Stopped",   3 "Migrated";
    StoppedSaved       5 "Stopped",   4 "Saved";
    StoppedFailed      5 "Stopped",   5 "Failed";
    StoppedFromSnapshot 5 "Stopped",  6 "Snapshot";
    ShutdownFinished   6 "Shutdown",  0 "Finished";
    PmSuspendedMemory  7 "PMSuspended", 0 "Memory";
    CrashedPanicked    8 "Crashed",   0 "Panicked";
}

impl EventKind {
    /// The names of the events that there are, as virsh has them.
    pub const NAMES: [&'static str; 7] = [
        "lifecycle",
        "balloon-change",
        "device-removed",
        "device-added",
        "tunable",
        "job-completed",
        "metadata-change",
    ];

    /// The event's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        let [lifecycle, balloon, removed, added, tunable, job, metadata] = Self::NAMES;
        match self {
            Self::BalloonChange(_) => balloon,
            Self::DeviceRemoved(_) => removed,
            Self::DeviceAdded(_) => added,
            Self::Tunable(_) => tunable,
            Self::JobCompleted(_) => job,
            Self::MetadataChange(..) => metadata,
            _ => lifecycle,
        }
    }

    /// libvirt's `virDomainEventID`.
    #[must_use]
    pub const fn id(&self) -> i32 {
        match self {
            Self::BalloonChange(_) => 13,
            Self::DeviceRemoved(_) => 15,
            Self::DeviceAdded(_) => 19,
            Self::Tunable(_) => 17,
            Self::JobCompleted(_) => 21,
            Self::MetadataChange(..) => 23,
            _ => 0,
        }
    }

    /// What a host told of a domain, where that is an event of libvirt's by itself:
    /// states are read, not told.
    pub(crate) fn told(event: &HostEvent) -> Option<(DomId, Self)> {
        Some(match event {
            HostEvent::MemoryTarget { domid, target } => (*domid, Self::BalloonChange(*target)),
            HostEvent::DeviceAdded {
                domid,
                class,
                number,
            } => (
                *domid,
                Self::DeviceAdded(device_name(*domid, class, *number)),
            ),
            HostEvent::DeviceRemoved {
                domid,
                class,
                number,
            } => (
                *domid,
                Self::DeviceRemoved(device_name(*domid, class, *number)),
            ),
            _ => return None,
        })
    }
}

/// A setting of a domain's vcpus, as libvirt's event names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tunable {
    /// Where a vcpu may run.
    VcpuPin {
        /// The vcpu.
        vcpu: u32,
        /// The processors.
        cpus: CpuSet,
    },
    /// The domain's share of the processors: its weight.
    CpuShares(u32),
}

impl Tunable {
    /// Name of libvirt's parameter.
    #[must_use]
    pub fn field(&self) -> String {
        match self {
            Self::VcpuPin { vcpu, .. } => format!("cputune.vcpupin{vcpu}"),
            Self::CpuShares(_) => "cputune.cpu_shares".to_owned(),
        }
    }

    /// Its value for people.
    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Self::VcpuPin { cpus, .. } => cpus.to_string(),
            Self::CpuShares(weight) => weight.to_string(),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (event, name) = (self.kind.name(), &self.name);
        write!(f, "event '{event}' for domain '{name}': ")?;
        match &self.kind {
            EventKind::BalloonChange(memory) => write!(f, "{}KiB", memory.0),
            EventKind::DeviceRemoved(device) | EventKind::DeviceAdded(device) => {
                f.write_str(device)
            }
            EventKind::Tunable(tunable) => write!(f, "{}: {}", tunable.field(), tunable.value()),
            EventKind::JobCompleted(stats) => {
                let how = match stats.state {
                    JobState::Running => "runs",
                    JobState::Completed => "completed",
                    JobState::Failed => "failed",
                    JobState::Cancelled => "cancelled",
                };
                let millis = stats.elapsed.as_millis();
                write!(f, "{} {how} after {millis} ms", stats.operation.verb())
            }
            EventKind::MetadataChange(kind, uri) => {
                write!(f, "{kind} {}", uri.as_deref().unwrap_or_default())
            }
            kind => {
                let (event, detail) = kind.words().unwrap_or_default();
                write!(f, "{event} {detail}")
            }
        }
    }
}

/// The name by which people know a device: of a disk the one in the guest, of an
/// interface that of its end on the host.
fn device_name(domid: DomId, class: &str, number: u32) -> String {
    match class {
        "vbd" => disk_name(number).unwrap_or_else(|| format!("vbd-{number}")),
        "vif" => format!("vif{domid}.{number}"),
        "usb" => format!("usb{}.{}", number / 256, number % 256),
        _ => format!("{class}-{number}"),
    }
}

/// The name of a disk by Xen's numbering, which follows Linux's old device numbers.
fn disk_name(number: u32) -> Option<String> {
    const EXTENDED: u32 = 1 << 28;
    let (prefix, disk, partition) = if number & EXTENDED != 0 {
        ("xvd", (number & !EXTENDED) >> 8, number & 0xff)
    } else {
        let (major, minor) = (number >> 8, number & 0xff);
        match major {
            202 => ("xvd", minor >> 4, minor & 15),
            8 => ("sd", minor >> 4, minor & 15),
            3 => ("hd", minor >> 6, minor & 63),
            22 => ("hd", 2 + (minor >> 6), minor & 63),
            _ => return None,
        }
    };
    let mut letters = String::new();
    let mut rest = disk + 1;
    while rest > 0 {
        rest -= 1;
        letters.insert(0, char::from(b'a' + u8::try_from(rest % 26).ok()?));
        rest /= 26;
    }
    let partition = match partition {
        0 => String::new(),
        number => number.to_string(),
    };
    Some(format!("{prefix}{letters}{partition}"))
}

/// What a subscriber gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// An event.
    Event(Event),
    /// This many events were dropped because the subscriber was slow: it must look
    /// at all domains again.
    Resync {
        /// Events that were dropped.
        missed: u64,
    },
}

/// A subscriber's queue. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Subscription {
    receiver: broadcast::Receiver<Event>,
}

impl From<broadcast::Receiver<Event>> for Subscription {
    fn from(receiver: broadcast::Receiver<Event>) -> Self {
        Self { receiver }
    }
}

impl Subscription {
    /// The next event; `None` when the driver is gone. May be dropped at any time
    /// without losing an event.
    pub async fn next(&mut self) -> Option<Delivery> {
        match self.receiver.recv().await {
            Ok(event) => Some(Delivery::Event(event)),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Delivery::Resync { missed }),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// An event that is there already.
    pub fn try_next(&mut self) -> Option<Delivery> {
        match self.receiver.try_recv() {
            Ok(event) => Some(Delivery::Event(event)),
            Err(broadcast::error::TryRecvError::Lagged(missed)) => {
                Some(Delivery::Resync { missed })
            }
            Err(_) => None,
        }
    }
}

/// Where events go out.
pub(crate) struct Bus {
    sender: broadcast::Sender<Event>,
}

impl Bus {
    pub(crate) fn new(queue: usize) -> Self {
        Self {
            sender: broadcast::Sender::new(queue.clamp(1, 1 << 16)),
        }
    }

    pub(crate) fn subscribe(&self) -> Subscription {
        self.sender.subscribe().into()
    }

    pub(crate) fn subscribers(&self) -> usize {
        self.sender.receiver_count()
    }

    /// Sends an event; nobody listening is no error.
    pub(crate) fn send(&self, event: Event) {
        let _ = self.sender.send(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: u32) -> Event {
        Event {
            name: "web".into(),
            uuid: Uuid::ZERO,
            id: Some(DomId(number)),
            kind: EventKind::StoppedDestroyed,
        }
    }

    #[tokio::test]
    async fn who_falls_behind_is_told_to_look_again() {
        let bus = Bus::new(2);
        let mut slow = bus.subscribe();
        for number in 0..5 {
            bus.send(event(number));
        }
        assert_eq!(slow.next().await, Some(Delivery::Resync { missed: 3 }));
        assert_eq!(slow.next().await, Some(Delivery::Event(event(3))));
        assert_eq!(slow.try_next(), Some(Delivery::Event(event(4))));
        assert_eq!(slow.try_next(), None);
        drop(bus);
        assert_eq!(slow.next().await, None);
    }

    #[test]
    fn events_read_like_virshs() {
        assert_eq!(
            event(1).to_string(),
            "event 'lifecycle' for domain 'web': Stopped Destroyed"
        );
        assert_eq!(event(1).kind.numbers(), Some((5, 1)));
        let text = |kind| Event { kind, ..event(1) }.to_string();
        assert_eq!(
            text(EventKind::BalloonChange(MemoryKib(2048))),
            "event 'balloon-change' for domain 'web': 2048KiB"
        );
        assert_eq!(
            text(EventKind::DeviceAdded("xvda".into())),
            "event 'device-added' for domain 'web': xvda"
        );
    }

    #[test]
    fn devices_have_the_names_that_people_know() {
        for (class, number, name) in [
            ("vbd", 51712, "xvda"),
            ("vbd", 51729, "xvdb1"),
            ("vbd", 768, "hda"),
            ("vbd", 5632, "hdc"),
            ("vbd", 2064, "sdb"),
            ("vbd", (1 << 28) | (26 << 8), "xvdaa"),
            ("vbd", 7, "vbd-7"),
            ("vif", 1, "vif3.1"),
            ("vfb", 0, "vfb-0"),
        ] {
            assert_eq!(device_name(DomId(3), class, number), name);
        }
    }
}
