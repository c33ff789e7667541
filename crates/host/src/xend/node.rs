//! The machine, and which way each kind of operation goes.

use super::XendHost;
use crate::{Node, NodeTopology, Result, RouteReport, XenVersion};
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
            },
            cpu_mhz: node.cpu_mhz,
            hw_caps: node.hw_caps,
            memory: MemoryKib::from_mib(node.total_memory),
            free_memory: MemoryKib::from_mib(node.free_memory),
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
        let xend = format!("XenD at {}", self.client.address());
        let served = |operation, note: &str| RouteReport {
            operation,
            channel: Some(xend.clone()),
            note: note.to_owned(),
        };
        let monitoring = "cheaper ways, hypercalls and XenStore, are not built yet";
        let beside = |operation| RouteReport {
            operation,
            channel: self.lookup.as_ref().map(|_| "XenStore".to_owned()),
            note: "XenD does not tell it; XenStore is looked in on the host itself".to_owned(),
        };
        let inactive = if self.client.habits().inactive {
            served("inactive guests", "XenD keeps them")
        } else {
            RouteReport {
                operation: "inactive guests",
                channel: None,
                note: format!(
                    "{} keeps none; the XM file channel is not built yet",
                    self.release_name()
                ),
            }
        };
        vec![
            served("monitoring", monitoring),
            served("life cycle", "the only way on this release"),
            inactive,
            served("devices", "the only way on this release"),
            served("save and migration", "the only way on this release"),
            beside("consoles"),
        ]
    }
}
