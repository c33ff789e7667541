//! What is kept in mind of each domain's home, so that a change of it can be told:
//! name, balloon target, devices. Which changes are worth telling is in `watch`.
//!
//! Guests write into their homes: what is kept is bounded.

use super::{Facts, name_path};
use crate::HostEvent;
use std::collections::{HashMap, HashSet};
use virtxen_guest::{DomId, MemoryKib};
use virtxen_xenstore::Error;

/// Where all domains have their homes.
pub(super) const HOMES: &str = "/local/domain";

/// Where libxl notes what domains have.
pub(super) const NOTES: &str = "/libxl";

/// The class of USB devices of the host in events; their number is that of the guest's
/// controller, times 256, and the port.
const USB: &str = "usb";

/// Most devices of a domain that are kept in mind.
const DEVICES_MAX: usize = 1024;

/// Longest class of a device that is kept in mind.
const CLASS_MAX: usize = 32;

/// What a path below the homes is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The whole home.
    Home,
    /// The domain's name.
    Name,
    /// The memory that it was started for.
    MostMemory,
    /// Its balloon target.
    Target,
    /// An order to shut down.
    Order,
    /// All devices, or those of a class: their folder was removed as a whole.
    Devices(Option<String>),
    /// USB devices of the host: what is at the ports of its controllers.
    Usb,
    /// A device of a class, or something of it.
    Device {
        class: String,
        number: u32,
        /// The path is the device's own folder.
        is_whole: bool,
    },
}

impl Part {
    /// The domain and its part that a path names; `None` for what tells nothing.
    pub(super) fn of(path: &str) -> Option<(u32, Self)> {
        let Some(rest) = path.strip_prefix(HOMES) else {
            return Self::noted(path);
        };
        let rest = rest.strip_prefix('/')?;
        if let Some(backend) = rest.strip_prefix("0/backend/") {
            return Self::served(backend);
        }
        let mut parts = rest.split('/');
        let domid = parts.next()?.parse().ok()?;
        let part = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (None, ..) => Self::Home,
            (Some("name"), None, ..) => Self::Name,
            (Some("memory"), Some("target"), None, _) => Self::Target,
            (Some("memory"), Some("static-max"), None, _) => Self::MostMemory,
            (Some("control"), Some("shutdown"), None, _) => Self::Order,
            (Some("device"), None, ..) => Self::Devices(None),
            (Some("device"), Some(class), None, _) => Self::Devices(Some(class.to_owned())),
            (Some("device"), Some(class), Some(number), below) if is_device(class) => {
                Self::Device {
                    class: class.to_owned(),
                    number: number.parse().ok()?,
                    is_whole: below.is_none(),
                }
            }
            _ => return None,
        };
        Some((domid, part))
    }

    /// What libxl notes: emulated USB controllers have no back end.
    fn noted(path: &str) -> Option<(u32, Self)> {
        let mut parts = path.strip_prefix(NOTES)?.strip_prefix('/')?.split('/');
        let domid = parts.next()?.parse().ok()?;
        let is_usb = (parts.next(), parts.next()) == (Some("device"), Some("vusb"));
        is_usb.then_some((domid, Self::Usb))
    }

    fn served(backend: &str) -> Option<(u32, Self)> {
        let mut parts = backend.split('/');
        let is_usb = matches!(parts.next(), Some("qusb" | "vusb"));
        let domid = parts.next()?.parse().ok()?;
        is_usb.then_some((domid, Self::Usb))
    }
}

/// Whether people add and remove what is in this folder: XenD makes the console when
/// somebody first asks it for the domain.
fn is_device(class: &str) -> bool {
    class != "console" && class.len() <= CLASS_MAX
}

/// One domain's home.
#[derive(Debug, Default)]
struct Home {
    name: Option<String>,
    target: Option<u64>,
    devices: HashSet<(String, u32)>,
}

