//! The documents that conversions are measured on: the examples, and a guest with
//! as many devices as nobody has.
//!
//! All are made here or in `examples/`; none is read from the reference shelf.

use crate::{Error, Result};
use std::fmt::Write as _;
use std::path::Path;

/// A domain document.
pub(crate) struct Document {
    pub(crate) name: String,
    pub(crate) xml: String,
}

impl Document {
    /// What is wrong with it.
    pub(crate) fn error(&self, reason: &dyn std::fmt::Display) -> Error {
        Error::Document {
            name: self.name.clone(),
            reason: reason.to_string(),
        }
    }
}

/// The example guests of the folder.
pub(crate) fn small(folder: &Path) -> Result<Vec<Document>> {
    let error = |reason: std::io::Error| Error::Document {
        name: folder.display().to_string(),
        reason: reason.to_string(),
    };
    let mut documents = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(error)? {
        let path = entry.map_err(error)?.path();
        if path.extension().is_some_and(|name| name == "xml") {
            documents.push(Document {
                name: path.file_stem().unwrap_or_default().display().to_string(),
                xml: std::fs::read_to_string(&path).map_err(error)?,
            });
        }
    }
    documents.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(documents)
}

/// A paravirtualized guest with this many devices: half disks, half interfaces.
pub(crate) fn large(devices: usize) -> Document {
    let mut xml = String::from(
        "<domain type='xen'>\n  <name>warehouse</name>\n  \
         <uuid>c3a1d7f0-6b52-4e8e-9f6d-7e40a2b9d105</uuid>\n  \
         <memory unit='KiB'>8388608</memory>\n  <vcpu placement='static'>8</vcpu>\n  \
         <bootloader>/usr/bin/pygrub</bootloader>\n  \
         <os>\n    <type arch='x86_64' machine='xenpv'>linux</type>\n  </os>\n  <devices>\n",
    );
    for disk in 0..devices / 2 {
        let target = letters(disk);
        let _ = writeln!(
            xml,
            "    <disk type='block' device='disk'>\n      <driver name='phy'/>\n      \
             <source dev='/dev/vg0/warehouse-{disk:03}'/>\n      \
             <target dev='xvd{target}' bus='xen'/>\n    </disk>"
        );
    }
    for interface in 0..devices - devices / 2 {
        let (high, low) = (interface / 256, interface % 256);
        let _ = writeln!(
            xml,
            "    <interface type='bridge'>\n      \
             <mac address='00:16:3e:40:{high:02x}:{low:02x}'/>\n      \
             <source bridge='br-lan'/>\n      <script path='vif-bridge'/>\n    </interface>"
        );
    }
    xml.push_str("  </devices>\n</domain>\n");
    Document {
        name: format!("{devices} devices"),
        xml,
    }
}

/// a … z, aa, ab …: the end of a disk's name.
fn letters(mut number: usize) -> String {
    let mut name = String::new();
    loop {
        let letter = u8::try_from(number % 26).unwrap_or_default();
        name.insert(0, char::from(b'a' + letter));
        if number < 26 {
            return name;
        }
        number = number / 26 - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_guest_has_that_many_devices() {
        let document = large(200);
        let count = |tag: &str| document.xml.matches(tag).count();
        assert_eq!((count("<disk "), count("<interface ")), (100, 100));
        assert!(document.xml.contains("'xvdcv'"));
    }

    #[test]
    fn disks_are_named_as_linux_does() {
        assert_eq!(
            [0, 25, 26, 701, 702].map(letters),
            ["a", "z", "aa", "zz", "aaa"]
        );
    }
}
