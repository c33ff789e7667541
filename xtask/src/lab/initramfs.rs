//! A small initramfs: busybox, an init script, and kernel modules in the order in which
//! they have to be loaded.
//!
//! The scripts are in `lab`; they read `/lib/order`.

use super::cpio::{Archive, Kind};
use crate::{Error, Result};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

const FOLDERS: &[&str] = &[
    "bin", "dev", "etc", "lib", "newroot", "proc", "root", "run", "sbin", "sys", "tmp", "usr",
    "usr/bin", "usr/sbin",
];

/// What goes into one.
pub(super) struct Initramfs<'a> {
    /// A busybox that needs no library.
    pub(super) busybox: &'a Path,
    /// The script that becomes `/init`.
    pub(super) init: &'a Path,
    /// The kernel's `lib/modules/VERSION`; `depmod` need not have run.
    pub(super) modules: &'a Path,
    /// Modules by name; those that they need come with them.
    pub(super) wanted: &'a [&'a str],
}

impl Initramfs<'_> {
    /// Writes the archive.
    pub(super) fn write(&self, to: &Path) -> Result<()> {
        let modules = Modules::of(self.modules)?;
        let order = modules.order(self.wanted)?;
        let file = File::create(to).map_err(Error::file(to))?;
        let mut archive = Archive::new(BufWriter::new(file));
        let mut add = |name: &str, kind: Kind, data: &[u8]| {
            archive.add(name, kind, data).map_err(Error::file(to))
        };
        for folder in FOLDERS {
            add(folder, Kind::Folder, &[])?;
        }
        add("bin/busybox", Kind::Program, &read(self.busybox)?)?;
        add("bin/sh", Kind::Link, b"busybox")?;
        add("init", Kind::Program, &read(self.init)?)?;
        let mut names = String::new();
        for path in &order {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            add(&format!("lib/{name}"), Kind::File, &module(path)?)?;
            names.push_str(&name);
            names.push('\n');
        }
        add("lib/order", Kind::File, names.as_bytes())?;
        archive.finish().map_err(Error::file(to))
    }
}

/// A kernel's modules.
struct Modules {
    folder: PathBuf,
    files: HashMap<String, PathBuf>,
    built_in: HashSet<String>,
}

impl Modules {
    fn of(folder: &Path) -> Result<Self> {
        let list = folder.join("modules.builtin");
        let built_in = std::fs::read_to_string(&list).map_err(Error::file(&list))?;
        let built_in = built_in.lines().filter_map(|line| name_of(Path::new(line)));
        let mut modules = Self {
            folder: folder.to_path_buf(),
            files: HashMap::new(),
            built_in: built_in.collect(),
        };
        let mut folders = vec![folder.join("kernel")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).map_err(Error::file(&folder))? {
                let path = entry.map_err(Error::file(&folder))?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Some(name) = name_of(&path) {
                    modules.files.insert(name, path);
                }
            }
        }
        Ok(modules)
    }

    /// The files of these modules and of those that they need, which come first.
    fn order(&self, wanted: &[&str]) -> Result<Vec<PathBuf>> {
        let mut order = Vec::new();
        let mut seen = HashSet::new();
        for name in wanted {
            self.visit(&plain(name), &mut seen, &mut order)?;
        }
        Ok(order)
    }

    fn visit(
        &self,
        name: &str,
        seen: &mut HashSet<String>,
        order: &mut Vec<PathBuf>,
    ) -> Result<()> {
        if self.built_in.contains(name) || !seen.insert(name.to_owned()) {
            return Ok(());
        }
        let path = self.files.get(name).ok_or_else(|| {
            let folder = self.folder.display();
            Error::Failed(format!("the kernel has no module {name} in {folder}"))
        })?;
        for needed in needs(&module(path)?) {
            self.visit(&needed, seen, order)?;
        }
        order.push(path.clone());
        Ok(())
    }
}

/// Which modules a module names in its section `.modinfo`.
fn needs(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let at = module.windows(KEY.len()).position(|window| window == KEY);
    let list = at.and_then(|at| module.get(at + KEY.len()..));
    let list = list.and_then(|rest| rest.split(|byte| *byte == 0).next());
    String::from_utf8_lossy(list.unwrap_or_default())
        .split(',')
        .filter(|name| !name.is_empty())
        .map(plain)
        .collect()
}

/// A module as it is loaded; Debian 13 compresses them.
fn module(path: &Path) -> Result<Vec<u8>> {
    match path.extension().and_then(|kind| kind.to_str()) {
        Some("xz") => super::vmlinux::unpack("xz", read(path)?),
        Some("zst") => super::vmlinux::unpack("zstd", read(path)?),
        _ => read(path),
    }
}

/// `xen_blkfront` for `kernel/drivers/block/xen-blkfront.ko.xz`.
fn name_of(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    name.split_once(".ko").map(|(name, _)| plain(name))
}

fn plain(name: &str) -> String {
    name.replace('-', "_")
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(Error::file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_says_what_it_needs() {
        let module = b"\x7fELF..\0license=GPL\0depends=libata,scsi-mod\0name=x\0";
        assert_eq!(needs(module), ["libata", "scsi_mod"]);
        assert_eq!(needs(b"\0depends=\0"), Vec::<String>::new());
        assert_eq!(needs(b"nothing"), Vec::<String>::new());
    }

    #[test]
    fn modules_have_one_spelling() {
        let path = Path::new("kernel/drivers/block/xen-blkfront.ko.xz");
        assert_eq!(name_of(path).as_deref(), Some("xen_blkfront"));
        assert_eq!(name_of(Path::new("modules.dep")), None);
    }
}
