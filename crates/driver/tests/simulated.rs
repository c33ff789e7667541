//! The driver on simulated hosts of every release: what works there, what is
//! refused there and why, what happens when XenD or a guest hangs.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use virtxen_driver::{
    Affect, CreateFlags, DefineFlags, Delivery, DomainKey, Driver, DumpFlags, Error, EventKind,
    ListFilter, Monitor, Options, Reason, Result, ShutdownMode, State, TypedParameter, TypedValue,
    XmlFlags,
};
use virtxen_guest::MemoryKib;
use virtxen_host::XendHost;
use virtxen_sim::state::Timing;
use virtxen_sim::{Fault, Release, SimHost};
use virtxen_xend::{Client, Deadlines, Memory};

const GUEST: &str = "<domain type='xen'><name>web</name><memory>262144</memory>\
     <currentMemory>131072</currentMemory><vcpu current='1'>2</vcpu>\
     <os><type>linux</type><kernel>/boot/vmlinuz</kernel></os><devices>\
     <disk type='file' device='disk'><source file='/var/lib/xen/images/web.img'/>\
     <target dev='xvda' bus='xen'/></disk></devices></domain>";
const HVM: &str = "<domain type='xen'><name>win</name><memory>262144</memory><vcpu>1</vcpu>\
     <os><type>hvm</type><loader>/usr/lib/xen/boot/hvmloader</loader></os><devices>\
     <emulator>/usr/lib/xen/bin/qemu-dm</emulator>\
     <disk type='file' device='disk'><source file='/var/lib/xen/images/win.img'/>\
     <target dev='hda' bus='ide'/></disk>\
     <disk type='file' device='cdrom'><source file='/var/lib/xen/images/a.iso'/>\
     <target dev='hdc' bus='ide'/><readonly/></disk></devices></domain>";
const DISK: &str = "<disk type='file' device='disk'><source file='/var/lib/xen/images/b.img'/>\
                    <target dev='xvdb' bus='xen'/></disk>";
const MEDIUM: &str = "<disk type='file' device='cdrom'>\
                      <source file='/var/lib/xen/images/b.iso'/>\
                      <target dev='hdc' bus='ide'/><readonly/></disk>";
const INTERFACE: &str = "<interface type='bridge'><mac address='00:16:3e:00:00:42'/>\
                         <source bridge='xenbr0'/></interface>";

fn sim(release: Release) -> virtxen_sim::Options {
    virtxen_sim::Options {
        release,
        timing: Timing::instant(),
        ..virtxen_sim::Options::default()
    }
}

async fn driver(options: virtxen_sim::Options) -> (SimHost, Driver) {
    let sim = SimHost::new(options);
    let server = sim.clone();
    let connect = move || std::future::ready(Ok(server.connect()));
    let memory = Memory::new("the simulated XenD", connect);
    let client = Client::open(memory, Deadlines::default()).await.unwrap();
    let host = XendHost::new(client).simulated();
    let options = Options {
        job_wait: Duration::from_millis(100),
        poll_interval: Duration::from_millis(20),
        ..Options::default()
    };
    (sim, Driver::open(Arc::new(host), options))
}

fn key(name: &str) -> DomainKey {
    DomainKey::Name(name.to_owned())
}

/// A running `xml`, defined where the release keeps inactive domains.
async fn run(driver: &Driver, release: Release, xml: &str) -> DomainKey {
    let domain = if release < Release::V3_0_4 {
        let created = driver.create_xml(xml, CreateFlags::default()).await;
        created.unwrap().domain
    } else {
        let defined = driver.define_xml(xml, DefineFlags::default()).await;
        let domain = defined.unwrap().domain;
        let key = DomainKey::from(&domain);
        driver.start(&key, false).await.unwrap();
        domain
    };
    key(&domain.name)
}

