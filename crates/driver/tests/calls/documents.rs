//! Create and define from documents: identity, warnings, persistence; documents that are shown
//! while they are fresh, or while the host does not answer. What is in them is not tested here.

use crate::support::Scripted;
use std::time::Duration;
use virtxen_driver::{
    CreateFlags, DefineFlags, DomainKey, Driver, Error, Options, State, XmlFlags,
};
use virtxen_guest::MemoryKib;

fn document(name: &str, extra: &str) -> String {
    format!(
        "<domain type='xen'><name>{name}</name><memory>131072</memory>\
         <vcpu>1</vcpu><os><type>linux</type><kernel>/boot/vmlinuz</kernel></os>{extra}</domain>"
    )
}

const STRICT: DefineFlags = DefineFlags { strict: true };
const LENIENT: DefineFlags = DefineFlags { strict: false };

#[tokio::test]
async fn a_uuid_is_kept_or_generated() {
    let host = Scripted::new();
    let driver = host.driver();
    let with_uuid = "<uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid>";
    let kept = driver
        .define_xml(&document("one", with_uuid), LENIENT)
        .await
        .unwrap();
    assert_eq!(
        kept.domain.uuid.to_string(),
        "4dea22b3-1d52-d8f3-2516-782e98ab3fa0"
    );
    let made = driver
        .define_xml(&document("two", ""), LENIENT)
        .await
        .unwrap();
    assert_ne!(made.domain.uuid, virtxen_guest::Uuid::ZERO);
    assert_eq!(made.domain.state, State::Shutoff);
    // The same again replaces it.
    let again = driver
        .define_xml(&document("one", with_uuid), LENIENT)
        .await
        .unwrap();
    assert_eq!(again.domain.uuid, kept.domain.uuid);
}

#[tokio::test]
async fn names_and_uuids_are_taken_once() {
    let host = Scripted::new();
    let driver = host.driver();
    let web = driver.find("web").await.unwrap();
    // Another uuid under a taken name, another name under a taken uuid.
    let uuid = format!("<uuid>{}</uuid>", web.uuid);
    for xml in [document("web", ""), document("new", &uuid)] {
        for error in [
            driver.define_xml(&xml, LENIENT).await.unwrap_err(),
            driver
                .create_xml(&xml, CreateFlags::default())
                .await
                .unwrap_err(),
        ] {
            let Error::Exists { name, uuid } = &error else {
                panic!("{error}");
            };
            assert_eq!((name.as_str(), *uuid), ("web", web.uuid));
            assert_eq!(error.libvirt().code, 9);
        }
    }
    let error = driver
        .create_xml(&document("web", &uuid), CreateFlags::default())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "domain 'web' is running, create needs it shut off"
    );
    let reached = host.calls();
    assert!(
        !reached
            .iter()
            .any(|c| c.starts_with("define") || c.starts_with("create")),
        "{reached:?}"
    );
}

#[tokio::test]
async fn a_created_domain_is_transient() {
    let host = Scripted::new();
    let driver = host.driver();
    let flags = CreateFlags {
        paused: true,
        strict: false,
    };
    let created = driver
        .create_xml(&document("tiny", ""), flags)
        .await
        .unwrap();
    assert_eq!(created.domain.state, State::Paused);
    assert_eq!(created.domain.persistent, Some(false));
    let key = DomainKey::from(&created.domain);
    driver.resume(&key).await.unwrap();
    driver.destroy(&key).await.unwrap();
    assert!(matches!(driver.lookup(&key).await, Err(Error::NoDomain(_))));
}

#[tokio::test]
async fn what_is_not_understood_or_lost_is_told_and_refused_when_strict() {
    let host = Scripted::new();
    let driver = host.driver();
    let unknown = document("odd", "<wheels/>");
    let accepted = driver.define_xml(&unknown, LENIENT).await.unwrap();
    assert_eq!(accepted.warnings.len(), 1);
    let warning = accepted.warnings[0].to_string();
    assert!(warning.contains("<wheels>"), "{warning}");
    let error = driver.define_xml(&unknown, STRICT).await.unwrap_err();
    assert_eq!(error.libvirt().code, 92, "{error}");
    let lost = document("lost", "<title>Web</title>");
    let accepted = driver.define_xml(&lost, LENIENT).await.unwrap();
    assert_eq!(accepted.warnings.len(), 1);
    let warning = accepted.warnings[0].to_string();
    assert!(warning.starts_with("line "), "{warning}");
    assert!(warning.ends_with(": /domain/title: lost"), "{warning}");
    let error = driver.define_xml(&lost, STRICT).await.unwrap_err();
    assert_eq!(error.libvirt().code, 67, "{error}");
    let broken = driver.define_xml("<domain", LENIENT).await.unwrap_err();
    assert!(broken.to_string().contains("line 1"), "{broken}");
}

