//! Every domain detail that real XenDs were recorded to tell, active and
//! inactive, of all releases on the shelf: it becomes a guest, and the guest's
//! own expression gives the same guest again.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use virtxen_formats::sxpr::{
    ConfigVersion, Dialect, Limits, Runtime, Sxpr, Target, guest_to_sxpr, read_prefix,
    sxpr_to_guest, write_request,
};
use virtxen_guest::{
    FormatOptions, GraphicsServer, Guest, ParseOptions, format_guest, parse_guest,
};
use virtxen_testkit::record_domain_xml;
use virtxen_testkit::shared;

/// A recorded detail: where it is from, and the tree.
struct Detail {
    file: String,
    dialect: Dialect,
    tree: Sxpr,
}

#[test]
fn details_survive_the_way_to_a_guest_and_back() {
    let details = recorded();
    if details.is_empty() {
        return;
    }
    let runtime = Runtime::default();
    for Detail {
        file,
        dialect,
        tree,
    } in &details
    {
        let read = |tree: &Sxpr| {
            sxpr_to_guest(tree, dialect.version, &runtime)
                .unwrap_or_else(|error| panic!("{file}: {error}"))
                .value
        };
        let guest = read(tree);
        let written = guest_to_sxpr(&guest, &Target::new(*dialect)).unwrap();
        let text = write_request(&written.value);
        let essential: Vec<_> = written.notes.iter().filter(|note| note.essential).collect();
        assert!(essential.is_empty(), "{file}: {essential:?}");
        let again = read(&written.value);
        let [guest, again] = [guest, again].map(|guest| configuration(guest, dialect.version));
        assert_eq!(guest, again, "{file}: {text}");
    }
    println!("{} details of real XenD", details.len());
}

/// The document of each guest says all of it.
#[test]
fn details_survive_the_way_to_a_document_and_back() {
    let options = FormatOptions {
        secure: true,
        ..FormatOptions::default()
    };
    for Detail {
        file,
        dialect,
        tree,
    } in recorded()
    {
        let runtime = Runtime {
            tty: Some("/dev/pts/7".to_owned()),
            vnc_port: Some(5907),
        };
        let guest = sxpr_to_guest(&tree, dialect.version, &runtime)
            .unwrap()
            .value;
        if guest.name.contains('/') || guest.memory.0 == 0 {
            // XenD before 4.0 takes such a name and 3.0.1 creates a domain without
            // memory; libvirt's documents do not have them.
            continue;
        }
        let document = format_guest(&guest, &options);
        record_domain_xml("xend-transcripts", &document);
        let parsed = parse_guest(&document, &ParseOptions::default())
            .unwrap_or_else(|problems| panic!("{file}: {problems}\n{document}"));
        assert_eq!(parsed.warnings, [], "{file}: {document}");
        assert_eq!(parsed.value, guest, "{file}: {document}");
    }
}

/// What XenD says of a domain and a guest does not hold is noted. Nothing that
/// makes the guest another one is among it but a disk that XenD itself could not
/// connect.
#[test]
fn what_details_lose_is_known() {
    let mut lost: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for Detail {
        file,
        dialect,
        tree,
    } in recorded()
    {
        let converted = sxpr_to_guest(&tree, dialect.version, &Runtime::default())
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        for note in converted.notes {
            let sourceless = note.path == "domain/device/vbd" && note.reason.contains("source");
            assert!(!note.essential || sourceless, "{file}: {note}");
            let entry = lost.entry(note.path.clone()).or_default();
            entry.0 += 1;
            entry.1 = format!("{file}: {note}");
        }
    }
    for (path, (count, example)) in &lost {
        println!("{count:4} {path}: {example}");
    }
}

/// The settings without what only a running domain has, and without the kernel
/// that a bootloader fetched, which is gone at the next start.
fn configuration(mut guest: Guest, version: ConfigVersion) -> Guest {
    guest.id = None;
    for interface in &mut guest.devices.interfaces {
        interface
            .target
            .take_if(|name| name.starts_with("vif") && name.contains('.'));
    }
    if guest.name == "Domain-0" {
        // Its number says that it has no console.
        guest.devices.consoles.clear();
    }
    for graphics in &mut guest.devices.graphics {
        if let GraphicsServer::Vnc(vnc) = &mut graphics.server
            && version == ConfigVersion::Xen302
        {
            // It is the number of the domain.
            (vnc.port, vnc.autoport) = (None, true);
        }
    }
    if guest.os.bootloader.is_some() {
        guest.os.kernel = None;
        guest.os.initrd = None;
    }
    guest
}

fn recorded() -> Vec<Detail> {
    let Some(folder) = shared("reference/xend-transcripts") else {
        return Vec::new();
    };
    let mut details = Vec::new();
    for release in fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        let name = release.file_name().unwrap().to_string_lossy().into_owned();
        let Some(dialect) = dialect_of(&name) else {
            continue;
        };
        for file in fs::read_dir(&release)
            .unwrap()
            .map(|entry| entry.unwrap().path())
        {
            if file
                .extension()
                .is_some_and(|extension| extension == "resp")
            {
                let from = format!("{name}/{}", file.file_name().unwrap().to_string_lossy());
                let trees = details_in(&file).into_iter();
                details.extend(trees.map(|tree| Detail {
                    file: from.clone(),
                    dialect,
                    tree,
                }));
            }
        }
    }
    assert!(details.len() > 400, "only {} details", details.len());
    details
}

fn dialect_of(folder: &str) -> Option<Dialect> {
    let release = folder.trim_end_matches("-extras");
    let mut numbers = release.splitn(3, '.');
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next()?.parse().ok()?;
    let patch = numbers.next()?;
    let format = match (major, minor, patch) {
        (3, 0, "3") => Some(2),
        (3, 0, "4") => Some(3),
        (3, 0, _) => None,
        _ => Some(4),
    };
    Some(Dialect::of_release(
        format,
        major,
        minor,
        &format!(".{patch}"),
    ))
}

fn details_in(file: &Path) -> Vec<Sxpr> {
    let reply = fs::read(file).unwrap();
    let reply = String::from_utf8_lossy(&reply);
    let Some((_, body)) = reply.split_once("\r\n\r\n") else {
        return Vec::new();
    };
    let Ok((tree, _)) = read_prefix(body, Limits::default()) else {
        return Vec::new();
    };
    // Vcpus and scheduler parameters come in a list of the same name.
    let is_detail = |tree: &Sxpr| tree.name() == Some("domain") && tree.child("maxmem").is_some();
    let all = match &tree {
        tree if is_detail(tree) => vec![tree.clone()],
        tree => tree.as_list().unwrap_or_default().to_vec(),
    };
    all.into_iter().filter(|tree| is_detail(tree)).collect()
}

#[test]
fn versions_follow_the_release() {
    let version = |folder: &str| dialect_of(folder).map(|dialect| dialect.version);
    assert_eq!(version("3.0.1-extras"), Some(ConfigVersion::Xen302));
    assert_eq!(version("3.0.3"), Some(ConfigVersion::Xen303));
    assert_eq!(version("4.4.4"), Some(ConfigVersion::Xen310));
    assert_eq!(version("xm"), None);
}
