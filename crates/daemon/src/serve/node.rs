//! Calls about the machine: processors and memory.

use super::Caller;
use crate::error::Result;
use std::sync::Arc;
use virtxen_rpc::calls::{CellsArguments, NODE_CELLS_MAX, NodeInfo};
use virtxen_rpc::xdr::{CharArray, List};

super::rows! {
    NodeGetInfo => info;
    NodeGetFreeMemory => async |caller, ()| Ok(caller.driver.free_memory().await?.total.0 << 10);
    NodeGetCellsFreeMemory => cells;
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
    let most = usize::try_from(arguments.maxcells).unwrap_or(0);
    let cells = free.cells.iter().skip(first).take(most.min(NODE_CELLS_MAX));
    Ok(List(cells.map(|memory| memory.0 << 10).collect()))
}
