//! A folder of configuration files: which names may be guests, and reading one
//! file without being held up or led elsewhere. What a file says is in `guest`.

use super::{Language, Notice};
use rustix::fs::{Mode, OFlags};
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Most names of a folder that are looked at.
pub(super) const NAMES_MAX: usize = 20_000;

/// How the name of a file says that it is no guest.
pub(super) enum Name {
    Is(&'static str),
    Begins(&'static str),
    Ends(&'static str),
}

/// What Xen, packages and people keep beside configurations.
const OTHERS: &[(Name, &str)] = &[
    (Name::Begins("."), "a hidden file"),
    (Name::Begins("#"), "an editor's file"),
    (Name::Ends("~"), "an editor's copy"),
    (Name::Ends("#"), "an editor's file"),
    (Name::Ends(".swp"), "an editor's file"),
    (Name::Ends(".bak"), "a copy"),
    (Name::Ends(".orig"), "a copy"),
    (Name::Ends(".rpmsave"), "a packager's copy"),
    (Name::Ends(".rpmnew"), "a packager's copy"),
    (Name::Ends(".rpmorig"), "a packager's copy"),
    (Name::Ends(".dpkg-old"), "a packager's copy"),
    (Name::Ends(".dpkg-new"), "a packager's copy"),
    (Name::Ends(".dpkg-dist"), "a packager's copy"),
    (Name::Begins("xmexample"), "an example"),
    (Name::Begins("xlexample"), "an example"),
    (Name::Begins("xend-config"), "XenD's settings"),
    (Name::Begins("xend-pci-"), "XenD's list of PCI devices"),
    (Name::Begins("qemu-ifup"), "a script of the device model"),
    (Name::Begins("README"), "a text for people"),
    (Name::Is("xl.conf"), "xl's settings"),
    (Name::Ends(".sxp"), "a configuration of XenD"),
    (Name::Ends(".xml"), "a document"),
];

/// Why a file of this name is never a guest of xm.
pub(super) fn never_a_guest(name: &str) -> Option<&'static str> {
    let found = OTHERS.iter().find(|(rule, _)| rule.is(name));
    found.map(|(_, what)| *what)
}

impl Name {
    pub(super) fn is(&self, name: &str) -> bool {
        match self {
            Self::Is(whole) => name == *whole,
            Self::Begins(start) => name.starts_with(start),
            Self::Ends(end) => name.ends_with(end),
        }
    }
}

/// By which a change of a file is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Device and number of the file.
    pub(super) file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            file: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// What a name stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The file: itself, or what a symbolic link leads to.
    pub(super) path: PathBuf,
    /// The name is a symbolic link.
    pub(super) linked: bool,
    pub(super) stamp: Stamp,
}

/// Names in the folder, sorted, and notices about those that are not looked at.
pub(super) fn names(
    folder: &Path,
    language: Language,
) -> std::io::Result<(Vec<String>, Vec<Notice>)> {
    let (mut names, mut notices, mut seen) = (Vec::new(), Vec::new(), 0);
    for entry in std::fs::read_dir(folder)? {
        seen += 1;
        if seen > NAMES_MAX {
            let reason = format!("more than {NAMES_MAX} names: the others are not looked at");
            notices.push(Notice::unexpected("", reason));
            break;
        }
        match entry?.file_name().into_string() {
            Ok(name) => match language.never_a_guest(&name) {
                Some(what) => notices.push(Notice::usual(name, what)),
                None => names.push(name),
            },
            Err(name) => notices.push(Notice::unexpected(
                name.to_string_lossy(),
                "its name is not UTF-8",
            )),
        }
    }
    names.sort();
    Ok((names, notices))
}

/// Finds out what a name stands for; a notice if it is no file that may be read.
pub(super) fn place(folder: &Path, name: &str, language: Language) -> Result<Place, Notice> {
    let unreadable = |error: std::io::Error| Notice::unexpected(name, error.to_string());
    let path = folder.join(name);
    let own = std::fs::symlink_metadata(&path).map_err(unreadable)?;
    if !own.file_type().is_symlink() {
        return regular(name, &own, language).map(|stamp| Place {
            path,
            linked: false,
            stamp,
        });
    }
    let leads = |to: &str| Notice::unexpected(name, format!("a symbolic link that leads {to}"));
    let target = std::fs::canonicalize(&path).map_err(|_| leads("nowhere"))?;
    let inside = std::fs::canonicalize(folder).map_err(unreadable)?;
    if !target.starts_with(&inside) {
        let to = format!("out of the folder, to {}", target.display());
        return Err(leads(&to));
    }
    let metadata = std::fs::symlink_metadata(&target).map_err(unreadable)?;
    regular(name, &metadata, language).map(|stamp| Place {
        path: target,
        linked: true,
        stamp,
    })
}

/// The text of a file, with the state in which it was read.
pub(super) fn text(
    name: &str,
    place: &Place,
    language: Language,
) -> Result<(String, Stamp), Notice> {
    let max = language.file_max();
    let unreadable = |error: std::io::Error| Notice::unexpected(name, error.to_string());
    // A pipe or a device may have taken the file's place: nothing is waited for.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
    let file = rustix::fs::open(&place.path, flags | OFlags::CLOEXEC, Mode::empty());
    let file = File::from(file.map_err(|error| unreadable(error.into()))?);
    let metadata = file.metadata().map_err(unreadable)?;
    let stamp = regular(name, &metadata, language)?;
    let size = usize::try_from(metadata.len().min(max)).unwrap_or(0);
    let mut bytes = Vec::with_capacity(size + 1);
    let read = file.take(max + 1).read_to_end(&mut bytes);
    read.map_err(unreadable)?;
    if bytes.len() as u64 > max {
        return Err(too_large(name, max));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = error.as_bytes().get(..error.utf8_error().valid_up_to());
        let line = 1 + before.map_or(0, |b| b.iter().filter(|b| **b == b'\n').count());
        Notice::unexpected(name, format!("line {line}: not UTF-8"))
    })?;
    Ok((text, stamp))
}

