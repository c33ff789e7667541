//! What XenD and the back ends keep in xenstore for an active domain.
//!
//! Only which nodes there are: when they come and go is in `state`. The nodes are
//! those of recorded stores; some that nobody reads (notes of a kernel, pools)
//! are left out.

mod device;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use virtxen_xenstore::Permission;

use crate::release::{Facts, Release};
use crate::state::{Active, CPUS, Domain, Glimpse};
use crate::xend::config::Config;

/// Nodes by path.
pub(crate) type Nodes = BTreeMap<String, StoreNode>;

/// A node: what it says and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoreNode {
    pub(crate) value: String,
    pub(crate) rights: Rights,
}

/// Whose a node is, and who else reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    /// Domain-0's alone.
    Host,
    /// Domain-0's; the guest reads it.
    HostForGuest,
    /// The guest's.
    Guest,
    /// The guest's; Domain-0 is told in so many words that it reads it.
    GuestForHost,
}

impl Rights {
    /// As xenstored has them, for the guest of this number.
    pub(crate) fn permissions(self, domid: u32) -> Arc<[Permission]> {
        let owner = |domid| Permission {
            domid,
            read: false,
            write: false,
        };
        let reader = |domid| Permission {
            domid,
            read: true,
            write: false,
        };
        match self {
            Self::Host => Arc::new([owner(0)]),
            Self::HostForGuest => Arc::new([owner(0), reader(domid)]),
            Self::Guest => Arc::new([owner(domid)]),
            Self::GuestForHost => Arc::new([owner(domid), reader(0)]),
        }
    }
}

/// The nodes of an active domain; none for an inactive one.
pub(crate) fn nodes(domain: &Domain, facts: &Facts) -> Nodes {
    let Some(active) = &domain.active else {
        return Nodes::new();
    };
    if let Some(kept) = &active.libxl {
        return crate::libxl::store::nodes(domain, active, kept);
    }
    let mut home = home(&Glimpse::of(domain), active, facts);
    processors(&mut home, active, &domain.config);
    console(&mut home, domain, active, facts);
    if active.domid != 0 {
        guests_own(&mut home, active, facts);
        device::nodes(&mut home, domain, active, facts);
    }
    let mut nodes = home.nodes;
    nodes.append(&mut configuration(domain, active, facts));
    nodes
}

/// How many nodes [`glance`] gives.
pub(crate) const GLANCE: usize = 7;

/// The few nodes that a listing of domains reads.
pub(crate) fn glance(domain: &Glimpse<'_>, active: &Active, facts: &Facts) -> Nodes {
    let mut nodes = home(domain, active, facts).nodes;
    nodes.append(&mut Folder::new(vm_path(domain.uuid), Rights::Host).nodes);
    nodes
}

/// The domain's home with what says who it is.
fn home(domain: &Glimpse<'_>, active: &Active, facts: &Facts) -> Folder {
    // Up to 3.3 a guest could write all of its own folder.
    let own = if facts.release >= Release::V3_4 {
        Rights::HostForGuest
    } else {
        Rights::Guest
    };
    let mut home = Folder::new(format!("/local/domain/{}", active.domid), own);
    home.put("vm", &vm_path(domain.uuid));
    home.put("name", domain.name);
    home.put("domid", active.domid);
    home.in_folder("memory", Rights::Guest)
        .put("target", active.memory.saturating_mul(1024));
    home
}

/// Where a domain's configuration is.
pub(crate) fn vm_path(uuid: &str) -> String {
    format!("/vm/{uuid}")
}

/// A folder that is being filled.
pub(crate) struct Folder {
    path: String,
    rights: Rights,
    pub(crate) nodes: Nodes,
}

impl Folder {
    /// A folder of this path.
    pub(crate) fn new(path: String, rights: Rights) -> Self {
        let mut folder = Self {
            path: path.clone(),
            rights,
            nodes: Nodes::new(),
        };
        folder.set(path, String::new(), rights);
        folder
    }

    /// A node in it.
    pub(crate) fn put(&mut self, name: &str, value: impl Display + Copy) {
        let path = format!("{}/{name}", self.path);
        self.set(path, value.to_string(), self.rights);
    }

    /// A folder in this one whose nodes are somebody else's; with its own path.
    pub(crate) fn in_folder(&mut self, name: &str, rights: Rights) -> Inner<'_> {
        let path = format!("{}/{name}", self.path);
        self.set(path.clone(), String::new(), rights);
        Inner {
            path,
            rights,
            folder: self,
        }
    }

    fn set(&mut self, path: String, value: String, rights: Rights) {
        self.nodes.insert(path, StoreNode { value, rights });
    }
}

/// A folder inside one that is being filled.
pub(crate) struct Inner<'a> {
    path: String,
    rights: Rights,
    folder: &'a mut Folder,
}

