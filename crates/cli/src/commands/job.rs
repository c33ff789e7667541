//! Commands about the long operation that a domain is in. Each virtxen sees its own
//! and those of the daemon that it speaks to.

use super::lifecycle::act;
use super::{Command, Group};
use crate::connect::Session;
use crate::error::{Context, Result};
use crate::options::{Args, DOMAIN, flag};
use crate::output::Reply;
use crate::table::fields;
use serde_json::json;
use virtxen_driver::{DomainKey, JobState, JobStats};

/// Columns of names.
const WIDTH: usize = 18;

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "domjobinfo",
        group: Group::Moving,
        summary: "show how a save, dump or migration goes",
        about: "How much is left is known while a file grows on this machine.",
        options: &[
            DOMAIN,
            flag("completed", "show the last one that has ended"),
            flag("keep-completed", "and show it again the next time"),
        ],
        run: |session, args| Box::pin(info(session, args)),
    },
    Command {
        name: "domjobabort",
        group: Group::Moving,
        summary: "give up a save, dump or migration",
        about: "XenD cannot be told to stop what it has begun: the wait ends, and the domain's \
                state tells what came of it.",
        options: &[DOMAIN],
        run: |session, args| {
            Box::pin(act(
                session,
                args,
                "domjobabort",
                "gave its job up",
                async |driver, key| driver.abort_job(key).await,
            ))
        },
    },
];

async fn info(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let driver = session.driver().await?;
    let key = DomainKey::from(&domain);
    let keep = args.flag("keep-completed");
    let stats = if args.flag("completed") || keep {
        driver.completed_job(&key, keep).await
    } else {
        driver.job_stats(&key).await
    };
    let stats = stats.context(|| format!("Failed to get the job of domain '{}'", domain.name))?;
    let Some(stats) = stats else {
        let json = json!({ "domain": domain.name, "type": "none" });
        return Ok(
            Reply::new(session.marked(json)).text(fields(&[("Job type", "None".into())], WIDTH))
        );
    };
    let kind = kind(&stats);
    let json = json!({
        "domain": domain.name,
        "type": kind.to_lowercase(),
        "operation": stats.operation.verb(),
        "elapsed_ms": u64::try_from(stats.elapsed.as_millis()).unwrap_or(u64::MAX),
        "total_bytes": stats.total,
        "done_bytes": stats.done,
    });
    let mut rows = vec![
        ("Job type", kind.to_owned()),
        ("Operation", stats.operation.verb().to_owned()),
        ("Time elapsed", format!("{} ms", stats.elapsed.as_millis())),
    ];
    for (name, bytes) in [
        ("Memory total", stats.total),
        ("Memory processed", stats.done),
    ] {
        if let Some(bytes) = bytes {
            rows.push((name, format!("{} KiB", bytes / 1024)));
        }
    }
    Ok(Reply::new(session.marked(json)).text(fields(&rows, WIDTH)))
}

fn kind(stats: &JobStats) -> &'static str {
    match (stats.state, stats.done) {
        (JobState::Running, Some(_)) => "Bounded",
        (JobState::Running, None) => "Unbounded",
        (JobState::Completed, _) => "Completed",
        (JobState::Failed, _) => "Failed",
        (JobState::Cancelled, _) => "Cancelled",
    }
}
