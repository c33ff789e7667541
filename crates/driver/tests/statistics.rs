//! Statistics as libvirt's calls give them, of a simulated host: what they are
//! called, what they do not wait for, and what is missing with its reason.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;
use virtxen_driver::{
    DomainKey, Driver, Error, ListFilter, MemoryTag, Options, StatsGroups, TypedParameter,
    TypedValue,
};
use virtxen_guest::DomId;
use virtxen_host::{Arch, Channels, Deadlines, FileSource, Gate, Machine, NodeFiles, Store};
use virtxen_sim::{Fault, SimHost};

/// The files of a simulated Domain-0; of hung ones the counters take too long.
struct SimFiles {
    sim: SimHost,
    hung: bool,
}

impl FileSource for SimFiles {
    fn read(&self, path: &str, _: usize) -> std::io::Result<Vec<u8>> {
        if self.hung && (path.ends_with("rd_req") || path == "/proc/net/dev") {
            std::thread::sleep(Duration::from_secs(1));
        }
        self.sim.read_file(path).map(String::into_bytes)
    }

    fn list(&self, path: &str, _: usize) -> std::io::Result<Vec<String>> {
        self.sim.list_folder(path)
    }
}

async fn open(uri: &str, hung: bool) -> (SimHost, Driver) {
    let sim = SimHost::new(virtxen_sim::Options::from_uri(uri).unwrap());
    let gate = Box::new(sim.hypervisor(Arch::X86_64).unwrap()) as Box<dyn Gate>;
    let xenstored = sim.xenstore().clone();
    let connector = virtxen_xenstore::Memory::new("memory", move || xenstored.connect());
    let store = Store::connect(connector).await.unwrap();
    let xend = sim.clone();
    let connect = move || std::future::ready(Ok(xend.connect()));
    let xend = Box::new(virtxen_xend::Memory::new("memory", connect));
    let files = SimFiles {
        sim: sim.clone(),
        hung,
    };
    let host = Channels::new(Deadlines::default(), None)
        .hypercalls(Ok(gate), Some(Arch::X86_64))
        .xenstore(Ok(store))
        .xend(Ok(xend))
        .machine(Machine::local())
        .files(NodeFiles::new("memory", files))
        .simulated()
        .open()
        .await
        .unwrap();
    let options = Options {
        deadline: Some(Duration::from_millis(700)),
        ..Options::default()
    };
    (sim, Driver::open(Arc::new(host), options))
}

fn key(name: &str) -> DomainKey {
    DomainKey::Name(name.to_owned())
}

fn value<'a>(parameters: &'a [TypedParameter], name: &str) -> &'a TypedValue {
    let mut found = parameters.iter().filter(|it| it.name == name);
    let one = found.next().unwrap_or_else(|| panic!("no {name}"));
    assert!(found.next().is_none(), "{name} twice");
    &one.value
}

#[tokio::test]
async fn each_call_tells_of_one_domain() {
    let (sim, driver) = open("sim:?guests=4", false).await;
    let disk = driver.block_stats(&key("pv1"), "xvda").await.unwrap();
    assert!(disk.read_requests.is_some());
    let all = driver.block_stats(&key("pv1"), "").await.unwrap();
    assert!(all.read_requests >= disk.read_requests);
    driver.block_stats(&key("hvm3"), "hda").await.unwrap();
    let error = driver.block_stats(&key("pv1"), "xvdz").await.unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }), "{error}");
    for device in ["vif1.0", "00:16:3E:00:00:01"] {
        driver.interface_stats(&key("pv1"), device).await.unwrap();
    }
    let error = driver.interface_stats(&key("pv1"), "vif2.0").await;
    assert!(matches!(error, Err(Error::Argument(_))));
    let memory = driver.memory_stats(&key("pv1")).await.unwrap();
    assert_eq!((memory[0].0, memory[0].1.0), (MemoryTag::Actual, 4096));
    assert_eq!((memory[1].0, memory[1].1.0), (MemoryTag::Available, 8192));
    sim.xenstore()
        .write("/local/domain/1/memory/meminfo", "3000");
    let memory = driver.memory_stats(&key("pv1")).await.unwrap();
    assert_eq!((memory[2].0, memory[2].1.0), (MemoryTag::Usable, 1096));
    let cpu = driver.cpu_stats(&key("pv1")).await.unwrap();
    assert_eq!(cpu.vcpus.len(), 1);
    // The fourth guest is defined and does not run.
    let error = driver.block_stats(&key("pv4"), "xvda").await.unwrap_err();
    assert!(matches!(error, Error::State { .. }), "{error}");
}

