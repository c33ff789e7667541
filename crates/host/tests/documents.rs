//! Inactive guests as libvirt's documents, where no XenD keeps them: written whole,
//! read as libvirt writes them, other files reported and left alone.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use virtxen_guest::{Guest, MemoryKib, ParseOptions, Uuid, parse_guest};
use virtxen_host::{Arch, Channels, ConfigChange, Deadlines, Error, Folders, Host, XenHost};
use virtxen_sim::{Options, SimHost};

const GUEST: &str = include_str!("../../../examples/fullvirt-bios.xml");

async fn host(root: &Path) -> XenHost {
    let sim = SimHost::new(Options::from_uri("sim:?release=4.17").unwrap());
    let gate = sim.hypervisor(Arch::X86_64).unwrap();
    let channels = Channels::new(Deadlines::default(), None)
        .hypercalls(Ok(Box::new(gate)), Some(Arch::X86_64))
        .documents(Ok(folder(root)));
    channels.open().await.unwrap()
}

fn folder(root: &Path) -> PathBuf {
    Folders::below(root).documents()
}

fn guest(name: &str) -> Guest {
    let mut guest = parse_guest(GUEST, &ParseOptions::default()).unwrap().value;
    guest.name = name.to_owned();
    guest.uuid = Some(Uuid::random());
    guest.title = Some("Front desk".to_owned());
    guest
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_guest_is_a_document_until_it_is_undefined() {
    let root = tempfile::tempdir().unwrap();
    let folder = folder(root.path());
    let first = host(root.path()).await;
    assert_eq!(first.inactive().await.unwrap(), [""; 0]);
    let guest = guest("desk");
    first.define(&guest).await.unwrap();
    first.set_autostart("desk", true).await.unwrap();
    assert_eq!(names(&folder), ["autostart", "desk.xml"]);
    // Another program finds it whole.
    let second = host(root.path()).await;
    let read = second.defined("desk").await.unwrap();
    assert_eq!((read.uuid, &read.title), (guest.uuid, &guest.title));
    assert_eq!(read.devices, guest.devices);
    assert!(second.autostart("desk").await.unwrap());
    second.rename("desk", "hall").await.unwrap();
    assert_eq!(names(&folder), ["autostart", "hall.xml"]);
    assert_eq!(names(&folder.join("autostart")), ["hall.xml"]);
    let memory = MemoryKib::from_mib(64);
    let change = ConfigChange::Memory(memory);
    second.change_config("hall", &change).await.unwrap();
    let read = first.defined("hall").await.unwrap();
    assert_eq!(read.current_memory, Some(memory));
    let refused = first.start("hall", false).await.unwrap_err();
    assert!(refused.to_string().contains("libxl"), "{refused}");
    first.undefine("hall").await.unwrap();
    assert_eq!(names(&folder), ["autostart"]);
    assert_eq!(names(&folder.join("autostart")), [""; 0]);
    let gone = second.domain("hall").await;
    assert!(matches!(gone, Err(Error::NoDomain { .. })));
}

#[tokio::test]
async fn other_files_are_reported_and_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let folder = folder(root.path());
    host(root.path())
        .await
        .define(&guest("desk"))
        .await
        .unwrap();
    let whole = std::fs::read_to_string(folder.join("desk.xml")).unwrap();
    let half = &whole[..whole.len() / 2];
    for (name, text) in [
        ("half.xml", half),
        ("empty.xml", ""),
        ("copy.xml", whole.as_str()),
        ("notes.txt", "do not forget"),
        (".virtxen-left", half),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let host = host(root.path()).await;
    assert_eq!(host.inactive().await.unwrap(), ["desk"]);
    let findings = host.channels();
    let said = |name: &str| {
        let place = folder.join(name).display().to_string();
        let found = findings.iter().find(|finding| finding.place == place);
        found
            .map(|finding| finding.note.clone())
            .unwrap_or_default()
    };
    assert!(said("half.xml").contains("line "), "{}", said("half.xml"));
    assert!(said("empty.xml").contains("empty"));
    assert!(said("copy.xml").contains("would be desk.xml"));
    assert!(said("notes.txt").contains("NAME.xml"));
    assert!(!host.warnings().is_empty());
    // A guest of that name does not take the file's place.
    let refused = host.define(&guest("half")).await.unwrap_err();
    assert!(refused.to_string().contains("left as it is"), "{refused}");
    assert_eq!(
        std::fs::read_to_string(folder.join("half.xml")).unwrap(),
        half
    );
}

/// A link that outlived its document does not start the next guest of that name.
#[tokio::test]
async fn a_link_that_was_left_behind_starts_nobody() {
    let root = tempfile::tempdir().unwrap();
    let folder = folder(root.path());
    let host = host(root.path()).await;
    host.define(&guest("desk")).await.unwrap();
    host.set_autostart("desk", true).await.unwrap();
    std::fs::remove_file(folder.join("desk.xml")).unwrap();
    host.define(&guest("desk")).await.unwrap();
    assert!(!host.autostart("desk").await.unwrap());
}
