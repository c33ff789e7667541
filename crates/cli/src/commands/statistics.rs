//! Commands that show the counters of one domain: disks, interfaces, memory,
//! processor time. Their lines are virsh's.

use super::{Command, Group};
use crate::connect::Session;
use crate::error::{Context, Error, Result};
use crate::options::{Args, DOMAIN, Kind, flag, named, optional, required};
use crate::output::Reply;
use serde_json::{Map, Value, json};
use std::time::Duration;
use virtxen_driver::{DomainKey, block_parameters};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "domblkstat",
        group: Group::Monitoring,
        summary: "show what went through a disk of a running domain",
        about: "Without --device it is the sum of all disks. Domain-0's kernel counts for the \
                disks that it serves: not for those that qemu or another domain serves. Kernels \
                before that of Xen 3.0.4 count requests but no bytes.",
        options: &[
            DOMAIN,
            optional(
                "device",
                Kind::Text("name"),
                "name in the guest, number or source of the disk",
            ),
            flag("human", "print words instead of libvirt's names"),
        ],
        run: |session, args| Box::pin(domblkstat(session, args)),
    },
    Command {
        name: "domifstat",
        group: Group::Monitoring,
        summary: "show what went through an interface of a running domain",
        about: "As the guest sees it: rx is what it received.",
        options: &[
            DOMAIN,
            required(
                "interface",
                Kind::Text("name"),
                "name on the host (vif1.0) or MAC address",
            ),
        ],
        run: |session, args| Box::pin(domifstat(session, args)),
    },
    Command {
        name: "dommemstat",
        group: Group::Monitoring,
        summary: "show the memory of a running domain, in KiB",
        about: "actual is what it has, available what it was started for. What happens inside \
                the guest Xen does not know; guests with Qubes OS's agent say it, then usable is \
                what they could do without.",
        options: &[DOMAIN],
        run: |session, args| Box::pin(dommemstat(session, args)),
    },
    Command {
        name: "cpu-stats",
        group: Group::Monitoring,
        summary: "show the processor time of a running domain",
        about: "CPU0 and so on are the vcpus: Xen does not tell on which processors of the host \
                the time was spent.",
        options: &[
            DOMAIN,
            flag(
                "total",
                "the total only; with --start or --count also the total",
            ),
            named("start", Kind::Number, "first vcpu to show"),
            named("count", Kind::Number, "how many vcpus to show"),
        ],
        run: |session, args| Box::pin(cpu_stats(session, args)),
    },
];

/// libvirt's names of a disk's numbers, virsh's names, and words.
const BLOCK: [(&str, &str, &str); 5] = [
    ("rd_operations", "rd_req", "number of read operations:"),
    ("rd_bytes", "rd_bytes", "number of bytes read:"),
    ("wr_operations", "wr_req", "number of write operations:"),
    ("wr_bytes", "wr_bytes", "number of bytes written:"),
    (
        "flush_operations",
        "flush_operations",
        "number of flush operations:",
    ),
];

async fn domblkstat(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let device = args.text("device").unwrap_or_default();
    let key = DomainKey::from(&domain);
    let counters = session.driver().await?.block_stats(&key, device).await;
    let counters =
        counters.context(|| format!("Failed to get block stats {} {device}", domain.name))?;
    let human = args.flag("human");
    let mut text = String::new();
    if human {
        text.push_str(&format!("Device: {device}\n"));
    }
    for parameter in block_parameters(&counters) {
        let row = BLOCK.iter().find(|(name, ..)| *name == parameter.name);
        let (_, name, words) = row.copied().unwrap_or_default();
        text.push_str(&match human {
            true => format!(" {words:<31} {}\n", parameter.value),
            false => format!("{device} {name} {}\n", parameter.value),
        });
    }
    let json = json!({
        "domain": domain.name,
        "device": device,
        "read_requests": counters.read_requests,
        "read_bytes": counters.read_bytes,
        "write_requests": counters.write_requests,
        "write_bytes": counters.write_bytes,
        "flush_requests": counters.flush_requests,
        "discard_requests": counters.discard_requests,
        "waits": counters.waits,
    });
    Ok(Reply::new(session.marked(json)).text(text))
}

