//! What libxl has said of guests, kept in mind for as long as XenStore shows that they
//! have the same devices: to ask libxl takes some hundred times as long.
//!
//! What XenStore does not show changes by operations of ours, which forget.

use super::Running;
use crate::xenstore::{StoredBuses, StoredDisk, StoredInput, StoredInterface};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use virtxen_guest::{DomId, Guest, PciAddress, Uuid};

/// Most guests that are kept in mind.
const GUESTS_MAX: usize = 1024;

/// Folders of Domain-0 in which other devices of a guest are, each by its number.
const OTHERS: [&str; 1] = ["vfb"];

/// What libxl has said of a guest.
pub(super) struct Said {
    /// The document that was stored with it.
    pub(super) document: Option<Guest>,
    /// The configuration, in libxl's JSON.
    pub(super) config: String,
    /// What XenStore shows of devices that libxl does not keep with the others; `None` where it
    /// cannot be asked.
    pub(super) stored: Option<StoredDevices>,
}

/// Devices of which libxl's configuration does not always know.
#[derive(Clone, PartialEq)]
pub(super) struct StoredDevices {
    pub(super) pci: Vec<PciAddress>,
    pub(super) usb: StoredBuses,
    pub(super) inputs: Vec<StoredInput>,
}

/// What XenStore shows of a guest's devices.
#[derive(Clone, PartialEq)]
pub(super) struct Signs {
    disks: Vec<StoredDisk>,
    interfaces: Vec<StoredInterface>,
    others: Vec<Vec<String>>,
    pub(super) devices: StoredDevices,
}

/// All that was said.
#[derive(Default)]
pub(super) struct Seen(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    guests: HashMap<(u32, Uuid), (Signs, Arc<Said>)>,
    /// Counts what was forgotten: what was asked for before is not kept.
    forgotten: u64,
}

impl Seen {
    /// What was said of a guest with these devices; else what to give to [`Seen::keep`].
    pub(super) fn find(&self, guest: (u32, Uuid), signs: &Signs) -> Result<Arc<Said>, u64> {
        let kept = self.lock();
        match kept.guests.get(&guest) {
            Some((before, said)) if before == signs => Ok(Arc::clone(said)),
            _ => Err(kept.forgotten),
        }
    }

    pub(super) fn keep(&self, guest: (u32, Uuid), signs: Signs, said: Arc<Said>, since: u64) {
        let mut kept = self.lock();
        if kept.forgotten != since {
            return;
        }
        if kept.guests.len() >= GUESTS_MAX {
            kept.guests.clear();
        }
        kept.guests.insert(guest, (signs, said));
    }

    pub(super) fn forget(&self, domid: u32) {
        let mut kept = self.lock();
        kept.forgotten += 1;
        kept.guests.retain(|(of, _), _| *of != domid);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// What XenStore shows of the guest's devices; `None` where it cannot be asked.
    pub(super) async fn signs(&self) -> Option<Signs> {
        let facts = self.libxl.inner.facts.as_ref()?;
        let domid = DomId(self.domid);
        let domids = [domid];
        let folder = |class| format!("/local/domain/0/backend/{class}/{domid}");
        let folders: Vec<String> = OTHERS.into_iter().map(folder).collect();
        let (disks, interfaces, others, pci, usb, inputs) = tokio::join!(
            facts.disks(&domids),
            facts.interfaces(&domids),
            facts.store().directories(&folders),
            facts.pci_devices(&domids),
            facts.usb(domid),
            facts.inputs(domid),
        );
        Some(Signs {
            disks: disks.ok()?.pop()?,
            interfaces: interfaces.ok()?.pop()?,
            others: others.ok()?,
            devices: StoredDevices {
                pci: pci.ok()?.into_iter().map(|(_, address)| address).collect(),
                usb: usb.ok()?,
                inputs: inputs.ok()?,
            },
        })
    }
}
