//! Changes of what a guest is defined as, where that is kept apart from the
//! running domain: one value or one device of the [`Guest`].
//!
//! Where the definition is kept is the host's business.

use crate::{Error, Result};
use virtxen_guest::{
    Controller, ControllerType, CpuSet, Device, Disk, Graphics, Guest, HostdevSource, Input,
    Interface, MemoryKib, VcpuPin,
};

/// A change of what a guest will be at its next start.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConfigChange {
    /// Memory that it starts with.
    Memory(MemoryKib),
    /// Memory that it may have; less of what it starts with, if that was more.
    MaxMemory(MemoryKib),
    /// Vcpus that are online at the start.
    Vcpus(u32),
    /// Vcpus that it may have; fewer online ones, if there were more.
    MaxVcpus(u32),
    /// Processors that a vcpu may run on.
    Pin {
        /// The vcpu, from 0.
        vcpu: u32,
        /// The processors.
        cpus: Vec<u32>,
    },
    /// Processors that a vcpu should rather run on.
    SoftPin {
        /// The vcpu, from 0.
        vcpu: u32,
        /// The processors.
        cpus: Vec<u32>,
    },
    /// Another device.
    Attach(Device),
    /// Another medium in a drive.
    Update(Device),
    /// One device less.
    Detach(Device),
}

