//! Inactive guests that are files of xm, from the command line: what becomes of a
//! user's file, and that files which are no guests are left alone.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Ran, run, virtxen};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const FILE: &str = "# the web server\nvmid = 3\nname = \"web\"\nkernel = '/boot/vmlinuz-xen'\n\
    memory = 2 * 32   # MiB\nodd_key = 'kept'\ndisk = [ 'phy:/dev/vg/web,xvda,w',\n       ]\n";

/// Names and contents of what is no guest; a link or a pipe has its kind.
fn foreign(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap();
    let entries = entries.map(|entry| entry.unwrap());
    let name = |entry: &std::fs::DirEntry| entry.file_name().into_string().unwrap();
    let known = ["web", "orchard", "auto"];
    let others = entries.filter(|entry| !known.contains(&name(entry).as_str()));
    let content = |entry: &std::fs::DirEntry| match entry.file_type().unwrap() {
        kind if kind.is_file() => std::fs::read(entry.path()).unwrap(),
        kind => format!("{kind:?}").into_bytes(),
    };
    others
        .map(|entry| (name(&entry), content(&entry)))
        .collect()
}

fn fill(folder: &Path) {
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    write("web", FILE.as_bytes());
    write("README", b"name = 'not me'\n");
    write(
        "xmexample1",
        b"name = 'ExampleDomain'\nkernel = '/boot/vmlinuz'\n",
    );
    write("network", b"#!/bin/sh\nexec true\n");
    write("code", b"name = 'code'\nimport os\n");
    write("binary", b"\x00\xff\xfename = 'x'\n");
    write("huge", &vec![b'#'; 1 << 20]);
    write("web.rpmsave", FILE.as_bytes());
    std::os::unix::fs::symlink("/etc/hostname", folder.join("away")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.join("dangling")).unwrap();
    let mut pipe = std::process::Command::new("mkfifo");
    assert!(pipe.arg(folder.join("pipe")).status().unwrap().success());
}

fn done(uri: &str, script: &str) -> Ran {
    let ran = run(&["-c", uri, script]);
    assert_eq!(ran.status, 0, "{script}\n{}{}", ran.out, ran.err);
    ran
}

#[test]
fn a_users_file_is_a_guest_and_stays_the_users() {
    for release in ["3.0.1", "3.0.3"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fill(path);
        let before = foreign(path);
        let uri = format!("sim:?release={release}&xm-dir={}", path.display());
        let listed = done(&uri, "list --all");
        assert!(
            listed.out.contains(" -    web        shut off"),
            "{}",
            listed.out
        );
        assert!(!listed.out.contains("ExampleDomain"), "{}", listed.out);
        assert_eq!(listed.err.matches("warning").count(), 1, "{}", listed.err);

        let running = "start web; setmem web 48M --config; dominfo web; domstate web; \
                       autostart web; shutdown web; dumpxml web --inactive";
        let ran = done(&uri, running);
        assert!(ran.out.contains("Used memory:    65536 KiB"), "{}", ran.out);
        assert!(ran.out.contains("Persistent:     yes"), "{}", ran.out);
        assert!(ran.out.contains(">49152</currentMemory>"), "{}", ran.out);
        let changed = FILE.replace("2 * 32", "48") + "maxmem = 64\n";
        let text = || std::fs::read_to_string(path.join("web")).unwrap();
        assert_eq!(text(), changed);
        let link = std::fs::read_link(path.join("auto/web")).unwrap();
        assert_eq!(link, Path::new("../web"));

        let mut edit = virtxen(&["-c", &uri, "edit", "web"]);
        edit.env("EDITOR", "sed -i s/destroy/preserve/");
        assert!(edit.status().unwrap().success());
        // The uuid follows from the name and is not said.
        assert_eq!(text(), changed + "on_poweroff = \"preserve\"\n");

        let life = "define examples/paravirt-kernel.xml; start orchard; destroy orchard; \
                    list --all; undefine orchard; undefine web; list --all";
        let ran = done(&uri, life);
        assert!(ran.out.contains(" -    orchard    shut off"), "{}", ran.out);
        assert!(!path.join("web").exists() && !path.join("orchard").exists());
        assert!(!path.join("auto/web").is_symlink());
        assert_eq!(foreign(path), before, "{release}");
    }
}

#[test]
fn doctor_tells_of_each_skipped_file() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let uri = format!("sim:?release=3.0.3&xm-dir={}", folder.path().display());
    let doctor = done(&uri, "doctor").out;
    for (name, why) in [
        ("/code", "line 2, column 1"),
        ("/binary", "not UTF-8"),
        ("/huge", "larger than"),
        ("/pipe", "a pipe"),
        ("/dangling", "leads nowhere"),
        ("/away", "out of the folder"),
        ("/README", "a text for people"),
        ("/xmexample1", "an example"),
        ("/web.rpmsave", "a packager's copy"),
        ("/network", "a script"),
    ] {
        let line = doctor.lines().find(|line| line.contains(name)).unwrap();
        assert!(line.contains(why), "{line}");
    }
    assert!(doctor.contains("XM files in "), "{doctor}");
}

#[test]
fn what_is_no_guest_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("orchard"), "import os\n").unwrap();
    let uri = format!("sim:?release=3.0.3&xm-dir={}", path.display());
    let ran = run(&["-c", &uri, "define", "examples/paravirt-kernel.xml"]);
    assert_ne!(ran.status, 0, "{}", ran.out);
    assert!(ran.err.contains("line 1, column 1"), "{}", ran.err);
    let text = std::fs::read_to_string(path.join("orchard")).unwrap();
    assert_eq!(text, "import os\n");
    assert_eq!(std::fs::read_dir(path).unwrap().count(), 1);
}

#[test]
fn a_new_file_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let uri = format!("sim:?release=3.0.3&xm-dir={}", folder.path().display());
    done(&uri, "define examples/paravirt-kernel.xml");
    let file = folder.path().join("orchard");
    assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    done(&uri, "autostart orchard; domrename orchard orchard2");
    assert!(!file.exists());
    let renamed = std::fs::read_to_string(folder.path().join("orchard2")).unwrap();
    assert!(renamed.starts_with("name = \"orchard2\"\n"), "{renamed}");
    let info = done(&uri, "dominfo orchard2").out;
    assert!(info.contains("Autostart:      enable"), "{info}");
}
