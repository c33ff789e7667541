//! The node: what XenD says of the machine, of Xen and of itself, and the logs.
//! Domains are not here, not even how many there are.

use crate::client::{Client, expression};
use crate::error::{Error, Result};
use crate::exchange::Pace;
use crate::release::Release;
use crate::request::Request;
use virtxen_formats::sxpr::Sxpr;

/// What `GET /xend/node/` says. Memory is in MiB, as XenD has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Operating system of Domain-0, `Linux`.
    pub system: String,
    /// Host name.
    pub host: String,
    /// Kernel release of Domain-0.
    pub release: String,
    /// Machine as `uname -m` says it.
    pub machine: String,
    /// Logical processors.
    pub cpus: u32,
    /// NUMA nodes.
    pub nodes: u32,
    /// Sockets of a NUMA node; worked out from the others from Xen 3.2 on.
    pub sockets_per_node: u32,
    /// Cores of a socket.
    pub cores_per_socket: u32,
    /// Threads of a core.
    pub threads_per_core: u32,
    /// Clock in MHz.
    pub cpu_mhz: u32,
    /// Processor's feature words, as XenD prints them.
    pub hw_caps: String,
    /// Memory of the machine in MiB.
    pub total_memory: u64,
    /// Memory that no domain has, in MiB.
    pub free_memory: u64,
    /// Processors of each NUMA node, Xen 3.2 and later.
    pub node_cpus: Vec<Vec<u32>>,
    /// Free memory of each NUMA node in MiB, Xen 3.3 and later.
    pub node_free_memory: Vec<u64>,
    /// Hypervisor's version: first number.
    pub xen_major: u32,
    /// Second number.
    pub xen_minor: u32,
    /// The rest, `.1` or `.3-rc1`.
    pub xen_extra: String,
    /// Guest types, `xen-3.0-x86_64 hvm-3.0-x86_32 …`.
    pub xen_caps: Vec<String>,
    /// Scheduler, Xen 3.1 and later.
    pub xen_scheduler: Option<String>,
    /// Format of configurations, Xen 3.0.3 and later.
    pub config_format: Option<u32>,
}

impl Node {
    /// Reads the node document.
    ///
    /// # Errors
    /// When it is not one.
    pub fn read(document: &Sxpr) -> Result<Self> {
        if document.name() != Some("node") {
            return Err(content("is not a node document"));
        }
        let text = |name: &str| document.value(name).unwrap_or_default().to_owned();
        let number = |name: &str| integer(document.value(name));
        let demanded = |name: &str| {
            number(name)
                .and_then(|n| u32::try_from(n).ok())
                .ok_or_else(|| content(&format!("has no number '{name}'")))
        };
        let small = |name: &str| number(name).and_then(|n| u32::try_from(n).ok());
        let cpus = demanded("nr_cpus")?;
        let count = |name: &str| small(name).unwrap_or(1).max(1);
        let nodes = count("nr_nodes");
        let (cores, threads) = (count("cores_per_socket"), count("threads_per_core"));
        let sockets = small("sockets_per_node").unwrap_or_else(|| {
            let in_a_socket = nodes.saturating_mul(cores).saturating_mul(threads);
            (cpus / in_a_socket).max(1)
        });
        let (node_cpus, node_free_memory) = numa(document);
        Ok(Self {
            system: text("system"),
            host: text("host"),
            release: text("release"),
            machine: text("machine"),
            cpus,
            nodes,
            sockets_per_node: sockets,
            cores_per_socket: cores,
            threads_per_core: threads,
            cpu_mhz: small("cpu_mhz").unwrap_or(0),
            hw_caps: text("hw_caps"),
            total_memory: number("total_memory").unwrap_or(0),
            free_memory: number("free_memory").unwrap_or(0),
            node_cpus,
            node_free_memory,
            xen_major: demanded("xen_major")?,
            xen_minor: demanded("xen_minor")?,
            xen_extra: text("xen_extra"),
            xen_caps: text("xen_caps")
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            xen_scheduler: document.value("xen_scheduler").map(str::to_owned),
            config_format: small("xend_config_format"),
        })
    }

    /// Which release the XenD is of.
    #[must_use]
    pub fn xend_release(&self) -> Release {
        Release::new(
            self.xen_major,
            self.xen_minor,
            &self.xen_extra,
            self.config_format,
        )
    }
}

impl Client {
    /// What the machine is and has now.
    ///
    /// # Errors
    /// When XenD does not answer or its document cannot be read.
    pub async fn node(&self) -> Result<Node> {
        let request = Request::get(&["xend", "node", ""]);
        let text = self.text("node", false, Pace::Quick, request).await?;
        Node::read(&expression("node", &text)?)
    }

