//! Guests and documents: the one place where the host meets the converter, and
//! what is changed in a document without converting it.

use crate::{Error, Result};
use virtxen_formats::sxpr::Sxpr;
use virtxen_guest::{Device, Guest};
use virtxen_xend::Client;

/// The configuration that makes XenD run this guest.
pub(super) fn from_guest(guest: &Guest, client: &Client) -> Result<Sxpr> {
    Err(unbuilt(&guest.name, client))
}

/// The guest that a document describes.
pub(super) fn to_guest(document: &Sxpr, client: &Client) -> Result<Guest> {
    Err(unbuilt(document.value("name").unwrap_or_default(), client))
}

/// The configuration of one device, `(vbd (dev xvdb)…)`.
pub(super) fn from_device(device: &Device, client: &Client) -> Result<Sxpr> {
    Err(unbuilt(device.element_name(), client))
}

fn unbuilt(what: &str, client: &Client) -> Error {
    Error::Guest {
        reason: format!(
            "the converter for XenD of Xen {} is not built yet: {what}",
            client.release()
        ),
    }
}

/// Sets `(key value)` of a document, in its place or at the end.
pub(super) fn set(document: &mut Sxpr, key: &str, value: &str) {
    let Sxpr::List { items, .. } = document else {
        return;
    };
    let pair = Sxpr::pair(key, value);
    match items.iter_mut().find(|item| item.name() == Some(key)) {
        Some(item) => *item = pair,
        None => items.push(pair),
    }
}

/// What XenD reports of a run and no configuration has.
const RUN: [&str; 11] = [
    "domid",
    "state",
    "status",
    "cpu_time",
    "online_vcpus",
    "start_time",
    "up_time",
    "store_mfn",
    "console_mfn",
    "shutdown_reason",
    "ssidref",
];

/// A document as a configuration: without what XenD reports of a run.
pub(super) fn without_run(document: &Sxpr) -> Sxpr {
    let kept = |item: &&Sxpr| !item.name().is_some_and(|name| RUN.contains(&name));
    let items = document.as_list().unwrap_or_default().iter().filter(kept);
    let console = |item: &&Sxpr| !is_console(item);
    Sxpr::list(items.filter(console).cloned().collect())
}

/// The console that XenD adds to a running domain, which has a place in its
/// memory.
fn is_console(item: &Sxpr) -> bool {
    let device = item.rest().first();
    let console = device.filter(|device| device.name() == Some("console"));
    item.name() == Some("device") && console.is_some_and(|c| c.child("location").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtxen_formats::sxpr::{Limits, read};

    #[test]
    fn a_document_becomes_a_configuration() {
        let text = "(domain (domid 3)(name web)(on_xend_start ignore)(cpu_time 1.5)\
                    (device (vif (mac x)))(device (console (location 3)))(status 2))";
        let mut document = read(text, Limits::default()).unwrap();
        set(&mut document, "on_xend_start", "start");
        set(&mut document, "on_xend_stop", "shutdown");
        let expected = "(domain (name web)(on_xend_start start)(device (vif (mac x)))\
                        (on_xend_stop shutdown))";
        let expected = read(expected, Limits::default()).unwrap();
        assert_eq!(without_run(&document), expected);
    }
}
