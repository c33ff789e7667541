//! Vcpus: how many are online, how many there may be, where they run.
//!
//! The maximum is part of the configuration and changes while the domain is
//! inactive only.

use super::Part;
use crate::call::{Call, allowed_now};
use crate::{Affect, Domain, DomainKey, Driver, Error, EventKind, Operation, Result, Tunable};
use std::sync::Arc;
use virtxen_host::{ConfigChange, Host, VcpuInfo};

/// How many vcpus a domain has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VcpuCounts {
    /// Online ones; of an inactive domain, those that it will start with.
    pub current: u32,
    /// Most that it may have.
    pub maximum: u32,
    /// Whether these are those of the running domain.
    pub live: bool,
}

impl Driver {
    /// Number of vcpus, now and at most.
    ///
    /// # Errors
    /// No such domain; flags that do not go with its state.
    pub async fn vcpu_counts(&self, key: &DomainKey, affect: Affect) -> Result<VcpuCounts> {
        let domain = self.readable(Operation::GetVcpus, key).await?;
        let host = &self.inner.host;
        let wants_config = affect.config && !affect.live && host.keeps_config_apart();
        // Of Domain-0 there is no other configuration than how it runs.
        let is_apart = wants_config && domain.is_active() && !domain.is_domain0();
        if is_apart || (affect.live && !domain.is_active()) {
            affect.part(&**host, Operation::GetVcpus, &domain)?;
        }
        if is_apart {
            let answer = host.defined(&domain.name);
            let guest = self.read(Operation::GetVcpus, &domain.name, answer).await?;
            return Ok(VcpuCounts {
                current: guest.vcpus.current.unwrap_or(guest.vcpus.max),
                maximum: guest.vcpus.max,
                live: false,
            });
        }
        Ok(VcpuCounts {
            current: domain.vcpus,
            maximum: domain.max_vcpus,
            live: domain.is_active(),
        })
    }

    /// Sets the number of online vcpus; of an inactive domain, those that it will
    /// start with.
    ///
    /// # Errors
    /// Zero, or more than the domain may have; flags that do not go with its state.
    pub async fn set_vcpus(&self, key: &DomainKey, count: u32, affect: Affect) -> Result<()> {
        let operation = Operation::SetVcpus;
        at_least_one(count)?;
        self.change(Call::domain(operation, key), async move |host, domain| {
            let part = affect.part(&*host, operation, &domain)?;
            // What a running domain is defined as may be more than it has.
            let of_domain = part != Part::Config || !domain.is_active();
            if of_domain && count > domain.max_vcpus {
                return Err(Error::Argument(format!(
                    "domain '{}' may have at most {} vcpus, not {count}",
                    domain.name, domain.max_vcpus
                )));
            }
            let change = ConfigChange::Vcpus(count);
            let live = host.set_vcpus(&domain.name, count);
            part.change(&*host, &domain.name, &change, live).await
        })
        .await
    }

    /// Sets the most vcpus that an inactive domain may have when it runs; as many as
    /// before are online, or fewer if it had more.
    ///
    /// # Errors
    /// Zero; the domain is active: XenD fixes the number when it builds a domain.
    pub async fn set_max_vcpus(&self, key: &DomainKey, count: u32, affect: Affect) -> Result<()> {
        let operation = Operation::SetVcpus;
        at_least_one(count)?;
        self.change(Call::domain(operation, key), async move |host, domain| {
            let part = affect.part(&*host, operation, &domain)?;
            if part != Part::Config {
                return Err(Error::Invalid {
                    name: domain.name,
                    operation: operation.verb(),
                    reason: "XenD fixes the maximum when it builds a domain: \
                             shut it down first"
                        .to_owned(),
                });
            }
            if host.keeps_config_apart() {
                let change = ConfigChange::MaxVcpus(count);
                return Ok(host.change_config(&domain.name, &change).await?);
            }
            let mut guest = host.guest(&domain.name).await?;
            let online = guest.vcpus.current.unwrap_or(guest.vcpus.max);
            guest.vcpus.max = count;
            guest.vcpus.current = (online < count).then_some(online);
            Ok(host.define(&guest).await?)
        })
        .await
    }

