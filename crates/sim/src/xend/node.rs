//! What XenD says about the machine: the node's fields, Xen's own messages, the log.
//!
//! The machine is the one that the recordings were made on: 4 processors of one
//! NUMA node. Which fields there are differs by release, their order does not.

use virtxen_formats::sxpr::{EmptyAtom, Sxpr, write_reply};

use crate::release::Release;

/// The memory of the machine, in MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeMemory {
    /// All of it.
    pub(crate) total: u64,
    /// What no domain has.
    pub(crate) free: u64,
}

/// Releases from the first to the last that show a field.
type Shown = (Release, Release);

const EVER: Shown = (Release::V3_0_1, Release::V4_4);
const TO_3_1: Shown = (Release::V3_0_1, Release::V3_1);
const FROM_3_0_3: Shown = (Release::V3_0_3, Release::V4_4);
const FROM_3_1: Shown = (Release::V3_1, Release::V4_4);
const FROM_3_3: Shown = (Release::V3_3, Release::V4_4);
const ONLY_3_2_TO_4_0: Shown = (Release::V3_2, Release::V4_0);
const ONLY_3_3_TO_4_0: Shown = (Release::V3_3, Release::V4_0);
const ONLY_4_0: Shown = (Release::V4_0, Release::V4_0);
const FROM_4_0: Shown = (Release::V4_0, Release::V4_4);
const FROM_4_1: Shown = (Release::V4_1, Release::V4_4);

/// Every field that a release shows, in XenD's order. A value in braces is filled in.
const FIELDS: &[(&str, &str, Shown)] = &[
    ("system", "Linux", EVER),
    ("host", "vm", EVER),
    ("release", "2.6.18-xen.host", EVER),
    ("version", "#1 SMP PREEMPT_DYNAMIC @0", EVER),
    ("machine", "x86_64", EVER),
    ("nr_cpus", "4", EVER),
    ("nr_nodes", "1", EVER),
    ("sockets_per_node", "2", TO_3_1),
    ("cores_per_socket", "2", EVER),
    ("threads_per_core", "1", EVER),
    ("cpu_mhz", "2400", EVER),
    ("hw_caps", "{hw_caps}", EVER),
    ("virt_caps", "hvm", FROM_3_3),
    ("total_memory", "{total}", EVER),
    ("free_memory", "{free}", EVER),
    ("node_to_cpu", "node0:0-3", ONLY_3_2_TO_4_0),
    ("node_to_memory", "node0:{free}", ONLY_3_3_TO_4_0),
    ("node_to_dma32_mem", "node0:{dma32}", ONLY_4_0),
    ("max_node_id", "0", ONLY_4_0),
    ("free_cpus", "0", FROM_4_1),
    ("cpu_topology", CPU_TOPOLOGY, FROM_4_1),
    ("numa_info", "none", FROM_4_1),
    ("xen_major", "{major}", EVER),
    ("xen_minor", "{minor}", EVER),
    ("xen_extra", "{extra}", EVER),
    ("xen_caps", CAPABILITIES, EVER),
    ("xen_scheduler", "credit", FROM_3_1),
    ("xen_pagesize", "4096", FROM_3_0_3),
    ("platform_params", "virt_start=0xffff800000000000", EVER),
    ("xen_changeset", "unavailable", EVER),
    ("xen_commandline", "placeholder dom0_mem=1024M", FROM_4_0),
    ("cc_compiler", "gcc version 4.1.2", EVER),
    ("cc_compile_by", "root", EVER),
    ("cc_compile_domain", "example.com", EVER),
    ("cc_compile_date", "Thu Jan  1 00:00:00 UTC 2009", EVER),
    ("xend_config_format", "{format}", FROM_3_0_3),
];

/// The guest types that the hypervisor says it runs, with a blank after each.
pub(crate) const CAPABILITIES: &str =
    "xen-3.0-x86_64 xen-3.0-x86_32p hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ";

const CPU_TOPOLOGY: &str = "\ncpu:    core    socket     node\n\
  \x20 0:       0        0        0\n\
  \x20 1:       1        0        0\n\
  \x20 2:       0        1        0\n\
  \x20 3:       1        1        0";

/// The fields that `release` shows, in its order.
pub(crate) fn fields(release: Release, memory: NodeMemory) -> Vec<(&'static str, String)> {
    FIELDS
        .iter()
        .filter(|(_, _, (first, last))| (*first..=*last).contains(&release))
        .map(|(name, value, _)| (*name, filled(value, release, memory)))
        .collect()
}

/// The node as an S-expression.
pub(crate) fn expression(release: Release, memory: NodeMemory) -> String {
    let fields = fields(release, memory)
        .into_iter()
        .map(|(name, value)| Sxpr::pair(name, value))
        .collect();
    write_reply(&Sxpr::named("node", fields), EmptyAtom::Nothing)
}

/// The node as items of an HTML list.
pub(crate) fn html_items(release: Release, memory: NodeMemory) -> String {
    fields(release, memory)
        .into_iter()
        .map(|(name, value)| format!("<li> {name:>10}: {value}"))
        .collect()
}

/// Xen's boot messages.
pub(crate) fn dmesg(release: Release, memory: NodeMemory) -> String {
    format!(
        "(XEN) Fake hypervisor {}\n(XEN) System RAM: {}MB ({}kB)\n",
        release.version(),
        memory.total,
        memory.total * 1024
    )
}

fn filled(value: &str, release: Release, memory: NodeMemory) -> String {
    if !value.contains('{') {
        return value.to_owned();
    }
    let mut numbers = release.version().split('.');
    let mut number = || numbers.next().unwrap_or("0");
    let (major, minor, patch) = (number(), number(), number());
    value
        .replace("{hw_caps}", &hw_caps(release))
        .replace("{total}", &memory.total.to_string())
        .replace("{free}", &memory.free.to_string())
        .replace("{dma32}", &memory.free.min(DMA32_MIB).to_string())
        .replace("{major}", major)
        .replace("{minor}", minor)
        .replace("{extra}", &format!(".{patch}"))
        .replace("{format}", config_format(release))
}

/// Memory below 4 GiB that the machine can have free, in MiB.
const DMA32_MIB: u64 = 3000;

/// Words of the processor's features.
pub(crate) const FEATURES: [u32; 8] = [
    0x0feb_fbff,
    0x2010_0800,
    0,
    0x0000_0140,
    0x0000_e3bd,
    0,
    0x0000_0001,
    0,
];

/// The features as text. Before 3.3 empty words at the end are left out.
fn hw_caps(release: Release) -> String {
    let shown = if release < Release::V3_3 { 7 } else { 8 };
    let words = FEATURES.iter().take(shown);
    words
        .map(|w| format!("{w:08x}"))
        .collect::<Vec<_>>()
        .join(":")
}

fn config_format(release: Release) -> &'static str {
    match release {
        Release::V3_0_1 | Release::V3_0_3 => "2",
        Release::V3_0_4 => "3",
        _ => "4",
    }
}