impl Inner<'_> {
    /// A node in it.
    pub(crate) fn put(&mut self, name: &str, value: impl Display + Copy) {
        let path = format!("{}/{name}", self.path);
        self.folder.set(path, value.to_string(), self.rights);
    }
}

fn processors(home: &mut Folder, active: &Active, config: &Config) {
    let rights = home.rights;
    home.in_folder("cpu", rights);
    let count = if active.domid == 0 {
        CPUS
    } else {
        config.vcpus
    };
    for cpu in 0..count {
        let online = match active.domid {
            0 => cpu < i64::from(config.vcpu_avail.count_ones()),
            _ => active.is_online(cpu),
        };
        let state = if online { "online" } else { "offline" };
        home.in_folder(&format!("cpu/{cpu}"), rights)
            .put("availability", state);
    }
}

/// The shared pages, and where a user reaches the guest.
fn console(home: &mut Folder, domain: &Domain, active: &Active, facts: &Facts) {
    let hvm = domain.config.hvm;
    let screen = hvm || active.devices.iter().any(|device| device.class == "vfb");
    let rights = home.rights;
    let mut console = home.in_folder("console", rights);
    console.put("limit", 1_048_576);
    if facts.release >= Release::V3_2 {
        let kind = if screen { "ioemu" } else { "xenconsoled" };
        console.put("type", kind);
    }
    if active.domid == 0 {
        return;
    }
    console.put("port", 3);
    if !hvm {
        console.put("ring-ref", 128_177);
    }
    let terminal = active.terminal.as_ref();
    let terminal = terminal.map_or(String::new(), |it| it.path().display().to_string());
    if !hvm {
        console.put("tty", &terminal);
    }
    if screen {
        console.put("vnc-port", 5900 + active.domid);
    }
    let mut store = home.in_folder("store", rights);
    store.put("port", 2);
    store.put("ring-ref", if hvm { 260_095 } else { 128_178 });
    if hvm
        && domain
            .config
            .setting("serial")
            .is_some_and(|to| to == "pty")
    {
        home.in_folder("serial", rights);
        home.in_folder("serial/0", rights).put("tty", &terminal);
    }
}

/// What the guest may write.
fn guests_own(home: &mut Folder, active: &Active, facts: &Facts) {
    let since = |first: Release| facts.release >= first;
    if since(Release::V3_1) {
        let mut control = home.in_folder("control", Rights::Guest);
        control.put("platform-feature-multiprocessor-suspend", 1);
        if since(Release::V4_2) {
            control.put("platform-feature-xs_reset_watches", 1);
        }
    }
    let folders: &[(&str, Release)] = &[
        ("error", Release::V3_4),
        ("guest", Release::V3_4),
        ("hvmpv", Release::V3_4),
        ("data", Release::V4_0),
    ];
    for (name, first) in folders {
        if since(*first) {
            home.in_folder(name, Rights::Guest);
        }
    }
    let rights = home.rights;
    if active.next_interface > 0 {
        home.in_folder("device-misc", rights);
        home.in_folder("device-misc/vif", rights)
            .put("nextDeviceID", active.next_interface);
    }
}

/// `/vm/UUID`: the configuration that XenD reads back when it is started anew.
fn configuration(domain: &Domain, active: &Active, facts: &Facts) -> Nodes {
    let config = &domain.config;
    let mut vm = Folder::new(vm_path(&config.uuid), Rights::Host);
    let reads = if facts.release >= Release::V3_0_3 {
        Rights::HostForGuest
    } else {
        Rights::Host
    };
    vm.set(format!("{}/uuid", vm.path), config.uuid.clone(), reads);
    vm.put("name", &config.name);
    vm.put("vcpus", config.vcpus);
    vm.put("vcpu_avail", config.vcpu_avail);
    vm.put("on_poweroff", &config.on_poweroff);
    vm.put("on_reboot", &config.on_reboot);
    vm.put("on_crash", &config.on_crash);
    if let Some(time) = config.start_time {
        vm.put("start_time", &format!("{time:.2}"));
    }
    if facts.release > Release::V3_0_1 {
        vm.put("shadow_memory", config.shadow_memory);
        vm.in_folder("xend", Rights::Host).put("restart_count", 0);
    }
    if facts.release < Release::V3_1 {
        vm.put("memory", active.memory);
        vm.put("maxmem", config.static_max);
    } else {
        vm.put("on_xend_start", &config.on_xend_start);
        vm.put("on_xend_stop", &config.on_xend_stop);
    }
    if facts.release >= Release::V3_4 {
        vm.put("bootloader", &config.bootloader);
        vm.put("bootloader_args", &config.bootloader_args);
    }
    if facts.release >= Release::V4_1 {
        vm.put("pool_name", &config.pool);
    }
    let mut image = vm.in_folder("image", Rights::Host);
    image.put("ostype", if config.hvm { "hvm" } else { "linux" });
    image.put("kernel", &config.kernel);
    image.put("cmdline", &config.args);
    image.put("ramdisk", &config.ramdisk);
    vm.nodes
}
