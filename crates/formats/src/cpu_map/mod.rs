//! Models of processors by libvirt's names: which one a host has, whether it can run what a
//! document describes, what several hosts have in common.
//!
//! The names and their bits are libvirt's data, which come with its library
//! (`/usr/share/libvirt/cpu_map`); `read` reads them, and where they are not installed
//! nothing here can be asked. Only x86 has such a map that Xen's hosts need.

mod baseline;
mod bits;
mod compare;
mod decode;
mod document;
mod read;

use bits::Bits;

pub use compare::Comparison;
pub use document::{CpuDescription, DescribedFeature};

/// Result of what is asked of the map.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the map does not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of the map is not what it should be.
    #[error("{file}: {reason}")]
    Map {
        /// The file's name in the map's folder.
        file: String,
        /// What is wrong with it, or why it was not read.
        reason: String,
    },
    /// A document of a processor is wrong.
    #[error("{0}")]
    Document(String),
    /// The map has no such model, feature or vendor.
    #[error("unknown CPU {kind} {name}")]
    Unknown {
        /// `model`, `feature` or `vendor`.
        kind: &'static str,
        /// As the document says it.
        name: String,
    },
    /// The processors have nothing in common, or what they have is no model.
    #[error("{0}")]
    NoModel(&'static str),
    /// The architecture has no map.
    #[error("models of CPUs are known of x86 only, not of {0}")]
    Architecture(&'static str),
}

/// The models, features and vendors of x86.
#[derive(Clone, Debug, Default)]
pub struct CpuMap {
    features: Vec<Feature>,
    models: Vec<Model>,
    vendors: Vec<String>,
}

#[derive(Clone, Debug)]
struct Feature {
    name: String,
    bits: Bits,
    /// A guest with it can go to another host.
    is_migratable: bool,
}

#[derive(Clone, Debug, Default)]
struct Model {
    name: String,
    /// It may be what a host is, and what a guest gets.
    of_host: bool,
    of_guest: bool,
    vendor: Option<String>,
    bits: Bits,
    /// Features that it once had: a guest is told that they are not there.
    removed: Vec<String>,
}

impl CpuMap {
    /// Names of the models, in the order of the map.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.models.iter().map(|model| &*model.name)
    }

    fn model(&self, name: &str) -> Result<&Model> {
        let mut models = self.models.iter();
        let found = models.find(|model| model.name == name);
        found.ok_or_else(|| unknown("model", name))
    }

    fn feature(&self, name: &str) -> Result<&Feature> {
        let mut features = self.features.iter();
        let found = features.find(|feature| feature.name == name);
        found.ok_or_else(|| unknown("feature", name))
    }

    /// The features whose bits are all there, in the order of the map; each takes its bits
    /// away, so that none is told by two names.
    fn names(&self, bits: &Bits) -> Vec<&Feature> {
        let mut rest = bits.clone();
        let mut found = Vec::new();
        for feature in &self.features {
            if rest.has(&feature.bits) {
                rest.subtract(&feature.bits);
                found.push(feature);
            }
        }
        found
    }
}

fn unknown(kind: &'static str, name: &str) -> Error {
    Error::Unknown {
        kind,
        name: name.to_owned(),
    }
}
