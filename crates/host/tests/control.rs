//! What the hypervisor does where there is no toolstack: stop, limit, schedule and end
//! domains; schedulers and cpupools that XenD does not know.

#![allow(clippy::unwrap_used)] // a failed test is what an unexpected answer should be

use virtxen_guest::MemoryKib;
use virtxen_host::{
    Arch, Channels, Deadlines, DomainState, Error, Host, Machine, Scheduler, Store, XenHost,
};
use virtxen_hypercall::abi::Interfaces;
use virtxen_sim::{Options, SimHost};
use virtxen_xenstore::Memory;

/// A host of a URI without its XenD.
async fn open(uri: &str) -> (SimHost, XenHost) {
    let sim = SimHost::new(Options::from_uri(uri).unwrap());
    let gate = sim.hypervisor(Arch::X86_64).unwrap();
    let store = sim.xenstore().clone();
    let store = Store::connect(Memory::new("memory", move || store.connect())).await;
    let channels = Channels::new(Deadlines::default(), None)
        .hypercalls(Ok(Box::new(gate)), Some(Arch::X86_64))
        .xenstore(store.map_err(|error| error.to_string()))
        .xend(Err("it has ended".to_owned()))
        .machine(Machine::local());
    (sim, channels.open().await.unwrap())
}

#[tokio::test]
async fn a_dead_xend_leaves_what_the_hypervisor_does() {
    for release in [
        "3.0.1", "3.0.3", "3.1", "3.4", "4.1", "4.4", "4.5", "4.17", "4.22",
    ] {
        let (_sim, host) = open(&format!("sim:?guests=3&release={release}")).await;
        let guest = host.domains().await.unwrap().pop().unwrap().name;
        let name = guest.as_str();
        let route = host.routes().into_iter();
        let mut route = route.filter(|it| it.operation.starts_with("pause"));
        let channel = route.next().unwrap().channel;
        assert_eq!(channel.as_deref(), Some("hypercalls"), "{release}");
        let paused = host.domain(name).await.unwrap().state == DomainState::Paused;
        if paused {
            host.unpause(name).await.unwrap();
        }
        host.pause(name).await.unwrap();
        let state = host.domain(name).await.unwrap().state;
        assert_eq!(state, DomainState::Paused, "{release}");
        host.unpause(name).await.unwrap();
        host.pin_vcpu(name, 0, &[2]).await.unwrap();
        let affinity = host.vcpus(name).await.unwrap()[0].affinity.clone();
        assert_eq!(affinity, [2], "{release}");
        let limit = MemoryKib::from_mib(512);
        host.set_max_memory(name, limit).await.unwrap();
        host.destroy(name).await.unwrap();
        let gone = host.domain(name).await;
        assert!(matches!(gone, Err(Error::NoDomain { .. })), "{release}");
        let error = host.pause("nosuch").await.unwrap_err();
        assert!(
            matches!(error, Error::NoDomain { .. }),
            "{release}: {error}"
        );
        let error = host.start("nosuch", false).await.unwrap_err().to_string();
        assert!(error.contains("it has ended"), "{release}: {error}");
    }
}

#[tokio::test]
async fn each_scheduler_is_shown_and_set() {
    let sedf = Scheduler::Sedf {
        period: 20,
        slice: 5,
        latency: 0,
        extra_time: false,
        weight: 0,
    };
    let credit2 = |cap| Scheduler::Credit2 { weight: 300, cap };
    let rtds = Scheduler::Rtds {
        period: 30_000,
        budget: 7_000,
    };
    let credit = Scheduler::Credit {
        weight: 300,
        cap: 20,
    };
    for (uri, wanted) in [
        ("sim:?guests=2&release=3.0.1", sedf.clone()),
        ("sim:?guests=2&release=4.4&scheduler=sedf", sedf),
        ("sim:?guests=2&release=3.0.3", credit),
        ("sim:?guests=2&release=4.1&scheduler=credit2", credit2(None)),
        ("sim:?guests=2&release=4.12", credit2(Some(30))),
        ("sim:?guests=2&release=4.5&scheduler=rtds", rtds.clone()),
        ("sim:?guests=2&release=4.20&scheduler=rtds", rtds),
    ] {
        let (_sim, host) = open(uri).await;
        let name = host.domains().await.unwrap().pop().unwrap().name;
        assert_ne!(host.scheduler(&name).await.unwrap(), wanted, "{uri}");
        host.set_scheduler(&name, &wanted).await.unwrap();
        assert_eq!(host.scheduler(&name).await.unwrap(), wanted, "{uri}");
    }
    let (_sim, host) = open("sim:?guests=2&release=4.12&scheduler=null").await;
    let name = host.domains().await.unwrap().pop().unwrap().name;
    let error = host.scheduler(&name).await.unwrap_err().to_string();
    assert!(error.contains("null"), "{error}");
}

