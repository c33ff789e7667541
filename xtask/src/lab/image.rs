//! dom0's disk, kernel and initramfs, made of its packages, the files of `lab/dom0` and the
//! guests.
//!
//! How the machine starts from them is in `machine`.

use super::guests::{kernel_of, modules_of};
use super::initramfs::Initramfs;
use super::packages::remove;
use super::place::Place;
use super::programs::{logged, text_of};
use super::vmlinux::{unpack, vmlinux};
use crate::{Error, Result};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

/// Modules that dom0's disk needs.
const MODULES: &[&str] = &["virtio_pci", "virtio_blk", "ext4", "crc32c_generic"];

/// Size of dom0's disk; it is sparse.
const SIZE: &str = "4G";

/// Folders of dom0 that are made.
const FOLDERS: &[&str] = &["srv/lab", "mnt/share", "root/.ssh", "var/log/xen/console"];

/// Makes `dom0.raw`, `vmlinux`, `initrd` and `xen` of the suite.
pub(super) fn make(place: &Place) -> Result<()> {
    let (rootfs, tree) = (place.file("rootfs"), place.file("tree"));
    remove(&tree)?;
    let log = place.file("image.log");
    let mut copy = Command::new("cp");
    logged(
        copy.args(["-a", "--reflink=auto"]).arg(&rootfs).arg(&tree),
        &log,
    )?;
    add_files(place, &tree)?;
    configure(place, &tree)?;
    let kernel = kernel_of(&tree)?;
    let plain = place.file("vmlinux");
    std::fs::write(&plain, vmlinux(&kernel)?).map_err(Error::file(&plain))?;
    Initramfs {
        busybox: &tree.join("bin/busybox"),
        init: &place.sources.join("init"),
        modules: &modules_of(&tree, &kernel),
        wanted: MODULES,
    }
    .write(&place.file("initrd"))?;
    let packed = tree.join(format!("boot/xen-{}-amd64.gz", place.suite.xen()));
    let packed = std::fs::read(&packed).map_err(Error::file(&packed))?;
    let xen = place.file("xen");
    std::fs::write(&xen, unpack("gzip", packed)?).map_err(Error::file(&xen))?;
    let disk = place.file("dom0.raw");
    let _ = std::fs::remove_file(&disk);
    let mut mke2fs = Command::new("/sbin/mke2fs");
    mke2fs.args(["-q", "-t", "ext4", "-O", "^has_journal", "-m", "0"]);
    mke2fs.args(["-E", "lazy_itable_init=0", "-d"]);
    logged(mke2fs.arg(&tree).arg(&disk).arg(SIZE), &log)?;
    remove(&tree)?;
    // What was saved of a machine is of another disk.
    remove(&place.run())
}

/// The files of `lab/dom0`, the guests, and the key by which we come in.
fn add_files(place: &Place, tree: &Path) -> Result<()> {
    let mut copy = Command::new("cp");
    copy.args(["-R", "--no-preserve=ownership"]);
    for folder in ["etc", "usr"] {
        copy.arg(place.sources.join("dom0").join(folder));
    }
    text_of(copy.arg(tree))?;
    for folder in FOLDERS {
        let folder = tree.join(folder);
        std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    }
    let mut guests = Command::new("cp");
    guests.arg("-a").arg(place.shared("guests").join("."));
    text_of(guests.arg(tree.join("srv/lab/")))?;
    let key = place.file("key");
    if !key.exists() {
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f"]);
        text_of(keygen.arg(&key))?;
    }
    let keys = tree.join("root/.ssh/authorized_keys");
    std::fs::copy(place.file("key.pub"), &keys).map_err(Error::file(&keys))?;
    for (path, mode) in [(tree.join("root/.ssh"), 0o700), (keys, 0o600)] {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&path, permissions).map_err(Error::file(&path))?;
    }
    Ok(())
}

fn configure(place: &Place, tree: &Path) -> Result<()> {
    for (name, text) in [
        ("etc/hostname", "lab\n"),
        ("etc/hosts", "127.0.0.1 localhost lab\n"),
        ("etc/machine-id", "5ca1ab1e00000000000000000000001a\n"),
        // systemd takes these for a sign that nothing is new since the last boot.
        ("etc/.updated", ""),
        ("var/.updated", ""),
    ] {
        let path = tree.join(name);
        std::fs::write(&path, text).map_err(Error::file(&path))?;
    }
    append(
        &tree.join("etc/default/xen"),
        "XENCONSOLED_ARGS=--log=guest\n",
    )?;
    append(
        &tree.join("etc/xen/xl.conf"),
        "vif.default.bridge=\"xenbr0\"\nautoballoon=\"off\"\n",
    )?;
    spare_features(&tree.join("usr/share/libvirt/cpu_map"))?;
    for unit in place.names("units")? {
        let link = tree.join("etc/systemd/system").join(unit);
        let _ = std::fs::remove_file(&link);
        symlink("/dev/null", &link).map_err(Error::file(&link))?;
    }
    for words in [
        &["enable", "lab-network.service"][..],
        &["disable", "libvirtd.service"],
        &["set-default", "multi-user.target"],
    ] {
        let mut systemctl = Command::new("chroot");
        systemctl.arg(tree).args(["systemctl", "--quiet"]);
        text_of(systemctl.args(words))?;
    }
    Ok(())
}

fn append(path: &Path, text: &str) -> Result<()> {
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(Error::file(path))
}

/// libvirt's driver starts only on a processor that has all features of one of its models.
/// QEMU emulates no VME, and Xen hides SEP where the processor calls itself AMD's.
fn spare_features(folder: &Path) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(Error::file(folder))?;
    for entry in entries {
        let path = entry.map_err(Error::file(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with("x86_") || name == "x86_features.xml" {
            continue;
        }
        let text = std::fs::read_to_string(&path).map_err(Error::file(&path))?;
        let spared = ["<feature name='vme'", "<feature name='sep'"];
        let kept: String = text
            .split_inclusive('\n')
            .filter(|line| !spared.iter().any(|feature| line.contains(feature)))
            .collect();
        std::fs::write(&path, kept).map_err(Error::file(&path))?;
    }
    Ok(())
}
