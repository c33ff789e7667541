//! What a kernel could write into the files of `/sys` and `/proc`, and call its
//! devices: numbers come out of it or a reason, in bounds, on a host that the
//! hypervisor tells the machine's times and on one that it does not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::io::{Error, ErrorKind, Result};
use std::sync::{Mutex, OnceLock, PoisonError};
use tokio::runtime::Runtime;
use virtxen_guest::DomId;
use virtxen_host::{
    ActiveDomain, Arch, Channels, Deadlines, FileSource, Host, Machine, NodeFiles, XenHost,
};
use virtxen_sim::{Options, SimHost};

/// What is in every file and folder.
static TEXT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Most processors that a host may have for us.
const CPUS_MAX: usize = 4096;

struct Thrown;

impl FileSource for Thrown {
    fn read(&self, _: &str, most: usize) -> Result<Vec<u8>> {
        let text = TEXT.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(text.iter().copied().take(most).collect())
    }

    fn list(&self, path: &str, most: usize) -> Result<Vec<String>> {
        if path.starts_with("/sys/bus") && self.read(path, 1)?.first() == Some(&b'!') {
            return Err(Error::from(ErrorKind::NotFound));
        }
        let text = self.read(path, most)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let names = text.lines().map(str::to_owned);
        Ok(names.chain(["vbd-1-51712".to_owned()]).take(most).collect())
    }
}

fuzz_target!(|input: &[u8]| {
    static HOSTS: OnceLock<(Runtime, [XenHost; 2])> = OnceLock::new();
    let (runtime, hosts) = HOSTS.get_or_init(hosts);
    *TEXT.lock().unwrap_or_else(PoisonError::into_inner) = input.to_vec();
    runtime.block_on(async {
        for host in hosts {
            numbers(host).await;
        }
    });
});

async fn numbers(host: &XenHost) {
    let domains = [0, 1, u32::MAX].map(|domid| ActiveDomain {
        domid: DomId(domid),
        name: "web".to_owned(),
        max_vcpus: 1,
    });
    let disks = host.disk_statistics(&domains).await.expect("a list");
    assert_eq!(disks.len(), domains.len());
    for disk in disks.iter().flatten() {
        assert!(disk.is_called(&disk.device.to_string()));
        assert!(disk.is_called(&disk.target));
    }
    let interfaces = host.interface_statistics(&domains).await.expect("a list");
    assert_eq!(interfaces.len(), domains.len());
    assert!(
        interfaces
            .iter()
            .flatten()
            .all(|it| it.name.starts_with("vif"))
    );
    let times = host.processor_times().await.expect("times");
    assert!(times.cpus.len() <= CPUS_MAX);
    host.node_memory().await.expect("memory");
}

fn hosts() -> (Runtime, [XenHost; 2]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let hosts = ["sim:?release=3.1", "sim:?release=4.22"];
    let hosts = hosts.map(|uri| {
        let sim = SimHost::new(Options::from_uri(uri).expect("a simulated host"));
        let gate = sim.hypervisor(Arch::X86_64).expect("a hypervisor");
        let machine = Machine {
            host_name: "vm".to_owned(),
            system: "Linux".to_owned(),
            kernel: "6.1.0".to_owned(),
            machine: "x86_64".to_owned(),
        };
        let host = Channels::new(Deadlines::default(), None)
            .hypercalls(Ok(Box::new(gate)), Some(Arch::X86_64))
            .machine(machine)
            .files(NodeFiles::new("thrown", Thrown))
            .open();
        runtime.block_on(host).expect("a host")
    });
    (runtime, hosts)
}