#[tokio::test]
async fn what_a_device_loses_has_its_place() {
    let driver = Scripted::new().driver();
    let key = DomainKey::Name("web".to_owned());
    let xml = "<disk type='file'>\n  <target dev='xvdb'/>\n  <readonly/>\n</disk>";
    let warnings = driver.device_losses(&key, xml, false).await.unwrap();
    assert_eq!(warnings.len(), 1);
    assert_eq!(
        warnings[0].to_string(),
        "line 3, column 3: /disk/readonly: lost"
    );
    let error = driver.device_losses(&key, xml, true).await.unwrap_err();
    assert_eq!(error.libvirt().code, 67, "{error}");
}

/// The scripted host's processors run paravirtualized guests only.
#[tokio::test]
async fn a_kind_that_the_host_does_not_run_is_not_defined() {
    let host = Scripted::new();
    let driver = host.driver();
    let xml = document("full", "").replace("<type>linux<", "<type>hvm<");
    let error = driver.define_xml(&xml, LENIENT).await.unwrap_err();
    assert_eq!(error.libvirt().code, 16, "{error}");
    assert!(driver.find("full").await.is_err());
}

/// As a daemon opens it.
fn remembering(host: &std::sync::Arc<Scripted>) -> Driver {
    let options = Options {
        document_age: Duration::from_secs(1),
        patience: Duration::from_secs(1),
        ..Options::default()
    };
    Driver::open(host.clone(), options)
}

/// How often the host was asked for a guest since the last time.
fn readings(host: &Scripted) -> usize {
    let calls = host.calls();
    calls
        .iter()
        .filter(|call| call.starts_with("guest "))
        .count()
}

#[tokio::test(start_paused = true)]
async fn a_document_is_read_again_when_it_may_have_changed() {
    let host = Scripted::new();
    let driver = remembering(&host);
    let web = DomainKey::Name("web".to_owned());
    let read = async || driver.xml_desc(&web, XmlFlags::default()).await.unwrap();
    let first = read().await;
    assert_eq!(read().await, first);
    assert_eq!(readings(&host), 1);
    // What the hypervisor shows is seen at once.
    host.change("web", |info| info.memory = MemoryKib::from_mib(64));
    read().await;
    assert_eq!(readings(&host), 1);
    // So is what this driver does, although nothing that the hypervisor shows changes.
    driver.suspend(&web).await.unwrap();
    host.calls();
    read().await;
    assert_eq!(readings(&host), 1);
    // What others do and nobody tells of is seen within a second.
    if let Some(guest) = host.guests.lock().unwrap().get_mut("web") {
        guest.title = Some("Shop".to_owned());
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(read().await.contains("Shop"));
    // Another run is another domain.
    host.change("web", |info| info.domid = Some(virtxen_guest::DomId(77)));
    host.calls();
    read().await;
    assert_eq!(readings(&host), 1);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_answer_is_not_waited_for_again_and_again() {
    let host = Scripted::new();
    let driver = remembering(&host);
    let waited = async |name: &str| {
        let begin = tokio::time::Instant::now();
        let key = DomainKey::Name(name.to_owned());
        driver.xml_desc(&key, XmlFlags::default()).await.unwrap();
        begin.elapsed()
    };
    for name in ["web", "temp", "Domain-0"] {
        waited(name).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    host.slow("guest", Duration::from_secs(20));
    // One may be stuck alone, two mean that the host is.
    for (name, seconds) in [("web", 1), ("web", 0), ("temp", 1), ("Domain-0", 0)] {
        assert_eq!(waited(name).await, Duration::from_secs(seconds), "{name}");
    }
    // Meanwhile it is asked, once for each guest.
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(readings(&host), 3 + 3);
}
