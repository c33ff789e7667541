//! Devices of a domain: attach, detach, update, lists of disks and interfaces.
//!
//! While a domain runs disks, interfaces and PCI devices come and go, and the medium
//! of a CD drive changes; with libxl also USB devices and their controllers, and what a
//! guest is defined as has screens and input devices too. What a release cannot do its
//! host says.

use super::Part;
use crate::call::Call;
use crate::document;
use crate::{Affect, Domain, DomainKey, Driver, Error, Operation, Result};
use std::sync::Arc;
use virtxen_guest::{
    Controller, ControllerType, Device, Disk, DiskDevice, Guest, Hostdev, HostdevSource, Input,
    Interface, InterfaceSource, MacAddress, OsType, Problem,
};
use virtxen_host::{ConfigChange, Host};

/// A row of `domblklist`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockEntry {
    /// Type of source: `file`, `block`, …
    pub kind: String,
    /// What the guest sees: `disk`, `cdrom`, `floppy`.
    pub device: String,
    /// Name in the guest.
    pub target: String,
    /// Where the data are; `None` for an empty drive.
    pub source: Option<String>,
}

/// A row of `domiflist`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceEntry {
    /// Name of the backend's interface on the host, while it is known.
    pub name: Option<String>,
    /// Type of connection: `bridge`, `network`, …
    pub kind: String,
    /// What it is connected to.
    pub source: Option<String>,
    /// Model that the guest sees.
    pub model: Option<String>,
    /// Hardware address.
    pub mac: Option<String>,
}

impl Driver {
    /// Adds a device from its XML; to a running domain and to its configuration, as
    /// the flags say.
    ///
    /// # Errors
    /// The document is wrong; the place is taken; this kind of device cannot be added;
    /// flags that do not go with the domain's state.
    pub async fn attach_device(&self, key: &DomainKey, xml: &str, affect: Affect) -> Result<()> {
        let operation = Operation::AttachDevice;
        let hosts = self.inner.host.plugs_host_devices();
        let mut device = document::parse_device(xml)?.0;
        if let Device::Interface(interface) = &mut device {
            interface.mac.get_or_insert_with(MacAddress::random);
        }
        self.on_devices(
            operation,
            key,
            affect,
            device,
            move |domain, guest, device| {
                check_pluggable(operation, &device, hosts)?;
                match (find(guest, &device), &device) {
                    (None, _) => Ok(DeviceChange::Attach(device)),
                    // Putting a medium into a drive that is there.
                    (Some(Device::Disk(there)), Device::Disk(disk))
                        if there.device == DiskDevice::Cdrom && disk.device == there.device =>
                    {
                        Ok(DeviceChange::Update(device))
                    }
                    (Some(there), _) => Err(Error::Argument(format!(
                        "domain '{}' has {} already",
                        domain.name,
                        describe(&there)
                    ))),
                }
            },
        )
        .await
    }

    /// What of a device's XML is not understood or would be lost by
    /// [`Driver::attach_device`]. With `strict` any of it is an error.
    ///
    /// # Errors
    /// The document is wrong; the host would add another device than it describes.
    pub async fn device_losses(
        &self,
        key: &DomainKey,
        xml: &str,
        strict: bool,
    ) -> Result<Vec<Problem>> {
        let (device, warnings) = document::parse_device(xml)?;
        let guest = self.guest(key, false).await?;
        let hvm = guest.os.kind == OsType::Hvm;
        let losses = self.inner.host.device_losses(&device, hvm).await?;
        document::tolerable(xml, warnings, losses, strict)
    }

    /// Removes the device that this XML describes: a disk by its target, an
    /// interface by its address, a PCI device by its place on the host.
    ///
    /// # Errors
    /// There is no such device; this kind of device cannot be removed; flags that do
    /// not go with the domain's state.
    pub async fn detach_device(&self, key: &DomainKey, xml: &str, affect: Affect) -> Result<()> {
        let operation = Operation::DetachDevice;
        let hosts = self.inner.host.plugs_host_devices();
        let device = document::parse_device(xml)?.0;
        self.on_devices(
            operation,
            key,
            affect,
            device,
            move |domain, guest, device| {
                check_pluggable(operation, &device, hosts)?;
                let there = find(guest, &device).ok_or_else(|| no_device(domain, &device))?;
                Ok(DeviceChange::Detach(there))
            },
        )
        .await
    }

