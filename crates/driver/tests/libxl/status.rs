//! Status files, by which libvirt's own driver finds the guests that run.

use crate::machine::{Machine, driver, guest, key, machine};
use std::path::PathBuf;
use std::time::Duration;
use virtxen_driver::{Affect, CreateFlags, XmlFlags};
use virtxen_guest::{MemoryKib, ParseOptions, parse_guest};

fn file(machine: &Machine, name: &str) -> PathBuf {
    let folder = machine.root.path().join("run/libvirt/libxl");
    folder.join(format!("{name}.xml"))
}

fn text(machine: &Machine, name: &str) -> String {
    std::fs::read_to_string(file(machine, name)).unwrap_or_default()
}

async fn within(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = std::time::Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// As libvirt reads it: a root with the state, and the domain with its number.
fn assert_status(text: &str, state: &str, document: &str) {
    let (head, rest) = text.split_once("<domstatus ").expect(text);
    assert!(head.starts_with("<!--"));
    let (attributes, rest) = rest.split_once(">\n").expect(text);
    let wanted = format!("state='{state}' reason='unknown' pid='0'");
    assert_eq!(attributes, wanted);
    assert_eq!(rest.strip_suffix("</domstatus>\n"), Some(document));
    let guest = parse_guest(document, &ParseOptions::default())
        .unwrap()
        .value;
    assert!(guest.id.is_some_and(|id| id.0 > 0), "{document}");
}

async fn document(machine: &Machine, name: &str) -> String {
    let flags = XmlFlags {
        secure: true,
        ..XmlFlags::default()
    };
    machine.driver.xml_desc(&key(name), flags).await.unwrap()
}

#[tokio::test]
async fn a_domain_has_a_status_file_as_long_as_it_runs() {
    let machine = machine("4.17").await;
    machine.driver.keep_statuses(|error| panic!("{error}"));
    machine.started("web", "").await;
    within("it is there", || file(&machine, "web").exists()).await;
    assert_status(
        &text(&machine, "web"),
        "running",
        &document(&machine, "web").await,
    );
    // A change of its memory, and one that no event tells.
    let memory = MemoryKib::from_mib(48);
    let web = key("web");
    let set = machine.driver.set_memory(&web, memory, Affect::LIVE).await;
    set.unwrap();
    let is_told = || text(&machine, "web").contains(">49152</currentMemory>");
    within("the memory is in it", is_told).await;
    machine.driver.suspend(&web).await.unwrap();
    within("it is paused", || {
        text(&machine, "web").contains("state='paused'")
    })
    .await;
    assert_status(
        &text(&machine, "web"),
        "paused",
        &document(&machine, "web").await,
    );
    machine.driver.destroy(&web).await.unwrap();
    within("it is gone", || !file(&machine, "web").exists()).await;
}

#[tokio::test]
async fn what_stands_there_at_the_start_is_made_true() {
    let machine = machine("4.17").await;
    machine.started("web", "").await;
    let flags = CreateFlags::default();
    let created = machine.driver.create_xml(&guest("other", ""), flags).await;
    created.unwrap();
    assert!(!file(&machine, "web").exists(), "nobody has asked for it");
    let stale = "<domstatus state='running' reason='booted' pid='0'>\n";
    for (name, content) in [
        ("gone", stale),
        ("web", stale),
        ("Domain-0", stale),
        ("mine", "<note/>\n"),
    ] {
        let path = file(&machine, name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    // Of another program that has just started.
    let later = driver(&machine.sim, machine.root.path()).await;
    later.write_statuses().await.unwrap();
    assert!(!file(&machine, "gone").exists());
    assert_eq!(text(&machine, "mine"), "<note/>\n");
    assert_eq!(text(&machine, "Domain-0"), stale);
    for name in ["web", "other"] {
        assert_status(
            &text(&machine, name),
            "running",
            &document(&machine, name).await,
        );
    }
    // Whoever takes one away, it is written before the program ends.
    std::fs::remove_file(file(&machine, "web")).unwrap();
    later.write_statuses().await.unwrap();
    assert!(file(&machine, "web").exists());
}
