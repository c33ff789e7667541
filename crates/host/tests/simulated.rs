//! The XenD host against the simulator, on every release: a guest's life from
//! definition to removal, monitoring of every state, and what happens when a
//! device never connects or XenD hangs.

#![allow(clippy::unwrap_used)] // a failed test is what an unexpected answer should be

use std::time::Duration;
use virtxen_guest::{
    Device, DiskSource, Guest, MemoryKib, ParseOptions, parse_device, parse_guest,
};
use virtxen_host::{
    Deadlines, DomainState, DumpMode, Error, Host, Scheduler, ShutdownReason, XendHost,
};
use virtxen_sim::state::Timing;
use virtxen_sim::xenstore::SimXenstore;
use virtxen_sim::{Options, Release, SimHost};
use virtxen_xend::{Client, Memory};
use virtxen_xenstore::Store;

const GUEST: &str = include_str!("../../../examples/paravirt-kernel.xml");
const HVM: &str = include_str!("../../../examples/fullvirt-bios.xml");
const DISK: &str = "<disk type='file' device='disk'><source file='/srv/xen/more.img'/>\
                    <target dev='xvdf' bus='xen'/></disk>";
const NIC: &str = "<interface type='bridge'><mac address='00:16:3e:77:00:01'/>\
                   <source bridge='br-lan'/></interface>";

fn sim(release: Release, guests: usize) -> SimHost {
    SimHost::new(Options {
        release,
        guests,
        timing: Timing::instant(),
        ..Options::default()
    })
}

async fn open(sim: &SimHost) -> XendHost {
    open_with(sim, Deadlines::default()).await
}

async fn open_with(sim: &SimHost, deadlines: Deadlines) -> XendHost {
    let sim = sim.clone();
    let connector = Memory::new("sim:", move || {
        let stream = sim.connect();
        async move { Ok(stream) }
    });
    XendHost::new(Client::open(connector, deadlines).await.unwrap()).simulated()
}

fn guest(text: &str) -> Guest {
    let parsed = parse_guest(text, &ParseOptions::default()).unwrap();
    parsed.value
}

fn device(text: &str) -> Device {
    parse_device(text, &ParseOptions::default()).unwrap().value
}

