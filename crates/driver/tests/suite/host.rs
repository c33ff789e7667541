//! The table of releases, and drivers on simulated hosts of them.

use std::sync::Arc;
use std::time::Duration;
use virtxen_driver::{
    CreateFlags, DefineFlags, Domain, DomainKey, Driver, Error, Options, Result, State,
};
use virtxen_host::{Arch, Channels, Deadlines, Gate, Machine, Store, XenHost};
use virtxen_sim::SimHost;
use virtxen_sim::state::Timing;

/// What a release does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// Of Xen.
    pub(crate) release: &'static str,
    /// It has a XenD, so that more can be done than to look.
    pub(crate) xend: bool,
    /// XenD keeps inactive domains.
    pub(crate) inactive: bool,
    /// Vcpus of a running domain can be pinned.
    pub(crate) pins: bool,
    /// The medium of a running domain can be changed.
    pub(crate) medium: bool,
    /// The memory of a domain can be dumped.
    pub(crate) dumps: bool,
}

const fn row(release: &'static str, can: [bool; 5]) -> Row {
    let [xend, inactive, pins, medium, dumps] = can;
    Row {
        release,
        xend,
        inactive,
        pins,
        medium,
        dumps,
    }
}

const Y: bool = true;
const N: bool = false;

/// Every release that is simulated: XenD, inactive, pins, medium, dumps.
pub(crate) const ROWS: &[Row] = &[
    row("3.0.1", [Y, N, Y, N, N]),
    row("3.0.3", [Y, N, N, N, N]),
    row("3.0.4", [Y, Y, N, N, Y]),
    row("3.1", [Y, Y, N, Y, Y]),
    row("3.2", [Y, Y, N, Y, Y]),
    row("3.3", [Y, Y, N, Y, Y]),
    row("3.4", [Y, Y, Y, Y, Y]),
    row("4.0", [Y, Y, Y, N, Y]),
    row("4.1", [Y, Y, Y, N, Y]),
    row("4.2", [Y, Y, Y, N, Y]),
    row("4.4", [Y, Y, Y, N, Y]),
    row("4.5", [N; 5]),
    row("4.6", [N; 5]),
    row("4.7", [N; 5]),
    row("4.8", [N; 5]),
    row("4.9", [N; 5]),
    row("4.10", [N; 5]),
    row("4.11", [N; 5]),
    row("4.12", [N; 5]),
    row("4.13", [N; 5]),
    row("4.14", [N; 5]),
    row("4.15", [N; 5]),
    row("4.16", [N; 5]),
    row("4.17", [N; 5]),
    row("4.18", [N; 5]),
    row("4.19", [N; 5]),
    row("4.20", [N; 5]),
    row("4.21", [N; 5]),
    row("4.22", [N; 5]),
];

/// The releases that have a XenD.
pub(crate) fn managed() -> impl Iterator<Item = Row> {
    ROWS.iter().copied().filter(|row| row.xend)
}

/// Which channels are left to a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mix {
    pub(crate) hypercalls: bool,
    pub(crate) xenstore: bool,
    pub(crate) xend: bool,
}

/// All that a release has.
pub(crate) const ALL: Mix = Mix {
    hypercalls: true,
    xenstore: true,
    xend: true,
};

impl Row {
    /// A host of this release with so many guests; nothing takes time on it.
    pub(crate) fn host(&self, guests: usize) -> SimHost {
        self.host_with(guests, Timing::instant())
    }

    pub(crate) fn host_with(&self, guests: usize, timing: Timing) -> SimHost {
        let uri = format!("sim:?release={}&guests={guests}", self.release);
        let options = virtxen_sim::Options::from_uri(&uri).unwrap();
        SimHost::new(virtxen_sim::Options { timing, ..options })
    }

    /// A driver on a host without guests.
    pub(crate) async fn driver(&self) -> Driver {
        driver(&self.host(0), ALL).await
    }

