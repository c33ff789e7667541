//! Metrics of domains. Those that Debian's `prometheus-libvirt-exporter` has too have
//! its names and labels, so that its dashboards go on.

use super::text::{Kind, Labels, Number, Page};
use std::collections::HashMap;
use virtxen_driver::{DomainStats, TypedValue};

/// A metric of a whole domain.
struct Whole {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    number: fn(&DomainStats) -> Option<Number>,
}

const WHOLE: &[Whole] = &[
    Whole {
        name: "libvirt_domain_state_code",
        kind: Kind::Gauge,
        help: "State of the domain, as virDomainState has it.",
        number: |stats| {
            let state = u64::try_from(stats.domain.state.number());
            state.ok().map(Number::Whole)
        },
    },
    Whole {
        name: "libvirt_domain_info_cpu_time_seconds_total",
        kind: Kind::Counter,
        help: "Processor time that the domain has used, in seconds.",
        number: |stats| {
            let domain = &stats.domain;
            let time = domain.is_active().then_some(domain.cpu_time);
            time.map(|time| Number::Real(time.as_secs_f64()))
        },
    },
    Whole {
        name: "libvirt_domain_info_maximum_memory_bytes",
        kind: Kind::Gauge,
        help: "Memory that the domain may have, in bytes.",
        number: |stats| Some(bytes(stats.domain.max_memory.0)),
    },
    Whole {
        name: "libvirt_domain_info_memory_usage_bytes",
        kind: Kind::Gauge,
        help: "Memory that the domain has, in bytes.",
        number: |stats| Some(bytes(stats.domain.memory.0)),
    },
    Whole {
        name: "libvirt_domain_info_virtual_cpus",
        kind: Kind::Gauge,
        help: "Virtual processors of the domain.",
        number: |stats| Some(Number::Whole(stats.domain.vcpus.into())),
    },
];

/// A metric of a device of a domain: the last words of libvirt's parameter.
struct Part {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    parameter: &'static str,
    /// Whether the parameter is in nanoseconds, which become seconds.
    time: bool,
}

const fn counter(name: &'static str, parameter: &'static str, help: &'static str) -> Part {
    Part {
        name,
        kind: Kind::Counter,
        help,
        parameter,
        time: false,
    }
}

/// Devices of one kind: how libvirt's parameters begin, and the labels.
struct Devices {
    /// `block` of `block.count` and `block.0.name`.
    begin: &'static str,
    /// Labels, and the last words of the parameters that are their values.
    labels: &'static [(&'static str, &'static str)],
    parts: &'static [Part],
}

const DEVICES: &[Devices] = &[
    Devices {
        begin: "block",
        labels: &[("source_file", "path"), ("target_device", "name")],
        parts: &[
            counter(
                "libvirt_domain_block_stats_read_bytes_total",
                "rd.bytes",
                "Bytes read from a block device.",
            ),
            counter(
                "libvirt_domain_block_stats_read_requests_total",
                "rd.reqs",
                "Requests to read from a block device.",
            ),
            counter(
                "libvirt_domain_block_stats_write_bytes_total",
                "wr.bytes",
                "Bytes written to a block device.",
            ),
            counter(
                "libvirt_domain_block_stats_write_requests_total",
                "wr.reqs",
                "Requests to write to a block device.",
            ),
            counter(
                "libvirt_domain_block_stats_flush_requests_total",
                "fl.reqs",
                "Requests to flush a block device.",
            ),
        ],
    },
    Devices {
        begin: "net",
        labels: &[("target_device", "name")],
        parts: &[
            counter(
                "libvirt_domain_interface_stats_receive_bytes_total",
                "rx.bytes",
                "Bytes received on a network interface.",
            ),
            counter(
                "libvirt_domain_interface_stats_receive_packets_total",
                "rx.pkts",
                "Packets received on a network interface.",
            ),
            counter(
                "libvirt_domain_interface_stats_receive_errors_total",
                "rx.errs",
                "Packets that could not be received on a network interface.",
            ),
            counter(
                "libvirt_domain_interface_stats_receive_drops_total",
                "rx.drop",
                "Packets received on a network interface and dropped.",
            ),
            counter(
                "libvirt_domain_interface_stats_transmit_bytes_total",
                "tx.bytes",
                "Bytes sent on a network interface.",
            ),
            counter(
                "libvirt_domain_interface_stats_transmit_packets_total",
                "tx.pkts",
                "Packets sent on a network interface.",
            ),
            counter(
                "libvirt_domain_interface_stats_transmit_errors_total",
                "tx.errs",
                "Packets that could not be sent on a network interface.",
            ),
            counter(
                "libvirt_domain_interface_stats_transmit_drops_total",
                "tx.drop",
                "Packets to be sent on a network interface and dropped.",
            ),
        ],
    },
    Devices {
        begin: "vcpu",
        labels: &[("vcpu", "")],
        parts: &[
            Part {
                name: "virtxen_domain_vcpu_time_seconds_total",
                kind: Kind::Counter,
                help: "Processor time that a virtual processor has used, in seconds.",
                parameter: "time",
                time: true,
            },
            Part {
                name: "virtxen_domain_vcpu_state",
                kind: Kind::Gauge,
                help: "State of a virtual processor: 1 running, 2 blocked.",
                parameter: "state",
                time: false,
            },
        ],
    },
];