#[tokio::test]
async fn many_domains_are_one_call() {
    let (_, driver) = open("sim:?guests=4", false).await;
    let everything = ListFilter::default();
    let all = driver
        .all_stats(&everything, StatsGroups::ALL, true)
        .await
        .unwrap();
    assert_eq!(all.domains.len(), 5);
    let find = |name: &str| {
        let mut records = all.domains.iter();
        let record = records.find(|record| record.domain.name == name).unwrap();
        &record.parameters
    };
    let running = find("pv1");
    assert_eq!(value(running, "state.state"), &TypedValue::Int(1));
    assert_eq!(value(running, "balloon.maximum"), &TypedValue::ULLong(8192));
    assert_eq!(value(running, "vcpu.current"), &TypedValue::UInt(1));
    assert_eq!(value(running, "vcpu.0.state"), &TypedValue::Int(2));
    assert_eq!(value(running, "net.count"), &TypedValue::UInt(1));
    let name = TypedValue::String("vif1.0".to_owned());
    assert_eq!(value(running, "net.0.name"), &name);
    assert!(matches!(
        value(running, "net.0.rx.bytes"),
        TypedValue::ULLong(_)
    ));
    let path = TypedValue::String("/var/lib/xen/images/pv1.img".to_owned());
    assert_eq!(value(running, "block.0.path"), &path);
    assert!(matches!(
        value(running, "block.0.fl.reqs"),
        TypedValue::ULLong(_)
    ));
    let defined = find("pv4");
    assert_eq!(value(defined, "state.state"), &TypedValue::Int(5));
    assert!(
        defined
            .iter()
            .all(|it| !it.name.starts_with("net.") && it.name != "cpu.time")
    );
    let block = StatsGroups {
        block: true,
        ..StatsGroups::default()
    };
    let some = driver.stats_of(&[key("pv1")], block, true).await.unwrap();
    assert!(
        some.domains[0]
            .parameters
            .iter()
            .all(|it| it.name.starts_with("block."))
    );
}

#[tokio::test]
async fn a_hung_xend_and_a_job_delay_nothing() {
    let (sim, driver) = open("sim:?guests=2", false).await;
    sim.inject(Fault::hang());
    let busy = driver.clone();
    tokio::spawn(async move { busy.shutdown(&key("pv1"), Default::default()).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let active = ListFilter::active();
    let all = driver.all_stats(&active, StatsGroups::ALL, true);
    let all = tokio::time::timeout(Duration::from_millis(600), all).await;
    assert_eq!(all.unwrap().unwrap().domains.len(), 3);
    let id = DomainKey::Id(DomId(1));
    driver.interface_stats(&id, "vif1.0").await.unwrap();
    driver.node_cpu_stats(Some(3)).await.unwrap();
}

#[tokio::test]
async fn what_does_not_come_in_time_is_left_out_with_its_reason() {
    let (_, driver) = open("sim:?guests=1", true).await;
    let active = ListFilter::active();
    let all = driver
        .all_stats(&active, StatsGroups::ALL, false)
        .await
        .unwrap();
    assert_eq!(all.missing.len(), 2, "{:?}", all.missing);
    assert!(
        all.missing.iter().all(Error::is_timeout),
        "{:?}",
        all.missing
    );
    let guest = &all.domains[1].parameters;
    assert_eq!(value(guest, "vcpu.current"), &TypedValue::UInt(1));
    assert!(guest.iter().all(|it| !it.name.starts_with("block.")));
    let enforced = driver.all_stats(&active, StatsGroups::ALL, true).await;
    assert!(enforced.unwrap_err().is_timeout());
}

#[tokio::test]
async fn the_machine_has_processors_and_memory() {
    let (_, driver) = open("sim:?guests=1", false).await;
    // Times grow from one question to the next.
    let one = driver.node_cpu_stats(Some(0)).await.unwrap();
    let all = driver.node_cpu_stats(None).await.unwrap();
    let names: Vec<_> = all.parameters().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["kernel", "user", "idle"]);
    assert!(one.times.idle < all.times.idle);
    let error = driver.node_cpu_stats(Some(4)).await.unwrap_err();
    assert!(error.to_string().contains("the host has 4"), "{error}");
    let memory = driver.node_memory_stats(None).await.unwrap();
    let names: Vec<_> = memory.parameters().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["total", "free", "buffers", "cached"]);
    let cell = driver.node_memory_stats(Some(0)).await.unwrap();
    assert_eq!((cell.total, cell.buffers), (memory.total, None));
    assert!(driver.node_memory_stats(Some(1)).await.is_err());
    let (_, old) = open("sim:?guests=1&release=3.1", false).await;
    let own = old.node_cpu_stats(None).await.unwrap();
    assert!(own.times.iowait.is_some(), "{own:?}");
}
