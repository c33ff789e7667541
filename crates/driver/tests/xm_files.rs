//! The driver on a host whose inactive guests are files of xm.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use virtxen_driver::{
    Affect, DefineFlags, Delivery, DomainKey, Driver, EventKind, ListFilter, Options, Subscription,
    XmlFlags,
};
use virtxen_guest::MemoryKib;
use virtxen_host::{Channels, Deadlines};
use virtxen_sim::state::Timing;
use virtxen_sim::{Release, SimHost};

async fn driver(folder: &Path) -> Driver {
    let sim = SimHost::new(virtxen_sim::Options {
        release: Release::V3_0_3,
        timing: Timing::instant(),
        ..virtxen_sim::Options::default()
    });
    let connect = move || std::future::ready(Ok(sim.connect()));
    let channels = Channels::new(Deadlines::default(), None)
        .xend(Ok(Box::new(virtxen_xend::Memory::new("memory", connect))))
        .xm_files(Ok(folder.to_owned()));
    let options = Options {
        // Longer than any test: what is seen was told.
        poll_interval: Duration::from_secs(3600),
        ..Options::default()
    };
    Driver::open(Arc::new(channels.open().await.unwrap()), options)
}

async fn expect(events: &mut Subscription, kind: EventKind) {
    let next = tokio::time::timeout(Duration::from_secs(10), events.next()).await;
    match next.unwrap().unwrap() {
        Delivery::Event(event) => assert_eq!((event.name.as_str(), event.kind), ("web", kind)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn changes_of_files_are_events() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("web");
    let driver = driver(folder.path()).await;
    let mut events = driver.subscribe().await.unwrap();
    // The folder is watched from the poller on, a task of its own.
    tokio::time::sleep(Duration::from_millis(200)).await;
    std::fs::write(&file, "kernel = '/boot/vmlinuz'\nmemory = 64\n").unwrap();
    expect(&mut events, EventKind::DefinedAdded).await;
    std::fs::write(&file, "kernel = '/boot/vmlinuz'\nmemory = 96\n").unwrap();
    expect(&mut events, EventKind::DefinedUpdated).await;
    // What is done here is told once, too.
    let key = DomainKey::Name("web".to_owned());
    let memory = MemoryKib::from_mib(80);
    driver
        .set_memory(&key, memory, Affect::CONFIG)
        .await
        .unwrap();
    expect(&mut events, EventKind::DefinedUpdated).await;
    std::fs::remove_file(&file).unwrap();
    expect(&mut events, EventKind::UndefinedRemoved).await;
}

/// What a file says comes back from its document: defining that changes nothing.
#[tokio::test]
async fn defining_what_was_shown_changes_no_file() {
    let Some(corpus) = virtxen_testkit::shared("corpus/xmconfig") else {
        return;
    };
    let (mut count, mut defined) = (0, 0);
    for entry in std::fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "cfg") {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(path.file_name().unwrap());
        std::fs::copy(&path, &file).unwrap();
        let driver = driver(folder.path()).await;
        let guests = driver.list(&ListFilter::inactive()).await.unwrap();
        assert_eq!(guests.len(), 1, "{}", path.display());
        let flags = XmlFlags {
            inactive: true,
            secure: true,
            ..XmlFlags::default()
        };
        let key = DomainKey::from(&guests[0]);
        let shown = driver.xml_desc(&key, flags).await.unwrap();
        // What this release cannot run is refused, and changes nothing either.
        let accepted = driver.define_xml(&shown, DefineFlags::default()).await;
        defined += usize::from(accepted.is_ok());
        let (before, after) = (std::fs::read(&path), std::fs::read(&file));
        assert_eq!(before.unwrap(), after.unwrap(), "{}", path.display());
        count += 1;
    }
    assert!(defined * 2 > count, "{defined} of {count}");
}
