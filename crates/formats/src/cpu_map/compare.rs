//! Whether a host's processor can run what a document describes.

use super::bits::Bits;
use super::{CpuDescription, CpuMap, Result};
use crate::capabilities::Arch;
use virtxen_guest::FeaturePolicy;

/// What came out of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The host cannot run it, and why.
    Incompatible(String),
    /// The host has exactly this.
    Identical,
    /// The host has this, and more.
    Superset,
}

impl CpuMap {
    /// Compares a host, which has the model `host`, with what a document wants.
    ///
    /// # Errors
    /// A model or feature that the map does not have.
    pub fn compare(&self, host: &CpuDescription, wanted: &CpuDescription) -> Result<Comparison> {
        let not = |why: String| Ok(Comparison::Incompatible(why));
        if let Some(arch) = wanted.arch
            && !matches!(arch, Arch::I686 | Arch::X86_64)
        {
            let name = arch.name();
            return not(format!("CPU arch {name} does not match host arch"));
        }
        if let Some(vendor) = &wanted.vendor
            && host.vendor.as_ref() != Some(vendor)
        {
            return not(format!(
                "host CPU vendor does not match required CPU vendor {vendor}"
            ));
        }
        let has = self.bits(host)?;
        let part = |policy| self.with_policy(wanted, policy);
        let mut forbidden = part(FeaturePolicy::Forbid)?;
        forbidden.intersect(&has);
        if !forbidden.is_empty() {
            return not(self.told("Host CPU provides forbidden features", &forbidden));
        }
        let mut spared = part(FeaturePolicy::Force)?;
        spared.add(&part(FeaturePolicy::Optional)?);
        spared.add(&part(FeaturePolicy::Disable)?);
        let mut required = part(FeaturePolicy::Require)?;
        if let Some(model) = &wanted.model {
            required.add(&self.model(model)?.bits);
        }
        required.subtract(&spared);
        let lacking = required.without(&has);
        if !lacking.is_empty() {
            let why = self.told("Host CPU does not provide required features", &lacking);
            return not(why);
        }
        let more = has.without(&spared).without(&required);
        if more.is_empty() {
            return Ok(Comparison::Identical);
        }
        match wanted.is_strict {
            true => not(self.told(
                "Host CPU does not strictly match guest CPU: Extra features",
                &more,
            )),
            false => Ok(Comparison::Superset),
        }
    }

    /// All bits of a processor: those of its model, and its features.
    pub(super) fn bits(&self, cpu: &CpuDescription) -> Result<Bits> {
        let mut bits = match &cpu.model {
            Some(name) => self.model(name)?.bits.clone(),
            None => Bits::default(),
        };
        for feature in &cpu.features {
            let own = &self.feature(&feature.name)?.bits;
            match feature.policy {
                Some(FeaturePolicy::Disable | FeaturePolicy::Forbid) => bits.subtract(own),
                Some(FeaturePolicy::Optional) => {}
                None | Some(FeaturePolicy::Force | FeaturePolicy::Require) => bits.add(own),
            }
        }
        Ok(bits)
    }

    fn with_policy(&self, cpu: &CpuDescription, policy: FeaturePolicy) -> Result<Bits> {
        let mut bits = Bits::default();
        for feature in &cpu.features {
            let named = &self.feature(&feature.name)?.bits;
            // Who says nothing requires it.
            if feature.policy.unwrap_or(FeaturePolicy::Require) == policy {
                bits.add(named);
            }
        }
        Ok(bits)
    }

    fn told(&self, what: &str, bits: &Bits) -> String {
        let names = self.names(bits);
        let names: Vec<&str> = names.iter().map(|it| &*it.name).collect();
        format!("{what}: {}", names.join(", "))
    }
}
