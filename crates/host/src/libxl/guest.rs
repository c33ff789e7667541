//! A domain that runs as a guest: the document that was stored with it, what libxl
//! keeps of its devices, and what XenStore says of its consoles and back ends.
//!
//! | of the guest | from |
//! | --- | --- |
//! | what no configuration of Xen has: title, metadata, aliases | the document |
//! | which disks, interfaces and devices of the host there are | libxl, which also knows what xl has plugged |
//! | all of a domain that xl started | libxl |
//! | keyboards and pointers of Xen's, terminals, ports of VNC, names of interfaces | XenStore |
//! | memory and vcpus | the hypervisor |

use super::failure::unexpected;
use super::seen::{Said, StoredDevices};
use super::{Running, config, input};
use crate::xenstore::{Facts, StoredInput};
use crate::{Error, Result};
use std::borrow::Cow;
use std::sync::Arc;
use virtxen_formats::libxl::text_to_guest;
use virtxen_formats::{Converted, Note};
use virtxen_guest::{
    Chardev, ChardevSource, ChardevTargetType, Controller, ControllerType, Devices, Disk,
    DiskDevice, DomId, GraphicsServer, Guest, Hostdev, HostdevSource, Interface, MacAddress,
    MemoryKib, ParseOptions, parse_guest,
};
use virtxen_libxl::{Operation, Outcome};

/// A guest with the configuration that libxl keeps of it, in libxl's JSON.
pub(super) struct Kept {
    /// With the keyboards and pointers of Xen's that it started with.
    pub(super) guest: Guest,
    pub(super) config: String,
    /// Those that it has; `None` where XenStore cannot be asked.
    inputs: Option<Vec<StoredInput>>,
}

impl Running {
    /// The guest as it is now.
    pub(crate) async fn guest(&self) -> Result<Guest> {
        let Kept {
            mut guest, inputs, ..
        } = self.kept().await?;
        if let Some(inputs) = inputs {
            input::take(&mut guest, &inputs);
        }
        Ok(guest)
    }

    /// What libxl keeps of a guest that xl started and no document says.
    pub(crate) async fn unsaid(&self) -> Result<Vec<Note>> {
        // Domain-0 has no configuration.
        if self.domid == 0 {
            return Ok(Vec::new());
        }
        let said = self.said().await?;
        match said.document {
            Some(_) => Ok(Vec::new()),
            None => Ok(self.read(&self.config_with_devices(&said).await?)?.notes),
        }
    }

    fn read(&self, config: &str) -> Result<Converted<Guest>> {
        text_to_guest(config).map_err(|error| Error::Guest {
            reason: format!("what libxl keeps of '{}': {error}", self.name()),
        })
    }