    /// Changes the medium of a CD drive to that of this XML; none ejects.
    ///
    /// # Errors
    /// It is no CD drive; the release cannot do it; flags that do not go with the
    /// domain's state.
    pub async fn update_device(&self, key: &DomainKey, xml: &str, affect: Affect) -> Result<()> {
        let operation = Operation::UpdateDevice;
        let device = document::parse_device(xml)?.0;
        self.on_devices(
            operation,
            key,
            affect,
            device,
            move |domain, guest, device| match find(guest, &device) {
                Some(Device::Disk(there)) if there.device == DiskDevice::Cdrom => {
                    Ok(DeviceChange::Update(device))
                }
                Some(there) => Err(Error::Unsupported {
                    operation: operation.verb(),
                    reason: format!(
                        "{} cannot be changed, only the medium of a CD drive",
                        describe(&there)
                    ),
                }),
                None => Err(no_device(domain, &device)),
            },
        )
        .await
    }

    /// The disks of a domain; with `inactive` as it is defined.
    ///
    /// # Errors
    /// No such domain.
    pub async fn block_list(&self, key: &DomainKey, inactive: bool) -> Result<Vec<BlockEntry>> {
        let guest = self.listed(key, inactive).await?;
        Ok(guest.devices.disks.iter().map(BlockEntry::from).collect())
    }

    /// The interfaces of a domain; with `inactive` as it is defined.
    ///
    /// # Errors
    /// No such domain.
    pub async fn interface_list(
        &self,
        key: &DomainKey,
        inactive: bool,
    ) -> Result<Vec<InterfaceEntry>> {
        let guest = self.listed(key, inactive).await?;
        let interfaces = guest.devices.interfaces.iter();
        Ok(interfaces.map(InterfaceEntry::from).collect())
    }

    async fn listed(&self, key: &DomainKey, inactive: bool) -> Result<Guest> {
        let guest = self.guest_of(key, false, inactive).await?;
        let mut guest = Arc::unwrap_or_clone(guest);
        if inactive {
            document::forget_run(&mut guest);
        }
        Ok(guest)
    }

    /// Does what is decided on, by looking at the guest, to a device of a domain. Xen is
    /// told of the bridges of virtual networks, a document that is kept has the networks.
    async fn on_devices(
        &self,
        operation: Operation,
        key: &DomainKey,
        affect: Affect,
        device: Device,
        decide: impl Fn(&Domain, &Guest, Device) -> Result<DeviceChange> + Send + 'static,
    ) -> Result<()> {
        let told = self.device_on_bridge(device.clone()).await?;
        self.change(Call::domain(operation, key), async move |host, domain| {
            let part = affect.part(&*host, operation, &domain)?;
            let apart = host.keeps_config_apart();
            if part != Part::Config || !apart {
                let guest = host.guest(&domain.name).await?;
                let change = decide(&domain, &guest, told.clone())?;
                change.live(&*host, &domain.name).await?;
            }
            if part != Part::Live && apart {
                let guest = host.defined(&domain.name).await?;
                let kept = if host.keeps_documents() { device } else { told };
                let change = decide(&domain, &guest, kept)?;
                host.change_config(&domain.name, &change.into()).await?;
            }
            Ok(())
        })
        .await
    }
}

/// What is done to a device.
enum DeviceChange {
    Attach(Device),
    Update(Device),
    Detach(Device),
}

impl DeviceChange {
    async fn live(&self, host: &dyn Host, name: &str) -> virtxen_host::Result<()> {
        match self {
            Self::Attach(device) => host.attach(name, device).await,
            Self::Update(device) => host.update(name, device).await,
            Self::Detach(device) => host.detach(name, device).await,
        }
    }
}

impl From<DeviceChange> for ConfigChange {
    fn from(change: DeviceChange) -> Self {
        match change {
            DeviceChange::Attach(device) => Self::Attach(device),
            DeviceChange::Update(device) => Self::Update(device),
            DeviceChange::Detach(device) => Self::Detach(device),
        }
    }
}

