//! PV USB controllers of libxl's guests, which end the emulator that serves them from QEMU 10.0
//! on: such a guest is not left running without it.

#![allow(clippy::unwrap_used)] // a failed test is what an unexpected answer should be

mod common;
#[path = "common/open.rs"]
mod open;

use common::{SimFiles, sim};
use open::open;
use virtxen_guest::{Device, Guest, ParseOptions, parse_device, parse_guest};
use virtxen_host::{Host, NodeFiles};

fn guest(name: &str, controller: &str) -> Guest {
    let text = format!(
        "<domain type='xen'><name>{name}</name><memory unit='MiB'>64</memory>\
         <os><type>hvm</type></os><devices>\
         <controller type='usb' index='0' model='{controller}'/></devices></domain>"
    );
    parse_guest(&text, &ParseOptions::default()).unwrap().value
}

#[tokio::test]
async fn a_guest_whose_emulator_ends_is_not_left_running() {
    for (release, controller, ends) in [
        ("4.17", "qusb2", false),
        ("4.20", "ehci", false),
        ("4.20", "qusb2", true),
    ] {
        let sim = sim(&format!("sim:?release={release}&guests=0"));
        let host = open(&sim, NodeFiles::new("memory", SimFiles(sim.clone()))).await;
        let created = host.create(&guest("web", controller), false).await;
        let is_there = host.domain("web").await.is_ok();
        assert_eq!((created.is_err(), is_there), (ends, !ends), "{created:?}");
        if let Err(error) = created {
            let why = error.to_string();
            assert!(
                why.contains("ended itself") && why.contains("ehci"),
                "{why}"
            );
            assert!(why.contains("/var/log/xen/qemu-dm-web.log"), "{why}");
        }
    }
}

fn device(text: &str) -> Device {
    parse_device(text, &ParseOptions::default()).unwrap().value
}

#[tokio::test]
async fn what_would_end_an_emulator_does_not_come() {
    let usb = "<hostdev mode='subsystem' type='usb'><source>\
               <address bus='1' device='4'/></source></hostdev>";
    let pv = "<domain type='xen'><name>web</name><memory unit='MiB'>64</memory>\
              <os><type>linux</type><kernel>/k</kernel></os>\
              <devices><graphics type='vnc'/></devices></domain>";
    let pv = parse_guest(pv, &ParseOptions::default()).unwrap().value;
    for (release, ends) in [("4.17", false), ("4.20", true)] {
        let sim = sim(&format!("sim:?release={release}&guests=0"));
        let host = open(&sim, NodeFiles::new("memory", SimFiles(sim.clone()))).await;
        host.create(&pv, false).await.unwrap();
        let attached = host.attach("web", &device(usb)).await;
        assert_eq!(attached.is_err(), ends, "{release}: {attached:?}");
    }
}

#[tokio::test]
async fn an_emulator_that_cannot_be_asked_is_an_old_one() {
    let sim = sim("sim:?release=4.7&guests=0");
    let host = open(&sim, NodeFiles::new("memory", SimFiles(sim.clone()))).await;
    host.create(&guest("web", "ehci"), false).await.unwrap();
    let controller = device("<controller type='usb' index='1' model='qusb2'/>");
    host.attach("web", &controller).await.unwrap();
}
