//! Commands about a domain's virtual processors: how many, what they do, where
//! they may run.

use super::{Command, Group, affect};
use crate::connect::Session;
use crate::error::{Context, Error, Result};
use crate::json;
use crate::options::{Args, CONFIG, CURRENT, DOMAIN, Kind, LIVE, flag, optional, required};
use crate::output::Reply;
use crate::table::{Table, fields};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use virtxen_driver::{Affect, DomainKey};
use virtxen_guest::CpuSet;
use virtxen_host::VcpuInfo;

/// The most processors that a list may name.
const MAX_CPUS: u32 = 4096;

/// How libvirt numbers that a host lacks something: the call, what it asks for, or, with a
/// flag that it does not know, an argument.
const UNSUPPORTED: [i32; 3] = [3, 84, 8];

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "setvcpus",
        group: Group::Resources,
        summary: "set the number of vcpus of a domain",
        about: "A domain cannot have more than the maximum of its definition, which --maximum sets\nfor its next run.",
        options: &[
            DOMAIN,
            required("count", Kind::Number, "number of vcpus"),
            flag(
                "maximum",
                "set the most that the domain may have when it runs",
            ),
            CONFIG,
            LIVE,
            CURRENT,
        ],
        run: |session, args| Box::pin(setvcpus(session, args)),
    },
    Command {
        name: "setvcpu",
        group: Group::Resources,
        summary: "take single vcpus of a domain online or offline",
        about: "The first one is always online. A definition has their number only, so that there \
                the last ones go and the next ones come.",
        options: &[
            DOMAIN,
            required("vcpulist", Kind::Text("list"), "vcpus, such as 1,3 or 2-3"),
            flag("enable", "take them online"),
            flag("disable", "take them offline"),
            CONFIG,
            LIVE,
            CURRENT,
        ],
        run: |session, args| Box::pin(setvcpu(session, args)),
    },
    Command {
        name: "vcpucount",
        group: Group::Resources,
        summary: "show how many vcpus a domain has and may have",
        about: "",
        options: &[
            DOMAIN,
            flag("maximum", "print the maximum only"),
            flag("active", "print the number that is online only"),
            LIVE,
            CONFIG,
            CURRENT,
        ],
        run: |session, args| Box::pin(vcpucount(session, args)),
    },
    Command {
        name: "vcpuinfo",
        group: Group::Resources,
        summary: "show what the vcpus of a domain do",
        about: "",
        options: &[
            DOMAIN,
            flag("pretty", "print the affinity as a list of numbers"),
        ],
        run: |session, args| Box::pin(vcpuinfo(session, args)),
    },
    Command {
        name: "vcpupin",
        group: Group::Resources,
        summary: "show or set where a vcpu may run",
        about: "Without a list of processors the present ones are shown. A list is of the \
                form 0-3,^2,5, or r for all.",
        options: &[
            DOMAIN,
            optional("vcpu", Kind::Number, "number of the vcpu"),
            optional("cpulist", Kind::Text("list"), "processors of the host"),
            flag(
                "soft",
                "where it should rather run, of the processors where it may; from Xen 4.5 on",
            ),
            CONFIG,
            LIVE,
            CURRENT,
        ],
        run: |session, args| Box::pin(vcpupin(session, args)),
    },
];

async fn setvcpus(session: &Session, args: &Args) -> Result<Reply> {
    let count = args
        .number("count")?
        .ok_or_else(|| Error::usage("the count is missing"))?;
    let affect = affect(args)?;
    let domain = session.domain(args).await?;
    let driver = session.driver().await?;
    let key = DomainKey::from(&domain);
    let set = if args.flag("maximum") {
        driver.set_max_vcpus(&key, count, affect).await
    } else {
        driver.set_vcpus(&key, count, affect).await
    };
    set.context(|| format!("Failed to set the vcpus of domain '{}'", domain.name))?;
    let mut json = json::done(&domain, "setvcpus");
    if let Some(object) = json.as_object_mut() {
        object.insert("vcpus".to_owned(), json!(count));
    }
    Ok(Reply::new(json))
}

async fn setvcpu(session: &Session, args: &Args) -> Result<Reply> {
    args.exclusive("enable", "disable")?;
    let (list, online) = (args.required("vcpulist")?, args.flag("enable"));
    if !online && !args.flag("disable") {
        return Err(Error::usage("give --enable or --disable"));
    }
    let vcpus: CpuSet = list
        .parse()
        .map_err(|_| Error::usage(format!("'{list}' is no list of vcpus")))?;
    let vcpus: Vec<u32> = vcpus.iter().collect();
    let affect = affect(args)?;
    let domain = session.domain(args).await?;
    let driver = session.driver().await?;
    driver
        .plug_vcpus(&DomainKey::from(&domain), &vcpus, online, affect)
        .await
        .context(|| format!("Failed to set the vcpus of domain '{}'", domain.name))?;
    let mut json = json::done(&domain, "setvcpu");
    if let Some(object) = json.as_object_mut() {
        object.insert("vcpus".to_owned(), json!(vcpus));
        object.insert("online".to_owned(), json!(online));
    }
    Ok(Reply::new(json))
}

