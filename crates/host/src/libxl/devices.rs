//! Devices: added, changed and removed while a domain runs; devices of the host that
//! are passed through are taken from its drivers and given back.

use super::guest::Kept;
use super::{Libxl, Running, config};
use crate::{ConfigChange, Error, Result};
use virtxen_formats::libxl::plugged_device;
use virtxen_guest::{
    Controller, Device, DiskDevice, DomId, Guest, Hostdev, HostdevSource, InputBus, Interface,
    InterfaceSource, MacAddress, OsType, PciAddress,
};
use virtxen_libxl::{Device as Class, Operation};

/// libxl's lists of devices, and what a device in them is.
const CLASSES: [(&str, Class); 6] = [
    ("disks", Class::Disk),
    ("nics", Class::Nic),
    ("pcidevs", Class::Pci),
    ("usbctrls", Class::UsbController),
    ("usbdevs", Class::UsbDevice),
    ("vkbs", Class::Keyboard),
];

impl Running {
    pub(crate) async fn attach(&self, device: &Device) -> Result<()> {
        const OPERATION: &str = "attach-device";
        is_pluggable(OPERATION, device)?;
        let device = identified(device);
        if let Device::Disk(disk) = &device
            && disk.device != DiskDevice::Disk
        {
            return Err(Error::Unsupported {
                operation: OPERATION,
                reason: "a drive cannot be added while the guest runs, media can be changed"
                    .to_owned(),
            });
        }
        let mut guest = self.guest().await?;
        let device = numbered(device, &guest);
        ConfigChange::Attach(device.clone()).apply(&mut guest)?;
        let is_input = matches!(device, Device::Input(_));
        if is_input {
            self.is_input_served(OPERATION).await?;
        }
        let (class, config) = self.plug_config(OPERATION, &device)?;
        self.emulator_lives_through(OPERATION, class, &config)
            .await?;
        let (functions, managed) = functions_of(&device);
        self.libxl.unused(OPERATION, &functions).await?;
        self.libxl.give(self.name(), &managed).await?;
        let operation = Operation::Attach {
            domid: self.domid,
            device: class,
            config,
        };
        let done = self.done(operation).await;
        // Of keyboards and pointers of Xen's nothing is kept beside XenStore.
        if is_input {
            return done;
        }
        if let Err(error) = done {
            self.take_off(&device, class).await;
            self.libxl.take_unused(self.name(), &managed).await;
            return Err(error);
        }
        self.keep_changed(|guest| ConfigChange::Attach(device).apply(guest))
            .await
    }

    /// Takes away what is left of a device that could not be added: libxl leaves it as
    /// it was when something went wrong.
    async fn take_off(&self, device: &Device, class: Class) {
        let Ok(Kept { config, .. }) = self.kept().await else {
            return;
        };
        let Ok(Some(config)) = plugged_device(&config, device) else {
            return;
        };
        let operation = Operation::Detach {
            domid: self.domid,
            device: class,
            config,
            force: true,
        };
        // Why it could not be added is the error that is told.
        let _ = self.done(operation).await;
    }

    /// Changes the medium in a drive.
    pub(crate) async fn update(&self, device: &Device) -> Result<()> {
        let unsupported = |reason: &str| Error::Unsupported {
            operation: "update-device",
            reason: reason.to_owned(),
        };
        let Device::Disk(disk) = device else {
            return Err(unsupported("while a guest runs, only media are changed"));
        };
        if disk.device != DiskDevice::Cdrom {
            return Err(unsupported("only CD drives have a medium to be changed"));
        }
        let mut guest = self.guest().await?;
        let change = ConfigChange::Update(device.clone());
        change.apply(&mut guest)?;
        let (_, config) = self.plug_config("update-device", device)?;
        let operation = Operation::Attach {
            domid: self.domid,
            device: Class::Medium,
            config,
        };
        self.done(operation).await?;
        self.keep_changed(|guest| change.apply(guest)).await
    }

