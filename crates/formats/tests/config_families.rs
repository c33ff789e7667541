//! Families of settings in xm's and xl's files, beyond what libvirt's cases have:
//! what is written is read again, what is lost is told.

#![allow(clippy::unwrap_used)]

use virtxen_formats::config::Document;
use virtxen_formats::sxpr::ConfigVersion;
use virtxen_formats::{Note, xl, xm};
use virtxen_guest::{
    ChardevSource, ClockOffset, DiskBus, DiskDevice, DiskSource, FormatOptions, GraphicsServer,
    Guest, InterfaceSource, MouseMode, OsType, VideoModel, format_guest,
};
use virtxen_testkit::record_domain_xml;

fn xl_guest(text: &str) -> (Guest, Vec<Note>) {
    let text = format!("name = 'a'\nmemory = 64\n{text}\n");
    let document = Document::read(&text).unwrap();
    let read = xl::xl_to_guest(&document, &xl::Host::default()).unwrap();
    record(&read.value);
    (read.value, read.notes)
}

fn xm_guest(text: &str, version: ConfigVersion) -> (Guest, Vec<Note>) {
    let text = format!("name = 'a'\nmemory = 64\n{text}\n");
    let document = Document::read(&text).unwrap();
    let read = xm::xm_to_guest(&document, version, &xm::Host::default()).unwrap();
    record(&read.value);
    (read.value, read.notes)
}

/// Every guest of these tests as a document, for the foreign check: without soft pins, for
/// which libvirt's schema has no place.
fn record(guest: &Guest) {
    let mut guest = guest.clone();
    guest.cpu_tune.soft_pins.clear();
    let text = format_guest(&guest, &FormatOptions::default());
    record_domain_xml("config-families", &text);
}

/// The values of some names of the guest's xl file.
fn xl_text(guest: &Guest) -> String {
    let written = xl::guest_to_xl(guest, &xl::Bridges::new()).unwrap();
    assert_eq!(written.notes, [], "{}", written.value);
    let again = xl::xl_to_guest(&written.value, &xl::Host::default()).unwrap();
    assert_eq!(again.value, *guest);
    written.value.to_string()
}

#[test]
fn xls_files_come_back() {
    for lines in [
        "usbctrl = [ \"type=qusb,version=1,ports=4\", \"type=qusb,version=2,ports=8\" ]\n\
         usbdev = [ \"hostbus=1,hostaddr=1f\" ]",
        "channel = [ \"connection=socket,path=/run/x,name=org.x\", \"connection=pty,name=y\" ]",
        "channel = [ \"connection=socket,name=org.x\" ]",
        "max_event_channels = 2047",
        "e820_host = 1\npci = [ \"0000:00:1b.0\", \"0000:00:13.0,permissive=0\" ]",
        "builder = \"hvm\"\nspice = 1\nspiceport = 5910\nspicedisable_ticketing = 1\n\
         spiceagent_mouse = 1\nspice_clipboard_sharing = 1\nspicevdagent = 1",
        "builder = \"hvm\"\nusb = 1\nusbdevice = [ \"tablet\", \"mouse\", \"keyboard\" ]",
        "builder = \"hvm\"\nnestedhvm = 0\ncpuid = \"host,htt=0,sse3=x\"",
        "builder = \"hvm\"\nbios = \"ovmf\"\nbios_path_override = \"/my/fw.fd\"",
        "builder = \"hvm\"\nvga = \"qxl\"\nvideoram = 128",
        "vif = [ \"bridge=ovs:1:2:3,script=vif-openvswitch\", \"script=/my/route,ip=10.0.0.1 ::1\" ]",
        "cpus = [ \"0-1\", \"3\" ]\nvcpus = 2\ncpu_weight = 512",
        "maxvcpus = 4\nvcpus = 2\ncpus = \"1-3,5\"",
        "vcpus = 2\ncpus = \"0-3\"\ncpus_soft = [ \"0\", \"1-2\" ]",
        "vfb = [ \"type=sdl,display=:1.0,xauthority=/x\" ]",
        "tsc_mode = \"native_paravirt\"\npassthrough = \"enabled\"",
        "disk = [ \"format=raw,vdev=xvda,access=rw,backendtype=tap,backend=storage,discard,target=/a,b\" ]",
        "vnuma = [ [ \"pnode=0\", \"size=64\", \"vcpus=0\", \"vdistances=10\" ] ]",
        "device_model_args = [ \"-x\", \"a \\\"b\\\" 'c' \\\\\" ]",
    ] {
        let (guest, notes) = xl_guest(lines);
        assert_eq!(notes, [], "{lines}");
        let text = xl_text(&guest);
        for line in lines.lines() {
            assert!(text.contains(line), "{line}\nis not in\n{text}");
        }
    }
}

