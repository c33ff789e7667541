//! What the driver keeps of guests that the host cannot: by whichever route the host
//! keeps them, for whoever comes later, and never against what the host says.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use virtxen_driver::{
    Affect, CreateFlags, DefineFlags, Delivery, DomainKey, Driver, Error, EventKind,
    MetadataChange, MetadataKind, Monitor, Options, XmlFlags,
};
use virtxen_host::{Arch, Channels, Deadlines, Folders, Host};
use virtxen_sim::SimHost;
use virtxen_sim::state::Timing;

const GUEST: &str = "<domain type='xen'><name>web</name><title>Shop</title>\
    <description>sells</description>\
    <metadata><a:owner xmlns:a='http://a.example'>Ada</a:owner></metadata>\
    <memory unit='MiB'>64</memory><os><type>linux</type><kernel>/k</kernel></os>\
    <devices><disk type='file'><source file='/web.img'/><target dev='xvda'/>\
    <boot order='1'/></disk></devices></domain>";

fn sim(release: &str) -> SimHost {
    let options = virtxen_sim::Options::from_uri(&format!("sim:?release={release}")).unwrap();
    SimHost::new(virtxen_sim::Options {
        timing: Timing::instant(),
        ..options
    })
}

/// A driver that comes new to a host.
async fn driver(sim: &SimHost, root: &Path) -> Driver {
    let folders = Folders::below(root);
    let xm = root.join("etc/xen");
    std::fs::create_dir_all(&xm).unwrap();
    let xend = sim.clone();
    let connect = move || std::future::ready(Ok(xend.connect()));
    let xend = virtxen_xend::Memory::new("memory", connect);
    let gate = sim.hypervisor(Arch::X86_64).unwrap();
    let mut channels = Channels::new(Deadlines::default(), None)
        .xm_files(Ok(xm))
        .documents(Ok(folders.documents()));
    channels = match sim.has_xend() {
        true => channels.xend(Ok(Box::new(xend))),
        false => channels.hypercalls(Ok(Box::new(gate)), Some(Arch::X86_64)),
    };
    let options = Options {
        folders: Some(folders),
        ..Options::default()
    };
    Driver::open(Arc::new(channels.open().await.unwrap()), options)
}

fn title(text: &str) -> MetadataChange {
    MetadataChange {
        kind: MetadataKind::Title,
        value: Some(text.to_owned()),
        prefix: None,
        uri: None,
    }
}

async fn title_of(driver: &Driver, key: &DomainKey, affect: Affect) -> String {
    let title = driver.metadata(key, MetadataKind::Title, None, affect);
    title.await.unwrap()
}

fn notes(root: &Path) -> usize {
    let entries = std::fs::read_dir(Folders::below(root).beside());
    entries.map_or(0, Iterator::count)
}

#[tokio::test]
async fn a_document_comes_back_whole_on_every_route() {
    for release in ["3.0.3", "4.1", "4.17"] {
        let (sim, root) = (sim(release), tempfile::tempdir().unwrap());
        let first = driver(&sim, root.path()).await;
        let defined = first.define_xml(GUEST, DefineFlags::default()).await;
        let defined = defined.unwrap();
        let warned: Vec<String> = defined.warnings.iter().map(ToString::to_string).collect();
        assert!(!warned.iter().any(|it| it.contains("title")), "{warned:?}");
        let key = DomainKey::from(&defined.domain);
        let second = driver(&sim, root.path()).await;
        let flags = XmlFlags::default();
        let xml = second.xml_desc(&key, flags).await.unwrap();
        for part in [
            "<title>Shop<",
            "<description>sells<",
            "Ada",
            "<boot order='1'/>",
        ] {
            assert!(xml.contains(part), "{release}: no {part} in {xml}");
        }
        let change = title("Store");
        let done = second.set_metadata(&key, &change, Affect::CURRENT).await;
        done.unwrap();
        assert_eq!(title_of(&first, &key, Affect::CONFIG).await, "Store");
        first.rename(&key, "www").await.unwrap();
        assert_eq!(title_of(&second, &key, Affect::CONFIG).await, "Store");
        second.undefine(&key).await.unwrap();
        assert_eq!(notes(root.path()), 0, "{release}");
        // The next of its uuid begins anew.
        let plain = GUEST.replace("<title>Shop</title>", "");
        let plain = plain.replace(
            "<name>",
            &format!("<uuid>{}</uuid><name>", defined.domain.uuid),
        );
        first
            .define_xml(&plain, DefineFlags::default())
            .await
            .unwrap();
        let none = first.metadata(&key, MetadataKind::Title, None, Affect::CONFIG);
        let error = none.await.unwrap_err();
        assert!(
            matches!(error, Error::NoMetadata { .. }),
            "{release}: {error}"
        );
        assert_eq!(error.libvirt().code, 80);
    }
}

