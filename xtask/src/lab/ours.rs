//! Our own programs in dom0: built on this machine, with its C library beside them where
//! dom0's is older.
//!
//! What they do there is up to the tests.

use super::dom0::Dom0;
use super::machine;
use super::place::Place;
use super::programs::{say, text_of};
use crate::virtxend::{build, built};
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAMS: [&str; 2] = ["virtxen", "virtxend"];

/// Their units; nobody starts that for TCP unless a test needs it.
const UNITS: [&str; 4] = [
    "virtxend.service",
    "virtxend.socket",
    "virtxend-ro.socket",
    "virtxend-tcp.socket",
];

/// Where they are in dom0.
const BIN: &str = "/usr/local/bin";

/// Where this machine's libraries are in a dom0 with older ones.
const LIBRARIES: &str = "/opt/lab/lib";

/// Libraries that used to be apart from the C library, and that old libraries of dom0 name.
const PARTS: [&str; 5] = ["dl", "pthread", "rt", "util", "resolv"];

/// Builds our programs and puts them into dom0.
pub(super) fn put(root: &Path, place: &Place, release: bool) -> Result<()> {
    let dom0 = Dom0::of(place)?;
    build(root, release)?;
    let folder = place.run().join("ours");
    super::packages::remove(&folder)?;
    std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    let built = PROGRAMS.map(|name| built(root, release, name));
    dom0.text("systemctl stop 'virtxend*' 2>/dev/null; true")?;
    put_programs(place, &dom0, &built)?;
    dom0.put(&units(root, &folder)?, "/etc/systemd/system")?;
    dom0.text("systemctl daemon-reload")?;
    say("our programs are in dom0");
    Ok(())
}

/// Puts programs into dom0 that were built here, in a way that they run there.
pub(super) fn put_programs(place: &Place, dom0: &Dom0<'_>, built: &[PathBuf]) -> Result<()> {
    let folder = place.run().join("programs");
    super::packages::remove(&folder)?;
    std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    let mut programs = Vec::new();
    for program in built {
        let copy = folder.join(program.file_name().unwrap_or_default());
        let mut strip = Command::new("strip");
        text_of(strip.arg("-o").arg(&copy).arg(program))?;
        programs.push(copy);
    }
    if place.suite.old_libc() {
        put_libraries(place, dom0, &programs)?;
    }
    dom0.put(&programs, BIN)
}

/// The units of the package, which has the programs elsewhere.
fn units(root: &Path, folder: &Path) -> Result<Vec<PathBuf>> {
    let mut units = Vec::new();
    for name in UNITS {
        let from = root.join("packaging/systemd").join(name);
        let text = std::fs::read_to_string(&from).map_err(Error::file(&from))?;
        let text = text.replace("/usr/sbin/virtxend", "/usr/local/bin/virtxend");
        let unit = folder.join(name);
        std::fs::write(&unit, text).map_err(Error::file(&unit))?;
        units.push(unit);
    }
    Ok(units)
}

/// Has the programs use a loader and libraries of this machine. `patchelf` writes that into
/// them, so that they still are the programs that `/proc/self/exe` names.
fn put_libraries(place: &Place, dom0: &Dom0<'_>, programs: &[PathBuf]) -> Result<()> {
    let mut libraries: Vec<PathBuf> = Vec::new();
    let mut loader = None;
    for program in programs {
        for path in needed(program)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("ld-linux") {
                loader = Some(name.into_owned());
            }
            if !libraries.contains(&path) {
                libraries.push(path);
            }
        }
    }
    let loader = loader.ok_or_else(|| Error::Failed("our programs name no loader".to_owned()))?;
    let beside = libraries.iter().find_map(|path| {
        let is_c = path.file_name().is_some_and(|name| name == "libc.so.6");
        is_c.then(|| path.parent().map(Path::to_path_buf)).flatten()
    });
    for part in PARTS {
        for number in 0..3 {
            let name = format!("lib{part}.so.{number}");
            let path = beside.as_ref().map(|folder| folder.join(name));
            libraries.extend(path.filter(|path| path.exists()));
        }
    }
    dom0.text(&format!("mkdir -p {LIBRARIES}"))?;
    dom0.put(&libraries, LIBRARIES)?;
    for program in programs {
        let mut patchelf = machine::tool(place, "patchelf");
        patchelf.args(["--set-interpreter", &format!("{LIBRARIES}/{loader}")]);
        patchelf.args(["--force-rpath", "--set-rpath", LIBRARIES]);
        text_of(patchelf.arg(program))?;
    }
    Ok(())
}

/// The files that a program loads, by `ldd`.
fn needed(program: &Path) -> Result<Vec<PathBuf>> {
    let text = text_of(Command::new("ldd").arg(program))?;
    let paths = text.lines().filter_map(|line| {
        line.split_whitespace()
            .find(|word| word.starts_with('/'))
            .map(PathBuf::from)
    });
    Ok(paths.collect())
}
