//! What libxl and the back ends keep in XenStore of a guest.
//!
//! | place | what |
//! | --- | --- |
//! | `/local/domain/N` | its home: name, memory, console, front ends |
//! | `/local/domain/0/backend/CLASS/N/NUMBER` | back ends |
//! | `/libxl/N` | kind, and the back ends' settings once more |
//! | `/local/domain/0/device-model/N` | the state of its emulator, if it has one |
//! | `/vm/UUID` | name, uuid, what was started |

use super::config::{Kept, section, text_of};
use super::create::vnc_port;
use super::emulator;
use crate::state::behaviour::Hotplug;
use crate::state::{Active, Domain, StoreDevice};
use crate::xend::store::{Folder, Nodes, Rights, StoreNode, vm_path};
use tokio::time::Instant;

/// States of the two ends of a device.
const WAITS: &str = "2";
const CONNECTED: &str = "4";

/// The nodes of a guest that libxl started.
pub(crate) fn nodes(domain: &Domain, active: &Active, kept: &Kept) -> Nodes {
    let mut home = home(domain, active);
    processors(&mut home, domain, active);
    console(&mut home, active, kept);
    guests_own(&mut home, kept);
    let mut libxl = Folder::new(format!("/libxl/{}", active.domid), Rights::Host);
    libxl.put("type", kept.kind.as_str());
    if kept.kind == "hvm" {
        libxl.put("dm-version", "qemu_xen");
    }
    let mut back = Nodes::new();
    for device in &active.devices {
        back.append(&mut device_nodes(
            &mut home,
            &mut libxl,
            active.domid,
            device,
        ));
    }
    let mut emulator = emulator_nodes(&mut home, active, kept);
    let mut nodes = home.nodes;
    nodes.append(&mut libxl.nodes);
    nodes.append(&mut back);
    nodes.append(&mut emulator);
    nodes.append(&mut machine(domain, kept));
    nodes
}

fn home(domain: &Domain, active: &Active) -> Folder {
    let path = format!("/local/domain/{}", active.domid);
    let mut home = Folder::new(path, Rights::HostForGuest);
    home.put("vm", vm_path(&domain.config.uuid).as_str());
    home.put("name", domain.config.name.as_str());
    home.put("domid", active.domid);
    let mut memory = home.in_folder("memory", Rights::HostForGuest);
    memory.put("static-max", domain.config.static_max.saturating_mul(1024));
    memory.put("target", active.memory.saturating_mul(1024));
    let mut store = home.in_folder("store", Rights::HostForGuest);
    store.put("port", 1);
    store.put("ring-ref", 1_044_476);
    home
}

fn processors(home: &mut Folder, domain: &Domain, active: &Active) {
    home.in_folder("cpu", Rights::HostForGuest);
    for cpu in 0..domain.config.vcpus {
        let state = if active.is_online(cpu) {
            "online"
        } else {
            "offline"
        };
        home.in_folder(&format!("cpu/{cpu}"), Rights::HostForGuest)
            .put("availability", state);
    }
}

fn console(home: &mut Folder, active: &Active, kept: &Kept) {
    let domid = active.domid;
    let terminal = active.terminal.as_ref();
    let terminal = terminal.map_or(String::new(), |it| it.path().display().to_string());
    let emulated = kept.kind == "hvm";
    let mut console = home.in_folder("console", Rights::HostForGuest);
    console.put(
        "backend",
        format!("/local/domain/0/backend/console/{domid}/0").as_str(),
    );
    console.put("backend-id", 0);
    console.put("limit", 1_048_576);
    console.put("type", if emulated { "ioemu" } else { "xenconsoled" });
    console.put("output", "pty");
    console.put("tty", terminal.as_str());
    console.put("port", 2);
    console.put("ring-ref", 1_044_479);
    if let Some(port) = vnc_port(kept, domid) {
        console.put("vnc-port", port);
    }
    let build = section(&kept.config, "b_info");
    let serial = section(&build, "type.hvm");
    if emulated && text_of(&serial, "serial").or(text_of(&build, "serial")) == Some("pty") {
        home.in_folder("serial", Rights::HostForGuest);
        home.in_folder("serial/0", Rights::HostForGuest)
            .put("tty", terminal.as_str());
    }
}

