//! Calls about the host: its memory, processors and devices that are passed to
//! guests. Descriptions of devices are in `node_device`.

use super::table::procedures;
use crate::typed_param::TypedParam;
use crate::xdr::{ByteChars, CharArray, List, Opaque, record};

/// Most NUMA cells.
pub const NODE_CELLS_MAX: usize = 1024;
/// Most bytes of a map of processors.
pub const CPUMAP_MAX: usize = 2048;

record! {
    /// `virNodeInfo`.
    NodeInfo {
        model: CharArray<32>,
        /// KiB.
        memory: u64,
        cpus: i32,
        mhz: i32,
        nodes: i32,
        sockets: i32,
        cores: i32,
        threads: i32,
    }
    /// Arguments of `virNodeGetCPUStats`.
    NodeCPUStatsArguments { cpu_num: i32, nparams: i32, flags: u32 }
    /// Arguments of `virNodeGetMemoryStats`.
    NodeMemoryStatsArguments { nparams: i32, cell_num: i32, flags: u32 }
    /// A named number.
    NodeStat { field: String, value: u64 }
    /// Named numbers, or only how many there are.
    NodeStats { params: List<NodeStat, 16>, nparams: i32 }
    /// Arguments of `virNodeGetCellsFreeMemory`.
    CellsArguments { start_cell: i32, maxcells: i32 }
    /// `virSecurityModel`.
    SecurityModel { model: ByteChars<257>, doi: ByteChars<257> }
    /// Arguments of `virNodeSuspendForDuration`.
    NodeSuspendArguments {
        target: u32,
        /// Seconds.
        duration: u64,
        flags: u32,
    }
    /// Arguments of `virNodeSetMemoryParameters`.
    NodeSetParams { params: List<TypedParam, 64>, flags: u32 }
    /// Arguments of `virNodeGetMemoryParameters`.
    NodeParams { nparams: i32, flags: u32 }
    /// Parameters, or only how many there are.
    NodeParamsReply { params: List<TypedParam, 64>, nparams: i32 }
    /// Arguments of `virNodeGetCPUMap`.
    CPUMapArguments { need_map: i32, need_online: i32, flags: u32 }
    /// Processors of the host: a bit for each that works, their number, and how many
    /// there could be.
    CPUMap { cpumap: Opaque<CPUMAP_MAX>, online: u32, ret: i32 }
    /// Arguments of `virNodeGetFreePages`.
    FreePagesArguments {
        /// KiB.
        pages: List<u32, NODE_CELLS_MAX>,
        start_cell: i32,
        cell_count: u32,
        flags: u32,
    }
    /// Arguments of `virNodeDeviceDetachFlags`.
    DetachArguments { name: String, driver_name: Option<String>, flags: u32 }
}

procedures! { ROWS: Connect {
      6 HIGH NodeGetInfo READS [Connect: Read] (()) -> NodeInfo;
    101 HIGH NodeGetCellsFreeMemory READS [Connect: Read]
        (CellsArguments) -> List<u64, NODE_CELLS_MAX>;
    102 HIGH NodeGetFreeMemory READS [Connect: Read] (()) -> u64;
    118 LOW  NodeDeviceDettach WRITES [NodeDevice: Detach] (String) -> ();
    119 LOW  NodeDeviceReAttach WRITES [NodeDevice: Detach] (String) -> ();
    120 LOW  NodeDeviceReset WRITES [NodeDevice: Detach] (String) -> ();
    122 HIGH NodeGetSecurityModel READS [Connect: Read] (()) -> SecurityModel;
    227 HIGH NodeGetCPUStats READS [Connect: Read] (NodeCPUStatsArguments) -> NodeStats;
    228 HIGH NodeGetMemoryStats READS [Connect: Read] (NodeMemoryStatsArguments) -> NodeStats;
    250 LOW  NodeSuspendForDuration WRITES [Connect: PmControl] (NodeSuspendArguments) -> ();
    288 LOW  NodeSetMemoryParameters WRITES [Connect: Write] (NodeSetParams) -> ();
    289 LOW  NodeGetMemoryParameters READS [Connect: Read] (NodeParams) -> NodeParamsReply;
    293 LOW  NodeGetCPUMap READS [Connect: Read] (CPUMapArguments) -> CPUMap;
    301 LOW  NodeDeviceDetachFlags WRITES [NodeDevice: Detach] (DetachArguments) -> ();
    340 HIGH NodeGetFreePages READS [Connect: Read]
        (FreePagesArguments) -> List<u64, NODE_CELLS_MAX>;
    347 LOW  NodeAllocPages WRITES [Connect: Write];
    395 LOW  NodeGetSEVInfo WRITES [Connect: Read];
} }
