//! The machine, by hypercalls. Its name and kernel are Domain-0's to tell.

use super::{HypercallMonitor, failed};
use crate::{CpuPlace, Node, NodeTopology, Result, XenVersion};
use virtxen_guest::MemoryKib;
use virtxen_hypercall::Version;

/// Most NUMA nodes that a machine is taken to have.
const NODES_MAX: u32 = 1024;

/// What Domain-0's kernel says of itself, as `uname` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Host name.
    pub host_name: String,
    /// Name of the kernel: `Linux`.
    pub system: String,
    /// Release of the kernel.
    pub kernel: String,
    /// Machine: `x86_64`.
    pub machine: String,
}

impl Machine {
    /// The machine that this runs on.
    #[must_use]
    pub fn local() -> Self {
        let uname = rustix::system::uname();
        let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
        Self {
            host_name: text(uname.nodename()),
            system: text(uname.sysname()),
            kernel: text(uname.release()),
            machine: text(uname.machine()),
        }
    }
}

impl HypercallMonitor {
    /// What kinds of guests the hypervisor runs, as it said when it was opened.
    pub(crate) fn guest_types(&self) -> Vec<String> {
        let types = self.xen().version().capabilities.split_whitespace();
        types.map(str::to_owned).collect()
    }

    /// The machine, with Domain-0's part of the answer given.
    pub(crate) fn node(&self, machine: &Machine) -> Result<Node> {
        let xen = self.xen();
        let physical = xen.physical_info().map_err(|error| failed(&error))?;
        // Up to 4.0 each node is asked for, before 3.2 none can be.
        let nodes = physical.nodes.clamp(1, NODES_MAX);
        let memory = xen.numa_memory().unwrap_or_default();
        let free = |bytes: u64| MemoryKib(bytes / 1024);
        let mut free_by_node: Vec<MemoryKib> = memory.iter().map(|it| free(it.1)).collect();
        if free_by_node.is_empty() {
            let told = (0..nodes).map_while(|node| xen.free_memory(Some(node)).ok());
            free_by_node = told.map(free).collect();
        }
        let places = xen.cpu_topology().unwrap_or_default();
        let places = places.iter().map(|it| {
            let (socket, core) = (it.socket, it.core);
            (it.cpu, CpuPlace { socket, core })
        });
        let mut node_cpus = Vec::new();
        for (cpu, node) in xen.cpu_nodes().unwrap_or_default() {
            node_cpus.resize(nodes as usize, Vec::new());
            if let Some(cpus) = node_cpus.get_mut(node as usize) {
                cpus.push(cpu);
            }
        }
        let memory_by_node = memory.iter().map(|it| free(it.0)).collect();
        let (threads, cores) = (physical.threads_per_core, physical.cores_per_socket);
        let per_socket = threads.max(1).saturating_mul(cores.max(1));
        let per_node = physical.cpus / nodes;
        Ok(Node {
            host_name: machine.host_name.clone(),
            system: machine.system.clone(),
            kernel: machine.kernel.clone(),
            machine: machine.machine.clone(),
            topology: NodeTopology {
                cpus: physical.cpus,
                nodes,
                sockets_per_node: (per_node / per_socket.max(1)).max(1),
                cores_per_socket: cores,
                threads_per_core: threads,
                node_cpus,
                places: places.collect(),
            },
            cpu_mhz: physical.cpu_khz / 1000,
            hw_caps: words(&physical.hw_cap),
            has_iommu: physical.has_iommu,
            memory: MemoryKib(physical.memory / 1024),
            free_memory: MemoryKib(physical.free / 1024),
            free_by_node,
            memory_by_node,
            guest_types: self.guest_types(),
            scheduler: xen.scheduler().ok().map(|id| id.name().to_owned()),
            version: version(xen.version()),
        })
    }
}

pub(crate) fn version(version: &Version) -> XenVersion {
    XenVersion {
        major: version.release.major.into(),
        minor: version.release.minor.into(),
        extra: version.extra.clone(),
    }
}

fn words(words: &[u32]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("{word:08x}")).collect();
    words.join(":")
}