impl ConfigChange {
    /// What it is called in messages.
    pub(crate) fn operation(&self) -> &'static str {
        match self {
            Self::Memory(_) => "setmem",
            Self::MaxMemory(_) => "setmaxmem",
            Self::Vcpus(_) | Self::MaxVcpus(_) => "setvcpus",
            Self::Pin { .. } | Self::SoftPin { .. } => "vcpupin",
            Self::Attach(_) => "attach-device",
            Self::Update(_) => "update-device",
            Self::Detach(_) => "detach-device",
        }
    }

    /// Changes the guest.
    ///
    /// # Errors
    /// More than the guest may have; a device that is there already, or is not.
    pub(crate) fn apply(&self, guest: &mut Guest) -> Result<()> {
        match self {
            Self::Memory(memory) if *memory > guest.memory => Err(self.refused(format!(
                "{} KiB are more than the maximum {} KiB",
                memory.0, guest.memory.0
            ))),
            Self::Memory(memory) => {
                guest.current_memory = Some(*memory);
                Ok(())
            }
            Self::MaxMemory(limit) => {
                let current = guest.current_memory.unwrap_or(guest.memory);
                guest.current_memory = Some(current.min(*limit));
                guest.memory = *limit;
                Ok(())
            }
            Self::Vcpus(count) if *count > guest.vcpus.max => Err(self.refused(format!(
                "{count} vcpus are more than the maximum {}",
                guest.vcpus.max
            ))),
            Self::Vcpus(count) => {
                guest.vcpus.current = (*count < guest.vcpus.max).then_some(*count);
                Ok(())
            }
            Self::MaxVcpus(count) => {
                let online = guest.vcpus.current.unwrap_or(guest.vcpus.max);
                guest.vcpus.max = *count;
                guest.vcpus.current = (online < *count).then_some(online);
                let tune = &mut guest.cpu_tune;
                for pins in [&mut tune.vcpu_pins, &mut tune.soft_pins] {
                    pins.retain(|pin| pin.vcpu < *count);
                }
                Ok(())
            }
            Self::Pin { vcpu, cpus } => self.pin(guest, *vcpu, cpus),
            Self::SoftPin { vcpu, cpus } => self.pin_softly(guest, *vcpu, cpus),
            Self::Attach(device) => self.attach(guest, device),
            Self::Update(device) => self.update(guest, device),
            Self::Detach(device) => self.detach(guest, device),
        }
    }

    fn pin(&self, guest: &mut Guest, vcpu: u32, cpus: &[u32]) -> Result<()> {
        if vcpu >= guest.vcpus.max {
            return Err(self.refused(format!("there is no vcpu {vcpu}")));
        }
        let cpus: CpuSet = cpus.iter().copied().collect();
        if guest.vcpus.max == 1 {
            guest.cpu_tune.vcpu_pins.clear();
            guest.vcpus.cpuset = Some(cpus);
            return Ok(());
        }
        put_pin(&mut guest.cpu_tune.vcpu_pins, VcpuPin { vcpu, cpus });
        Ok(())
    }

    fn pin_softly(&self, guest: &mut Guest, vcpu: u32, cpus: &[u32]) -> Result<()> {
        if vcpu >= guest.vcpus.max {
            return Err(self.refused(format!("there is no vcpu {vcpu}")));
        }
        let cpus = cpus.iter().copied().collect();
        put_pin(&mut guest.cpu_tune.soft_pins, VcpuPin { vcpu, cpus });
        Ok(())
    }

    fn attach(&self, guest: &mut Guest, device: &Device) -> Result<()> {
        let devices = &mut guest.devices;
        match device {
            Device::Disk(disk) => match disk_place(&devices.disks, disk) {
                Some(_) => return Err(self.there(&disk.target)),
                None => devices.disks.push((**disk).clone()),
            },
            Device::Interface(new) => match interface_place(&devices.interfaces, new) {
                Some(_) => return Err(self.there("interface")),
                None => devices.interfaces.push((**new).clone()),
            },
            Device::Hostdev(hostdev) => match host_place(guest, &hostdev.source) {
                Some(_) => return Err(self.there("device of the host")),
                None => guest.devices.hostdevs.push(hostdev.clone()),
            },
            Device::Controller(new) if new.kind == ControllerType::Usb => {
                if controller_place(guest, new).is_some() {
                    return Err(self.there("USB controller"));
                }
                let controllers = &mut guest.devices.controllers;
                let free = Controller::free_index(controllers, new.kind);
                controllers.push(Controller {
                    index: new.index.or(Some(free)),
                    ..new.clone()
                });
            }
            Device::Graphics(new) => match screen_place(guest, new) {
                Some(_) => return Err(self.there("graphics of this kind")),
                None => guest.devices.graphics.push((**new).clone()),
            },
            Device::Input(new) => match input_place(guest, new) {
                Some(_) => return Err(self.there("input device")),
                None => guest.devices.inputs.push(new.clone()),
            },
            other => return Err(self.no_class(other)),
        }
        Ok(())
    }

    fn update(&self, guest: &mut Guest, device: &Device) -> Result<()> {
        let Device::Disk(disk) = device else {
            return Err(self.no_class(device));
        };
        let place = disk_place(&guest.devices.disks, disk);
        let there = place.and_then(|place| guest.devices.disks.get_mut(place));
        let there = there.ok_or_else(|| self.missing(&disk.target))?;
        *there = (**disk).clone();
        Ok(())
    }

    fn detach(&self, guest: &mut Guest, device: &Device) -> Result<()> {
        match device {
            Device::Disk(disk) => {
                let place = disk_place(&guest.devices.disks, disk);
                let place = place.ok_or_else(|| self.missing(&disk.target))?;
                guest.devices.disks.remove(place);
            }
            Device::Interface(interface) => {
                let place = interface_place(&guest.devices.interfaces, interface);
                let place = place.ok_or_else(|| self.missing("interface"))?;
                guest.devices.interfaces.remove(place);
            }
            Device::Hostdev(hostdev) => {
                let place = host_place(guest, &hostdev.source);
                let place = place.ok_or_else(|| self.missing("device of the host"))?;
                guest.devices.hostdevs.remove(place);
            }
            Device::Controller(old) if old.kind == ControllerType::Usb => {
                let place = controller_place(guest, old);
                let place = place.ok_or_else(|| self.missing("USB controller"))?;
                guest.devices.controllers.remove(place);
            }
            Device::Graphics(old) => {
                let place = screen_place(guest, old);
                let place = place.ok_or_else(|| self.missing("graphics of this kind"))?;
                guest.devices.graphics.remove(place);
            }
            Device::Input(old) => {
                let place = input_place(guest, old);
                let place = place.ok_or_else(|| self.missing("input device"))?;
                guest.devices.inputs.remove(place);
            }
            other => return Err(self.no_class(other)),
        }
        Ok(())
    }

    fn refused(&self, reason: String) -> Error {
        Error::Refused {
            operation: self.operation(),
            reason,
        }
    }

    fn there(&self, what: &str) -> Error {
        self.refused(format!("{what} is there already"))
    }

    fn missing(&self, what: &str) -> Error {
        self.refused(format!("{what} is not there"))
    }

    fn no_class(&self, device: &Device) -> Error {
        Error::Unsupported {
            operation: self.operation(),
            reason: format!(
                "disks, interfaces, devices of the host, USB controllers, graphics and input \
                 devices are added and removed and media changed, not a {}: define the guest anew",
                device.element_name()
            ),
        }
    }
}

