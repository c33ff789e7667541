//! Keyboards and pointers of Xen's of a guest that runs. libxl adds them and takes them away,
//! but notes them in XenStore only: there is what a document says of them.
//!
//! | in XenStore | in a document, on the bus xen |
//! | --- | --- |
//! | a keyboard alone, a pointer alone | what was plugged: `keyboard`; `mouse`, or `tablet` if it knows places |
//! | both in one | `mouse` and `keyboard`: what comes with a screen of a PV guest, or what xl plugged |
//! | both in one, the first of an HVM guest | nothing, or what its document says of it: each has it |
//!
//! They are not in the document that is kept with the domain, nor in saved files: libvirt takes
//! none on this bus for an HVM guest and no tablet for another, and libxl restores none.

use super::Running;
use crate::xenstore::{Facts, StoredInput};
use crate::{Error, Result};
use serde_json::json;
use virtxen_guest::{DomId, Guest, Input, InputBus, InputType};
use virtxen_libxl::{Device as Class, Operation};

/// The state of a back end whose front end has connected.
const CONNECTED: &str = "4";

/// Takes into a guest which ones there are.
pub(super) fn take(guest: &mut Guest, there: &[StoredInput]) {
    let hvm = guest.is_hvm();
    let inputs = &mut guest.devices.inputs;
    let is_there = |kind| there.iter().any(|it| kinds(it).contains(&kind));
    inputs.retain(|it| it.bus != Some(InputBus::Xen) || is_there(it.kind));
    for kind in there
        .iter()
        .filter(|it| !(hvm && is_built_in(it)))
        .flat_map(kinds)
    {
        let input = Input::new(*kind, InputBus::Xen);
        if !inputs
            .iter()
            .any(|it| (it.kind, it.bus) == (input.kind, input.bus))
        {
            inputs.push(input);
        }
    }
}

/// What it is in a document.
fn kinds(stored: &StoredInput) -> &'static [InputType] {
    match (stored.keyboard, stored.pointer) {
        (true, true) => &[InputType::Mouse, InputType::Keyboard],
        (true, false) => &[InputType::Keyboard],
        (false, true) if stored.absolute => &[InputType::Tablet],
        (false, true) => &[InputType::Mouse],
        (false, false) => &[],
    }
}

/// Whether it is the one that libxl gives each HVM guest.
fn is_built_in(stored: &StoredInput) -> bool {
    stored.number == 0 && stored.keyboard && stored.pointer
}

impl Running {
    /// Refuses one that nobody would serve: libxl writes it into XenStore all the same.
    pub(super) async fn is_input_served(&self, operation: &'static str) -> Result<()> {
        let facts = self.input_facts(operation)?;
        if facts.has_emulator(DomId(self.domid)).await? {
            return Ok(());
        }
        Err(Error::Refused {
            operation,
            reason: "keyboards and pointers are served by a device model, which this guest has \
                     not: libxl starts one only with a guest that has a screen or a disk in a \
                     format; add a screen to the definition (--config), then shut the guest down \
                     and start it"
                .to_owned(),
        })
    }

    /// Takes one away that has nothing else.
    pub(super) async fn detach_input(&self, operation: &'static str, input: &Input) -> Result<()> {
        let facts = self.input_facts(operation)?;
        let refused = |reason: String| Error::Refused { operation, reason };
        let there = facts.inputs(DomId(self.domid)).await?;
        let mut alone = there.iter().filter(|it| kinds(it) == [input.kind]);
        let Some(device) = alone.next() else {
            let both = there.iter().find(|it| kinds(it).contains(&input.kind));
            return Err(refused(match both {
                Some(both) => format!(
                    "the {} is one device with another one, number {}: xl vkb-detach takes both \
                     away",
                    input.kind, both.number
                ),
                None => "input device is not there".to_owned(),
            }));
        };
        let place = back_end(&device.backend);
        let (domain, kind) = place
            .ok_or_else(|| refused(format!("{} is no back end of a keyboard", device.backend)))?;
        let state = facts.read(&[format!("{}/state", device.backend)]).await?;
        let done = self.done(Operation::Detach {
            domid: self.domid,
            device: Class::Keyboard,
            config: json!({
                "backend_domid": domain, "devid": device.number, "backend_type": kind,
            })
            .to_string(),
            // Of a guest that has no driver for it nobody would answer.
            force: state.first() != Some(&Some(CONNECTED.to_owned())),
        });
        let Err(error) = done.await else {
            return Ok(());
        };
        // libxl takes one away that a guest does not let go, and tells of a failure.
        let left = facts.inputs(DomId(self.domid)).await?;
        match left.iter().any(|it| it.number == device.number) {
            true => Err(error),
            false => Ok(()),
        }
    }

