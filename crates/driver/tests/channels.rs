//! The driver on a host of several channels: what it must not wait for.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;
use virtxen_driver::{CreateFlags, Delivery, Driver, Error, EventKind, ListFilter, Options};
use virtxen_host::{Arch, Channels, Deadlines, Gate, Machine, Store};
use virtxen_sim::state::Timing;
use virtxen_sim::{Fault, Release, SimHost};

const GUEST: &str = "<domain type='xen'><name>web</name><memory>262144</memory><vcpu>1</vcpu>\
     <os><type>linux</type><kernel>/boot/vmlinuz</kernel></os></domain>";

async fn driver(sim: &SimHost) -> Driver {
    let gate = Box::new(sim.hypervisor(Arch::X86_64).unwrap()) as Box<dyn Gate>;
    let xenstored = sim.xenstore().clone();
    let connector = virtxen_xenstore::Memory::new("memory", move || xenstored.connect());
    let store = Store::connect(connector).await.unwrap();
    let xend = sim.clone();
    let connect = move || std::future::ready(Ok(xend.connect()));
    let xend = Box::new(virtxen_xend::Memory::new("memory", connect));
    let host = Channels::new(Deadlines::default(), None)
        .hypercalls(Ok(gate), Some(Arch::X86_64))
        .xenstore(Ok(store))
        .xend(Ok(xend))
        .machine(Machine::local())
        .simulated()
        .open()
        .await
        .unwrap();
    let options = Options {
        // Longer than any test: what is seen was told.
        poll_interval: Duration::from_secs(3600),
        deadline: Some(Duration::from_millis(500)),
        ..Options::default()
    };
    Driver::open(Arc::new(host), options)
}

fn sim(guests: usize) -> SimHost {
    SimHost::new(virtxen_sim::Options {
        release: Release::V4_1,
        guests,
        timing: Timing::instant(),
        ..virtxen_sim::Options::default()
    })
}

#[tokio::test]
async fn what_others_do_is_an_event_at_once() {
    let sim = sim(0);
    let (ours, theirs) = (driver(&sim).await, driver(&sim).await);
    let mut events = ours.subscribe().await.unwrap();
    // The watches are set by the poller, a task of its own.
    tokio::time::sleep(Duration::from_millis(100)).await;
    theirs
        .create_xml(GUEST, CreateFlags::default())
        .await
        .unwrap();
    let started = async {
        loop {
            match events.next().await.unwrap() {
                Delivery::Event(event) if event.kind == EventKind::StartedBooted => return event,
                _ => {}
            }
        }
    };
    let event = tokio::time::timeout(Duration::from_secs(5), started).await;
    assert_eq!(event.unwrap().name, "web");
}

#[tokio::test]
async fn active_domains_are_listed_while_xend_hangs() {
    let sim = sim(8);
    let driver = driver(&sim).await;
    sim.inject(Fault::hang());
    let domains = driver.list(&ListFilter::active()).await.unwrap();
    assert_eq!(domains.len(), 7);
    assert!(driver.node_info().await.is_ok());
    // Inactive ones are only known to XenD, and that is said.
    let error = driver.list(&ListFilter::inactive()).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
}