/// What libvirt's schema has no words for, so it is not shown to the foreign check.
#[test]
fn extensions_come_back() {
    for lines in [
        "builder = \"hvm\"\ndevice_model_stubdomain_override = 1\nstubdomain_memory = 144\n\
         stubdomain_kernel = \"/boot/stub\"\nstubdomain_ramdisk = \"/boot/stubfs\"",
        "builder = \"hvm\"\ndevice_model_stubdomain_override = 1\n\
         device_model_version = \"qemu-xen-traditional\"",
        "pci = [ \"0000:00:1b.0,permissive=1,power_mgmt=1\" ]",
        "disk = [ \"format=raw,vdev=xvda,access=rw,backendtype=phy,script=block-own,target=/dev/x\" ]",
    ] {
        let text = format!("name = 'a'\nmemory = 64\n{lines}\n");
        let document = Document::read(&text).unwrap();
        let read = xl::xl_to_guest(&document, &xl::Host::default()).unwrap();
        assert_eq!(read.notes, [], "{lines}");
        let text = xl_text(&read.value);
        for line in lines.lines() {
            assert!(text.contains(line), "{line}\nis not in\n{text}");
        }
    }
}

#[test]
fn disks_of_all_syntaxes_are_the_same() {
    let positional = "disk = [ '/dev/vg/a,raw,xvda,rw,backendtype=phy', '/b.iso,,hdc,,cdrom' ]";
    let named = "disk = [ 'backendtype=phy,format=raw,vdev=xvda,target=/dev/vg/a', \
                 'devtype=cdrom,vdev=hdc,target=/b.iso' ]";
    let old = "disk = [ 'phy:/dev/vg/a,xvda,w', 'file:/b.iso,hdc:cdrom,r' ]";
    let (expected, notes) = xl_guest(&format!("builder = 'hvm'\n{positional}"));
    assert_eq!(notes, []);
    let disks = &expected.devices.disks;
    assert_eq!(disks[0].bus, Some(DiskBus::Xen));
    assert_eq!(disks[1].device, DiskDevice::Cdrom);
    for other in [named, old] {
        let (guest, notes) = xl_guest(&format!("builder = 'hvm'\n{other}"));
        assert_eq!(notes, []);
        assert_eq!(guest.devices.disks, *disks, "{other}");
    }
}

