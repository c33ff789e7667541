//! Models of the host's processors by libvirt's names: which one it has, whether it can run
//! what a document describes, what several hosts have in common.
//!
//! What a model is, is `virtxen_formats`' business; the names come with libvirt's library.

use crate::driver::Inner;
use crate::store::blocking;
use crate::{Driver, Error, Operation, Result};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use virtxen_formats::capabilities::Arch;
use virtxen_formats::cpu_map::{Comparison, CpuDescription, CpuMap};
use virtxen_host::{Folders, Node};

/// Longest file of the map in bytes; the longest one of libvirt 9.0 has 27,000.
const FILE_MAX: u64 = 4 << 20;

/// What a host is to a processor that a document describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CpuComparison {
    /// It cannot run it.
    Incompatible,
    /// It has exactly this.
    Identical,
    /// It has this, and more.
    Superset,
}

impl Driver {
    /// Compares the host's processors with those of a `<cpu>` document.
    ///
    /// # Errors
    /// The document is wrong; libvirt's names are not installed; with `must_run`, the
    /// host cannot run it, and why.
    pub async fn compare_cpu(&self, xml: &str, must_run: bool) -> Result<CpuComparison> {
        let operation = Operation::CompareCpu;
        let node = self.node(operation).await?;
        let wanted = CpuDescription::parse(xml)?;
        let map = self.inner.cpu_map(operation).await?;
        let compared = match host_of(&map, &node) {
            Some(host) => map.compare(&host, &wanted)?,
            None => Comparison::Incompatible("unknown host CPU".to_owned()),
        };
        match compared {
            Comparison::Incompatible(why) if must_run => Err(Error::CpuIncompatible(why)),
            Comparison::Incompatible(_) => Ok(CpuComparison::Incompatible),
            Comparison::Identical => Ok(CpuComparison::Identical),
            Comparison::Superset => Ok(CpuComparison::Superset),
        }
    }

    /// The richest processor that all hosts of these `<cpu>` documents can give a guest, as
    /// a document. With `expand` all its features are named; with `migratable` those are
    /// left out with which a guest stays on its host.
    ///
    /// # Errors
    /// A document is wrong; they have nothing in common; libvirt's names are not installed.
    pub async fn baseline_cpu(
        &self,
        xmls: &[String],
        expand: bool,
        migratable: bool,
    ) -> Result<String> {
        let operation = Operation::BaselineCpu;
        self.check(operation, None)?;
        if xmls.is_empty() {
            return Err(Error::Argument("no CPUs given".to_owned()));
        }
        let hosts: Vec<_> = xmls
            .iter()
            .map(|xml| CpuDescription::parse(xml))
            .collect::<std::result::Result<_, _>>()?;
        let map = self.inner.cpu_map(operation).await?;
        Ok(map.baseline(&hosts, expand, migratable)?.format())
    }

    /// Names of the models of an architecture, old ones first.
    ///
    /// # Errors
    /// None are known of this architecture; libvirt's names are not installed.
    pub async fn cpu_models(&self, arch: &str) -> Result<Vec<String>> {
        let operation = Operation::CpuModels;
        self.check(operation, None)?;
        if !matches!(Arch::from_name(arch), Some(Arch::I686 | Arch::X86_64)) {
            let why = format!("models of CPUs are known of x86 only, not of '{arch}'");
            return Err(Error::Argument(why));
        }
        let map = self.inner.cpu_map(operation).await?;
        Ok(map.models().map(str::to_owned).collect())
    }
}

impl Inner {
    /// The model of the host's processors, if libvirt's names are there and have it.
    pub(crate) async fn cpu_model(&self, node: &Node) -> Option<CpuDescription> {
        let found = self.cpu_model.get_or_init(async || {
            let map = self.cpu_map(Operation::Capabilities).await.ok()?;
            host_of(&map, node)
        });
        found.await.clone()
    }

    async fn cpu_map(&self, operation: Operation) -> Result<CpuMap> {
        let folder = match &self.options.folders {
            Some(folders) => folders.cpu_map(),
            None => Folders::default().cpu_map(),
        };
        blocking(operation.verb(), move || {
            if !folder.is_dir() {
                return Err(Error::Unsupported {
                    operation: operation.verb(),
                    reason: format!(
                        "names and features of CPU models come with libvirt's library \
                         (Debian: libvirt0), and there is no {}",
                        folder.display()
                    ),
                });
            }
            Ok(CpuMap::read(|name| text(&folder.join(name)))?)
        })
        .await
    }
}

fn text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let mut file = File::open(path)?.take(FILE_MAX + 1);
    let read = file.read_to_string(&mut text)?;
    match read as u64 > FILE_MAX {
        true => Err(std::io::Error::other(format!(
            "larger than {} MiB",
            FILE_MAX >> 20
        ))),
        false => Ok(text),
    }
}

fn host_of(map: &CpuMap, node: &Node) -> Option<CpuDescription> {
    let version = (node.version.major, node.version.minor);
    map.of_host(Arch::from_name(&node.machine)?, &node.hw_caps, version)
}
