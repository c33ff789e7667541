//! PCI devices of the host: kept for guests, given back and reset, on hosts with XenD and
//! with libxl, and in folders in which the kernel's files are plain ones.

#![allow(clippy::unwrap_used)] // a failed test is what an unexpected answer should be

mod common;
#[path = "common/open.rs"]
mod open;

use common::{SimFiles, sim};
use open::{open, store};
use std::path::{Path, PathBuf};
use virtxen_guest::{Device, HostdevSource, ParseOptions, PciAddress, parse_device, parse_guest};
use virtxen_host::{Channels, Deadlines, Error, Host, NodeFiles, XenHost};
use virtxen_sim::SimHost;

/// A card that can be reset, and a device that cannot.
const CARD: &str = "0000:03:00.0";
const SOUND: &str = "0000:00:1b.0";

const WEB: &str = "<domain type='xen'><name>web</name><memory unit='MiB'>64</memory>\
    <os><type>linux</type><kernel>/k</kernel></os></domain>";

fn address(text: &str) -> PciAddress {
    text.parse().unwrap()
}

fn driver(sim: &SimHost, device: &str) -> Option<String> {
    let path = format!("/sys/bus/pci/devices/{device}/driver");
    sim.read_link(&path).ok()
}

fn hostdev(device: &str) -> Device {
    let PciAddress { bus, slot, .. } = address(device);
    let text = format!(
        "<hostdev mode='subsystem' type='pci' managed='no'><source>\
         <address domain='0' bus='{bus}' slot='{slot}' function='0'/></source></hostdev>"
    );
    parse_device(&text, &ParseOptions::default()).unwrap().value
}

#[tokio::test]
async fn a_device_goes_to_guests_and_back_with_every_kernel() {
    for uri in [
        "sim:?release=3.0.3",
        "sim:?release=4.1",
        "sim:?release=4.4",
        "sim:?release=4.5",
        "sim:?release=4.17",
    ] {
        let sim = sim(uri);
        let host = open(&sim, NodeFiles::new("memory", SimFiles(sim.clone()))).await;
        for device in [CARD, SOUND] {
            let own = driver(&sim, device);
            assert!(own.is_some(), "{uri}");
            let address = address(device);
            // What the host has is left there.
            host.give_back_pci_device(address).await.unwrap();
            assert_eq!(driver(&sim, device), own, "{uri}");
            for _ in 0..2 {
                host.keep_pci_device(address).await.unwrap();
                assert_eq!(driver(&sim, device).as_deref(), Some("pciback"), "{uri}");
            }
            host.give_back_pci_device(address).await.unwrap();
            assert_eq!(driver(&sim, device), own, "{uri}");
        }
        let slots = "/sys/bus/pci/drivers/pciback/slots";
        assert_eq!(sim.read_file(slots).unwrap(), "", "{uri}");
    }
}

#[tokio::test]
async fn libxl_gives_back_what_others_kept() {
    let sim = sim("sim:?release=4.17");
    let host = open(&sim, NodeFiles::new("memory", SimFiles(sim.clone()))).await;
    // As the kernel's option xen-pciback.hide does it.
    for (file, text) in [
        ("drivers/pciback/new_slot", CARD),
        ("drivers/igb/unbind", CARD),
        ("drivers/pciback/bind", CARD),
    ] {
        sim.write_file(&format!("/sys/bus/pci/{file}"), text)
            .unwrap();
    }
    assert_eq!(driver(&sim, CARD).as_deref(), Some("pciback"));
    host.give_back_pci_device(address(CARD)).await.unwrap();
    assert_eq!(driver(&sim, CARD).as_deref(), Some("igb"));
}

#[tokio::test]
async fn without_an_iommu_the_files_do_what_libxl_cannot() {
    let faults = "fault=fail,op=take a PCI device&fault=fail,op=give a PCI device back";
    let sim = sim(&format!("sim:?release=4.17&{faults}"));
    let host = open(&sim, NodeFiles::new("memory", SimFiles(sim.clone()))).await;
    assert_eq!(host.node().await.unwrap().has_iommu, Some(false));
    for device in [CARD, SOUND] {
        let own = driver(&sim, device);
        host.keep_pci_device(address(device)).await.unwrap();
        assert_eq!(driver(&sim, device).as_deref(), Some("pciback"));
        host.give_back_pci_device(address(device)).await.unwrap();
        assert_eq!(driver(&sim, device), own);
    }
}