    /// Takes some vcpus online or offline; of an inactive domain, for its next start,
    /// where a configuration only has their number: the first ones are online.
    ///
    /// # Errors
    /// No such vcpu; the first one; a set that this host or a configuration cannot
    /// have; flags that do not go with the domain's state.
    pub async fn plug_vcpus(
        &self,
        key: &DomainKey,
        vcpus: &[u32],
        online: bool,
        affect: Affect,
    ) -> Result<()> {
        let operation = Operation::PlugVcpus;
        let vcpus = vcpus.to_vec();
        self.change(Call::domain(operation, key), async move |host, domain| {
            let part = affect.part(&*host, operation, &domain)?;
            let missing = vcpus.iter().find(|vcpu| **vcpu >= domain.max_vcpus);
            if let Some(vcpu) = missing {
                return Err(Error::Argument(format!(
                    "there is no vcpu {vcpu}: domain '{}' has {}",
                    domain.name, domain.max_vcpus
                )));
            }
            if vcpus.is_empty() || (!online && vcpus.contains(&0)) {
                return Err(Error::Argument(
                    "name the vcpus, of which the first is always online".to_owned(),
                ));
            }
            if part != Part::Config {
                host.plug_vcpus(&domain.name, &vcpus, online).await?;
            }
            if part == Part::Live {
                return Ok(());
            }
            let guest = host.defined(&domain.name).await?;
            let now = guest.vcpus.current.unwrap_or(guest.vcpus.max);
            let count = first_of(now, &vcpus, online).ok_or_else(|| Error::Unsupported {
                operation: operation.verb(),
                reason: "a configuration has the number of vcpus only, of which the first are \
                         online: take the last ones offline, or the next ones online"
                    .to_owned(),
            })?;
            if host.keeps_config_apart() {
                let change = ConfigChange::Vcpus(count);
                return Ok(host.change_config(&domain.name, &change).await?);
            }
            Ok(host.set_vcpus(&domain.name, count).await?)
        })
        .await
    }

    /// The vcpus: state, time, where they run and may run.
    ///
    /// # Errors
    /// No such domain; the host cannot tell.
    pub async fn vcpus(&self, key: &DomainKey) -> Result<Vec<VcpuInfo>> {
        let domain = self.readable(Operation::GetVcpus, key).await?;
        let answer = self.inner.host.vcpus(&domain.name);
        self.read(Operation::GetVcpus, &domain.name, answer).await
    }

    /// The NUMA nodes of the host that a running domain's memory is from: Xen takes
    /// those of the processors on which its vcpus may run.
    ///
    /// # Errors
    /// The domain is not running; the host cannot tell.
    pub async fn numa_nodes(&self, key: &DomainKey) -> Result<Vec<u32>> {
        let operation = Operation::NumaParameters;
        let domain = self.readable(operation, key).await?;
        allowed_now(operation, &domain)?;
        let vcpus = self.inner.host.vcpus(&domain.name);
        let vcpus = self.read(operation, &domain.name, vcpus).await?;
        let nodes = self.node(operation).await?.topology.node_cpus;
        let is_used = |cpus: &Vec<u32>| {
            let mut maps = vcpus.iter().map(|vcpu| &vcpu.affinity);
            maps.any(|map| map.iter().any(|cpu| cpus.contains(cpu)))
        };
        let used = (0..).zip(&nodes).filter(|(_, cpus)| is_used(cpus));
        let used: Vec<u32> = used.map(|(node, _)| node).collect();
        // A host that does not tell its nodes has one.
        Ok(if used.is_empty() { vec![0] } else { used })
    }

    /// Limits a vcpu to these processors.
    ///
    /// # Errors
    /// No such vcpu or processor; flags that do not go with the domain's state; the
    /// release cannot pin.
    pub async fn pin_vcpu(
        &self,
        key: &DomainKey,
        vcpu: u32,
        cpus: &[u32],
        affect: Affect,
    ) -> Result<()> {
        let cpus = sorted(cpus);
        let pinned = Tunable::VcpuPin {
            vcpu,
            cpus: cpus.iter().copied().collect(),
        };
        let call = Call::domain(Operation::PinVcpu, key).tells(EventKind::Tunable(pinned));
        self.pin(call, vcpu, cpus, false, affect).await
    }

