//! Virtual processors.
//! Counts, pinning, tuning, and the model that a guest is to see.

use super::reader::{Reader, Seen, key, tag};
use crate::words::Word;
use crate::{
    Cpu, CpuFeature, CpuModel, CpuTopology, CpuTune, FeaturePolicy, NumaCell, NumaDistance,
    VcpuPin, Vcpus,
};
use roxmltree::Node;

/// What a set of processors looks like, for messages.
const SET: &str = "numbers and ranges like 0-3,^2,5";

/// Reads `<vcpu>`.
pub(super) fn vcpus(node: Node<'_, '_>, vcpus: &mut Vcpus, reader: &mut Reader<'_>) {
    for attribute in node.attributes() {
        match key(&attribute) {
            "placement" => {
                if let Some(placement) = reader.word(node, &attribute) {
                    vcpus.placement = placement;
                }
            }
            "cpuset" => vcpus.cpuset = reader.value(node, &attribute, SET),
            "current" => vcpus.current = reader.number(node, &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    if let Some(max) = reader.text_number(node) {
        vcpus.max = max;
    }
}

/// Reads `<cputune>`.
pub(super) fn tune(node: Node<'_, '_>, reader: &mut Reader<'_>) -> CpuTune {
    let mut tune = CpuTune::default();
    reader.no_attributes(node);
    for child in reader.elements(node) {
        match tag(&child) {
            "shares" => tune.shares = reader.text_number(child),
            "vcpupin" => tune.vcpu_pins.extend(pin(child, reader)),
            "vcpusoftpin" => tune.soft_pins.extend(pin(child, reader)),
            "period" | "quota" | "global_period" | "global_quota" | "emulator_period"
            | "emulator_quota" | "iothread_period" | "iothread_quota" | "emulatorpin"
            | "iothreadpin" | "vcpusched" | "iothreadsched" | "emulatorsched" | "cachetune"
            | "memorytune" => reader.keep_element(&mut tune.kept, "", child),
            _ => reader.unknown_element(child),
        }
    }
    tune
}

fn pin(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<VcpuPin> {
    let (mut vcpu, mut cpus) = (None, None);
    for attribute in node.attributes() {
        match key(&attribute) {
            "vcpu" => vcpu = reader.number(node, &attribute),
            "cpuset" => cpus = reader.value(node, &attribute, SET),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
    if vcpu.is_none() || cpus.is_none() {
        reader.missing(node, "attributes 'vcpu' and 'cpuset'");
    }
    Some(VcpuPin {
        vcpu: vcpu?,
        cpus: cpus?,
    })
}

/// Reads `<cpu>`.
pub(super) fn cpu(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Cpu {
    let mut cpu = Cpu::default();
    for attribute in node.attributes() {
        match key(&attribute) {
            "mode" => cpu.mode = reader.word(node, &attribute),
            "match" | "check" | "migratable" | "deprecated_features" => {
                Reader::keep_attribute(&mut cpu.kept, "", &attribute);
            }
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    let mut seen = Seen::default();
    for child in reader.elements(node) {
        if tag(&child) != "feature" && !reader.first(&mut seen, child) {
            continue;
        }
        match tag(&child) {
            "model" => cpu.model = Some(model(child, reader)),
            "vendor" => cpu.vendor = Some(reader.text(child)),
            "topology" => cpu.topology = topology(child, reader),
            "feature" => cpu.features.extend(feature(child, reader)),
            "numa" => numa(child, &mut cpu, reader),
            "arch" | "cache" | "maxphysaddr" => reader.keep_element(&mut cpu.kept, "", child),
            _ => reader.unknown_element(child),
        }
    }
    cpu
}

fn model(node: Node<'_, '_>, reader: &mut Reader<'_>) -> CpuModel {
    let mut model = CpuModel::default();
    for attribute in node.attributes() {
        match key(&attribute) {
            "fallback" => model.fallback = reader.word(node, &attribute),
            "vendor_id" => model.vendor_id = Some(attribute.value().to_owned()),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.content(node).trim().clone_into(&mut model.name);
    model
}

fn topology(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<CpuTopology> {
    let (mut sockets, mut cores, mut threads) = (None, None, None);
    let (mut dies, mut clusters) = (None, None);
    for attribute in node.attributes() {
        let part = match key(&attribute) {
            "sockets" => &mut sockets,
            "dies" => &mut dies,
            "clusters" => &mut clusters,
            "cores" => &mut cores,
            "threads" => &mut threads,
            _ => {
                reader.unknown_attribute(node, &attribute);
                continue;
            }
        };
        *part = reader.number(node, &attribute);
    }
    reader.no_children(node);
    if sockets.is_none() || cores.is_none() || threads.is_none() {
        reader.missing(node, "attributes 'sockets', 'cores' and 'threads'");
    }
    Some(CpuTopology {
        sockets: sockets?,
        dies,
        clusters,
        cores: cores?,
        threads: threads?,
    })
}

fn feature(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<CpuFeature> {
    let (mut name, mut policy) = (None, None);
    for attribute in node.attributes() {
        match key(&attribute) {
            "name" => name = Some(attribute.value().to_owned()),
            "policy" => {
                policy = FeaturePolicy::from_word(attribute.value());
                if policy.is_none() {
                    reader.bad_attribute(node, &attribute, FeaturePolicy::WORDS.join(", "));
                }
            }
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
    if name.is_none() {
        reader.missing(node, "attribute 'name'");
    }
    Some(CpuFeature {
        name: name?,
        policy,
    })
}

fn numa(node: Node<'_, '_>, cpu: &mut Cpu, reader: &mut Reader<'_>) {
    reader.no_attributes(node);
    for child in reader.elements(node) {
        match tag(&child) {
            "cell" => cpu.numa.extend(cell(child, reader)),
            "interconnects" => reader.keep_element(&mut cpu.kept, "numa", child),
            _ => reader.unknown_element(child),
        }
    }
}

fn cell(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<NumaCell> {
    let mut cell = NumaCell {
        id: None,
        cpus: None,
        memory: crate::MemoryKib(0),
        distances: Vec::new(),
        kept: crate::Kept::default(),
    };
    for attribute in node.attributes() {
        match key(&attribute) {
            "id" => cell.id = reader.number(node, &attribute),
            "cpus" => cell.cpus = reader.value(node, &attribute, SET),
            "memory" | "unit" => {}
            "memAccess" | "discard" => Reader::keep_attribute(&mut cell.kept, "", &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    let Some(amount) = node.attribute("memory") else {
        reader.missing(node, "attribute 'memory'");
        return None;
    };
    cell.memory = reader
        .memory(node, amount, node.attribute("unit"))
        .unwrap_or_default();
    for child in reader.elements(node) {
        match tag(&child) {
            "distances" => {
                reader.no_attributes(child);
                for sibling in reader.elements(child) {
                    cell.distances.extend(distance(sibling, reader));
                }
            }
            "cache" => reader.keep_element(&mut cell.kept, "", child),
            _ => reader.unknown_element(child),
        }
    }
    Some(cell)
}

fn distance(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<NumaDistance> {
    if tag(&node) != "sibling" {
        reader.unknown_element(node);
        return None;
    }
    let (mut id, mut value) = (None, None);
    for attribute in node.attributes() {
        match key(&attribute) {
            "id" => id = reader.number(node, &attribute),
            "value" => {
                value = reader.number(node, &attribute);
                if value.is_some_and(|value| !(10..=255).contains(&value)) {
                    reader.bad_attribute(node, &attribute, "10 to 255");
                }
            }
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
    if id.is_none() || value.is_none() {
        reader.missing(node, "attributes 'id' and 'value'");
    }
    Some(NumaDistance {
        id: id?,
        value: value?,
    })
}
