//! Statistics of the machine: processor time and memory.
//!
//! Whose processors they are depends on the host: see [`ProcessorScope`].

use crate::{Driver, Error, Operation, Result};
use virtxen_guest::MemoryKib;
use virtxen_host::{CpuTimes, MemoryPart, ProcessorScope};

/// Processor time, `virNodeGetCPUStats`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeCpuStats {
    /// Whose processors were looked at.
    pub scope: ProcessorScope,
    /// How the time was spent.
    pub times: CpuTimes,
}

/// Memory of the machine or of a NUMA node, `virNodeGetMemoryStats`. What is not
/// known is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeMemoryStats {
    /// In all.
    pub total: Option<MemoryKib>,
    /// What no domain has.
    pub free: MemoryKib,
    /// What Domain-0's kernel has in buffers; of the whole machine only.
    pub buffers: Option<MemoryKib>,
    /// What Domain-0's kernel keeps of files; of the whole machine only.
    pub cached: Option<MemoryKib>,
}

impl NodeCpuStats {
    /// libvirt's names and nanoseconds of what is known.
    #[must_use]
    pub fn parameters(&self) -> Vec<(&'static str, u64)> {
        let times = &self.times;
        let all = [
            ("kernel", times.system),
            ("user", times.user),
            ("idle", times.idle),
            ("iowait", times.iowait),
        ];
        let nanoseconds = |time: std::time::Duration| u64::try_from(time.as_nanos());
        all.into_iter()
            .filter_map(|(name, time)| Some((name, nanoseconds(time?).unwrap_or(u64::MAX))))
            .collect()
    }
}

impl NodeMemoryStats {
    /// libvirt's names and KiB of what is known.
    #[must_use]
    pub fn parameters(&self) -> Vec<(&'static str, u64)> {
        let all = [
            ("total", self.total),
            ("free", Some(self.free)),
            ("buffers", self.buffers),
            ("cached", self.cached),
        ];
        let known = |(name, size): (_, Option<MemoryKib>)| Some((name, size?.0));
        all.into_iter().filter_map(known).collect()
    }
}

impl Driver {
    /// How the time of a processor, or of all, was spent since the start.
    ///
    /// # Errors
    /// There is no such processor; the host cannot tell.
    pub async fn node_cpu_stats(&self, cpu: Option<u32>) -> Result<NodeCpuStats> {
        let operation = Operation::NodeCpuStats;
        self.check(operation, None)?;
        let answer = self.inner.host.processor_times();
        let all = self.read(operation, "the host", answer).await?;
        let times = match cpu {
            None => all.total,
            Some(cpu) => {
                *element(&all.cpus, cpu).ok_or_else(|| missing("processor", cpu, all.cpus.len()))?
            }
        };
        Ok(NodeCpuStats {
            scope: all.scope,
            times,
        })
    }

    /// Memory of a NUMA node or of the machine.
    ///
    /// # Errors
    /// There is no such node; the host cannot tell.
    pub async fn node_memory_stats(&self, cell: Option<u32>) -> Result<NodeMemoryStats> {
        let operation = Operation::NodeMemoryStats;
        self.check(operation, None)?;
        let answer = self.inner.host.node_memory();
        let all = self.read(operation, "the host", answer).await?;
        let of = |part: MemoryPart| NodeMemoryStats {
            total: part.total,
            free: part.free,
            ..NodeMemoryStats::default()
        };
        match cell {
            None => Ok(NodeMemoryStats {
                buffers: all.buffers,
                cached: all.cached,
                ..of(all.all)
            }),
            // The only node has all.
            Some(0) if all.cells.len() <= 1 => Ok(of(all.all)),
            Some(cell) => element(&all.cells, cell)
                .map(|part| of(*part))
                .ok_or_else(|| missing("NUMA node", cell, all.cells.len())),
        }
    }
}

fn element<T>(all: &[T], number: u32) -> Option<&T> {
    usize::try_from(number).ok().and_then(|at| all.get(at))
}

fn missing(what: &str, number: u32, count: usize) -> Error {
    Error::Argument(format!("there is no {what} {number}: the host has {count}"))
}