    pub(crate) async fn detach(&self, device: &Device) -> Result<()> {
        const OPERATION: &str = "detach-device";
        is_pluggable(OPERATION, device)?;
        if let Device::Input(input) = device {
            return self.detach_input(OPERATION, input).await;
        }
        let Kept {
            mut guest, config, ..
        } = self.kept().await?;
        let change = ConfigChange::Detach(device.clone());
        let managed = managed_in(&guest, device);
        change.apply(&mut guest)?;
        let (class, _) = self.plug_config(OPERATION, device)?;
        // As libxl knows it, with the number that it chose.
        let config = plugged_device(&config, device).map_err(|error| Error::Guest {
            reason: error.to_string(),
        })?;
        let Some(config) = config else {
            return Err(Error::Refused {
                operation: OPERATION,
                reason: format!("libxl has no such {}", device.element_name()),
            });
        };
        let operation = Operation::Detach {
            domid: self.domid,
            device: class,
            config,
            force: false,
        };
        if let Err(error) = self.done(operation).await
            && !self.is_gone(device).await
        {
            return Err(error);
        }
        self.libxl.take(self.name(), &managed).await;
        // What xl plugged is not in the document.
        self.keep_changed(|guest| change.apply(guest).or(Ok(())))
            .await
    }

    /// Whether a controller is gone although libxl tells of a failure: it takes one away that
    /// the guest's drivers never had, but only after having waited for them.
    async fn is_gone(&self, device: &Device) -> bool {
        let (Device::Controller(controller), Some(facts)) = (device, &self.libxl.inner.facts)
        else {
            return false;
        };
        let there = facts.usb(DomId(self.domid)).await;
        match (controller.index, there) {
            (Some(index), Ok(there)) => !there.controllers.contains(&index),
            _ => false,
        }
    }

    fn plug_config(&self, operation: &'static str, device: &Device) -> Result<(Class, String)> {
        let (list, config) = self
            .libxl
            .plug_config(device, self.info.kind == OsType::Hvm)?;
        let class = CLASSES.iter().find(|(name, _)| *name == list);
        match class {
            Some((_, class)) => Ok((*class, config)),
            None => Err(Error::Unsupported {
                operation,
                reason: format!("libxl plugs no {}", device.element_name()),
            }),
        }
    }

    /// Changes the document that is stored with the domain, if it has one.
    async fn keep_changed(&self, change: impl FnOnce(&mut Guest) -> Result<()>) -> Result<()> {
        let Some(mut guest) = self.document().await? else {
            return Ok(());
        };
        change(&mut guest)?;
        self.store(&guest).await
    }
}

impl Libxl {
    /// Takes those devices of the host from its drivers that a guest's document leaves
    /// to us (`managed`), unless another guest has one of its devices.
    pub(super) async fn give_host_devices(&self, guest: &Guest) -> Result<()> {
        let (functions, managed) = functions_in(guest);
        self.unused("create", &functions).await?;
        let given = self.give(&guest.name, &managed).await;
        if given.is_err() {
            self.take_unused(&guest.name, &managed).await;
        }
        given
    }

    /// Gives those of a guest that did not start back to the host.
    pub(super) async fn take_host_devices_again(&self, guest: &Guest) {
        self.take_unused(&guest.name, &functions_in(guest).1).await;
    }

    /// Gives them back to the host. What the host keeps is told by its log.
    pub(super) async fn take_host_devices(&self, guest: &Guest) {
        self.take(&guest.name, &functions_in(guest).1).await;
    }

    /// Takes a device from the host's driver, which libxl notes, for any guest.
    pub(crate) async fn keep_pci_device(&self, address: PciAddress) -> Result<()> {
        self.give(&address.to_string(), &[address]).await
    }

    /// Gives a device back to the driver that libxl took it from, if it did.
    pub(crate) async fn give_pci_device_back(&self, address: PciAddress) -> Result<()> {
        self.take_one(&address.to_string(), address).await
    }

    /// That no running guest has these.
    async fn unused(&self, operation: &'static str, functions: &[PciAddress]) -> Result<()> {
        let Some(facts) = &self.inner.facts else {
            return Ok(());
        };
        for &address in functions {
            if let Some(guest) = facts.pci_user_name(address).await? {
                return Err(Error::PciDeviceInUse {
                    operation,
                    address,
                    guest,
                });
            }
        }
        Ok(())
    }

