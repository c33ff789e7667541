//! The toolstack libxl of a host, against the simulated library behind the protocol of
//! the process that calls it: guests' lives, devices, files, and what is said when it
//! cannot.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::{Arc, Mutex};
use virtxen_guest::{Device, Guest, MemoryKib, ParseOptions, VcpuPin, parse_device, parse_guest};
use virtxen_host::{
    Arch, Channels, ConfigChange, Deadlines, DomainState, DumpMode, Error, Folders, Host,
    LIFE_CYCLE, Launch, Machine, Store, Trace, XenHost,
};
use virtxen_sim::{Options, SimHost};
use virtxen_xenstore::Memory;

const GUEST: &str = include_str!("../../../examples/paravirt-kernel.xml");

/// A host of this release, its documents below `root`, and what was asked of it.
struct Lab {
    sim: SimHost,
    host: XenHost,
    asked: Arc<Mutex<Vec<String>>>,
    root: tempfile::TempDir,
}

impl Lab {
    async fn new(options: &str) -> Self {
        let sim = SimHost::new(Options::from_uri(options).unwrap());
        let root = tempfile::tempdir().unwrap();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let said = Arc::clone(&asked);
        let trace = Trace::new(move |request| {
            if request.channel == "libxl" {
                said.lock().unwrap().push(request.what.to_owned());
            }
        });
        let host = Self::open(&sim, root.path(), Some(trace)).await;
        Self {
            sim,
            host,
            asked,
            root,
        }
    }

    /// The same host as another program reaches it.
    async fn other(&self) -> XenHost {
        Self::open(&self.sim, self.root.path(), None).await
    }

