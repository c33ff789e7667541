//! A `<domain>` element as a whole.
//!
//! Sizes are in KiB whatever unit they were read in.

use super::writer::Writer;
use super::{clock, cpu, devices, features, os, seclabel};
use crate::{Guest, MemoryKib, XEN_NAMESPACE};

/// Writes a whole guest.
pub(super) fn guest(guest: &Guest, writer: &mut Writer) {
    guest_as("domain", guest, writer);
}

/// As [`guest`], in an element of another name: what a snapshot has of it.
pub(super) fn guest_as(name: &str, guest: &Guest, writer: &mut Writer) {
    writer.open(name);
    writer.attribute("type", "xen");
    if let Some(id) = guest.id.filter(|_| !writer.options.inactive) {
        writer.shown("id", id);
    }
    if !guest.commandline.is_empty() {
        writer.attribute("xmlns:xen", XEN_NAMESPACE);
    }
    identity(guest, writer);
    resources(guest, writer);
    writer.some_text("bootloader", guest.os.bootloader.as_deref());
    writer.some_text("bootloader_args", guest.os.bootloader_args.as_deref());
    os::os(&guest.os, writer);
    writer.kept_named(&guest.kept, "", &["idmap"]);
    features::features(&guest.features, writer);
    if let Some(cpu) = &guest.cpu {
        cpu::cpu(cpu, writer);
    }
    clock::clock(&guest.clock, writer);
    let lifecycle = &guest.lifecycle;
    writer.some_text("on_poweroff", Some(lifecycle.on_poweroff.as_str()));
    writer.some_text("on_reboot", Some(lifecycle.on_reboot.as_str()));
    writer.some_text("on_crash", Some(lifecycle.on_crash.as_str()));
    writer.kept_named(
        &guest.kept,
        "",
        &["on_lockfailure", "pm", "perf", "throttlegroups"],
    );
    devices::devices(&guest.devices, writer);
    for label in &guest.seclabels {
        seclabel::seclabel(label, writer);
    }
    writer.kept_named(&guest.kept, "", &["keywrap", "launchSecurity"]);
    commandline(&guest.commandline, writer);
    writer.close(name);
}

fn identity(guest: &Guest, writer: &mut Writer) {
    writer.open("name");
    writer.close_text("name", &guest.name);
    if let Some(uuid) = guest.uuid {
        writer.open("uuid");
        writer.close_text("uuid", &uuid.to_string());
    }
    writer.kept_named(&guest.kept, "", &["genid", "hwuuid"]);
    writer.some_text("title", guest.title.as_deref());
    writer.some_text("description", guest.description.as_deref());
    if let Some(metadata) = &guest.metadata {
        writer.element(metadata);
    }
}

fn resources(guest: &Guest, writer: &mut Writer) {
    writer.kept_named(&guest.kept, "", &["maxMemory"]);
    writer.open("memory");
    writer.attribute("unit", "KiB");
    writer.kept_attributes(&guest.kept, "memory");
    writer.close_text("memory", &guest.memory.0.to_string());
    if let Some(MemoryKib(current)) = guest.current_memory {
        writer.open("currentMemory");
        writer.attribute("unit", "KiB");
        writer.close_text("currentMemory", &current.to_string());
    }
    writer.kept_named(&guest.kept, "", &["blkiotune", "memtune", "memoryBacking"]);
    cpu::vcpus(&guest.vcpus, writer);
    let threads = ["vcpus", "iothreads", "iothreadids", "defaultiothread"];
    writer.kept_named(&guest.kept, "", &threads);
    cpu::tune(&guest.cpu_tune, writer);
    writer.kept_named(&guest.kept, "", &["numatune", "resource", "sysinfo"]);
}

fn commandline(arguments: &[String], writer: &mut Writer) {
    if arguments.is_empty() {
        return;
    }
    writer.open("xen:commandline");
    for argument in arguments {
        writer.only("xen:arg", "value", Some(argument));
    }
    writer.close("xen:commandline");
}
