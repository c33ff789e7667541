//! Attach, detach, update: which devices, which flags, which device is meant.

use crate::support::Scripted;
use virtxen_driver::{Affect, DomainKey, Driver};

const DISK: &str = "<disk type='file' device='disk'><source file='/a.img'/>\
                    <target dev='xvdb' bus='xen'/></disk>";
const CDROM: &str = "<disk type='file' device='cdrom'><source file='/b.iso'/>\
                     <target dev='hdc' bus='ide'/><readonly/></disk>";
const INTERFACE: &str = "<interface type='bridge'><mac address='00:16:3e:00:00:01'/>\
                         <source bridge='xenbr0'/></interface>";
const PCI: &str = "<hostdev mode='subsystem' type='pci' managed='no'><source>\
                   <address domain='0' bus='1' slot='0' function='0'/></source></hostdev>";
const MANAGED_PCI: &str = "<hostdev mode='subsystem' type='pci' managed='yes'><source>\
                           <address domain='0' bus='1' slot='0' function='0'/></source></hostdev>";
const FLOPPY: &str = "<disk type='file' device='floppy'><source file='/f.img'/>\
                      <target dev='fda'/></disk>";
const SOUND: &str = "<sound model='es1370'/>";

fn key(name: &str) -> DomainKey {
    DomainKey::Name(name.to_owned())
}

async fn attach(driver: &Driver, xml: &str) -> Result<(), i32> {
    driver
        .attach_device(&key("web"), xml, Affect::CURRENT)
        .await
        .map_err(|error| error.libvirt().code)
}

#[tokio::test]
async fn only_some_kinds_are_pluggable() {
    let host = Scripted::new();
    let driver = host.driver();
    for (xml, outcome) in [
        (DISK, Ok(())),
        (CDROM, Ok(())),
        (INTERFACE, Ok(())),
        (PCI, Ok(())),
        (MANAGED_PCI, Err(84)),
        (FLOPPY, Err(84)),
        (SOUND, Err(84)),
    ] {
        assert_eq!(attach(&driver, xml).await, outcome, "{xml}");
    }
    let blocks = driver.block_list(&key("web"), false).await.unwrap();
    let targets: Vec<_> = blocks.iter().map(|b| b.target.as_str()).collect();
    assert_eq!(targets, ["xvdb", "hdc"]);
    assert_eq!(blocks[0].source.as_deref(), Some("/a.img"));
    let interfaces = driver.interface_list(&key("web"), false).await.unwrap();
    assert_eq!(interfaces[0].mac.as_deref(), Some("00:16:3e:00:00:01"));
    assert_eq!(interfaces[0].source.as_deref(), Some("xenbr0"));
}

#[tokio::test]
async fn a_place_is_taken_once_but_a_medium_is_changed() {
    let host = Scripted::new();
    let driver = host.driver();
    attach(&driver, DISK).await.unwrap();
    attach(&driver, CDROM).await.unwrap();
    assert_eq!(attach(&driver, DISK).await, Err(8));
    host.calls();
    attach(&driver, CDROM).await.unwrap();
    assert!(host.calls().contains(&"update web".to_owned()));
    let web = key("web");
    let current = Affect::CURRENT;
    driver.update_device(&web, CDROM, current).await.unwrap();
    let disk = driver.update_device(&web, DISK, current).await.unwrap_err();
    assert!(disk.to_string().contains("only the medium"), "{disk}");
}

#[tokio::test]
async fn the_device_that_is_there_is_detached() {
    let host = Scripted::new();
    let driver = host.driver();
    let web = key("web");
    let missing = driver
        .detach_device(&web, DISK, Affect::CURRENT)
        .await
        .unwrap_err();
    assert_eq!(missing.to_string(), "domain 'web' has no disk 'xvdb'");
    assert_eq!(missing.libvirt().code, 99);
    attach(&driver, DISK).await.unwrap();
    let other = INTERFACE.replace("00:01", "00:02");
    attach(&driver, INTERFACE).await.unwrap();
    attach(&driver, &other).await.unwrap();
    // Two are like this one: it takes an address to tell them apart.
    let vague = "<interface type='bridge'><source bridge='xenbr0'/></interface>";
    let vague = driver.detach_device(&web, vague, Affect::CURRENT).await;
    assert_eq!(vague.unwrap_err().libvirt().code, 99);
    for xml in [DISK, INTERFACE, &other] {
        driver
            .detach_device(&web, xml, Affect::CURRENT)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn flags_have_to_go_with_the_domain() {
    let host = Scripted::new();
    let driver = host.driver();
    for (name, affect, goes) in [
        ("web", Affect::LIVE, false),
        ("web", Affect::CONFIG, false),
        ("web", Affect::BOTH, true),
        ("temp", Affect::LIVE, true),
        ("temp", Affect::CONFIG, false),
        ("old", Affect::LIVE, false),
        ("old", Affect::CONFIG, true),
    ] {
        let outcome = driver.attach_device(&key(name), DISK, affect).await;
        assert_eq!(outcome.is_ok(), goes, "{name} {affect:?} {outcome:?}");
    }
    let domain0 = driver
        .attach_device(&key("Domain-0"), DISK, Affect::CURRENT)
        .await;
    assert_eq!(domain0.unwrap_err().libvirt().code, 55);
}
