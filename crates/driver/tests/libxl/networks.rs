//! Guests on virtual networks, of which Xen knows the bridges.

use crate::ended::next;
use crate::machine::{Machine, key, machine};
use async_trait::async_trait;
use std::sync::Arc;
use virtxen_driver::{
    Affect, DefineFlags, Driver, Monitor, Networks, Result, ShutdownMode, SnapshotFlags,
    SnapshotRevert,
};
use virtxen_guest::{Guest, InterfaceSource};

/// Every network has a bridge of its name.
struct Known;

#[async_trait]
impl Networks for Known {
    async fn bridge(&self, network: &str) -> Result<Option<String>> {
        Ok(Some(format!("br-{network}")))
    }
}

const GUEST: &str = "<domain type='xen'><name>web</name><memory unit='MiB'>64</memory>\
    <os><type>linux</type><kernel>/k</kernel></os><devices>\
    <interface type='network'><mac address='00:16:3e:11:22:33'/><source network='lan'/>\
    </interface></devices></domain>";

const SECOND: &str = "<interface type='network'><mac address='00:16:3e:11:22:44'/>\
    <source network='wan'/></interface>";

async fn defined() -> (Machine, Driver) {
    let machine = machine("4.17").await;
    let driver = machine.driver.clone().with_networks(Arc::new(Known));
    let defined = driver.define_xml(GUEST, DefineFlags::default()).await;
    defined.unwrap();
    (machine, driver)
}

/// What the interfaces of a guest are on.
fn places(guest: &Guest) -> Vec<String> {
    let place = |source: &InterfaceSource| match source {
        InterfaceSource::Network { network, .. } => network.clone(),
        InterfaceSource::Bridge { bridge } => bridge.clone().unwrap_or_default(),
        other => format!("{other:?}"),
    };
    let interfaces = guest.devices.interfaces.iter();
    interfaces.map(|it| place(&it.source)).collect()
}

/// What Xen knows.
async fn told(machine: &Machine) -> Vec<String> {
    places(&machine.driver.host().guest("web").await.unwrap())
}

async fn kept(driver: &Driver) -> Vec<String> {
    places(&driver.defined_guest(&key("web"), false).await.unwrap())
}

#[tokio::test]
async fn a_guest_that_starts_again_is_on_its_bridge() {
    let (machine, driver) = defined().await;
    // Who sees to guests that end knows no networks.
    let mut ended = machine.keeper();
    driver.start(&key("web"), false).await.unwrap();
    let any = ShutdownMode::Any;
    driver.reboot(&key("web"), any).await.unwrap();
    let end = next(&mut ended).await;
    assert!(end.done.is_ok(), "{end}");
    assert_eq!(told(&machine).await, ["br-lan"]);
    assert_eq!(kept(&driver).await, ["lan"]);
}

#[tokio::test]
async fn devices_come_and_go_on_the_bridges_of_their_networks() {
    let (machine, driver) = defined().await;
    driver.start(&key("web"), false).await.unwrap();
    let both = Affect {
        live: true,
        config: true,
    };
    let web = key("web");
    driver.attach_device(&web, SECOND, both).await.unwrap();
    assert_eq!(told(&machine).await, ["br-lan", "br-wan"]);
    assert_eq!(kept(&driver).await, ["lan", "wan"]);
    driver.detach_device(&web, SECOND, both).await.unwrap();
    assert_eq!(told(&machine).await, ["br-lan"]);
    assert_eq!(kept(&driver).await, ["lan"]);
}

#[tokio::test]
async fn a_guest_goes_back_to_a_snapshot_and_is_on_its_bridge() {
    let (machine, driver) = defined().await;
    let (web, monitor) = (key("web"), Monitor::default());
    let xml = "<domainsnapshot><name>off</name></domainsnapshot>";
    let flags = SnapshotFlags::default();
    let taken = driver.snapshot_create(&web, xml, flags, &monitor).await;
    taken.unwrap();
    let flags = SnapshotRevert {
        running: true,
        ..SnapshotRevert::default()
    };
    let reverted = driver.snapshot_revert(&web, "off", flags, &monitor).await;
    reverted.unwrap();
    assert_eq!(told(&machine).await, ["br-lan"]);
    assert_eq!(kept(&driver).await, ["lan"]);
}