    async fn open(sim: &SimHost, root: &Path, trace: Option<Trace>) -> XenHost {
        let gate = sim.hypervisor(Arch::X86_64).unwrap();
        let xenstored = sim.xenstore().clone();
        let store = Store::connect(Memory::new("memory", move || xenstored.connect())).await;
        let worker = sim.clone();
        let launch = Launch::Stream(Box::new(move || worker.connect_libxl()));
        let machine = Machine {
            host_name: "vm".into(),
            system: "Linux".into(),
            kernel: "6.1.0".into(),
            machine: "x86_64".into(),
        };
        let channels = Channels::new(Deadlines::default(), trace)
            .hypercalls(Ok(Box::new(gate)), Some(Arch::X86_64))
            .xenstore(store.map_err(|error| error.to_string()))
            .xend(Err("none is there".to_owned()))
            .libxl(Ok(launch), "the simulated libxl")
            .machine(machine)
            .documents(Ok(Folders::below(root).documents()))
            .simulated();
        channels.open().await.unwrap()
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    async fn state(&self, name: &str) -> DomainState {
        self.host.domain(name).await.unwrap().state
    }
}

fn guest(name: &str) -> Guest {
    let mut guest = parse_guest(GUEST, &ParseOptions::default()).unwrap().value;
    guest.name = name.to_owned();
    guest.title = Some("Apples".to_owned());
    guest.fill_identities();
    guest
}

fn device(xml: &str) -> Device {
    parse_device(xml, &ParseOptions::default()).unwrap().value
}

fn file(path: &Path, name: &str) -> std::path::PathBuf {
    path.join(name)
}

const RELEASES: [&str; 3] = ["sim:?release=4.5", "sim:?release=4.17", "sim:?release=4.22"];

#[tokio::test]
async fn a_guest_lives_through_libxl_on_every_release() {
    for release in RELEASES {
        let lab = Lab::new(release).await;
        let host = &lab.host;
        let life = host
            .routes()
            .into_iter()
            .find(|it| it.operation == LIFE_CYCLE);
        assert!(
            life.unwrap().channel.unwrap().contains("libxl"),
            "{release}"
        );
        host.define(&guest("orchard")).await.unwrap();
        assert_eq!(lab.asked(), [""; 0], "nothing was to be asked yet");
        host.start("orchard", true).await.unwrap();
        let asked = lab.asked();
        let wanted = ["needed memory", "free memory", "create"].map(|it| format!("{it} orchard"));
        assert_eq!(asked, wanted, "{release}");
        assert_eq!(lab.state("orchard").await, DomainState::Paused);
        host.unpause("orchard").await.unwrap();
        assert_ne!(lab.state("orchard").await, DomainState::Paused);
        host.pause("orchard").await.unwrap();
        assert_eq!(lab.state("orchard").await, DomainState::Paused);
        host.unpause("orchard").await.unwrap();
        let now = host.guest("orchard").await.unwrap();
        assert_eq!(now.title.as_deref(), Some("Apples"));
        assert_eq!(now.id, host.domain("orchard").await.unwrap().domid);
        let name = now.devices.interfaces[0].target.clone().unwrap();
        assert!(name.starts_with("vif"), "{name}");
        host.destroy("orchard").await.unwrap();
        assert_eq!(host.inactive().await.unwrap(), ["orchard"]);
    }
}

#[tokio::test]
async fn memory_and_vcpus_change_while_a_guest_runs() {
    let lab = Lab::new("sim:?release=4.17").await;
    let host = &lab.host;
    let mut guest = guest("orchard");
    guest.vcpus.max = 4;
    guest.vcpus.current = Some(2);
    host.create(&guest, false).await.unwrap();
    let less = MemoryKib::from_mib(64);
    host.set_memory("orchard", less).await.unwrap();
    let now = host.guest("orchard").await.unwrap();
    assert_eq!(now.current_memory, Some(less));
    host.set_vcpus("orchard", 3).await.unwrap();
    assert_eq!(host.domain("orchard").await.unwrap().vcpus, 3);
    let refused = host.set_vcpus("orchard", 5).await.unwrap_err();
    assert!(refused.to_string().contains("more than the maximum 4"));
    host.plug_vcpus("orchard", &[1], false).await.unwrap();
    let vcpus = host.vcpus("orchard").await.unwrap();
    let online: Vec<bool> = vcpus.iter().map(|vcpu| vcpu.online).collect();
    assert_eq!(online, [true, false, true, false]);
    host.pin_vcpu("orchard", 0, &[1]).await.unwrap();
    assert_eq!(host.vcpus("orchard").await.unwrap()[0].affinity, [1]);
}

#[tokio::test]
async fn a_vcpu_has_places_that_it_prefers() {
    for release in RELEASES {
        let lab = Lab::new(release).await;
        let host = &lab.host;
        let mut guest = guest("orchard");
        guest.vcpus.max = 2;
        let soft = |vcpu, cpus: &[u32]| VcpuPin {
            vcpu,
            cpus: cpus.iter().copied().collect(),
        };
        guest.cpu_tune.soft_pins = vec![soft(0, &[1, 2])];
        host.define(&guest).await.unwrap();
        let all = host.vcpus("orchard").await.unwrap()[1].affinity.clone();
        let told = async || host.soft_affinity("orchard").await.unwrap();
        assert_eq!(
            told().await,
            [vec![1, 2], all.clone()],
            "{release}: defined"
        );
        host.start("orchard", false).await.unwrap();
        assert_eq!(
            told().await,
            [vec![1, 2], all.clone()],
            "{release}: started"
        );
        host.pin_vcpu_softly("orchard", 1, &[3]).await.unwrap();
        host.pin_vcpu("orchard", 1, &[2, 3]).await.unwrap();
        assert_eq!(told().await, [vec![1, 2], vec![3]], "{release}: changed");
        let now = host.guest("orchard").await.unwrap().cpu_tune;
        assert_eq!(now.soft_pins, [soft(0, &[1, 2]), soft(1, &[3])]);
        assert_eq!(now.vcpu_pins, [soft(1, &[2, 3])]);
        let change = ConfigChange::SoftPin {
            vcpu: 0,
            cpus: vec![0],
        };
        host.change_config("orchard", &change).await.unwrap();
        host.destroy("orchard").await.unwrap();
        assert_eq!(
            told().await,
            [vec![0], all],
            "{release}: for the next start"
        );
    }
}

#[tokio::test]
async fn devices_come_and_go_and_the_document_tells_them() {
    let lab = Lab::new("sim:?release=4.17").await;
    let host = &lab.host;
    host.create(&guest("orchard"), false).await.unwrap();
    let disk = device(
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>\
         <source file='/srv/more.qcow2'/><target dev='xvdf' bus='xen'/></disk>",
    );
    let card = device(
        "<interface type='bridge'><mac address='00:16:3e:11:22:33'/><source bridge='xenbr0'/>\
         </interface>",
    );
    let count = |guest: &Guest| (guest.devices.disks.len(), guest.devices.interfaces.len());
    let before = count(&host.guest("orchard").await.unwrap());
    host.attach("orchard", &disk).await.unwrap();
    host.attach("orchard", &card).await.unwrap();
    let there = host.attach("orchard", &disk).await.unwrap_err();
    assert!(
        there.to_string().contains("xvdf is there already"),
        "{there}"
    );
    let now = host.guest("orchard").await.unwrap();
    assert_eq!(count(&now), (before.0 + 1, before.1 + 1));
    host.detach("orchard", &disk).await.unwrap();
    host.detach("orchard", &card).await.unwrap();
    assert_eq!(count(&host.guest("orchard").await.unwrap()), before);
    let gone = host.detach("orchard", &disk).await.unwrap_err();
    assert!(gone.to_string().contains("xvdf is not there"), "{gone}");
}

#[tokio::test]
async fn screens_and_keyboards_are_for_the_next_start() {
    let lab = Lab::new("sim:?release=4.17").await;
    let host = &lab.host;
    host.define(&guest("orchard")).await.unwrap();
    host.start("orchard", false).await.unwrap();
    for xml in ["<graphics type='sdl'/>", "<input type='tablet' bus='usb'/>"] {
        let device = device(xml);
        for done in [
            host.attach("orchard", &device).await,
            host.detach("orchard", &device).await,
        ] {
            let refused = done.unwrap_err().to_string();
            assert!(refused.contains("--config"), "{refused}");
        }
        let before = host.defined("orchard").await.unwrap().devices;
        let attach = ConfigChange::Attach(device.clone());
        host.change_config("orchard", &attach).await.unwrap();
        host.change_config("orchard", &attach).await.unwrap_err();
        assert_ne!(host.defined("orchard").await.unwrap().devices, before);
        let detach = ConfigChange::Detach(device);
        host.change_config("orchard", &detach).await.unwrap();
        assert_eq!(host.defined("orchard").await.unwrap().devices, before);
    }
}

/// Clients read documents all the time; libxl is asked when devices have changed.
#[tokio::test]
async fn a_guest_that_did_not_change_is_read_without_libxl() {
    let lab = Lab::new("sim:?release=4.17").await;
    let host = &lab.host;
    host.create(&guest("orchard"), false).await.unwrap();
    let first = host.guest("orchard").await.unwrap();
    lab.asked();
    assert_eq!(host.guest("orchard").await.unwrap(), first);
    assert_eq!(lab.asked(), [""; 0]);
    let disk = device(
        "<disk type='file' device='disk'><source file='/srv/more.img'/>\
         <target dev='xvdf' bus='xen'/></disk>",
    );
    // Another program, with a libxl of its own.
    let other = lab.other().await;
    other.attach("orchard", &disk).await.unwrap();
    let now = host.guest("orchard").await.unwrap();
    assert_eq!(now.devices.disks.len(), first.devices.disks.len() + 1);
    other.detach("orchard", &disk).await.unwrap();
    let now = host.guest("orchard").await.unwrap();
    assert_eq!(now.devices.disks, first.devices.disks);
}

#[tokio::test]
async fn a_guest_is_saved_and_comes_back_as_it_was() {
    let lab = Lab::new("sim:?release=4.17").await;
    let host = &lab.host;
    let path = file(lab.root.path(), "orchard.save");
    let guest = guest("orchard");
    host.create(&guest, false).await.unwrap();
    host.save("orchard", &path).await.unwrap();
    let gone = host.domain("orchard").await;
    assert!(matches!(gone, Err(Error::NoDomain { .. })), "{gone:?}");
    host.restore(&path).await.unwrap();
    let back = host.guest("orchard").await.unwrap();
    assert_eq!((back.uuid, &back.title), (guest.uuid, &guest.title));
    assert_eq!(back.devices.disks, guest.devices.disks);
    let twice = host.restore(&path).await.unwrap_err();
    assert!(matches!(twice, Error::State { .. }), "{twice}");
    let dump = file(lab.root.path(), "orchard.core");
    host.dump("orchard", &dump, DumpMode::default())
        .await
        .unwrap();
    assert_ne!(lab.state("orchard").await, DomainState::Paused);
}

/// What cannot be written leaves the guest as it was.
#[tokio::test]
async fn a_save_that_fails_leaves_the_guest_running() {
    let lab = Lab::new("sim:?release=4.17&fault=fail,op=save").await;
    let host = &lab.host;
    host.create(&guest("orchard"), false).await.unwrap();
    let path = file(lab.root.path(), "orchard.save");
    host.save("orchard", &path).await.unwrap_err();
    assert_ne!(lab.state("orchard").await, DomainState::Paused);
    assert!(!path.exists());
}

#[tokio::test]
async fn what_is_missing_is_said_with_figures() {
    let lab = Lab::new("sim:?release=4.17").await;
    let mut guest = guest("giant");
    guest.memory = MemoryKib::from_mib(1 << 20);
    guest.current_memory = None;
    let refused = lab
        .host
        .create(&guest, false)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("not enough free memory: need"),
        "{refused}"
    );
    assert!(refused.contains("have "), "{refused}");
    let none = lab.host.domain("giant").await;
    assert!(matches!(none, Err(Error::NoDomain { .. })));
}

