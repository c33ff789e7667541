//! The parts of `cargo metadata` that the rules look at.
//!
//! Read into plain types once, so that no rule handles JSON.

use crate::{Error, Result};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// All packages of the build, ours and others'.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    pub(super) packages: Vec<Package>,
    pub(super) root: PathBuf,
}

/// One package.
#[derive(Debug, Default)]
pub(super) struct Package {
    pub(super) name: String,
    /// In this workspace.
    pub(super) ours: bool,
    pub(super) license: Option<String>,
    /// The C library that it links.
    pub(super) links: Option<String>,
    /// Its manifest, relative to the workspace for our own.
    pub(super) manifest: PathBuf,
    pub(super) dependencies: Vec<Dependency>,
    /// Source files that are the root of a library or program.
    pub(super) roots: Vec<PathBuf>,
}

/// What a package asks for in its manifest.
#[derive(Debug)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// For its tests, examples and benches only.
    pub(super) dev: bool,
}

impl Metadata {
    pub(super) fn read(root: &Path) -> Result<Self> {
        let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let mut cargo = crate::workspace::cargo(root);
        cargo.args(["metadata", "--format-version", "1", "--locked"]);
        cargo.args(["--filter-platform", &platform]);
        let output = crate::workspace::output(&mut cargo, "")?;
        let value: Value = serde_json::from_slice(&output).map_err(|error| Error::Output {
            program: "cargo metadata",
            reason: error.to_string(),
        })?;
        let packages = items(&value["packages"])
            .map(|package| Package::new(package, root))
            .collect();
        Ok(Self {
            packages,
            root: root.to_path_buf(),
        })
    }

    pub(super) fn ours(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.ours)
    }
}

impl Package {
    fn new(value: &Value, root: &Path) -> Self {
        let manifest = PathBuf::from(text(&value["manifest_path"]).unwrap_or_default());
        let manifest = manifest
            .strip_prefix(root)
            .map(Path::to_path_buf)
            .unwrap_or(manifest);
        Self {
            name: text(&value["name"]).unwrap_or_default(),
            ours: value["source"].is_null(),
            license: text(&value["license"]),
            links: text(&value["links"]),
            manifest,
            dependencies: items(&value["dependencies"])
                .map(|dependency| Dependency {
                    name: text(&dependency["name"]).unwrap_or_default(),
                    dev: dependency["kind"] == "dev",
                })
                .collect(),
            roots: items(&value["targets"])
                .filter(|target| items(&target["kind"]).any(|kind| kind == "lib" || kind == "bin"))
                .filter_map(|target| text(&target["src_path"]))
                .map(PathBuf::from)
                .collect(),
        }
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
