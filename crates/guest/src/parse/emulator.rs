//! The device model.

use super::reader::{Reader, key};
use crate::{Emulator, MemoryKib};
use roxmltree::Node;

/// Reads `<emulator>`.
pub(super) fn emulator(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Emulator {
    let mut emulator = Emulator::default();
    for attribute in node.attributes() {
        let text = || Some(attribute.value().to_owned());
        match key(&attribute) {
            "type" => emulator.kind = reader.word(node, &attribute),
            "memory" => emulator.memory = reader.number(node, &attribute).map(MemoryKib),
            "kernel" => emulator.kernel = text(),
            "ramdisk" => emulator.ramdisk = text(),
            "cmdline" => emulator.cmdline = text(),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    let path = reader.content(node);
    emulator.path = Some(path).filter(|path| !path.is_empty());
    emulator
}
