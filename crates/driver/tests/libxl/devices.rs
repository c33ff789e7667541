//! Screens and input devices of libxl's guests: which ones come while they run, which ones
//! with their next start only.

use crate::machine::{Machine, guest, key, machine};
use virtxen_driver::{Affect, DefineFlags, ShutdownMode, XmlFlags};

#[tokio::test]
async fn screens_and_keyboards_are_for_the_next_start() {
    let machine = machine("4.17").await;
    let driver = &machine.driver;
    machine.started("web", "").await;
    let inactive = XmlFlags {
        inactive: true,
        ..XmlFlags::default()
    };
    for (xml, part) in [
        ("<graphics type='vnc'/>", "<graphics type='vnc'"),
        ("<input type='tablet' bus='usb'/>", "<input type='tablet'"),
    ] {
        let live = driver.attach_device(&key("web"), xml, Affect::LIVE).await;
        let why = live.unwrap_err().to_string();
        assert!(
            why.contains("emulator's") && why.contains("--config"),
            "{why}"
        );
        let attach = async || driver.attach_device(&key("web"), xml, Affect::CONFIG).await;
        attach().await.unwrap();
        let defined = driver.xml_desc(&key("web"), inactive).await.unwrap();
        assert!(defined.contains(part), "{defined}");
        let running = driver
            .xml_desc(&key("web"), XmlFlags::default())
            .await
            .unwrap();
        assert!(!running.contains(part), "{running}");
        attach().await.unwrap_err();
        let web = key("web");
        let detached = driver.detach_device(&web, xml, Affect::CONFIG);
        detached.await.unwrap();
        let defined = driver.xml_desc(&key("web"), inactive).await.unwrap();
        assert!(!defined.contains(part), "{defined}");
    }
}

async fn xml(machine: &Machine, migratable: bool) -> String {
    let flags = XmlFlags {
        migratable,
        ..XmlFlags::default()
    };
    machine.driver.xml_desc(&key("web"), flags).await.unwrap()
}

#[tokio::test]
async fn keyboards_and_pointers_of_xens_come_and_go() {
    let machine = machine("4.17").await;
    let driver = &machine.driver;
    let hvm = guest("web", "").replace(
        "<type>linux</type><kernel>/k</kernel>",
        "<type arch='x86_64' machine='xenfv'>hvm</type>",
    );
    let flags = DefineFlags::default();
    driver.define_xml(&hvm, flags).await.unwrap();
    driver.start(&key("web"), false).await.unwrap();
    let web = key("web");
    for kind in ["keyboard", "tablet", "mouse"] {
        let device = format!("<input type='{kind}' bus='xen'/>");
        let attach = async || driver.attach_device(&web, &device, Affect::LIVE).await;
        let detach = async || driver.detach_device(&web, &device, Affect::LIVE).await;
        detach().await.unwrap_err();
        attach().await.unwrap();
        assert!(xml(&machine, false).await.contains(&device));
        // libvirt's own driver would not take the document.
        assert!(!xml(&machine, true).await.contains(&device));
        let again = attach().await.unwrap_err().to_string();
        assert!(again.contains("already"), "{again}");
        detach().await.unwrap();
        assert!(!xml(&machine, false).await.contains(&device));
    }
}

#[tokio::test]
async fn what_came_while_a_guest_ran_ends_with_it() {
    let machine = machine("4.17").await;
    let (driver, web) = (&machine.driver, key("web"));
    let mut told = machine.keeper();
    let hvm = guest("web", "<on_reboot>restart</on_reboot>").replace(
        "<type>linux</type><kernel>/k</kernel>",
        "<type arch='x86_64' machine='xenfv'>hvm</type>",
    );
    let flags = DefineFlags::default();
    driver.define_xml(&hvm, flags).await.unwrap();
    driver.start(&web, false).await.unwrap();
    let keyboard = "<input type='keyboard' bus='xen'/>";
    let attach = async || driver.attach_device(&web, keyboard, Affect::LIVE).await;
    attach().await.unwrap();
    assert!(xml(&machine, false).await.contains(keyboard));
    driver.reboot(&web, ShutdownMode::Any).await.unwrap();
    told.recv().await.unwrap().done.unwrap();
    assert!(!xml(&machine, false).await.contains(keyboard));
    attach().await.unwrap();
    // The other host's libvirt would not take the document.
    let departure = driver.migrate_begin(&web).await.unwrap();
    assert!(!departure.xml.contains(keyboard));
}

#[tokio::test]
async fn a_pointer_needs_an_emulator() {
    let machine = machine("4.17").await;
    machine.started("web", "").await;
    let tablet = "<input type='tablet' bus='xen'/>";
    let web = key("web");
    let attach = machine.driver.attach_device(&web, tablet, Affect::LIVE);
    let why = attach.await.unwrap_err().to_string();
    assert!(
        why.contains("device model") && why.contains("--config"),
        "{why}"
    );
    assert!(!xml(&machine, false).await.contains(tablet));
}

#[tokio::test]
async fn what_would_end_an_emulator_is_refused() {
    let machine = machine("4.20").await;
    let driver = &machine.driver;
    let hvm = guest("web", "").replace(
        "<type>linux</type><kernel>/k</kernel>",
        "<type arch='x86_64' machine='xenfv'>hvm</type>",
    );
    let flags = DefineFlags::default();
    driver.define_xml(&hvm, flags).await.unwrap();
    let web = key("web");
    driver.start(&web, false).await.unwrap();
    for (device, part) in [
        ("<input type='keyboard' bus='xen'/>", "keyboard' bus='xen'"),
        ("<controller type='usb' model='qusb2'/>", "qusb2"),
    ] {
        let attach = driver.attach_device(&web, device, Affect::LIVE);
        let why = attach.await.unwrap_err().to_string();
        assert!(why.contains("QEMU 10."), "{why}");
        assert!(!xml(&machine, false).await.contains(part));
    }
    let emulated = "<controller type='usb' index='1' model='ehci'/>";
    let attach = driver.attach_device(&web, emulated, Affect::LIVE);
    attach.await.unwrap();
}
