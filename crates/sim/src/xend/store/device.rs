//! The two folders of each device: the front end's in the guest's home, the back
//! end's in Domain-0's.

use tokio::time::Instant;

use super::{Folder, Rights};
use crate::release::{Facts, Release};
use crate::state::behaviour::Hotplug;
use crate::state::{Active, Domain, StoreDevice};

/// States of the two ends, of Xen's protocol between them.
const WAITS: &str = "2";
const CONNECTED: &str = "4";

/// Writes the folders of all devices.
pub(super) fn nodes(home: &mut Folder, domain: &Domain, active: &Active, facts: &Facts) {
    home.in_folder("device", Rights::Guest);
    for device in &active.devices {
        let class = folder_of(&device.class);
        home.in_folder(&format!("device/{class}"), Rights::Guest);
        front_end(home, class, active.domid, device, facts);
        back_end(home, class, domain, active.domid, device, facts);
    }
}

fn front_end(home: &mut Folder, class: &str, domid: u32, device: &StoreDevice, facts: &Facts) {
    let rights = if facts.release > Release::V3_0_1 {
        Rights::GuestForHost
    } else {
        Rights::Guest
    };
    let id = device.id;
    let state = state(device);
    let mut front = home.in_folder(&format!("device/{class}/{id}"), rights);
    for (name, value) in &device.front {
        if name != "state" {
            front.put(name, value);
        }
    }
    if class == "vif" {
        front.put("handle", id);
        if let Some(mac) = device.back("mac") {
            front.put("mac", mac);
        }
    }
    front.put("state", state);
    front.put("backend-id", 0);
    front.put("backend", &back_path(class, domid, id));
}

fn back_end(
    home: &mut Folder,
    class: &str,
    domain: &Domain,
    domid: u32,
    device: &StoreDevice,
    facts: &Facts,
) {
    let path = back_path(class, domid, device.id);
    let rights = Rights::HostForGuest;
    let front = format!("/local/domain/{domid}/device/{class}/{}", device.id);
    let mut put = |name: &str, value: &str| {
        home.set(format!("{path}/{name}"), value.to_owned(), rights);
    };
    for (name, value) in &device.back {
        put(name, value);
    }
    put("domain", &domain.config.name);
    put("frontend", &front);
    put("frontend-id", &domid.to_string());
    put("state", state(device));
    if class == "vif" {
        put("handle", &device.id.to_string());
    }
    if facts.release > Release::V3_0_1 {
        put("online", "1");
    }
    match device.hotplug {
        Hotplug::Connects if !connected(device) || class == "console" => {}
        Hotplug::Connects => {
            if class == "vbd" {
                put("node", "/dev/loop0");
                put("physical-device", "7:0");
            }
            put("hotplug-status", "connected");
        }
        Hotplug::Fails => put("hotplug-status", "error"),
        Hotplug::Busy => put("hotplug-status", "busy"),
        Hotplug::Never => {}
    }
    home.set(path, String::new(), rights);
}

/// The folder of a class: two kinds of disks share one.
fn folder_of(class: &str) -> &str {
    if class == "tap2" { "vbd" } else { class }
}

fn back_path(class: &str, domid: u32, id: i64) -> String {
    format!("/local/domain/0/backend/{class}/{domid}/{id}")
}

fn connected(device: &StoreDevice) -> bool {
    device.hotplug == Hotplug::Connects && device.connects <= Instant::now()
}

fn state(device: &StoreDevice) -> &'static str {
    if connected(device) { CONNECTED } else { WAITS }
}
