//! Features of the virtual machine.
//!
//! Later elements of libvirt without effect on Xen are known and kept.

use super::markup;
use super::reader::{Reader, Seen, key, tag};
use crate::{Features, Hyperv, HypervMode, Passthrough, XenFeatures};
use roxmltree::Node;

/// Reads `<features>`.
pub(super) fn features(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Features {
    let mut features = Features::default();
    reader.no_attributes(node);
    let mut seen = Seen::default();
    for child in reader.elements(node) {
        if !reader.first(&mut seen, child) {
            continue;
        }
        match tag(&child) {
            "acpi" => features.acpi = reader.flag(child),
            "apic" => apic(child, &mut features, reader),
            "pae" => features.pae = reader.flag(child),
            // Without a state it is on.
            "hap" => features.hap = Some(state(child, reader).unwrap_or(true)),
            "viridian" => features.viridian = reader.flag(child),
            "hyperv" => features.hyperv = Some(hyperv(child, reader)),
            "xen" => features.xen = xen(child, reader),
            "privnet" | "kvm" | "pvspinlock" | "pmu" | "vmport" | "gic" | "smm" | "ioapic"
            | "hpt" | "vmcoreinfo" | "htm" | "nested-hv" | "msrs" | "ccf-assist" | "cfpc"
            | "sbbc" | "ibs" | "tcg" | "async-teardown" | "ras" | "ps2" | "capabilities"
            | "aia" => reader.keep_element(&mut features.kept, "", child),
            _ => reader.unknown_element(child),
        }
    }
    features
}

fn apic(node: Node<'_, '_>, features: &mut Features, reader: &mut Reader<'_>) {
    features.apic = true;
    for attribute in node.attributes() {
        match key(&attribute) {
            "eoi" => Reader::keep_attribute(&mut features.kept, "apic", &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
}

fn state(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<bool> {
    let mut state = None;
    for attribute in node.attributes() {
        match key(&attribute) {
            "state" => state = reader.on_off(node, &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
    state
}

fn hyperv(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Hyperv {
    let mut hyperv = Hyperv::default();
    for attribute in node.attributes() {
        match key(&attribute) {
            "mode" => hyperv.mode = reader.word(node, &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    let is_whole = hyperv.mode == Some(HypervMode::Passthrough);
    for child in reader.elements(node) {
        match tag(&child) {
            // All of the host's are passed through, none is named.
            _ if is_whole => reader.unknown_element(child),
            "relaxed" | "vapic" | "spinlocks" | "vpindex" | "runtime" | "synic" | "stimer"
            | "reset" | "vendor_id" | "frequencies" | "reenlightenment" | "tlbflush" | "ipi"
            | "evmcs" | "avic" | "emsr_bitmap" | "xmm_input" => {
                hyperv
                    .enlightenments
                    .push(markup::element(reader.source, child));
            }
            _ => reader.unknown_element(child),
        }
    }
    hyperv
}

fn xen(node: Node<'_, '_>, reader: &mut Reader<'_>) -> XenFeatures {
    let mut xen = XenFeatures::default();
    reader.no_attributes(node);
    for child in reader.elements(node) {
        match tag(&child) {
            "e820_host" => {
                xen.e820_host = state(child, reader);
                if xen.e820_host.is_none() {
                    reader.missing(child, "attribute 'state'");
                }
            }
            "passthrough" => xen.passthrough = passthrough(child, reader),
            _ => reader.unknown_element(child),
        }
    }
    xen
}

fn passthrough(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<Passthrough> {
    let (mut state, mut mode) = (None, None);
    for attribute in node.attributes() {
        match key(&attribute) {
            "state" => state = reader.on_off(node, &attribute),
            "mode" => mode = reader.word(node, &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
    if state.is_none() {
        reader.missing(node, "attribute 'state'");
    }
    Some(Passthrough {
        state: state?,
        mode,
    })
}