fn regular(name: &str, metadata: &Metadata, language: Language) -> Result<Stamp, Notice> {
    let max = language.file_max();
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Err(Notice::usual(name, "a folder"));
    }
    if !kind.is_file() {
        let what = match (kind.is_fifo(), kind.is_socket()) {
            (true, _) => "a pipe",
            (_, true) => "a socket",
            _ => "a device",
        };
        return Err(Notice::unexpected(name, what));
    }
    match metadata.len() {
        // Nobody makes a document that is empty, but a disk that was full.
        0 if language == Language::Document => Err(Notice::unexpected(name, "an empty file")),
        0 => Err(Notice::usual(name, "an empty file")),
        size if size > max => Err(too_large(name, max)),
        _ => Ok(Stamp::of(metadata)),
    }
}

fn too_large(name: &str, max: u64) -> Notice {
    let reason = format!("larger than {} KiB, so no configuration", max >> 10);
    Notice::unexpected(name, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtxen_formats::sxpr::ConfigVersion;

    #[test]
    fn names_that_are_never_guests() {
        for name in [
            ".web.swp",
            "#web#",
            "web~",
            "web.rpmsave",
            "xmexample1",
            "xmexample.hvm",
            "xend-config.sxp",
            "xend-pci-quirks.sxp",
            "qemu-ifup",
            "README.incompatibilities",
        ] {
            assert!(never_a_guest(name).is_some(), "{name}");
        }
        for name in ["web", "web.cfg", "vm-1.hvm", "example", "config"] {
            assert!(never_a_guest(name).is_none(), "{name}");
        }
    }

    #[test]
    fn links_are_followed_inside_the_folder_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::create_dir(path.join("vm")).unwrap();
        std::fs::write(path.join("vm/web"), "name = 'web'").unwrap();
        std::os::unix::fs::symlink("vm/web", path.join("inside")).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", path.join("outside")).unwrap();
        std::os::unix::fs::symlink("nowhere", path.join("dangling")).unwrap();
        std::os::unix::fs::symlink("vm", path.join("folder")).unwrap();
        let language = Language::Xm(ConfigVersion::from_number(Some(2)).into());
        let found = place(path, "inside", language).unwrap();
        assert!(found.linked);
        assert_eq!(text("inside", &found, language).unwrap().0, "name = 'web'");
        for (name, why) in [
            ("outside", "out of the folder"),
            ("dangling", "nowhere"),
            ("folder", "a folder"),
        ] {
            let notice = place(path, name, language).unwrap_err();
            assert!(notice.reason.contains(why), "{notice:?}");
        }
    }
}
