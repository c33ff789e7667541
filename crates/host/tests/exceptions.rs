//! Events of a host without XenStore: the hypervisor's own, and what looks show.

#![allow(clippy::unwrap_used)] // a failed test is what an unexpected answer should be

use std::time::Duration;
use virtxen_guest::{ParseOptions, parse_guest};
use virtxen_host::{Arch, Channels, Deadlines, Host, HostEvent, HostEvents, Stream, XenHost};
use virtxen_sim::state::Timing;
use virtxen_sim::{Options, SimHost};

const GUEST: &str = include_str!("../../../examples/paravirt-kernel.xml");

fn sim() -> SimHost {
    SimHost::new(Options {
        guests: 2,
        timing: Timing::instant(),
        ..Options::default()
    })
}

async fn open(sim: &SimHost, node: Box<dyn Stream>) -> XenHost {
    let gate = sim.hypervisor(Arch::X86_64).unwrap();
    let xend = sim.clone();
    let xend = virtxen_xend::Memory::new("memory", move || std::future::ready(Ok(xend.connect())));
    let channels = Channels::new(Deadlines::default(), None)
        .hypercalls(Ok(Box::new(gate)), Some(Arch::X86_64))
        .xend(Ok(Box::new(xend)))
        .exceptions(Ok(node));
    channels.open().await.unwrap()
}

/// Waits for an event.
async fn until(events: &mut HostEvents, wanted: impl Fn(&HostEvent) -> bool) {
    let found = async { while !wanted(&events.next().await.unwrap()) {} };
    let limit = Duration::from_secs(5);
    tokio::time::timeout(limit, found).await.unwrap();
}

#[tokio::test]
async fn the_hypervisor_wakes_up_where_there_is_no_xenstore() {
    let sim = sim();
    let node = Box::new(sim.domain_exceptions());
    let host = open(&sim, node).await;
    let told = host.routes();
    let route = told.iter().find(|it| it.operation == "events").unwrap();
    assert!(route.note.contains("hypervisor's event"), "{}", route.note);
    let mut events = host.events().await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    for domain in host.domains().await.unwrap() {
        let Some(domid) = domain.domid.filter(|it| it.0 != 0) else {
            continue;
        };
        let begin = std::time::Instant::now();
        host.destroy(&domain.name).await.unwrap();
        let gone = |event: &HostEvent| matches!(event, HostEvent::Vanished { domid: it, .. } if *it == domid);
        until(&mut events, gone).await;
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
    // Without the event new domains and pauses are seen all the same.
    let guest = parse_guest(GUEST, &ParseOptions::default()).unwrap().value;
    let domid = host.create(&guest, false).await.unwrap().domid.unwrap();
    until(&mut events, |event| *event == HostEvent::Appeared(domid)).await;
    host.pause(&guest.name).await.unwrap();
    until(&mut events, |event| *event == HostEvent::Paused(domid)).await;
}

#[tokio::test]
async fn ports_in_pieces_and_a_node_that_breaks() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let sim = sim();
    let (node, mut kernel) = tokio::io::duplex(64);
    let host = open(&sim, Box::new(node)).await;
    let mut events = host.events().await.unwrap();
    let mut port = [0; 4];
    kernel.write_all(&[7, 0]).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(50), kernel.read_exact(&mut port));
    assert!(early.await.is_err(), "half a port was written back");
    kernel.write_all(&[0, 0]).await.unwrap();
    kernel.read_exact(&mut port).await.unwrap();
    assert_eq!(port, [7, 0, 0, 0]);
    drop(kernel);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let name = host.domains().await.unwrap()[1].name.clone();
    host.pause(&name).await.unwrap();
    until(&mut events, |event| matches!(event, HostEvent::Paused(_))).await;
}