#[test]
fn what_is_read_is_meant() {
    let (guest, _) = xl_guest("type = 'pvh'\nroot = '/dev/xvda1 ro'\nextra = 'quiet'");
    assert_eq!(guest.os.kind, OsType::XenPvh);
    assert_eq!(
        guest.os.cmdline.as_deref(),
        Some("root=/dev/xvda1 ro quiet")
    );
    let (guest, notes) = xl_guest("cmdline = 'x'\nextra = 'y'");
    assert_eq!(guest.os.cmdline.as_deref(), Some("x"));
    assert_eq!(notes[0].path, "extra");
    let (guest, _) = xl_guest("vif = [ 'type=ioemu,bridge=br0.9000x', 'bridge=a.5' ]");
    let bridge = |i: usize| match &guest.devices.interfaces[i].source {
        InterfaceSource::Bridge { bridge } => bridge.clone().unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!((&*bridge(0), &*bridge(1)), ("br0.9000x", "a"));
    assert_eq!(
        guest.devices.interfaces[1].vlan.as_ref().unwrap().tags[0].id,
        5
    );
    let (guest, _) = xl_guest("builder = 'hvm'\nspice = 1\nspicepasswd = 'p'\nvnc = 1");
    let GraphicsServer::Spice(spice) = &guest.devices.graphics[0].server else {
        panic!("{guest:?}");
    };
    assert!(spice.autoport && spice.mouse_mode == Some(MouseMode::Server));
    let (guest, _) = xl_guest("builder = 'hvm'\nvnc = 1\nvncunused = 0\nvnclisten = '::1'");
    let GraphicsServer::Vnc(vnc) = &guest.devices.graphics[0].server else {
        panic!("{guest:?}");
    };
    assert_eq!(vnc.port, Some(5900));
    let (guest, _) = xl_guest("builder = 'hvm'\nstdvga = 1\nserial = [ 'none', 'tcp:h:1,server' ]");
    assert_eq!(guest.devices.videos[0].model, VideoModel::Vga);
    assert_eq!(guest.devices.serials[0].target.port, Some(1));
    assert!(matches!(
        guest.devices.serials[0].source,
        ChardevSource::Tcp { .. }
    ));
}

#[test]
fn what_is_said_twice_is_read_as_the_tool_reads_it() {
    // From Xen 3.0.4 on a paravirtualized guest's list goes before the names.
    let consoles = "vnc = 1\nvncunused = 0\nvncdisplay = 1\nvfb = [ 'type=vnc,vncdisplay=2' ]";
    let port = |guest: &Guest| match &guest.devices.graphics[0].server {
        GraphicsServer::Vnc(vnc) => vnc.port,
        other => panic!("{other:?}"),
    };
    let (guest, notes) = xl_guest(consoles);
    assert_eq!((port(&guest), &*notes[0].path), (Some(5902), "vnc"));
    let (guest, notes) = xm_guest(consoles, ConfigVersion::Xen303);
    assert_eq!((port(&guest), &*notes[0].path), (Some(5901), "vfb[1]"));
    let (guest, notes) = xl_guest(&format!("builder = 'hvm'\n{consoles}"));
    assert_eq!((port(&guest), &*notes[0].path), (Some(5901), "vfb[1]"));

    let features = |lines: &str| {
        let (guest, notes) = xl_guest(&format!("builder = 'hvm'\n{lines}"));
        let features = guest.cpu.unwrap().features;
        let names: Vec<_> = features.into_iter().map(|feature| feature.name).collect();
        (names, notes.len())
    };
    let vmx = || vec!["vmx".to_owned()];
    assert_eq!(features("nestedhvm = 0\ncpuid = 'host,vmx=0'"), (vmx(), 0));
    assert_eq!(features("nestedhvm = 0\ncpuid = 'host,vmx=1'"), (vmx(), 1));
}

#[test]
fn vcpus_are_counted_as_the_tool_counts_them() {
    let version = ConfigVersion::Xen304;
    let (guest, notes) = xm_guest("vcpus = 4\nvcpu_avail = 3", version);
    assert_eq!(notes, []);
    assert_eq!((guest.vcpus.max, guest.vcpus.current), (4, Some(2)));
    let written = xm::guest_to_xm(&guest, version, &xm::Bridges::new()).unwrap();
    let text = written.value.to_string();
    assert!(text.contains("vcpus = 4\nvcpu_avail = 3\n"), "{text}");
    let newest = xm::guest_to_xm(&guest, xm::Dialect::NEWEST, &xm::Bridges::new()).unwrap();
    let text = newest.value.to_string();
    assert!(text.contains("maxvcpus = 4\nvcpus = 2\n"), "{text}");

    let file = "name = 'a'\nmemory = 64\nvcpus = 2\nmaxvcpus = 4\n";
    for (max, current) in [(3, Some(2)), (4, Some(3)), (6, Some(2)), (2, None)] {
        let mut document = Document::read(file).unwrap();
        let read = |file: &Document| xm::xm_to_guest(file, version, &xm::Host::default()).unwrap();
        let mut guest = read(&document).value;
        (guest.vcpus.max, guest.vcpus.current) = (max, current);
        xm::apply(&mut document, &guest, version, &xm::Bridges::new()).unwrap();
        assert_eq!(read(&document).value, guest, "{document}");
        assert!(document.get("maxvcpus").is_none(), "{document}");
    }
}

#[test]
fn versions_of_xm_differ() {
    let text =
        "builder = 'hvm'\nkernel = '/fw'\ncdrom = '/x.iso'\nlocaltime = 1\nfda = '/f'\nvnc = 1";
    let (old, notes) = xm_guest(text, ConfigVersion::Xen302);
    assert_eq!(notes, []);
    assert_eq!(old.devices.disks.len(), 2);
    assert_eq!(old.clock.offset, ClockOffset::Localtime { reset: true });
    let (new, notes) = xm_guest(text, ConfigVersion::Xen310);
    assert_eq!(notes[0].path, "cdrom");
    assert!(matches!(new.clock.offset, ClockOffset::Variable { .. }));
    assert!(new.features.pae && !old.features.pae);
    let written = |version| {
        let written = xm::guest_to_xm(&old, version, &xm::Bridges::new()).unwrap();
        written.value.to_string()
    };
    assert!(written(ConfigVersion::Xen302).contains("cdrom = \"/x.iso\""));
    let mut hard = old.clone();
    hard.devices.disks[0].device = DiskDevice::Disk;
    let hard = xm::guest_to_xm(&hard, ConfigVersion::Xen302, &xm::Bridges::new()).unwrap();
    assert!(
        hard.value.to_string().contains(",ioemu:hdc,r"),
        "{}",
        hard.value
    );
    assert!(written(ConfigVersion::Xen303).contains("disk = [ \"file:/x.iso,hdc:cdrom,r\" ]"));
    assert!(written(ConfigVersion::Xen310).contains("rtc_timeoffset = 0"));
    let (pv, _) = xm_guest(
        "kernel = '/k'\nvfb = [ 'type=vnc,vncdisplay=1' ]",
        ConfigVersion::Xen304,
    );
    let written = |version| {
        let written = xm::guest_to_xm(&pv, version, &xm::Bridges::new()).unwrap();
        written.value.to_string()
    };
    assert!(written(ConfigVersion::Xen303).contains("vncdisplay = 1"));
    assert!(
        written(ConfigVersion::Xen304).contains("vfb = [ \"type=vnc,vncunused=0,vncdisplay=1\" ]")
    );
    let (tap, _) = xm_guest(
        "disk = [ 'tap:qcow:/q,xvda,w!', 'phy:vg/x,xvdb,r,3' ]",
        ConfigVersion::Xen310,
    );
    assert_eq!(tap.devices.disks[0].driver.format.as_deref(), Some("qcow"));
    assert!(tap.devices.disks[0].shareable);
    let expected = DiskSource::Block {
        path: Some("/dev/vg/x".to_owned()),
    };
    assert_eq!(tap.devices.disks[1].source, expected);
    assert_eq!(tap.devices.disks[1].backend_domain.as_deref(), Some("3"));
}

#[test]
fn nothing_is_dropped_silently() {
    let lines = "odd = 1\ncpuid = [ '1:eax=x' ]\nvif = [ 'mac=00:16:3e:00:00:01,colour=red' ]\n\
                 disk = [ '/a,vdi,xvda,rw' ]\npci = [ '01:00.0@7,seize=1' ]\nserial = 'pty'\n\
                 vcpus = 'many'\nvtpm = [ 'backend=x' ]\ntsc_mode = 'odd'\non_crash = 'explode'";
    let (guest, notes) = xl_guest(lines);
    let text = format!("name = 'a'\nmemory = 64\n{lines}\n");
    for (path, line, essential) in [
        ("odd", "odd =", false),
        ("cpuid", "cpuid", true),
        ("vif[1]/colour", "vif", false),
        ("disk[1]/format", "disk", true),
        ("pci[1]", "pci", false),
        ("pci[1]/seize", "pci", false),
        ("serial", "serial", false),
        ("vcpus", "vcpus", false),
        ("vtpm", "vtpm", false),
        ("tsc_mode", "tsc_mode", false),
        ("on_crash", "on_crash", true),
    ] {
        let note = notes.iter().find(|note| note.path == path);
        let note = note.unwrap_or_else(|| panic!("{path} is not in {notes:#?}"));
        assert_eq!(
            (note.at, note.essential),
            (text.find(line), essential),
            "{path}"
        );
    }
    // A paravirtualized guest has no serial port.
    assert!(guest.devices.serials.is_empty());
    let hostile = [
        "disk = [ 'nonsense' ]",
        "disk = [ '/a,raw,xvda,often' ]",
        "vif = [ 'mac=zz' ]",
        "pci = [ 'somewhere' ]",
        "uuid = 'x'",
        "name = ''",
    ];
    for line in hostile {
        let text = format!("name = 'a'\n{line}\n");
        let document = Document::read(&text).unwrap();
        let error = xl::xl_to_guest(&document, &xl::Host::default()).unwrap_err();
        assert!(!error.to_string().is_empty(), "{line}");
    }
}

const FILE: &str = "# The mail server\nname='mail'  # its name\nbuilder = 'hvm'\nkernel='/fw'\n\
    memory = 64   # MiB\nodd_key = [ 1, 2 ]\ndisk = [ 'phy:vg/mail,ioemu:hda,w', 'file:/x.iso,hdc:cdrom,r' ]\n\
    vif = [ 'bridge=xenbr0, type=ioemu' ]\n";

#[test]
fn a_changed_guest_keeps_the_users_file() {
    let version = ConfigVersion::Xen304;
    let mut document = Document::read(FILE).unwrap();
    let bridges = xm::Bridges::new();
    let mut guest = xm::xm_to_guest(&document, version, &xm::Host::default())
        .unwrap()
        .value;
    xm::apply(&mut document, &guest, version, &bridges).unwrap();
    assert_eq!(document.to_string(), FILE);
    guest.vcpus.max = 2;
    guest.devices.disks.remove(1);
    guest.name = "mail2".to_owned();
    xm::apply(&mut document, &guest, version, &bridges).unwrap();
    let expected = FILE.replace("'mail'", "\"mail2\"").replace(
        "[ 'phy:vg/mail,ioemu:hda,w', 'file:/x.iso,hdc:cdrom,r' ]",
        "[ \"phy:vg/mail,ioemu:hda,w\" ]",
    ) + "vcpus = 2\n";
    // A name that was not there is added at the end.
    assert_eq!(document.to_string(), expected);
    let again = xm::xm_to_guest(&document, version, &xm::Host::default()).unwrap();
    assert_eq!(again.value, guest);
}

#[test]
fn names_for_the_same_thing_do_not_fight() {
    let mut document =
        Document::read("name = 'a'\nroot = '/dev/xvda1'\nextra = 'quiet'\n").unwrap();
    let mut guest = xl::xl_to_guest(&document, &xl::Host::default())
        .unwrap()
        .value;
    guest.os.cmdline = Some("root=/dev/xvdb1".to_owned());
    xl::apply(&mut document, &guest, &xl::Bridges::new()).unwrap();
    assert_eq!(
        document.to_string(),
        "name = 'a'\ncmdline = \"root=/dev/xvdb1\"\n"
    );
}

proptest::proptest! {
    // Each case tries every list; the fuzz target tries more.
    #![proptest_config(proptest::test_runner::Config::with_cases(32))]

    #[test]
    fn no_entry_panics(entry in "[-a-z0-9=:,./@;\\[\\] ]{0,50}", hvm: bool) {
        let kind = if hvm { "hvm" } else { "pv" };
        for name in ["disk", "vif", "pci", "vfb", "usbdev", "usbctrl", "channel", "serial", "cpus",
                     "soundhw", "boot", "cpuid", "vnuma", "vnclisten", "spicehost", "rate"] {
            let text = format!("name = 'a'\ntype = '{kind}'\nvnc = 1\nspice = 1\n{name} = [ '{entry}' ]\n");
            let single = text.replace("[ '", "'").replace("' ]", "'");
            for text in [text, single] {
                let document = Document::read(&text).unwrap();
                let host = xl::Host::default();
                if let Ok(read) = xl::xl_to_guest(&document, &host) {
                    let written = xl::guest_to_xl(&read.value, &xl::Bridges::new()).unwrap();
                    proptest::prop_assert!(xl::xl_to_guest(&written.value, &host).is_ok(), "{}", written.value);
                    let mut same = document.clone();
                    xl::apply(&mut same, &read.value, &xl::Bridges::new()).unwrap();
                    proptest::prop_assert_eq!(same.to_string(), text.clone());
                }
                for version in [ConfigVersion::Xen302, ConfigVersion::Xen310] {
                    if let Ok(read) = xm::xm_to_guest(&document, version, &host) {
                        let written = xm::guest_to_xm(&read.value, version, &xm::Bridges::new()).unwrap();
                        proptest::prop_assert!(xm::xm_to_guest(&written.value, version, &host).is_ok());
                    }
                }
            }
        }
    }
}
