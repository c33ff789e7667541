//! Virtual processors: how many, where they run, what they look like, NUMA.
//!
//! Translation of processor features to Xen's names is the converters' part.

use crate::words::words;
use crate::{Kept, MemoryKib};
use std::fmt;
use std::str::FromStr;

/// How many vcpus, and on which processors of the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Vcpus {
    /// How many the guest may have.
    pub max: u32,
    /// How many are online at the start, if fewer.
    pub current: Option<u32>,
    /// Processors of the host that all vcpus may run on.
    pub cpuset: Option<CpuSet>,
    /// Whether the host is to choose the processors.
    pub placement: Placement,
}

impl Default for Vcpus {
    fn default() -> Self {
        Self {
            max: 1,
            current: None,
            cpuset: None,
            placement: Placement::Static,
        }
    }
}

words! {
    /// Who chooses the processors.
    Placement { Static = "static", Auto = "auto" }
}

/// Scheduling of vcpus.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CpuTune {
    /// Weight of the guest under the credit schedulers.
    pub shares: Option<u64>,
    /// Processors of single vcpus.
    pub vcpu_pins: Vec<VcpuPin>,
    /// Processors that single vcpus should rather run on, of those that they may: an
    /// extension of ours, Xen's soft affinity.
    pub soft_pins: Vec<VcpuPin>,
    /// Known parts without effect.
    pub kept: Kept,
}

/// Processors of one vcpu.
#[derive(Clone, Debug, PartialEq)]
pub struct VcpuPin {
    /// The vcpu, from 0.
    pub vcpu: u32,
    /// Processors of the host.
    pub cpus: CpuSet,
}

/// What the processors look like to the guest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cpu {
    /// Where the model comes from.
    pub mode: Option<CpuMode>,
    /// Model name and how strictly it is meant.
    pub model: Option<CpuModel>,
    /// Vendor that the host must have.
    pub vendor: Option<String>,
    /// Sockets, cores, threads.
    pub topology: Option<CpuTopology>,
    /// Features beside the model's.
    pub features: Vec<CpuFeature>,
    /// Virtual NUMA nodes.
    pub numa: Vec<NumaCell>,
    /// Known parts without effect.
    pub kept: Kept,
}

words! {
    /// Where the processor model comes from.
    CpuMode {
        Custom = "custom",
        HostModel = "host-model",
        HostPassthrough = "host-passthrough",
        Maximum = "maximum",
    }
}

/// A processor model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CpuModel {
    /// libvirt's name of the model; empty when only `fallback` is said.
    pub name: String,
    /// `allow` or `forbid` a less capable model.
    pub fallback: Option<CpuFallback>,
    /// Vendor text that the guest sees.
    pub vendor_id: Option<String>,
}

words! {
    /// Whether a less capable model may be used.
    CpuFallback { Allow = "allow", Forbid = "forbid" }
}

/// Sockets, dies, cores and threads of the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuTopology {
    /// Sockets.
    pub sockets: u32,
    /// Dies of a socket.
    pub dies: Option<u32>,
    /// Clusters of a die.
    pub clusters: Option<u32>,
    /// Cores of a die or cluster.
    pub cores: u32,
    /// Threads of a core.
    pub threads: u32,
}

/// One processor feature.
#[derive(Clone, Debug, PartialEq)]
pub struct CpuFeature {
    /// libvirt's name of the feature.
    pub name: String,
    /// What is to be done about it; `None` means required.
    pub policy: Option<FeaturePolicy>,
}

words! {
    /// What is to be done about a processor feature.
    FeaturePolicy {
        Force = "force",
        Require = "require",
        Optional = "optional",
        Disable = "disable",
        Forbid = "forbid",
    }
}

/// One virtual NUMA node.
#[derive(Clone, Debug, PartialEq)]
pub struct NumaCell {
    /// Number; `None` when the document leaves it to the order.
    pub id: Option<u32>,
    /// Its vcpus; `None` for a node with memory only.
    pub cpus: Option<CpuSet>,
    /// Its memory.
    pub memory: MemoryKib,
    /// Distances to other nodes: number of the node, distance.
    pub distances: Vec<NumaDistance>,
    /// Known parts without effect.
    pub kept: Kept,
}

/// Distance to another virtual NUMA node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumaDistance {
    /// Number of the other node.
    pub id: u32,
    /// Distance as in ACPI's SLIT: 10 is the node itself, 255 unreachable.
    pub value: u32,
}