#[tokio::test]
async fn a_reset_needs_a_way() {
    let sim = sim("sim:?release=4.17");
    let host = open(&sim, NodeFiles::new("memory", SimFiles(sim.clone()))).await;
    host.reset_pci_device(address(CARD)).await.unwrap();
    let error = host.reset_pci_device(address(SOUND)).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains(SOUND), "{error}");
}

/// libxl before 4.15 does not keep the first one that comes.
#[tokio::test]
async fn what_came_while_a_guest_runs_is_shown_and_taken_away() {
    let options = ParseOptions::default();
    for release in ["4.5", "4.14", "4.17"] {
        let sim = sim(&format!("sim:?release={release}&guests=0"));
        let host = open(&sim, NodeFiles::new("memory", SimFiles(sim.clone()))).await;
        host.create(&parse_guest(WEB, &options).unwrap().value, false)
            .await
            .unwrap();
        let has = async || {
            let guest = host.guest("web").await.unwrap();
            let hostdevs = guest.devices.hostdevs.into_iter().map(|it| it.source);
            let address = |source| match source {
                HostdevSource::Pci { address, .. } => Some(address.to_string()),
                _ => None,
            };
            hostdevs.filter_map(address).collect::<Vec<_>>()
        };
        for device in [CARD, SOUND] {
            host.keep_pci_device(address(device)).await.unwrap();
            host.attach("web", &hostdev(device)).await.unwrap();
        }
        let mut both = has().await;
        both.sort();
        assert_eq!(both, [SOUND, CARD], "{release}");
        host.detach("web", &hostdev(CARD)).await.unwrap();
        assert_eq!(has().await, [SOUND], "{release}");
        host.detach("web", &hostdev(SOUND)).await.unwrap();
        assert!(has().await.is_empty(), "{release}");
    }
}

#[tokio::test]
async fn what_a_running_guest_has_is_left_to_it() {
    let sim = sim("sim:?release=4.17&guests=2");
    let host = open(&sim, NodeFiles::new("memory", SimFiles(sim.clone()))).await;
    let device = hostdev(CARD);
    let error = host.attach("pv1", &device).await.unwrap_err();
    assert!(error.to_string().contains("not assignable"), "{error}");
    host.keep_pci_device(address(CARD)).await.unwrap();
    host.attach("pv1", &device).await.unwrap();
    host.keep_pci_device(address(SOUND)).await.unwrap();
    for error in [
        host.keep_pci_device(address(CARD)).await.unwrap_err(),
        host.give_back_pci_device(address(CARD)).await.unwrap_err(),
        host.reset_pci_device(address(CARD)).await.unwrap_err(),
    ] {
        let words = format!("of PCI device {CARD} is not possible: guest 'pv1' has it");
        assert!(error.to_string().ends_with(&words), "{error}");
    }
    assert_eq!(driver(&sim, CARD).as_deref(), Some("pciback"));
    host.detach("pv1", &device).await.unwrap();
    host.give_back_pci_device(address(CARD)).await.unwrap();
    assert_eq!(driver(&sim, CARD).as_deref(), Some("igb"));
}

#[tokio::test]
async fn back_ends_of_xend_tell_who_has_a_device() {
    let sim = sim("sim:?release=4.1&guests=1");
    let host = open(&sim, NodeFiles::new("memory", SimFiles(sim.clone()))).await;
    let domid = host.domain("pv1").await.unwrap().domid.unwrap();
    let store = store(&sim).await;
    let back = format!("/local/domain/0/backend/pci/{domid}/0");
    for (node, value) in [
        ("num_devs", "2"),
        ("dev-0", SOUND),
        ("state-0", "6"),
        ("dev-1", CARD),
        ("state-1", "3"),
    ] {
        let path = format!("{back}/{node}");
        store.write(&path, value.as_bytes()).await.unwrap();
    }
    let error = host.keep_pci_device(address(CARD)).await.unwrap_err();
    assert!(matches!(error, Error::PciDeviceInUse { guest, .. } if guest == "pv1"));
    // It was taken away from the guest.
    host.keep_pci_device(address(SOUND)).await.unwrap();
}