/// The homes of all domains that are kept in mind.
pub(super) struct Homes {
    facts: Facts,
    homes: HashMap<u32, Home>,
}

impl Homes {
    pub(super) fn new(facts: Facts) -> Self {
        Self {
            facts,
            homes: HashMap::new(),
        }
    }

    pub(super) fn forget_all(&mut self) {
        self.homes.clear();
    }

    pub(super) fn forget(&mut self, domid: u32) {
        self.homes.remove(&domid);
    }

    /// Keeps in mind what these domains have now.
    pub(super) async fn read(&mut self, domids: &[u32]) {
        let target = |domid: &u32| format!("{HOMES}/{domid}/memory/target");
        let paths = domids
            .iter()
            .flat_map(|domid| [name_path(*domid), target(domid)]);
        let values = self.facts.read(&paths.collect::<Vec<_>>()).await;
        let values = values.unwrap_or_default();
        let mut values = values.into_iter();
        for domid in domids {
            let (name, target) = (values.next().flatten(), values.next().flatten());
            let home = Home {
                name,
                target: target.and_then(|text| text.parse().ok()),
                devices: self.devices(*domid).await,
            };
            self.homes.insert(*domid, home);
        }
    }

    /// Whether a change of this part tells nothing new.
    pub(super) fn knows(&self, domid: u32, part: &Part) -> bool {
        let Part::Device {
            class,
            number,
            is_whole: false,
        } = part
        else {
            return false;
        };
        let home = self.homes.get(&domid);
        home.is_some_and(|home| home.devices.contains(&(class.clone(), *number)))
    }

    /// What has changed; nothing when it is as it was.
    pub(super) async fn change(&mut self, domid: u32, part: Part, path: &str) -> Vec<HostEvent> {
        if part == Part::Usb {
            return self.usb_changes(domid).await;
        }
        let Part::Devices(of) = part else {
            return self.one(domid, part, path).await.into_iter().collect();
        };
        let known = self.homes.get(&domid).map(|home| home.devices.iter());
        let meant = |it: &&(String, u32)| of.as_ref().is_none_or(|class| it.0 == *class);
        let known = known.into_iter().flatten().filter(|it| it.0 != USB);
        let known: Vec<_> = known.filter(meant).cloned().collect();
        let mut events = Vec::new();
        for (class, number) in known {
            events.extend(self.device(domid, class, number).await);
        }
        events
    }

    async fn one(&mut self, domid: u32, part: Part, path: &str) -> Option<HostEvent> {
        match part {
            Part::Home | Part::MostMemory | Part::Order | Part::Devices(_) | Part::Usb => None,
            Part::Name => {
                let name = self.text(path).await?;
                let home = self.homes.entry(domid).or_default();
                let before = home.name.replace(name.clone());
                let is_new = before.is_some_and(|before| before != name);
                let domid = DomId(domid);
                is_new.then_some(HostEvent::Renamed { domid, name })
            }
            Part::Target => {
                let target = self.text(path).await?.parse().ok()?;
                let home = self.homes.entry(domid).or_default();
                let is_new = home.target.replace(target) != Some(target);
                let (domid, target) = (DomId(domid), MemoryKib(target));
                is_new.then_some(HostEvent::MemoryTarget { domid, target })
            }
            Part::Device { class, number, .. } => self.device(domid, class, number).await,
        }
    }

    async fn device(&mut self, domid: u32, class: String, number: u32) -> Option<HostEvent> {
        let path = format!("{HOMES}/{domid}/device/{class}/{number}");
        let there = match self.facts.store().directory(&path).await {
            Ok(_) => true,
            Err(Error::NotFound { .. }) => false,
            Err(_) => return None,
        };
        let devices = &mut self.homes.entry(domid).or_default().devices;
        let key = (class, number);
        let changed = match there {
            true => devices.len() < DEVICES_MAX && devices.insert(key.clone()),
            false => devices.remove(&key),
        };
        changed.then_some(device_event(domid, key, there))
    }

