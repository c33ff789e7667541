//! The machine: node info, free memory, versions, names.
//!
//! libvirt's numbers from Xen's. How a capabilities document looks is the business
//! of `virtxen_formats`.

use crate::{Driver, Error, Operation, Result};
use virtxen_formats::capabilities::{
    Arch, Capabilities, CpuFlags, CpuPlace, DomainQuery, HostCpu, HostCpuModel, HostFacts, NumaCell,
};
use virtxen_guest::MemoryKib;
use virtxen_host::{Node, XenVersion};

/// The first release that has no XenD.
const NO_XEND: (u32, u32) = (4, 5);

/// libvirt's `virNodeInfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInfo {
    /// Processor model: the machine as `uname -m` says it.
    pub model: String,
    /// Memory.
    pub memory: MemoryKib,
    /// Logical processors.
    pub cpus: u32,
    /// Clock in MHz.
    pub mhz: u32,
    /// NUMA nodes.
    pub nodes: u32,
    /// Sockets of a NUMA node.
    pub sockets: u32,
    /// Cores of a socket.
    pub cores: u32,
    /// Threads of a core.
    pub threads: u32,
}

/// Free memory of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreeMemory {
    /// Of the whole machine.
    pub total: MemoryKib,
    /// Of each NUMA node.
    pub cells: Vec<MemoryKib>,
}

impl Driver {
    /// The machine in libvirt's numbers.
    ///
    /// # Errors
    /// When the host cannot be asked.
    pub async fn node_info(&self) -> Result<NodeInfo> {
        let node = self.node(Operation::NodeInfo).await?;
        // Every number is at least one: clients multiply and divide with them.
        let topology = &node.topology;
        let nodes = topology.nodes.max(1);
        let threads = topology.threads_per_core.max(1);
        let cores = topology.cores_per_socket.max(1);
        Ok(NodeInfo {
            memory: node.memory,
            cpus: topology.cpus,
            mhz: node.cpu_mhz,
            nodes,
            sockets: topology.sockets_per_node.max(1),
            cores,
            threads,
            model: node.machine,
        })
    }

    /// What the host can run, as libvirt's `<capabilities>` document.
    ///
    /// # Errors
    /// When the host cannot be asked, or is of an architecture that Xen never ran on.
    pub async fn capabilities(&self) -> Result<String> {
        let found = self.can_run(Operation::Capabilities).await?;
        Ok(found.format())
    }

    /// What guests of one kind can be made of, as libvirt's `<domainCapabilities>`
    /// document.
    ///
    /// # Errors
    /// When the host cannot be asked, or has no such guests.
    pub async fn domain_capabilities(&self, query: &DomainQuery<'_>) -> Result<String> {
        let found = self.can_run(Operation::DomainCapabilities).await?;
        let guests = found.of_guests(query);
        guests.map_or_else(
            |error| Err(Error::Argument(error.to_string())),
            |it| Ok(it.format()),
        )
    }

    /// Most vcpus of the guests that the host makes unless it is told which.
    ///
    /// # Errors
    /// When the host cannot be asked, or makes none on such a hypervisor.
    pub async fn max_vcpus(&self, virt_type: Option<&str>) -> Result<u32> {
        let query = DomainQuery {
            virt_type,
            ..DomainQuery::default()
        };
        let guests = self
            .can_run(Operation::Capabilities)
            .await?
            .of_guests(&query);
        guests.map_or_else(
            |error| Err(Error::Argument(error.to_string())),
            |it| Ok(it.max_vcpus),
        )
    }

    async fn can_run(&self, operation: Operation) -> Result<Capabilities> {
        let node = self.node(operation).await?;
        let arch = Arch::from_name(&node.machine).ok_or_else(|| {
            Error::Config(format!(
                "the host's machine '{}' is not known to run Xen",
                node.machine
            ))
        })?;
        let topology = &node.topology;
        let release = (node.version.major, node.version.minor);
        let facts = HostFacts {
            guest_types: &node.guest_types.join(" "),
            cpu: CpuFlags::from_hw_caps(&node.hw_caps, release),
            arch,
            xen_version: Some(release),
            uuid: None,
            migration_transports: if release >= NO_XEND {
                &[]
            } else {
                &["xenmigr"]
            },
            cells: cells(&node),
        };
        let mut found = Capabilities::of_host(facts);
        let (cores, threads) = (topology.cores_per_socket, topology.threads_per_core);
        let model = self.inner.cpu_model(&node).await;
        found.host.cpu_model = model.map(|description| HostCpuModel {
            description,
            sockets: topology.cpus / cores.saturating_mul(threads).max(1),
            cores,
            threads,
        });
        // libvirt's driver for XenD never told it.
        found.host.has_iommu = node.has_iommu.filter(|_| release >= NO_XEND);
        Ok(found)
    }

    /// Memory that no domain has. A host that does not tell it for each NUMA node
    /// and has one of them gives the total for that one.
    ///
    /// # Errors
    /// When the host cannot be asked.
    pub async fn free_memory(&self) -> Result<FreeMemory> {
        let node = self.node(Operation::FreeMemory).await?;
        let mut cells = node.free_by_node;
        if cells.is_empty() && node.topology.nodes <= 1 {
            cells.push(node.free_memory);
        }
        Ok(FreeMemory {
            total: node.free_memory,
            cells,
        })
    }

    /// The host's name.
    ///
    /// # Errors
    /// When the host cannot be asked.
    pub async fn hostname(&self) -> Result<String> {
        self.check(Operation::NodeInfo, None)?;
        match self.inner.host.host_name() {
            Some(name) => Ok(name),
            None => Ok(self.node(Operation::NodeInfo).await?.host_name),
        }
    }

    /// The hypervisor's version.
    #[must_use]
    pub fn version(&self) -> XenVersion {
        self.inner.host.version()
    }

    /// The hypervisor's version as libvirt's number: 4001000 is 4.1.
    #[must_use]
    pub fn version_number(&self) -> u64 {
        let version = self.version();
        u64::from(version.major) * 1_000_000 + u64::from(version.minor) * 1_000
    }

    /// Whether the host exists in memory only.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.inner.host.is_simulated()
    }

    pub(crate) async fn node(&self, operation: Operation) -> Result<Node> {
        self.check(operation, None)?;
        self.read(operation, "the host", self.inner.host.node())
            .await
    }
}

/// NUMA nodes as far as the host tells: which processors they have.
fn cells(node: &Node) -> Vec<NumaCell> {
    let cell = |(id, cpus): (usize, &Vec<u32>)| NumaCell {
        id: u32::try_from(id).unwrap_or(u32::MAX),
        memory: node.memory_by_node.get(id).copied(),
        cpus: cpus
            .iter()
            .map(|id| HostCpu {
                id: *id,
                place: place(node, cpus, *id),
            })
            .collect(),
    };
    node.topology
        .node_cpus
        .iter()
        .enumerate()
        .map(cell)
        .collect()
}

/// Where a processor of a NUMA node sits, and which others share its core.
fn place(node: &Node, cpus: &[u32], id: u32) -> Option<CpuPlace> {
    let places = &node.topology.places;
    let place = places.get(&id)?;
    let siblings = cpus.iter().filter(|it| places.get(it) == Some(place));
    Some(CpuPlace {
        socket: place.socket,
        core: place.core,
        siblings: siblings.copied().collect(),
    })
}
