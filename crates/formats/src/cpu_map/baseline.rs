//! What several processors have in common, as a guest can be given it.

use super::bits::Bits;
use super::decode::Kind;
use super::document::DescribedFeature;
use super::{CpuDescription, CpuMap, Error, Result, unknown};
use crate::capabilities::Arch;
use virtxen_guest::FeaturePolicy;

impl CpuMap {
    /// The richest processor that all of these hosts can give a guest. With `expand` all
    /// features are named, also those of the model; with `migratable` features are left
    /// out with which a guest stays on its host.
    ///
    /// # Errors
    /// A host without an architecture or model; one that the map does not have; vendors
    /// differ; nothing in common.
    pub fn baseline(
        &self,
        hosts: &[CpuDescription],
        expand: bool,
        migratable: bool,
    ) -> Result<CpuDescription> {
        hosts.iter().try_for_each(check)?;
        let vendor = self.vendor(hosts)?;
        let common = self.common(hosts)?;
        let first = hosts.first().and_then(|host| host.model.as_deref());
        let is_first = |host: &CpuDescription| host.model.as_deref() == first;
        let preferred = first.filter(|_| hosts.iter().all(is_first));
        let kind = Kind::Guest {
            preferred,
            vendor: vendor.as_deref(),
        };
        let mut found = self.decode(&common, kind)?;
        let all_say = hosts.iter().all(|host| host.vendor.is_some());
        found.vendor = vendor.filter(|_| all_say);
        found.is_exact = found.model.as_deref() == preferred;
        if migratable {
            let stays =
                |it: &DescribedFeature| self.feature(&it.name).is_ok_and(|it| it.is_migratable);
            found.features.retain(stays);
        }
        if expand {
            self.expand(&mut found)?;
        }
        Ok(found)
    }

    /// The bits that all of them have.
    fn common(&self, hosts: &[CpuDescription]) -> Result<Bits> {
        let mut common: Option<Bits> = None;
        for host in hosts {
            let bits = self.bits(host)?;
            match &mut common {
                Some(common) => common.intersect(&bits),
                None => common = Some(bits),
            }
        }
        let common = common.filter(|bits| !bits.is_empty());
        common.ok_or(Error::NoModel("CPUs are incompatible"))
    }

    /// The vendor of all of them: what they say, or but for the first what their models
    /// say, as libvirt has it.
    fn vendor(&self, hosts: &[CpuDescription]) -> Result<Option<String>> {
        let mut all: Option<&str> = None;
        for (number, host) in hosts.iter().enumerate() {
            let said = host.vendor.as_deref();
            if let Some(name) = said
                && !self.vendors.iter().any(|it| it == name)
            {
                return Err(unknown("vendor", name));
            }
            let model = self.model(host.model.as_deref().unwrap_or_default())?;
            let of_model = model.vendor.as_deref().filter(|_| number > 0);
            for one in [said, of_model].into_iter().flatten() {
                if *all.get_or_insert(one) != one {
                    return Err(Error::NoModel("CPU vendors do not match"));
                }
            }
        }
        Ok(all.map(str::to_owned))
    }

    /// Names the features of the model too, all by their names' order.
    fn expand(&self, cpu: &mut CpuDescription) -> Result<()> {
        let model = self.model(cpu.model.as_deref().unwrap_or_default())?;
        for feature in self.names(&model.bits) {
            if !cpu.features.iter().any(|it| it.name == feature.name) {
                cpu.features.push(DescribedFeature {
                    name: feature.name.clone(),
                    policy: Some(FeaturePolicy::Require),
                });
            }
        }
        cpu.features.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(())
    }
}

/// What is said of a host must be whole.
fn check(host: &CpuDescription) -> Result<()> {
    let missing = |what: &str| Err(Error::Document(format!("missing CPU {what}")));
    match (host.arch, &host.model) {
        (None, _) => missing("architecture"),
        (_, None) => missing("model name"),
        (Some(Arch::I686 | Arch::X86_64), _) => Ok(()),
        (Some(arch), _) => Err(Error::Architecture(arch.name())),
    }
}
