//! Virtual networks of libvirt, of which Xen knows the bridges: who is asked for those,
//! and guests whose interfaces are on them.
//!
//! What belongs to a network otherwise (addresses, ports, filters) is its daemon's.

use crate::{Domain, Driver, Operation, Result};
use async_trait::async_trait;
use virtxen_guest::{Device, Guest, Interface, InterfaceSource};

/// Knows virtual networks.
#[async_trait]
pub trait Networks: Send + Sync {
    /// The bridge of a network; `None` when nobody knows networks here.
    ///
    /// # Errors
    /// There is no such network, or it has no bridge: it is not active.
    async fn bridge(&self, network: &str) -> Result<Option<String>>;
}

impl Driver {
    /// A guest as Xen is told of it: its interfaces on the bridges of their networks. A
    /// network that nobody knows stays, for the host to refuse.
    pub(crate) async fn on_bridges(&self, guest: &Guest) -> Result<Guest> {
        let mut guest = guest.clone();
        for interface in &mut guest.devices.interfaces {
            self.put_on_bridge(interface).await?;
        }
        Ok(guest)
    }

    /// A device likewise.
    pub(crate) async fn device_on_bridge(&self, mut device: Device) -> Result<Device> {
        if let Device::Interface(interface) = &mut device {
            self.put_on_bridge(interface).await?;
        }
        Ok(device)
    }

    /// An inactive domain that is on virtual networks where its document is kept as it
    /// is: what it is defined as, and what the host is told of it when it starts.
    pub(crate) async fn bridged(&self, domain: &Domain) -> Result<Option<(Guest, Guest)>> {
        let host = &self.inner.host;
        if domain.is_active() || self.session.networks.is_none() || !host.keeps_documents() {
            return Ok(None);
        }
        let answer = host.defined(&domain.name);
        let guest = self.read(Operation::Start, &domain.name, answer).await?;
        let told = self.on_bridges(&guest).await?;
        Ok((told != guest).then_some((guest, told)))
    }

    async fn put_on_bridge(&self, interface: &mut Interface) -> Result<()> {
        let InterfaceSource::Network { network, .. } = &interface.source else {
            return Ok(());
        };
        let Some(networks) = &self.session.networks else {
            return Ok(());
        };
        if let Some(bridge) = networks.bridge(network).await? {
            interface.source = InterfaceSource::Bridge {
                bridge: Some(bridge),
            };
        }
        Ok(())
    }
}
