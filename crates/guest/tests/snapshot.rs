//! Documents of snapshots: read, written, and what is wrong with one.
#![allow(clippy::unwrap_used)]

use virtxen_guest::{
    FormatOptions, ParseOptions, SnapshotLocation, SnapshotState, format_snapshot, parse_snapshot,
};

const WHOLE: &str = "\
<domainsnapshot>
  <name>first</name>
  <description>before &lt;it&gt;</description>
  <state>running</state>
  <parent>
    <name>zero</name>
  </parent>
  <creationTime>1270477159</creationTime>
  <memory snapshot='external' file='/m'/>
  <disks>
    <disk name='xvda' snapshot='internal'/>
    <disk name='xvdb' snapshot='external'>
      <driver type='qcow2'/>
      <source file='/over'/>
    </disk>
  </disks>
  <domain type='xen' id='3'>
    <name>web</name>
    <memory unit='KiB'>65536</memory>
    <os>
      <type>linux</type>
    </os>
    <on_poweroff>destroy</on_poweroff>
    <on_reboot>restart</on_reboot>
    <on_crash>destroy</on_crash>
  </domain>
  <inactiveDomain type='xen'>
    <name>web</name>
    <memory unit='KiB'>65536</memory>
    <os>
      <type>linux</type>
    </os>
    <on_poweroff>destroy</on_poweroff>
    <on_reboot>restart</on_reboot>
    <on_crash>destroy</on_crash>
  </inactiveDomain>
</domainsnapshot>
";

#[test]
fn a_snapshot_is_written_as_it_is_read() {
    let snapshot = parse_snapshot(WHOLE, &ParseOptions::default())
        .unwrap()
        .value;
    assert_eq!(snapshot.name.as_deref(), Some("first"));
    assert_eq!(snapshot.state, Some(SnapshotState::Running));
    assert_eq!(snapshot.parent.as_deref(), Some("zero"));
    assert_eq!(snapshot.disks[1].location, Some(SnapshotLocation::External));
    let text = format_snapshot(&snapshot, &FormatOptions::default());
    let again = parse_snapshot(&text, &ParseOptions::default())
        .unwrap()
        .value;
    assert_eq!(again, snapshot, "{text}");
    assert_eq!(format_snapshot(&again, &FormatOptions::default()), text);
}

#[test]
fn what_libvirts_own_files_have_is_taken() {
    let text = "<domainsnapshot><active>1</active><cookie/>\
                <domain><uuid>6f0d2b5e-93c4-4a07-8b5a-0c7de1f4a201</uuid></domain>\
                </domainsnapshot>";
    let parsed = parse_snapshot(text, &ParseOptions::default()).unwrap();
    assert!(parsed.warnings.is_empty(), "{:?}", parsed.warnings);
    assert_eq!(parsed.value.domain, None);
}

#[test]
fn what_is_wrong_has_a_place() {
    for (text, message) in [
        ("<domain type='xen'/>", "<domainsnapshot>"),
        (
            "<domainsnapshot>\n<state>up</state></domainsnapshot>",
            "'up'",
        ),
        ("<domainsnapshot>\n<memory/></domainsnapshot>", "'snapshot'"),
        (
            "<domainsnapshot>\n<disks><disk/></disks></domainsnapshot>",
            "'name'",
        ),
        (
            "<domainsnapshot>\n<creationTime>x</creationTime></domainsnapshot>",
            "'x'",
        ),
        (
            "<domainsnapshot>\n<domain><name>a</name></domain></domainsnapshot>",
            "'type'",
        ),
    ] {
        let problems = parse_snapshot(text, &ParseOptions::default()).unwrap_err();
        let first = problems.first_error().unwrap();
        assert!(first.to_string().contains(message), "{text}: {first}");
    }
}