#[tokio::test]
async fn a_run_and_a_definition_have_their_own_words() {
    let (sim, root) = (sim("4.1"), tempfile::tempdir().unwrap());
    let driver = driver(&sim, root.path()).await;
    let defined = driver.define_xml(GUEST, DefineFlags::default()).await;
    let key = DomainKey::from(&defined.unwrap().domain);
    driver.start(&key, false).await.unwrap();
    let set = async |text: &str, affect| {
        let change = title(text);
        driver.set_metadata(&key, &change, affect).await.unwrap();
    };
    set("config", Affect::CONFIG).await;
    assert_eq!(title_of(&driver, &key, Affect::LIVE).await, "Shop");
    set("live", Affect::CURRENT).await;
    assert_eq!(title_of(&driver, &key, Affect::LIVE).await, "live");
    assert_eq!(title_of(&driver, &key, Affect::CONFIG).await, "config");
    driver.destroy(&key).await.unwrap();
    assert_eq!(title_of(&driver, &key, Affect::CURRENT).await, "config");
    driver.start(&key, false).await.unwrap();
    assert_eq!(title_of(&driver, &key, Affect::LIVE).await, "config");
}

#[tokio::test]
async fn a_transient_domain_has_its_words_while_it_runs() {
    let (sim, root) = (sim("4.1"), tempfile::tempdir().unwrap());
    let driver = driver(&sim, root.path()).await;
    let created = driver.create_xml(GUEST, CreateFlags::default()).await;
    let key = DomainKey::from(&created.unwrap().domain);
    assert_eq!(title_of(&driver, &key, Affect::CURRENT).await, "Shop");
    let change = title("config");
    let refused = driver.set_metadata(&key, &change, Affect::CONFIG).await;
    assert_eq!(refused.unwrap_err().libvirt().code, 55);
}

/// XenD keeps the description: what somebody says there counts.
#[tokio::test]
async fn what_somebody_changes_in_xend_counts() {
    let (sim, root) = (sim("4.1"), tempfile::tempdir().unwrap());
    let driver = driver(&sim, root.path()).await;
    let defined = driver.define_xml(GUEST, DefineFlags::default()).await;
    let key = DomainKey::from(&defined.unwrap().domain);
    let host = driver.host();
    let mut theirs = host.defined("web").await.unwrap();
    theirs.description = Some("buys".to_owned());
    Host::define(&**host, &theirs).await.unwrap();
    let description = driver.metadata(&key, MetadataKind::Description, None, Affect::CURRENT);
    assert_eq!(description.await.unwrap(), "buys");
    assert_eq!(title_of(&driver, &key, Affect::CURRENT).await, "Shop");
}

