//! What the hypervisor itself can do to a domain, where no toolstack is there.
//!
//! It stops, lets run and ends domains, limits them and schedules them. What only a
//! toolstack knows of a domain, devices and configurations, is not touched: who built
//! it takes down the rest.

use super::{HypercallMonitor, MILLISECOND, about, failed};
use crate::{Error, Result, Scheduler, Trigger};
use virtxen_guest::{DomId, MemoryKib};
use virtxen_hypercall::SchedulerParameters;

impl HypercallMonitor {
    pub(crate) fn pause(&self, name: &str, domid: DomId) -> Result<()> {
        self.done(name, self.xen.pause(domid.0))
    }

    pub(crate) fn unpause(&self, name: &str, domid: DomId) -> Result<()> {
        self.done(name, self.xen.unpause(domid.0))
    }

    pub(crate) fn destroy(&self, name: &str, domid: DomId) -> Result<()> {
        self.done(name, self.xen.destroy(domid.0))
    }

    pub(crate) fn trigger(&self, name: &str, domid: DomId, trigger: Trigger) -> Result<()> {
        let trigger = match trigger {
            Trigger::Nmi => virtxen_hypercall::Trigger::Nmi,
            Trigger::PowerButton => virtxen_hypercall::Trigger::Power,
        };
        self.done(name, self.xen.send_trigger(domid.0, trigger, 0))
    }

    pub(crate) fn set_max_memory(&self, name: &str, domid: DomId, limit: MemoryKib) -> Result<()> {
        self.done(name, self.xen.set_max_memory(domid.0, limit.0))
    }

    pub(crate) fn pin_vcpu(&self, name: &str, domid: DomId, vcpu: u32, cpus: &[u32]) -> Result<()> {
        let pinned = self.xen.set_affinity(domid.0, vcpu, cpus, self.cpus);
        self.done(name, pinned)
    }

    pub(crate) fn pin_vcpu_softly(
        &self,
        name: &str,
        domid: DomId,
        vcpu: u32,
        cpus: &[u32],
    ) -> Result<()> {
        let pinned = self.xen.set_soft_affinity(domid.0, vcpu, cpus, self.cpus);
        self.done(name, pinned)
    }

    /// A domain's parameters under the scheduler of its cpupool.
    pub(crate) fn scheduler(&self, name: &str, domid: DomId) -> Result<Scheduler> {
        let fail = |error| about(name, error);
        let cpupool = self.xen.domain(domid.0).map_err(fail)?.cpupool;
        let scheduler = self.xen.scheduler_of(cpupool).map_err(fail)?;
        let parameters = self.xen.scheduler_parameters(domid.0, scheduler);
        match parameters {
            Ok(parameters) => Ok(told(parameters)),
            Err(virtxen_hypercall::Error::Unsupported { .. }) => {
                Err(no_parameters(scheduler.name()))
            }
            Err(error) => Err(fail(error)),
        }
    }

    pub(crate) fn set_scheduler(
        &self,
        name: &str,
        domid: DomId,
        scheduler: &Scheduler,
    ) -> Result<()> {
        let parameters = parameters(scheduler)?;
        let set = self.xen.set_scheduler_parameters(domid.0, &parameters);
        self.done(name, set)
    }

    fn done(&self, name: &str, result: virtxen_hypercall::Result<()>) -> Result<()> {
        result.map_err(|error| about(name, error))
    }
}

fn told(parameters: SchedulerParameters) -> Scheduler {
    match parameters {
        SchedulerParameters::Credit { weight, cap } => Scheduler::Credit {
            weight: weight.into(),
            cap: cap.into(),
        },
        SchedulerParameters::Credit2 { weight, cap } => Scheduler::Credit2 {
            weight: weight.into(),
            cap: cap.map(u32::from),
        },
        SchedulerParameters::Sedf {
            period,
            slice,
            latency,
            extra_time,
            weight,
        } => Scheduler::Sedf {
            period: period / MILLISECOND,
            slice: slice / MILLISECOND,
            latency: latency / MILLISECOND,
            extra_time,
            weight,
        },
        SchedulerParameters::Rtds { period, budget } => Scheduler::Rtds { period, budget },
    }
}

fn parameters(scheduler: &Scheduler) -> Result<SchedulerParameters> {
    let small = |value: u32| {
        u16::try_from(value).map_err(|_| {
            failed(&virtxen_hypercall::Error::Range {
                release: "of any release".to_owned(),
                operation: "schedinfo",
                what: format!("{value}: at most 65535"),
            })
        })
    };
    Ok(match *scheduler {
        Scheduler::Credit { weight, cap } => SchedulerParameters::Credit {
            weight: small(weight)?,
            cap: small(cap)?,
        },
        Scheduler::Credit2 { weight, cap } => SchedulerParameters::Credit2 {
            weight: small(weight)?,
            cap: cap.map(small).transpose()?,
        },
        Scheduler::Sedf {
            period,
            slice,
            latency,
            extra_time,
            weight,
        } => SchedulerParameters::Sedf {
            period: period.saturating_mul(MILLISECOND),
            slice: slice.saturating_mul(MILLISECOND),
            latency: latency.saturating_mul(MILLISECOND),
            extra_time,
            weight,
        },
        Scheduler::Rtds { period, budget } => SchedulerParameters::Rtds { period, budget },
    })
}

fn no_parameters(scheduler: &str) -> Error {
    Error::Unsupported {
        operation: "schedinfo",
        reason: format!("domains have no parameters under the scheduler {scheduler}"),
    }
}