/// Says for each release whether something works there.
async fn works<F>(name: &str, works: impl Fn(Release) -> bool, what: F)
where
    F: AsyncFn(Release) -> Result<()>,
{
    for release in Release::ALL {
        let outcome = what(release).await;
        assert_eq!(
            outcome.is_ok(),
            works(release),
            "{name} on {}: {outcome:?}",
            release.version()
        );
    }
}

#[tokio::test]
async fn disks_and_interfaces_are_plugged_on_every_release() {
    works(
        "attach and detach",
        |_| true,
        async |release| {
            let (_, driver) = driver(sim(release)).await;
            let web = run(&driver, release, GUEST).await;
            for device in [DISK, INTERFACE] {
                driver.attach_device(&web, device, Affect::CURRENT).await?;
            }
            assert_eq!(driver.block_list(&web, false).await?.len(), 2);
            assert_eq!(driver.interface_list(&web, false).await?.len(), 1);
            for device in [DISK, INTERFACE] {
                driver.detach_device(&web, device, Affect::CURRENT).await?;
            }
            assert_eq!(driver.block_list(&web, false).await?.len(), 1);
            assert_eq!(driver.interface_list(&web, false).await?.len(), 0);
            Ok(())
        },
    )
    .await;
}

#[tokio::test]
async fn a_running_guests_medium_is_changed_from_3_1_to_3_4() {
    let able = |release| (Release::V3_1..=Release::V3_4).contains(&release);
    works("change of medium", able, async |release| {
        let (_, driver) = driver(sim(release)).await;
        let win = run(&driver, release, HVM).await;
        driver.update_device(&win, MEDIUM, Affect::CURRENT).await?;
        let blocks = driver.block_list(&win, false).await?;
        let cdrom = blocks.iter().find(|b| b.target == "hdc").unwrap();
        assert_eq!(cdrom.source.as_deref(), Some("/var/lib/xen/images/b.iso"));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn configurations_change_while_a_domain_is_off() {
    let able = |release| release >= Release::V3_0_4;
    works("change of an inactive domain", able, async |release| {
        let (_, driver) = driver(sim(release)).await;
        let defined = driver.define_xml(GUEST, DefineFlags::default()).await?;
        let web = DomainKey::from(&defined.domain);
        let config = Affect::CONFIG;
        driver.set_max_vcpus(&web, 4, config).await?;
        driver.attach_device(&web, DISK, config).await?;
        driver.set_autostart(&web, true).await?;
        assert!(driver.autostart(&web).await?);
        assert_eq!(driver.vcpu_counts(&web, config).await?.maximum, 4);
        assert_eq!(driver.block_list(&web, true).await?.len(), 2);
        driver.detach_device(&web, DISK, config).await?;
        assert_eq!(driver.block_list(&web, true).await?.len(), 1);
        driver.rename(&web, "www").await?;
        assert_eq!(driver.lookup(&web).await?.name, "www");
        let xml = driver.xml_desc(&web, XmlFlags::default()).await?;
        virtxen_testkit::record_domain_xml("driver-simulated", &xml);
        assert!(xml.contains("<name>www</name>"), "{xml}");
        driver.undefine(&web).await
    })
    .await;
}

#[tokio::test]
async fn a_running_domain_is_tuned() {
    works(
        "memory and vcpus",
        |_| true,
        async |release| {
            let (_, driver) = driver(sim(release)).await;
            let web = run(&driver, release, GUEST).await;
            let current = Affect::CURRENT;
            driver.set_memory(&web, MemoryKib(200_000), current).await?;
            let memory = driver.lookup(&web).await?.memory;
            assert_eq!(memory, MemoryKib::from_mib(196), "rounded up");
            driver.set_vcpus(&web, 2, current).await?;
            assert_eq!(driver.vcpu_counts(&web, current).await?.current, 2);
            assert_eq!(driver.vcpus(&web).await?.len(), 2);
            Ok(())
        },
    )
    .await;
}

#[tokio::test]
async fn scheduler_parameters_are_read_changed_and_kept() {
    let (_, driver) = driver(sim(Release::V4_1)).await;
    let web = run(&driver, Release::V4_1, GUEST).await;
    let weight = TypedParameter {
        name: "weight".into(),
        value: TypedValue::UInt(512),
    };
    let set = driver.set_scheduler(&web, std::slice::from_ref(&weight), Affect::CURRENT);
    set.await.unwrap();
    let (name, parameters) = driver.scheduler(&web).await.unwrap();
    assert_eq!(name, "credit");
    assert_eq!(parameters[0], weight);
}

#[tokio::test]
async fn a_domain_is_saved_and_restored() {
    works(
        "save and restore",
        |_| true,
        async |release| {
            let (_, driver) = driver(sim(release)).await;
            let web = run(&driver, release, GUEST).await;
            let file = Path::new("/var/lib/xen/save/web");
            let monitor = Monitor::default();
            driver.save(&web, file, &monitor).await?;
            let saved = driver.lookup(&web).await;
            assert!(saved.is_err() || !saved?.is_active());
            driver.restore(file, &monitor).await?;
            let restored = driver.lookup(&web).await?;
            assert!(restored.is_active());
            Ok(())
        },
    )
    .await;
}

#[tokio::test]
async fn memory_is_dumped_from_3_0_4_on() {
    let able = |release| release >= Release::V3_0_4;
    works("dump", able, async |release| {
        let (_, driver) = driver(sim(release)).await;
        let web = run(&driver, release, GUEST).await;
        let file = Path::new("/var/lib/xen/dump/web");
        let flags = DumpFlags::default();
        driver.dump(&web, file, flags, &Monitor::default()).await
    })
    .await;
}

#[tokio::test]
async fn events_follow_the_life_of_a_guest() {
    let mut options = sim(Release::V4_1);
    options.timing.shutdown = Duration::from_millis(80);
    let (_, driver) = driver(options).await;
    let mut events = driver.subscribe().await.unwrap();
    let web = run(&driver, Release::V4_1, GUEST).await;
    driver.suspend(&web).await.unwrap();
    driver.resume(&web).await.unwrap();
    driver.shutdown(&web, ShutdownMode::Any).await.unwrap();
    let expected = [
        EventKind::DefinedAdded,
        EventKind::StartedBooted,
        EventKind::SuspendedPaused,
        EventKind::ResumedUnpaused,
        EventKind::StoppedShutdown,
    ];
    for kind in expected {
        let next = tokio::time::timeout(Duration::from_secs(5), events.next());
        match next.await.unwrap_or_else(|_| panic!("no {kind:?}")) {
            Some(Delivery::Event(event)) => assert_eq!(event.kind, kind),
            other => panic!("{other:?} instead of {kind:?}"),
        }
    }
    let domain = driver.lookup(&web).await.unwrap();
    assert_eq!(
        (domain.state, domain.reason),
        (State::Shutoff, Reason::Shutdown)
    );
    assert_eq!(domain.persistent, Some(true));
}

#[tokio::test]
async fn a_hung_operation_blocks_its_domain_only() {
    let mut options = sim(Release::V4_1);
    options.faults = vec![Fault::hang().for_op("shutdown")];
    let (_, driver) = driver(options).await;
    let web = run(&driver, Release::V4_1, GUEST).await;
    let win = run(&driver, Release::V4_1, HVM).await;
    let hung = tokio::spawn({
        let (driver, web) = (driver.clone(), web.clone());
        async move { driver.shutdown(&web, ShutdownMode::Any).await }
    });
    while driver.job("web").is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let quick = async {
        assert_eq!(driver.list(&ListFilter::active()).await.unwrap().len(), 3);
        driver.lookup(&web).await.unwrap();
        driver.suspend(&win).await.unwrap();
        driver.suspend(&web).await.unwrap_err()
    };
    let error = tokio::time::timeout(Duration::from_secs(5), quick).await;
    let error = error.expect("nobody waits for the hung shutdown");
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    hung.abort();
}
