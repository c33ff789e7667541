//! A host without XenD, a folder of its own, and a driver for both.

use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use virtxen_driver::{DefineFlags, DomainKey, Driver, Options, State, TakenDown};
use virtxen_host::{Arch, Channels, Deadlines, Folders, Launch, Store};
use virtxen_sim::SimHost;
use virtxen_sim::state::Timing;

pub(crate) fn guest(name: &str, lifecycle: &str) -> String {
    format!(
        "<domain type='xen'><name>{name}</name><title>Shop</title>\
         <memory unit='MiB'>64</memory><os><type>linux</type><kernel>/k</kernel></os>{lifecycle}\
         <devices><disk type='file'><source file='/web.img'/><target dev='xvda'/></disk>\
         </devices></domain>"
    )
}

pub(crate) fn key(name: &str) -> DomainKey {
    DomainKey::Name(name.to_owned())
}

/// A host, a folder of its own and a driver.
pub(crate) struct Machine {
    pub(crate) sim: SimHost,
    pub(crate) root: tempfile::TempDir,
    pub(crate) driver: Driver,
}

pub(crate) async fn machine(release: &str) -> Machine {
    let options = virtxen_sim::Options::from_uri(&format!("sim:?release={release}")).unwrap();
    let sim = SimHost::new(virtxen_sim::Options {
        timing: Timing::instant(),
        ..options
    });
    let root = tempfile::tempdir().unwrap();
    let driver = driver(&sim, root.path()).await;
    Machine { sim, root, driver }
}

pub(crate) async fn driver(sim: &SimHost, root: &Path) -> Driver {
    let folders = Folders::below(root);
    let xenstored = sim.xenstore().clone();
    let connect = move || xenstored.connect();
    let store = Store::connect(virtxen_xenstore::Memory::new("memory", connect)).await;
    let library = sim.clone();
    let launch = Launch::Stream(Box::new(move || library.connect_libxl()));
    let channels = Channels::new(Deadlines::default(), None)
        .hypercalls(
            Ok(Box::new(sim.hypervisor(Arch::X86_64).unwrap())),
            Some(Arch::X86_64),
        )
        .xenstore(store.map_err(|error| error.to_string()))
        .libxl(Ok(launch), "the simulated libxl")
        .documents(Ok(folders.documents()))
        .machine(virtxen_host::Machine {
            host_name: "vm".to_owned(),
            system: "Linux".to_owned(),
            kernel: "6.1".to_owned(),
            machine: "x86_64".to_owned(),
        })
        .simulated();
    let options = Options {
        folders: Some(folders),
        ..Options::default()
    };
    Driver::open(Arc::new(channels.open().await.unwrap()), options)
}

impl Machine {
    pub(crate) async fn started(&self, name: &str, lifecycle: &str) {
        let flags = DefineFlags::default();
        let xml = guest(name, lifecycle);
        self.driver.define_xml(&xml, flags).await.unwrap();
        self.driver.start(&key(name), false).await.unwrap();
    }

    pub(crate) async fn state(&self, name: &str) -> State {
        let domain = self.driver.lookup(&key(name)).await;
        domain.map_or(State::NoState, |domain| domain.state)
    }

    pub(crate) fn keeper(&self) -> UnboundedReceiver<TakenDown> {
        let (tell, told) = unbounded_channel();
        self.driver.take_down_ended(move |it| drop(tell.send(it)));
        told
    }

    pub(crate) fn is_running(state: State) -> bool {
        matches!(state, State::Running | State::Blocked)
    }
}
