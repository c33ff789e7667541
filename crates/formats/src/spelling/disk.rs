//! Disks as XenD and xm spell them: `phy:/dev/x`, `tap:aio:/x`, `hdc:cdrom`; xl
//! reads them too.
//!
//! The lists that they stand in are in each language's folder.

use crate::convert::{Notes, excerpt};
use virtxen_guest::{Disk, DiskDevice, DiskDriver, DiskSource};

/// `hda:disk`, `hdc:cdrom`, `xvda`, and `ioemu:hda` of the first releases. As in
/// XenD, the name ends at the first colon after that.
pub(crate) fn target_of(dev: &str, path: &str, notes: &mut Notes) -> (DiskDevice, String) {
    let name = dev.strip_prefix("ioemu:").unwrap_or(dev);
    let Some((name, kind)) = name.split_once(':') else {
        return (DiskDevice::Disk, name.to_owned());
    };
    let device = match kind {
        "cdrom" => DiskDevice::Cdrom,
        "floppy" => DiskDevice::Floppy,
        "disk" => DiskDevice::Disk,
        _ => {
            let reason = format!("'{}' is read as a disk", excerpt(kind));
            notes.setting(format!("{path}/dev"), reason);
            DiskDevice::Disk
        }
    };
    (device, name.to_owned())
}

/// Backend, format and path of a `uname`; `class` is XenD's class of the device.
pub(crate) fn source_of(uname: &str, class: &str) -> (DiskDriver, DiskSource) {
    let (backend, rest) = uname.split_once(':').unwrap_or(("file", uname));
    let path = |path: &str| (!path.is_empty()).then(|| path.to_owned());
    let named = |name: &str, format: Option<&str>| DiskDriver {
        name: Some(name.to_owned()),
        format: format.map(str::to_owned),
        ..DiskDriver::default()
    };
    match backend {
        "phy" => {
            // XenD looks for a bare name in /dev.
            let full = if rest.is_empty() || rest.starts_with('/') {
                path(rest)
            } else {
                Some(format!("/dev/{rest}"))
            };
            (named("phy", None), DiskSource::Block { path: full })
        }
        "tap" | "tap2" => {
            // Xen 4.0 writes tap2 disks as `tap:…` and names tapdisk itself.
            let name = if class == "tap2" { "tap2" } else { backend };
            let rest = rest.strip_prefix("tapdisk:").unwrap_or(rest);
            let (format, file) = match rest.split_once(':') {
                Some(("aio", file)) => (Some("raw"), file),
                Some((format, file)) => (Some(format), file),
                None => (None, rest),
            };
            (named(name, format), DiskSource::File { path: path(file) })
        }
        other => (named(other, None), DiskSource::File { path: path(rest) }),
    }
}

/// The name without the prefix of the first releases, which documents may have.
pub(crate) fn plain_target(disk: &Disk) -> &str {
    disk.target.strip_prefix("ioemu:").unwrap_or(&disk.target)
}

/// The backend and the path; nothing for an empty drive; an error once noted.
pub(crate) fn uname_of(disk: &Disk, path: &str, notes: &mut Notes) -> Result<Option<String>, ()> {
    let DiskDriver { name, format, .. } = &disk.driver;
    let (file, default) = match &disk.source {
        DiskSource::File { path } => (path, "file"),
        DiskSource::Block { path } => (path, "phy"),
        other => {
            notes.essential(path, no_such_source(other));
            return Err(());
        }
    };
    let format = format
        .as_deref()
        .filter(|format| !matches!(*format, "raw" | "aio"));
    let Some(file) = file else { return Ok(None) };
    let backend = match name.as_deref() {
        // A backend of libxl; XenD has its own for files and devices.
        Some("qemu") => {
            let reason = format!("XenD does not know qemu, {default} is taken");
            notes.setting(format!("{path}/driver/@name"), reason);
            default
        }
        name => name.unwrap_or(default),
    };
    if matches!(backend, "tap" | "tap2") {
        return Ok(Some(format!(
            "{backend}:{}:{file}",
            format.unwrap_or("aio")
        )));
    }
    if let Some(format) = format {
        let reason = format!("{backend} serves raw images, not {format}");
        notes.essential(format!("{path}/driver/@type"), reason);
    }
    let dev = if default == "phy" && !file.starts_with('/') {
        "/dev/"
    } else {
        ""
    };
    Ok(Some(format!("{backend}:{dev}{file}")))
}

/// Why a source cannot be served.
pub(crate) fn no_such_source(source: &DiskSource) -> String {
    format!(
        "XenD serves files and block devices, not type '{}'",
        source.kind()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_at_the_first_colon() {
        let target = |dev: &str| target_of(dev, "", &mut Notes::default());
        let read = |device, name: &str| (device, name.to_owned());
        assert_eq!(target("hdc:cdrom"), read(DiskDevice::Cdrom, "hdc"));
        assert_eq!(target("ioemu:fda:floppy"), read(DiskDevice::Floppy, "fda"));
        assert_eq!(target("ioemu:00:16:3e:2c"), read(DiskDevice::Disk, "00"));
    }

    #[test]
    fn unames_of_all_releases_are_read() {
        let read = |uname: &str, class: &str| {
            let (driver, source) = source_of(uname, class);
            (
                driver.name.unwrap_or_default(),
                driver.format.unwrap_or_default(),
                source.path().unwrap_or_default().to_owned(),
            )
        };
        let words = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(read("file:/a:b", "vbd"), words("file", "", "/a:b"));
        assert_eq!(read("phy:sda1", "vbd"), words("phy", "", "/dev/sda1"));
        assert_eq!(read("tap:qcow:/x", "tap"), words("tap", "qcow", "/x"));
        assert_eq!(read("tap:aio:/x", "tap2"), words("tap2", "raw", "/x"));
        assert_eq!(
            read("tap2:tapdisk:vhd:/x", "tap2"),
            words("tap2", "vhd", "/x")
        );
    }
}