async fn vcpucount(session: &Session, args: &Args) -> Result<Reply> {
    args.exclusive("maximum", "active")?;
    args.exclusive("live", "config")?;
    let domain = session.domain(args).await?;
    let counts = session
        .driver()
        .await?
        .vcpu_counts(&DomainKey::from(&domain), affect(args)?)
        .await
        .context(|| format!("Failed to get the vcpus of domain '{}'", domain.name))?;
    let json = json!({ "maximum": counts.maximum, "current": counts.current, "live": counts.live });
    let reply = Reply::new(session.marked(json));
    if args.flag("maximum") {
        return Ok(reply.line(counts.maximum.to_string()));
    }
    // As with virsh, one part of the domain has one number, the table is of both.
    if ["active", "config", "live", "current"]
        .map(|name| args.flag(name))
        .contains(&true)
    {
        return Ok(reply.line(counts.current.to_string()));
    }
    let mut text = String::new();
    for (what, count) in [("maximum", counts.maximum), ("current", counts.current)] {
        text.push_str(&format!("{what:<12} {:<12} {count:3}\n", "config"));
        if counts.live {
            text.push_str(&format!("{what:<12} {:<12} {count:3}\n", "live"));
        }
    }
    Ok(reply.text(text))
}

async fn vcpuinfo(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let key = DomainKey::from(&domain);
    let (vcpus, cpus) = read(session, &key, &domain.name).await?;
    // A host without it has nothing to say of it.
    let soft = match session.driver().await?.soft_affinity(&key).await {
        Err(error) if UNSUPPORTED.contains(&error.libvirt().code) => Vec::new(),
        soft => soft.context(|| format!("Failed to get the soft affinity of '{}'", domain.name))?,
    };
    let soft: BTreeMap<u32, Vec<u32>> = (0..).zip(soft).collect();
    let shown = |affinity: &[u32]| match args.flag("pretty") {
        true => format!("{} (out of {cpus})", ranges(affinity)),
        false => {
            let mark = |cpu| if affinity.contains(&cpu) { 'y' } else { '-' };
            (0..cpus).map(mark).collect()
        }
    };
    let mut text = String::new();
    for (count, vcpu) in vcpus.iter().enumerate() {
        if count > 0 {
            text.push('\n');
        }
        let cpu = vcpu.cpu.map(|cpu| cpu.to_string());
        let mut rows = vec![
            ("VCPU", vcpu.number.to_string()),
            ("CPU", cpu.unwrap_or_else(|| "N/A".to_owned())),
            ("State", state(vcpu).to_owned()),
            ("CPU time", format!("{:.1}s", vcpu.time.as_secs_f64())),
            ("CPU Affinity", shown(&vcpu.affinity)),
        ];
        if let Some(soft) = soft.get(&vcpu.number) {
            rows.push(("Soft Affinity", shown(soft)));
        }
        text.push_str(&fields(&rows, 16));
    }
    let list = vcpus
        .iter()
        .map(|vcpu| vcpu_json(vcpu, soft.get(&vcpu.number)));
    let list: Vec<Value> = list.collect();
    Ok(Reply::new(session.marked(json!({ "vcpus": list, "host_cpus": cpus }))).text(text))
}

async fn vcpupin(session: &Session, args: &Args) -> Result<Reply> {
    let number: Option<u32> = args.number("vcpu")?;
    let affect = affect(args)?;
    let domain = session.domain(args).await?;
    let key = DomainKey::from(&domain);
    let soft = args.flag("soft");
    let (vcpus, cpus) = read(session, &key, &domain.name).await?;
    if let Some(list) = args.text("cpulist") {
        let number =
            number.ok_or_else(|| Error::usage("vcpupin: Missing vCPU number in pin mode."))?;
        let cpus = cpu_list(list, cpus)?;
        return pin(session, &key, number, &cpus, soft, affect).await;
    }
    let name = &domain.name;
    let (title, member, places) = match soft {
        true => (
            "Soft Affinity",
            "soft_affinity",
            soft_places(session, &key, name).await?,
        ),
        false => {
            let places = vcpus.into_iter().map(|vcpu| (vcpu.number, vcpu.affinity));
            ("CPU Affinity", "affinity", places.collect())
        }
    };
    let mut table = Table::new(&["VCPU", title]).remark(session.remark());
    let mut list = Vec::new();
    let is_meant = |vcpu: &u32| number.is_none_or(|number| *vcpu == number);
    for (vcpu, cpus) in places.iter().filter(|(vcpu, _)| is_meant(vcpu)) {
        table.row(vec![vcpu.to_string().into(), ranges(cpus).into()]);
        list.push(json!({ "number": vcpu, member: cpus }));
    }
    if list.is_empty()
        && let Some(number) = number
    {
        return Err(Error::NotFound(format!(
            "domain '{name}' has no vcpu {number}"
        )));
    }
    Ok(Reply::new(session.marked(json!({ "vcpus": list }))).table(table))
}

