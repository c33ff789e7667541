//! The mix of channels on every simulated release: monitoring that XenD cannot
//! delay, names that are read once, channels that are missing in every
//! combination, events, and monitoring of releases that no XenD serves.

#![allow(clippy::unwrap_used)] // a failed test is what an unexpected answer should be

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use virtxen_guest::{MemoryKib, ParseOptions, parse_device, parse_guest};
use virtxen_host::{
    Arch, Channels, Deadlines, DomainState, Ending, Error, Gate, Host, HostEvent, HostEvents,
    Machine, Scheduler, ShutdownReason, Store, Trace, XenHost,
};
use virtxen_hypercall::Errno;
use virtxen_sim::hypervisor::{
    Change, Machine as SimMachine, MachineDomain, MachineFacts, SimHypervisor,
};
use virtxen_sim::state::Timing;
use virtxen_sim::xenstore::SimXenstore;
use virtxen_sim::{Fault, Options, Release, SimHost};
use virtxen_xenstore::Memory;

const GUEST: &str = include_str!("../../../examples/paravirt-kernel.xml");
const DISK: &str = "<disk type='file' device='disk'><source file='/srv/xen/more.img'/>\
                    <target dev='xvdf' bus='xen'/></disk>";

/// Which channels a test leaves to a host.
#[derive(Clone, Copy, Debug)]
struct Mix {
    hypercalls: bool,
    xenstore: bool,
    xend: bool,
}

const ALL: Mix = Mix {
    hypercalls: true,
    xenstore: true,
    xend: true,
};

fn sim(release: Release, guests: usize) -> SimHost {
    SimHost::new(Options {
        release,
        guests,
        timing: Timing::instant(),
        ..Options::default()
    })
}

/// The requests that a host made, as `channel what`.
#[derive(Clone, Default)]
struct Requests(Arc<Mutex<Vec<String>>>);

