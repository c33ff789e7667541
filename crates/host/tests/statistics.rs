//! Counters of disks, interfaces, vcpus and the machine: on every simulated release,
//! with channels missing, and from folders with what real kernels would not write.

#![allow(clippy::unwrap_used)] // a failed test is what an unexpected answer should be

mod common;

use common::{SimFiles, sim};
use std::path::Path;
use std::time::Duration;
use virtxen_guest::DomId;
use virtxen_host::{
    ActiveDomain, Arch, Channels, Deadlines, Error, Gate, Host, Machine, NodeFiles, ProcessorScope,
    Store, XenHost,
};
use virtxen_sim::{Release, SimHost};

async fn open(sim: &SimHost, files: NodeFiles, with_store: bool) -> XenHost {
    let gate = sim.hypervisor(Arch::X86_64).unwrap();
    let gate: Result<Box<dyn Gate>, String> = Ok(Box::new(gate));
    let xenstored = sim.xenstore().clone();
    let store = Store::connect(virtxen_xenstore::Memory::new("memory", move || {
        xenstored.connect()
    }));
    let store = store.await.map_err(|error| error.to_string());
    let xend = sim.clone();
    let xend = virtxen_xend::Memory::new("memory", move || std::future::ready(Ok(xend.connect())));
    let has_xend = sim.has_xend();
    let xend: Result<Box<dyn virtxen_xend::Connector>, String> = Ok(Box::new(xend));
    let missing = || "left out".to_owned();
    Channels::new(Deadlines::default(), None)
        .hypercalls(gate, Some(Arch::X86_64))
        .xenstore(store.and_then(|it| with_store.then_some(it).ok_or_else(missing)))
        .xend(xend.and_then(|it| has_xend.then_some(it).ok_or_else(missing)))
        .machine(Machine::local())
        .files(files)
        .simulated()
        .open()
        .await
        .unwrap()
}

async fn simulated(uri: &str) -> (SimHost, XenHost) {
    let sim = sim(uri);
    let files = NodeFiles::new("memory", SimFiles(sim.clone()));
    let host = open(&sim, files, true).await;
    (sim, host)
}

/// The active domains that are not Domain-0.
async fn guests(host: &XenHost) -> Vec<ActiveDomain> {
    let domains = host.domains().await.unwrap();
    let guests = domains.into_iter().filter(|it| it.domid != Some(DomId(0)));
    guests
        .map(|domain| ActiveDomain {
            domid: domain.domid.unwrap(),
            name: domain.name,
            max_vcpus: domain.max_vcpus,
        })
        .collect()
}

#[tokio::test]
async fn every_release_is_counted_as_far_as_its_kernel_counts() {
    for release in Release::ALL
        .map(Release::version)
        .into_iter()
        .chain(["4.8", "4.22"])
    {
        let (_, host) = simulated(&format!("sim:?release={release}&guests=3")).await;
        let guests = guests(&host).await;
        let disks = host.disk_statistics(&guests).await.unwrap();
        let interfaces = host.interface_statistics(&guests).await.unwrap();
        let vcpus = host.vcpu_times(&guests).await.unwrap();
        let balloons = host.balloons(&guests).await.unwrap();
        assert_eq!(disks.len(), guests.len(), "{release}");
        let disk = &disks[0][0];
        assert_eq!(
            (disk.device, disk.target.as_str()),
            (51712, "xvda"),
            "{release}"
        );
        assert_eq!(
            disk.source.as_deref(),
            Some("/var/lib/xen/images/pv1.img"),
            "{release}"
        );
        assert!(disk.is_called("51712") && disk.is_called("/var/lib/xen/images/pv1.img"));
        match &disk.counters {
            Err(why) => {
                assert_eq!(release, "3.0.1");
                assert!(why.contains("do not count"), "{why}");
            }
            Ok(counters) => {
                assert!(counters.read_requests.is_some(), "{release}");
                assert_eq!(
                    counters.read_bytes.is_some(),
                    release != "3.0.3",
                    "{release}"
                );
                let early = ["3.0.3", "3.0.4", "3.1.0", "3.2.0"].contains(&release);
                assert_eq!(counters.flush_requests.is_some(), !early, "{release}");
            }
        }
        let interface = &interfaces[0][0];
        assert_eq!(interface.name, "vif1.0", "{release}");
        assert_eq!(
            interface.mac.as_deref(),
            Some("00:16:3e:00:00:01"),
            "{release}"
        );
        assert!(interface.counters.is_ok(), "{release}: {interface:?}");
        assert_eq!(vcpus[0].len(), 1, "{release}");
        assert_eq!(balloons[0].target.map(|it| it.0), Some(4096), "{release}");
        let node = host.node_memory().await.unwrap();
        assert!(node.all.free < node.all.total.unwrap(), "{release}");
        assert!(node.buffers.is_some() && node.cached.is_some(), "{release}");
        let times = host.processor_times().await.unwrap();
        let machine = !["3.0.1", "3.0.3", "3.0.4", "3.1.0"].contains(&release);
        assert_eq!(times.scope == ProcessorScope::Machine, machine, "{release}");
        assert_eq!(times.cpus.len(), 4, "{release}");
        assert!(times.total.idle.is_some(), "{release}");
    }
}

