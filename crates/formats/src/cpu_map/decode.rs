//! Which model a set of features is.
//!
//! Of all models the one that leaves the least to be said beside it, of two that leave as
//! much the newer one.

use super::bits::{Bits, EAX, EBX, ECX, EDX, Register, Source};
use super::document::{CpuDescription, DescribedFeature};
use super::{CpuMap, Error, Model, Result};
use crate::capabilities::Arch;
use virtxen_guest::FeaturePolicy;

/// A release of Xen: major and minor.
type Release = (u32, u32);

/// Where the words of Xen's list of features come from, by their numbers and from a release
/// on: first in the order of Linux of old, which has words of its own between them, then in
/// Xen's own.
const HW_CAPS: [(Release, &[(usize, Register)]); 2] = [
    (
        (0, 0),
        &[
            (0, (Source::Cpuid(1, 0), EDX)),
            (1, (Source::Cpuid(0x8000_0001, 0), EDX)),
            (4, (Source::Cpuid(1, 0), ECX)),
            (6, (Source::Cpuid(0x8000_0001, 0), ECX)),
            (7, (Source::Cpuid(7, 0), EBX)),
        ],
    ),
    (
        (4, 7),
        &[
            (0, (Source::Cpuid(1, 0), EDX)),
            (1, (Source::Cpuid(1, 0), ECX)),
            (2, (Source::Cpuid(0x8000_0001, 0), EDX)),
            (3, (Source::Cpuid(0x8000_0001, 0), ECX)),
            (4, (Source::Cpuid(0xd, 1), EAX)),
            (5, (Source::Cpuid(7, 0), EBX)),
            (6, (Source::Cpuid(7, 0), ECX)),
            (7, (Source::Cpuid(0x8000_0007, 0), EDX)),
        ],
    ),
];

impl CpuMap {
    /// What a host has, from the words of its processors' features as Xen tells them:
    /// hexadecimal, between colons, in an order that depends on the release, major and
    /// minor. None if there is no such model: no x86, or words that are not known.
    #[must_use]
    pub fn of_host(&self, arch: Arch, hw_caps: &str, xen: (u32, u32)) -> Option<CpuDescription> {
        if !matches!(arch, Arch::I686 | Arch::X86_64) {
            return None;
        }
        let (_, registers) = HW_CAPS.iter().rev().find(|(from, _)| *from <= xen)?;
        let words: Vec<&str> = hw_caps.trim().split(':').collect();
        let mut bits = Bits::default();
        for (number, register) in *registers {
            if let Some(digits) = words.get(*number) {
                bits.insert(*register, u32::from_str_radix(digits, 16).ok()?);
            }
        }
        let mut found = self.decode(&bits, Kind::Host).ok()?;
        found.arch = Some(arch);
        Some(found)
    }

    /// The model of these features, and what is to be said beside it.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn decode(&self, bits: &Bits, kind: Kind<'_>) -> Result<CpuDescription> {
        let mut best: Option<CpuDescription> = None;
        for model in self.models.iter().rev() {
            let Some(found) = self.beside(bits, model, kind) else {
                continue;
            };
            if matches!(kind, Kind::Guest { preferred: Some(name), .. } if name == model.name) {
                return Ok(found);
            }
            let is_nearer = |best: &CpuDescription| distance(&found) < distance(best);
            if best.as_ref().is_none_or(is_nearer) {
                best = Some(found);
            }
        }
        best.ok_or(Error::NoModel(
            "cannot find a suitable CPU model for the features",
        ))
    }

    /// What is to be said beside a model, if it is one of this kind. A host has all of its
    /// model; of a guest's model some may be taken away.
    fn beside(&self, bits: &Bits, model: &Model, kind: Kind<'_>) -> Option<CpuDescription> {
        let is_host = kind == Kind::Host;
        if let Kind::Guest {
            vendor: Some(vendor),
            ..
        } = kind
            && model.vendor.as_ref().is_some_and(|own| own != vendor)
        {
            return None;
        }
        let lacking = self.names(&model.bits.without(bits));
        if !(if is_host {
            model.of_host
        } else {
            model.of_guest
        }) || (is_host && !lacking.is_empty())
        {
            return None;
        }
        let policy = |it| (!is_host).then_some(it);
        let more = self.names(&bits.without(&model.bits));
        let more = more
            .iter()
            .map(|it| feature(&it.name, policy(FeaturePolicy::Require)));
        let less = lacking.iter().map(|it| &it.name);
        let gone = |name: &&String| !self.feature(name).is_ok_and(|it| bits.has(&it.bits));
        let removed = model.removed.iter().filter(gone);
        let less = less.chain(removed.filter(|_| !is_host));
        let less = less.map(|name| feature(name, policy(FeaturePolicy::Disable)));
        Some(CpuDescription {
            model: Some(model.name.clone()),
            features: more.chain(less).collect(),
            ..CpuDescription::default()
        })
    }
}

/// How far off a model is: what is said beside it, and how much of that for what it is to
/// lack. That weighs more, two for the first, three for the second; of several libvirt
/// (from 8.6 on) weighs the first half so, and which model a cluster's hosts have in common
/// is to be the same for all who ask.
fn distance(cpu: &CpuDescription) -> (usize, usize) {
    let is_off = |it: &&DescribedFeature| it.policy == Some(FeaturePolicy::Disable);
    let off = cpu.features.iter().filter(is_off).count().div_ceil(2);
    let weight = (2..).take(off).sum();
    (cpu.features.len() - off + weight, weight)
}

/// What a model is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// To say what a host is.
    Host,
    /// To say what guests get.
    Guest {
        /// The first choice.
        preferred: Option<&'a str>,
        /// Models of others are none.
        vendor: Option<&'a str>,
    },
}

fn feature(name: &str, policy: Option<FeaturePolicy>) -> DescribedFeature {
    DescribedFeature {
        name: name.to_owned(),
        policy,
    }
}
