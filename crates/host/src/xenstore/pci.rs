//! Which domain has a PCI device of the host: Domain-0's back ends, which no guest can
//! write.

use super::Facts;
use crate::Result;
use virtxen_guest::{DomId, PciAddress};

/// Back ends, by the number of the guest.
const BACKENDS: &str = "/local/domain/0/backend/pci";

/// Most devices of a back end; a bus has no more functions.
const DEVICES_MAX: u32 = 256;

/// State of a device that was taken away.
const CLOSED: &str = "6";

impl Facts {
    /// The name of the running guest that has a device.
    pub(crate) async fn pci_user_name(&self, address: PciAddress) -> Result<Option<String>> {
        let lists = self.directories(&[BACKENDS.to_owned()]).await?;
        let names = lists.into_iter().flatten();
        let domids: Vec<DomId> = names.filter_map(|it| it.parse().ok()).map(DomId).collect();
        let paths: Vec<String> = domids.iter().map(|it| super::name_path(it.0)).collect();
        let names = self.read(&paths).await?;
        // What is left of a guest that is gone has no name, and may say that it has the device.
        let named = domids.into_iter().zip(names);
        let named: Vec<_> = named
            .filter_map(|(domid, name)| Some((domid, name?)))
            .collect();
        let domids: Vec<DomId> = named.iter().map(|(domid, _)| *domid).collect();
        let user = self.pci_user(&domids, address).await?;
        let is_user = |(domid, _): &(DomId, String)| Some(*domid) == user;
        Ok(named.into_iter().find(is_user).map(|(_, name)| name))
    }

    /// The one of these domains that has a device.
    pub(crate) async fn pci_user(
        &self,
        domids: &[DomId],
        address: PciAddress,
    ) -> Result<Option<DomId>> {
        let devices = self.pci_devices(domids).await?;
        let found = devices.into_iter().find(|(_, it)| *it == address);
        Ok(found.map(|(domid, _)| domid))
    }

    /// Devices that these domains have; three round trips for all, one if there are none.
    pub(crate) async fn pci_devices(&self, domids: &[DomId]) -> Result<Vec<(DomId, PciAddress)>> {
        let folder = |domid: &DomId| format!("{BACKENDS}/{domid}");
        let folders: Vec<String> = domids.iter().map(folder).collect();
        let lists = self.directories(&folders).await?;
        let mut backends = Vec::new();
        for ((domid, folder), names) in domids.iter().zip(&folders).zip(lists) {
            let of_domain = names
                .into_iter()
                .map(|name| (*domid, format!("{folder}/{name}")));
            backends.extend(of_domain);
        }
        let counts: Vec<String> = backends
            .iter()
            .map(|(_, it)| format!("{it}/num_devs"))
            .collect();
        let counts = self.read(&counts).await?;
        let (mut users, mut paths) = (Vec::new(), Vec::new());
        for ((domid, backend), count) in backends.iter().zip(counts) {
            let count: u32 = count.and_then(|it| it.parse().ok()).unwrap_or(0);
            for number in 0..count.min(DEVICES_MAX) {
                users.push(*domid);
                paths.extend(["dev", "state"].map(|it| format!("{backend}/{it}-{number}")));
            }
        }
        let values = self.read(&paths).await?;
        let device = |values: &[Option<String>]| match values {
            [Some(device), state] if state.as_deref() != Some(CLOSED) => device.parse().ok(),
            _ => None,
        };
        let devices = users.into_iter().zip(values.chunks_exact(2));
        Ok(devices
            .filter_map(|(domid, values)| Some((domid, device(values)?)))
            .collect())
    }
}