#[tokio::test]
async fn what_no_document_says_is_told_of_guests_that_xl_started() {
    let lab = Lab::new("sim:?release=4.17&guests=3").await;
    let told = lab.host.unsaid("hvm3").await.unwrap();
    let paths: Vec<&str> = told.iter().map(|note| note.path.as_str()).collect();
    assert_eq!(paths, ["b_info/disable_migrate"]);
    assert_eq!(lab.host.unsaid("pv1").await.unwrap(), []);
    lab.host.create(&guest("orchard"), false).await.unwrap();
    assert_eq!(lab.host.unsaid("orchard").await.unwrap(), []);
    assert_eq!(lab.host.unsaid("Domain-0").await.unwrap(), []);
}

#[tokio::test]
async fn a_guest_has_at_most_what_it_may_have() {
    for release in RELEASES {
        let lab = Lab::new(release).await;
        let host = &lab.host;
        let mut orchard = guest("orchard");
        orchard.memory = MemoryKib::from_mib(128);
        orchard.current_memory = Some(MemoryKib::from_mib(64));
        host.create(&orchard, false).await.unwrap();
        let most = async || host.domain("orchard").await.unwrap().max_memory;
        assert_eq!(most().await, orchard.memory, "{release}");
        let set = async |mib| host.set_memory("orchard", MemoryKib::from_mib(mib)).await;
        set(128).await.unwrap();
        let more = set(129).await.unwrap_err().to_string();
        assert!(more.contains("memory_static_max"), "{more}");
        assert_eq!(most().await, orchard.memory, "{release}");

        let limit = MemoryKib::from_mib(256);
        host.set_max_memory("orchard", limit).await.unwrap();
        assert_eq!(most().await, limit, "{release}");
        assert_eq!(host.guest("orchard").await.unwrap().memory, limit);
        set(256).await.unwrap();
        set(32).await.unwrap();
        assert_eq!(
            most().await,
            limit,
            "{release}: the balloon shows elsewhere"
        );
        let listed = lab.other().await.domains().await.unwrap();
        assert!(listed.iter().any(|it| it.max_memory == limit), "{release}");

        host.set_max_memory("orchard", MemoryKib::from_mib(16))
            .await
            .unwrap_err();
        assert_eq!(most().await, limit, "{release}");
        host.set_max_memory("orchard", MemoryKib::from_mib(48))
            .await
            .unwrap();
        set(64).await.unwrap_err();
    }
}
