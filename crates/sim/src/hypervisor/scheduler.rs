//! Schedulers and a domain's parameters under them, with the checks of Xen.
//!
//! Nothing is scheduled: what was set is told again.

use super::page::Page;
use super::{Change, MachineDomain, SimHypervisor};
use virtxen_hypercall::Errno;
use virtxen_hypercall::abi::Family;

/// Numbers of schedulers.
const SEDF: u32 = 4;
const CREDIT: u32 = 5;
const CREDIT2: u32 = 6;
const ARINC653: u32 = 7;
const RTDS: u32 = 8;
const NULL: u32 = 9;

/// Major and minor number of a release.
type Version = (u8, u8);

/// Schedulers with the first release (major, minor) that has each, and the first
/// that has it no more.
const KNOWN: [(u32, &str, Version, Version); 6] = [
    (SEDF, "sedf", (3, 0), (4, 6)),
    (CREDIT, "credit", (3, 0), (255, 0)),
    (CREDIT2, "credit2", (4, 1), (255, 0)),
    (ARINC653, "arinc653", (4, 1), (255, 0)),
    (RTDS, "rtds", (4, 5), (255, 0)),
    (NULL, "null", (4, 9), (255, 0)),
];

/// SEDF's least period, longest period and least slice, in nanoseconds.
const SEDF_PERIOD: std::ops::RangeInclusive<u64> = 10_000..=10_000_000_000;
const SEDF_SLICE: u64 = 5_000;

/// RTDS's least period and budget, in microseconds.
const RTDS_LEAST: u32 = 10;

/// Parameters of a domain, of each scheduler; in Xen's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Weight and cap of credit and credit2.
    pub credit: (u16, u16),
    /// Period, slice and latency of SEDF, in nanoseconds.
    pub sedf: [u64; 3],
    /// Extra time and weight of SEDF.
    pub extra: (bool, u32),
    /// Period and budget of RTDS, in microseconds.
    pub rtds: (u32, u32),
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            credit: (256, 0),
            sedf: [100_000_000, 0, 0],
            extra: (true, 0),
            rtds: (10_000, 4_000),
        }
    }
}

/// The number of a scheduler that a release (major, minor, point) has.
pub(crate) fn number(name: &str, release: (u8, u8, u8)) -> Option<u32> {
    let (major, minor, point) = release;
    let version = (major, minor);
    let found = KNOWN
        .iter()
        .find(|(_, it, from, to)| *it == name && (*from..*to).contains(&version))?;
    // Credit came with 3.0.3.
    (found.0 != CREDIT || version != (3, 0) || point >= 3).then_some(found.0)
}

/// What a release starts with unless its command line says otherwise.
pub(crate) fn default_number(release: (u8, u8, u8)) -> u32 {
    match release {
        (3, 0, 0..=2) => SEDF,
        (major, minor, _) if (major, minor) >= (4, 12) => CREDIT2,
        _ => CREDIT,
    }
}

/// The name of a scheduler.
pub(crate) fn name(number: u32) -> &'static str {
    let found = KNOWN.iter().find(|(it, ..)| *it == number);
    found.map_or("unknown", |(_, name, ..)| name)
}

impl SimHypervisor {
    pub(super) fn has_scheduler(&self, wanted: u32) -> bool {
        let release = (self.release.major, self.release.minor, self.release.point);
        number(name(wanted), release) == Some(wanted)
    }

    /// The scheduler of the machine.
    pub(super) fn scheduler_id(&self, page: &mut Page<'_>) -> Result<u64, Errno> {
        page.put("sched_id", self.machine.facts().scheduler.into());
        Ok(0)
    }

    /// Reads or sets a domain's parameters.
    pub(super) fn scheduler(
        &self,
        family: Family,
        domain: &MachineDomain,
        page: &mut Page<'_>,
    ) -> Result<u64, Errno> {
        let scheduler = self.pool_of(domain.domid).1;
        if page.get("sched_id")? != u64::from(scheduler) {
            return Err(Errno::EINVAL);
        }
        let direction = match family {
            Family::Dom0Op => "direction",
            _ => "cmd",
        };
        match page.get(direction)? {
            0 => {
                let schedule = wanted(scheduler, domain.schedule, page)?;
                let change = Change::Schedule(schedule);
                self.machine.change(domain.domid, change).map(|()| 0)
            }
            1 => {
                self.tell(scheduler, domain.schedule, page);
                Ok(0)
            }
            3 if scheduler == RTDS && page.get("u.v.nr_vcpus").is_ok() => {
                self.tell_vcpus(domain, page)
            }
            _ => Err(Errno::EINVAL),
        }
    }

