//! What XenStore knows of domains: one documented place for each fact.
//!
//! | fact | place |
//! | --- | --- |
//! | name | `/local/domain/N/name` |
//! | uuid | last part of `/local/domain/N/vm`; where hypercalls serve, the domain's handle |
//! | guest type before Xen 3.0.4 | `/vm/UUID/image/ostype` |
//! | terminal | `/local/domain/N/console/tty`, for HVM guests without it `serial/0/tty`; with libxl the other way round |
//! | VNC port and address | `/local/domain/N/console/vnc-port`; `/local/domain/0/backend/vfb/N/0/vnclisten`, of an emulator `/local/domain/N/console/vnc-listen` |
//! | balloon target, in KiB | `/local/domain/N/memory/target` |
//! | memory that it was started for, in KiB | `/local/domain/N/memory/static-max` |
//! | memory that it says it uses, in KiB | `/local/domain/N/memory/meminfo` |
//! | disks | `/local/domain/0/backend/{vbd,tap,qdisk}/N` |
//! | interfaces | `/local/domain/0/backend/vif/N` |
//! | PCI devices of the host | `/local/domain/0/backend/pci/N` |
//! | USB controllers and devices | `/libxl/N/device/vusb`, ports in the back ends that it names |
//! | keyboards and pointers of Xen's | `/libxl/N/device/vkbd` |
//! | whether an emulator has started, its process | `/local/domain/0/device-model/N/state`, `/local/domain/N/image/device-model-pid` |
//! | devices that another domain serves | `/local/domain/N/device/{vbd,vif}` |
//! | vcpus | `/local/domain/N/cpu/V/availability` |
//!
//! Nodes below a domain can be written by its guest: texts are bounded, numbers
//! checked. Changes are in `watch`, monitoring without hypercalls in `list`.

mod device;
mod emulator;
mod homes;
mod input;
mod list;
mod names;
mod pci;
mod usb;
mod watch;

pub(crate) use device::{StoredDisk, StoredInterface};
pub(crate) use input::StoredInput;
pub(crate) use list::StoreMonitor;
pub(crate) use names::{Asked, Identity, Known, Names, Types};
pub(crate) use usb::{StoredBuses, StoredUsb};
pub(crate) use watch::Changes;

use crate::{Error, Result, VncServer};
use std::path::PathBuf;
use virtxen_guest::{DomId, Uuid};
use virtxen_xenstore::Store;

/// Longest name that is taken from XenStore.
const NAME_MAX: usize = 1024;

/// Facts about domains that XenStore has.
#[derive(Clone)]
pub(crate) struct Facts {
    store: Store,
}

impl Facts {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The pseudo-terminal of a domain's first console; with `serial` that of an
    /// emulated port is the first one.
    pub(crate) async fn terminal(&self, domid: DomId, serial: bool) -> Result<Option<PathBuf>> {
        let mut paths = ["console/tty", "serial/0/tty"];
        if serial {
            paths.reverse();
        }
        for path in paths {
            if let Some(tty) = self.node(domid, path).await? {
                return Ok(Some(PathBuf::from(tty)));
            }
        }
        Ok(None)
    }

    /// TCP port of a domain's VNC server, while it has one.
    pub(crate) async fn vnc_port(&self, domid: DomId) -> Result<Option<u16>> {
        let port = self.node(domid, "console/vnc-port").await?;
        Ok(port.and_then(|port| port.parse().ok().filter(|port| *port != 0)))
    }

    /// Where a domain's VNC server listens, while it has one. The address of a
    /// framebuffer is on the side of its back end.
    pub(crate) async fn vnc(&self, domid: DomId) -> Result<Option<VncServer>> {
        let listen = format!("/local/domain/0/backend/vfb/{domid}/0/vnclisten");
        let console = format!("/local/domain/{domid}/console");
        let paths = [
            format!("{console}/vnc-port"),
            listen,
            format!("{console}/vnc-listen"),
        ];
        let values = self.read(&paths).await?;
        let [port, listen, emulator] = &values[..] else {
            return Ok(None);
        };
        let listen = listen.as_ref().or(emulator.as_ref());
        let port = port.as_ref().and_then(|port| port.parse().ok());
        Ok(port.filter(|port| *port != 0).map(|port| VncServer {
            address: listen.cloned().unwrap_or_default(),
            port,
        }))
    }

    /// Values of nodes, in one round trip.
    pub(crate) async fn read(&self, paths: &[String]) -> Result<Vec<Option<String>>> {
        let values = self.store.read_texts(paths).await;
        values.map_err(|error| self.failed(error))
    }

    /// Whether the domain was built fully virtualized, where the hypervisor does
    /// not tell.
    pub(crate) fn type_path(uuid: Uuid) -> String {
        format!("/vm/{uuid}/image/ostype")
    }

    pub(crate) fn failed(&self, error: virtxen_xenstore::Error) -> Error {
        Error::Channel {
            channel: format!("XenStore at {}", self.store.node()),
            reason: error.to_string(),
            source: Some(Box::new(error)),
        }
    }

    /// A node of a domain; an empty one is as good as none.
    async fn node(&self, domid: DomId, path: &str) -> Result<Option<String>> {
        let path = format!("/local/domain/{domid}/{path}");
        let value = self.store.read_text(&path).await;
        let value = value.map_err(|error| self.failed(error))?;
        Ok(value.filter(|value| !value.is_empty()))
    }
}

/// Where a domain's name is.
pub(crate) fn name_path(domid: u32) -> String {
    format!("/local/domain/{domid}/name")
}

/// A name as it is shown: a domain that is being built or has been taken down has
/// none, and gets what XenD calls such domains.
pub(crate) fn name_or_stand_in(name: Option<String>, domid: u32, uuid: Uuid) -> String {
    match name {
        Some(name) if !name.is_empty() && name.len() <= NAME_MAX => name,
        _ if domid == 0 => "Domain-0".to_owned(),
        _ => format!("Domain-{uuid}"),
    }
}