    fn input_facts(&self, operation: &'static str) -> Result<&Facts> {
        let facts = self.libxl.inner.facts.as_ref();
        facts.ok_or_else(|| Error::Unsupported {
            operation,
            reason: "which keyboards and pointers a guest has is in XenStore, which cannot be \
                     asked"
                .to_owned(),
        })
    }
}

/// Who serves a device, and libxl's word for what does: of `/local/domain/0/backend/vkbd/7/1`.
fn back_end(path: &str) -> Option<(u32, &'static str)> {
    let mut parts = path.strip_prefix("/local/domain/")?.split('/');
    let domain = parts.next()?.parse().ok()?;
    match (parts.next()?, parts.next()?) {
        ("backend", "vkbd") => Some((domain, "qemu")),
        ("backend", "vinput") => Some((domain, "linux")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed test is what an unexpected answer should be

    use super::*;
    use virtxen_guest::OsType;

    fn stored(number: u32, keyboard: bool, pointer: bool, absolute: bool) -> StoredInput {
        StoredInput {
            number,
            backend: format!("/local/domain/0/backend/vkbd/7/{number}"),
            keyboard,
            pointer,
            absolute,
        }
    }

    fn words(guest: &Guest) -> Vec<String> {
        let inputs = guest.devices.inputs.iter();
        inputs
            .map(|it| format!("{}-{}", it.kind, it.bus.unwrap()))
            .collect()
    }

    #[test]
    fn a_document_has_those_of_xenstore() {
        let mut guest = Guest::new("g");
        guest.os.kind = OsType::Hvm;
        let of = |kind, bus| Input::new(kind, bus);
        guest.devices.inputs = vec![
            of(InputType::Keyboard, InputBus::Ps2),
            of(InputType::Tablet, InputBus::Xen),
        ];
        let own = stored(0, true, true, false);
        let mut tabled = guest.clone();
        take(&mut tabled, &[own.clone(), stored(3, false, true, true)]);
        assert_eq!(words(&tabled), ["keyboard-ps2", "tablet-xen"]);
        let alone = [own.clone(), stored(1, true, false, false)];
        take(&mut guest, &alone);
        assert_eq!(words(&guest), ["keyboard-ps2", "keyboard-xen"]);
        // The document may mean the one that each has.
        take(&mut guest, std::slice::from_ref(&own));
        assert_eq!(words(&guest), ["keyboard-ps2", "keyboard-xen"]);
        take(&mut guest, &[]);
        assert_eq!(words(&guest), ["keyboard-ps2"]);
        let mut pv = Guest::new("g");
        take(&mut pv, &[own, stored(1, false, true, false)]);
        assert_eq!(words(&pv), ["mouse-xen", "keyboard-xen"]);
    }

    #[test]
    fn back_ends_say_who_serves() {
        let of = |domain: u32, kind: &str| {
            back_end(&format!("/local/domain/{domain}/backend/{kind}/7/1"))
        };
        assert_eq!(of(0, "vkbd"), Some((0, "qemu")));
        assert_eq!(of(5, "vinput"), Some((5, "linux")));
        assert_eq!(of(0, "vif"), None);
        assert_eq!(back_end("/local/domain/x/backend/vkbd/7/1"), None);
    }
}
