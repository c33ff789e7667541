//! Packages of Debian for the lab: which ones this machine needs, where the suite's are
//! had, and folders that are made of them.
//!
//! What is done to these folders afterwards is in `image` and `guests`.

use super::place::Place;
use super::programs::{logged, say, text_of};
use crate::{Error, Result};
use std::path::Path;
use std::process::{Command, Stdio};

/// Programs on this machine, and the packages that have them.
const NEEDED: &[(&str, &str)] = &[
    ("mmdebstrap", "mmdebstrap"),
    ("mke2fs", "e2fsprogs"),
    ("ssh", "openssh-client"),
    ("as", "binutils"),
    ("xz", "xz-utils"),
    ("lz4", "lz4"),
    ("zstd", "zstd"),
];

/// MiB that a lab takes in the cache, with what is there for a while only.
const SPACE: u64 = 5000;

/// A file of apt's one-line sources for the suite, in place of this machine's.
const SOURCES: &str = "VIRTXEN_LAB_SOURCES";

/// What was looked at before anything is made.
pub(super) fn prepare(place: &Place) -> Result<()> {
    let user = text_of(Command::new("id").arg("-u"))?;
    if user.trim() != "0" {
        let needs = "building the lab needs root: it installs packages in folders of their own";
        return Err(Error::Failed(needs.to_owned()));
    }
    enough_space(place)?;
    let missing: Vec<&str> = NEEDED
        .iter()
        .filter(|(program, _)| !is_installed(program))
        .map(|(_, package)| *package)
        .collect();
    if !missing.is_empty() {
        update(place)?;
        say(&format!("installing {}", missing.join(" ")));
        let mut install = Command::new("apt-get");
        install
            .args(["install", "-q", "-y", "--no-install-recommends"])
            .args(missing)
            .env("DEBIAN_FRONTEND", "noninteractive");
        logged(&mut install, &place.file("apt.log"))?;
    }
    Ok(())
}

fn enough_space(place: &Place) -> Result<()> {
    let folder = place.shared("");
    let mut df = Command::new("df");
    df.args(["--output=avail", "--block-size=1M"]).arg(&folder);
    let text = text_of(&mut df)?;
    let free: u64 = text
        .lines()
        .last()
        .and_then(|line| line.trim().parse().ok())
        .unwrap_or(u64::MAX);
    if free >= SPACE {
        return Ok(());
    }
    Err(Error::Failed(format!(
        "{} has {free} MiB free, a lab needs {SPACE}: VIRTXEN_LAB names another folder",
        folder.display()
    )))
}

fn is_installed(program: &str) -> bool {
    ["/usr/bin", "/usr/sbin", "/bin", "/sbin"]
        .iter()
        .any(|folder| Path::new(folder).join(program).exists())
}

/// Writes the file of apt's sources for `suite`, from this machine's own.
pub(super) fn write_sources(place: &Place, suite: &str, to: &Path) -> Result<()> {
    let text = match std::env::var_os(SOURCES) {
        Some(file) => std::fs::read_to_string(&file).map_err(Error::file(file))?,
        None => {
            let mut found = sources(suite)?;
            if found.is_empty() {
                update(place)?;
                found = sources(suite)?;
            }
            found
        }
    };
    if text.is_empty() {
        return Err(Error::Failed(format!(
            "apt of this machine has no source of Debian: {SOURCES} names a file of such \
             lines for {suite}"
        )));
    }
    std::fs::write(to, text).map_err(Error::file(to))
}

fn update(place: &Place) -> Result<()> {
    say("reading the lists of packages");
    logged(
        Command::new("apt-get").args(["update", "-q"]),
        &place.file("apt.log"),
    )
}

/// Where this machine gets Debian's packages, with its own release replaced.
fn sources(suite: &str) -> Result<String> {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let own = release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .ok_or_else(|| Error::Failed("/etc/os-release names no release of Debian".to_owned()))?;
    let mut targets = Command::new("apt-get");
    targets.args([
        "indextargets",
        "--format",
        "$(REPO_URI) $(RELEASE) $(COMPONENT)",
        "Created-By: Packages",
        "Origin: Debian",
    ]);
    Ok(replaced(&text_of(&mut targets)?, own, suite))
}

