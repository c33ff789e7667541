//! What XenD says about the machine: the node's fields, Xen's own messages, the log.
//!
//! The machine is the one that the recordings were made on: 4 processors of one
//! NUMA node. Which fields there are differs by release, their order does not.

use virtxen_formats::sxpr::{EmptyAtom, Sxpr, write_reply};

use crate::release::Release;

/// What is not the same on each machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeFacts {
    /// All memory, in MiB.
    pub(crate) total: u64,
    /// Memory that no domain has, in MiB.
    pub(crate) free: u64,
    /// NUMA nodes: 1, 2 or 4.
    pub(crate) nodes: u32,
    /// The scheduler's name.
    pub(crate) scheduler: &'static str,
}

/// Processors of the machine.
const PROCESSORS: u32 = 4;

/// Cores of a socket: two, unless each processor is a node of its own.
pub(crate) fn cores_of(nodes: u32) -> u32 {
    if nodes > 2 { 1 } else { 2 }
}

impl NodeFacts {
    fn sockets_per_node(self) -> u32 {
        PROCESSORS / (cores_of(self.nodes) * self.nodes).max(1)
    }

    /// A line for each NUMA node.
    fn each_node(self, word: &str, value: impl Fn(u32) -> String) -> String {
        let line = |id| format!("{word}{id}:{}", value(id));
        let lines: Vec<String> = (0..self.nodes).map(line).collect();
        lines.join("\n                         ")
    }

    fn cpus_of(self, node: u32) -> String {
        let each = PROCESSORS / self.nodes.max(1);
        let first = node * each;
        match each {
            1 => first.to_string(),
            _ => format!("{first}-{}", first + each - 1),
        }
    }

    /// Free memory of a node in MiB: equal parts, the last has what remains.
    fn free_of(self, node: u32) -> u64 {
        let each = self.free / u64::from(self.nodes.max(1));
        if node + 1 == self.nodes {
            self.free - each * u64::from(node)
        } else {
            each
        }
    }

    fn topology(self) -> String {
        let mut text = "\ncpu:    core    socket     node".to_owned();
        let (cores, each) = (cores_of(self.nodes), PROCESSORS / self.nodes.max(1));
        for cpu in 0..PROCESSORS {
            let (core, socket, node) = (cpu % cores, cpu / cores, cpu / each);
            text.push_str(&format!("\n{cpu:3}:{core:8} {socket:8} {node:8}"));
        }
        text
    }

    /// Nothing of a machine with one node, as the recorded one told.
    fn numa(self) -> String {
        if self.nodes == 1 {
            return "none".to_owned();
        }
        let mut text = "\nnode:    memsize    memfree    distances".to_owned();
        let memory = self.total / u64::from(self.nodes);
        for node in 0..self.nodes {
            let free = self.free_of(node);
            let distance = |other| if other == node { "10" } else { "20" };
            let distances: Vec<&str> = (0..self.nodes).map(distance).collect();
            let distances = distances.join(",");
            text.push_str(&format!(
                "\n{node:4}:    {memory:6}     {free:6}      {distances}"
            ));
        }
        text
    }
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
    ("nr_nodes", "{nodes}", EVER),
    ("sockets_per_node", "{sockets}", TO_3_1),
    ("cores_per_socket", "{cores}", EVER),
    ("threads_per_core", "1", EVER),
    ("cpu_mhz", "2400", EVER),
    ("hw_caps", "{hw_caps}", EVER),
    ("virt_caps", "hvm", FROM_3_3),
    ("total_memory", "{total}", EVER),
    ("free_memory", "{free}", EVER),
    ("node_to_cpu", "{node_cpus}", ONLY_3_2_TO_4_0),
    ("node_to_memory", "{node_memory}", ONLY_3_3_TO_4_0),
    ("node_to_dma32_mem", "node0:{dma32}", ONLY_4_0),
    ("max_node_id", "{last_node}", ONLY_4_0),
    ("free_cpus", "0", FROM_4_1),
    ("cpu_topology", "{topology}", FROM_4_1),
    ("numa_info", "{numa}", FROM_4_1),
    ("xen_major", "{major}", EVER),
    ("xen_minor", "{minor}", EVER),
    ("xen_extra", "{extra}", EVER),
    ("xen_caps", CAPABILITIES, EVER),
    ("xen_scheduler", "{scheduler}", FROM_3_1),
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

/// The fields that `release` shows, in its order.
pub(crate) fn fields(release: Release, node: NodeFacts) -> Vec<(&'static str, String)> {
    FIELDS
        .iter()
        .filter(|(_, _, (first, last))| (*first..=*last).contains(&release))
        .map(|(name, value, _)| (*name, filled(value, release, node)))
        .collect()
}

/// The node as an S-expression.
pub(crate) fn expression(release: Release, node: NodeFacts) -> String {
    let fields = fields(release, node)
        .into_iter()
        .map(|(name, value)| Sxpr::pair(name, value))
        .collect();
    write_reply(&Sxpr::named("node", fields), EmptyAtom::Nothing)
}

/// The node as items of an HTML list.
pub(crate) fn html_items(release: Release, node: NodeFacts) -> String {
    fields(release, node)
        .into_iter()
        .map(|(name, value)| format!("<li> {name:>10}: {value}"))
        .collect()
}

/// Xen's boot messages.
pub(crate) fn dmesg(release: Release, node: NodeFacts) -> String {
    format!(
        "(XEN) Fake hypervisor {}\n(XEN) System RAM: {}MB ({}kB)\n",
        release.version(),
        node.total,
        node.total * 1024
    )
}

fn filled(value: &str, release: Release, node: NodeFacts) -> String {
    if !value.contains('{') {
        return value.to_owned();
    }
    let mut numbers = release.version().split('.');
    let mut number = || numbers.next().unwrap_or("0");
    let (major, minor, patch) = (number(), number(), number());
    value
        .replace("{hw_caps}", &hw_caps(release))
        .replace("{total}", &node.total.to_string())
        .replace("{free}", &node.free.to_string())
        .replace("{dma32}", &node.free.min(DMA32_MIB).to_string())
        .replace("{nodes}", &node.nodes.to_string())
        .replace("{last_node}", &(node.nodes - 1).to_string())
        .replace("{cores}", &cores_of(node.nodes).to_string())
        .replace("{sockets}", &node.sockets_per_node().to_string())
        .replace(
            "{node_cpus}",
            &node.each_node("node", |id| node.cpus_of(id)),
        )
        .replace(
            "{node_memory}",
            &node.each_node("node", |id| node.free_of(id).to_string()),
        )
        .replace("{topology}", &node.topology())
        .replace("{numa}", &node.numa())
        .replace("{scheduler}", node.scheduler)
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
