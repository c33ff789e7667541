//! `domstats`: numbers of many domains in one call, with libvirt's names.

use super::list::states;
use super::scheduler::value_json;
use super::{Command, Group};
use crate::connect::Session;
use crate::error::{Context, Result};
use crate::options::{Args, Kind, flag, repeated};
use crate::output::Reply;
use crate::table::clean;
use serde_json::{Map, Value, json};
use virtxen_driver::{AllStats, DomainKey, ListFilter, StatsGroups, TypedParameter, TypedValue};

/// Options by libvirt's bits. Xen has nothing of those from the seventh on.
const GROUPS: [&str; 11] = [
    "state",
    "cpu-total",
    "balloon",
    "vcpu",
    "interface",
    "block",
    "perf",
    "iothread",
    "memory",
    "dirtyrate",
    "vm",
];

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "domstats",
    group: Group::Monitoring,
    summary: "show numbers of many domains at once",
    about: "Without a group all are shown, without a domain all domains. What the host cannot \
            tell is left out with a warning; with --enforce it is an error. No domain's job is \
            waited for. Devices that nobody here counts for have no numbers; --json has the \
            reason.",
    options: &[
        flag("state", "state and how it came about"),
        flag("cpu-total", "processor time"),
        flag("balloon", "memory"),
        flag("vcpu", "vcpus: state and time"),
        flag("interface", "what went through interfaces"),
        flag("block", "what went through disks"),
        flag("perf", "accepted for virsh's sake: Xen has none"),
        flag("iothread", "accepted for virsh's sake: Xen has none"),
        flag("memory", "accepted for virsh's sake: Xen has none"),
        flag("dirtyrate", "accepted for virsh's sake: Xen has none"),
        flag("vm", "accepted for virsh's sake: Xen has none"),
        flag("list-active", "of active domains"),
        flag("list-inactive", "of inactive domains"),
        flag("list-persistent", "of domains that are defined"),
        flag("list-transient", "of domains that vanish when they stop"),
        flag("list-running", "of domains that are on a processor"),
        flag("list-paused", "of paused domains"),
        flag("list-shutoff", "of domains that are shut off"),
        flag(
            "list-other",
            "of domains in other states: idle ones above all",
        ),
        flag(
            "raw",
            "accepted for virsh's sake: numbers are never made pretty",
        ),
        flag("enforce", "fail when a group cannot be read"),
        flag("backing", "accepted for virsh's sake: Xen does not tell"),
        flag("nowait", "accepted for virsh's sake: nothing is waited for"),
        repeated("domain", Kind::Domain, "the domains; otherwise all"),
    ],
    run: |session, args| Box::pin(domstats(session, args)),
}];

async fn domstats(session: &Session, args: &Args) -> Result<Reply> {
    let what = || "Failed to get domain statistics".to_owned();
    let enforced = args.flag("enforce");
    let groups = StatsGroups::from_bits(bits(args), enforced).context(what)?;
    let mut keys = Vec::new();
    for word in args.all("domain") {
        keys.push(DomainKey::from(&session.find(word).await?));
    }
    let driver = session.driver().await?;
    let stats = if keys.is_empty() {
        driver.all_stats(&filter(args), groups, enforced).await
    } else {
        driver.stats_of(&keys, groups, enforced).await
    };
    let stats = stats.context(what)?;
    for error in &stats.missing {
        session.printer.warning(&error.libvirt_message());
    }
    let json = session.marked(json!({ "domains": documents(&stats) }));
    Ok(Reply::new(json).text(lines(&stats)))
}

fn bits(args: &Args) -> u32 {
    let wanted = (0..).zip(GROUPS).filter(|(_, name)| args.flag(name));
    wanted.fold(0, |bits, (bit, _): (u32, _)| bits | 1 << bit)
}

fn filter(args: &Args) -> ListFilter {
    ListFilter {
        active: args.flag("list-active"),
        inactive: args.flag("list-inactive"),
        persistent: args.flag("list-persistent"),
        transient: args.flag("list-transient"),
        states: states(args, "list-"),
        ..ListFilter::default()
    }
}

/// virsh's lines, with an empty one between domains.
fn lines(stats: &AllStats) -> String {
    let records = stats.domains.iter().map(|record| {
        let name = clean(&record.domain.name);
        let lines = record.parameters.iter().map(line);
        format!("Domain: '{name}'\n{}", lines.collect::<String>())
    });
    records.collect::<Vec<_>>().join("\n")
}

fn line(parameter: &TypedParameter) -> String {
    let value = match &parameter.value {
        TypedValue::Boolean(value) => (if *value { "yes" } else { "no" }).to_owned(),
        value => clean(&value.to_string()),
    };
    format!("  {}={value}\n", parameter.name)
}

fn documents(stats: &AllStats) -> Vec<Value> {
    let numbers = |parameters: &[TypedParameter]| -> Map<String, Value> {
        let pair = |it: &TypedParameter| (it.name.clone(), value_json(&it.value));
        parameters.iter().map(pair).collect()
    };
    let records = stats.domains.iter().map(|record| {
        json!({
            "name": record.domain.name,
            "id": record.domain.id.map(|id| id.0),
            "uuid": record.domain.uuid.to_string(),
            "stats": numbers(&record.parameters),
            "uncounted": record.uncounted,
        })
    });
    records.collect()
}
