//! Devices that libxl's guests get at their next start only.

use crate::machine::{key, machine};
use virtxen_driver::{Affect, XmlFlags};

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
