//! Consoles and screens, which XenD learns of after it has made a domain.
//!
//! It looks at a domain now and then, and writes down what it finds; until then
//! replies do not have them.

use virtxen_formats::sxpr::Sxpr;

use crate::release::Facts;
use crate::state::behaviour::Hotplug;
use crate::state::{Active, Key, State, StoreDevice};
use crate::xend::config::Device;
use crate::xend::dict::PyDict;

/// How far XenD has come with a console that it has learnt of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Console {
    /// It is in the configuration.
    Configured,
    /// It is in the store.
    Stored,
}

/// XenD learns of the console of a domain, and of where its screen is.
pub(super) fn update_consoles(state: &mut State, key: Key, wanted: Console) {
    if !state.facts.consoles {
        return;
    }
    let facts = state.facts;
    let fresh = state.entropy.uuid();
    let Some(domain) = state.get_mut(key) else {
        return;
    };
    let Some(active) = domain.active.as_mut().filter(|active| active.domid != 0) else {
        return;
    };
    if wanted == Console::Stored && (domain.config.hvm || facts.pv_vnc_location) {
        locate_screens(active, &facts);
    }
    let known = domain.config.devices.consoles.iter().find(|uuid| {
        let device = domain.config.devices.all.get(uuid.as_str());
        device.is_some_and(|device| device.class == "console")
    });
    let uuid = known.cloned().unwrap_or(fresh);
    if domain.config.devices.all.get(uuid.as_str()).is_none() {
        let device = console_device(&uuid);
        domain.config.devices.all.set(uuid.as_str(), device);
        domain.config.devices.consoles.push(uuid.clone());
    }
    if wanted == Console::Stored && active.device("console", 0).is_none() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        active.devices.push(StoreDevice {
            class: "console".to_owned(),
            id: 0,
            uuid: uuid.clone(),
            back: vec![
                pair("location", CONSOLE_PORT),
                pair("uuid", &uuid),
                pair("protocol", "vt100"),
            ],
            front: Vec::new(),
            connects: tokio::time::Instant::now(),
            hotplug: Hotplug::Connects,
        });
    }
}

/// The event channel of every console here.
const CONSOLE_PORT: &str = "3";

fn console_device(uuid: &str) -> Device {
    let mut device = Device {
        class: "console".to_owned(),
        info: PyDict::with_room(4),
        lists: Vec::new(),
    };
    device.info.set("uuid", Sxpr::atom(uuid));
    device.info.set("protocol", Sxpr::atom("vt100"));
    device.info.set("location", Sxpr::atom(CONSOLE_PORT));
    device.info.set("other_config", Sxpr::list(Vec::new()));
    device
}

/// The device model tells on which port it shows a screen.
fn locate_screens(active: &mut Active, facts: &Facts) {
    let port = 5900 + active.domid;
    for device in active.devices.iter_mut().filter(|d| d.class == "vfb") {
        let sdl = device.back("sdl").is_some() || device.back("type") == Some("sdl");
        if (facts.sdl_location || !sdl) && device.back("location").is_none() {
            let listen = device.back("vnclisten").unwrap_or(facts.screen_address);
            let place = format!("{listen}:{port}");
            device.back.push(("location".to_owned(), place));
        }
    }
}
