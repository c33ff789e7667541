//! What is said about documents that are wrong: what, where, and all of it at once.
//! The messages are part of what people see, so they are compared word for word.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use virtxen_guest::{
    ParseOptions, Parsed, Problem, ProblemKind, Problems, Severity, parse_device, parse_guest,
};

const MINIMAL: &str = "<domain type='xen'><name>a</name><memory>1024</memory>\
                       <os><type>hvm</type></os></domain>";

fn wrong(text: &str) -> Problems {
    match parse_guest(text, &ParseOptions::default()) {
        Ok(parsed) => panic!("{text} was taken as {parsed:?}"),
        Err(problems) => problems,
    }
}

fn messages(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

/// The minimal guest with something before its end.
fn with(part: &str) -> String {
    MINIMAL.replace("</domain>", &format!("\n{part}</domain>"))
}

fn devices(part: &str) -> String {
    with(&format!("<devices>\n{part}\n</devices>"))
}

fn first_error(part: &str) -> String {
    wrong(part).first_error().unwrap().kind.to_string()
}

#[test]
fn all_problems_are_told_with_their_places() {
    let text = "\
<domain type='xen'>
  <name>a/b</name>
  <memory unit='parsec'>1</memory>
  <vcpu current='x'>0</vcpu>
  <os><type>amiga</type></os>
  <devices>
    <disk type='file' devise='disk'><source file='/a'/><target dev='hda' bus='warp'/></disk>
    <dsik/>
  </devices>
</domain>
";
    assert_eq!(
        messages(&wrong(text).problems),
        [
            "line 2, column 3: the name 'a/b' has a '/' or a line break in it",
            "line 3, column 3: <memory> is '1 parsec': expected a number with a unit: \
             b, KiB, MiB, GiB, TiB, KB, MB, …",
            "line 4, column 18: attribute 'current' of <vcpu> is 'x': expected a number in range",
            "line 5, column 7: <type> is 'amiga': expected hvm, linux, xen, xenpvh",
            "line 7, column 23: unknown attribute 'devise' of <disk>",
            "line 7, column 79: attribute 'bus' of <target> is 'warp': expected ide, fdc, scsi, \
             virtio, xen, usb, uml, sata, sd, nvme",
            "line 8, column 5: unknown element <dsik> in <devices>",
        ]
    );
}

#[test]
fn broken_rules_are_told_beside_what_cannot_be_read() {
    let text = "<domain type='xen'><name>a/b</name><memory>0</memory>\
        <vcpu current='9'>two</vcpu><os><type>hvmm</type></os><devices>\
        <disk type='file'><target dev='xvda' bus='moon'/></disk><disk type='file'/>\
        <graphics type='vnc' port='99999'/></devices></domain>";
    let told = messages(&wrong(text).problems);
    let has = |part: &str| told.iter().any(|message| message.contains(part));
    for part in [
        "'a/b' has a '/'",
        "a guest needs memory",
        "'two'",
        "'hvmm'",
        "'moon'",
        "'99999'",
    ] {
        assert!(has(part), "{part}: {told:?}");
    }
    // These may follow from what could not be read.
    assert!(!has("vcpus online") && !has("a disk needs"), "{told:?}");
}

#[test]
fn a_problem_is_shown_with_its_line() {
    let text = "<domain type='xen'>\n\t<naem>é</naem>\n</domain>";
    let problems = wrong(text);
    let warning = |problem: &&Problem| problem.severity == Severity::Warning;
    let unknown = problems.problems.iter().find(warning).unwrap();
    assert_eq!(unknown.severity, Severity::Warning);
    assert_eq!(
        unknown.render(),
        "warning: unknown element <naem> in <domain>\n --> line 2, column 2\n  |\n\
         2 | \t<naem>é</naem>\n  | \t^~~~~~\n"
    );
    assert_eq!((unknown.offset, unknown.length), (21, 6));
}

#[test]
fn what_is_unknown_is_a_warning_or_when_strict_an_error() {
    let text = with("<flux/><qemu:x xmlns:qemu='q'/><title lang='en'>x</title>words");
    let Parsed { value, warnings } = parse_guest(&text, &ParseOptions::default()).unwrap();
    assert_eq!(value.title.as_deref(), Some("x"));
    let kinds: Vec<_> = warnings.iter().map(|w| w.kind.to_string()).collect();
    assert_eq!(
        kinds,
        [
            "unknown element <flux> in <domain>",
            "unknown element <qemu:x> in <domain>",
            "unknown attribute 'lang' of <title>",
            "unexpected text in <domain>",
        ]
    );
    let strict = ParseOptions {
        strict: true,
        ..ParseOptions::default()
    };
    let problems = parse_guest(&text, &strict).unwrap_err().problems;
    assert_eq!(problems.len(), 4);
    assert!(problems.iter().all(|p| p.severity == Severity::Error));
}

#[test]
fn the_first_of_two_counts() {
    let text = with("<name>b</name>");
    let parsed = parse_guest(&text, &ParseOptions::default()).unwrap();
    assert_eq!(parsed.value.name, "a");
    assert!(matches!(
        parsed.warnings[0].kind,
        ProblemKind::Repeated { .. }
    ));
}

#[test]
fn what_libvirt_refuses_is_refused() {
    for (text, message) in [
        (
            MINIMAL.replace("'xen'", "'kvm'"),
            "attribute 'type' of <domain> is 'kvm': expected xen",
        ),
        (MINIMAL.replace("1024", "0"), "a guest needs memory"),
        (MINIMAL.replace(">a<", "><"), "a guest needs a name"),
        (
            MINIMAL.replace("<name>a</name>", ""),
            "<domain> needs <name>",
        ),
        (
            MINIMAL.replace("<os><type>hvm</type></os>", ""),
            "<domain> needs <os><type>: hvm, linux, xenpvh",
        ),
        (
            with("<vcpu current='3'>2</vcpu>"),
            "3 vcpus online are not possible with at most 2",
        ),
        (with("<vcpu>0</vcpu>"), "a guest needs at least one vcpu"),
        (
            with("<uuid>12</uuid>"),
            "<uuid> is '12': expected 32 hexadecimal digits",
        ),
        (with("<title>a\nb</title>"), "a title is one line"),
        (
            with("<cpu><numa><cell id='1' memory='1'/></numa></cpu>"),
            "numa cell ids have to be 0 to 0, each once",
        ),
        (
            with("<cpu><numa><cell cpus='4' memory='1'/></numa></cpu>"),
            "vcpu 4 of a numa cell is beyond the 1 vcpus of the guest",
        ),
        (
            with("<clock offset='absolute'/>"),
            "<clock> needs attribute 'start'",
        ),
    ] {
        assert_eq!(first_error(&text), message);
    }
}

#[test]
fn devices_that_libvirt_refuses_are_refused() {
    let disk = "<disk type='file'><source file='/a'/><target dev='hda'/></disk>";
    let bridge = "<interface type='bridge'><mac address='01:00:00:00:00:01'/></interface>";
    for (part, message) in [
        (disk.repeat(2), "target 'hda' is another disk's already"),
        (disk.replace("hda", "nda"), "'nda' is no name for a disk: expected xvda, hda, sda, …"),
        (disk.replace("type", "device='floppy' type"), "'hda' is no name for a floppy drive: expected fda, fdb, …"),
        (disk.replace("<source file='/a'/>", ""), "a disk needs a source; only cdrom and floppy drives can be empty"),
        (disk.replace("<target dev='hda'/>", ""), "a disk needs a target"),
        (bridge.to_owned(), "01:00:00:00:00:01 is a group address, an interface needs one of its own"),
        (disk.replace("</disk>", "<boot order='0'/></disk>"), "a boot order counts from 1"),
        ("<interface type='network'/>".to_owned(), "<interface> needs <source network=…>"),
        ("<hostdev type='pci'/>".to_owned(), "<hostdev> needs <source> with the device"),
        ("<graphics type='vnc' port='70000'/>".to_owned(), "attribute 'port' of <graphics> is '70000': expected -1 or a port, 0 to 65535"),
        (
            "<graphics type='vnc' listen='1.1.1.1'><listen type='address' address='2.2.2.2'/></graphics>".to_owned(),
            "attribute 'listen' of <graphics> is '1.1.1.1': expected the address of the first <listen>",
        ),
        ("<serial type='tcp'/>".to_owned(), "<serial> needs <source service=…>"),
        ("<input type='mouse' bus='air'/>".to_owned(), "attribute 'bus' of <input> is 'air': expected ps2, usb, xen, parallels, virtio, none"),
    ] {
        assert_eq!(first_error(&devices(&part)), message);
    }
    let problems = wrong(&devices(&disk.repeat(2)));
    let at = problems.first_error().unwrap();
    assert_eq!((at.line, at.column), (3, disk.len() + 1));
}

#[test]
fn a_document_of_something_else_is_told_so() {
    assert_eq!(
        first_error("<network/>"),
        "unexpected <network>: expected <domain>"
    );
    assert_eq!(
        first_error("<domain xmlns='x' type='xen'/>"),
        "unexpected <domain xmlns='x'>: expected <domain>"
    );
    let error = parse_device("<domain/>", &ParseOptions::default()).unwrap_err();
    assert_eq!(
        messages(&error.problems),
        [
            "line 1, column 1: unexpected <domain>: expected a device: <disk>, <interface>, <hostdev>, …"
        ]
    );
}

#[test]
fn malformed_markup_is_told_with_its_place() {
    let problems = wrong("<domain type='xen'>\n  <name>a</nam>\n</domain>");
    let [problem] = &problems.problems[..] else {
        panic!("{problems:?}");
    };
    assert!(matches!(problem.kind, ProblemKind::Syntax(_)));
    assert_eq!(problem.line, 2);
}
