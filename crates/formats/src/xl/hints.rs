//! Whether a file is xl's or xm's, which the language itself does not say.

use crate::config::Document;

/// Names that only xl has.
const NAMES: &[&str] = &[
    "acpi_firmware",
    "bios",
    "channel",
    "cmdline",
    "cpuid",
    "device_model_args",
    "device_model_version",
    "firmware_override",
    "max_event_channels",
    "max_grant_frames",
    "nestedhvm",
    "spice",
    "type",
    "usbctrl",
    "usbdev",
    "vga",
    "vnuma",
];

/// Whether only xl can be meant: by a name that xm does not have, or a disk that
/// is not `UNAME,DEV,MODE`. A file of names that both have may be either's.
#[must_use]
pub fn is_xl(document: &Document) -> bool {
    let disks = document.get("disk").and_then(|value| value.as_list());
    let mut disks = disks.unwrap_or_default().iter();
    NAMES.iter().any(|name| document.get(name).is_some())
        || disks.any(|disk| disk.to_text().is_some_and(|text| is_xls_disk(&text)))
}

fn is_xls_disk(text: &str) -> bool {
    let mut words = text.split(',').map(str::trim);
    let first = words.next().unwrap_or_default();
    let named = |word: &str| {
        let keys = [
            "format=",
            "vdev=",
            "access=",
            "backendtype=",
            "target=",
            "devtype=",
        ];
        keys.iter().any(|key| word.starts_with(key))
    };
    // xm has the source with its backend, or none; the mode is the third word.
    named(first) || words.any(named) || (first.starts_with('/') && text.split(',').count() > 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_tell_their_tool() {
        for (text, expected) in [
            ("disk = [ 'phy:/dev/x,hda,w', ',hdc:cdrom,r' ]", false),
            ("disk = [ 'file:/a=b,hda,w' ]", false),
            ("disk = [ '/x,raw,hda,rw' ]", true),
            ("disk = [ 'phy:/x,hda,w', 'vdev=hdb,target=/y' ]", true),
            ("kernel = '/k'", false),
            ("type = 'pvh'", true),
        ] {
            let document = Document::read(text).unwrap();
            assert_eq!(is_xl(&document), expected, "{text}");
        }
    }
}