    /// What libxl keeps, with the PCI and USB devices that XenStore shows: before Xen 4.15 it
    /// leaves out the first PCI device that came while the guest ran, and always USB devices whose
    /// ports are known; it keeps others that are gone.
    async fn config_with_devices<'a>(&self, said: &'a Said) -> Result<Cow<'a, str>> {
        let mut config = Cow::Borrowed(said.config.as_str());
        let Some(StoredDevices { pci, usb, .. }) = &said.stored else {
            return Ok(config);
        };
        if !pci.is_empty() {
            config = Cow::Owned(config::with_pci(&config, pci)?);
        }
        if let Some(files) = &self.libxl.inner.files
            && !usb.controllers.is_empty()
        {
            let names = usb.devices.iter().map(|it| it.name.clone()).collect();
            let found = files.usb_named("dumpxml", names).await?;
            let devices = usb.devices.iter().zip(&found);
            let devices = devices.filter_map(|(device, place)| Some((device, (*place)?)));
            config = Cow::Owned(config::with_usb(&config, devices)?);
        }
        Ok(config)
    }

    pub(super) async fn kept(&self) -> Result<Kept> {
        let said = self.said().await?;
        let config = self.config_with_devices(&said).await?;
        let actual = self.read(&config)?.value;
        let mut guest = match said.document.clone() {
            Some(mut guest) => {
                take_devices(&mut guest.devices, actual.devices);
                guest
            }
            None => actual,
        };
        self.complete(&mut guest).await;
        Ok(Kept {
            guest,
            config: config.into_owned(),
            inputs: said.stored.as_ref().map(|it| it.inputs.clone()),
        })
    }

    /// What libxl says of the guest, or said when it had the same devices.
    pub(super) async fn said(&self) -> Result<Arc<Said>> {
        let seen = &self.libxl.inner.seen;
        let guest = (self.domid, self.info.uuid);
        // Before libxl is asked: what changes meanwhile is then seen the next time.
        let signs = self.signs().await;
        let since = match signs.as_ref().map(|signs| seen.find(guest, signs)) {
            Some(Ok(said)) => return Ok(said),
            Some(Err(since)) => Some(since),
            None => None,
        };
        let (document, config) = tokio::join!(self.document(), self.configuration());
        let said = Arc::new(Said {
            document: document?,
            config: config?,
            stored: signs.as_ref().map(|signs| signs.devices.clone()),
        });
        if let (Some(signs), Some(since)) = (signs, since) {
            seen.keep(guest, signs, Arc::clone(&said), since);
        }
        Ok(said)
    }

    /// The document that was stored with the domain; `None` of one that xl started, or
    /// if it cannot be read.
    pub(super) async fn document(&self) -> Result<Option<Guest>> {
        let text = self.document_text().await?;
        let parsed = text.and_then(|text| parse_guest(&text, &ParseOptions::default()).ok());
        Ok(parsed.map(|parsed| parsed.value))
    }

    /// Whether virtxen or libvirt had it started: xl stores no document.
    pub(crate) async fn has_document(&self) -> Result<bool> {
        Ok(self.document_text().await?.is_some())
    }

    async fn document_text(&self) -> Result<Option<String>> {
        let domid = self.domid;
        match self.ask(Operation::Document { domid }).await? {
            Outcome::Document { text } => Ok(text),
            _ => Err(unexpected("document")),
        }
    }

    /// Stores the guest with the domain.
    pub(super) async fn store(&self, guest: &Guest) -> Result<()> {
        let operation = Operation::StoreDocument {
            domid: self.domid,
            text: config::document(guest),
        };
        self.done(operation).await
    }

    async fn configuration(&self) -> Result<String> {
        let domid = self.domid;
        match self.ask(Operation::Configuration { domid }).await? {
            Outcome::Answer { text } => Ok(text),
            _ => Err(unexpected("configuration")),
        }
    }

    /// Adds what only the hypervisor and XenStore know. A guest is whole without what
    /// they do not tell.
    async fn complete(&self, guest: &mut Guest) {
        let info = &self.info;
        guest.id = Some(DomId(self.domid));
        guest.name.clone_from(&info.name);
        guest.uuid = Some(info.uuid);
        guest.vcpus.current = (info.vcpus < guest.vcpus.max).then_some(info.vcpus);
        let Some(facts) = &self.libxl.inner.facts else {
            return;
        };
        let domid = DomId(self.domid);
        let domids = [domid];
        let video = [format!("/local/domain/{domid}/memory/videoram")];
        let (balloons, video, vnc, interfaces) = tokio::join!(
            facts.balloons(&domids),
            facts.read(&video),
            facts.vnc_port(domid),
            facts.interfaces(&domids),
        );
        let told = balloons.ok().and_then(|told| told.first().copied());
        if let Some([target, most, _]) = told {
            guest.memory = most.map_or(guest.memory, MemoryKib);
            // An emulated card has its share, which the balloon's target leaves out.
            let video = video.ok().and_then(|read| read.first().cloned().flatten());
            let video = video.and_then(|text| text.parse().ok()).unwrap_or(0);
            let current = target.map(|target| MemoryKib(target.saturating_add(video)));
            guest.current_memory = current.or(guest.current_memory);
        }
        for graphics in &mut guest.devices.graphics {
            if let (GraphicsServer::Vnc(server), Ok(Some(port))) = (&mut graphics.server, &vnc) {
                server.port = Some(*port);
            }
        }
        for stored in interfaces
            .ok()
            .and_then(|mut all| all.pop())
            .into_iter()
            .flatten()
        {
            let mac = stored.mac.as_deref().and_then(|mac| mac.parse().ok());
            let emulated = guest.is_hvm();
            if let Some(interface) = interface_of(&mut guest.devices.interfaces, mac) {
                let emulated = emulated && interface.model.as_deref() != Some("netfront");
                let suffix = if emulated { "-emu" } else { "" };
                let name = || format!("vif{domid}.{}{suffix}", stored.handle);
                interface
                    .target
                    .get_or_insert_with(|| stored.name.clone().unwrap_or_else(name));
            }
        }
        name_terminals(facts, domid, &mut guest.devices).await;
    }
}

/// Terminals of pseudo-terminals: serial ports of the emulator by their numbers, the
/// console of the guest's drivers.
async fn name_terminals(facts: &Facts, domid: DomId, devices: &mut Devices) {
    const PORTS_MAX: usize = 8;
    let home = format!("/local/domain/{domid}");
    let ports = devices.serials.len().min(PORTS_MAX);
    let mut paths: Vec<String> = (0..ports)
        .map(|it| format!("{home}/serial/{it}/tty"))
        .collect();
    paths.push(format!("{home}/console/tty"));
    let Ok(mut terminals) = facts.read(&paths).await else {
        return;
    };
    let own = terminals.pop().flatten();
    let serial = terminals.first().cloned().flatten();
    for (port, terminal) in devices.serials.iter_mut().zip(terminals) {
        name_terminal(port, terminal);
    }
    for console in &mut devices.consoles {
        let is_serial = console.target.kind == Some(ChardevTargetType::Serial);
        let terminal = if is_serial {
            serial.clone()
        } else {
            own.clone()
        };
        name_terminal(console, terminal);
    }
}

