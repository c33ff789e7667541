//! What is shown and done by the mix is what XenD alone shows and does, and as far as
//! channels are missing something else takes their place or is refused.

use crate::support::{ALL, DISK, GUEST, Mix, Requests, channels, open, sim};
use std::time::Duration;
use virtxen_guest::{MemoryKib, ParseOptions, parse_device, parse_guest};
use virtxen_host::{Deadlines, DomainState, Error, Host, Scheduler, ShutdownReason, XenHost};
use virtxen_sim::Release;

#[tokio::test]
async fn hypercalls_show_what_xend_shows_on_every_release() {
    for release in Release::ALL {
        let sim = sim(release, 20);
        let requests = Requests::default();
        let cheap = open(&sim, ALL, &requests).await;
        let xend = Mix {
            hypercalls: false,
            xenstore: false,
            xend: true,
        };
        let plain = open(&sim, xend, &requests).await;
        let context = release.version();
        assert_eq!(cheap.version(), plain.version(), "{context}");
        let (mine, theirs) = (
            cheap.all_domains().await.unwrap(),
            plain.all_domains().await.unwrap(),
        );
        assert_eq!(mine.len(), theirs.len(), "{context}");
        for (mine, theirs) in mine.iter().zip(&theirs) {
            let facts = |it: &virtxen_host::DomainInfo| {
                (
                    it.name.clone(),
                    it.domid,
                    it.uuid,
                    it.memory,
                    it.vcpus,
                    it.max_vcpus,
                    it.kind,
                    it.persistent,
                )
            };
            assert_eq!(facts(mine), facts(theirs), "{context}");
            let paused = |it: &virtxen_host::DomainInfo| it.state == DomainState::Paused;
            assert_eq!(
                paused(mine),
                paused(theirs),
                "{context}: {mine:?} {theirs:?}"
            );
        }
        let (mine, theirs) = (cheap.node().await.unwrap(), plain.node().await.unwrap());
        assert_eq!(mine.topology.cpus, theirs.topology.cpus, "{context}");
        assert_eq!(mine.guest_types, theirs.guest_types, "{context}");
        assert_eq!(mine.version, theirs.version, "{context}");
        let name = &cheap.domains().await.unwrap()[1].name;
        let (mine, theirs) = (
            cheap.vcpus(name).await.unwrap(),
            plain.vcpus(name).await.unwrap(),
        );
        let facts = |it: &virtxen_host::VcpuInfo| (it.number, it.online, it.affinity.clone());
        let all = |them: &[virtxen_host::VcpuInfo]| them.iter().map(facts).collect::<Vec<_>>();
        assert_eq!(all(&mine), all(&theirs), "{context}");
    }
}

#[tokio::test]
async fn a_life_through_the_mix_of_channels_on_every_release() {
    for release in Release::ALL {
        let sim = sim(release, 0);
        let host = open(&sim, ALL, &Requests::default()).await;
        let context = release.version();
        let guest = parse_guest(GUEST, &ParseOptions::default()).unwrap().value;
        let name = guest.name.as_str();
        if release >= Release::V3_0_4 {
            host.define(&guest).await.unwrap();
            assert_eq!(host.inactive().await.unwrap(), [name], "{context}");
            assert_eq!(host.domain(name).await.unwrap().state, DomainState::Halted);
            host.start(name, false).await.unwrap();
        } else {
            assert!(host.define(&guest).await.is_err(), "{context}");
            host.create(&guest, false).await.unwrap();
        }
        let info = host.domain(name).await.unwrap();
        assert_eq!(Some(info.uuid), guest.uuid, "{context}");
        assert_eq!(
            info.persistent,
            Some(release >= Release::V3_0_4),
            "{context}"
        );
        assert_eq!(host.all_domains().await.unwrap().len(), 2, "{context}");
        change(&host, release, name).await;
        host.shutdown(name, ShutdownReason::Poweroff).await.unwrap();
        if release >= Release::V3_0_4 {
            for _ in 0..200 {
                if host.domain(name).await.unwrap().domid.is_none() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            host.undefine(name).await.unwrap();
        }
        gone(&host, name).await;
    }
}

/// Everything that changes a running domain is seen through the other channel.
async fn change(host: &XenHost, release: Release, name: &str) {
    let context = release.version();
    let device = parse_device(DISK, &ParseOptions::default()).unwrap().value;
    host.pause(name).await.unwrap();
    assert_eq!(
        host.domain(name).await.unwrap().state,
        DomainState::Paused,
        "{context}"
    );
    host.unpause(name).await.unwrap();
    assert_ne!(
        host.domain(name).await.unwrap().state,
        DomainState::Paused,
        "{context}"
    );
    host.set_memory(name, MemoryKib::from_mib(96))
        .await
        .unwrap();
    assert_eq!(
        host.domain(name).await.unwrap().memory,
        MemoryKib::from_mib(96),
        "{context}"
    );
    host.attach(name, &device).await.unwrap();
    host.detach(name, &device).await.unwrap();
    let can_pin = release < Release::V3_0_3 || release >= Release::V3_4;
    if can_pin {
        host.pin_vcpu(name, 0, &[1]).await.unwrap();
        assert_eq!(
            host.vcpus(name).await.unwrap()[0].affinity,
            [1],
            "{context}"
        );
    }
    if release >= Release::V3_0_3 {
        let credit = Scheduler::Credit {
            weight: 512,
            cap: 0,
        };
        host.set_scheduler(name, &credit).await.unwrap();
        assert_eq!(host.scheduler(name).await.unwrap(), credit, "{context}");
    }
}

#[tokio::test]
async fn channels_missing_in_every_combination() {
    for bits in 0_u32..8 {
        let mix = Mix {
            hypercalls: bits & 1 != 0,
            xenstore: bits & 2 != 0,
            xend: bits & 4 != 0,
        };
        let sim = sim(Release::V4_1, 4);
        let requests = Requests::default();
        let opened = channels(&sim, mix, Deadlines::default(), &requests)
            .await
            .open()
            .await;
        let host = match opened {
            Ok(host) => host,
            Err(error) => {
                assert_eq!(bits, 0, "{mix:?}: {error}");
                assert!(error.to_string().contains("left out"), "{error}");
                continue;
            }
        };
        let domains = host.domains().await.unwrap();
        assert_eq!(domains.len(), 4, "{mix:?}");
        let found = host.channels().iter().filter(|it| it.found).count();
        assert_eq!(found, bits.count_ones() as usize, "{mix:?}");
        let name = &domains[1].name;
        let paused = host.pause(name).await;
        let can = mix.xend || mix.hypercalls;
        assert_eq!(paused.is_ok(), can, "{mix:?}: {paused:?}");
        let told = host.routes();
        let route = |kind: &str| told.iter().find(|it| it.operation == kind).unwrap();
        assert_eq!(route("life cycle").channel.is_some(), mix.xend, "{mix:?}");
        assert_eq!(route("consoles").channel.is_some(), mix.xenstore, "{mix:?}");
        let cheap = mix.hypercalls && (mix.xenstore || !mix.xend);
        assert_eq!(
            route("monitoring").channel.as_deref() == Some("hypercalls"),
            cheap,
            "{mix:?}"
        );
        let told = mix.xenstore || mix.hypercalls;
        assert_eq!(host.events().await.is_some(), told, "{mix:?}");
    }
}

/// Waits until a domain is gone.
async fn gone(host: &XenHost, name: &str) {
    for _ in 0..200 {
        if matches!(host.domain(name).await, Err(Error::NoDomain { .. })) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{name} stays");
}
