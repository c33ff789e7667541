//! The machine, and which way each kind of operation goes.

use super::XendHost;
use crate::{Finding, Node, NodeTopology, Result, RouteReport, XenVersion, routes};
use std::collections::BTreeMap;
use virtxen_guest::MemoryKib;

pub(super) fn version(node: &virtxen_xend::Node) -> XenVersion {
    XenVersion {
        major: node.xen_major,
        minor: node.xen_minor,
        extra: node.xen_extra.clone(),
    }
}

impl XendHost {
    pub(super) async fn read_node(&self) -> Result<Node> {
        let node = self.client.node().await;
        let node = node.map_err(|error| self.failed("", error))?;
        Ok(Node {
            version: version(&node),
            host_name: node.host,
            system: node.system,
            kernel: node.release,
            machine: node.machine,
            topology: NodeTopology {
                cpus: node.cpus,
                nodes: node.nodes,
                sockets_per_node: node.sockets_per_node,
                cores_per_socket: node.cores_per_socket,
                threads_per_core: node.threads_per_core,
                node_cpus: node.node_cpus,
                places: BTreeMap::new(),
            },
            cpu_mhz: node.cpu_mhz,
            hw_caps: node.hw_caps,
            has_iommu: None,
            memory: MemoryKib::from_mib(node.total_memory),
            free_memory: MemoryKib::from_mib(node.free_memory),
            memory_by_node: Vec::new(),
            free_by_node: node
                .node_free_memory
                .into_iter()
                .map(MemoryKib::from_mib)
                .collect(),
            guest_types: node.xen_caps,
            scheduler: node.xen_scheduler,
        })
    }

    pub(super) fn report_routes(&self) -> Vec<RouteReport> {
        let name = format!("XenD at {}", self.client.address());
        let keeps_inactive = self.client.habits().inactive;
        routes::through_xend(&name, keeps_inactive, self.facts.is_some())
    }

    pub(super) fn report_channels(&self) -> Vec<Finding> {
        vec![Finding {
            channel: "XenD",
            place: self.client.address(),
            found: true,
            note: self.release_name(),
        }]
    }
}
