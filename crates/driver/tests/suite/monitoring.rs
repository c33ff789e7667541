//! Monitoring that XenD cannot delay, with each part of the channels missing, and of
//! releases that have no XenD.

use crate::host::{ALL, GUEST, Mix, ROWS, Row, channels, driver, driver_with, key, managed, until};
use std::time::{Duration, Instant};
use virtxen_driver::{
    Delivery, DomainKey, Driver, Error, EventKind, ListFilter, ShutdownMode, State,
};
use virtxen_guest::DomId;
use virtxen_sim::hypervisor::{Change, Machine};
use virtxen_sim::{Fault, SimHost};

/// As long as nobody waits for XenD.
const SOON: Duration = Duration::from_secs(5);

/// What monitoring tells of a host with four guests, of which one is paused.
async fn monitored(driver: &Driver, context: &str) -> String {
    let active = driver.list(&ListFilter::active()).await.unwrap();
    assert!(active.len() >= 4, "{context}: {active:?}");
    let paused = active.iter().filter(|it| it.state == State::Paused).count();
    assert_eq!(paused, 1, "{context}");
    let guest = active.iter().find(|it| it.state == State::Blocked).unwrap();
    let name = guest.name.clone();
    for key in [
        DomainKey::from(guest),
        key(&name),
        DomainKey::Id(guest.id.unwrap()),
    ] {
        let found = driver.lookup(&key).await.unwrap();
        assert_eq!(found.name, name, "{context}");
        assert!(found.memory.0 > 0, "{context}");
        assert_eq!(found.vcpus, 1, "{context}");
    }
    assert_eq!(
        driver.vcpus(&key(&name)).await.unwrap().len(),
        1,
        "{context}"
    );
    assert_eq!(driver.node_info().await.unwrap().cpus, 4, "{context}");
    name
}

#[tokio::test]
async fn monitoring_goes_on_while_xend_hangs() {
    for row in managed() {
        let sim = row.host(4);
        let limit = Duration::from_millis(300);
        let driver = driver_with(&sim, ALL, limit).await;
        // XenD was asked before, so that what hangs is not the first question.
        let _ = driver.list(&ListFilter::default()).await.unwrap();
        sim.inject(Fault::hang());
        let begin = Instant::now();
        let mut events = driver.subscribe().await.unwrap();
        let name = monitored(&driver, row.release).await;
        let domain = driver.lookup(&key(&name)).await.unwrap();
        for (change, kind) in [
            (Change::Pause, EventKind::SuspendedPaused),
            (Change::Unpause, EventKind::ResumedUnpaused),
            (Change::Destroy, EventKind::StoppedDestroyed),
        ] {
            // XenD does not know of it: another toolstack did it.
            Machine::change(&sim, domain.id.unwrap().0, change).unwrap();
            let next = tokio::time::timeout(SOON, events.next()).await;
            match next.unwrap_or_else(|_| panic!("{row:?}: no {kind:?}")) {
                Some(Delivery::Event(event)) => {
                    assert_eq!((event.kind, event.name), (kind, name.clone()), "{row:?}");
                }
                other => panic!("{row:?}: {other:?}"),
            }
        }
        assert!(begin.elapsed() < SOON, "{row:?}: {:?}", begin.elapsed());
        refused(&driver, &row).await;
    }
}

/// What needs XenD fails soon, and says who did not answer.
async fn refused(driver: &Driver, row: &Row) {
    let active = driver.list(&ListFilter::active()).await.unwrap();
    let runs = active.iter().rfind(|it| it.state == State::Blocked);
    let guest = DomainKey::from(runs.or(active.last()).unwrap());
    let begin = Instant::now();
    for outcome in [
        driver.suspend(&guest).await,
        driver.shutdown(&guest, ShutdownMode::Any).await,
        driver.destroy(&guest).await,
    ] {
        let error = outcome.unwrap_err();
        assert!(error.to_string().contains("XenD"), "{row:?}: {error}");
        assert_eq!(error.libvirt().code, 68, "{row:?}: {error}");
    }
    assert!(begin.elapsed() < SOON, "{row:?}");
}

#[tokio::test]
async fn releases_without_xend_are_monitored() {
    for row in ROWS.iter().filter(|row| !row.xend) {
        let sim = row.host(4);
        let driver = driver(&sim, ALL).await;
        let name = monitored(&driver, row.release).await;
        let mut events = driver.subscribe().await.unwrap();
        let domain = driver.lookup(&key(&name)).await.unwrap();
        Machine::change(&sim, domain.id.unwrap().0, Change::Destroy).unwrap();
        let next = tokio::time::timeout(SOON, events.next()).await;
        match next.unwrap_or_else(|_| panic!("{row:?}: no event")) {
            Some(Delivery::Event(event)) => {
                assert_eq!(event.kind, EventKind::StoppedDestroyed, "{row:?}");
            }
            other => panic!("{row:?}: {other:?}"),
        }
        let other = driver.list(&ListFilter::active()).await.unwrap();
        let other = other.iter().rfind(|it| it.state == State::Blocked);
        let other = DomainKey::from(other.unwrap());
        let started = driver.reset(&other).await;
        let error = started.unwrap_err();
        assert!(error.to_string().contains("libxl"), "{row:?}: {error}");
        assert_eq!(error.libvirt().code, 84, "{row:?}: {error}");
        // The order to shut down is in XenStore.
        driver.shutdown(&other, ShutdownMode::Any).await.unwrap();
        until(&driver, &other, |domain| domain.is_none()).await;
    }
}

