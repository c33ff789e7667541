//! The device model.

use super::writer::Writer;
use crate::Emulator;

/// Writes `<emulator>`.
pub(super) fn emulator(emulator: &Emulator, writer: &mut Writer) {
    writer.open("emulator");
    writer.word("type", emulator.kind);
    writer.some("cmdline", emulator.cmdline.as_deref());
    writer.some_shown("memory", emulator.memory.map(|memory| memory.0));
    writer.some("kernel", emulator.kernel.as_deref());
    writer.some("ramdisk", emulator.ramdisk.as_deref());
    writer.close_text("emulator", emulator.path.as_deref().unwrap_or_default());
}