fn put_pin(pins: &mut Vec<VcpuPin>, pin: VcpuPin) {
    pins.retain(|it| it.vcpu != pin.vcpu);
    pins.push(pin);
    pins.sort_by_key(|pin| pin.vcpu);
}

fn disk_place(disks: &[Disk], disk: &Disk) -> Option<usize> {
    disks.iter().position(|there| there.target == disk.target)
}

/// By address; without one an interface that is the same.
fn interface_place(interfaces: &[Interface], wanted: &Interface) -> Option<usize> {
    interfaces.iter().position(|there| match wanted.mac {
        Some(_) => there.mac == wanted.mac,
        None => there == wanted,
    })
}

fn host_place(guest: &Guest, wanted: &HostdevSource) -> Option<usize> {
    let mut hostdevs = guest.devices.hostdevs.iter();
    hostdevs.position(|there| there.source.is_same(wanted))
}

/// By number; one without is new.
fn controller_place(guest: &Guest, wanted: &Controller) -> Option<usize> {
    wanted.index?;
    let mut controllers = guest.devices.controllers.iter();
    controllers.position(|there| there.kind == wanted.kind && there.index == wanted.index)
}

/// By what serves it: a guest has one of each kind.
fn screen_place(guest: &Guest, wanted: &Graphics) -> Option<usize> {
    let kind = std::mem::discriminant(&wanted.server);
    let mut all = guest.devices.graphics.iter();
    all.position(|there| std::mem::discriminant(&there.server) == kind)
}

fn input_place(guest: &Guest, wanted: &Input) -> Option<usize> {
    let mut all = guest.devices.inputs.iter();
    all.position(|there| (there.kind, there.bus) == (wanted.kind, wanted.bus))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_done_or_refused_whole() {
        let mut guest = Guest::new("web");
        guest.memory = MemoryKib::from_mib(256);
        guest.vcpus.max = 4;
        let change = |change: ConfigChange, guest: &mut Guest| change.apply(guest).is_ok();
        let mib = MemoryKib::from_mib;
        assert!(change(ConfigChange::Memory(mib(128)), &mut guest));
        assert!(!change(ConfigChange::Memory(mib(512)), &mut guest));
        assert!(change(ConfigChange::MaxMemory(mib(64)), &mut guest));
        assert_eq!(
            (guest.current_memory, guest.memory),
            (Some(mib(64)), mib(64))
        );
        assert!(change(ConfigChange::Vcpus(2), &mut guest));
        assert!(!change(ConfigChange::Vcpus(5), &mut guest));
        let cpus = vec![1];
        assert!(change(ConfigChange::Pin { vcpu: 3, cpus }, &mut guest));
        assert!(change(ConfigChange::MaxVcpus(2), &mut guest));
        assert_eq!(
            (guest.vcpus.current, guest.cpu_tune.vcpu_pins.len()),
            (None, 0)
        );
    }

    #[test]
    fn a_controller_without_a_number_gets_one_that_is_free() {
        let mut guest = Guest::new("web");
        let controller = Controller {
            index: None,
            ..Controller::new(ControllerType::Usb, 0)
        };
        let attach = ConfigChange::Attach(Device::Controller(controller));
        attach.apply(&mut guest).unwrap();
        attach.apply(&mut guest).unwrap();
        let numbers = guest.devices.controllers.iter().map(|it| it.index);
        assert_eq!(numbers.collect::<Vec<_>>(), [Some(0), Some(1)]);
    }
}
