//! The words of one xl disk: positions (`TARGET,FORMAT,VDEV,ACCESS`), names
//! (`vdev=xvda`), flags, and the prefixes of xm's files (`phy:`, `tap:aio:`).
//!
//! `target=` takes the rest with all commas. What the words mean is in `disk`.

use crate::convert::{Error, Notes, excerpt};
use crate::keys::Entry;

/// What a disk says, unchecked; an empty text says nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct DiskWords {
    pub(super) target: Option<String>,
    pub(super) format: Option<String>,
    pub(super) vdev: Option<String>,
    pub(super) access: Option<String>,
    pub(super) devtype: Option<String>,
    pub(super) backendtype: Option<String>,
    pub(super) backend: Option<String>,
    pub(super) script: Option<String>,
    pub(super) discard: Option<bool>,
}

/// Prefixes that name a format, and what xl calls it.
const FORMATS: &[(&str, &str)] = &[
    ("raw:", "raw"),
    ("aio:", "raw"),
    ("qcow2:", "qcow2"),
    ("qcow:", "qcow"),
    ("qed:", "qed"),
    ("vhd:", "vhd"),
    ("vdi:", "vdi"),
];

/// Prefixes that name a backend; xl chooses its own for most.
const BACKENDS: &[(&str, Option<&str>)] = &[
    ("tap2:", None),
    ("tap:", None),
    ("tapdisk:", None),
    ("file:", None),
    ("phy:", Some("phy")),
];

impl DiskWords {
    /// Reads one entry.
    pub(super) fn read(entry: &Entry, notes: &mut Notes) -> Result<Self, Error> {
        let mut words = Self::default();
        let mut rest = entry.text.as_str();
        while !rest.is_empty() {
            rest = rest.trim_start();
            if let Some(target) = rest.strip_prefix("target=") {
                words.set_target(target, entry)?;
                break;
            }
            let (word, after) = rest.split_once(',').unwrap_or((rest, ""));
            words.take(word.trim_end(), entry, notes)?;
            rest = after;
        }
        Ok(words)
    }

    fn take(&mut self, word: &str, entry: &Entry, notes: &mut Notes) -> Result<(), Error> {
        if let Some((key, value)) = word.split_once('=') {
            return self.set(key.trim_end(), value.trim_start(), entry, notes);
        }
        match word {
            "cdrom" => self.devtype = Some("cdrom".to_owned()),
            "discard" => self.discard = Some(true),
            "no-discard" => self.discard = Some(false),
            "direct-io-safe" => note(entry, word, notes),
            "r" | "ro" | "w" | "rw" if self.target.is_some() && self.vdev.is_some() => {
                self.access = Some(word.to_owned());
            }
            _ => return self.position(word, entry),
        }
        Ok(())
    }

    /// A word without a name is the first of the four that is not said yet.
    fn position(&mut self, word: &str, entry: &Entry) -> Result<(), Error> {
        if self.target.is_none() {
            return self.set_position_target(word, entry);
        }
        let place = [&mut self.format, &mut self.vdev, &mut self.access];
        match place.into_iter().find(|place| place.is_none()) {
            Some(place) => {
                *place = Some(word.to_owned());
                Ok(())
            }
            None => Err(malformed(entry, word, "one of four words by position")),
        }
    }

    /// A target with prefixes of xm's files; these have no format by position.
    fn set_position_target(&mut self, word: &str, entry: &Entry) -> Result<(), Error> {
        let mut rest = word;
        let mut old = false;
        for (prefix, backend) in BACKENDS {
            if let Some(after) = rest.strip_prefix(prefix) {
                rest = after;
                old = true;
                if let Some(backend) = backend {
                    self.backendtype = Some((*backend).to_owned());
                }
            }
        }
        for (prefix, format) in FORMATS {
            if let Some(after) = rest.strip_prefix(prefix) {
                rest = after;
                old = true;
                self.format = Some((*format).to_owned());
                break;
            }
        }
        if old {
            self.format.get_or_insert_with(String::new);
        }
        self.set_target(rest, entry)
    }

    fn set_target(&mut self, target: &str, entry: &Entry) -> Result<(), Error> {
        if self.target.is_some() {
            return Err(malformed(entry, target, "the only target"));
        }
        self.target = Some(target.to_owned());
        Ok(())
    }

    fn set(
        &mut self,
        key: &str,
        value: &str,
        entry: &Entry,
        notes: &mut Notes,
    ) -> Result<(), Error> {
        let place = match key {
            "format" => &mut self.format,
            "vdev" => &mut self.vdev,
            "access" => &mut self.access,
            "devtype" => &mut self.devtype,
            "backendtype" => &mut self.backendtype,
            "backend" => &mut self.backend,
            "script" => &mut self.script,
            _ => {
                note(entry, key, notes);
                return Ok(());
            }
        };
        *place = Some(value.to_owned());
        Ok(())
    }
}

fn note(entry: &Entry, word: &str, notes: &mut Notes) {
    let path = format!("{}/{}", entry.path, excerpt(word));
    notes.setting_at(path, entry.at, "it has no place in the domain document");
}

/// The error for a word of a disk.
pub(super) fn malformed(entry: &Entry, value: &str, expected: &'static str) -> Error {
    Error::Malformed {
        path: entry.path.clone(),
        at: Some(entry.at),
        value: excerpt(value),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> [String; 5] {
        let entry = Entry {
            text: text.to_owned(),
            path: "disk[1]".to_owned(),
            at: 0,
        };
        let words = DiskWords::read(&entry, &mut Notes::default()).unwrap();
        let parts = [
            words.target,
            words.format,
            words.vdev,
            words.access,
            words.backendtype,
        ];
        parts.map(Option::unwrap_or_default)
    }

    #[test]
    fn all_syntaxes_are_read() {
        for (text, expected) in [
            ("/a,raw,hda,rw", ["/a", "raw", "hda", "rw", ""]),
            ("/a,,hda,,backendtype=phy", ["/a", "", "hda", "", "phy"]),
            ("/a, qcow2, hda, w", ["/a", "qcow2", "hda", "w", ""]),
            ("/a,hda", ["/a", "hda", "", "", ""]),
            ("format=qed,/a,hda", ["/a", "qed", "hda", "", ""]),
            (
                "vdev=hda,target=/a,b=c,r ",
                ["/a,b=c,r ", "", "hda", "", ""],
            ),
            ("phy:/dev/x,hda,w", ["/dev/x", "", "hda", "w", "phy"]),
            (
                "tap:aio:/x,hda:cdrom,r",
                ["/x", "raw", "hda:cdrom", "r", ""],
            ),
            ("tap2:tapdisk:vhd:/x,sda,w", ["/x", "vhd", "sda", "w", ""]),
            (
                "format=raw,vdev=hdd,access=ro",
                ["", "raw", "hdd", "ro", ""],
            ),
            (",,hdc,ro,cdrom", ["", "", "hdc", "ro", ""]),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_fifth_position_is_refused() {
        let entry = Entry {
            text: "/a,raw,hda,w,more".to_owned(),
            path: "disk[1]".to_owned(),
            at: 7,
        };
        let error = DiskWords::read(&entry, &mut Notes::default()).unwrap_err();
        assert!(matches!(error, Error::Malformed { at: Some(7), .. }));
    }
}