/// That a device of this kind can be added and removed, where the toolstack plugs all
/// devices of the host (`hosts`) or not.
fn check_pluggable(operation: Operation, device: &Device, hosts: bool) -> Result<()> {
    let reason = match device {
        Device::Disk(disk) if disk.device == DiskDevice::Floppy => {
            "a floppy drive is part of the machine".to_owned()
        }
        Device::Disk(_) | Device::Interface(_) => return Ok(()),
        // Why not the last two while a guest runs its host says.
        Device::Hostdev(_) | Device::Graphics(_) | Device::Input(_) if hosts => return Ok(()),
        Device::Controller(it) if hosts && it.kind == ControllerType::Usb => return Ok(()),
        Device::Hostdev(hostdev) => match (&hostdev.source, hostdev.managed) {
            (HostdevSource::Pci { .. }, Some(true)) => {
                "XenD does not take PCI devices from the host's driver: \
                 use managed='no' and bind it to pciback"
                    .to_owned()
            }
            (HostdevSource::Pci { .. }, _) => return Ok(()),
            _ => "of the host's devices, only PCI ones can be added and removed".to_owned(),
        },
        other => format!(
            "a device of kind '{}' can be neither added nor removed",
            other.element_name()
        ),
    };
    Err(Error::Unsupported {
        operation: operation.verb(),
        reason,
    })
}

/// The device of a guest that a description means.
fn find(guest: &Guest, wanted: &Device) -> Option<Device> {
    let devices = &guest.devices;
    match wanted {
        Device::Disk(disk) => {
            let mut disks = devices.disks.iter();
            let found = disks.find(|there| there.target == disk.target)?;
            Some(Device::Disk(Box::new(found.clone())))
        }
        Device::Interface(interface) => {
            let found = find_interface(&devices.interfaces, interface)?;
            Some(Device::Interface(Box::new(found.clone())))
        }
        Device::Hostdev(hostdev) => {
            let mut hostdevs = devices.hostdevs.iter();
            let found = hostdevs.find(|there| there.source.is_same(&hostdev.source))?;
            Some(Device::Hostdev(found.clone()))
        }
        Device::Controller(wanted) => {
            let mut controllers = devices.controllers.iter();
            let same = |it: &&Controller| it.kind == wanted.kind && it.index == wanted.index;
            Some(Device::Controller(controllers.find(same)?.clone()))
        }
        Device::Graphics(wanted) => {
            let kind = std::mem::discriminant(&wanted.server);
            let mut all = devices.graphics.iter();
            let found = all.find(|there| std::mem::discriminant(&there.server) == kind)?;
            Some(Device::Graphics(Box::new(found.clone())))
        }
        Device::Input(wanted) => {
            let mut all = devices.inputs.iter();
            let same = |it: &&Input| (it.kind, it.bus) == (wanted.kind, wanted.bus);
            Some(Device::Input(all.find(same)?.clone()))
        }
        _ => None,
    }
}

/// By address; without one, by what it is connected to if only one is.
fn find_interface<'a>(there: &'a [Interface], wanted: &Interface) -> Option<&'a Interface> {
    if wanted.mac.is_some() {
        return there.iter().find(|i| i.mac == wanted.mac);
    }
    let mut same = there.iter().filter(|i| i.source == wanted.source);
    let first = same.next()?;
    same.next().is_none().then_some(first)
}

fn no_device(domain: &Domain, device: &Device) -> Error {
    Error::NoDevice {
        name: domain.name.clone(),
        device: describe(device),
    }
}

/// A device in words for messages.
fn describe(device: &Device) -> String {
    match device {
        Device::Disk(disk) => format!("{} '{}'", disk.device, disk.target),
        Device::Interface(interface) => match &interface.mac {
            Some(mac) => format!("interface with address {mac}"),
            None => format!("single {} interface like this", interface.source.kind()),
        },
        Device::Hostdev(Hostdev {
            source: HostdevSource::Pci { address, .. },
            ..
        }) => format!("PCI device {address}"),
        other => format!("device of kind '{}'", other.element_name()),
    }
}

impl From<&Disk> for BlockEntry {
    fn from(disk: &Disk) -> Self {
        Self {
            kind: disk.source.kind().to_owned(),
            device: disk.device.to_string(),
            target: disk.target.clone(),
            source: disk.source.path().map(str::to_owned),
        }
    }
}

impl From<&Interface> for InterfaceEntry {
    fn from(interface: &Interface) -> Self {
        let source = match &interface.source {
            InterfaceSource::Bridge { bridge } => bridge.clone(),
            InterfaceSource::Network { network, .. } => Some(network.clone()),
            InterfaceSource::Hostdev { address, .. } => Some(address.to_string()),
            InterfaceSource::Ethernet | InterfaceSource::Other { .. } => None,
        };
        Self {
            name: interface.target.clone(),
            kind: interface.source.kind().to_owned(),
            source,
            model: interface.model.clone(),
            mac: interface.mac.map(|mac: MacAddress| mac.to_string()),
        }
    }
}