fn replaced(targets: &str, own: &str, suite: &str) -> String {
    let mut lines: Vec<String> = targets
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (address, release, part) = (words.next()?, words.next()?, words.next()?);
            let rest = release.strip_prefix(own)?;
            let is_wanted = ["", "-updates", "-security"].contains(&rest);
            is_wanted.then(|| format!("deb {address} {suite}{rest} {part}\n"))
        })
        .collect();
    lines.sort();
    lines.dedup();
    lines.concat()
}

/// A folder made of packages.
pub(super) struct Folder<'a> {
    pub(super) place: &'a Place,
    /// Release of Debian.
    pub(super) suite: &'a str,
    /// `extract` unpacks packages and installs nothing, `minbase` installs them.
    pub(super) variant: &'a str,
    pub(super) packages: &'a [String],
    /// Paths that are left out.
    pub(super) without: &'a [String],
}

/// Packages are kept beside the folder, and linked in and out.
const FETCH: &str =
    r#"mkdir -p "$1/var/cache/apt/archives" && cp -alf "$LAB_DEBS/." "$1/var/cache/apt/archives/""#;
const KEEP: &str = r#"cp -alu "$1"/var/cache/apt/archives/*.deb "$LAB_DEBS/" 2>/dev/null || true"#;
/// dom0 has an initramfs of ours, and no service starts while packages are installed.
const NO_INITRAMFS: &str = r#"mkdir -p "$1/etc/initramfs-tools" && echo update_initramfs=no >"$1/etc/initramfs-tools/update-initramfs.conf""#;
const NO_SERVICES: &str = r#"printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d" && chmod 755 "$1/usr/sbin/policy-rc.d""#;
const SERVICES: &str = r#"rm -f "$1/usr/sbin/policy-rc.d""#;

impl Folder<'_> {
    /// Makes it at `to`, wholly or not at all.
    pub(super) fn make(&self, to: &Path) -> Result<()> {
        let (new, log) = (to.with_extension("new"), to.with_extension("log"));
        let debs = self.place.shared(&format!("debs-{}", self.suite));
        let list = to.with_extension("sources");
        for old in [to, &new] {
            remove(old)?;
        }
        std::fs::create_dir_all(&debs).map_err(Error::file(&debs))?;
        write_sources(self.place, self.suite, &list)?;
        let sources = std::fs::File::open(&list).map_err(Error::file(&list))?;
        let mut mmdebstrap = Command::new("mmdebstrap");
        mmdebstrap
            .arg("--mode=root")
            .arg(format!("--variant={}", self.variant))
            .arg(format!("--include={}", self.packages.join(",")))
            .arg("--aptopt=APT::Install-Recommends \"false\"")
            .arg("--aptopt=APT::Keep-Downloaded-Packages \"true\"")
            .arg("--aptopt=Acquire::Retries \"3\"")
            .arg("--dpkgopt=force-unsafe-io")
            .arg("--dpkgopt=force-confold")
            .arg(format!("--setup-hook={FETCH}"))
            .arg(format!("--extract-hook={KEEP}"));
        for path in self.without {
            mmdebstrap.arg(format!("--dpkgopt=path-exclude={path}"));
        }
        if self.variant == "extract" {
            mmdebstrap.arg("--skip=cleanup/apt");
        } else {
            mmdebstrap
                .arg(format!("--setup-hook={NO_INITRAMFS}"))
                .arg(format!("--essential-hook={NO_SERVICES}"))
                .arg(format!("--customize-hook={KEEP}"))
                .arg(format!("--customize-hook={SERVICES}"));
        }
        mmdebstrap
            .args([self.suite])
            .arg(&new)
            .arg("-")
            .env("LAB_DEBS", &debs)
            .stdin(Stdio::from(sources));
        if let Err(error) = logged(&mut mmdebstrap, &log) {
            remove(&new)?;
            return Err(error);
        }
        std::fs::rename(&new, to).map_err(Error::file(to))
    }
}

/// Takes a folder away that may be there.
pub(super) fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file(folder)(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_those_of_this_machine_with_another_release() {
        let targets = "http://a/debian/ bookworm main\n\
                       http://a/debian/ bookworm main\n\
                       http://a/debian/ bookworm-backports main\n\
                       http://b/debian-security/ bookworm-security main\n\
                       http://c/ stable main\n";
        assert_eq!(
            replaced(targets, "bookworm", "trixie"),
            "deb http://a/debian/ trixie main\n\
             deb http://b/debian-security/ trixie-security main\n"
        );
    }
}