#[tokio::test]
async fn a_change_is_told_and_a_wrong_one_refused() {
    let (sim, root) = (sim("4.17"), tempfile::tempdir().unwrap());
    let driver = driver(&sim, root.path()).await;
    let defined = driver.define_xml(GUEST, DefineFlags::default()).await;
    let key = DomainKey::from(&defined.unwrap().domain);
    let mut events = driver.subscribe().await.unwrap();
    let element = |value: &str| MetadataChange {
        kind: MetadataKind::Element,
        value: Some(value.to_owned()),
        prefix: Some("a".to_owned()),
        uri: Some("http://a.example".to_owned()),
    };
    for (change, code) in [
        (title("two\nlines"), 8),
        (element("<a"), 35),
        (element("text"), 35),
    ] {
        let refused = driver.set_metadata(&key, &change, Affect::CURRENT).await;
        assert_eq!(refused.unwrap_err().libvirt().code, code, "{change:?}");
    }
    let change = element("<owner>Bo</owner>");
    let done = driver.set_metadata(&key, &change, Affect::CURRENT).await;
    done.unwrap();
    let uri = Some("http://a.example".to_owned());
    let wanted = EventKind::MetadataChange(MetadataKind::Element, uri.clone());
    loop {
        match events.next().await {
            Some(Delivery::Event(event)) if event.kind == wanted => break,
            Some(Delivery::Event(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    let found = driver.metadata(&key, MetadataKind::Element, uri.as_deref(), Affect::CURRENT);
    assert_eq!(found.await.unwrap(), "<owner>Bo</owner>");
}

/// What a restart of the machine takes away is `run`.
#[tokio::test]
async fn guests_are_started_once_after_the_machine() {
    let (sim, root) = (sim("4.17"), tempfile::tempdir().unwrap());
    let driver = driver(&sim, root.path()).await;
    let defined = driver.define_xml(GUEST, DefineFlags::default()).await;
    let key = DomainKey::from(&defined.unwrap().domain);
    driver.set_autostart(&key, true).await.unwrap();
    let tried = driver.start_automatic().await.unwrap();
    let [(name, Err(error))] = &tried[..] else {
        panic!("{tried:?}")
    };
    assert_eq!(name, "web");
    assert!(error.to_string().contains("libxl"), "{error}");
    assert!(driver.start_automatic().await.unwrap().is_empty());
    std::fs::remove_dir_all(root.path().join("run")).unwrap();
    assert_eq!(driver.start_automatic().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_domain_goes_on_from_where_it_was_put_away() {
    let (sim, root) = (sim("4.1"), tempfile::tempdir().unwrap());
    let driver = driver(&sim, root.path()).await;
    let defined = driver.define_xml(GUEST, DefineFlags::default()).await;
    let key = DomainKey::from(&defined.unwrap().domain);
    let monitor = Monitor::default();
    let refused = driver.managed_save(&key, &monitor).await.unwrap_err();
    assert_eq!(refused.libvirt().code, 55);
    driver.start(&key, false).await.unwrap();
    driver.managed_save(&key, &monitor).await.unwrap();
    assert!(driver.has_managed_save(&key).await.unwrap());
    let file = Folders::below(root.path()).saved(false).join("web.save");
    assert!(file.exists());
    assert_eq!(driver.undefine(&key).await.unwrap_err().libvirt().code, 55);
    assert_eq!(
        driver.rename(&key, "www").await.unwrap_err().libvirt().code,
        55
    );
    // The document in it can be changed as far as its memory goes on with it.
    let xml = driver.managed_save_xml(&key, true).await.unwrap();
    for (from, to, code) in [
        (">65536<", ">131072<", Some(67)),
        ("<name>web<", "<name>www<", Some(67)),
        ("/web.img", "/new.img", None),
    ] {
        assert!(xml.contains(from), "{xml}");
        let done = driver
            .define_managed_save(&key, &xml.replace(from, to))
            .await;
        let refused = done.err().map(|error| error.libvirt().code);
        assert_eq!(refused, code, "{from}");
    }
    let mut events = driver.subscribe().await.unwrap();
    driver.start(&key, false).await.unwrap();
    assert!(!file.exists());
    let flags = XmlFlags::default();
    let running = driver.xml_desc(&key, flags).await.unwrap();
    assert!(running.contains("/new.img"), "{running}");
    let Some(Delivery::Event(event)) = events.next().await else {
        panic!("no event")
    };
    assert_eq!(event.kind, EventKind::StartedRestored);
    // A file that is no saved domain is kept, and the way out is named.
    driver.managed_save(&key, &monitor).await.unwrap();
    std::fs::write(&file, "garbage").unwrap();
    let error = driver.start(&key, false).await.unwrap_err().to_string();
    assert!(error.contains("--force-boot"), "{error}");
    assert!(file.exists());
    driver.start_anew(&key, false).await.unwrap();
    assert!(!file.exists());
}
