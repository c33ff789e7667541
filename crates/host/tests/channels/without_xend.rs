//! Releases that no XenD serves are monitored by hypercalls and XenStore.

use std::path::Path;
use virtxen_guest::MemoryKib;
use virtxen_host::{
    Arch, Channels, Deadlines, DomainState, Error, Host, Machine, ShutdownReason, Store,
};
use virtxen_hypercall::Errno;
use virtxen_sim::hypervisor::{
    Change, Machine as SimMachine, MachineDomain, MachineFacts, SimHypervisor,
};
use virtxen_sim::xenstore::SimXenstore;
use virtxen_xenstore::Memory;

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
