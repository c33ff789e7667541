//! A host by all channels of a simulated one, with the files of a Domain-0.

#![allow(clippy::unwrap_used)] // a failed test is what an unexpected answer should be

use virtxen_host::{Arch, Channels, Deadlines, Launch, Machine, NodeFiles, Store, XenHost};
use virtxen_sim::SimHost;

pub(crate) async fn store(sim: &SimHost) -> Store {
    let xenstored = sim.xenstore().clone();
    let memory = virtxen_xenstore::Memory::new("memory", move || xenstored.connect());
    Store::connect(memory).await.unwrap()
}

pub(crate) async fn open(sim: &SimHost, files: NodeFiles) -> XenHost {
    let channels = Channels::new(Deadlines::default(), None)
        .hypercalls(
            Ok(Box::new(sim.hypervisor(Arch::X86_64).unwrap())),
            Some(Arch::X86_64),
        )
        .xenstore(Ok(store(sim).await))
        .machine(Machine::local())
        .files(files)
        .simulated();
    let called = sim.clone();
    let channels = match sim.has_xend() {
        true => channels.xend(Ok(Box::new(virtxen_xend::Memory::new(
            "memory",
            move || std::future::ready(Ok(called.connect())),
        )))),
        false => {
            let launch = Launch::Stream(Box::new(move || called.connect_libxl()));
            channels.libxl(Ok(launch), "the simulated libxl")
        }
    };
    channels.open().await.unwrap()
}
