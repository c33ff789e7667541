//! Calls about the machine: processors, memory, and devices that change their drivers.

use super::{Caller, wire};
use crate::error::Result;
use std::sync::Arc;
use virtxen_rpc::calls::{
    CPUMap, CPUMapArguments, CellsArguments, DetachArguments, NODE_CELLS_MAX, NodeInfo,
    SecurityModel,
};
use virtxen_rpc::xdr::{CharArray, List, Opaque};
use virtxen_rpc::{RemoteError, code, origin};

super::rows! {
    NodeGetInfo => info;
    NodeGetFreeMemory => async |caller, ()| Ok(caller.driver.free_memory().await?.total.0 << 10);
    NodeGetCellsFreeMemory => cells;
    NodeGetCPUMap => cpu_map;
    NodeGetSecurityModel => async |_, ()| Ok(SecurityModel::default());
    NodeDeviceDettach => async |caller, name: String| {
        Ok(caller.driver.detach_node_device(&name, None).await?)
    };
    NodeDeviceDetachFlags => detach;
    NodeDeviceReAttach => async |caller, name: String| {
        Ok(caller.driver.reattach_node_device(&name).await?)
    };
    NodeDeviceReset => async |caller, name: String| {
        Ok(caller.driver.reset_node_device(&name).await?)
    };
}

async fn info(caller: Arc<Caller>, (): ()) -> Result<NodeInfo> {
    let node = caller.driver.node_info().await?;
    let count = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    Ok(NodeInfo {
        model: CharArray(node.model),
        memory: node.memory.0,
        cpus: count(node.cpus),
        mhz: count(node.mhz),
        nodes: count(node.nodes),
        sockets: count(node.sockets),
        cores: count(node.cores),
        threads: count(node.threads),
    })
}

async fn cells(
    caller: Arc<Caller>,
    arguments: CellsArguments,
) -> Result<List<u64, NODE_CELLS_MAX>> {
    let free = caller.driver.free_memory().await?;
    let first = usize::try_from(arguments.start_cell).unwrap_or(usize::MAX);
    if first >= free.cells.len() {
        let message = format!(
            "internal error: start cell {} out of range (0-{})",
            arguments.start_cell,
            free.cells.len().saturating_sub(1)
        );
        return Err(RemoteError::new(code::INTERNAL_ERROR, origin::LIBXL, message).into());
    }
    let most = usize::try_from(arguments.maxcells).unwrap_or(0);
    let cells = free.cells.iter().skip(first).take(most.min(NODE_CELLS_MAX));
    Ok(List(cells.map(|memory| memory.0 << 10).collect()))
}

/// Xen uses all processors that it tells of.
async fn cpu_map(caller: Arc<Caller>, arguments: CPUMapArguments) -> Result<CPUMap> {
    wire::only("virNodeGetCPUMap", arguments.flags, 0)?;
    let cpus = caller.driver.node_info().await?.cpus;
    let map = match arguments.need_map {
        0 => Vec::new(),
        _ => {
            let length = usize::try_from(cpus.div_ceil(8)).unwrap_or(usize::MAX);
            wire::map(&(0..cpus).collect::<Vec<u32>>(), length)
        }
    };
    Ok(CPUMap {
        cpumap: Opaque(map),
        online: if arguments.need_online == 0 { 0 } else { cpus },
        ret: i32::try_from(cpus).unwrap_or(i32::MAX),
    })
}

async fn detach(caller: Arc<Caller>, arguments: DetachArguments) -> Result<()> {
    wire::only("virNodeDeviceDetachFlags", arguments.flags, 0)?;
    let driver = arguments.driver_name.as_deref();
    let detached = caller.driver.detach_node_device(&arguments.name, driver);
    Ok(detached.await?)
}