fn name_terminal(device: &mut Chardev, terminal: Option<String>) {
    if let ChardevSource::Pty { path } = &mut device.source {
        *path = terminal.filter(|terminal| !terminal.is_empty());
    }
}

fn interface_of(interfaces: &mut [Interface], mac: Option<MacAddress>) -> Option<&mut Interface> {
    let mac = mac?;
    interfaces.iter_mut().find(|there| there.mac == Some(mac))
}

/// Takes into a document which devices there are: what is gone goes, what came comes,
/// drives have the media that are in them.
fn take_devices(devices: &mut Devices, actual: Devices) {
    take(&mut devices.disks, actual.disks, same_disk, |there, now| {
        if there.device == DiskDevice::Cdrom && there.source != now.source {
            there.source = now.source;
            there.driver = now.driver;
        }
    });
    let cards: Vec<Interface> = std::mem::take(&mut devices.interfaces);
    let (passed, mut cards): (Vec<_>, Vec<_>) = cards.into_iter().partition(is_passed);
    take(&mut cards, actual.interfaces, same_interface, |_, _| {});
    let addresses: Vec<HostdevSource> = passed.iter().filter_map(passed_source).collect();
    cards.extend(passed);
    devices.interfaces = cards;
    let hostdevs = actual.hostdevs.into_iter();
    let hostdevs = hostdevs.filter(|it| !addresses.iter().any(|one| one.is_same(&it.source)));
    let same = |a: &Hostdev, b: &Hostdev| a.source.is_same(&b.source);
    take(&mut devices.hostdevs, hostdevs.collect(), same, |_, _| {});
    take_controllers(&mut devices.controllers, actual.controllers);
}

/// The same for USB controllers; of others libxl tells limits only.
fn take_controllers(controllers: &mut Vec<Controller>, mut actual: Vec<Controller>) {
    // A document that others stored may leave numbers to libxl, which has them in this order.
    Controller::number(controllers);
    actual.retain(is_usb);
    let same = |a: &Controller, b: &Controller| a.kind == b.kind && a.index == b.index;
    let is_there = |it: &Controller| !is_usb(it) || actual.iter().any(|now| same(it, now));
    controllers.retain(is_there);
    actual.retain(|now| !controllers.iter().any(|there| same(there, now)));
    controllers.append(&mut actual);
}

fn is_usb(controller: &Controller) -> bool {
    controller.kind == ControllerType::Usb
}

fn take<T>(
    devices: &mut Vec<T>,
    actual: Vec<T>,
    same: impl Fn(&T, &T) -> bool,
    change: impl Fn(&mut T, T),
) {
    devices.retain(|there| actual.iter().any(|now| same(there, now)));
    for now in actual {
        match devices.iter_mut().find(|there| same(there, &now)) {
            Some(there) => change(there, now),
            None => devices.push(now),
        }
    }
}

fn same_disk(a: &Disk, b: &Disk) -> bool {
    a.target == b.target
}

fn same_interface(a: &Interface, b: &Interface) -> bool {
    a.mac == b.mac
}

fn is_passed(interface: &Interface) -> bool {
    passed_source(interface).is_some()
}

fn passed_source(interface: &Interface) -> Option<HostdevSource> {
    match interface.source {
        virtxen_guest::InterfaceSource::Hostdev { address, .. } => Some(HostdevSource::Pci {
            address,
            write_filtering: None,
            power_filtering: None,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn controllers(all: &[(ControllerType, Option<u32>)]) -> Vec<Controller> {
        let controller = |&(kind, index): &(ControllerType, Option<u32>)| Controller {
            index,
            ..Controller::new(kind, 0)
        };
        all.iter().map(controller).collect()
    }

    #[test]
    fn a_controller_without_a_number_is_the_one_that_libxl_has() {
        use ControllerType::{Usb, Xenbus};
        let mut there = controllers(&[(Usb, None), (Usb, Some(0))]);
        take_controllers(&mut there, controllers(&[(Usb, Some(0)), (Usb, Some(1))]));
        assert_eq!(there, controllers(&[(Usb, Some(1)), (Usb, Some(0))]));
        // The bus has the number 0 too, and is not the controller that was taken away.
        let mut there = controllers(&[(Xenbus, Some(0)), (Usb, None), (Usb, Some(1))]);
        take_controllers(
            &mut there,
            controllers(&[(Xenbus, Some(0)), (Usb, Some(1))]),
        );
        assert_eq!(there, controllers(&[(Xenbus, Some(0)), (Usb, Some(1))]));
    }
}
