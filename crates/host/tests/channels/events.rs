//! Changes of a host are told by whichever channel sees them.

use crate::support::{ALL, DISK, GUEST, Requests, open, sim};
use std::time::Duration;
use virtxen_guest::{MemoryKib, ParseOptions, parse_device, parse_guest};
use virtxen_host::{Ending, Host, HostEvent, HostEvents};
use virtxen_sim::Release;

/// Waits for an event.
async fn until(events: &mut HostEvents, wanted: impl Fn(&HostEvent) -> bool) {
    let found = async {
        loop {
            let event = events.next().await.unwrap();
            if wanted(&event) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), found)
        .await
        .unwrap();
}

#[tokio::test]
async fn changes_are_told() {
    let sim = sim(Release::V4_1, 0);
    let host = open(&sim, ALL, &Requests::default()).await;
    let mut events = host.events().await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let guest = parse_guest(GUEST, &ParseOptions::default()).unwrap().value;
    let name = guest.name.as_str();
    let domid = host.create(&guest, false).await.unwrap().domid.unwrap();
    until(&mut events, |event| *event == HostEvent::Appeared(domid)).await;
    host.set_memory(name, MemoryKib::from_mib(80))
        .await
        .unwrap();
    let target = MemoryKib::from_mib(80);
    until(&mut events, |event| {
        *event == HostEvent::MemoryTarget { domid, target }
    })
    .await;
    let device = parse_device(DISK, &ParseOptions::default()).unwrap().value;
    host.attach(name, &device).await.unwrap();
    until(
        &mut events,
        |event| matches!(event, HostEvent::DeviceAdded { class, .. } if class == "vbd"),
    )
    .await;
    host.detach(name, &device).await.unwrap();
    until(&mut events, |event| {
        matches!(event, HostEvent::DeviceRemoved { .. })
    })
    .await;
    host.destroy(name).await.unwrap();
    let ending = Some(Ending::Destroyed);
    until(&mut events, |event| {
        *event == HostEvent::Vanished { domid, ending }
    })
    .await;
}