#[tokio::test(start_paused = true)]
async fn counters_grow_with_what_the_guest_does() {
    let (sim, host) = simulated("sim:?guests=1").await;
    let guests = guests(&host).await;
    tokio::time::advance(Duration::from_secs(60)).await;
    let read = async || {
        let disks = host.disk_statistics(&guests).await.unwrap();
        let interfaces = host.interface_statistics(&guests).await.unwrap();
        let disk = disks[0][0].counters.clone().unwrap();
        (disk, interfaces[0][0].counters.clone().unwrap())
    };
    let (disk, interface) = read().await;
    let reads = 60 * (200 + 51712 % 7);
    assert_eq!(disk.read_requests, Some(reads));
    assert_eq!(disk.read_bytes, Some(reads * 8 * 512));
    // Domain-0 received 100 packets a second, which the guest has sent.
    assert_eq!(interface.sent.packets, 6000);
    assert_eq!(interface.received.packets, 18_000);
    host.pause("pv1").await.unwrap();
    tokio::time::advance(Duration::from_secs(60)).await;
    let (paused, _) = read().await;
    assert!(
        paused.read_requests.unwrap() < reads + reads / 10,
        "{paused:?}"
    );
    drop(sim);
}

#[tokio::test]
async fn without_xenstore_the_kernel_knows_the_devices() {
    let sim = sim("sim:?guests=3");
    let files = NodeFiles::new("memory", SimFiles(sim.clone()));
    let host = open(&sim, files, false).await;
    let hvm = ActiveDomain {
        domid: DomId(3),
        name: "hvm3".to_owned(),
        max_vcpus: 1,
    };
    let disks = host
        .disk_statistics(std::slice::from_ref(&hvm))
        .await
        .unwrap();
    assert_eq!(disks[0][0].target, "hda");
    assert_eq!(disks[0][0].source, None);
    assert!(disks[0][0].counters.is_ok());
    let interfaces = host.interface_statistics(&[hvm]).await.unwrap();
    assert_eq!(interfaces[0][0].name, "vif3.0");
    assert_eq!(interfaces[0][0].mac, None);
}

/// Files as a kernel would have them for domain 1 of a simulated host.
fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

const VBD: &str = "sys/bus/xen-backend/devices/vbd-1-51712/statistics";

