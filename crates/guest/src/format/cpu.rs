//! Virtual processors.
//!
//! Sets of processors are written as ranges, without exclusions.

use super::writer::Writer;
use crate::{Cpu, CpuTune, NumaCell, Vcpus};

/// Writes `<vcpu>`.
pub(super) fn vcpus(vcpus: &Vcpus, writer: &mut Writer) {
    writer.open("vcpu");
    writer.attribute("placement", vcpus.placement.as_str());
    writer.some_shown("cpuset", vcpus.cpuset.as_ref());
    writer.some_shown("current", vcpus.current);
    writer.close_text("vcpu", &vcpus.max.to_string());
}

/// Writes `<cputune>`, if anything is said.
pub(super) fn tune(tune: &CpuTune, writer: &mut Writer) {
    if *tune == CpuTune::default() {
        return;
    }
    writer.open("cputune");
    if let Some(shares) = tune.shares {
        writer.open("shares");
        writer.close_text("shares", &shares.to_string());
    }
    for (name, pins) in [
        ("vcpupin", &tune.vcpu_pins),
        ("vcpusoftpin", &tune.soft_pins),
    ] {
        for pin in pins {
            writer.open(name);
            writer.shown("vcpu", pin.vcpu);
            writer.shown("cpuset", &pin.cpus);
            writer.close(name);
        }
    }
    writer.kept_elements(&tune.kept, "");
    writer.close("cputune");
}

/// Writes `<cpu>`.
pub(super) fn cpu(cpu: &Cpu, writer: &mut Writer) {
    writer.open("cpu");
    writer.word("mode", cpu.mode);
    writer.kept_attributes(&cpu.kept, "");
    writer.kept_named(&cpu.kept, "", &["arch"]);
    if let Some(model) = &cpu.model {
        writer.open("model");
        writer.word("fallback", model.fallback);
        writer.some("vendor_id", model.vendor_id.as_deref());
        writer.close_text("model", &model.name);
    }
    writer.some_text("vendor", cpu.vendor.as_deref());
    if let Some(topology) = cpu.topology {
        writer.open("topology");
        writer.shown("sockets", topology.sockets);
        writer.some_shown("dies", topology.dies);
        writer.some_shown("clusters", topology.clusters);
        writer.shown("cores", topology.cores);
        writer.shown("threads", topology.threads);
        writer.close("topology");
    }
    writer.kept_others(&cpu.kept, "", &["arch"]);
    for feature in &cpu.features {
        writer.open("feature");
        writer.word("policy", feature.policy);
        writer.attribute("name", &feature.name);
        writer.close("feature");
    }
    if !cpu.numa.is_empty() || cpu.kept.has("numa") {
        writer.open("numa");
        for cell in &cpu.numa {
            numa_cell(cell, writer);
        }
        writer.kept_elements(&cpu.kept, "numa");
        writer.close("numa");
    }
    writer.close("cpu");
}

fn numa_cell(cell: &NumaCell, writer: &mut Writer) {
    writer.open("cell");
    writer.some_shown("id", cell.id);
    writer.some_shown("cpus", cell.cpus.as_ref());
    writer.shown("memory", cell.memory.0);
    writer.attribute("unit", "KiB");
    writer.kept_attributes(&cell.kept, "");
    if !cell.distances.is_empty() {
        writer.open("distances");
        for distance in &cell.distances {
            writer.open("sibling");
            writer.shown("id", distance.id);
            writer.shown("value", distance.value);
            writer.close("sibling");
        }
        writer.close("distances");
    }
    writer.kept_elements(&cell.kept, "");
    writer.close("cell");
}