async fn pin(
    session: &Session,
    key: &DomainKey,
    vcpu: u32,
    cpus: &[u32],
    soft: bool,
    affect: Affect,
) -> Result<Reply> {
    let driver = session.driver().await?;
    let (pinned, member) = match soft {
        true => (
            driver.pin_vcpu_softly(key, vcpu, cpus, affect).await,
            "soft_affinity",
        ),
        false => (driver.pin_vcpu(key, vcpu, cpus, affect).await, "affinity"),
    };
    pinned.context(|| format!("Failed to pin vcpu {vcpu}"))?;
    Ok(Reply::new(json!({ "number": vcpu, member: cpus })))
}

/// Where each vcpu should rather run.
async fn soft_places(
    session: &Session,
    key: &DomainKey,
    name: &str,
) -> Result<Vec<(u32, Vec<u32>)>> {
    let places = session.driver().await?.soft_affinity(key).await;
    let places =
        places.context(|| format!("Failed to get the soft affinity of domain '{name}'"))?;
    Ok((0..).zip(places).collect())
}

/// The vcpus and the number of processors of the host.
async fn read(session: &Session, key: &DomainKey, name: &str) -> Result<(Vec<VcpuInfo>, u32)> {
    let driver = session.driver().await?;
    let vcpus = driver
        .vcpus(key)
        .await
        .context(|| format!("Failed to get the vcpus of domain '{name}'"))?;
    let node = driver
        .node_info()
        .await
        .context(|| "Failed to get node info".to_owned())?;
    Ok((vcpus, node.cpus))
}

fn state(vcpu: &VcpuInfo) -> &'static str {
    match vcpu {
        VcpuInfo { online: false, .. } => "offline",
        VcpuInfo { blocked: true, .. } => "blocked",
        VcpuInfo { running: true, .. } => "running",
        _ => "runnable",
    }
}

fn vcpu_json(vcpu: &VcpuInfo, soft: Option<&Vec<u32>>) -> Value {
    let mut json = json!({
        "number": vcpu.number,
        "online": vcpu.online,
        "state": state(vcpu),
        "cpu": vcpu.cpu,
        "cpu_time_s": vcpu.time.as_secs_f64(),
        "affinity": vcpu.affinity,
    });
    if let (Some(soft), Some(object)) = (soft, json.as_object_mut()) {
        object.insert("soft_affinity".to_owned(), json!(soft));
    }
    json
}

/// Numbers as ranges: `0-3,5`.
pub(super) fn ranges(cpus: &[u32]) -> String {
    let mut sorted = cpus.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut found: Vec<(u32, u32)> = Vec::new();
    for cpu in sorted {
        match found.last_mut() {
            Some((_, last)) if *last + 1 == cpu => *last = cpu,
            _ => found.push((cpu, cpu)),
        }
    }
    let words: Vec<String> = found
        .into_iter()
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
        .collect();
    words.join(",")
}

/// The processors of `0-3,^2,5` or `r`.
pub(super) fn cpu_list(text: &str, cpus: u32) -> Result<Vec<u32>> {
    if text == "r" {
        return Ok((0..cpus).collect());
    }
    let wrong = || {
        Error::usage(format!(
            "cpulist: '{text}' is no list of processors such as 0-3,^2"
        ))
    };
    let number = |word: &str| {
        word.parse()
            .ok()
            .filter(|cpu| *cpu < MAX_CPUS)
            .ok_or_else(wrong)
    };
    let mut chosen: Vec<u32> = Vec::new();
    for word in text.split(',') {
        if let Some(word) = word.strip_prefix('^') {
            let without = number(word)?;
            chosen.retain(|cpu| *cpu != without);
        } else if let Some((first, last)) = word.split_once('-') {
            chosen.extend(number(first)?..=number(last)?);
        } else {
            chosen.push(number(word)?);
        }
    }
    chosen.sort_unstable();
    chosen.dedup();
    if chosen.is_empty() {
        Err(wrong())
    } else {
        Ok(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_processors_go_both_ways() {
        for (text, cpus) in [
            ("0-3,^2,5", vec![0, 1, 3, 5]),
            ("r", vec![0, 1]),
            ("7", vec![7]),
        ] {
            assert_eq!(cpu_list(text, 2).unwrap(), cpus);
        }
        for text in ["", "x", "1-", "^1", "0-99999999"] {
            assert!(cpu_list(text, 2).is_err(), "{text}");
        }
        assert_eq!(ranges(&[5, 0, 1, 3]), "0-1,3,5");
    }
}
