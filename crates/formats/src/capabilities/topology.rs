//! NUMA nodes of the machine, from how XenD tells them.
//!
//! XenD 3.1 to 4.0 says `node_to_cpu`, later ones print a table
//! (`cpu_topology`). The table's reader is the XenD client's; only the list of
//! ranges is read here, and nodes are put together from plain numbers.

use super::{HostCpu, NumaCell};

/// Most processors that a list may name; Xen's own limit is 4096.
const MAX_CPUS: u32 = 4096;

/// Reads XenD's `node_to_cpu`: lines or words like `node0:0-3,6`, `no cpus` for
/// an empty node. What is not of this form gives no cell.
#[must_use]
pub fn parse_node_to_cpu(text: &str) -> Vec<NumaCell> {
    let mut cells = Vec::new();
    for line in text.replace("no cpus", "").split_ascii_whitespace() {
        let Some((name, list)) = line.split_once(':') else {
            continue;
        };
        let Some(id) = name.strip_prefix("node").and_then(|n| n.parse().ok()) else {
            continue;
        };
        let Some(cpus) = parse_ranges(list) else {
            continue;
        };
        cells.push(NumaCell {
            id,
            memory: None,
            cpus: cpus
                .into_iter()
                .map(|id| HostCpu { id, place: None })
                .collect(),
        });
    }
    cells
}

fn parse_ranges(list: &str) -> Option<Vec<u32>> {
    let mut cpus = Vec::new();
    for part in list.split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        if last >= MAX_CPUS || cpus.len() > MAX_CPUS as usize {
            return None;
        }
        cpus.extend(first..=last);
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_xends_ranges() {
        let cells = parse_node_to_cpu("node0:0-1,4\n             node1:no cpus\nnode2:2");
        let numbers = |cell: &NumaCell| cell.cpus.iter().map(|c| c.id).collect::<Vec<_>>();
        assert_eq!(cells.len(), 3);
        assert_eq!(numbers(&cells[0]), [0, 1, 4]);
        assert_eq!(numbers(&cells[1]), Vec::<u32>::new());
        assert_eq!(numbers(&cells[2]), [2]);
        assert_eq!(parse_node_to_cpu("node0:0-4000000000 x:1 nodeA:2"), []);
    }
}
