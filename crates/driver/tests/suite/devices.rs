//! Devices: attach, detach, change of a medium.

use crate::host::{GUEST, managed};
use virtxen_driver::{Affect, Error};

pub(crate) const DISK: &str = "<disk type='file' device='disk'>\
     <source file='/var/lib/xen/images/b.img'/><target dev='xvdb' bus='xen'/></disk>";
pub(crate) const INTERFACE: &str = "<interface type='bridge'>\
     <mac address='00:16:3e:00:00:42'/><source bridge='xenbr0'/></interface>";
const HVM: &str = "<domain type='xen'><name>win</name><memory>262144</memory><vcpu>1</vcpu>\
     <os><type>hvm</type><loader>/usr/lib/xen/boot/hvmloader</loader></os><devices>\
     <emulator>/usr/lib/xen/bin/qemu-dm</emulator>\
     <disk type='file' device='disk'><source file='/var/lib/xen/images/win.img'/>\
     <target dev='hda' bus='ide'/></disk>\
     <disk type='file' device='cdrom'><source file='/var/lib/xen/images/a.iso'/>\
     <target dev='hdc' bus='ide'/><readonly/></disk></devices></domain>";
const MEDIUM: &str = "<disk type='file' device='cdrom'>\
     <source file='/var/lib/xen/images/b.iso'/><target dev='hdc' bus='ide'/><readonly/></disk>";

#[tokio::test]
async fn disks_and_interfaces_come_and_go() {
    for row in managed() {
        let driver = row.driver().await;
        let web = row.run(&driver, GUEST).await;
        let count = async || {
            let blocks = driver.block_list(&web, false).await.unwrap();
            let interfaces = driver.interface_list(&web, false).await.unwrap();
            (blocks.len(), interfaces.len())
        };
        let current = Affect::CURRENT;
        for device in [DISK, INTERFACE] {
            driver.attach_device(&web, device, current).await.unwrap();
            let twice = driver.attach_device(&web, device, current).await;
            assert!(twice.is_err(), "{row:?}: {device}");
        }
        assert_eq!(count().await, (2, 1), "{row:?}");
        for device in [DISK, INTERFACE] {
            driver.detach_device(&web, device, current).await.unwrap();
            let error = driver.detach_device(&web, device, current).await;
            let error = error.unwrap_err();
            assert!(matches!(error, Error::NoDevice { .. }), "{row:?}: {error}");
        }
        assert_eq!(count().await, (1, 0), "{row:?}");
    }
}

#[tokio::test]
async fn a_medium_is_changed() {
    for row in managed() {
        let driver = row.driver().await;
        let win = row.run(&driver, HVM).await;
        let changed = driver.update_device(&win, MEDIUM, Affect::CURRENT).await;
        row.expect("update-device", row.medium, changed);
        let blocks = driver.block_list(&win, false).await.unwrap();
        let source = blocks.iter().find(|it| it.target == "hdc").unwrap();
        let medium = if row.medium { "b.iso" } else { "a.iso" };
        let source = source.source.as_deref().unwrap_or_default();
        assert!(source.ends_with(medium), "{row:?}: {source}");
    }
}
