//! Schedulers: which one the host or a cpupool has, and a domain's parameters under
//! it. Units are the hypervisor's; who converts them is not here.

use crate::Xen;
use crate::abi::Family;
use crate::call::Call;
use crate::error::{Error, Result};

/// Directions of a scheduler operation.
const PUT: u64 = 0;
const GET: u64 = 1;

/// The parameters of single vcpus, for a scheduler that has them.
const GET_VCPUS: u64 = 3;

/// A scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchedulerId {
    /// Borrowed virtual time, up to Xen 3.0.2.
    Bvt,
    /// Simple earliest deadline first, up to Xen 4.5.
    Sedf,
    /// Credit, from Xen 3.0.3 on.
    Credit,
    /// Credit2, from Xen 4.1 on.
    Credit2,
    /// ARINC 653, from Xen 4.1 on.
    Arinc653,
    /// Real-time deferrable server, from Xen 4.5 on.
    Rtds,
    /// One vcpu for each processor, from Xen 4.9 on.
    Null,
    /// One that the table does not know.
    Unknown(u32),
}

/// Names and numbers.
const IDS: &[(SchedulerId, u32, &str)] = &[
    (SchedulerId::Bvt, 0, "bvt"),
    (SchedulerId::Sedf, 4, "sedf"),
    (SchedulerId::Credit, 5, "credit"),
    (SchedulerId::Credit2, 6, "credit2"),
    (SchedulerId::Arinc653, 7, "arinc653"),
    (SchedulerId::Rtds, 8, "rtds"),
    (SchedulerId::Null, 9, "null"),
];

impl SchedulerId {
    /// The name that Xen prints.
    #[must_use]
    pub fn name(self) -> &'static str {
        IDS.iter()
            .find(|(id, ..)| *id == self)
            .map_or("unknown", |(_, _, name)| name)
    }

    /// The scheduler with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let found = IDS.iter().find(|(.., it)| *it == name);
        found.map(|(id, ..)| *id)
    }

    pub(crate) fn from_number(number: u32) -> Self {
        IDS.iter()
            .find(|(_, it, _)| *it == number)
            .map_or(Self::Unknown(number), |(id, ..)| *id)
    }

    pub(crate) fn number(self) -> u32 {
        match self {
            Self::Unknown(number) => number,
            known => IDS
                .iter()
                .find(|(id, ..)| *id == known)
                .map_or(0, |(_, number, _)| *number),
        }
    }
}

/// A domain's parameters, in the hypervisor's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchedulerParameters {
    /// Credit.
    Credit {
        /// Share; 256 is normal.
        weight: u16,
        /// Limit in percent of one processor, 0 for none.
        cap: u16,
    },
    /// Credit2.
    Credit2 {
        /// Share; 256 is normal.
        weight: u16,
        /// Limit in percent of one processor, 0 for none; `None` before Xen 4.10.
        cap: Option<u16>,
    },
    /// SEDF. Times in nanoseconds.
    Sedf {
        /// Period.
        period: u64,
        /// Guaranteed time in each period.
        slice: u64,
        /// Scaled period for domains that do much I/O.
        latency: u64,
        /// May have time that is left over.
        extra_time: bool,
        /// Share instead of period and slice.
        weight: u32,
    },
    /// RTDS. Times in microseconds.
    Rtds {
        /// Period.
        period: u32,
        /// Guaranteed time in each period.
        budget: u32,
    },
}

impl SchedulerParameters {
    fn scheduler(&self) -> SchedulerId {
        match self {
            Self::Credit { .. } => SchedulerId::Credit,
            Self::Credit2 { .. } => SchedulerId::Credit2,
            Self::Sedf { .. } => SchedulerId::Sedf,
            Self::Rtds { .. } => SchedulerId::Rtds,
        }
    }

    /// The fields that carry the parameters, with their values.
    fn fields(&self) -> Vec<(&'static str, u64)> {
        match *self {
            Self::Credit { weight, cap } => {
                vec![
                    ("u.credit.weight", weight.into()),
                    ("u.credit.cap", cap.into()),
                ]
            }
            Self::Credit2 { weight, cap } => {
                let mut fields = vec![("u.credit2.weight", weight.into())];
                fields.extend(cap.map(|cap| ("u.credit2.cap", cap.into())));
                fields
            }
            Self::Sedf {
                period,
                slice,
                latency,
                extra_time,
                weight,
            } => vec![
                ("u.sedf.period", period),
                ("u.sedf.slice", slice),
                ("u.sedf.latency", latency),
                ("u.sedf.extratime", extra_time.into()),
                ("u.sedf.weight", weight.into()),
            ],
            Self::Rtds { period, budget } => {
                vec![
                    ("u.rtds.period", period.into()),
                    ("u.rtds.budget", budget.into()),
                ]
            }
        }
    }
}