/// What each subset of the channels can do, on each release.
#[tokio::test]
async fn every_subset_of_channels_does_what_it_can() {
    for row in ROWS {
        for bits in 0_u32..8 {
            let mix = Mix {
                hypercalls: bits & 1 != 0,
                xenstore: bits & 2 != 0,
                xend: bits & 4 != 0 && row.xend,
            };
            if row.xend == mix.xend || bits & 4 == 0 {
                subset(row, &row.host(4), mix).await;
            }
        }
    }
}

/// What `doctor` shows: each channel, each route, and a reason for what is missing.
fn reported(driver: &Driver, mix: Mix, context: &str) {
    let channels = driver.host().channels();
    for (channel, there) in [
        ("hypercalls", mix.hypercalls),
        ("XenStore", mix.xenstore),
        ("XenD", mix.xend),
    ] {
        let found = channels.iter().find(|it| it.channel == channel).unwrap();
        assert_eq!(found.found, there, "{context}: {found:?}");
        assert!(there || !found.note.is_empty(), "{context}: {found:?}");
    }
    let routes = driver.host().routes();
    let serves = |operation: &str| {
        let route = routes.iter().find(|it| it.operation == operation).unwrap();
        let told = route.channel.is_some() || route.note.len() > 20;
        assert!(told, "{context}: {route:?} says not what to do");
        route.channel.clone().unwrap_or_default()
    };
    let monitoring = match mix {
        Mix {
            hypercalls: true, ..
        } if mix.xenstore || !mix.xend => "hypercalls",
        Mix { xend: true, .. } => "the simulated XenD",
        _ => "XenStore",
    };
    assert_eq!(serves("monitoring"), monitoring, "{context}");
    for operation in ["life cycle", "devices", "save and migration"] {
        assert_eq!(serves(operation).is_empty(), !mix.xend, "{context}");
    }
    assert_eq!(serves("consoles").is_empty(), !mix.xenstore, "{context}");
    serves("machine");
    serves("inactive guests");
    serves("events");
}

async fn subset(row: &Row, sim: &SimHost, mix: Mix) {
    let context = format!("{}: {mix:?}", row.release);
    let opened = channels(sim, mix).await.open().await;
    let host = match opened {
        Ok(host) => host,
        Err(error) => {
            assert!(
                !mix.hypercalls && !mix.xenstore && !mix.xend,
                "{context}: {error}"
            );
            assert!(error.to_string().contains("left out"), "{context}: {error}");
            return;
        }
    };
    let driver = crate::host::of_host(host, SOON);
    reported(&driver, mix, &context);
    let active = driver.list(&ListFilter::active()).await.unwrap();
    assert!(active.len() >= 4, "{context}: {active:?}");
    assert_eq!(active[0].name, "Domain-0", "{context}");
    let guest = active[1].clone();
    let has_names = mix.xenstore || mix.xend;
    assert_eq!(guest.name == "pv1", has_names, "{context}: {}", guest.name);
    // XenStore alone has neither states nor vcpus.
    let has_states = mix.hypercalls || mix.xend;
    assert_eq!(guest.state != State::NoState, has_states, "{context}");
    let id = DomainKey::Id(DomId(guest.id.unwrap().0));
    let vcpus = driver.vcpus(&id).await;
    assert_eq!(vcpus.is_ok(), has_states, "{context}: {vcpus:?}");
    let node = driver.node_info().await;
    assert_eq!(node.is_ok(), has_states, "{context}: {node:?}");
    if let Err(error) = node {
        assert!(
            matches!(error.libvirt().code, 84 | 38),
            "{context}: {error}"
        );
    }
    let paused = driver.suspend(&id).await;
    assert_eq!(paused.is_ok(), has_states, "{context}: {paused:?}");
    let console = driver.console(&id).await;
    assert_eq!(console.is_ok(), mix.xenstore, "{context}: {console:?}");
    if let Err(error) = console {
        assert!(matches!(error, Error::Host(_)), "{context}: {error}");
        assert!(error.to_string().contains("XenStore"), "{context}: {error}");
    }
    let ordered = driver.shutdown(&id, ShutdownMode::Any).await;
    let told = mix.xend || mix.xenstore;
    assert_eq!(ordered.is_ok(), told, "{context}: {ordered:?}");
    if let Err(error) = ordered {
        assert!(error.to_string().contains("XenStore"), "{context}: {error}");
    }
    if mix.xend {
        row.run(&driver, GUEST).await;
        assert!(
            driver.lookup(&key("web")).await.unwrap().is_active(),
            "{context}"
        );
    }
}