/// `/sys` as a folder of plain files, with a card that a driver has.
struct Files {
    root: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        let files = Self {
            root: tempfile::tempdir().unwrap(),
        };
        for file in ["driver_override", "reset"] {
            files.put(&format!("devices/{CARD}/{file}"));
        }
        for file in ["drivers/igb/unbind", "drivers/igb/bind", "drivers_probe"] {
            files.put(file);
        }
        for file in ["new_slot", "remove_slot", "slots", "bind", "unbind"] {
            files.put(&format!("drivers/pciback/{file}"));
        }
        files.bind("igb");
        files
    }

    fn bind(&self, driver: &str) {
        let link = self.path(&format!("devices/{CARD}/driver"));
        let _ = std::fs::remove_file(&link);
        let target = Path::new("../../../../bus/pci/drivers").join(driver);
        std::os::unix::fs::symlink(target, link).unwrap();
    }

    fn path(&self, file: &str) -> PathBuf {
        self.root.path().join("sys/bus/pci").join(file)
    }

    fn put(&self, file: &str) {
        let path = self.path(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }

    /// Files that were written, and what was.
    fn written(&self, files: &[&str]) -> Vec<String> {
        let text = |file: &&str| std::fs::read_to_string(self.path(file)).unwrap();
        files.iter().map(text).collect()
    }

    async fn host(&self) -> XenHost {
        open(&sim("sim:?release=4.4"), NodeFiles::below(self.root.path())).await
    }
}

#[tokio::test]
async fn the_kernel_is_told_in_its_files() {
    let files = Files::new();
    let host = files.host().await;
    host.keep_pci_device(address(CARD)).await.unwrap();
    let told = files.written(&[
        "drivers/pciback/new_slot",
        "drivers/igb/unbind",
        "drivers/pciback/bind",
    ]);
    assert_eq!(told, [CARD; 3]);
    // Cleared over the name that it had.
    let only = files.path(&format!("devices/{CARD}/driver_override"));
    assert_eq!(std::fs::read_to_string(only).unwrap(), "\nciback");

    files.bind("pciback");
    std::fs::write(files.path("drivers/pciback/slots"), format!("{CARD}\n")).unwrap();
    host.give_back_pci_device(address(CARD)).await.unwrap();
    let told = files.written(&[
        "drivers/pciback/unbind",
        "drivers/pciback/remove_slot",
        "drivers_probe",
    ]);
    assert_eq!(told, [CARD; 3]);

    host.reset_pci_device(address(CARD)).await.unwrap();
    assert_eq!(files.written(&[&format!("devices/{CARD}/reset")]), ["1"]);
}

#[tokio::test]
async fn errors_name_the_device_and_the_cause() {
    let files = Files::new();
    let host = files.host().await;
    let error = host.keep_pci_device(address(SOUND)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the host has no PCI device {SOUND}")
    );

    // A driver that does not let go.
    std::fs::remove_file(files.path("drivers/igb/unbind")).unwrap();
    std::fs::create_dir(files.path("drivers/igb/unbind")).unwrap();
    let error = host.keep_pci_device(address(CARD)).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Refused { .. }), "{text}");
    assert!(text.contains(CARD) && text.contains("igb/unbind"), "{text}");

    std::fs::remove_dir_all(files.path("drivers/pciback")).unwrap();
    let error = host.keep_pci_device(address(CARD)).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Unsupported { .. }), "{text}");
    assert!(
        text.contains(CARD) && text.contains("modprobe xen-pciback"),
        "{text}"
    );

    std::fs::remove_file(files.path(&format!("devices/{CARD}/reset"))).unwrap();
    let error = host.reset_pci_device(address(CARD)).await.unwrap_err();
    assert!(error.to_string().contains("cannot be reset"), "{error}");
}

#[tokio::test]
async fn another_machine_is_left_alone() {
    let sim = sim("sim:?release=4.1");
    let channels = Channels::new(Deadlines::default(), None)
        .xenstore(Ok(store(&sim).await))
        .simulated();
    let host = channels.open().await.unwrap();
    let error = host.keep_pci_device(address(CARD)).await.unwrap_err();
    assert!(error.to_string().contains("use the URI xen:"), "{error}");
}
