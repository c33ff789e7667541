//! What the hypervisor says of the machine: processors, NUMA nodes, memory.
//!
//! Nodes have equal parts of processors and memory, the last one what remains.

use super::page::Page;
use super::{MachineFacts, SimHypervisor};
use crate::xend::node::FEATURES;
use virtxen_hypercall::Errno;

/// Capabilities of the machine: HVM, and PV from 4.12 on.
const HVM: u64 = 1;
const PV: u64 = 2;

/// Bytes of a page.
const PAGE: u64 = 4096;

/// The words of [`FEATURES`] in the order of Xen's feature sets, which `hw_cap` has
/// from 4.7 on: leaf 1 EDX and ECX, leaf 0x80000001 EDX and ECX, and words that are
/// zero here.
const SETS: [usize; 8] = [0, 4, 1, 6, 2, 7, 2, 2];

impl MachineFacts {
    /// The NUMA node of a processor.
    fn node_of(&self, cpu: u32) -> u32 {
        let last = self.nodes.max(1) - 1;
        (cpu / (self.cpus / self.nodes.max(1)).max(1)).min(last)
    }

    /// Pages of a node, of so many of all nodes.
    fn share(&self, node: u32, pages: u64) -> u64 {
        let nodes = u64::from(self.nodes.max(1));
        let each = pages / nodes;
        match node + 1 {
            last if last == self.nodes => pages - each * (nodes - 1),
            other if other < self.nodes => each,
            _ => 0,
        }
    }

    /// Core in its socket, socket and node of a processor.
    fn place(&self, cpu: u32) -> [u32; 3] {
        let cores = self.cores.max(1);
        [cpu % cores, cpu / cores, self.node_of(cpu)]
    }
}

impl SimHypervisor {
    pub(super) fn physinfo(&self, page: &mut Page<'_>) -> Result<u64, Errno> {
        let facts = self.machine.facts();
        let sockets = facts.cpus / (facts.cores * facts.nodes).max(1);
        // In 3.2 to 4.0 this says first how long the list is.
        let room = page.get("max_cpu_id").unwrap_or(0);
        if let Ok(buffer) = page.follow("cpu_to_node") {
            for (cpu, word) in (0..facts.cpus).zip(buffer.chunks_exact_mut(4)) {
                if u64::from(cpu) <= room {
                    word.copy_from_slice(&facts.node_of(cpu).to_ne_bytes());
                }
            }
        }
        let fields = [
            ("threads_per_core", 1),
            ("cores_per_socket", facts.cores),
            ("sockets_per_node", sockets.max(1)),
            ("nr_cpus", facts.cpus),
            ("max_cpu_id", facts.cpus - 1),
            ("nr_nodes", facts.nodes),
            ("max_node_id", facts.nodes - 1),
            ("cpu_khz", facts.cpu_khz),
        ];
        for (field, value) in fields {
            page.put(field, value.into());
        }
        page.put("total_pages", facts.pages.0);
        page.put("free_pages", facts.pages.1);
        page.put("scrub_pages", 0);
        let capabilities = if self.since(4, 12) { HVM | PV } else { HVM };
        page.put("capabilities", capabilities);
        let words = if self.since(4, 7) {
            SETS.map(|at| FEATURES.get(at).copied().unwrap_or(0))
        } else {
            FEATURES
        };
        page.put_bytes("hw_cap", &words.map(u32::to_ne_bytes).concat());
        Ok(0)
    }

    /// Free memory of all nodes, which are node -1, or of one.
    pub(super) fn free(&self, page: &mut Page<'_>) -> Result<u64, Errno> {
        let facts = self.machine.facts();
        let pages = match page.get("node")? as u32 {
            u32::MAX => facts.pages.1,
            node => facts.share(node, facts.pages.1),
        };
        page.put("avail_bytes", pages * PAGE);
        Ok(0)
    }

    pub(super) fn idle(&self, page: &mut Page<'_>) -> Result<u64, Errno> {
        let times = self.machine.idle_times();
        let most = usize::try_from(page.get("max_cpus")?).unwrap_or(0);
        let layout = self.abi.structure("sysctl_cpuinfo").ok_or(Errno::ENOSYS)?;
        let size = usize::from(layout.size);
        let told = times.len().min(most);
        let buffer = page.follow("info")?;
        for (index, time) in times.iter().take(told).enumerate() {
            let one = buffer.get_mut(index * size..(index + 1) * size);
            if let Some(field) = layout.field("idletime") {
                let _ = field.put(one.ok_or(Errno::EFAULT)?, *time);
            }
        }
        page.put("nr_cpus", told as u64);
        Ok(0)
    }

    /// The topology up to 4.5: a list for each kind.
    pub(super) fn topology(&self, page: &mut Page<'_>) -> Result<u64, Errno> {
        let facts = self.machine.facts();
        let last = page.get("max_cpu_index")?;
        for (kind, name) in ["cpu_to_core", "cpu_to_socket", "cpu_to_node"]
            .into_iter()
            .enumerate()
        {
            let Ok(buffer) = page.follow(name) else {
                continue;
            };
            let cpus = (0..facts.cpus).filter(|cpu| u64::from(*cpu) <= last);
            for (cpu, word) in cpus.zip(buffer.chunks_exact_mut(4)) {
                let value = facts.place(cpu).get(kind).copied().unwrap_or_default();
                word.copy_from_slice(&value.to_ne_bytes());
            }
        }
        page.put("max_cpu_index", u64::from(facts.cpus - 1));
        Ok(0)
    }

    /// The topology from 4.6 on: a list of places. Without a list their number.
    pub(super) fn cpu_topology(&self, page: &mut Page<'_>) -> Result<u64, Errno> {
        let facts = self.machine.facts();
        let layout = self.abi.structure("sysctl_cputopo").ok_or(Errno::ENOSYS)?;
        let asked = page.get("num_cpus")? as u32;
        let mut told = facts.cpus;
        if let Ok(buffer) = page.follow("cputopo") {
            told = told.min(asked);
            for (cpu, one) in (0..told).zip(buffer.chunks_exact_mut(usize::from(layout.size))) {
                for (name, value) in ["core", "socket", "node"].iter().zip(facts.place(cpu)) {
                    if let Some(field) = layout.field(name) {
                        let _ = field.put(one, value.into());
                    }
                }
            }
        }
        page.put("num_cpus", told.into());
        Ok(0)
    }

    /// Memory of each node. Up to 4.5 two lists, from 4.6 on one of pairs.
    pub(super) fn numa(&self, page: &mut Page<'_>) -> Result<u64, Errno> {
        let facts = self.machine.facts();
        let share = |node, pages| facts.share(node, pages) * PAGE;
        let write = |buffer: &mut [u8], at: usize, step: usize, pages: u64| {
            for (node, one) in (0..facts.nodes).zip(buffer.chunks_exact_mut(step)) {
                if let Some(place) = one.get_mut(at..at + 8) {
                    place.copy_from_slice(&share(node, pages).to_ne_bytes());
                }
            }
        };
        let (all, free) = facts.pages;
        if let Ok(buffer) = page.follow("meminfo") {
            write(buffer, 0, 16, all);
            write(buffer, 8, 16, free);
        }
        for (name, pages) in [("node_to_memsize", all), ("node_to_memfree", free)] {
            if let Ok(buffer) = page.follow(name) {
                write(buffer, 0, 8, pages);
            }
        }
        page.put("num_nodes", facts.nodes.into());
        page.put("max_node_index", u64::from(facts.nodes - 1));
        Ok(0)
    }
}