async fn why(folder: &Path, sim: &SimHost) -> String {
    let host = open(sim, NodeFiles::below(folder), true).await;
    let guests = guests(&host).await;
    let disks = host.disk_statistics(&guests).await;
    match disks {
        Ok(disks) => disks[0][0].counters.clone().unwrap_err(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn what_is_missing_is_named_with_its_reason() {
    let sim = sim("sim:?guests=1");
    let folder = tempfile::tempdir().unwrap();
    let text = why(folder.path(), &sim).await;
    assert!(
        text.contains("/sys/bus/xen-backend/devices: it is not there"),
        "{text}"
    );
    write(
        folder.path(),
        &[("sys/bus/xen-backend/devices/vif-1-0/devtype", "vif\n")],
    );
    let text = why(folder.path(), &sim).await;
    assert!(text.contains("xvda has no back end"), "{text}");
    assert!(text.contains("devices/vbd-1-51712"), "{text}");
    write(
        folder.path(),
        &[("sys/bus/xen-backend/devices/vbd-1-51712/devtype", "vbd\n")],
    );
    let text = why(folder.path(), &sim).await;
    assert!(text.contains("statistics is not there"), "{text}");
    let hostile = "1".repeat(100_000);
    write(folder.path(), &[(&format!("{VBD}/rd_req"), &hostile)]);
    let text = why(folder.path(), &sim).await;
    assert!(text.contains("rd_req is not a number"), "{text}");
}

#[tokio::test]
async fn old_kernels_have_another_place_and_narrow_numbers() {
    let sim = sim("sim:?guests=1");
    let folder = tempfile::tempdir().unwrap();
    let tap = "sys/devices/xen-backend/tap-1-51728/statistics";
    write(
        folder.path(),
        &[
            (
                "sys/devices/xen-backend/vbd-1-51712/statistics/rd_sect",
                "-1\n",
            ),
            (&format!("{tap}/rd_req"), "7\n"),
            (&format!("{tap}/br_req"), "2\n"),
        ],
    );
    let back = "/local/domain/0/backend/tap/1/51728";
    let store = sim.xenstore();
    store.write(&format!("{back}/params"), "aio:/srv/xen/more.img");
    store.write(&format!("{back}/state"), "4");
    let host = open(&sim, NodeFiles::below(folder.path()), true).await;
    let disks = host.disk_statistics(&guests(&host).await).await.unwrap();
    let [first, second] = disks[0].as_slice() else {
        panic!("{disks:?}");
    };
    let sectors = u64::from(u32::MAX);
    let counters = first.counters.clone().unwrap();
    assert_eq!(counters.read_bytes, Some(sectors * 512));
    assert_eq!(second.target, "xvdb");
    assert_eq!(second.source.as_deref(), Some("/srv/xen/more.img"));
    let counters = second.counters.clone().unwrap();
    assert_eq!(counters.read_requests, Some(7));
    assert_eq!(counters.flush_requests, Some(2));
    assert_eq!(counters.read_bytes, None);
}

#[tokio::test]
async fn who_serves_a_device_elsewhere_is_named() {
    let sim = sim("sim:?guests=1");
    let (store, host) = {
        let files = NodeFiles::new("memory", SimFiles(sim.clone()));
        (sim.xenstore().clone(), open(&sim, files, true).await)
    };
    let guests = guests(&host).await;
    let front = "/local/domain/1/device";
    store.write("/local/domain/0/backend/qdisk/1/768/dev", "hda");
    store.write(&format!("{front}/vbd/51728/backend-id"), "7");
    store.write(&format!("{front}/vif/1/backend-id"), "5");
    let disks = host.disk_statistics(&guests).await.unwrap();
    let why: Vec<_> = disks[0]
        .iter()
        .map(|it| it.counters.clone().err())
        .collect();
    assert_eq!(disks[0][0].target, "hda");
    assert!(
        why[0].as_ref().unwrap().contains("qemu serves it"),
        "{why:?}"
    );
    assert_eq!(why[1], None);
    assert_eq!(disks[0][2].target, "xvdb");
    assert!(
        why[2].as_ref().unwrap().contains("served by domain 7"),
        "{why:?}"
    );
    let interfaces = host.interface_statistics(&guests).await.unwrap();
    let why = interfaces[0][1].counters.clone().unwrap_err();
    assert!(why.contains("vif1.1 is served by domain 5"), "{why}");
}

#[tokio::test]
async fn a_disk_that_nobody_connected_is_not_idle() {
    let sim = sim("sim:?guests=1");
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[
            (&format!("{VBD}/rd_req"), "0\n"),
            (&format!("{VBD}/wr_req"), "0\n"),
        ],
    );
    let host = open(&sim, NodeFiles::below(folder.path()), true).await;
    let guests = guests(&host).await;
    let idle = host.disk_statistics(&guests).await.unwrap();
    assert!(idle[0][0].counters.is_ok(), "connected and idle: {idle:?}");
    sim.xenstore()
        .write("/local/domain/0/backend/vbd/1/51712/state", "2");
    let text = why(folder.path(), &sim).await;
    assert!(text.contains("not connected"), "{text}");
}

#[tokio::test]
async fn a_host_far_away_says_where_its_counters_are() {
    let sim = sim("sim:?guests=1");
    let xend = sim.clone();
    let xend = virtxen_xend::Memory::new("memory", move || std::future::ready(Ok(xend.connect())));
    let host = Channels::new(Deadlines::default(), None)
        .xend(Ok(Box::new(xend)))
        .open()
        .await
        .unwrap();
    let error = host.disk_statistics(&[]).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert!(
        error.to_string().contains("/sys and /proc of Domain-0"),
        "{error}"
    );
    let node = host.node_memory().await.unwrap();
    assert!(node.all.total.is_some() && node.buffers.is_none());
}
