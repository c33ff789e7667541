//! Calls about the long operation that a domain is in.

use super::{Caller, wire};
use crate::error::Result;
use std::sync::Arc;
use std::time::Duration;
use virtxen_driver::{JobState, JobStats, Operation};
use virtxen_rpc::calls::{ControlInfo, DomainFlags, JobInfo};
use virtxen_rpc::xdr::List;
use virtxen_rpc::{Domain, TypedParam, TypedValue};

/// `VIR_DOMAIN_CONTROL_OK` and `VIR_DOMAIN_CONTROL_JOB`.
const CONTROL_OK: u32 = 0;
const CONTROL_JOB: u32 = 1;

super::rows! {
    DomainGetJobInfo => info;
    DomainGetJobStats => stats;
    DomainAbortJob => async |caller, dom| Ok(caller.driver.abort_job(&wire::key(&dom)).await?);
    DomainAbortJobFlags => abort;
    DomainGetControlInfo => control;
}

async fn info(caller: Arc<Caller>, dom: Domain) -> Result<JobInfo> {
    let Some(stats) = caller.driver.job_stats(&wire::key(&dom)).await? else {
        return Ok(JobInfo::default());
    };
    let (total, done) = (stats.total.unwrap_or(0), stats.done.unwrap_or(0));
    let left = total.saturating_sub(done);
    Ok(JobInfo {
        kind: kind(&stats),
        time_elapsed: milliseconds(stats.elapsed),
        data_total: total,
        data_processed: done,
        data_remaining: left,
        mem_total: total,
        mem_processed: done,
        mem_remaining: left,
        ..JobInfo::default()
    })
}

async fn stats(
    caller: Arc<Caller>,
    arguments: DomainFlags,
) -> Result<virtxen_rpc::calls::JobStats> {
    const COMPLETED: u32 = 1;
    const KEEP: u32 = 2;
    wire::only("virDomainGetJobStats", arguments.flags, COMPLETED | KEEP)?;
    let key = wire::key(&arguments.dom);
    let stats = if arguments.flags & COMPLETED == 0 {
        caller.driver.job_stats(&key).await?
    } else {
        let keep = arguments.flags & KEEP != 0;
        caller.driver.completed_job(&key, keep).await?
    };
    let none = virtxen_rpc::calls::JobStats::default();
    Ok(stats.map_or(none, |stats| virtxen_rpc::calls::JobStats {
        kind: kind(&stats),
        params: List(parameters(&stats)),
    }))
}

async fn abort(caller: Arc<Caller>, arguments: DomainFlags) -> Result<()> {
    wire::only("virDomainAbortJobFlags", arguments.flags, 0)?;
    Ok(caller.driver.abort_job(&wire::key(&arguments.dom)).await?)
}

/// `virDomainJobType`.
fn kind(stats: &JobStats) -> i32 {
    match (stats.state, stats.done) {
        (JobState::Running, Some(_)) => 1,
        (JobState::Running, None) => 2,
        (JobState::Completed, _) => 3,
        (JobState::Failed, _) => 4,
        (JobState::Cancelled, _) => 5,
    }
}

/// `VIR_DOMAIN_JOB_…`: what is known of a job. Its time is in milliseconds, its data
/// in bytes.
pub(super) fn parameters(stats: &JobStats) -> Vec<TypedParam> {
    let mut params = vec![
        TypedParam::new("operation", TypedValue::Int(operation(stats.operation))),
        TypedParam::new("time_elapsed", milliseconds(stats.elapsed)),
    ];
    let amounts = [
        ("total", stats.total),
        ("processed", stats.done),
        (
            "remaining",
            stats
                .total
                .zip(stats.done)
                .map(|(total, done)| total.saturating_sub(done)),
        ),
    ];
    for (what, amount) in amounts {
        if let Some(amount) = amount {
            params.push(TypedParam::new(format!("data_{what}"), amount));
            params.push(TypedParam::new(format!("memory_{what}"), amount));
        }
    }
    if stats.state != JobState::Running {
        let success = stats.state == JobState::Completed;
        params.push(TypedParam::new("success", TypedValue::Boolean(success)));
    }
    params
}

/// `virDomainJobOperation`.
fn operation(operation: Operation) -> i32 {
    match operation {
        Operation::Start | Operation::Create => 1,
        Operation::Save => 2,
        Operation::Restore => 3,
        Operation::Migrate => 5,
        Operation::CoreDump => 8,
        _ => 0,
    }
}

async fn control(caller: Arc<Caller>, arguments: DomainFlags) -> Result<ControlInfo> {
    wire::only("virDomainGetControlInfo", arguments.flags, 0)?;
    let running = caller.driver.job_stats(&wire::key(&arguments.dom)).await?;
    Ok(ControlInfo {
        state: running.as_ref().map_or(CONTROL_OK, |_| CONTROL_JOB),
        details: 0,
        state_time: running.map_or(0, |stats| milliseconds(stats.elapsed)),
    })
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