    /// Says on which processors a vcpu should rather run: Xen's soft affinity, from Xen
    /// 4.5 on.
    ///
    /// # Errors
    /// As [`Driver::pin_vcpu`].
    pub async fn pin_vcpu_softly(
        &self,
        key: &DomainKey,
        vcpu: u32,
        cpus: &[u32],
        affect: Affect,
    ) -> Result<()> {
        let call = Call::domain(Operation::PinVcpu, key);
        self.pin(call, vcpu, sorted(cpus), true, affect).await
    }

    async fn pin(
        &self,
        call: Call,
        vcpu: u32,
        cpus: Vec<u32>,
        softly: bool,
        affect: Affect,
    ) -> Result<()> {
        self.change(call, async move |host, domain| {
            let part = pinnable(&host, &domain, vcpu, &cpus, affect).await?;
            let name = &domain.name;
            let live = match softly {
                true => host.pin_vcpu_softly(name, vcpu, &cpus),
                false => host.pin_vcpu(name, vcpu, &cpus),
            };
            let cpus = cpus.clone();
            let change = match softly {
                true => ConfigChange::SoftPin { vcpu, cpus },
                false => ConfigChange::Pin { vcpu, cpus },
            };
            part.change(&*host, name, &change, live).await
        })
        .await
    }

    /// The processors on which each vcpu should rather run, by its number.
    ///
    /// # Errors
    /// No such domain; the host has no soft affinity.
    pub async fn soft_affinity(&self, key: &DomainKey) -> Result<Vec<Vec<u32>>> {
        let domain = self.readable(Operation::GetVcpus, key).await?;
        let answer = self.inner.host.soft_affinity(&domain.name);
        self.read(Operation::GetVcpus, &domain.name, answer).await
    }
}

fn sorted(cpus: &[u32]) -> Vec<u32> {
    let mut cpus = cpus.to_vec();
    cpus.sort_unstable();
    cpus.dedup();
    cpus
}

/// The part of a domain in which a vcpu is bound to processors, if there are both.
async fn pinnable(
    host: &Arc<dyn Host>,
    domain: &Domain,
    vcpu: u32,
    cpus: &[u32],
    affect: Affect,
) -> Result<Part> {
    let part = affect.part(&**host, Operation::PinVcpu, domain)?;
    let Some(last) = cpus.last() else {
        return Err(Error::Argument("no processor is given".to_owned()));
    };
    let of_host = host.node().await?.topology.cpus;
    if *last >= of_host {
        return Err(Error::Argument(format!(
            "there is no processor {last}: the host has {of_host}"
        )));
    }
    let of_domain = part != Part::Config || !domain.is_active();
    if of_domain && vcpu >= domain.max_vcpus {
        return Err(Error::Argument(format!(
            "there is no vcpu {vcpu}: domain '{}' has {}",
            domain.name, domain.max_vcpus
        )));
    }
    Ok(part)
}

/// How many of the first vcpus are online when `now` are and some are changed; `None`
/// when others than the first would be.
fn first_of(now: u32, changed: &[u32], online: bool) -> Option<u32> {
    let is_on = |vcpu: u32| match changed.contains(&vcpu) {
        true => online,
        false => vcpu < now,
    };
    let most = changed.iter().max().map_or(now, |last| now.max(last + 1));
    let count = (0..most).take_while(|vcpu| is_on(*vcpu)).count();
    let count = u32::try_from(count).ok()?;
    (count..most).all(|vcpu| !is_on(vcpu)).then_some(count)
}

pub(crate) fn at_least_one(count: u32) -> Result<()> {
    match count {
        0 => Err(Error::Argument(
            "a domain needs at least one vcpu".to_owned(),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_for_the_first_vcpus() {
        assert_eq!(first_of(4, &[3], false), Some(3));
        assert_eq!(first_of(4, &[2, 3], false), Some(2));
        assert_eq!(first_of(4, &[1], false), None);
        assert_eq!(first_of(2, &[2], true), Some(3));
        assert_eq!(first_of(2, &[3], true), None);
        assert_eq!(first_of(2, &[1], true), Some(2));
    }
}