    async fn usb_changes(&mut self, domid: u32) -> Vec<HostEvent> {
        let Some(now) = self.usb(domid).await else {
            return Vec::new();
        };
        let devices = &mut self.homes.entry(domid).or_default().devices;
        let before: HashSet<_> = devices.extract_if(|it| it.0 == USB).collect();
        devices.extend(now.iter().cloned());
        let gone = before.difference(&now).map(|it| (it, false));
        let new = now.difference(&before).map(|it| (it, true));
        let changes = gone.chain(new);
        changes
            .map(|(it, is_there)| device_event(domid, it.clone(), is_there))
            .collect()
    }

    async fn usb(&self, domid: u32) -> Option<HashSet<(String, u32)>> {
        let there = self.facts.usb(DomId(domid)).await.ok()?;
        let devices = there.devices.iter().take(DEVICES_MAX);
        let key = |controller: u32, port| controller.saturating_mul(256).saturating_add(port);
        Some(
            devices
                .map(|it| (USB.to_owned(), key(it.controller, it.port)))
                .collect(),
        )
    }

    /// The devices that a domain has.
    async fn devices(&self, domid: u32) -> HashSet<(String, u32)> {
        let store = self.facts.store();
        let folder = format!("{HOMES}/{domid}/device");
        let mut devices = self.usb(domid).await.unwrap_or_default();
        // A domain without devices, or one that has gone meanwhile.
        for class in store.directory(&folder).await.unwrap_or_default() {
            if !is_device(&class) {
                continue;
            }
            let numbers = store.directory(&format!("{folder}/{class}")).await;
            for number in numbers.unwrap_or_default() {
                if let (Ok(number), true) = (number.parse(), devices.len() < DEVICES_MAX) {
                    devices.insert((class.clone(), number));
                }
            }
        }
        devices
    }

    async fn text(&self, path: &str) -> Option<String> {
        self.facts.store().read_text(path).await.ok().flatten()
    }
}

fn device_event(domid: u32, (class, number): (String, u32), is_there: bool) -> HostEvent {
    let domid = DomId(domid);
    match is_there {
        true => HostEvent::DeviceAdded {
            domid,
            class,
            number,
        },
        false => HostEvent::DeviceRemoved {
            domid,
            class,
            number,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_say_what_has_changed() {
        let device = |number, is_whole| Part::Device {
            class: "vbd".to_owned(),
            number,
            is_whole,
        };
        for (path, part) in [
            ("/local/domain/7", Some(Part::Home)),
            ("/local/domain/7/name", Some(Part::Name)),
            ("/local/domain/7/memory/target", Some(Part::Target)),
            ("/local/domain/7/memory/static-max", Some(Part::MostMemory)),
            ("/local/domain/7/control/shutdown", Some(Part::Order)),
            (
                "/local/domain/7/device/vbd/51712",
                Some(device(51712, true)),
            ),
            ("/local/domain/7/device/vbd/1/state", Some(device(1, false))),
            ("/local/domain/7/device/vbd/x/state", None),
            (
                "/local/domain/7/device/vbd",
                Some(Part::Devices(Some("vbd".to_owned()))),
            ),
            ("/local/domain/7/device", Some(Part::Devices(None))),
            ("/local/domain/7/device/console/0", None),
            ("/local/domain/0/backend/qusb/7/0/port/2", Some(Part::Usb)),
            ("/local/domain/0/backend/vbd/7/51712/state", None),
            ("/libxl/7/device/vusb/0/port/1", Some(Part::Usb)),
            ("/libxl/7/device/vbd/51712", None),
            ("/local/domain/7/data/name", None),
            ("/local/domain/x/name", None),
            ("/vm/7/name", None),
        ] {
            assert_eq!(Part::of(path), part.map(|part| (7, part)), "{path}");
        }
    }
}