/// A set of processors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CpuSet {
    // A bit for each processor, without zeros at the end: equal sets are equal vectors.
    bits: Vec<u64>,
}

/// A text that is not a [`CpuSet`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed set of processors '{text}': expected numbers and ranges like 0-3,^2,5")]
pub struct CpuSetError {
    /// The text as it was given.
    pub text: String,
}

impl CpuSet {
    /// Highest processor number that a set takes.
    pub const HIGHEST: u32 = 16_383;

    /// Adds a processor; one above [`CpuSet::HIGHEST`] is left out and gives `false`.
    pub fn insert(&mut self, cpu: u32) -> bool {
        if cpu > Self::HIGHEST {
            return false;
        }
        let word = (cpu / 64) as usize;
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        if let Some(bits) = self.bits.get_mut(word) {
            *bits |= 1 << (cpu % 64);
        }
        true
    }

    /// Takes a processor out.
    pub fn remove(&mut self, cpu: u32) {
        if let Some(bits) = self.bits.get_mut((cpu / 64) as usize) {
            *bits &= !(1 << (cpu % 64));
        }
        while self.bits.last() == Some(&0) {
            self.bits.pop();
        }
    }

    /// Whether a processor is in the set.
    #[must_use]
    pub fn contains(&self, cpu: u32) -> bool {
        self.bits
            .get((cpu / 64) as usize)
            .is_some_and(|bits| bits >> (cpu % 64) & 1 == 1)
    }

    /// The processors, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..).zip(&self.bits).flat_map(|(word, bits)| {
            (0..64)
                .filter(move |bit| bits >> bit & 1 == 1)
                .map(move |bit| word * 64 + bit)
        })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bits
            .iter()
            .map(|bits| bits.count_ones() as usize)
            .sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bits.is_empty()
    }
}

impl FromIterator<u32> for CpuSet {
    fn from_iter<I: IntoIterator<Item = u32>>(cpus: I) -> Self {
        let mut set = Self::default();
        for cpu in cpus {
            set.insert(cpu);
        }
        set
    }
}

impl FromStr for CpuSet {
    type Err = CpuSetError;

    /// libvirt's spelling: numbers, ranges, and exclusions with `^`, applied in order.
    fn from_str(text: &str) -> Result<Self, CpuSetError> {
        read_set(text).ok_or_else(|| CpuSetError {
            text: text.chars().take(80).collect(),
        })
    }
}

fn read_set(text: &str) -> Option<CpuSet> {
    // Nobody writes more; each part may be the whole range.
    const MOST_PARTS: usize = 1024;
    let number = |text: &str| {
        let text = text.trim();
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let cpu: u32 = plain.then(|| text.parse().ok())??;
        (cpu <= CpuSet::HIGHEST).then_some(cpu)
    };
    let mut set = CpuSet::default();
    for (count, part) in text.split(',').enumerate() {
        if count == MOST_PARTS {
            return None;
        }
        let part = part.trim();
        if let Some(excluded) = part.strip_prefix('^') {
            set.remove(number(excluded)?);
        } else if let Some((first, last)) = part.split_once('-') {
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return None;
            }
            for cpu in first..=last {
                set.insert(cpu);
            }
        } else {
            set.insert(number(part)?);
        }
    }
    Some(set)
}

impl fmt::Display for CpuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cpus = self.iter().peekable();
        let mut separator = "";
        while let Some(first) = cpus.next() {
            let mut last = first;
            while let Some(next) = cpus.next_if_eq(&(last + 1)) {
                last = next;
            }
            if first == last {
                write!(f, "{separator}{first}")?;
            } else {
                write!(f, "{separator}{first}-{last}")?;
            }
            separator = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_go_both_ways() {
        let set: CpuSet = "0-3,^2,5, 7-8".parse().unwrap();
        assert_eq!(set.to_string(), "0-1,3,5,7-8");
        assert_eq!(set.len(), 6);
        for bad in ["", "a", "3-1", "1,", "0-99999999", "^", "+1", "-1"] {
            assert!(bad.parse::<CpuSet>().is_err(), "{bad}");
        }
        let set: CpuSet = "64-130,^130,^129,^128".parse().unwrap();
        assert_eq!(set, (64..128).collect());
        assert!(set.contains(64) && !set.contains(128));
        let hostile = "0-16383,".repeat(100_000);
        assert!(hostile.parse::<CpuSet>().is_err());
    }
}
