//! Folders of the host that a guest mounts: `p9s`, `p9` in Xen 4.9, libvirt's
//! `<filesystem>`, which the guest model carries as it is written.

use super::section::Section;
use super::write::Writer;
use crate::convert::Notes;
use virtxen_guest::{Devices, Element};

/// libvirt's element.
pub(super) const ELEMENT: &str = "filesystem";

/// The one way that Xen's 9pfs treats owners: as they are on the host.
const SECURITY_MODEL: &str = "none";

/// What libvirt says for that.
const ACCESS_MODE: &str = "passthrough";

/// Writes the folders.
pub(super) fn write(writer: &mut Writer<'_>) {
    let devices = &writer.guest.devices;
    let folders = devices.others.iter().filter(|it| it.name == ELEMENT);
    let mut list = Vec::new();
    for (i, element) in folders.enumerate() {
        let path = format!("/domain/devices/{ELEMENT}[{}]", i + 1);
        let part = |name: &str| element.child(name)?.attribute("dir");
        let (Some(source), Some(target)) = (part("source"), part("target")) else {
            let reason = "libxl shares a folder under a tag";
            writer.notes.essential(path, reason);
            continue;
        };
        let mut out = super::write::Out::new("device_p9", super::Release::NEWEST);
        out.set("tag", target);
        out.set("path", source);
        out.set("security_model", SECURITY_MODEL);
        list.push(out.into_value());
        note_rest(element, &path, &mut writer.notes);
    }
    let key = match writer.config.has("p9") {
        true => "p9",
        false => "p9s",
    };
    writer.list(key, list, "/domain/devices/filesystem");
}

fn note_rest(element: &Element, path: &str, notes: &mut Notes) {
    for attribute in &element.attributes {
        let known = match attribute.name.as_str() {
            "type" => attribute.value == "mount",
            "accessmode" => attribute.value == ACCESS_MODE,
            _ => false,
        };
        if !known {
            let path = format!("{path}/@{}", attribute.name);
            notes.setting(path, "libxl does not know it");
        }
    }
    for child in element.elements() {
        if !matches!(child.name.as_str(), "source" | "target") {
            let path = format!("{path}/{}", child.name);
            notes.setting(path, "libxl does not know it");
        }
    }
}

/// Reads the folders.
pub(super) fn read(config: &mut Section<'_>, devices: &mut Devices, notes: &mut Notes) {
    let mut folders = config.list("p9s", notes);
    folders.extend(config.list("p9", notes));
    let mut elements = Vec::new();
    for mut folder in folders {
        let (tag, path) = (folder.text("tag", notes), folder.text("path", notes));
        let model = folder.text("security_model", notes);
        if let Some(model) = model.filter(|model| model != SECURITY_MODEL) {
            let reason = format!("{model} is read as {ACCESS_MODE}");
            notes.setting(folder.place("security_model"), reason);
        }
        match (tag, path) {
            (Some(tag), Some(path)) => {
                let element = Element::new(ELEMENT)
                    .with("type", "mount")
                    .with("accessmode", ACCESS_MODE)
                    .with_child(Element::new("source").with("dir", path))
                    .with_child(Element::new("target").with("dir", tag));
                elements.push(element);
            }
            _ => {
                let reason = "a document has folders with a path and a tag";
                notes.essential(folder.place("path"), reason);
            }
        }
        folder.finish(notes);
    }
    // As libvirt orders them.
    devices.others.splice(0..0, elements);
}
