//! `cargo xtask tck CHECKOUT`: libvirt's technology compatibility kit on virtxend and a
//! simulated host. The kit is not part of this repository: the caller has a checkout.
//!
//! Its guests are files of zeros: a paravirtualized one with a kernel, then a fully
//! virtualized one with a disk. Nothing boots in them, which `report` takes into account.

mod report;

use crate::foreign::packages;
use crate::others::Others;
use crate::virtxend::{Virtxend, build, built};
use crate::{Error, Result};
use report::Report;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The kit's modules for Perl, as Debian packs them.
const PACKAGES: &[&str] = &[
    "libsys-virt-perl",
    "libxml-xpath-perl",
    "libxml-twig-perl",
    "libxml-writer-perl",
    "libyaml-perl",
    "libtest-exception-perl",
    "libsub-uplevel-perl",
    "libio-interface-perl",
    "libnetaddr-ip-perl",
    "libnet-openssh-perl",
    "libfile-slurp-perl",
    "libio-string-perl",
    "libaccessors-perl",
    "libwww-perl",
];

/// Longest that a script may take, in seconds.
const LIMIT: &str = "120";

/// The host on which the scripts run if nothing else is said.
pub const TCK_HOST: &str = "sim:?guests=1";

/// The network that hosts of libvirt have, as far as Xen knows networks: its bridge.
const NETWORK: &str = "<network><name>default</name><forward mode='bridge'/>\
                       <bridge name='virbr0'/></network>";

/// What the scripts' guests are.
const GUESTS: &[(&str, &str, bool)] = &[("kernel", "xen", true), ("disk", "hvm", false)];

/// Runs the scripts of the folders or files in `scripts`, `scripts/domain` if there are
/// none, on a simulated host.
///
/// # Errors
/// When the kit cannot run, and when a script fails.
pub fn tck(root: &Path, checkout: &Path, scripts: &[PathBuf], host: &str) -> Result<()> {
    let checkout = std::fs::canonicalize(checkout).map_err(Error::file(checkout))?;
    let scripts = found(&checkout, scripts)?;
    let modules = packages::unpacked(&root.join("target/tck"), PACKAGES)?;
    build(root, false)?;
    let mut failed = 0;
    for (guest, kind, from_kernel) in GUESTS {
        let kit = Kit::open(root, &checkout, &modules, host)?;
        kit.configure(kind, *from_kernel)?;
        println!("guests of type {kind}, from a {guest}:");
        let mut counts = [0; 3];
        for script in &scripts {
            let report = kit.run(script)?;
            println!("{report}");
            if let Some(count) = counts.get_mut(report.outcome as usize) {
                *count += 1;
            }
        }
        let [passed, skipped, bad] = counts;
        println!("{passed} passed, {bad} failed, {skipped} skipped\n");
        failed += bad;
    }
    match failed {
        0 => Ok(()),
        count => Err(Error::Failed(format!("{count} scripts failed"))),
    }
}

/// Scripts, in order.
fn found(checkout: &Path, scripts: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let all = [PathBuf::from("scripts/domain")];
    let mut found = Vec::new();
    for path in if scripts.is_empty() { &all } else { scripts } {
        let path = checkout.join(path);
        if path.is_file() {
            found.push(path);
            continue;
        }
        for entry in std::fs::read_dir(&path).map_err(Error::file(&path))? {
            let file = entry.map_err(Error::file(&path))?.path();
            if file.extension().is_some_and(|name| name == "t") {
                found.push(file);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The kit with a daemon of its own.
struct Kit<'a> {
    checkout: &'a Path,
    modules: &'a Path,
    daemon: Virtxend,
    _others: Option<Others>,
}

impl<'a> Kit<'a> {
    fn open(root: &Path, checkout: &'a Path, modules: &'a Path, host: &str) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("virtxen-tck-{}", std::process::id()));
        let others = match Others::start(&folder) {
            Ok(others) => {
                others.create_network(NETWORK)?;
                Some(others)
            }
            Err(error) => {
                println!("without networks and storage: {error}");
                None
            }
        };
        let beside = others.as_ref().map(Others::folder);
        Ok(Self {
            checkout,
            modules,
            daemon: Virtxend::start(&built(root, false, "virtxend"), host, beside)?,
            _others: others,
        })
    }

    /// Writes the kit's settings and the files of its guests.
    fn configure(&self, kind: &str, from_kernel: bool) -> Result<()> {
        let arch = std::env::consts::ARCH;
        let scratch = self.path("scratch");
        let images = scratch.join(format!("os-{arch}-{kind}"));
        std::fs::create_dir_all(&images).map_err(Error::file(&images))?;
        let (kernel, disk) = (self.path("kernel"), images.join("disk-none.img"));
        for file in [&kernel, &disk] {
            std::fs::write(file, vec![0; 1 << 20]).map_err(Error::file(file))?;
        }
        let kernels = format!(
            "kernels:\n  - arch: {arch}\n    ostype: {kind}\n    kernel: {kernel}\n    initrd: {kernel}\n",
            kernel = kernel.display()
        );
        let images = format!("images:\n  - arch: {arch}\n    ostype: {kind}\n    osname: none\n");
        let guests = match from_kernel {
            true => format!("{kernels}images: []\n"),
            false => format!("kernels: []\n{images}"),
        };
        let text = format!(
            "uri: \"{}\"\nscratch_dir: {}\n{guests}host_usb_devices: []\n\
             host_pci_devices: []\nhost_block_devices: []\nhost_network_devices: []\n",
            self.daemon.uri(),
            scratch.display()
        );
        let conf = self.path("tck.yml");
        std::fs::write(&conf, text).map_err(Error::file(&conf))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.daemon.folder().join(name)
    }

    fn run(&self, script: &Path) -> Result<Report> {
        let arch = format!("{}-linux-gnu", std::env::consts::ARCH);
        let perl = [
            "usr/share/perl5".to_owned(),
            format!("usr/lib/{arch}/perl5"),
        ];
        let mut folders: Vec<PathBuf> = perl.iter().map(|it| self.modules.join(it)).collect();
        folders.extend(versions(
            &self.modules.join(format!("usr/lib/{arch}/perl5")),
        ));
        let libraries = self.modules.join(format!("usr/lib/{arch}"));
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=5", LIMIT, "perl", "-Ilib"])
            .arg(script)
            .current_dir(self.checkout)
            .env(
                "PERL5LIB",
                std::env::join_paths(folders).unwrap_or_default(),
            )
            .env("LD_LIBRARY_PATH", libraries)
            .env("LIBVIRT_TCK_CONFIG", self.path("tck.yml"))
            .env("LIBVIRT_TCK_AUTOCLEAN", "1")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        let output = command.output().map_err(|source| Error::Start {
            program: "perl".to_owned(),
            source,
            advice: "; it is in Debian's perl",
        })?;
        Ok(Report::of(script, &output))
    }
}

/// Folders of modules for one version of Perl, which has its number as name.
fn versions(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}