/// What the guest may write, and what it is told that it may be asked.
fn guests_own(home: &mut Folder, kept: &Kept) {
    let mut control = home.in_folder("control", Rights::HostForGuest);
    for feature in ["feature-poweroff", "feature-reboot", "feature-suspend"] {
        control.put(feature, "");
    }
    control.put("platform-feature-multiprocessor-suspend", 1);
    control.put("platform-feature-xs_reset_watches", 1);
    for folder in ["data", "drivers", "feature", "attr", "error", "device"] {
        home.in_folder(folder, Rights::Guest);
    }
    if kept.kind == "hvm" {
        home.in_folder("hvmloader", Rights::HostForGuest)
            .put("bios", "seabios");
    }
}

/// Both ends of a device. What the back end has is returned.
fn device_nodes(home: &mut Folder, libxl: &mut Folder, domid: u32, device: &StoreDevice) -> Nodes {
    let (class, id) = (device.class.as_str(), device.id);
    // Served by the emulator or by the kernel, a disk is one to its guest.
    let front_class = if class == "qdisk" { "vbd" } else { class };
    let state = if is_connected(device) {
        CONNECTED
    } else {
        WAITS
    };
    let back_path = format!("/local/domain/0/backend/{class}/{domid}/{id}");
    let front_path = format!("/local/domain/{domid}/device/{front_class}/{id}");
    home.in_folder(&format!("device/{front_class}"), Rights::Guest);
    let mut front = home.in_folder(&format!("device/{front_class}/{id}"), Rights::GuestForHost);
    front.put("backend", back_path.as_str());
    front.put("backend-id", 0);
    front.put("state", state);
    for (name, value) in &device.front {
        front.put(name, value.as_str());
    }
    let mut nodes = Nodes::new();
    let mut back = |name: &str, value: &str| {
        let node = StoreNode {
            value: value.to_owned(),
            rights: Rights::HostForGuest,
        };
        nodes.insert(format!("{back_path}{name}"), node);
    };
    back("", "");
    back("/frontend", &front_path);
    back("/frontend-id", &domid.to_string());
    back("/online", "1");
    back("/state", state);
    for (name, value) in &device.back {
        back(&format!("/{name}"), value);
    }
    match device.hotplug {
        Hotplug::Connects if is_connected(device) && class != "vkbd" && class != "vfb" => {
            back("/hotplug-status", "connected");
        }
        Hotplug::Fails => back("/hotplug-status", "error"),
        _ => {}
    }
    libxl.in_folder("device", Rights::Host);
    libxl.in_folder(&format!("device/{front_class}"), Rights::Host);
    let mut own = libxl.in_folder(&format!("device/{front_class}/{id}"), Rights::Host);
    own.put("frontend", front_path.as_str());
    own.put("backend", back_path.as_str());
    own.put("frontend-id", domid);
    for (name, value) in &device.back {
        own.put(name, value.as_str());
    }
    nodes
}

fn is_connected(device: &StoreDevice) -> bool {
    device.hotplug == Hotplug::Connects && device.connects <= Instant::now()
}

/// That a guest's emulator has started; whether it runs still is not there.
fn emulator_nodes(home: &mut Folder, active: &Active, kept: &Kept) -> Nodes {
    let Some(pid) = emulator::process(active, kept) else {
        return Nodes::new();
    };
    let mut image = home.in_folder("image", Rights::Host);
    image.put("device-model-pid", pid);
    let path = format!("/local/domain/0/device-model/{}", active.domid);
    let mut folder = Folder::new(path, Rights::Host);
    folder.put("state", "running");
    folder.nodes
}

fn machine(domain: &Domain, kept: &Kept) -> Nodes {
    let config = &domain.config;
    let mut vm = Folder::new(vm_path(&config.uuid), Rights::HostForGuest);
    vm.put("uuid", config.uuid.as_str());
    vm.put("name", config.name.as_str());
    if let Some(time) = config.start_time {
        vm.put("start_time", format!("{time:.2}").as_str());
    }
    let mut image = vm.in_folder("image", Rights::HostForGuest);
    image.put("ostype", if kept.kind == "pv" { "linux" } else { "hvm" });
    if !config.kernel.is_empty() {
        image.put("kernel", config.kernel.as_str());
        image.put("cmdline", config.args.as_str());
        image.put("ramdisk", config.ramdisk.as_str());
    }
    vm.nodes
}