/// Waits until a domain's state is as wanted.
async fn until(host: &XendHost, name: &str, wanted: impl Fn(Option<DomainState>) -> bool) {
    for _ in 0..200 {
        let state = match host.domain(name).await {
            Ok(info) => Some(info.state),
            Err(Error::NoDomain { .. }) => None,
            Err(error) => panic!("{error}"),
        };
        if wanted(state) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{name} does not come to the wanted state");
}

#[tokio::test]
async fn a_guest_is_created_changed_and_ended_on_every_release() {
    for release in Release::ALL {
        let host = open(&sim(release, 0)).await;
        let context = release.version();
        let guest = guest(GUEST);
        let name = guest.name.as_str();
        let info = host.create(&guest, true).await.unwrap();
        assert_eq!(info.state, DomainState::Paused, "{context}");
        assert_eq!(Some(info.uuid), guest.uuid, "{context}");
        let listed = host.domains().await.unwrap();
        assert_eq!(listed.len(), 2, "{context}: {listed:?}");
        host.unpause(name).await.unwrap();
        let listed = host.domains().await.unwrap();
        let state = listed[1].state;
        let runs = matches!(state, DomainState::Running | DomainState::Blocked);
        assert!(runs, "{context}: {state:?}");

        let read = host.guest(name).await.unwrap();
        assert_eq!(read.devices.disks.len(), guest.devices.disks.len());
        assert_eq!(read.memory, guest.memory, "{context}");
        assert_eq!(read.uuid, guest.uuid, "{context}");
        assert_eq!(read.os.kernel, guest.os.kernel, "{context}");
        plug(&host, name, context).await;

        host.set_memory(name, MemoryKib::from_mib(96))
            .await
            .unwrap();
        let info = host.domain(name).await.unwrap();
        assert_eq!(info.memory, MemoryKib::from_mib(96), "{context}");
        assert!(host.set_vcpus(name, 99).await.is_err(), "{context}");
        let vcpus = host.vcpus(name).await.unwrap();
        assert_eq!(vcpus.len(), info.max_vcpus as usize, "{context}");

        host.shutdown(name, ShutdownReason::Poweroff).await.unwrap();
        until(&host, name, |state| state.is_none()).await;
        assert_eq!(host.domains().await.unwrap().len(), 1, "{context}");
        let error = host.destroy(name).await.unwrap_err();
        assert!(
            matches!(error, Error::NoDomain { .. }),
            "{context}: {error}"
        );
    }
}

async fn plug(host: &XendHost, name: &str, context: &str) {
    let before = host.guest(name).await.unwrap().devices;
    for text in [DISK, NIC] {
        let device = device(text);
        host.attach(name, &device).await.unwrap();
        let error = host.attach(name, &device).await.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{context}: {error}");
    }
    let with = host.guest(name).await.unwrap().devices;
    assert_eq!(with.disks.len(), before.disks.len() + 1, "{context}");
    assert_eq!(
        with.interfaces.len(),
        before.interfaces.len() + 1,
        "{context}"
    );
    for text in [NIC, DISK] {
        let device = device(text);
        host.detach(name, &device).await.unwrap();
        let error = host.detach(name, &device).await.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{context}: {error}");
    }
    let after = host.guest(name).await.unwrap().devices;
    assert_eq!(after.disks.len(), before.disks.len(), "{context}");
    assert_eq!(after.interfaces.len(), before.interfaces.len(), "{context}");
}

#[tokio::test]
async fn inactive_guests_live_where_xend_keeps_them() {
    for release in Release::ALL {
        let host = open(&sim(release, 0)).await;
        let context = release.version();
        let guest = guest(GUEST);
        let name = guest.name.as_str();
        if release < Release::V3_0_4 {
            let error = host.define(&guest).await.unwrap_err();
            let text = error.to_string();
            assert!(matches!(error, Error::Unsupported { .. }), "{text}");
            assert!(text.contains(context), "{text}");
            assert_eq!(host.inactive().await.unwrap(), [""; 0]);
            let start = host.start(name, false).await;
            assert!(matches!(start, Err(Error::Unsupported { .. })));
            continue;
        }
        host.define(&guest).await.unwrap();
        assert_eq!(host.inactive().await.unwrap(), [name], "{context}");
        assert_eq!(host.domains().await.unwrap().len(), 1, "{context}");
        let all = host.all_domains().await.unwrap();
        assert_eq!((all.len(), all[1].persistent), (2, Some(true)), "{context}");

        assert!(!host.autostart(name).await.unwrap(), "{context}");
        host.set_autostart(name, true).await.unwrap();
        assert!(host.autostart(name).await.unwrap(), "{context}");
        host.define(&guest).await.unwrap();
        assert!(
            host.autostart(name).await.unwrap(),
            "{context}: lost by define"
        );
        plug(&host, name, context).await;
        let error = host.pause(name).await.unwrap_err();
        assert!(matches!(error, Error::State { .. }), "{context}: {error}");
        let save = host.save(name, "/tmp/x".as_ref()).await.unwrap_err();
        assert!(matches!(save, Error::State { .. }), "{context}: {save}");
        let vcpus = host.vcpus(name).await.unwrap();
        assert!(vcpus.iter().all(|vcpu| !vcpu.online), "{context}");

        host.start(name, true).await.unwrap();
        let state = host.domain(name).await.unwrap().state;
        assert_eq!(state, DomainState::Paused, "{context}");
        assert_eq!(host.inactive().await.unwrap(), [""; 0], "{context}");
        assert!(host.undefine(name).await.is_err(), "{context}");
        host.destroy(name).await.unwrap();
        host.undefine(name).await.unwrap();
        let gone = host.domain(name).await;
        assert!(matches!(gone, Err(Error::NoDomain { .. })), "{context}");
    }
}

#[tokio::test]
async fn a_list_has_every_domain_once_on_every_release() {
    for release in Release::ALL {
        let host = open(&sim(release, 40)).await;
        let all = host.all_domains().await.unwrap();
        let context = release.version();
        assert_eq!(all.len(), 41, "{context}");
        let active = host.domains().await.unwrap();
        let expected = if release < Release::V3_0_4 { 41 } else { 36 };
        assert_eq!(active.len(), expected, "{context}");
        assert!(active.is_sorted_by_key(|domain| domain.domid), "{context}");
        let paused = active.iter().filter(|d| d.state == DomainState::Paused);
        assert_eq!(paused.count(), 5, "{context}");
        let inactive = host.inactive().await.unwrap();
        assert_eq!(inactive.len(), 41 - expected, "{context}");
    }
}

#[tokio::test]
async fn memory_files_and_schedulers() {
    for release in Release::ALL {
        let host = open(&sim(release, 0)).await;
        let context = release.version();
        let guest = guest(GUEST);
        let name = guest.name.as_str();
        host.create(&guest, false).await.unwrap();
        let mode = DumpMode::default();
        let dumped = host.dump(name, "/var/tmp/x.core".as_ref(), mode).await;
        assert_eq!(dumped.is_ok(), release >= Release::V3_0_4, "{context}");
        host.save(name, "/var/tmp/x.save".as_ref()).await.unwrap();
        until(&host, name, |state| state.is_none()).await;
        host.restore("/var/tmp/x.save".as_ref()).await.unwrap();
        let error = host.restore("/nosuch".as_ref()).await.unwrap_err();
        assert!(error.to_string().contains("/nosuch"), "{context}: {error}");
        host.rename(name, "other").await.unwrap();
        if release >= Release::V3_0_3 {
            let credit = |weight, cap| Scheduler::Credit { weight, cap };
            host.set_scheduler("other", &credit(512, 0)).await.unwrap();
            let capped = host.set_scheduler("other", &credit(512, 50)).await;
            assert_eq!(capped.is_ok(), release >= Release::V3_2, "{context}");
            let cap = if capped.is_ok() { 50 } else { 0 };
            let now = host.scheduler("other").await.unwrap();
            assert_eq!(now, credit(512, cap), "{context}");
        } else {
            let sedf = host.scheduler("other").await.unwrap();
            assert!(matches!(sedf, Scheduler::Sedf { .. }), "{sedf:?}");
        }
        let pinned = host.pin_vcpu("other", 0, &[1]).await;
        let can = release < Release::V3_0_3 || release >= Release::V3_4;
        assert_eq!(pinned.is_ok(), can, "{context}: {pinned:?}");
        if can {
            let vcpus = host.vcpus("other").await.unwrap();
            assert_eq!(vcpus[0].affinity, [1], "{context}");
        }
    }
}

#[tokio::test]
async fn a_device_that_never_connects_fails_the_create_and_nothing_is_left() {
    let sim = sim(Release::V4_1, 0);
    let mut guest = guest(HVM);
    for disk in &mut guest.devices.disks {
        disk.source = DiskSource::File {
            path: Some("/srv/xen/hotplug-never.img".to_owned()),
        };
    }
    let mut deadlines = Deadlines::default();
    deadlines.slow.first_byte = Duration::from_millis(300);
    let host = open_with(&sim, deadlines).await;
    let (create, list) = tokio::join!(host.create(&guest, false), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let begin = std::time::Instant::now();
        host.all_domains().await.unwrap();
        begin.elapsed()
    });
    let error = create.unwrap_err();
    let told = matches!(error, Error::Timeout { .. } | Error::Refused { .. });
    assert!(told, "{error}");
    assert!(list < Duration::from_millis(200), "{list:?}");
    assert_eq!(host.domains().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_name_is_not_a_number() {
    let host = open(&sim(Release::V4_1, 1)).await;
    for name in ["0", "1", "00000000-0000-0000-0000-000000000000", "nosuch"] {
        let error = host.domain(name).await.unwrap_err();
        assert!(matches!(error, Error::NoDomain { .. }), "{name}: {error}");
    }
}

struct Xenstored(SimXenstore);

#[async_trait::async_trait]
impl virtxen_xenstore::Connector for Xenstored {
    async fn connect(&self) -> std::io::Result<Box<dyn virtxen_xenstore::Stream>> {
        Ok(Box::new(self.0.connect()))
    }

    fn address(&self) -> String {
        "memory".to_owned()
    }
}

#[tokio::test]
async fn xenstore_tells_what_xend_does_not() {
    let xenstored = SimXenstore::new((3, 0));
    let store = Store::connect(Xenstored(xenstored.clone())).await.unwrap();
    let sim = sim(Release::V3_0_3, 0);
    let plain = open(&sim).await;
    let host = plain.clone().with_xenstore(store);
    let guest = guest(HVM);
    let info = plain.create(&guest, false).await.unwrap();
    let (name, domid) = (guest.name.as_str(), info.domid.unwrap());
    let error = plain.console(name).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert!(host.console(name).await.is_err());
    let node = |path: &str| format!("/local/domain/{domid}/console/{path}");
    xenstored.write(&node("tty"), "/dev/pts/7");
    xenstored.write(&node("vnc-port"), "5907");
    let tty = host.console(name).await.unwrap();
    assert_eq!(tty.to_str(), Some("/dev/pts/7"));
    let server = host.vnc(name).await.unwrap().unwrap();
    assert_eq!(server.port, 5907);
}
