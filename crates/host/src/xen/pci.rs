//! PCI devices of the host: kept for guests, given back and reset, by libxl where it is
//! the toolstack, so that `xl` finds what it would have left itself, else and where there is
//! no IOMMU by the files of Domain-0's kernel. None that a running guest has.

use super::XenHost;
use crate::files::{GIVE_BACK, KEEP, NodeFiles, RESET};
use crate::{DomainInfo, Error, Host, Result, foreign_devices};
use virtxen_guest::{DomId, Guest, HostdevSource, InterfaceSource, PciAddress};

impl XenHost {
    pub(super) async fn keep_pci(&self, address: PciAddress) -> Result<()> {
        let files = self.unused(KEEP, address).await?;
        let _alone = self.pci.lock().await;
        match &self.libxl {
            Ok(_) if !files.is_pci_device_to_keep(address).await? => Ok(()),
            Ok(libxl) => match libxl.keep_pci_device(address).await {
                Err(_) if self.has_no_iommu().await => files.keep_pci_device(address).await,
                kept => kept.map_err(|error| naming(address, KEEP, error)),
            },
            Err(_) => files.keep_pci_device(address).await,
        }
    }

    pub(super) async fn give_back_pci(&self, address: PciAddress) -> Result<()> {
        let files = self.unused(GIVE_BACK, address).await?;
        let _alone = self.pci.lock().await;
        if let Ok(libxl) = &self.libxl
            && files.is_pci_device_kept(address).await?
        {
            match libxl.give_pci_device_back(address).await {
                Err(_) if self.has_no_iommu().await => {}
                given => given.map_err(|error| naming(address, GIVE_BACK, error))?,
            }
        }
        // libxl knows no driver for what was kept from the start of the host on.
        files.give_back_pci_device(address).await
    }

    pub(super) async fn reset_pci(&self, address: PciAddress) -> Result<()> {
        let files = self.unused(RESET, address).await?;
        let _alone = self.pci.lock().await;
        files.reset_pci_device(address).await
    }

    /// libxl has an IOMMU keep devices from Domain-0 when they are in nobody's hands: without
    /// one it fails halfway, and the rest is for the files.
    async fn has_no_iommu(&self) -> bool {
        let node = self.node().await;
        node.is_ok_and(|node| node.has_iommu == Some(false))
    }

    /// The files by which it is done to a device that no running guest has.
    async fn unused(&self, operation: &'static str, address: PciAddress) -> Result<&NodeFiles> {
        let files = self.files.as_ref();
        let files = files.map_err(|_| foreign_devices(operation))?;
        let mut guests = self.active().await?;
        guests.retain(|domain| domain.domid != Some(DomId(0)));
        match self.pci_user(&guests, address).await? {
            Some(guest) => Err(Error::PciDeviceInUse {
                operation,
                address,
                guest,
            }),
            None => Ok(files),
        }
    }

    /// Who has a device: XenStore tells, and where it is not reached the documents of guests.
    async fn pci_user(&self, guests: &[DomainInfo], address: PciAddress) -> Result<Option<String>> {
        let Some(facts) = &self.facts else {
            for domain in guests {
                if has(&self.guest(&domain.name).await?, address) {
                    return Ok(Some(domain.name.clone()));
                }
            }
            return Ok(None);
        };
        let domids: Vec<DomId> = guests.iter().filter_map(|it| it.domid).collect();
        let user = facts.pci_user(&domids, address).await?;
        let named = guests.iter().find(|it| user.is_some() && it.domid == user);
        Ok(named.map(|domain| domain.name.clone()))
    }
}

fn has(guest: &Guest, address: PciAddress) -> bool {
    let devices = &guest.devices;
    let mut sources = devices.hostdevs.iter().map(|it| &it.source);
    let mut cards = devices.interfaces.iter().map(|it| &it.source);
    sources.any(|it| matches!(it, HostdevSource::Pci { address: it, .. } if *it == address))
        || cards
            .any(|it| matches!(it, InterfaceSource::Hostdev { address: it, .. } if *it == address))
}

/// An error of libxl with the device that it is about.
fn naming(address: PciAddress, operation: &'static str, error: Error) -> Error {
    match error {
        Error::Refused { reason, .. } => Error::Refused {
            operation,
            reason: format!("PCI device {address}: {reason}"),
        },
        other => other,
    }
}