    /// Gives those back to the host that nobody got meanwhile: libxl would take them from a
    /// guest.
    async fn take_unused(&self, name: &str, functions: &[PciAddress]) {
        for address in functions {
            if self.unused("detach-device", &[*address]).await.is_ok() {
                self.take(name, &[*address]).await;
            }
        }
    }

    async fn give(&self, name: &str, functions: &[PciAddress]) -> Result<()> {
        for address in functions {
            let operation = Operation::PciAssignableAdd {
                config: config::pci_function(*address).to_string(),
                rebind: true,
            };
            self.ask(name, operation, Vec::new()).await?;
        }
        Ok(())
    }

    async fn take(&self, name: &str, functions: &[PciAddress]) {
        for address in functions {
            // The guest is without it either way.
            let _ = self.take_one(name, *address).await;
        }
    }

    async fn take_one(&self, name: &str, address: PciAddress) -> Result<()> {
        let operation = Operation::PciAssignableRemove {
            config: config::pci_function(address).to_string(),
            rebind: true,
        };
        self.ask(name, operation, Vec::new()).await.map(drop)
    }
}

/// Refuses what libxl would only write down: a frame buffer and what is emulated. The server
/// and the devices are arguments of the emulator, which gets them when it is started.
fn is_pluggable(operation: &'static str, device: &Device) -> Result<()> {
    match device {
        Device::Input(input) if input.bus == Some(InputBus::Xen) => Ok(()),
        Device::Graphics(_) | Device::Input(_) => Err(Error::Unsupported {
            operation,
            reason: format!(
                "the {} of a guest is its emulator's, which libxl gives it when the guest \
                 starts: change its definition (--config) and start it anew",
                device.element_name()
            ),
        }),
        _ => Ok(()),
    }
}

/// An interface gets its address here, so that it is known which one it is.
fn identified(device: &Device) -> Device {
    let mut device = device.clone();
    if let Device::Interface(interface) = &mut device {
        interface.mac.get_or_insert_with(MacAddress::random);
    }
    device
}

/// A USB controller gets its number here, so that it is known which one it is.
fn numbered(mut device: Device, guest: &Guest) -> Device {
    if let Device::Controller(new) = &mut device {
        let free = Controller::free_index(&guest.devices.controllers, new.kind);
        new.index.get_or_insert(free);
    }
    device
}

/// The functions of a guest, and those of them that are managed.
fn functions_in(guest: &Guest) -> (Vec<PciAddress>, Vec<PciAddress>) {
    let devices = &guest.devices;
    let cards = devices.interfaces.iter().filter_map(card);
    let all = cards.chain(devices.hostdevs.iter().filter_map(function_of));
    parted(all)
}

/// The same of a device that is plugged.
fn functions_of(device: &Device) -> (Vec<PciAddress>, Vec<PciAddress>) {
    parted(match device {
        Device::Hostdev(hostdev) => function_of(hostdev),
        Device::Interface(interface) => card(interface),
        _ => None,
    })
}

fn parted(
    functions: impl IntoIterator<Item = (PciAddress, bool)>,
) -> (Vec<PciAddress>, Vec<PciAddress>) {
    let functions: Vec<_> = functions.into_iter().collect();
    let managed = functions.iter().filter(|(_, is_managed)| *is_managed);
    let managed = managed.map(|(address, _)| *address).collect();
    let all = functions.iter().map(|(address, _)| *address);
    (all.collect(), managed)
}

/// Of a device that is taken away, as the guest has it.
fn managed_in(guest: &Guest, device: &Device) -> Vec<PciAddress> {
    let (addresses, _) = functions_of(device);
    let (_, mut managed) = functions_in(guest);
    managed.retain(|there| addresses.contains(there));
    managed
}

/// A function that is passed through, and whether it is managed.
fn function_of(hostdev: &Hostdev) -> Option<(PciAddress, bool)> {
    match &hostdev.source {
        HostdevSource::Pci { address, .. } => Some((*address, hostdev.managed == Some(true))),
        _ => None,
    }
}

fn card(interface: &Interface) -> Option<(PciAddress, bool)> {
    match &interface.source {
        InterfaceSource::Hostdev { address, managed } => Some((*address, *managed == Some(true))),
        _ => None,
    }
}
