//! Xen's tools on the simulated host: they have to find there what virtxen finds.
//! The programs and servers are started in `rig`.

use super::rig::{Rig, Server, same};
use crate::{Error, Result};
use serde_json::Value;
use std::time::Duration;

/// Releases whose xenstored is looked at.
const RELEASES: [&str; 5] = ["3.0.1", "3.4.4", "4.4.4", "4.17", "4.22"];

const GUESTS: u32 = 5;

pub(super) fn tests(rig: &Rig) -> Result<String> {
    for release in RELEASES {
        let server = rig.simulated(release, 0)?;
        xens_tests(rig, &server)?;
    }
    Ok(format!(
        "12 tests pass on each of {} releases",
        RELEASES.len()
    ))
}

/// Xen's tests of a xenstored, which are twelve.
pub(super) fn xens_tests(rig: &Rig, server: &Server) -> Result<()> {
    let report = rig.ask(server, &["test-xenstore"])?;
    let done = report.lines().filter(|line| line.ends_with(" ns")).count();
    if done == 12 {
        return Ok(());
    }
    Err(Error::Failed(format!("{done} of 12 tests pass:\n{report}")))
}

pub(super) fn tree(rig: &Rig) -> Result<String> {
    let mut lines = 0;
    for release in RELEASES {
        let server = rig.simulated(release, GUESTS)?;
        lines += same_tree(rig, &server)?;
    }
    Ok(format!("{lines} nodes on {} releases", RELEASES.len()))
}

/// All nodes with values and permissions, as xenstore-ls and as virtxen prints them.
/// Devices of a simulated host connect meanwhile: it is looked again when they differ.
pub(super) fn same_tree(rig: &Rig, server: &Server) -> Result<usize> {
    let ours = ["xenstore-ls", "--full", "--permissions"];
    let mut attempts = 0..20;
    loop {
        let found = same(
            &rig.ask(server, &["xenstore-ls", "-f", "-p"])?,
            &rig.ours_on(server, &ours)?,
        );
        if found.is_ok() || attempts.next().is_none() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

pub(super) fn list(rig: &Rig) -> Result<String> {
    let server = rig.simulated(rig.release(), GUESTS)?;
    let theirs = rig.ask(&server, &["xl", "list"])?;
    let ours = rig.json(&uri(rig), &["list"])?;
    let ours = domains(&ours).map(|domain| {
        let state = domain["state"].as_str().unwrap_or_default();
        format!("{} {}", row(domain), letter(state))
    });
    let ours: Vec<String> = ours.collect();
    let theirs: Vec<String> = xl_rows(&theirs)
        .map(|row| {
            let state = row.state.trim_matches('-');
            format!(
                "{} {} {} {} {state}",
                row.domid, row.name, row.memory, row.vcpus
            )
        })
        .collect();
    let count = same(&theirs.join("\n"), &ours.join("\n"))?;
    Ok(format!(
        "number, name, memory, vcpus and state of {count} domains"
    ))
}

/// A line of `xl list`; names may have spaces.
pub(super) struct XlRow<'a> {
    pub(super) name: &'a str,
    pub(super) domid: &'a str,
    pub(super) memory: &'a str,
    pub(super) vcpus: &'a str,
    pub(super) state: &'a str,
}

/// The domains of `xl list`.
pub(super) fn xl_rows(text: &str) -> impl Iterator<Item = XlRow<'_>> {
    text.lines().skip(1).filter_map(|line| {
        let mut rest = line.trim_end();
        let mut last = || -> Option<&str> {
            let (before, word) = rest.rsplit_once(char::is_whitespace)?;
            rest = before.trim_end();
            Some(word)
        };
        let (_time, state, vcpus, memory, domid) = (last()?, last()?, last()?, last()?, last()?);
        Some(XlRow {
            name: rest,
            domid,
            memory,
            vcpus,
            state,
        })
    })
}

/// The domains of `virtxen list --json`.
pub(super) fn domains(json: &Value) -> impl Iterator<Item = &Value> {
    json["domains"].as_array().into_iter().flatten()
}

/// What xl prints of a domain, from ours: number, name, memory in MiB, vcpus.
fn row(domain: &Value) -> String {
    let name = domain["name"].as_str().unwrap_or_default();
    let memory = domain["memory_kib"].as_u64().unwrap_or_default() / 1024;
    format!("{} {name} {memory} {}", domain["id"], domain["vcpus"])
}

/// xl's letter for a state.
fn letter(state: &str) -> &str {
    match state {
        "running" => "r",
        "idle" => "b",
        "paused" => "p",
        "in shutdown" | "shut off" => "s",
        "crashed" => "c",
        other => other,
    }
}

