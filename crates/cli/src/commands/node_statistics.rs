//! Commands that show how the host's processors and memory are used.

use super::{Command, Group};
use crate::connect::Session;
use crate::error::{Context, Result};
use crate::options::{Args, Kind, flag, named};
use crate::output::Reply;
use serde_json::{Map, Value, json};
use std::time::Duration;
use virtxen_driver::NodeCpuStats;
use virtxen_host::ProcessorScope;

/// Time between the two looks that make a percentage.
const SAMPLE: Duration = Duration::from_secs(1);

/// virsh's names of libvirt's numbers, in virsh's order.
const TIMES: [(&str, &str); 4] = [
    ("user", "user"),
    ("system", "kernel"),
    ("idle", "idle"),
    ("iowait", "iowait"),
];

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "nodecpustats",
        group: Group::Host,
        summary: "show how the time of the host's processors was spent, in nanoseconds",
        about: "From Xen 3.2 on it is the whole machine: system is Domain-0, user is all other \
                domains, and for one processor user is all that is not idle. Where the hypervisor \
                does not tell, it is Domain-0's own vcpus.",
        options: &[
            named("cpu", Kind::Number, "of this processor only"),
            flag("percent", "in percent, of one second"),
        ],
        run: |session, args| Box::pin(nodecpustats(session, args)),
    },
    Command {
        name: "nodememstats",
        group: Group::Host,
        summary: "show the memory of the host, in KiB",
        about: "total and free are the machine's: free is what no domain has. buffers and cached \
                are of Domain-0's kernel, for the whole machine only.",
        options: &[named("cell", Kind::Number, "of this NUMA node only")],
        run: |session, args| Box::pin(nodememstats(session, args)),
    },
];

async fn nodecpustats(session: &Session, args: &Args) -> Result<Reply> {
    let cpu = args.number("cpu")?;
    let what = || "Unable to get node cpu stats".to_owned();
    let driver = session.driver().await?;
    let mut stats = driver.node_cpu_stats(cpu).await.context(what)?;
    let mut times = known(&stats);
    let percent = args.flag("percent");
    if percent {
        tokio::time::sleep(SAMPLE).await;
        let before = times;
        stats = driver.node_cpu_stats(cpu).await.context(what)?;
        times = known(&stats);
        for ((_, time), (_, before)) in times.iter_mut().zip(before) {
            *time = time.saturating_sub(before);
        }
    }
    let mut json = Map::from_iter([
        ("cpu".to_owned(), json!(cpu)),
        ("scope".to_owned(), json!(scope(stats.scope))),
    ]);
    let text = if percent {
        percentages(&times, &mut json)
    } else {
        for (name, time) in &times {
            json.insert(format!("{name}_ns"), json!(time));
        }
        let lines = times.iter().map(|(name, time)| {
            let name = format!("{name}:");
            format!("{name:<15} {time:>20}\n")
        });
        lines.collect()
    };
    Ok(Reply::new(session.marked(Value::Object(json))).text(text))
}

/// The times that are known, in virsh's order.
fn known(stats: &NodeCpuStats) -> Vec<(&'static str, u64)> {
    let parameters = stats.parameters();
    let value = |(name, key): (&'static str, &str)| {
        let (_, time) = parameters.iter().find(|(it, _)| *it == key)?;
        Some((name, *time))
    };
    TIMES.into_iter().filter_map(value).collect()
}

/// Shares of the time that passed; nothing passed is nothing used.
fn percentages(times: &[(&'static str, u64)], json: &mut Map<String, Value>) -> String {
    let all: f64 = times.iter().map(|(_, time)| *time as f64).sum();
    let share = |time: u64| time as f64 / all.max(1.0) * 100.0;
    let used = times
        .iter()
        .filter(|(name, _)| matches!(*name, "user" | "system"));
    let usage = used.map(|(_, time)| share(*time)).sum();
    let shares = times.iter().map(|(name, time)| (*name, share(*time)));
    let lines = [("usage", usage)]
        .into_iter()
        .chain(shares)
        .map(|(name, share)| {
            json.insert(format!("{name}_percent"), json!(share));
            let name = format!("{name}:");
            format!("{name:<15} {share:>5.1}%\n")
        });
    lines.collect()
}

fn scope(scope: ProcessorScope) -> &'static str {
    match scope {
        ProcessorScope::Machine => "machine",
        ProcessorScope::Domain0 => "Domain-0",
    }
}

async fn nodememstats(session: &Session, args: &Args) -> Result<Reply> {
    let cell = args.number("cell")?;
    let stats = session.driver().await?.node_memory_stats(cell).await;
    let stats = stats.context(|| "Unable to get memory stats".to_owned())?;
    let mut text = String::new();
    let mut json = Map::from_iter([("cell".to_owned(), json!(cell))]);
    for (name, size) in stats.parameters() {
        text.push_str(&format!("{name:<7}: {size:>20} KiB\n"));
        json.insert(format!("{name}_kib"), json!(size));
    }
    Ok(Reply::new(session.marked(Value::Object(json))).text(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_have_virshs_layout() {
        let mut json = Map::new();
        let text = percentages(&[("user", 30), ("system", 20), ("idle", 150)], &mut json);
        assert_eq!(
            text,
            "usage:           25.0%\nuser:            15.0%\nsystem:          10.0%\nidle:            75.0%\n"
        );
        assert_eq!(json["usage_percent"], json!(25.0));
        assert!(percentages(&[("idle", 0)], &mut json).contains("idle:             0.0%"));
    }
}
