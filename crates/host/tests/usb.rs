//! PV USB controllers of libxl's guests, which end the emulator that serves them from QEMU 10.0
//! on: such a guest is not left running without it.

#![allow(clippy::unwrap_used)] // a failed test is what an unexpected answer should be

mod common;
#[path = "common/open.rs"]
mod open;

use common::{SimFiles, sim};
use open::open;
use virtxen_guest::{Guest, ParseOptions, parse_guest};
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
