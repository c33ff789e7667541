//! Calls about the daemon's host.

use crate::{Remote, wire};
use virtxen_driver::{
    CpuComparison, DomainQuery, FreeMemory, NodeCpuStats, NodeInfo, NodeMemoryStats, Operation,
    Result, pci_device_name,
};
use virtxen_guest::{MemoryKib, PciAddress};
use virtxen_host::{CpuTimes, ProcessorScope};
use virtxen_rpc::calls::{
    BASELINE_CPU_EXPAND_FEATURES, BASELINE_CPU_MIGRATABLE, BaselineArguments,
    COMPARE_CPU_FAIL_INCOMPATIBLE, CapabilitiesArguments, CellsArguments, ConnectBaselineCPU,
    ConnectCompareCPU, ConnectGetCPUModelNames, ConnectGetCapabilities,
    ConnectGetDomainCapabilities, ConnectGetHostname, DetachArguments, ModelNamesArguments,
    NODE_CELLS_MAX, NodeCPUStatsArguments, NodeDeviceDetachFlags, NodeDeviceReAttach,
    NodeDeviceReset, NodeGetCPUStats, NodeGetCellsFreeMemory, NodeGetFreeMemory, NodeGetInfo,
    NodeGetMemoryStats, NodeMemoryStatsArguments, NodeStats, XmlFlags,
};
use virtxen_rpc::xdr::List;

/// Most numbers of the host.
const NUMBERS: i32 = 16;
/// All processors or cells together.
const ALL: i32 = -1;

impl Remote {
    pub(crate) async fn node_info(&self) -> Result<NodeInfo> {
        let node = self.ask::<NodeGetInfo>(Operation::NodeInfo, ()).await?;
        let count = |number: i32| u32::try_from(number).unwrap_or(0);
        Ok(NodeInfo {
            model: node.model.0,
            memory: MemoryKib(node.memory),
            cpus: count(node.cpus),
            mhz: count(node.mhz),
            nodes: count(node.nodes),
            sockets: count(node.sockets),
            cores: count(node.cores),
            threads: count(node.threads),
        })
    }

    pub(crate) async fn capabilities(&self) -> Result<String> {
        self.ask::<ConnectGetCapabilities>(Operation::Capabilities, ())
            .await
    }

    pub(crate) async fn domain_capabilities(&self, query: &DomainQuery<'_>) -> Result<String> {
        let text = |word: Option<&str>| word.map(str::to_owned);
        let arguments = CapabilitiesArguments {
            emulatorbin: text(query.emulator),
            arch: text(query.arch),
            machine: text(query.machine),
            virttype: text(query.virt_type),
            flags: 0,
        };
        let operation = Operation::DomainCapabilities;
        self.ask::<ConnectGetDomainCapabilities>(operation, arguments)
            .await
    }

    pub(crate) async fn compare_cpu(&self, xml: &str, must_run: bool) -> Result<CpuComparison> {
        let arguments = XmlFlags {
            xml: xml.to_owned(),
            flags: wire::bits(&[(must_run, COMPARE_CPU_FAIL_INCOMPATIBLE)]),
        };
        let compared = self.ask::<ConnectCompareCPU>(Operation::CompareCpu, arguments);
        Ok(match compared.await? {
            1 => CpuComparison::Identical,
            2 => CpuComparison::Superset,
            _ => CpuComparison::Incompatible,
        })
    }

    pub(crate) async fn baseline_cpu(
        &self,
        xmls: &[String],
        expand: bool,
        migratable: bool,
    ) -> Result<String> {
        let arguments = BaselineArguments {
            xml_cpus: List(xmls.to_vec()),
            flags: wire::bits(&[
                (expand, BASELINE_CPU_EXPAND_FEATURES),
                (migratable, BASELINE_CPU_MIGRATABLE),
            ]),
        };
        self.ask::<ConnectBaselineCPU>(Operation::BaselineCpu, arguments)
            .await
    }

