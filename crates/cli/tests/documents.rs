//! Documents and conversions: validate, convert, dumpxml, edit, native formats.
//! What the conversions mean is tried in the formats' own tests.

#![allow(clippy::unwrap_used)]

mod common;
use common::{Ran, root, run, script, virtxen};
use std::process::Stdio;

const BAD: &str = "<domain type='xen'>\n  <name>a</name>\n  <memory>lots</memory>\n  \
                   <frob/>\n</domain>\n";

fn scratch(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("guest.xml");
    std::fs::write(&file, text).unwrap();
    let name = file.to_str().unwrap().to_owned();
    (folder, name)
}

#[test]
fn validate_shows_every_problem_with_its_place() {
    let (_folder, file) = scratch(BAD);
    let ran = run(&["validate", &file]);
    assert_eq!(ran.status, 1);
    assert!(
        ran.out.contains("line 3, column") && ran.out.contains('^'),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("line 4, column"), "{}", ran.out);
    let json = run(&["--json", "validate", &file]).json();
    assert_eq!(json["files"][0]["valid"], false);
    let problems = json["files"][0]["problems"].as_array().unwrap();
    assert!(
        problems
            .iter()
            .any(|problem| problem["line"] == 3 && problem["severity"] == "error")
    );
}

#[test]
fn strict_turns_warnings_into_errors() {
    let good = std::fs::read_to_string(root().join("examples/paravirt-kernel.xml")).unwrap();
    let (_folder, file) = scratch(&good.replace("<devices>", "<frob/><devices>"));
    assert_eq!(run(&["validate", &file]).status, 0);
    assert_eq!(run(&["--strict", "validate", &file]).status, 1);
    let ran = run(&["-c", "sim:", "create", &file]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(
        ran.err.contains("warning: ") && ran.err.contains("<frob>"),
        "{}",
        ran.err
    );
    assert_eq!(run(&["-c", "sim:", "--strict", "create", &file]).status, 1);
    assert_eq!(
        run(&["-c", "sim:", "create", "--validate", &file]).status,
        1
    );
}

#[test]
fn a_bad_document_is_shown_by_define() {
    let (_folder, file) = scratch(BAD);
    let ran = run(&["define", &file]);
    assert_eq!(ran.status, 1);
    assert!(
        ran.err.contains("Failed to define domain from"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("line 3, column"), "{}", ran.err);
}

#[test]
fn the_examples_convert_both_ways() {
    for name in [
        "paravirt-bootloader",
        "paravirt-kernel",
        "fullvirt-bios",
        "fullvirt-kernel",
    ] {
        let file = format!("examples/{name}.xml");
        let sxpr = run(&["convert", &file, "--to", "xen-sxpr"]);
        assert_eq!(sxpr.status, 0, "{}", sxpr.err);
        assert!(sxpr.out.starts_with("(vm "), "{}", sxpr.out);
        let (_folder, file) = scratch(&sxpr.out);
        let xml = run(&["-q", "convert", &file]);
        assert_eq!(xml.status, 0, "{}", xml.err);
        let (_folder, file) = scratch(&xml.out);
        assert_eq!(
            run(&["--strict", "validate", &file]).status,
            0,
            "{}",
            xml.out
        );
    }
    assert_eq!(
        run(&["convert", "examples/fullvirt-bios.xml", "--release", "9.9"]).status,
        2
    );
}

#[test]
fn the_examples_are_files_of_xm_and_xl_too() {
    for (name, language) in [
        ("paravirt-bootloader", "xen-xm"),
        ("paravirt-kernel", "xen-xl"),
        ("fullvirt-bios", "xen-xm"),
        ("fullvirt-kernel", "xen-xl"),
    ] {
        let file = format!("examples/{name}.xml");
        let written = run(&["-q", "convert", &file, "--to", language]);
        assert_eq!(written.status, 0, "{}", written.err);
        assert!(written.out.starts_with("name = "), "{}", written.out);
        let (_folder, file) = scratch(&written.out);
        // The backend that libvirt takes is said when it is written anew.
        let anew = |text: &str| {
            let (_folder, file) = scratch(text);
            let ran = run(&["-q", "convert", &file, "--from", language, "--to", language]);
            assert_eq!(ran.status, 0, "{}", ran.err);
            ran.out
        };
        let again = anew(&written.out);
        assert_eq!(anew(&again), again);
        let xml = run(&["-q", "convert", &file]);
        assert!(xml.out.starts_with("<domain type='xen'>"), "{}", xml.out);
    }
}

#[test]
fn libxls_configurations_are_written_for_releases_and_read() {
    let file = "examples/paravirt-bootloader.xml";
    let of = |release: &str| {
        let to = [
            "-q",
            "convert",
            file,
            "--to",
            "xen-libxl",
            "--release",
            release,
        ];
        let ran = run(&to);
        assert_eq!(ran.status, 0, "{}", ran.err);
        ran.out
    };
    let config = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let (old, new) = (of("4.5"), of("4.22"));
    assert!(
        config(&old)["b_info"]["type.pv"]["bootloader"].is_string(),
        "{old}"
    );
    assert!(config(&new)["b_info"]["bootloader"].is_string(), "{new}");
    let listed = format!("[{{\"domid\": 3, \"config\": {new}}}]");
    let (_folder, listed) = scratch(&listed);
    let xml = run(&["-q", "convert", &listed]);
    assert!(
        xml.out.starts_with("<domain type='xen' id='3'>"),
        "{}",
        xml.err
    );
    let both = format!("[{{\"domid\": 3, \"config\": {new}}}, {{\"config\": {old}}}]");
    let (_folder, both) = scratch(&both);
    let xml = run(&["-q", "convert", &both]);
    assert_eq!(
        xml.out.matches("<domain type='xen'").count(),
        2,
        "{}",
        xml.err
    );
    let (_folder, odd) = scratch(&new.replacen("{", "{\n    \"colour\": 7,", 1));
    let ran = run(&["convert", &odd]);
    assert!(ran.err.contains("line 2, column 5"), "{}", ran.err);
    assert_eq!(run(&["--strict", "convert", &odd]).status, 6);
    for release in ["4.4", "3.1"] {
        let ran = run(&["convert", file, "--to", "xen-libxl", "--release", release]);
        assert!(ran.err.contains("4.5 and later"), "{}", ran.err);
    }
    let ran = run(&["convert", file, "--to", "xen-sxpr", "--release", "4.17"]);
    assert!(ran.err.contains("Xen 4.17 has no XenD"), "{}", ran.err);
}

#[test]
fn a_folder_is_converted_with_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    std::fs::create_dir(&old).unwrap();
    let put = |name: &str, text: &str| std::fs::write(old.join(name), text).unwrap();
    put(
        "a.example",
        "vmid = 2\nname = 'a%d' % vmid\nmemory = 64\nkernel = '/k'\n",
    );
    put("b.cfg", "name = 'b'\ntype = 'pvh'\nkernel = '/k'\n");
    put("script.cfg", "import os\nname = os.uname()[1]\n");
    put(".hidden", "(");
    let (from, to) = (old.to_str().unwrap(), new.to_str().unwrap());
    let ran = run(&["convert", from, "--output", to]);
    assert_eq!(ran.status, 1);
    assert!(ran.out.contains("a.example: a2, "), "{}", ran.out);
    assert!(
        ran.out.contains("2 files converted, 1 failed"),
        "{}",
        ran.out
    );
    assert!(ran.err.contains("script.cfg"), "{}", ran.err);
    assert!(
        ran.err.contains("line 1, column 1: 'import'"),
        "{}",
        ran.err
    );
    let read = |name: &str| std::fs::read_to_string(new.join(name)).unwrap();
    assert!(read("a.example.xml").contains("<name>a2</name>"));
    assert!(read("b.xml").contains("machine='xenpvh'"));
    // What is there is not written over.
    let ran = run(&["convert", from, "--output", to]);
    assert!(
        ran.out.contains("0 files converted, 3 failed"),
        "{}",
        ran.out
    );
    let json = run(&["--json", "convert", from]).json();
    assert_eq!(
        (&json["converted"], &json["failed"]),
        (&2.into(), &1.into())
    );
}

#[test]
fn what_a_file_loses_is_told_with_its_line() {
    let (_folder, file) = scratch("name = 'a'\nkernel = '/k'\nodd_key = 1\n");
    let ran = run(&["convert", &file]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.err.contains("line 3, column 1: odd_key"), "{}", ran.err);
    assert_eq!(run(&["--strict", "convert", &file]).status, 6);
}

#[test]
fn dumped_xml_is_valid() {
    let setup = "define examples/fullvirt-bios.xml; start frontdesk";
    for options in ["", "--inactive", "--security-info", "--migratable"] {
        let ran = run(&[
            "-q",
            "-c",
            "sim:",
            &format!("{setup}; dumpxml frontdesk {options}"),
        ]);
        assert_eq!(ran.status, 0, "{}", ran.err);
        let (_folder, file) = scratch(&ran.out);
        assert_eq!(
            run(&["--strict", "validate", &file]).status,
            0,
            "{}",
            ran.out
        );
        assert_eq!(
            ran.out.starts_with("<domain type='xen' id="),
            options != "--inactive"
        );
    }
}

#[test]
fn native_formats_know_the_host() {
    let setup = "define examples/paravirt-kernel.xml";
    let sxpr = script(&format!(
        "{setup}; domxml-to-native xen-sxpr --domain orchard"
    ));
    assert!(sxpr.contains("(name 'orchard')"), "{sxpr}");
    let to = "domxml-to-native xen-sxpr --xml examples/paravirt-kernel.xml";
    let ran = run(&["-q", "-c", "sim:", to]);
    let (_folder, file) = scratch(&ran.out);
    let xml = script(&format!("domxml-from-native xen-sxpr {file}"));
    assert!(xml.contains("<name>orchard</name>"), "{xml}");
    for language in ["xen-xm", "xen-xl"] {
        let to = format!("{setup}; domxml-to-native {language} --domain orchard");
        let written = run(&["-q", "-c", "sim:", &to]);
        assert!(
            written.out.contains("name = \"orchard\""),
            "{}",
            written.err
        );
        let names = written.out.lines().filter(|line| line.contains(" = "));
        let (_folder, file) = scratch(&names.collect::<Vec<_>>().join("\n"));
        let xml = script(&format!("domxml-from-native {language} {file}"));
        assert!(xml.contains("<name>orchard</name>"), "{xml}");
    }
}

#[test]
fn a_configuration_with_virtual_nodes_has_their_memory() {
    let node = |id: u32| format!("['pnode={id}', 'size=512', 'vcpus={id}']");
    let text = format!(
        "name = 'nodes'\ntype = 'hvm'\nmemory = 256\nmaxmem = 768\nvcpus = 2\nvnuma = [{}, {}]\n",
        node(0),
        node(1)
    );
    let (_folder, file) = scratch(&text);
    let xml = script(&format!("domxml-from-native xen-xl {file}"));
    let memory = "<memory unit='KiB'>1048576</memory>";
    assert!(xml.contains(memory), "{xml}");
    let current = "<currentMemory unit='KiB'>262144</currentMemory>";
    assert!(xml.contains(current), "{xml}");
}

#[test]
fn edit_defines_what_the_editor_left() {
    let edit = |editor: &str, script: &str| {
        let command = format!("define examples/paravirt-kernel.xml; {script}");
        Ran::of(
            virtxen(&["-c", "sim:", &command])
                .env("VISUAL", editor)
                .output()
                .unwrap(),
        )
    };
    let same = edit("true", "edit orchard");
    assert!(
        same.out
            .contains("Domain 'orchard' XML configuration not changed."),
        "{}",
        same.err
    );
    let changed = edit(
        "sed -i 's|</name>|</name><title>Trees</title>|'",
        "edit orchard; list --all --title",
    );
    assert_eq!(changed.status, 0, "{}", changed.err);
    assert!(
        changed.out.contains("XML configuration edited."),
        "{}",
        changed.out
    );
    let bad = edit(
        "sed -i 's|<memory.*|<memory>lots</memory>|'",
        "edit orchard",
    );
    assert_eq!(bad.status, 1);
    assert!(
        bad.err.contains("Failed to edit domain 'orchard'"),
        "{}",
        bad.err
    );
    assert_eq!(edit("false", "edit orchard").status, 1);
}

#[test]
fn standard_input_is_a_file() {
    let mut child = virtxen(&["validate", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), BAD.as_bytes()).unwrap();
    assert_eq!(Ran::of(child.wait_with_output().unwrap()).status, 1);
}

#[test]
fn capabilities_tell_the_processor_and_numa_nodes() {
    let xml = run(&["capabilities"]).out;
    for part in [
        "<vmx/>",
        "<cell id='0'>",
        "<cpus num='4'>",
        "<cpu id='3' socket_id='",
    ] {
        assert!(xml.contains(part), "{part}: {xml}");
    }
}

#[test]
fn domain_capabilities_follow_release_and_machine() {
    let of = |release: &str, words: &str| {
        let uri = format!("sim:?release={release}");
        run(&["--json", "-c", &uri, &format!("domcapabilities {words}")])
    };
    let xml = |release, words| of(release, words).json()["xml"].to_string();
    let pvh = xml("4.17", "--machine xenpvh");
    assert!(pvh.contains("<vcpu max='128'/>"), "{pvh}");
    assert!(!pvh.contains("<hostdev"), "{pvh}");
    assert!(!xml("3.4.4", "--machine xenfv").contains("spice"));
    assert!(xml("4.17", "--machine xenfv").contains("spice"));
    let none = of("4.1", "--machine xenpvh");
    assert_eq!(none.status, 2);
    let message = none.json()["error"].to_string();
    assert!(
        message.contains("the host runs no xenpvh guests"),
        "{message}"
    );
}

#[test]
fn what_the_host_cannot_carry_is_told_with_its_place() {
    let good = std::fs::read_to_string(root().join("examples/paravirt-kernel.xml")).unwrap();
    let genid = "<genid>b1c7f0aa-5d3e-4c58-9f0e-2b8a6d3c7703</genid>";
    let (_folder, file) = scratch(&good.replace("<vcpu", &format!("{genid}\n  <vcpu")));
    let line = 1 + good.lines().position(|l| l.contains("<vcpu")).unwrap();
    let told = format!("line {line}, column 3: /domain/genid: ");
    for command in [
        "define",
        "create",
        "convert --to xen-sxpr",
        "domxml-to-native xen-sxpr --xml",
    ] {
        let ran = run(&["-c", "sim:", &format!("{command} {file}")]);
        assert_eq!(ran.status, 0, "{}", ran.err);
        assert!(ran.err.contains(&told), "{command}: {}", ran.err);
        let ran = run(&[
            "--json",
            "-c",
            "sim:",
            "--strict",
            &format!("{command} {file}"),
        ]);
        let error = &ran.json()["error"];
        assert_eq!(
            (ran.status, &error["code"]),
            (6, &"guest".into()),
            "{command}"
        );
        assert_eq!(error["problems"][0]["line"], line, "{command}");
    }
}

#[test]
fn what_a_device_loses_is_told_with_its_place() {
    let disk = "<disk type='file'>\n <source file='/a'/>\n <target dev='xvdc'/>\n \
                <serial>x</serial>\n</disk>";
    let (_folder, file) = scratch(disk);
    let attach = ["attach-device", "pv1", &file];
    let ran = run(&[&["-c", "sim:?guests=1"][..], &attach].concat());
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(
        ran.err.contains("line 4, column 2: /disk/serial"),
        "{}",
        ran.err
    );
    let ran = run(&[&["-c", "sim:?guests=1", "--strict"][..], &attach].concat());
    assert_eq!(ran.status, 6, "{}", ran.err);
}

#[test]
fn the_xen_that_runs_here_says_what_it_would_run() {
    let xml = std::fs::read_to_string(root().join("examples/paravirt-kernel.xml")).unwrap();
    let disk = "<devices><disk type='network'><source protocol='rbd' name='a/b'/>\
                <target dev='xvdz'/></disk>";
    let (_folder, odd) = scratch(&xml.replacen("<devices>", disk, 1));
    let ran = run(&["convert", "--check", "examples/paravirt-kernel.xml", &odd]);
    assert_eq!(ran.status, 1, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("paravirt-kernel.xml: orchard: runs"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("orchard: cannot run\n  cannot   "),
        "{}",
        ran.out
    );
    let json = run(&["--json", "convert", "--check", &odd]).json();
    assert_eq!(json["guests"][0]["runs"], false);
    assert_eq!(json["refused"], 1);
    let (_folder, bad) = scratch(BAD);
    let ran = run(&["convert", "--check", &bad, "examples/paravirt-kernel.xml"]);
    assert_eq!(ran.status, 1);
    assert!(
        ran.out.contains("guest.xml: cannot be read\n  cannot   "),
        "{}",
        ran.out
    );
    assert!(ran.out.contains(": orchard: runs"), "{}", ran.out);
}