async fn domifstat(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let device = args.required("interface")?;
    let key = DomainKey::from(&domain);
    let counters = session.driver().await?.interface_stats(&key, device).await;
    let counters =
        counters.context(|| format!("Failed to get interface stats {} {device}", domain.name))?;
    let mut text = String::new();
    let mut json = Map::new();
    for (direction, traffic) in [("rx", counters.received), ("tx", counters.sent)] {
        for (name, count) in [
            ("bytes", traffic.bytes),
            ("packets", traffic.packets),
            ("errs", traffic.errors),
            ("drop", traffic.dropped),
        ] {
            text.push_str(&format!("{device} {direction}_{name} {count}\n"));
            json.insert(format!("{direction}_{name}"), json!(count));
        }
    }
    json.insert("domain".to_owned(), json!(domain.name));
    json.insert("interface".to_owned(), json!(device));
    Ok(Reply::new(session.marked(Value::Object(json))).text(text))
}

async fn dommemstat(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let key = DomainKey::from(&domain);
    let stats = session.driver().await?.memory_stats(&key).await;
    let stats =
        stats.context(|| format!("Failed to get memory statistics for domain {}", domain.name))?;
    let mut text = String::new();
    let mut json = Map::from_iter([("domain".to_owned(), json!(domain.name))]);
    for (tag, size) in stats {
        text.push_str(&format!("{} {}\n", tag.name(), size.0));
        json.insert(format!("{}_kib", tag.name()), json!(size.0));
    }
    Ok(Reply::new(session.marked(Value::Object(json))).text(text))
}

async fn cpu_stats(session: &Session, args: &Args) -> Result<Reply> {
    let (start, count) = (
        args.number::<usize>("start")?,
        args.number::<usize>("count")?,
    );
    let some = start.is_some() || count.is_some();
    let total = args.flag("total") || !some;
    let vcpus = some || !args.flag("total");
    let domain = session.domain(args).await?;
    let key = DomainKey::from(&domain);
    let stats = session.driver().await?.cpu_stats(&key).await;
    let what = || {
        format!(
            "Failed to retrieve CPU statistics for domain '{}'",
            domain.name
        )
    };
    let stats = stats.context(what)?;
    let last = stats.vcpus.len().saturating_sub(1);
    if let Some(start) = start.filter(|start| *start > last) {
        return Err(Error::usage(format!(
            "Start CPU {start} is out of range (min: 0, max: {last})"
        )));
    }
    let mut text = String::new();
    let mut list = Vec::new();
    let shown = stats.vcpus.iter().enumerate().skip(start.unwrap_or(0));
    for (number, time) in shown.take(count.unwrap_or(usize::MAX)).filter(|_| vcpus) {
        text.push_str(&format!("CPU{number}:\n{}", time_line(*time)));
        list.push(json!({ "vcpu": number, "cpu_time_ns": nanoseconds(*time) }));
    }
    if total {
        text.push_str(&format!("Total:\n{}", time_line(stats.total)));
    }
    let json = json!({
        "domain": domain.name,
        "vcpus": list,
        "total": total.then(|| json!({ "cpu_time_ns": nanoseconds(stats.total) })),
    });
    Ok(Reply::new(session.marked(json)).text(text))
}

/// A time in the layout of virsh.
fn time_line(time: Duration) -> String {
    let (seconds, nanos) = (time.as_secs(), time.subsec_nanos());
    format!("\t{:<12} {seconds:>9}.{nanos:09} seconds\n", "cpu_time")
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_virshs_layout() {
        let line = time_line(Duration::new(24, 386_308_517));
        assert_eq!(line, "\tcpu_time            24.386308517 seconds\n");
    }
}