impl Requests {
    fn trace(&self) -> Trace {
        let all = Arc::clone(&self.0);
        Trace::new(move |request| {
            let line = format!("{} {}", request.channel, request.what);
            all.lock().unwrap().push(line);
        })
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

fn count(requests: &[String], prefix: &str) -> usize {
    requests.iter().filter(|it| it.starts_with(prefix)).count()
}

async fn channels(sim: &SimHost, mix: Mix, deadlines: Deadlines, requests: &Requests) -> Channels {
    let missing = || "left out".to_owned();
    let gate = sim.hypervisor(Arch::X86_64).unwrap();
    let gate: Result<Box<dyn Gate>, String> = Ok(Box::new(gate));
    let store = sim.xenstore().clone();
    let store = Store::connect(Memory::new("memory", move || store.connect())).await;
    let xend = sim.clone();
    let xend = virtxen_xend::Memory::new("memory", move || std::future::ready(Ok(xend.connect())));
    let xend: Result<Box<dyn virtxen_xend::Connector>, String> = Ok(Box::new(xend));
    let machine = Machine {
        host_name: "vm".into(),
        system: "Linux".into(),
        kernel: "2.6.18-xen.host".into(),
        machine: "x86_64".into(),
    };
    let keeper = sim.clone();
    Channels::new(deadlines, Some(requests.trace()))
        .hypercalls(
            gate.and_then(|it| mix.hypercalls.then_some(it).ok_or_else(missing)),
            Some(Arch::X86_64),
        )
        .xenstore(
            store
                .map_err(|e| e.to_string())
                .and_then(|it| mix.xenstore.then_some(it).ok_or_else(missing)),
        )
        .xend(xend.and_then(|it| mix.xend.then_some(it).ok_or_else(missing)))
        .machine(machine)
        .kept(Arc::new(move |uuid| keeper.is_managed(&uuid.to_string())))
        .simulated()
}

async fn open(sim: &SimHost, mix: Mix, requests: &Requests) -> XenHost {
    let channels = channels(sim, mix, Deadlines::default(), requests).await;
    channels.open().await.unwrap()
}

/// Waits until a domain is gone.
async fn gone(host: &XenHost, name: &str) {
    for _ in 0..200 {
        if matches!(host.domain(name).await, Err(Error::NoDomain { .. })) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{name} stays");
}

#[tokio::test]
async fn hypercalls_show_what_xend_shows_on_every_release() {
    for release in Release::ALL {
        let sim = sim(release, 20);
        let requests = Requests::default();
        let cheap = open(&sim, ALL, &requests).await;
        let xend = Mix {
            hypercalls: false,
            xenstore: false,
            xend: true,
        };
        let plain = open(&sim, xend, &requests).await;
        let context = release.version();
        assert_eq!(cheap.version(), plain.version(), "{context}");
        let (mine, theirs) = (
            cheap.all_domains().await.unwrap(),
            plain.all_domains().await.unwrap(),
        );
        assert_eq!(mine.len(), theirs.len(), "{context}");
        for (mine, theirs) in mine.iter().zip(&theirs) {
            let facts = |it: &virtxen_host::DomainInfo| {
                (
                    it.name.clone(),
                    it.domid,
                    it.uuid,
                    it.memory,
                    it.vcpus,
                    it.max_vcpus,
                    it.kind,
                    it.persistent,
                )
            };
            assert_eq!(facts(mine), facts(theirs), "{context}");
            let paused = |it: &virtxen_host::DomainInfo| it.state == DomainState::Paused;
            assert_eq!(
                paused(mine),
                paused(theirs),
                "{context}: {mine:?} {theirs:?}"
            );
        }
        let (mine, theirs) = (cheap.node().await.unwrap(), plain.node().await.unwrap());
        assert_eq!(mine.topology.cpus, theirs.topology.cpus, "{context}");
        assert_eq!(mine.guest_types, theirs.guest_types, "{context}");
        assert_eq!(mine.version, theirs.version, "{context}");
        let name = &cheap.domains().await.unwrap()[1].name;
        let (mine, theirs) = (
            cheap.vcpus(name).await.unwrap(),
            plain.vcpus(name).await.unwrap(),
        );
        let facts = |it: &virtxen_host::VcpuInfo| (it.number, it.online, it.affinity.clone());
        let all = |them: &[virtxen_host::VcpuInfo]| them.iter().map(facts).collect::<Vec<_>>();
        assert_eq!(all(&mine), all(&theirs), "{context}");
    }
}

#[tokio::test]
async fn a_life_through_the_mix_of_channels_on_every_release() {
    for release in Release::ALL {
        let sim = sim(release, 0);
        let host = open(&sim, ALL, &Requests::default()).await;
        let context = release.version();
        let guest = parse_guest(GUEST, &ParseOptions::default()).unwrap().value;
        let name = guest.name.as_str();
        if release >= Release::V3_0_4 {
            host.define(&guest).await.unwrap();
            assert_eq!(host.inactive().await.unwrap(), [name], "{context}");
            assert_eq!(host.domain(name).await.unwrap().state, DomainState::Halted);
            host.start(name, false).await.unwrap();
        } else {
            assert!(host.define(&guest).await.is_err(), "{context}");
            host.create(&guest, false).await.unwrap();
        }
        let info = host.domain(name).await.unwrap();
        assert_eq!(Some(info.uuid), guest.uuid, "{context}");
        assert_eq!(
            info.persistent,
            Some(release >= Release::V3_0_4),
            "{context}"
        );
        assert_eq!(host.all_domains().await.unwrap().len(), 2, "{context}");
        change(&host, release, name).await;
        host.shutdown(name, ShutdownReason::Poweroff).await.unwrap();
        if release >= Release::V3_0_4 {
            for _ in 0..200 {
                if host.domain(name).await.unwrap().domid.is_none() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            host.undefine(name).await.unwrap();
        }
        gone(&host, name).await;
    }
}

/// Everything that changes a running domain is seen through the other channel.
async fn change(host: &XenHost, release: Release, name: &str) {
    let context = release.version();
    let device = parse_device(DISK, &ParseOptions::default()).unwrap().value;
    host.pause(name).await.unwrap();
    assert_eq!(
        host.domain(name).await.unwrap().state,
        DomainState::Paused,
        "{context}"
    );
    host.unpause(name).await.unwrap();
    assert_ne!(
        host.domain(name).await.unwrap().state,
        DomainState::Paused,
        "{context}"
    );
    host.set_memory(name, MemoryKib::from_mib(96))
        .await
        .unwrap();
    assert_eq!(
        host.domain(name).await.unwrap().memory,
        MemoryKib::from_mib(96),
        "{context}"
    );
    host.attach(name, &device).await.unwrap();
    host.detach(name, &device).await.unwrap();
    let can_pin = release < Release::V3_0_3 || release >= Release::V3_4;
    if can_pin {
        host.pin_vcpu(name, 0, &[1]).await.unwrap();
        assert_eq!(
            host.vcpus(name).await.unwrap()[0].affinity,
            [1],
            "{context}"
        );
    }
    if release >= Release::V3_0_3 {
        let credit = Scheduler::Credit {
            weight: 512,
            cap: 0,
        };
        host.set_scheduler(name, &credit).await.unwrap();
        assert_eq!(host.scheduler(name).await.unwrap(), credit, "{context}");
    }
}

#[tokio::test]
async fn a_hung_xend_delays_no_monitoring() {
    for release in Release::ALL {
        let sim = sim(release, 8);
        sim.inject(Fault::hang());
        let requests = Requests::default();
        let mut deadlines = Deadlines::default();
        deadlines.quick.first_byte = Duration::from_millis(200);
        let host = channels(&sim, ALL, deadlines, &requests)
            .await
            .open()
            .await
            .unwrap();
        let begin = std::time::Instant::now();
        let domains = host.domains().await.unwrap();
        let name = &domains[1].name;
        assert_eq!(host.domain(name).await.unwrap().name, *name);
        host.vcpus(name).await.unwrap();
        if release >= Release::V3_0_3 {
            host.scheduler(name).await.unwrap();
        }
        host.node().await.unwrap();
        assert_eq!(count(&requests.take(), "XenD"), 0);
        assert!(begin.elapsed() < Duration::from_secs(5));
        let error = host.pause(name).await.unwrap_err().to_string();
        assert!(error.contains("XenD"), "{error}");
    }
}

#[tokio::test]
async fn a_thousand_names_are_read_once() {
    let sim = sim(Release::V3_0_3, 1000);
    let requests = Requests::default();
    let host = open(&sim, ALL, &requests).await;
    requests.take();
    assert_eq!(host.domains().await.unwrap().len(), 1001);
    let cold = requests.take();
    assert_eq!(
        count(&cold, "hypercall getdomaininfolist"),
        1,
        "{:?}",
        cold.first()
    );
    assert_eq!(count(&cold, "XenD"), 0);
    let names = cold.iter().filter(|it| it.ends_with("/name")).count();
    assert_eq!(names, 1001);
    tokio::time::sleep(Duration::from_millis(50)).await;
    requests.take();
    assert_eq!(host.domains().await.unwrap().len(), 1001);
    let warm = requests.take();
    assert_eq!(warm, ["hypercall getdomaininfolist"]);
    // A change is seen, and costs one request.
    sim.xenstore().write("/local/domain/5/name", "other");
    tokio::time::sleep(Duration::from_millis(50)).await;
    let domains = host.domains().await.unwrap();
    assert!(domains.iter().any(|domain| domain.name == "other"));
    assert!(requests.take().len() <= 3);
}

#[tokio::test]
async fn one_domain_of_xenstore_alone_costs_the_names_and_itself() {
    let sim = sim(Release::V4_1, 100);
    let alone = Mix {
        hypercalls: false,
        xend: false,
        ..ALL
    };
    let requests = Requests::default();
    let host = open(&sim, alone, &requests).await;
    let all = host.domains().await.unwrap();
    let last = all.last().unwrap();
    requests.take();
    assert_eq!(&host.domain(&last.name).await.unwrap(), last);
    let made = requests.take();
    // The list of homes, each name, and what a list reads of one domain.
    assert_eq!(made.len(), 1 + all.len() + 4, "{made:?}");
    let nobody = host.domain("nobody").await;
    assert!(matches!(nobody, Err(Error::NoDomain { .. })), "{nobody:?}");
}

#[tokio::test]
async fn channels_missing_in_every_combination() {
    for bits in 0_u32..8 {
        let mix = Mix {
            hypercalls: bits & 1 != 0,
            xenstore: bits & 2 != 0,
            xend: bits & 4 != 0,
        };
        let sim = sim(Release::V4_1, 4);
        let requests = Requests::default();
        let opened = channels(&sim, mix, Deadlines::default(), &requests)
            .await
            .open()
            .await;
        let host = match opened {
            Ok(host) => host,
            Err(error) => {
                assert_eq!(bits, 0, "{mix:?}: {error}");
                assert!(error.to_string().contains("left out"), "{error}");
                continue;
            }
        };
        let domains = host.domains().await.unwrap();
        assert_eq!(domains.len(), 4, "{mix:?}");
        let found = host.channels().iter().filter(|it| it.found).count();
        assert_eq!(found, bits.count_ones() as usize, "{mix:?}");
        let name = &domains[1].name;
        let paused = host.pause(name).await;
        let can = mix.xend || mix.hypercalls;
        assert_eq!(paused.is_ok(), can, "{mix:?}: {paused:?}");
        let told = host.routes();
        let route = |kind: &str| told.iter().find(|it| it.operation == kind).unwrap();
        assert_eq!(route("life cycle").channel.is_some(), mix.xend, "{mix:?}");
        assert_eq!(route("consoles").channel.is_some(), mix.xenstore, "{mix:?}");
        let cheap = mix.hypercalls && (mix.xenstore || !mix.xend);
        assert_eq!(
            route("monitoring").channel.as_deref() == Some("hypercalls"),
            cheap,
            "{mix:?}"
        );
        let told = mix.xenstore || mix.hypercalls;
        assert_eq!(host.events().await.is_some(), told, "{mix:?}");
    }
}

/// Waits for an event.
async fn until(events: &mut HostEvents, wanted: impl Fn(&HostEvent) -> bool) {
    let found = async {
        loop {
            let event = events.next().await.unwrap();
            if wanted(&event) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), found)
        .await
        .unwrap();
}

#[tokio::test]
async fn changes_are_told() {
    let sim = sim(Release::V4_1, 0);
    let host = open(&sim, ALL, &Requests::default()).await;
    let mut events = host.events().await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let guest = parse_guest(GUEST, &ParseOptions::default()).unwrap().value;
    let name = guest.name.as_str();
    let domid = host.create(&guest, false).await.unwrap().domid.unwrap();
    until(&mut events, |event| *event == HostEvent::Appeared(domid)).await;
    host.set_memory(name, MemoryKib::from_mib(80))
        .await
        .unwrap();
    let target = MemoryKib::from_mib(80);
    until(&mut events, |event| {
        *event == HostEvent::MemoryTarget { domid, target }
    })
    .await;
    let device = parse_device(DISK, &ParseOptions::default()).unwrap().value;
    host.attach(name, &device).await.unwrap();
    until(
        &mut events,
        |event| matches!(event, HostEvent::DeviceAdded { class, .. } if class == "vbd"),
    )
    .await;
    host.detach(name, &device).await.unwrap();
    until(&mut events, |event| {
        matches!(event, HostEvent::DeviceRemoved { .. })
    })
    .await;
    host.destroy(name).await.unwrap();
    let ending = Some(Ending::Destroyed);
    until(&mut events, |event| {
        *event == HostEvent::Vanished { domid, ending }
    })
    .await;
}

/// Domains of a hypervisor that no XenD serves.
struct Modern;

impl SimMachine for Modern {
    fn facts(&self) -> MachineFacts {
        MachineFacts {
            cpus: 4,
            cores: 2,
            nodes: 1,
            scheduler: 5,
            pages: (1 << 21, 1 << 20),
            cpu_khz: 2_400_000,
            capabilities: "xen-3.0-x86_64 hvm-3.0-x86_64".into(),
        }
    }

    fn domains(&self) -> Vec<MachineDomain> {
        let domain = |domid: u32| MachineDomain {
            domid,
            handle: if domid == 0 { [0; 16] } else { [7; 16] },
            hvm: domid != 0,
            blocked: true,
            pages: 65_536,
            max_pages: 65_536,
            cpu_time: 5_000_000_000,
            affinity: vec![vec![0, 1, 2, 3]; 2],
            online: 2,

            ..MachineDomain::default()
        };
        vec![domain(0), domain(9)]
    }

    fn change(&self, _: u32, _: Change) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }
}

#[tokio::test]
async fn releases_without_xend_are_monitored() {
    for row in virtxen_hypercall::abi::table::RELEASES {
        let release = row.releases.0;
        if (release.major, release.minor) < (4, 5) {
            continue;
        }
        let gate = SimHypervisor::new(release, Arch::X86_64, Box::new(Modern)).unwrap();
        let xenstored = SimXenstore::new((u32::from(release.major), u32::from(release.minor)));
        xenstored.write("/local/domain/9/name", "web");
        xenstored.write("/local/domain/9/console/tty", "/dev/pts/4");
        xenstored.write("/local/domain/9/console/vnc-port", "5903");
        let nodes = xenstored.clone();
        let store = Store::connect(Memory::new("memory", move || xenstored.connect())).await;
        let host = Channels::new(Deadlines::default(), None)
            .hypercalls(Ok(Box::new(gate)), Some(Arch::X86_64))
            .xenstore(store.map_err(|error| error.to_string()))
            .xend(Err("Xen has none any more".into()))
            .machine(Machine::local())
            .open()
            .await
            .unwrap();
        let all = host.all_domains().await.unwrap();
        assert_eq!(all.len(), 2, "{release}");
        let web = host.domain("web").await.unwrap();
        assert!(
            web.kind == virtxen_guest::OsType::Hvm && web.state == DomainState::Blocked,
            "{release}: {web:?}"
        );
        assert_eq!(web.memory, MemoryKib::from_mib(256), "{release}");
        assert_eq!(host.vcpus("web").await.unwrap().len(), 2, "{release}");
        assert_eq!(host.node().await.unwrap().topology.cpus, 4, "{release}");
        let tty = host.console("web").await.unwrap();
        assert_eq!(tty.to_str(), Some("/dev/pts/4"), "{release}");
        assert_eq!(
            host.vnc("web").await.unwrap().unwrap().port,
            5903,
            "{release}"
        );
        // The guest is asked where it looks; what only a toolstack can do is refused.
        let asked = host.shutdown("web", ShutdownReason::Poweroff).await;
        asked.unwrap();
        let node = nodes.read("/local/domain/9/control/shutdown");
        assert_eq!(node.as_deref(), Some("poweroff"), "{release}");
        let error = host.save("web", Path::new("/tmp/web.save")).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains("libxl"), "{release}: {error}");
        // This machine lets nobody stop its domains.
        let error = host.pause("web").await.unwrap_err().to_string();
        assert!(error.contains("not permitted"), "{release}: {error}");
        let gone = host.domain("nosuch").await;
        assert!(matches!(gone, Err(Error::NoDomain { .. })), "{release}");
    }
}
