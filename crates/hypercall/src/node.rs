//! The machine: processors, memory, how they hang together. What Domain-0 says of it
//! is not here.

use crate::Xen;
use crate::abi::Family;
use crate::call::Call;
use crate::error::{Error, Result};

/// Bytes of a page.
const PAGE: u64 = 4096;

/// Bits of `physinfo`'s capabilities: `XEN_SYSCTL_PHYSCAP_hvm_directio`, and `directio`,
/// which it became with 4.12.
const HVM_DIRECTIO: u32 = 1 << 1;
const DIRECTIO: u32 = 1 << 2;

/// Processors and nodes that one request has room for.
pub(crate) const CPUS_MAX: u32 = 4096;
const NODES_MAX: u32 = 1024;

/// What a processor or node that is not there has.
const INVALID: u32 = u32::MAX;

/// Processors and memory in sum. Memory in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhysicalInfo {
    /// Threads of a core.
    pub threads_per_core: u32,
    /// Cores of a socket.
    pub cores_per_socket: u32,
    /// Processors that are online.
    pub cpus: u32,
    /// NUMA nodes.
    pub nodes: u32,
    /// Clock in kHz.
    pub cpu_khz: u32,
    /// Memory.
    pub memory: u64,
    /// Memory that no domain has, ready or being scrubbed.
    pub free: u64,
    /// Feature words of the processors.
    pub hw_cap: Vec<u32>,
    /// Whether guests can be given the host's devices behind an IOMMU; Xen tells it from
    /// 3.3 on.
    pub has_iommu: Option<bool>,
}

/// Where a processor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuTopology {
    /// Its number.
    pub cpu: u32,
    /// Core.
    pub core: u32,
    /// Socket.
    pub socket: u32,
    /// NUMA node.
    pub node: u32,
}

impl Xen {
    /// Processors and memory in sum.
    ///
    /// # Errors
    /// What the hypervisor says.
    pub fn physical_info(&self) -> Result<PhysicalInfo> {
        let is_old = self.abi.control() == Family::Dom0Op;
        let family = if is_old {
            Family::Dom0Op
        } else {
            Family::Sysctl
        };
        let mut call = Call::new(&self.abi, family, "physinfo")?;
        call.send(self.gate.as_ref())?;
        let word = |name| call.get(name).map(|value| value as u32);
        let found = |name: &str| call.find(name).map(|value| value as u32);
        // Xen 4.0 tells the highest node, others how many.
        let nodes = found("nr_nodes")
            .or(found("max_node_id").map(|node| node.saturating_add(1)))
            .unwrap_or(1);
        let (threads, cores) = (word("threads_per_core")?, word("cores_per_socket")?);
        // Up to 3.1 the processors are counted from the topology.
        let counted = found("sockets_per_node").map(|sockets| {
            [threads, cores, sockets, nodes]
                .iter()
                .fold(1_u32, |a, b| a.saturating_mul(*b))
        });
        let pages = |name| call.find(name).unwrap_or(0).saturating_mul(PAGE);
        let hw_cap = self.abi.operation(family, "physinfo")?.1.field("hw_cap");
        let hw_cap = hw_cap
            .and_then(|field| field.bytes(call.union()))
            .unwrap_or_default();
        let words = hw_cap
            .chunks_exact(4)
            .filter_map(|word| word.try_into().ok());
        let release = self.version().release;
        let directio = match (release.major, release.minor) < (4, 12) {
            true => HVM_DIRECTIO,
            false => DIRECTIO,
        };
        Ok(PhysicalInfo {
            threads_per_core: threads,
            cores_per_socket: cores,
            cpus: found("nr_cpus").or(counted).unwrap_or(0),
            nodes,
            cpu_khz: word("cpu_khz")?,
            memory: pages("total_pages"),
            free: pages("free_pages").saturating_add(pages("scrub_pages")),
            hw_cap: words.map(u32::from_ne_bytes).collect(),
            has_iommu: found("capabilities").map(|bits| bits & directio != 0),
        })
    }

    /// Free memory in bytes, of one NUMA node or of all; from Xen 3.2 on.
    ///
    /// # Errors
    /// [`Error::Unsupported`] on older ones, and what the hypervisor says.
    pub fn free_memory(&self, node: Option<u32>) -> Result<u64> {
        let mut call = Call::new(&self.abi, Family::Sysctl, "availheap")?;
        call.set("node", u64::from(node.unwrap_or(u32::MAX)))?;
        call.send(self.gate.as_ref())?;
        call.get("avail_bytes")
    }

    /// Where each processor is; from Xen 4.1 on.
    ///
    /// # Errors
    /// [`Error::Unsupported`] on older ones, and what the hypervisor says.
    pub fn cpu_topology(&self) -> Result<Vec<CpuTopology>> {
        if let Ok(call) = Call::new(&self.abi, Family::Sysctl, "topologyinfo") {
            return self.old_topology(call);
        }
        let mut call = Call::new(&self.abi, Family::Sysctl, "cputopoinfo")?;
        let layout = self
            .abi
            .structure("sysctl_cputopo")
            .ok_or_else(|| call.unsupported())?;
        let size = usize::from(layout.size);
        call.set("num_cpus", u64::from(CPUS_MAX))?;
        let buffer = call.point("cputopo", vec![0xff; size * CPUS_MAX as usize])?;
        call.send(self.gate.as_ref())?;
        let count = self.bounded(&call, "num_cpus", CPUS_MAX)?;
        let field = |bytes, name| {
            layout
                .get(bytes, name)
                .map_or(INVALID, |value| value as u32)
        };
        let all = (0..count)
            .zip(call.buffer(buffer).chunks_exact(size))
            .map(|(cpu, one)| {
                let (core, socket) = (field(one, "core"), field(one, "socket"));
                CpuTopology {
                    cpu,
                    core,
                    socket,
                    node: field(one, "node"),
                }
            });
        Ok(all.filter(|it| it.core != INVALID).collect())
    }

