//! Events of domains: what is in each message, and which message each event is.
//!
//! Who gets them is in [`server`](crate::server). Events of networks, pools and the
//! like are passed on as they come from the daemons that serve those.

use crate::objects::Domain;
use crate::typed_param::TypedParam;
use crate::xdr::{List, Reader, Wire, record};
use crate::{Error, Result};

record! {
    /// One end of a connection to a display.
    GraphicsAddress { family: i32, node: String, service: String }
    /// Who is at the other end of a connection to a display.
    GraphicsIdentity { kind: String, name: String }
}

/// Rows: number of the event, number of its message, number of its message in the
/// old protocol (0 when it has none), and its fields in the order of the message.
macro_rules! events {
    ($(
        $(#[$doc:meta])*
        $id:literal $procedure:literal $old:literal
        $name:ident { $($field:ident: $type:ty),* }
    )*) => {
        /// What happened to a domain, with the fields of libvirt's callbacks.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs, reason = "the fields are parameters of libvirt's callbacks")]
        #[non_exhaustive]
        pub enum DomainEvent {
            $( $(#[$doc])* $name { $($field: $type),* }, )*
        }

        impl DomainEvent {
            /// The number of the event (`virDomainEventID`).
            #[must_use]
            pub const fn id(&self) -> i32 {
                match self { $(Self::$name { .. } => $id),* }
            }

            /// The number of its message.
            #[must_use]
            pub const fn procedure(&self) -> i32 {
                match self { $(Self::$name { .. } => $procedure),* }
            }

            /// Whether a message of this number is an event of a domain.
            #[must_use]
            pub const fn is_message(procedure: i32) -> bool {
                matches!(procedure, $($procedure)|*)
            }

            /// The number of its message to clients that registered the old way.
            #[must_use]
            pub const fn old_procedure(&self) -> Option<i32> {
                let number = match self { $(Self::$name { .. } => $old),* };
                if number == 0 { None } else { Some(number) }
            }

            /// The domain.
            #[must_use]
            pub const fn domain(&self) -> &Domain {
                match self { $(Self::$name { dom, .. } => dom),* }
            }

            /// Appends the fields, without a callback's number.
            fn write_fields(&self, output: &mut Vec<u8>) -> Result<()> {
                match self {
                    $(Self::$name { $($field),* } => { $($field.write(output)?;)* })*
                }
                Ok(())
            }

            fn read_fields(procedure: i32, input: &mut Reader<'_>) -> Result<Self> {
                Ok(match procedure {
                    $($procedure => Self::$name {
                        $($field: Wire::read(input).map_err(|error| {
                            error.inside(concat!(stringify!($name), ".", stringify!($field)))
                        })?),*
                    },)*
                    _ => {
                        let message = format!("procedure {procedure} is not an event of domains");
                        return Err(Error::Conversation(message));
                    }
                })
            }
        }

        #[cfg(test)]
        impl DomainEvent {
            pub(crate) fn samples(source: &mut crate::sample::Source) -> Vec<Self> {
                vec![$(Self::$name { $($field: crate::sample::Sample::sample(source)),* }),*]
            }
        }
    };
}

events! {
    /// It was defined, started, stopped and so on.
    0 318 107 Lifecycle { dom: Domain, event: i32, detail: i32 }
    /// It rebooted.
    1 319 169 Reboot { dom: Domain }
    /// It changed its clock.
    2 320 170 RtcChange { dom: Domain, offset: i64 }
    /// Its watchdog barked.
    3 321 171 Watchdog { dom: Domain, action: i32 }
    /// A disk failed.
    4 322 172 IoError { dom: Domain, src_path: String, dev_alias: String, action: i32 }
    /// Somebody came to or left its display.
    5 323 173 Graphics {
        dom: Domain, phase: i32, local: GraphicsAddress, remote: GraphicsAddress,
        auth_scheme: String, subject: List<GraphicsIdentity, 20>
    }
    /// A disk failed, and why.
    6 324 195 IoErrorReason {
        dom: Domain, src_path: String, dev_alias: String, action: i32, reason: String
    }
    /// It can no longer be controlled.
    7 325 224 ControlError { dom: Domain }
    /// A job on a disk, by its path, changed.
    8 326 241 BlockJob { dom: Domain, path: String, kind: i32, status: i32 }
    /// A medium was changed.
    9 327 248 DiskChange {
        dom: Domain, old_src_path: Option<String>, new_src_path: Option<String>,
        dev_alias: String, reason: i32
    }
    /// A tray was opened or closed.
    10 328 268 TrayChange { dom: Domain, dev_alias: String, reason: i32 }
    /// It woke up.
    11 329 269 PMWakeup { reason: i32, dom: Domain }
    /// It sleeps in memory.
    12 330 270 PMSuspend { reason: i32, dom: Domain }
    /// Its memory changed, in KiB.
    13 331 276 BalloonChange { dom: Domain, actual: u64 }
    /// It sleeps on disk.
    14 332 292 PMSuspendDisk { reason: i32, dom: Domain }
    /// A device is gone.
    15 333 311 DeviceRemoved { dom: Domain, dev_alias: String }
    /// A job on a disk, by its name, changed.
    16 339 0 BlockJob2 { dom: Domain, dst: String, kind: i32, status: i32 }
    /// A setting of its scheduling or disks changed.
    17 346 0 Tunable { dom: Domain, params: List<TypedParam, 2048> }
    /// The agent in it came or went.
    18 348 0 AgentLifecycle { dom: Domain, state: i32, reason: i32 }
    /// A device is there.
    19 354 0 DeviceAdded { dom: Domain, dev_alias: String }
    /// A round of its migration began.
    20 359 0 MigrationIteration { dom: Domain, iteration: i32 }
    /// A job ended, and its statistics.
    21 363 0 JobCompleted { dom: Domain, params: List<TypedParam, 64> }
    /// A device did not go.
    22 367 0 DeviceRemovalFailed { dom: Domain, dev_alias: String }
    /// Its title, description or metadata changed.
    23 379 0 MetadataChange { dom: Domain, kind: i32, nsuri: Option<String> }
    /// A disk wrote beyond a mark.
    24 385 0 BlockThreshold {
        dom: Domain, dev: String, path: Option<String>, threshold: u64, excess: u64
    }
    /// Its memory is faulty.
    25 423 0 MemoryFailure { dom: Domain, recipient: i32, action: i32, flags: u32 }
    /// A memory device changed its size, in KiB.
    26 438 0 MemoryDeviceSizeChange { dom: Domain, alias: String, size: u64 }
}

/// The highest number of an event that clients may register for.
pub const LAST_EVENT: i32 = 26;

impl DomainEvent {
    /// Appends the message for a callback.
    ///
    /// # Errors
    /// When it is longer than the protocol allows.
    pub fn write(&self, callback: i32, output: &mut Vec<u8>) -> Result<()> {
        callback.write(output)?;
        self.write_fields(output)
    }

    /// Appends the message for a client that registered the old way. It has no
    /// reasons for sleeping and waking.
    ///
    /// # Errors
    /// When it is longer than the protocol allows.
    pub fn write_old(&self, output: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::PMWakeup { dom, .. }
            | Self::PMSuspend { dom, .. }
            | Self::PMSuspendDisk { dom, .. } => dom.write(output),
            _ => self.write_fields(output),
        }
    }

    /// The callback's number and the event of a message.
    ///
    /// # Errors
    /// When the procedure is not an event of domains or the bytes are not its.
    pub fn read(procedure: i32, payload: &[u8]) -> Result<(i32, Self)> {
        let mut input = Reader::new(payload);
        let callback = i32::read(&mut input)?;
        let event = Self::read_fields(procedure, &mut input)?;
        input.finish()?;
        Ok((callback, event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::procedure;
    use crate::sample::Source;
    use proptest::prelude::*;

    #[test]
    fn each_event_is_a_message_of_the_table() {
        let events = DomainEvent::samples(&mut Source::new(Vec::new()));
        let ids: Vec<i32> = events.iter().map(DomainEvent::id).collect();
        assert_eq!(ids, (0..=LAST_EVENT).collect::<Vec<i32>>());
        for event in events {
            let name = procedure(event.procedure()).unwrap().name;
            assert!(name.contains("Event"), "{name}");
            let Some(old) = event.old_procedure() else {
                continue;
            };
            let old = procedure(old)
                .unwrap()
                .name
                .replace("Event", "EventCallback");
            assert_eq!(name, old);
        }
    }

    #[test]
    fn a_life_cycle_is_written_as_captured() {
        let event = DomainEvent::Lifecycle {
            dom: Domain {
                name: "web".into(),
                uuid: [0xab; 16],
                id: -1,
            },
            event: 5,
            detail: 1,
        };
        let mut bytes = Vec::new();
        event.write(2, &mut bytes).unwrap();
        let expected = [
            &b"\0\0\0\x02\0\0\0\x03web\0"[..],
            &[0xab; 16],
            b"\xff\xff\xff\xff\0\0\0\x05\0\0\0\x01",
        ];
        assert_eq!(bytes, expected.concat());
        let mut old = Vec::new();
        event.write_old(&mut old).unwrap();
        assert_eq!(old, bytes[4..]);
    }

    proptest! {
        #[test]
        fn events_are_read_as_they_were_written(
            numbers in proptest::collection::vec(any::<u64>(), 0..300),
            callback in any::<i32>(),
        ) {
            for event in DomainEvent::samples(&mut Source::new(numbers)) {
                let mut bytes = Vec::new();
                event.write(callback, &mut bytes).unwrap();
                prop_assert_eq!(
                    DomainEvent::read(event.procedure(), &bytes),
                    Ok((callback, event))
                );
            }
        }
    }
}