    pub(crate) async fn cpu_models(&self, arch: &str) -> Result<Vec<String>> {
        let arguments = ModelNamesArguments {
            arch: arch.to_owned(),
            need_results: 1,
            flags: 0,
        };
        let models = self.ask::<ConnectGetCPUModelNames>(Operation::CpuModels, arguments);
        Ok(models.await?.models.0)
    }

    pub(crate) async fn hostname(&self) -> Result<String> {
        self.ask::<ConnectGetHostname>(Operation::NodeInfo, ())
            .await
    }

    pub(crate) async fn free_memory(&self) -> Result<FreeMemory> {
        let operation = Operation::FreeMemory;
        let arguments = CellsArguments {
            start_cell: 0,
            maxcells: i32::try_from(NODE_CELLS_MAX).unwrap_or(i32::MAX),
        };
        let (total, cells) = tokio::try_join!(
            self.ask::<NodeGetFreeMemory>(operation, ()),
            self.ask::<NodeGetCellsFreeMemory>(operation, arguments),
        )?;
        let kib = |bytes: u64| MemoryKib(bytes >> 10);
        Ok(FreeMemory {
            total: kib(total),
            cells: cells.0.into_iter().map(kib).collect(),
        })
    }

    pub(crate) async fn detach_node_device(
        &self,
        device: &str,
        driver: Option<&str>,
    ) -> Result<()> {
        let arguments = DetachArguments {
            name: device_name(device),
            driver_name: driver.map(str::to_owned),
            flags: 0,
        };
        self.ask::<NodeDeviceDetachFlags>(Operation::DetachNodeDevice, arguments)
            .await
    }

    pub(crate) async fn reattach_node_device(&self, device: &str) -> Result<()> {
        let operation = Operation::ReattachNodeDevice;
        self.ask::<NodeDeviceReAttach>(operation, device_name(device))
            .await
    }

    pub(crate) async fn reset_node_device(&self, device: &str) -> Result<()> {
        let operation = Operation::ResetNodeDevice;
        self.ask::<NodeDeviceReset>(operation, device_name(device))
            .await
    }

    pub(crate) async fn node_cpu_stats(&self, cpu: Option<u32>) -> Result<NodeCpuStats> {
        let arguments = NodeCPUStatsArguments {
            cpu_num: number(cpu),
            nparams: NUMBERS,
            flags: 0,
        };
        let stats = self
            .ask::<NodeGetCPUStats>(Operation::NodeCpuStats, arguments)
            .await?;
        let find = |name: &str| value(&stats, name).map(wire::time);
        let iowait = find("iowait");
        Ok(NodeCpuStats {
            // Only a kernel knows what waits for a disk.
            scope: match iowait {
                Some(_) => ProcessorScope::Domain0,
                None => ProcessorScope::Machine,
            },
            times: CpuTimes {
                user: find("user"),
                system: find("kernel"),
                idle: find("idle"),
                iowait,
            },
        })
    }

    pub(crate) async fn node_memory_stats(&self, cell: Option<u32>) -> Result<NodeMemoryStats> {
        let arguments = NodeMemoryStatsArguments {
            nparams: NUMBERS,
            cell_num: number(cell),
            flags: 0,
        };
        let stats = self
            .ask::<NodeGetMemoryStats>(Operation::NodeMemoryStats, arguments)
            .await?;
        let find = |name: &str| value(&stats, name).map(MemoryKib);
        Ok(NodeMemoryStats {
            total: find("total"),
            free: find("free").unwrap_or(MemoryKib(0)),
            buffers: find("buffers"),
            cached: find("cached"),
        })
    }
}

/// A PCI device by libvirt's name, whose daemons know no other.
fn device_name(device: &str) -> String {
    let address = device.parse::<PciAddress>();
    address.map_or_else(|_| device.to_owned(), pci_device_name)
}

fn number(one: Option<u32>) -> i32 {
    one.map_or(ALL, |one| i32::try_from(one).unwrap_or(i32::MAX))
}

fn value(stats: &NodeStats, name: &str) -> Option<u64> {
    let found = stats.params.0.iter().find(|stat| stat.field == name)?;
    Some(found.value)
}