impl Xen {
    /// The host's scheduler.
    ///
    /// # Errors
    /// What the hypervisor says.
    pub fn scheduler(&self) -> Result<SchedulerId> {
        let is_old = self.abi.control() == Family::Dom0Op;
        let family = if is_old {
            Family::Dom0Op
        } else {
            Family::Sysctl
        };
        let mut call = Call::new(&self.abi, family, "sched_id")?;
        call.send(self.gate.as_ref())?;
        let number = u32::try_from(call.get("sched_id")?).unwrap_or(u32::MAX);
        Ok(SchedulerId::from_number(number))
    }

    /// The scheduler of a domain: its cpupool's, or the host's where there are no
    /// cpupools.
    ///
    /// # Errors
    /// What the hypervisor says.
    pub fn scheduler_of(&self, cpupool: Option<u32>) -> Result<SchedulerId> {
        match cpupool.map(|id| self.cpu_pool(id)) {
            // A domain that is being destroyed is in none.
            None | Some(Err(Error::Unsupported { .. } | Error::NoCpuPool { .. })) => {
                self.scheduler()
            }
            Some(pool) => Ok(pool?.scheduler),
        }
    }

    /// A domain's parameters under this scheduler; for one with parameters of single
    /// vcpus those of the first.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a scheduler without parameters of a domain, and
    /// what the hypervisor says.
    pub fn scheduler_parameters(
        &self,
        domid: u32,
        scheduler: SchedulerId,
    ) -> Result<SchedulerParameters> {
        let mut call = self.scheduler_call(domid, scheduler, GET)?;
        // From 4.7 on GET gives the defaults of a scheduler that has parameters of vcpus.
        if scheduler == SchedulerId::Rtds && call.has("u.v.vcpus") {
            return self.vcpu_parameters(domid);
        }
        self.send_to(domid, &mut call)?;
        let word = |name| call.get(name).map(|value| value as u16);
        let long = |name| call.get(name).map(|value| value as u32);
        Ok(match scheduler {
            SchedulerId::Credit => SchedulerParameters::Credit {
                weight: word("u.credit.weight")?,
                cap: word("u.credit.cap")?,
            },
            SchedulerId::Credit2 => SchedulerParameters::Credit2 {
                weight: word("u.credit2.weight")?,
                cap: call.find("u.credit2.cap").map(|value| value as u16),
            },
            SchedulerId::Sedf => SchedulerParameters::Sedf {
                period: call.get("u.sedf.period")?,
                slice: call.get("u.sedf.slice")?,
                latency: call.get("u.sedf.latency")?,
                extra_time: call.get("u.sedf.extratime")? & 1 != 0,
                weight: long("u.sedf.weight")?,
            },
            SchedulerId::Rtds => SchedulerParameters::Rtds {
                period: long("u.rtds.period")?,
                budget: long("u.rtds.budget")?,
            },
            _ => return Err(call.unsupported()),
        })
    }

    /// Sets a domain's parameters under the scheduler that they are of.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a parameter that this release does not have, and
    /// what the hypervisor says.
    pub fn set_scheduler_parameters(
        &self,
        domid: u32,
        parameters: &SchedulerParameters,
    ) -> Result<()> {
        let mut call = self.scheduler_call(domid, parameters.scheduler(), PUT)?;
        for (field, value) in parameters.fields() {
            call.set(field, value)?;
        }
        self.send_to(domid, &mut call)
    }

    /// RTDS's parameters of the first vcpu.
    fn vcpu_parameters(&self, domid: u32) -> Result<SchedulerParameters> {
        let mut call = self.scheduler_call(domid, SchedulerId::Rtds, GET_VCPUS)?;
        let layout = self.abi.structure("domctl_schedparam_vcpu");
        let layout = layout.ok_or_else(|| call.unsupported())?;
        let vcpus = call.point("u.v.vcpus", vec![0; usize::from(layout.size)])?;
        call.set("u.v.nr_vcpus", 1)?;
        self.send_to(domid, &mut call)?;
        let field = |name| {
            let value = layout.get(call.buffer(vcpus), name);
            value
                .map(|value| value as u32)
                .ok_or_else(|| call.unsupported())
        };
        Ok(SchedulerParameters::Rtds {
            period: field("u.rtds.period")?,
            budget: field("u.rtds.budget")?,
        })
    }

    fn scheduler_call(
        &self,
        domid: u32,
        scheduler: SchedulerId,
        direction: u64,
    ) -> Result<Call<'_>> {
        let mut call = Call::on_domain(&self.abi, "adjustdom", "scheduler_op", domid)?;
        call.set("sched_id", u64::from(scheduler.number()))?;
        let field = if call.has("direction") {
            "direction"
        } else {
            "cmd"
        };
        call.set(field, direction)?;
        Ok(call)
    }
}
