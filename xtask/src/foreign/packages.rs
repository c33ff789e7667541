//! Debian's Xen tools, and what others want besides: downloaded with apt, unpacked
//! below `target`, not installed. What runs them is in `rig` and in `peer`.

use crate::workspace::text_of;
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package with xenstore-ls and its like.
const STORE_TOOLS: &str = "xenstore-utils";

/// Packages of this kind serve a running system; no tool is linked with them.
const NOT_NEEDED: [&str; 4] = ["systemd", "udev", "libpam", "libnss"];

/// Where the tools are.
pub(crate) struct Tools {
    /// Release of Xen, `4.17`.
    pub(super) release: String,
    /// Where the packages are unpacked that this machine does not have.
    pub(crate) root: PathBuf,
    /// Folders of programs; not those whose scripts look for a running Xen.
    pub(super) programs: Vec<PathBuf>,
    /// Folders of libraries.
    pub(super) libraries: Vec<PathBuf>,
}

/// Gets the tools and `more` packages into `folder`; what is there already is taken as
/// it is.
pub(crate) fn tools(folder: &Path, more: &[&str]) -> Result<Tools> {
    let utils = newest_utils()?;
    let release = utils.trim_start_matches("xen-utils-").to_owned();
    let root = unpacked(folder, &[&[utils.as_str(), STORE_TOOLS], more].concat())?;
    Ok(Tools {
        programs: existing(&root, &[&format!("usr/lib/xen-{release}/bin"), "usr/bin"]),
        libraries: existing(
            &root,
            &[&format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH)],
        ),
        release,
        root,
    })
}

/// Unpacks packages, and those that they need, below `folder`, as far as they are not
/// installed; where they are. What is there already is taken as it is.
pub(crate) fn unpacked(folder: &Path, names: &[&str]) -> Result<PathBuf> {
    let wanted = missing(names)?;
    let (packages, root) = (folder.join("packages"), folder.join("root"));
    let stamp = folder.join("unpacked");
    let list = wanted.join("\n");
    if std::fs::read_to_string(&stamp).ok().as_deref() != Some(&list) {
        for folder in [&packages, &root] {
            let _ = std::fs::remove_dir_all(folder);
            std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
        }
        let mut download = Command::new("apt-get");
        download
            .args(["-q", "-o", "APT::Sandbox::User=root", "download"])
            .args(&wanted)
            .current_dir(&packages);
        text_of(&mut download)?;
        unpack(&packages, &root)?;
        std::fs::write(&stamp, list).map_err(Error::file(&stamp))?;
    }
    Ok(root)
}

/// The package with xl and xenstored, of the newest Xen that Debian has.
fn newest_utils() -> Result<String> {
    let names = text_of(Command::new("apt-cache").args(["pkgnames", "xen-utils-"]))?;
    let number = |name: &&str| -> Option<(u32, u32)> {
        let (major, minor) = name.strip_prefix("xen-utils-")?.split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    };
    let known = names.lines().filter(|name| number(name).is_some());
    let newest = known.max_by_key(number).map(str::to_owned);
    newest.ok_or_else(|| Error::Failed("apt knows no xen-utils; try apt-get update".to_owned()))
}

/// The packages that would have to be installed for these, and these.
fn missing(names: &[&str]) -> Result<Vec<String>> {
    let mut simulate = Command::new("apt-get");
    simulate
        .args(["install", "-s", "--no-install-recommends"])
        .args(names);
    let plan = text_of(&mut simulate)?;
    let mut wanted: Vec<String> = plan
        .lines()
        .filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next())
        .filter(|name| !NOT_NEEDED.iter().any(|part| name.contains(part)))
        .chain(names.iter().copied())
        .map(str::to_owned)
        .collect();
    wanted.sort();
    wanted.dedup();
    Ok(wanted)
}

/// Old packages have files in `/lib`, which is a link on the machines that they are for.
fn unpack(packages: &Path, root: &Path) -> Result<()> {
    for name in ["bin", "lib", "lib64", "sbin"] {
        let folder = root.join("usr").join(name);
        std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        let link = root.join(name);
        let target = Path::new("usr").join(name);
        std::os::unix::fs::symlink(target, &link).map_err(Error::file(&link))?;
    }
    for entry in std::fs::read_dir(packages).map_err(Error::file(packages))? {
        let package = entry.map_err(Error::file(packages))?.path();
        let mut tar = Command::new("sh");
        tar.arg("-c")
            .arg("dpkg-deb --fsys-tarfile \"$0\" | tar x --keep-directory-symlink -C \"$1\"")
            .arg(&package)
            .arg(root);
        text_of(&mut tar)?;
    }
    Ok(())
}

/// Folders below what was unpacked, then the same ones of this machine.
fn existing(root: &Path, folders: &[&str]) -> Vec<PathBuf> {
    let places = [root, Path::new("/")];
    let all = places
        .iter()
        .flat_map(|place| folders.iter().map(|it| place.join(it)));
    all.filter(|folder| folder.is_dir()).collect()
}
