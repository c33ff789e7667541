//! Virtual NUMA nodes: `vnuma = [ [ "pnode=0", "size=512", "vcpus=0-1", … ], … ]`.

use crate::config::Value;
use crate::convert::{Notes, excerpt};
use crate::keys::{Out, Settings};
use virtxen_guest::{CpuSet, MemoryKib, NumaCell, NumaDistance, Vcpus};

/// Distance of a node to itself and to another one that says nothing.
const LOCAL: u32 = 10;
const REMOTE: u32 = 20;

/// Most nodes that are read; distances grow with the square.
const NODES_MAX: usize = 256;

/// Reads all nodes; their vcpus are the guest's if it has fewer.
pub(super) fn read(file: &mut Settings<'_>, vcpus: &mut Vcpus, notes: &mut Notes) -> Vec<NumaCell> {
    let name = "vnuma";
    let at = file.at(name);
    let nodes = match file.value(name) {
        None => return Vec::new(),
        Some(Value::List(nodes)) => nodes,
        Some(other) => {
            let reason = format!("expected a list, found {}", other.kind());
            notes.essential_at(name, at, reason);
            return Vec::new();
        }
    };
    if nodes.len() > NODES_MAX {
        notes.essential_at(name, at, format!("only {NODES_MAX} nodes are read"));
    }
    let cells: Vec<_> = (0..)
        .zip(nodes.iter().take(NODES_MAX))
        .map(|(id, node)| read_node(id, node, at, notes))
        .collect();
    let highest = cells.iter().filter_map(|cell| cell.cpus.as_ref());
    let highest = highest.filter_map(|cpus| cpus.iter().last()).max();
    if let Some(highest) = highest.filter(|highest| *highest >= vcpus.max) {
        let reason = format!(
            "it has vcpu {highest}, but the guest has {} vcpus",
            vcpus.max
        );
        notes.essential_at(name, at, reason);
    }
    cells
}

fn read_node(id: u32, node: &Value, at: usize, notes: &mut Notes) -> NumaCell {
    let path = format!("vnuma[{}]", id + 1);
    let mut cell = NumaCell {
        id: Some(id),
        cpus: None,
        memory: MemoryKib(0),
        distances: Vec::new(),
        kept: virtxen_guest::Kept::default(),
    };
    for value in node.as_list().unwrap_or_default() {
        let text = value.to_text().unwrap_or_default();
        let (key, value) = text.split_once('=').unwrap_or((&text, ""));
        let (key, value) = (key.trim(), value.trim());
        let read = match key {
            // A document has no place for it: the node's number is taken.
            "pnode" => value.parse::<u32>().is_ok_and(|node| node == id),
            "size" => value.parse().is_ok_and(|mib| {
                cell.memory = MemoryKib::from_mib(mib);
                true
            }),
            "vcpus" => value.parse::<CpuSet>().is_ok_and(|cpus| {
                cell.cpus = Some(cpus);
                true
            }),
            "vdistances" => read_distances(value).is_some_and(|distances| {
                cell.distances = distances;
                true
            }),
            _ => false,
        };
        if !read {
            let reason = format!("'{}' is not understood", excerpt(value));
            notes.setting_at(format!("{path}/{}", excerpt(key)), at, reason);
        }
    }
    cell
}

fn read_distances(text: &str) -> Option<Vec<NumaDistance>> {
    let numbers = (0..).zip(text.split(',')).take(NODES_MAX);
    numbers
        .map(|(id, word)| {
            let value = word.trim().parse().ok()?;
            Some(NumaDistance { id, value })
        })
        .collect()
}

/// Writes all nodes.
pub(super) fn write(cells: &[NumaCell], out: &mut Out, notes: &mut Notes) {
    let ids: Vec<u32> = (0..)
        .zip(cells)
        .map(|(index, cell)| cell.id.unwrap_or(index))
        .collect();
    let mut nodes = Vec::new();
    for (index, cell) in cells.iter().enumerate() {
        let path = format!("/domain/cpu/numa/cell[{}]", index + 1);
        notes.kept(&path, &cell.kept, "xl does not know it");
        let size = cell.memory.to_mib_rounded_up();
        let mut words = vec![format!("pnode={index}"), format!("size={size}")];
        match &cell.cpus {
            Some(cpus) => words.push(format!("vcpus={cpus}")),
            None => notes.essential(path, "xl has no nodes without vcpus"),
        }
        let own = ids.get(index).copied().unwrap_or_default();
        let distances: Vec<_> = ids
            .iter()
            .zip(cells)
            .map(|(id, other)| distance(cell, own, other, *id).to_string())
            .collect();
        words.push(format!("vdistances={}", distances.join(",")));
        nodes.push(Value::List(words.into_iter().map(Value::Text).collect()));
    }
    if !nodes.is_empty() {
        out.value("vnuma", Value::List(nodes));
    }
}

/// The distance of two nodes; one that only the other says counts for both.
fn distance(from: &NumaCell, from_id: u32, to: &NumaCell, to_id: u32) -> u32 {
    let said = |cell: &NumaCell, id: u32| {
        let found = cell.distances.iter().find(|distance| distance.id == id);
        found.map(|distance| distance.value)
    };
    let usual = if from_id == to_id { LOCAL } else { REMOTE };
    said(from, to_id)
        .or_else(|| said(to, from_id))
        .unwrap_or(usual)
}