    /// How long each online processor has been idle since Xen started, in
    /// nanoseconds; from Xen 3.2 on.
    ///
    /// # Errors
    /// [`Error::Unsupported`] on older ones, and what the hypervisor says.
    pub fn idle_times(&self) -> Result<Vec<u64>> {
        let mut call = Call::new(&self.abi, Family::Sysctl, "getcpuinfo")?;
        let layout = self.abi.structure("sysctl_cpuinfo");
        let layout = layout.ok_or_else(|| call.unsupported())?;
        let size = usize::from(layout.size);
        call.set("max_cpus", u64::from(CPUS_MAX))?;
        let buffer = call.point("info", vec![0; size * CPUS_MAX as usize])?;
        call.send(self.gate.as_ref())?;
        let count = self.bounded(&call, "nr_cpus", CPUS_MAX)?;
        let all = call.buffer(buffer).chunks_exact(size).take(count as usize);
        Ok(all.filter_map(|one| layout.get(one, "idletime")).collect())
    }

    /// The NUMA node of each processor, from Xen 3.2 on.
    ///
    /// # Errors
    /// [`Error::Unsupported`] on older ones, and what the hypervisor says.
    pub fn cpu_nodes(&self) -> Result<Vec<(u32, u32)>> {
        match self.cpu_topology() {
            Err(Error::Unsupported { .. }) => {}
            found => return Ok(found?.iter().map(|it| (it.cpu, it.node)).collect()),
        }
        // Up to 4.0 physinfo fills a list, as long as max_cpu_id says.
        let mut call = Call::new(&self.abi, Family::Sysctl, "physinfo")?;
        let buffer = call.point("cpu_to_node", vec![0xff; 4 * CPUS_MAX as usize])?;
        call.set("max_cpu_id", u64::from(CPUS_MAX - 1))?;
        call.send(self.gate.as_ref())?;
        let last = self.bounded(&call, "max_cpu_id", CPUS_MAX - 1)?;
        let nodes = (0..=last).zip(words(call.buffer(buffer)));
        Ok(nodes.filter(|(_, node)| *node != INVALID).collect())
    }

    /// Memory of each NUMA node, in all and free, in bytes; from Xen 4.1 on.
    ///
    /// # Errors
    /// [`Error::Unsupported`] on older ones, and what the hypervisor says.
    pub fn numa_memory(&self) -> Result<Vec<(u64, u64)>> {
        let mut call = Call::new(&self.abi, Family::Sysctl, "numainfo")?;
        let room = NODES_MAX as usize;
        let pairs: Vec<(u64, u64)> = if call.has("meminfo") {
            call.set("num_nodes", u64::from(NODES_MAX))?;
            let buffer = call.point("meminfo", vec![0xff; 16 * room])?;
            call.send(self.gate.as_ref())?;
            let words = longs(call.buffer(buffer));
            words
                .chunks_exact(2)
                .filter_map(|pair| Some((*pair.first()?, *pair.last()?)))
                .collect()
        } else {
            call.set("max_node_index", u64::from(NODES_MAX - 1))?;
            let size = call.point("node_to_memsize", vec![0xff; 8 * room])?;
            let free = call.point("node_to_memfree", vec![0xff; 8 * room])?;
            call.send(self.gate.as_ref())?;
            longs(call.buffer(size))
                .into_iter()
                .zip(longs(call.buffer(free)))
                .collect()
        };
        let count = match call.find("num_nodes") {
            Some(_) => self.bounded(&call, "num_nodes", NODES_MAX)?,
            None => self
                .bounded(&call, "max_node_index", NODES_MAX)?
                .saturating_add(1),
        };
        Ok(pairs
            .into_iter()
            .take(count as usize)
            .filter(|(size, _)| *size != u64::MAX)
            .collect())
    }

    fn old_topology(&self, mut call: Call<'_>) -> Result<Vec<CpuTopology>> {
        const MAPS: [&str; 3] = ["cpu_to_core", "cpu_to_socket", "cpu_to_node"];
        call.set("max_cpu_index", u64::from(CPUS_MAX - 1))?;
        let mut buffers = [0; 3];
        for (buffer, name) in buffers.iter_mut().zip(MAPS) {
            *buffer = call.point(name, vec![0xff; 4 * CPUS_MAX as usize])?;
        }
        call.send(self.gate.as_ref())?;
        let last = self.bounded(&call, "max_cpu_index", CPUS_MAX)?;
        let [cores, sockets, nodes] = buffers.map(|buffer| words(call.buffer(buffer)));
        let all = (0..=last).zip(cores.into_iter().zip(sockets).zip(nodes));
        let all = all.map(|(cpu, ((core, socket), node))| CpuTopology {
            cpu,
            core,
            socket,
            node,
        });
        Ok(all.filter(|it| it.core != INVALID).collect())
    }

    /// A count that the hypervisor wrote, which is never more than was asked for.
    fn bounded(&self, call: &Call<'_>, field: &'static str, limit: u32) -> Result<u32> {
        let value = call.get(field)?;
        u32::try_from(value)
            .ok()
            .filter(|count| *count <= limit)
            .ok_or(Error::Answer {
                operation: call.name,
                reason: "more elements than were asked for",
            })
    }
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes
        .chunks_exact(4)
        .filter_map(|it| it.try_into().ok())
        .map(u32::from_ne_bytes)
        .collect()
}

fn longs(bytes: &[u8]) -> Vec<u64> {
    bytes
        .chunks_exact(8)
        .filter_map(|it| it.try_into().ok())
        .map(u64::from_ne_bytes)
        .collect()
}