#[tokio::test]
async fn cpupools_have_names_and_their_own_scheduler() {
    let (sim, host) = open("sim:?guests=2&release=4.17").await;
    let pools = host.cpu_pools().unwrap();
    let name = host.domains().await.unwrap().pop().unwrap().name;
    let told = pools.list().await.unwrap();
    assert_eq!(told.pools.len(), 1);
    assert_eq!(told.pools[0].scheduler, "credit2");
    pools.remove("Pool-0", 3).await.unwrap();
    assert_eq!(pools.list().await.unwrap().free, [3]);
    for bad in ["", "7", "a\nb", "Pool-0"] {
        assert!(pools.create(bad, None, &[]).await.is_err(), "{bad}");
    }
    // A processor that is not free: nothing stays of the attempt.
    assert!(pools.create("real", None, &[3, 0]).await.is_err());
    let told = pools.list().await.unwrap();
    assert_eq!((told.pools.len(), &told.free[..]), (1, &[3][..]));
    let id = pools.create("real", Some("rtds"), &[3]).await.unwrap();
    let stored = format!("/local/pool/{id}/name");
    let text = host.xenstore().unwrap().read_text(&stored).await.unwrap();
    assert_eq!(text.as_deref(), Some("real"));
    pools.move_domain(&name, "real").await.unwrap();
    let told = pools.list().await.unwrap();
    let real = told.find("real").unwrap();
    assert_eq!((real.domains, &real.cpus[..]), (1, &[3][..]));
    let scheduler = host.scheduler(&name).await.unwrap();
    assert!(matches!(scheduler, Scheduler::Rtds { .. }), "{scheduler:?}");
    let refused = pools.destroy("real").await.unwrap_err().to_string();
    assert!(refused.contains("has 1 domains"), "{refused}");
    pools.move_domain(&name, "0").await.unwrap();
    pools.destroy("real").await.unwrap();
    assert_eq!(pools.list().await.unwrap().free, [3]);
    let gone = host.xenstore().unwrap().read_text(&stored).await.unwrap();
    assert_eq!(gone, None);
    assert!(pools.destroy("Pool-0").await.is_err());
    drop(sim);
    let (_sim, old) = open("sim:?guests=2&release=4.0").await;
    let error = old.cpu_pools().unwrap().list().await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
}

#[tokio::test]
async fn a_newer_xen_is_left_to_the_next_route() {
    let sim = SimHost::new(Options::from_uri("sim:?guests=2&release=4.22").unwrap());
    let (sysctl, domctl) = (90, 91);
    let newer = sim.hypervisor(Arch::X86_64).unwrap();
    let newer = newer.with_interfaces(Interfaces::Control { sysctl, domctl });
    let store = sim.xenstore().clone();
    let store = Store::connect(Memory::new("memory", move || store.connect())).await;
    let channels = Channels::new(Deadlines::default(), None)
        .hypercalls(Ok(Box::new(newer)), Some(Arch::X86_64))
        .xenstore(store.map_err(|error| error.to_string()))
        .xend(Err("Xen has none any more".to_owned()));
    let host = channels.open().await.unwrap();
    assert_eq!(host.domains().await.unwrap().len(), 3);
    let routes = host.routes();
    let route = routes.iter().find(|it| it.operation == "monitoring");
    assert_eq!(route.unwrap().channel.as_deref(), Some("XenStore"));
    let found = host.channels();
    let notice = found.iter().find(|it| it.channel == "hypercalls").unwrap();
    assert!(!notice.found);
    let note = &notice.note;
    assert!(note.contains("does not know"), "{note}");
    assert!(note.contains("sysctl versions up to 22"), "{note}");
}
