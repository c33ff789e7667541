//! Guests and documents: the one place where the host meets the converter, and
//! what is changed in a document without converting it.

use super::XendHost;
use crate::Result;
use crate::carried::{unconvertible, whole};
use virtxen_formats::sxpr::{
    ConfigVersion, Dialect, Runtime, Sxpr, Target, device_to_sxpr, guest_to_sxpr, sxpr_to_guest,
};
use virtxen_formats::{Converted, Note};
use virtxen_guest::{Device, DomId, Guest};

/// What the XenD whose node document this is understands.
pub(super) fn target(node: &virtxen_xend::Node) -> Target {
    Target::new(Dialect::of_release(
        node.config_format,
        node.xen_major,
        node.xen_minor,
        &node.xen_extra,
    ))
}

impl XendHost {
    /// The configuration that makes XenD run this guest.
    pub(super) fn guest_config(&self, guest: &Guest) -> Result<Sxpr> {
        whole(guest_to_sxpr(guest, &self.target))
    }

    /// The guest that a document describes.
    pub(super) async fn to_guest(&self, document: &Sxpr) -> Result<Guest> {
        let domid = document.value("domid").and_then(|text| text.parse().ok());
        let mut runtime = Runtime::default();
        if let (Some(facts), Some(domid)) = (&self.facts, domid.map(DomId)) {
            let (tty, vnc_port) = tokio::join!(facts.terminal(domid, false), facts.vnc_port(domid));
            // The document is whole without them.
            let tty = tty.ok().flatten();
            runtime.tty = tty.map(|path| path.to_string_lossy().into_owned());
            runtime.vnc_port = vnc_port.ok().flatten();
        }
        Ok(self.read(document, &runtime)?.value)
    }

    /// What of a document no guest says.
    pub(super) fn unsaid_of(&self, document: &Sxpr) -> Result<Vec<Note>> {
        Ok(self.read(document, &Runtime::default())?.notes)
    }

    fn read(&self, document: &Sxpr, runtime: &Runtime) -> Result<Converted<Guest>> {
        let version = ConfigVersion::from_number(self.client.first_node().config_format);
        sxpr_to_guest(document, version, runtime).map_err(|error| unconvertible(&error))
    }

    /// The configuration of one device, `(vbd (dev xvdb)…)`.
    pub(super) fn plug_config(&self, device: &Device, document: &Sxpr) -> Result<Sxpr> {
        let image = document
            .child("image")
            .and_then(|image| image.rest().first());
        let hvm = matches!(image.and_then(Sxpr::name), Some("hvm" | "vmx"));
        whole(device_to_sxpr(device, hvm, &self.target))
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