    /// The newest part of XenD's log.
    ///
    /// # Errors
    /// When XenD does not answer.
    pub async fn log(&self) -> Result<String> {
        let request = Request::get(&["xend", "node", "log"]);
        self.text("log", false, Pace::Quick, request).await
    }

    /// The hypervisor's messages.
    ///
    /// # Errors
    /// When XenD does not answer.
    pub async fn dmesg(&self) -> Result<String> {
        let request = Request::get(&["xend", "node", "dmesg"]);
        self.text("dmesg", false, Pace::Quick, request).await
    }
}

fn content(what: &str) -> Error {
    Error::Content {
        operation: "node",
        what: what.to_owned(),
    }
}

/// XenD writes a Python long in quotes, the reader has removed them.
fn integer(text: Option<&str>) -> Option<u64> {
    text?.trim().trim_end_matches('L').parse().ok()
}

/// Processors and free memory of each NUMA node: `node_to_cpu` and
/// `node_to_memory` of Xen 3.2 to 4.0, the text tables of 4.1 and later.
fn numa(document: &Sxpr) -> (Vec<Vec<u32>>, Vec<u64>) {
    let lists = |name: &str| -> Vec<String> {
        let text = document.value(name).unwrap_or_default();
        let words = text.split_whitespace();
        words
            .filter_map(|word| word.strip_prefix("node")?.split_once(':'))
            .map(|(_, value)| value.to_owned())
            .collect()
    };
    let mut cpus: Vec<Vec<u32>> = lists("node_to_cpu")
        .iter()
        .map(|list| ranges(list))
        .collect();
    let mut free: Vec<u64> = lists("node_to_memory")
        .iter()
        .filter_map(|value| value.parse().ok())
        .collect();
    for (cpu, columns) in table(document, "cpu_topology") {
        let Some(node) = columns.get(2).and_then(|n| n.parse::<usize>().ok()) else {
            continue;
        };
        if node >= 4096 {
            continue;
        }
        if cpus.len() <= node {
            cpus.resize(node + 1, Vec::new());
        }
        if let Some(list) = cpus.get_mut(node) {
            list.push(cpu);
        }
    }
    for (_, columns) in table(document, "numa_info") {
        free.extend(columns.get(1).and_then(|n| n.parse::<u64>().ok()));
    }
    (cpus, free)
}

/// Rows `N: column column …` of a text table; headings have no number.
fn table<'a>(document: &'a Sxpr, name: &str) -> impl Iterator<Item = (u32, Vec<&'a str>)> {
    let text = document.value(name).unwrap_or_default();
    text.lines().filter_map(|line| {
        let (number, columns) = line.split_once(':')?;
        let number = number.trim().parse().ok()?;
        Some((number, columns.split_whitespace().collect()))
    })
}

/// `0-3,5` as numbers.
fn ranges(list: &str) -> Vec<u32> {
    let mut out = Vec::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>())
            && last < 1 << 16
        {
            out.extend(first..=last);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtxen_formats::sxpr::{Limits, read};

    fn node(rest: &str) -> Result<Node> {
        let text = format!("(node (nr_cpus 8) (xen_major 3) (xen_minor 2) {rest})");
        Node::read(&read(&text, Limits::default()).unwrap())
    }

    #[test]
    fn topology_of_every_release() {
        let old = node("(nr_nodes 2) (sockets_per_node 2) (cores_per_socket 2)").unwrap();
        assert_eq!((old.nodes, old.sockets_per_node), (2, 2));
        assert_eq!(old.xend_release().to_string(), "3.0.2");
        let middle = node(
            "(nr_nodes 2) (cores_per_socket 2) (threads_per_core 1) (xend_config_format 4) \
             (node_to_cpu 'node0:0-3\\n      node1:4,6-7') (node_to_memory 'node0:7104\\n node1:12')",
        )
        .unwrap();
        assert_eq!(middle.sockets_per_node, 2);
        assert_eq!(middle.node_cpus, [vec![0, 1, 2, 3], vec![4, 6, 7]]);
        assert_eq!(middle.node_free_memory, [7104, 12]);
        let new = node(
            "(nr_nodes 2) (cpu_topology '\\ncpu:    core    socket     node\\n  0:       0 \
             0        0\\n  1:       1        0        1') (numa_info none)",
        )
        .unwrap();
        assert_eq!(new.node_cpus, [vec![0], vec![1]]);
        assert!(new.node_free_memory.is_empty());
    }

    #[test]
    fn what_is_missing_is_named() {
        let read = |text: &str| Node::read(&read(text, Limits::default()).unwrap());
        let error = read("(node (nr_cpus x))").unwrap_err().to_string();
        assert!(error.contains("nr_cpus"), "{error}");
        assert!(read("(Domain-0)").is_err());
    }
}
