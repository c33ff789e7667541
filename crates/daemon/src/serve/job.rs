//! Calls about the long operation that a domain is in.

use super::{Caller, lookup, wire};
use crate::error::Result;
use std::sync::Arc;
use std::time::Duration;
use virtxen_rpc::calls::{ControlInfo, DomainFlags, JobInfo, JobStats};
use virtxen_rpc::xdr::List;
use virtxen_rpc::{Domain, TypedParam};

/// `VIR_DOMAIN_JOB_NONE` and `VIR_DOMAIN_JOB_UNBOUNDED`: XenD does not tell how much
/// is left.
const NONE: i32 = 0;
const UNBOUNDED: i32 = 2;

/// `VIR_DOMAIN_CONTROL_OK` and `VIR_DOMAIN_CONTROL_JOB`.
const CONTROL_OK: u32 = 0;
const CONTROL_JOB: u32 = 1;

super::rows! {
    DomainGetJobInfo => info;
    DomainGetJobStats => stats;
    DomainGetControlInfo => control;
}

async fn info(caller: Arc<Caller>, dom: Domain) -> Result<JobInfo> {
    Ok(match elapsed(&caller, &dom).await? {
        None => JobInfo::default(),
        Some(elapsed) => JobInfo {
            kind: UNBOUNDED,
            time_elapsed: milliseconds(elapsed),
            ..JobInfo::default()
        },
    })
}

async fn stats(caller: Arc<Caller>, arguments: DomainFlags) -> Result<JobStats> {
    // 1 asks for the last job that ended, of which nothing is kept; 2 to keep it.
    const COMPLETED: u32 = 1;
    wire::only("virDomainGetJobStats", arguments.flags, COMPLETED | 2)?;
    let running = elapsed(&caller, &arguments.dom).await?;
    let running = running.filter(|_| arguments.flags & COMPLETED == 0);
    Ok(match running {
        None => JobStats {
            kind: NONE,
            ..JobStats::default()
        },
        Some(elapsed) => JobStats {
            kind: UNBOUNDED,
            params: List(vec![TypedParam::new("time_elapsed", milliseconds(elapsed))]),
        },
    })
}

async fn control(caller: Arc<Caller>, arguments: DomainFlags) -> Result<ControlInfo> {
    wire::only("virDomainGetControlInfo", arguments.flags, 0)?;
    let running = elapsed(&caller, &arguments.dom).await?;
    Ok(ControlInfo {
        state: running.map_or(CONTROL_OK, |_| CONTROL_JOB),
        details: 0,
        state_time: running.map_or(0, milliseconds),
    })
}

/// Since when the domain is in a job.
async fn elapsed(caller: &Caller, dom: &Domain) -> Result<Option<Duration>> {
    let domain = lookup::look(caller, dom).await?;
    let job = caller.driver.job(&domain.name);
    Ok(job.map(|job| job.started.elapsed()))
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
