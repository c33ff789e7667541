//! Simulated hosts, the channels that a test leaves of them, and what is asked on these.

use std::sync::{Arc, Mutex};
use virtxen_host::{Arch, Channels, Deadlines, Gate, Machine, Store, Trace, XenHost};
use virtxen_sim::state::Timing;
use virtxen_sim::{Options, Release, SimHost};
use virtxen_xenstore::Memory;

pub(crate) const GUEST: &str = include_str!("../../../../examples/paravirt-kernel.xml");
pub(crate) const DISK: &str = "<disk type='file' device='disk'><source file='/srv/xen/more.img'/>\
                    <target dev='xvdf' bus='xen'/></disk>";

/// Which channels a test leaves to a host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mix {
    pub(crate) hypercalls: bool,
    pub(crate) xenstore: bool,
    pub(crate) xend: bool,
}

pub(crate) const ALL: Mix = Mix {
    hypercalls: true,
    xenstore: true,
    xend: true,
};

/// A host of this release on which nothing takes time.
pub(crate) fn sim(release: Release, guests: usize) -> SimHost {
    SimHost::new(Options {
        release,
        guests,
        timing: Timing::instant(),
        ..Options::default()
    })
}

/// The requests that a host made, as `channel what`.
#[derive(Clone, Default)]
pub(crate) struct Requests(Arc<Mutex<Vec<String>>>);

impl Requests {
    fn trace(&self) -> Trace {
        let all = Arc::clone(&self.0);
        Trace::new(move |request| {
            let line = format!("{} {}", request.channel, request.what);
            all.lock().unwrap().push(line);
        })
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// How many requests begin so.
pub(crate) fn count(requests: &[String], prefix: &str) -> usize {
    requests.iter().filter(|it| it.starts_with(prefix)).count()
}

/// These channels of a host, with what is asked on them.
pub(crate) async fn channels(
    sim: &SimHost,
    mix: Mix,
    deadlines: Deadlines,
    requests: &Requests,
) -> Channels {
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

/// A host with these channels.
pub(crate) async fn open(sim: &SimHost, mix: Mix, requests: &Requests) -> XenHost {
    let channels = channels(sim, mix, Deadlines::default(), requests).await;
    channels.open().await.unwrap()
}