pub(super) fn info(rig: &Rig) -> Result<String> {
    let server = rig.simulated(rig.release(), GUESTS)?;
    let theirs = rig.ask(&server, &["xl", "info"])?;
    let [node, free, version] =
        ["nodeinfo", "freecell", "version"].map(|command| rig.json(&uri(rig), &[command]));
    let (node, free, version) = (node?, free?, version?);
    let mib = |value: &Value| (value.as_u64().unwrap_or_default() / 1024).to_string();
    let expected = [
        ("nr_cpus", node["cpus"].to_string()),
        ("nr_nodes", node["nodes"].to_string()),
        ("cores_per_socket", node["cores"].to_string()),
        ("threads_per_core", node["threads"].to_string()),
        ("cpu_mhz", format!("{}.000", node["mhz"])),
        ("total_memory", mib(&node["memory_kib"])),
        ("free_memory", mib(&free["total_kib"])),
        ("xen_version", text(&version["hypervisor_version"])),
    ];
    for (key, ours) in &expected {
        let line = theirs.lines().find(|line| line.starts_with(key));
        let value = line.and_then(|line| line.split_once(": "));
        let value = value.map_or("(missing)", |(_, value)| value.trim_end());
        same(&format!("{key} {value}"), &format!("{key} {ours}"))?;
    }
    Ok(format!("{} facts of the machine", expected.len()))
}

pub(super) fn vcpus(rig: &Rig) -> Result<String> {
    let server = rig.simulated(rig.release(), GUESTS)?;
    let mut count = 0;
    let list = rig.json(&uri(rig), &["list"])?;
    for domain in domains(&list) {
        let name = text(&domain["name"]);
        let theirs = rig.ask(&server, &["xl", "vcpu-list", &name])?;
        let ours = rig.json(&uri(rig), &["vcpuinfo", &name])?;
        count += same(&xl_vcpus(&name, &theirs), &our_vcpus(&ours))?;
    }
    Ok(format!("{count} vcpus with place, state and affinity"))
}

/// Number, state, place and whether it may run anywhere, of each vcpu. One that
/// neither runs nor waits has no place to us, but its last one to xl.
fn xl_vcpus(name: &str, text: &str) -> String {
    let line = |line: &str| {
        // Behind the name: domid, vcpu, cpu, state, time, affinity.
        let words: Vec<&str> = line.strip_prefix(name)?.split_whitespace().collect();
        let state = words.get(3)?.trim_matches('-');
        let cpu = if state.is_empty() {
            "null"
        } else {
            words.get(2)?
        };
        let anywhere = *words.get(5)? == "all";
        Some(format!("{} {state} {cpu} {anywhere}\n", words.get(1)?))
    };
    text.lines().skip(1).filter_map(line).collect()
}

fn our_vcpus(json: &Value) -> String {
    let cpus = json["host_cpus"].as_u64();
    let line = |vcpu: &Value| {
        let state = match vcpu["state"].as_str() {
            Some("running") => "r",
            Some("blocked" | "idle") => "b",
            _ => "",
        };
        let may = vcpu["affinity"].as_array().map(|list| list.len() as u64);
        format!(
            "{} {state} {} {}\n",
            vcpu["number"],
            vcpu["cpu"],
            may == cpus
        )
    };
    let vcpus = json["vcpus"].as_array();
    vcpus.into_iter().flatten().map(line).collect()
}

/// xl changes what the simulated hypervisor and xenstored have.
pub(super) fn changes(rig: &Rig) -> Result<String> {
    let server = rig.simulated(rig.release(), 2)?;
    let state = |domid: &str| -> Result<String> {
        let text = rig.ask(&server, &["xl", "list"])?;
        let found = xl_rows(&text).find(|row| row.domid == domid);
        Ok(found.map_or_else(String::new, |row| format!("{} {}", row.name, row.state)))
    };
    rig.ask(&server, &["xl", "rename", "pv1", "other name"])?;
    rig.ask(&server, &["xl", "pause", "1"])?;
    same("other name --p---", &state("1")?)?;
    rig.ask(&server, &["xl", "unpause", "1"])?;
    same("other name -b----", &state("1")?)?;
    let path = "/local/domain/1/name";
    same(
        "other name\n",
        &rig.ours_on(&server, &["xenstore-read", path])?,
    )?;
    rig.ask(&server, &["xl", "vcpu-pin", "1", "0", "2"])?;
    let pinned = rig.ask(&server, &["xl", "vcpu-list", "1"])?;
    let line = pinned.lines().nth(1).unwrap_or_default().trim_end();
    if !line.ends_with("2 / all") {
        return Err(Error::Failed(format!("vcpu-pin is not seen: {line}")));
    }
    Ok("each is seen afterwards".to_owned())
}

/// The same simulated host as the server's, in virtxen's own process.
fn uri(rig: &Rig) -> String {
    format!("sim:?release={}&guests={GUESTS}", rig.release())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
