//! Single devices: what is sent to plug them, and how a domain's device is found.

#![allow(clippy::unwrap_used)]

use std::fs;
use virtxen_formats::sxpr::{
    ConfigVersion, Limits, Target, device_reference, device_to_sxpr, pci_detach_sxpr, read_prefix,
    write_request,
};
use virtxen_guest::{Device, ParseOptions, parse_device};
use virtxen_testkit::shared;

fn device(xml: &str) -> Device {
    parse_device(xml, &ParseOptions::default()).unwrap().value
}

fn plug(xml: &str, hvm: bool, version: ConfigVersion) -> Result<String, String> {
    device_to_sxpr(&device(xml), hvm, &Target::new(version))
        .map(|converted| write_request(&converted.value))
        .map_err(|error| error.to_string())
}

const DISK: &str = "<disk type='file'><source file='/x'/><target dev='xvdb'/></disk>";
const CDROM: &str = "<disk type='block' device='cdrom'><driver name='phy'/>\
    <source dev='/dev/sr0'/><target dev='hdc'/><readonly/></disk>";
const INTERFACE: &str = "<interface type='bridge'><mac address='00:16:3e:00:00:11'/>\
    <source bridge='xenbr0'/><model type='e1000'/></interface>";
const QUICK_INTERFACE: &str = "<interface type='ethernet'><mac address='00:16:3e:00:00:12'/>\
    <model type='netfront'/></interface>";
const FUNCTION: &str = "<hostdev mode='subsystem' type='pci' managed='no'>\
    <source><address domain='0' bus='6' slot='2' function='1'/></source></hostdev>";

#[test]
fn devices_are_plugged_with_the_words_of_the_version() {
    use ConfigVersion::{Xen302, Xen303, Xen310};
    for (xml, hvm, version, expected) in [
        (
            DISK,
            false,
            Xen302,
            "(vbd (dev 'xvdb')(uname 'file:/x')(mode 'w'))",
        ),
        (
            DISK,
            true,
            Xen303,
            "(vbd (dev 'xvdb:disk')(uname 'file:/x')(mode 'w'))",
        ),
        (
            DISK,
            true,
            Xen302,
            "(vbd (dev 'ioemu:xvdb')(uname 'file:/x')(mode 'w'))",
        ),
        (
            CDROM,
            true,
            Xen310,
            "(vbd (dev 'hdc:cdrom')(uname 'phy:/dev/sr0')(mode 'r'))",
        ),
        (
            INTERFACE,
            true,
            Xen303,
            "(vif (mac '00:16:3e:00:00:11')(bridge 'xenbr0')(script 'vif-bridge')(model 'e1000')(type ioemu))",
        ),
        (
            INTERFACE,
            false,
            Xen310,
            "(vif (mac '00:16:3e:00:00:11')(bridge 'xenbr0')(script 'vif-bridge')(model 'e1000'))",
        ),
        (
            FUNCTION,
            false,
            Xen310,
            "(pci (dev (domain 0x0000)(bus 0x06)(slot 0x02)(func 0x1))(state 'Initialising'))",
        ),
    ] {
        assert_eq!(plug(xml, hvm, version).as_deref(), Ok(expected), "{xml}");
    }
    let closing = write_request(&pci_detach_sxpr(&device(FUNCTION)).unwrap());
    assert!(closing.ends_with("(state 'Closing'))"), "{closing}");
}

#[test]
fn a_quick_interface_is_named_where_there_is_a_slow_one() {
    let version = ConfigVersion::Xen303;
    for (hvm, word) in [(true, "(type netfront)"), (false, "(model 'netfront')")] {
        let expected = format!("(vif (mac '00:16:3e:00:00:12'){word})");
        assert_eq!(plug(QUICK_INTERFACE, hvm, version), Ok(expected));
    }
}

#[test]
fn what_xend_cannot_plug_is_refused_with_its_reason() {
    let floppy = "<disk type='file' device='floppy'><source file='/x'/><target dev='fda'/></disk>";
    let network = "<interface type='network'><source network='default'/></interface>";
    let sound = "<sound model='es1370'/>";
    let transient = "<disk type='file'><source file='/x'/><target dev='xvdb'/><transient/></disk>";
    for (xml, hvm, version, reason) in [
        (floppy, true, ConfigVersion::Xen310, "cannot plug a floppy"),
        (CDROM, true, ConfigVersion::Xen302, "cannot plug a cdrom"),
        (
            network,
            false,
            ConfigVersion::Xen310,
            "no bridge is known for network 'default'",
        ),
        (sound, true, ConfigVersion::Xen310, "cannot plug a sound"),
        (
            transient,
            false,
            ConfigVersion::Xen310,
            "keeps what is written",
        ),
    ] {
        let error = plug(xml, hvm, version).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
    assert!(pci_detach_sxpr(&device(DISK)).is_err());
}

#[test]
fn devices_of_a_recorded_domain_are_found() {
    let Some(file) = shared("reference/xend-transcripts/4.1.6/132-pv1-devices.resp") else {
        return;
    };
    let reply = fs::read_to_string(file).unwrap();
    let body = reply.split_once("\r\n\r\n").unwrap().1;
    let (detail, _) = read_prefix(body, Limits::default()).unwrap();
    let found = |xml: &str| {
        let reference = device_reference(&device(xml), &detail)?;
        Some(format!("{} {}", reference.class, reference.id))
    };
    let disk = |target: &str| DISK.replace("xvdb", target);
    assert_eq!(found(&disk("xvdb")).as_deref(), Some("vbd xvdb"));
    assert_eq!(found(&disk("xvdd")).as_deref(), Some("tap xvdd"));
    assert_eq!(found(&disk("xvdg")).as_deref(), Some("tap2 xvdg"));
    assert_eq!(found(&disk("xvdz")), None);
    assert_eq!(found(INTERFACE).as_deref(), Some("vif 1"));
    assert_eq!(found(&INTERFACE.replace("00:11'", "99:11'")), None);
    assert_eq!(found(FUNCTION), None);
}