    fn tell(&self, scheduler: u32, schedule: Schedule, page: &mut Page<'_>) {
        let (weight, cap) = schedule.credit;
        let [period, slice, latency] = schedule.sedf;
        let (extra, share) = schedule.extra;
        // From 4.7 on RTDS tells its defaults; each vcpu has its own.
        let rtds = match self.since(4, 7) {
            true => Schedule::default().rtds,
            false => schedule.rtds,
        };
        let fields: &[(&str, u64)] = match scheduler {
            CREDIT => &[
                ("u.credit.weight", weight.into()),
                ("u.credit.cap", cap.into()),
            ],
            CREDIT2 => &[
                ("u.credit2.weight", weight.into()),
                ("u.credit2.cap", cap.into()),
            ],
            SEDF => &[
                ("u.sedf.period", period),
                ("u.sedf.slice", slice),
                ("u.sedf.latency", latency),
                ("u.sedf.extratime", extra.into()),
                ("u.sedf.weight", share.into()),
            ],
            RTDS => &[
                ("u.rtds.period", rtds.0.into()),
                ("u.rtds.budget", rtds.1.into()),
            ],
            _ => &[],
        };
        for (field, value) in fields {
            page.put(field, *value);
        }
    }

    /// Each element names its vcpu.
    fn tell_vcpus(&self, domain: &MachineDomain, page: &mut Page<'_>) -> Result<u64, Errno> {
        let layout = self.abi.structure("domctl_schedparam_vcpu");
        let layout = layout.ok_or(Errno::ENOSYS)?;
        let count = usize::try_from(page.get("u.v.nr_vcpus")?).map_err(|_| Errno::EINVAL)?;
        let size = usize::from(layout.size);
        let vcpus = domain.affinity.len() as u64;
        let buffer = page.follow("u.v.vcpus")?;
        let room = count
            .checked_mul(size)
            .and_then(|all| buffer.get_mut(..all));
        for one in room.ok_or(Errno::EFAULT)?.chunks_exact_mut(size) {
            if layout.get(one, "vcpuid").is_none_or(|vcpu| vcpu >= vcpus) {
                return Err(Errno::EINVAL);
            }
            let (period, budget) = domain.schedule.rtds;
            for (name, value) in [("u.rtds.period", period), ("u.rtds.budget", budget)] {
                if let Some(field) = layout.field(name) {
                    let _ = field.put(one, value.into());
                }
            }
        }
        Ok(0)
    }
}

/// What is set, of which Xen takes no nonsense.
fn wanted(scheduler: u32, mut schedule: Schedule, page: &Page<'_>) -> Result<Schedule, Errno> {
    match scheduler {
        CREDIT => {
            schedule.credit = share(
                schedule.credit,
                page.get("u.credit.weight")?,
                Some(page.get("u.credit.cap")?),
            );
        }
        CREDIT2 => {
            let (weight, cap) = (
                page.get("u.credit2.weight")?,
                page.get("u.credit2.cap").ok(),
            );
            schedule.credit = share(schedule.credit, weight, cap);
        }
        SEDF => {
            let field = |name| page.get(name);
            let (period, slice) = (field("u.sedf.period")?, field("u.sedf.slice")?);
            let weight = field("u.sedf.weight")? as u32;
            let timed = SEDF_PERIOD.contains(&period) && (SEDF_SLICE..=period).contains(&slice);
            if weight == 0 && !timed {
                return Err(Errno::EINVAL);
            }
            schedule.sedf = [period, slice, field("u.sedf.latency")?];
            schedule.extra = (field("u.sedf.extratime")? & 1 != 0, weight);
        }
        RTDS => {
            let period = page.get("u.rtds.period")? as u32;
            let budget = page.get("u.rtds.budget")? as u32;
            if period < RTDS_LEAST || !(RTDS_LEAST..=period).contains(&budget) {
                return Err(Errno::EINVAL);
            }
            schedule.rtds = (period, budget);
        }
        _ => {}
    }
    Ok(schedule)
}

/// Weight 0 and cap 65535 leave things as they are.
fn share((was, limit): (u16, u16), weight: u64, cap: Option<u64>) -> (u16, u16) {
    let weight = if weight == 0 { was } else { weight as u16 };
    let cap = cap.map(|cap| cap as u16).filter(|cap| *cap != u16::MAX);
    (weight, cap.unwrap_or(limit))
}
