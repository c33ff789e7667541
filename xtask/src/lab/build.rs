//! What the lab is made of, in stages: the tools, the guests, dom0's packages, dom0's disk.
//! A stage is done again when what it is made from has changed.
//!
//! How a stage is done is in `packages`, `guests` and `image`.

use super::packages::{Folder, prepare};
use super::place::Place;
use super::programs::say;
use super::{guests, image, machine};
use crate::{Error, Result};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Whose packages the emulator and the guests are of, whatever suite dom0 is.
const TOOLS_SUITE: &str = "bookworm";

/// Parts of packages that dom0 goes without.
const NOT_WANTED: &[&str] = &[
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/lib/modules/*/kernel/sound/*",
    "/usr/lib/modules/*/kernel/sound/*",
];

/// Makes what is missing or out of date.
pub(super) fn build(place: &Place) -> Result<()> {
    if is_built(place)? {
        return Ok(());
    }
    if machine::pid(place).is_some() {
        let down = "the lab is up, and not what its sources make: `cargo xtask lab down` first";
        return Err(Error::Failed(down.to_owned()));
    }
    prepare(place)?;
    for stage in STAGES {
        let stamp = stage.stamp(place);
        let digest = stage.digest(place)?;
        if std::fs::read_to_string(&stamp).ok().as_deref() == Some(&digest) {
            continue;
        }
        say(&format!("{} ({})", stage.what, place.suite.name()));
        let begin = Instant::now();
        // Whoever is interrupted has not done it.
        let _ = std::fs::remove_file(&stamp);
        (stage.make)(place)?;
        std::fs::write(&stamp, digest).map_err(Error::file(&stamp))?;
        say(&format!("  {:.0} s", begin.elapsed().as_secs_f32()));
    }
    Ok(())
}

/// Whether all stages are done.
pub(super) fn is_built(place: &Place) -> Result<bool> {
    for stage in STAGES {
        let stamp = std::fs::read_to_string(stage.stamp(place));
        if stamp.ok().as_deref() != Some(&stage.digest(place)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A stage.
struct Stage {
    name: &'static str,
    what: &'static str,
    /// Done once for all suites.
    is_shared: bool,
    /// Files and folders of `lab` that it is made from, and the program's own text.
    from: &'static [&'static str],
    text: &'static str,
    make: fn(&Place) -> Result<()>,
}

const STAGES: &[Stage] = &[
    Stage {
        name: "tools",
        what: "unpacking the emulator",
        is_shared: true,
        from: &["packages/tools"],
        text: include_str!("packages.rs"),
        make: tools,
    },
    Stage {
        name: "guests",
        what: "making guests",
        is_shared: true,
        from: &["packages/tools", "guest"],
        text: include_str!("guests.rs"),
        make: |place| guests::make(place, &place.shared("guests")),
    },
    Stage {
        name: "rootfs",
        what: "installing dom0's packages",
        is_shared: false,
        from: &["packages/dom0", "packages/modules"],
        text: include_str!("suite.rs"),
        make: rootfs,
    },
    Stage {
        name: "image",
        what: "making dom0's disk",
        is_shared: false,
        from: &["packages", "guest", "dom0", "init"],
        text: concat!(include_str!("image.rs"), include_str!("suite.rs")),
        make: image::make,
    },
];

impl Stage {
    fn stamp(&self, place: &Place) -> PathBuf {
        let name = format!("{}.stamp", self.name);
        if self.is_shared {
            place.shared(&name)
        } else {
            place.file(&name)
        }
    }

    /// Of all that it is made from.
    fn digest(&self, place: &Place) -> Result<String> {
        let mut hasher = DefaultHasher::new();
        self.text.hash(&mut hasher);
        for from in self.from {
            for file in files(&place.sources.join(from))? {
                let bytes = std::fs::read(&file).map_err(Error::file(&file))?;
                file.strip_prefix(&place.sources).ok().hash(&mut hasher);
                bytes.hash(&mut hasher);
            }
        }
        Ok(format!("{:016x}", hasher.finish()))
    }
}

/// A file, or all files below a folder, sorted.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(Error::file(path))? {
        found.extend(files(&entry.map_err(Error::file(path))?.path())?);
    }
    found.sort();
    Ok(found)
}

fn tools(place: &Place) -> Result<()> {
    let packages = place.names("tools")?;
    Folder {
        place,
        suite: TOOLS_SUITE,
        variant: "extract",
        packages: &packages,
        without: &[],
    }
    .make(&place.tools())
}

fn rootfs(place: &Place) -> Result<()> {
    let mut packages = place.names("dom0")?;
    packages.extend(place.suite.packages());
    let mut without: Vec<String> = NOT_WANTED.iter().map(|&path| path.to_owned()).collect();
    for folder in place.names("modules")? {
        for top in ["/lib", "/usr/lib"] {
            without.push(format!("{top}/modules/*/kernel/drivers/{folder}/*"));
        }
    }
    Folder {
        place,
        suite: place.suite.name(),
        variant: "minbase",
        packages: &packages,
        without: &without,
    }
    .make(&place.file("rootfs"))
}