    /// A domain of this document that runs, defined where the release can.
    pub(crate) async fn run(&self, driver: &Driver, xml: &str) -> DomainKey {
        if self.inactive {
            let defined = driver.define_xml(xml, DefineFlags::default()).await;
            let key = DomainKey::from(&defined.unwrap().domain);
            driver.start(&key, false).await.unwrap();
            key
        } else {
            let created = driver.create_xml(xml, CreateFlags::default()).await;
            DomainKey::from(&created.unwrap().domain)
        }
    }

    /// Expects that something works where the table says so, and is else refused with
    /// a reason.
    pub(crate) fn expect<T: std::fmt::Debug>(&self, what: &str, can: bool, outcome: Result<T>) {
        match outcome {
            Ok(_) => assert!(can, "{what} works on {}", self.release),
            Err(error) => assert!(!can, "{what} on {}: {error}", self.release),
        }
    }
}

/// Another connection to the same host.
pub(crate) async fn driver(sim: &SimHost, mix: Mix) -> Driver {
    driver_with(sim, mix, Duration::from_secs(10)).await
}

/// As [`driver`], whose operations may take so long.
pub(crate) async fn driver_with(sim: &SimHost, mix: Mix, limit: Duration) -> Driver {
    let host = channels(sim, mix).await.open().await.unwrap();
    of_host(host, limit)
}

pub(crate) fn of_host(host: XenHost, limit: Duration) -> Driver {
    let options = Options {
        poll_interval: Duration::from_millis(100),
        deadline: Some(limit),
        ..Options::default()
    };
    Driver::open(Arc::new(host), options)
}

pub(crate) async fn channels(sim: &SimHost, mix: Mix) -> Channels {
    let missing = || "left out".to_owned();
    let gate = sim.hypervisor(Arch::X86_64).unwrap();
    let gate: Box<dyn Gate> = Box::new(gate);
    let xenstored = sim.xenstore().clone();
    let store = virtxen_xenstore::Memory::new("memory", move || xenstored.connect());
    let store = Store::connect(store).await.unwrap();
    let xend = sim.clone();
    let connect = move || std::future::ready(Ok(xend.connect()));
    let xend: Box<dyn virtxen_xend::Connector> =
        Box::new(virtxen_xend::Memory::new("the simulated XenD", connect));
    let has_xend = mix.xend && sim.has_xend();
    let keeper = sim.clone();
    Channels::new(Deadlines::default(), None)
        .hypercalls(
            mix.hypercalls.then_some(gate).ok_or_else(missing),
            Some(Arch::X86_64),
        )
        .xenstore(mix.xenstore.then_some(store).ok_or_else(missing))
        .xend(has_xend.then_some(xend).ok_or_else(missing))
        .machine(Machine::local())
        .kept(Arc::new(move |uuid| keeper.is_managed(&uuid.to_string())))
        .simulated()
}

pub(crate) fn key(name: &str) -> DomainKey {
    DomainKey::Name(name.to_owned())
}

/// Waits until a domain is as wanted; `None`: it is gone.
pub(crate) async fn until(
    driver: &Driver,
    key: &DomainKey,
    wanted: impl Fn(Option<&Domain>) -> bool,
) {
    for _ in 0..500 {
        let domain = match driver.lookup(key).await {
            Ok(domain) => Some(domain),
            Err(Error::NoDomain(_)) => None,
            Err(error) => panic!("{error}"),
        };
        if wanted(domain.as_ref()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{key} does not come to what it should be");
}

/// Neither active nor in between.
pub(crate) fn is_off(domain: Option<&Domain>) -> bool {
    domain.is_none_or(|domain| domain.state == State::Shutoff)
}

/// A paravirtualized guest of 128 MiB that may have 256, with one of two vcpus.
pub(crate) const GUEST: &str = "<domain type='xen'><name>web</name><memory>262144</memory>\
     <uuid>11111111-2222-4333-8444-555555555555</uuid>\
     <currentMemory>131072</currentMemory><vcpu current='1'>2</vcpu>\
     <os><type>linux</type><kernel>/boot/vmlinuz</kernel></os><devices>\
     <disk type='file' device='disk'><source file='/var/lib/xen/images/web.img'/>\
     <target dev='xvda' bus='xen'/></disk></devices></domain>";
