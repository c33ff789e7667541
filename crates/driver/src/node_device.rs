//! PCI devices of the host: taken from its drivers for guests, given back, reset. They
//! are named as libvirt names them, or by their address. What else a host has is for
//! libvirt's daemon of devices.

use crate::{Driver, Error, Operation, Result};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use virtxen_guest::PciAddress;
use virtxen_host::Host;

/// The one driver to which a device can be given; libvirt's word for it.
const XEN: &str = "xen";

/// How libvirt's names of PCI devices begin.
const PCI: &str = "pci_";

type Work = Pin<Box<dyn Future<Output = virtxen_host::Result<()>> + Send>>;

impl Driver {
    /// Takes a PCI device from the host's driver and gives it to the one that keeps
    /// devices for guests, which is called `xen` if it is named. One that is kept already
    /// stays so.
    ///
    /// # Errors
    /// Another driver is named; there is no such device; a running guest has it; the
    /// kernel has no driver for guests, or what it says.
    pub async fn detach_node_device(&self, device: &str, driver: Option<&str>) -> Result<()> {
        const OPERATION: Operation = Operation::DetachNodeDevice;
        self.check(OPERATION, None)?;
        if let Some(driver) = driver.filter(|it| *it != XEN) {
            return Err(Error::Argument(format!(
                "{} of device '{device}': there is no driver '{driver}' that keeps devices for \
                 guests, on a host of Xen it is '{XEN}'",
                OPERATION.verb()
            )));
        }
        self.change_device(OPERATION, device, |host, address| {
            Box::pin(async move { host.keep_pci_device(address).await })
        })
        .await
    }

    /// Gives a PCI device back to the host's drivers. One that a driver of the host has
    /// stays there.
    ///
    /// # Errors
    /// There is no such device; a running guest has it; what the kernel says.
    pub async fn reattach_node_device(&self, device: &str) -> Result<()> {
        const OPERATION: Operation = Operation::ReattachNodeDevice;
        self.check(OPERATION, None)?;
        self.change_device(OPERATION, device, |host, address| {
            Box::pin(async move { host.give_back_pci_device(address).await })
        })
        .await
    }

    /// Resets a PCI device.
    ///
    /// # Errors
    /// There is no such device; a running guest has it; the kernel knows no way to reset
    /// it by itself, or what it says.
    pub async fn reset_node_device(&self, device: &str) -> Result<()> {
        const OPERATION: Operation = Operation::ResetNodeDevice;
        self.check(OPERATION, None)?;
        self.change_device(OPERATION, device, |host, address| {
            Box::pin(async move { host.reset_pci_device(address).await })
        })
        .await
    }

    /// Does it in a task of its own: a device that is between two drivers when the caller
    /// goes away would belong to none.
    async fn change_device(
        &self,
        operation: Operation,
        device: &str,
        work: fn(Arc<dyn Host>, PciAddress) -> Work,
    ) -> Result<()> {
        let address = address_of(device)?;
        let inner = Arc::clone(&self.inner);
        let task = tokio::spawn(async move {
            let work = work(Arc::clone(&inner.host), address);
            inner.read(operation, address, work).await
        });
        let operation = operation.verb();
        task.await.unwrap_or(Err(Error::Task { operation }))
    }
}

/// libvirt's name of a PCI device.
#[must_use]
pub fn pci_device_name(address: PciAddress) -> String {
    let PciAddress {
        domain,
        bus,
        slot,
        function,
    } = address;
    format!("{PCI}{domain:04x}_{bus:02x}_{slot:02x}_{function:x}")
}

/// The address of a PCI device, by libvirt's name of it or as Xen and Linux write it.
fn address_of(device: &str) -> Result<PciAddress> {
    let address = match device.strip_prefix(PCI) {
        Some(name) => {
            let parts: Vec<&str> = name.splitn(5, '_').collect();
            match parts[..] {
                [domain, bus, slot, function] => {
                    format!("{domain}:{bus}:{slot}.{function}").parse()
                }
                _ => name.parse(),
            }
        }
        None => device.parse(),
    };
    address.map_err(|_| Error::NoNodeDevice {
        name: device.chars().take(80).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_names_and_addresses() {
        for (text, name) in [
            ("pci_0000_03_00_0", "pci_0000_03_00_0"),
            ("0000:03:00.0", "pci_0000_03_00_0"),
            ("03:1f.7", "pci_0000_03_1f_7"),
            ("pci_10000_e1_00_1", "pci_10000_e1_00_1"),
        ] {
            assert_eq!(pci_device_name(address_of(text).unwrap()), name);
        }
        for text in [
            "",
            "computer",
            "pci_",
            "pci_0000_03_00",
            "pci_0000_03_00_8",
            "pci_0000_03_20_0",
            "pci_0000_03_00_0_0",
            "pci_0000_03_00_+1",
            "net_eth0_00_16_3e_00_00_01",
            "usb_1_2",
        ] {
            let error = address_of(text).unwrap_err();
            assert_eq!((error.libvirt().code, error.libvirt().domain), (53, 22));
        }
    }
}
