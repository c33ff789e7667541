//! Files of saved guests.

use crate::machine::{Machine, key, machine};
use virtxen_driver::{DumpFlags, Monitor, State};
use virtxen_sim::Fault;

#[tokio::test]
async fn saved_guests_come_back_also_with_another_document() {
    let machine = machine("4.17").await;
    let (driver, monitor) = (&machine.driver, Monitor::default());
    let file = machine.root.path().join("web.save");
    machine.started("web", "").await;
    driver.save(&key("web"), &file, &monitor).await.unwrap();
    assert_eq!(machine.state("web").await, State::Shutoff);
    let bytes = std::fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"libvirt-xml\n \0 \r"));
    let xml = driver.image_xml(&file, false).await.unwrap();
    assert!(xml.contains("<title>Shop</title>"), "{xml}");
    let changed = xml.replace("Shop", "Stall");
    driver.define_image(&file, &changed).await.unwrap();
    driver.restore(&file, &monitor).await.unwrap();
    assert!(Machine::is_running(machine.state("web").await));
    let now = driver.guest(&key("web"), false).await.unwrap();
    assert_eq!(now.title.as_deref(), Some("Stall"));
    driver.destroy(&key("web")).await.unwrap();
    let third = xml.replace("Shop", "Market");
    driver.restore_as(&file, &third, &monitor).await.unwrap();
    let now = driver.guest(&key("web"), false).await.unwrap();
    assert_eq!(now.title.as_deref(), Some("Market"));
    driver.managed_save(&key("web"), &monitor).await.unwrap();
    assert!(driver.has_managed_save(&key("web")).await.unwrap());
    driver.start(&key("web"), false).await.unwrap();
    assert!(!driver.has_managed_save(&key("web")).await.unwrap());
    let core = machine.root.path().join("core");
    let flags = DumpFlags::default();
    driver
        .dump(&key("web"), &core, flags, &monitor)
        .await
        .unwrap();
    assert!(core.exists() && Machine::is_running(machine.state("web").await));
}

#[tokio::test]
async fn a_save_that_fails_leaves_the_guest_running() {
    let machine = machine("4.17").await;
    machine.started("web", "").await;
    let fault = Fault::fail("no space left").for_op("save").nth(1);
    machine.sim.inject(fault);
    let (file, monitor) = (machine.root.path().join("web.save"), Monitor::default());
    let failed = machine.driver.save(&key("web"), &file, &monitor).await;
    assert!(failed.unwrap_err().to_string().contains("no space left"));
    assert!(Machine::is_running(machine.state("web").await));
    assert!(!file.exists());
}

#[tokio::test]
async fn a_file_that_is_not_there_has_a_code_of_its_own() {
    let machine = machine("4.17").await;
    let file = machine.root.path().join("none.save");
    let missing = machine.driver.restore(&file, &Monitor::default()).await;
    let missing = missing.unwrap_err();
    assert_eq!(missing.libvirt().code, 38, "{missing}");
    std::fs::write(&file, "no image").unwrap();
    let wrong = machine.driver.restore(&file, &Monitor::default()).await;
    let wrong = wrong.unwrap_err();
    assert_eq!(wrong.libvirt().code, 9, "{wrong}");
}
