//! Metrics of the host, of the jobs on its domains, and of the daemon itself.

use super::domain::{bytes, seconds};
use super::gather::Gathered;
use super::text::{Kind, Page};
use crate::calls::{BUCKETS, Calls};
use virtxen_driver::{Domain, Driver};

pub(super) fn write_host(page: &mut Page, gathered: &Gathered) {
    if let Some(node) = &gathered.node {
        page.single(
            "virtxen_host_memory_bytes",
            Kind::Gauge,
            "Memory of the host, in bytes.",
            bytes(node.memory.0),
        );
        page.single(
            "virtxen_host_cpus",
            Kind::Gauge,
            "Processors of the host.",
            u64::from(node.cpus),
        );
    }
    if let Some(memory) = &gathered.memory {
        page.single(
            "virtxen_host_memory_free_bytes",
            Kind::Gauge,
            "Memory of the host that nobody has, in bytes.",
            bytes(memory.total.0),
        );
    }
    if let Some(processors) = &gathered.processors {
        let name = "virtxen_host_cpu_seconds_total";
        page.family(
            name,
            Kind::Counter,
            "What the host's processors have done, in seconds.",
        );
        for (mode, time) in processors.parameters() {
            page.sample(name, &[("mode", mode)], seconds(time));
        }
    }
}

/// What is being done with domains. It is known here: nobody is asked.
pub(super) fn write_jobs(page: &mut Page, driver: &Driver, domains: &[&Domain]) {
    let name = "virtxen_domain_job_age_seconds";
    page.family(
        name,
        Kind::Gauge,
        "How long the job runs that the domain has now, in seconds.",
    );
    for domain in domains {
        if let Some(job) = driver.job(&domain.name) {
            let uuid = domain.uuid.to_string();
            let labels = [
                ("domain", domain.name.as_str()),
                ("uuid", uuid.as_str()),
                ("operation", job.operation.verb()),
            ];
            page.sample(name, &labels, job.started.elapsed().as_secs_f64());
        }
    }
}

pub(super) fn write_daemon(page: &mut Page, calls: &Calls, clients: u64) {
    let name = "virtxen_build_info";
    page.family(name, Kind::Gauge, "The version of the daemon.");
    page.sample(name, &[("version", env!("CARGO_PKG_VERSION"))], 1);
    page.single(
        "virtxen_clients",
        Kind::Gauge,
        "Clients that are connected.",
        clients,
    );
    page.single(
        "virtxen_clients_total",
        Kind::Counter,
        "Clients that have come.",
        calls.clients(),
    );
    page.single(
        "virtxen_calls_running",
        Kind::Gauge,
        "Calls that are being done.",
        calls.running(),
    );
    if let Some(memory) = resident_memory() {
        page.single(
            "process_resident_memory_bytes",
            Kind::Gauge,
            "Memory of the daemon, in bytes.",
            bytes(memory),
        );
    }
    write_calls(page, calls);
}

fn write_calls(page: &mut Page, calls: &Calls) {
    let done = calls.done();
    let name = "virtxen_calls_total";
    page.family(name, Kind::Counter, "Calls by what came of them.");
    for (procedure, count) in &done {
        for (outcome, number) in &count.outcomes {
            let labels = [("procedure", *procedure), ("outcome", *outcome)];
            page.sample(name, &labels, *number);
        }
    }
    let name = "virtxen_call_duration_seconds";
    page.family(name, Kind::Histogram, "How long calls took, in seconds.");
    for (procedure, count) in &done {
        let mut so_far = 0;
        for (end, number) in BUCKETS.iter().zip(count.buckets) {
            so_far += number;
            let end = end.to_string();
            let labels = [("procedure", *procedure), ("le", end.as_str())];
            page.sample(&format!("{name}_bucket"), &labels, so_far);
        }
        let all: u64 = count.outcomes.values().sum();
        let labels = [("procedure", *procedure), ("le", "+Inf")];
        page.sample(&format!("{name}_bucket"), &labels, all);
        let labels = [("procedure", *procedure)];
        let time = count.time.as_secs_f64();
        page.sample(&format!("{name}_sum"), &labels, time);
        page.sample(&format!("{name}_count"), &labels, all);
    }
}

/// In KiB.
fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}
