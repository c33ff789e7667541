//! The guests of the lab: a Linux with an initramfs of ours for PV and PVH, and two programs
//! of a few hundred bytes for HVM, one on a disk and one as a kernel.
//!
//! What they do is said in `lab/guest`; how tests configure them in `lab/tests`.

use super::initramfs::Initramfs;
use super::machine;
use super::packages::remove;
use super::place::Place;
use super::programs::text_of;
use super::vmlinux::vmlinux;
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Modules of the Linux guest.
const MODULES: &[&str] = &["xen-blkfront", "xen-netfront", "xen-pcifront"];

/// Size of the disks of tests: what an HVM guest starts from, and data.
const DISK: u64 = 1 << 20;

/// Makes the files of all guests in `out`.
pub(super) fn make(place: &Place, out: &Path) -> Result<()> {
    let new = out.with_extension("new");
    remove(&new)?;
    std::fs::create_dir_all(&new).map_err(Error::file(&new))?;
    linux(place, &new)?;
    pygrub(place, &new)?;
    let sector = assemble(place, "hvm-disk", "0x7c00", &new)?;
    let file = std::fs::OpenOptions::new().write(true).open(&sector);
    file.and_then(|file| file.set_len(DISK))
        .map_err(Error::file(&sector))?;
    let disk = new.join("hvm-disk.img");
    std::fs::rename(&sector, &disk).map_err(Error::file(&disk))?;
    assemble(place, "hvm-kernel", "0", &new)?;
    let mut image = machine::tool(place, "qemu-img");
    image.args(["create", "-q", "-f", "qcow2"]);
    text_of(image.arg(new.join("data.qcow2")).arg("8M"))?;
    for name in ["data.img", "more.img"] {
        let data = new.join(name);
        let file = std::fs::File::create(&data).map_err(Error::file(&data))?;
        file.set_len(DISK).map_err(Error::file(&data))?;
    }
    remove(out)?;
    std::fs::rename(&new, out).map_err(Error::file(out))
}

/// The kernel, packed for those who unpack it in the guest's place, and as it is.
fn linux(place: &Place, out: &Path) -> Result<()> {
    let tools = place.tools();
    let kernel = kernel_of(&tools)?;
    let packed = out.join("vmlinuz");
    std::fs::copy(&kernel, &packed).map_err(Error::file(&packed))?;
    let plain = out.join("vmlinux");
    std::fs::write(&plain, vmlinux(&kernel)?).map_err(Error::file(&plain))?;
    Initramfs {
        busybox: &tools.join("bin/busybox"),
        init: &place.sources.join("guest/init"),
        modules: &modules_of(&tools, &kernel),
        wanted: MODULES,
    }
    .write(&out.join("initrd"))
}

/// A disk from which pygrub takes a kernel: a file system without partitions.
fn pygrub(place: &Place, out: &Path) -> Result<()> {
    let tree = out.join("tree");
    let grub = tree.join("boot/grub");
    std::fs::create_dir_all(&grub).map_err(Error::file(&grub))?;
    for (from, to) in [
        (out.join("vmlinuz"), tree.join("boot/vmlinuz")),
        (out.join("initrd"), tree.join("boot/initrd")),
        (place.sources.join("guest/grub.cfg"), grub.join("grub.cfg")),
    ] {
        std::fs::copy(&from, &to).map_err(Error::file(&from))?;
    }
    let mut mke2fs = Command::new("/sbin/mke2fs");
    mke2fs
        .args(["-q", "-t", "ext2", "-b", "4096", "-m", "0", "-d"])
        .arg(&tree)
        .arg(out.join("pygrub.img"))
        .arg("24M");
    text_of(&mut mke2fs)?;
    remove(&tree)
}

/// Makes bytes of a file of `lab/guest` that are to be at `address`.
fn assemble(place: &Place, name: &str, address: &str, out: &Path) -> Result<PathBuf> {
    let (object, bytes) = (out.join("object"), out.join(name));
    let guest = place.sources.join("guest");
    let mut assembler = Command::new("as");
    assembler.arg("--32").arg("-I").arg(&guest);
    assembler.arg("-o").arg(&object);
    text_of(assembler.arg(guest.join(format!("{name}.S"))))?;
    let mut linker = Command::new("ld");
    linker.args(["-m", "elf_i386", "--oformat", "binary", "-e", "0"]);
    linker
        .arg(format!("-Ttext={address}"))
        .arg("-o")
        .arg(&bytes);
    text_of(linker.arg(&object))?;
    std::fs::remove_file(&object).map_err(Error::file(&object))?;
    Ok(bytes)
}

/// The one kernel below `root`.
pub(super) fn kernel_of(root: &Path) -> Result<PathBuf> {
    let boot = root.join("boot");
    let entries = std::fs::read_dir(&boot).map_err(Error::file(&boot))?;
    let mut kernels = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_kernel = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().starts_with("vmlinuz-")
    };
    let nothing = || Error::Failed(format!("no kernel in {}", boot.display()));
    kernels.find(is_kernel).ok_or_else(nothing)
}

/// The folder of a kernel's modules.
pub(super) fn modules_of(root: &Path, kernel: &Path) -> PathBuf {
    let name = kernel.file_name().unwrap_or_default().to_string_lossy();
    let release = name.trim_start_matches("vmlinuz-");
    root.join("lib/modules").join(release)
}