/// A domain while its metrics are written.
struct Subject<'a> {
    stats: &'a DomainStats,
    uuid: String,
    parameters: HashMap<&'a str, &'a TypedValue>,
}

pub(super) fn write(page: &mut Page, domains: &[DomainStats]) {
    let subjects: Vec<Subject<'_>> = domains.iter().map(Subject::new).collect();
    for metric in WHOLE {
        page.family(metric.name, metric.kind, metric.help);
        for subject in &subjects {
            if let Some(number) = (metric.number)(subject.stats) {
                page.sample(metric.name, &subject.labels(), number);
            }
        }
    }
    for devices in DEVICES {
        for part in devices.parts {
            page.family(part.name, part.kind, part.help);
            for subject in &subjects {
                subject.part(page, devices, part);
            }
        }
    }
}

impl<'a> Subject<'a> {
    fn new(stats: &'a DomainStats) -> Self {
        let parameters = stats.parameters.iter();
        Self {
            stats,
            uuid: stats.domain.uuid.to_string(),
            parameters: parameters
                .map(|parameter| (parameter.name.as_str(), &parameter.value))
                .collect(),
        }
    }

    fn labels(&self) -> [(&str, &str); 2] {
        [
            ("domain", self.stats.domain.name.as_str()),
            ("uuid", self.uuid.as_str()),
        ]
    }

    fn part(&self, page: &mut Page, devices: &Devices, part: &Part) {
        for at in 0..self.count(devices.begin) {
            let place = format!("{}.{at}", devices.begin);
            let value = self
                .parameters
                .get(format!("{place}.{}", part.parameter).as_str());
            let Some(number) = value.and_then(|value| whole(value)) else {
                continue;
            };
            let index = at.to_string();
            let text = |name: &str| match name {
                "" => index.as_str(),
                name => {
                    let name = format!("{place}.{name}");
                    match self.parameters.get(name.as_str()) {
                        Some(TypedValue::String(text)) => text.as_str(),
                        _ => "",
                    }
                }
            };
            let labels: Vec<(&str, &str)> = self
                .labels()
                .into_iter()
                .chain(
                    devices
                        .labels
                        .iter()
                        .map(|(label, name)| (*label, text(name))),
                )
                .collect();
            let labels: Labels<'_> = &labels;
            match part.time {
                true => page.sample(part.name, labels, seconds(number)),
                false => page.sample(part.name, labels, number),
            }
        }
    }

    /// Of virtual processors those that could be there are counted: others are left
    /// out among them.
    fn count(&self, begin: &str) -> u64 {
        let named = ["count", "maximum"].into_iter();
        let mut named = named.map(|name| format!("{begin}.{name}"));
        let found = named.find_map(|name| self.parameters.get(name.as_str()).copied());
        found.and_then(whole).unwrap_or(0).min(MOST)
    }
}

/// Devices of a domain that are looked at.
const MOST: u64 = 4096;

fn whole(value: &TypedValue) -> Option<u64> {
    match value {
        TypedValue::Int(number) => u64::try_from(*number).ok(),
        TypedValue::UInt(number) => Some(u64::from(*number)),
        TypedValue::LLong(number) => u64::try_from(*number).ok(),
        TypedValue::ULLong(number) => Some(*number),
        _ => None,
    }
}

pub(super) fn seconds(nanoseconds: u64) -> f64 {
    std::time::Duration::from_nanos(nanoseconds).as_secs_f64()
}

/// KiB as bytes.
pub(super) const fn bytes(kib: u64) -> Number {
    Number::Whole(kib.saturating_mul(1024))
}
