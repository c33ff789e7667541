//! Virtual NUMA nodes: `vnuma_nodes`.

use super::section::Section;
use super::write::Writer;
use crate::convert::Notes;
use serde_json::Value;
use virtxen_guest::{CpuSet, MemoryKib, NumaCell, NumaDistance};

/// Distance of a node to itself and to another one that says nothing.
const LOCAL: u32 = 10;
const REMOTE: u32 = 20;

/// Most nodes; distances grow with the square.
const NODES_MAX: usize = 256;

const PATH: &str = "/domain/cpu/numa";

/// Writes the nodes.
pub(super) fn write(writer: &mut Writer<'_>) {
    let cells = writer.guest.cpu.as_ref().map_or(&[][..], |cpu| &cpu.numa);
    if cells.is_empty() {
        return;
    }
    if cells.len() > NODES_MAX {
        let reason = format!("no more than {NODES_MAX} nodes are written");
        writer.notes.essential(PATH, reason);
    }
    let cells = cells.get(..NODES_MAX).unwrap_or(cells);
    let ids: Vec<u32> = (0..)
        .zip(cells)
        .map(|(index, cell)| cell.id.unwrap_or(index))
        .collect();
    let count = u32::try_from(cells.len()).unwrap_or(u32::MAX);
    let fits = writer.target.nodes.is_none_or(|nodes| count <= nodes);
    if !fits {
        let reason = "the host has fewer nodes, all memory comes from the first";
        writer.notes.setting(PATH, reason);
    }
    let mut nodes = Vec::new();
    for (index, cell) in (0_u32..).zip(cells) {
        let path = format!("{PATH}/cell[{}]", index + 1);
        let notes = &mut writer.notes;
        notes.kept(&path, &cell.kept, "libxl does not know it");
        if cell.cpus.is_none() {
            notes.essential(path.clone(), "libxl has no nodes without vcpus");
        }
        let mut node = super::write::Out::new("vnode_info", writer.target.release);
        // Of a release without nodes the whole list is noted below.
        let mut set = |key: &str, value: Value| {
            if node.has(key) {
                node.set(key, value);
            }
        };
        set("memkb", cell.memory.0.into());
        let own = ids.get(index as usize).copied().unwrap_or_default();
        let distance = |other: &u32| {
            let said = cell.distances.iter().find(|it| it.id == *other);
            let usual = if *other == own { LOCAL } else { REMOTE };
            said.map_or(usual, |it| it.value)
        };
        let distances: Vec<u32> = ids.iter().map(distance).collect();
        set("distances", distances.into());
        set("pnode", if fits { index } else { 0 }.into());
        let vcpus: Vec<u32> = cell.cpus.iter().flat_map(CpuSet::iter).collect();
        set("vcpus", vcpus.into());
        nodes.push(node.into_value());
    }
    let (build, notes) = (&mut writer.build, &mut writer.notes);
    build.need("vnuma_nodes", nodes, PATH, notes);
}

/// Reads the nodes.
pub(super) fn read(build: &mut Section<'_>, notes: &mut Notes) -> Vec<NumaCell> {
    let nodes = build.list("vnuma_nodes", notes);
    if nodes.len() > NODES_MAX {
        let reason = format!("only {NODES_MAX} nodes are read");
        notes.essential(build.place("vnuma_nodes"), reason);
    }
    (0..)
        .zip(nodes.into_iter().take(NODES_MAX))
        .map(|(id, node)| read_node(id, node, notes))
        .collect()
}

fn read_node(id: u32, mut node: Section<'_>, notes: &mut Notes) -> NumaCell {
    let memory = node.count("memkb", notes).map(MemoryKib);
    let pnode = node.count("pnode", notes).unwrap_or(0_u32);
    if !matches!(pnode, 0) && pnode != id {
        let reason = "a document has no place for it, the node's number is taken";
        notes.setting(node.place("pnode"), reason);
    }
    let cpus: CpuSet = node.bits("vcpus", notes).into_iter().collect();
    let distances = (0..).zip(node.bits("distances", notes));
    let cell = NumaCell {
        id: Some(id),
        cpus: Some(cpus).filter(|cpus| !cpus.is_empty()),
        memory: memory.unwrap_or_default(),
        distances: distances
            .map(|(id, value)| NumaDistance { id, value })
            .take(NODES_MAX)
            .collect(),
        kept: virtxen_guest::Kept::default(),
    };
    node.finish(notes);
    cell
}
