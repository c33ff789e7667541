//! Disks.
//!
//! An empty drive has no source element; what is kept stands in libvirt's places.

use super::info::info;
use super::writer::Writer;
use crate::{Disk, DiskSource, NetworkDisk};

/// Writes `<disk>`.
pub(super) fn disk(disk: &Disk, writer: &mut Writer) {
    let kept = &disk.info.kept;
    writer.open("disk");
    writer.attribute("type", disk.source.kind());
    writer.attribute("device", disk.device.as_str());
    writer.kept_attributes(kept, "");
    let driver = &disk.driver;
    if *driver != crate::DiskDriver::default() || kept.has("driver") {
        writer.open("driver");
        writer.some("name", driver.name.as_deref());
        writer.some("type", driver.format.as_deref());
        writer.kept_attributes(kept, "driver");
        writer.word("discard", driver.discard);
        writer.kept_elements(kept, "driver");
        writer.close("driver");
    }
    writer.kept_named(kept, "", &["auth"]);
    source(disk, writer);
    writer.kept_named(kept, "", &["backingStore", "mirror"]);
    writer.only("backenddomain", "name", disk.backend_domain.as_deref());
    writer.only("script", "path", disk.script.as_deref());
    writer.kept_named(kept, "", &["geometry", "blockio"]);
    writer.open("target");
    writer.attribute("dev", &disk.target);
    writer.word("bus", disk.bus);
    writer.kept_attributes(kept, "target");
    writer.close("target");
    writer.kept_named(kept, "", &["iotune", "throttlefilters"]);
    writer.flag("readonly", disk.readonly);
    writer.flag("shareable", disk.shareable);
    if disk.transient {
        writer.open("transient");
        writer.kept_attributes(kept, "transient");
        writer.close("transient");
    }
    writer.kept_others(kept, "", BEFORE);
    info(&disk.info, writer);
    writer.close("disk");
}

// What is kept and has been written already, or will be.
const BEFORE: &[&str] = &[
    "auth",
    "backingStore",
    "mirror",
    "geometry",
    "blockio",
    "iotune",
    "throttlefilters",
    "rom",
    "acpi",
];

fn source(disk: &Disk, writer: &mut Writer) {
    let kept = &disk.info.kept;
    if let DiskSource::Other { source, .. } = &disk.source {
        if let Some(source) = source {
            writer.element(source);
        }
        return;
    }
    if disk.is_empty() && !kept.has("source") {
        return;
    }
    writer.open("source");
    match &disk.source {
        DiskSource::File { path } => writer.some("file", path.as_deref()),
        DiskSource::Block { path } => writer.some("dev", path.as_deref()),
        DiskSource::Dir { path } => writer.some("dir", path.as_deref()),
        DiskSource::Volume { pool, volume } => {
            writer.attribute("pool", pool);
            writer.attribute("volume", volume);
        }
        DiskSource::Network(network) => {
            writer.attribute("protocol", &network.protocol);
            writer.some("name", network.name.as_deref());
        }
        DiskSource::Other { .. } => {}
    }
    writer.kept_attributes(kept, "source");
    if let DiskSource::Network(network) = &disk.source {
        servers(network, writer);
    }
    writer.kept_elements(kept, "source");
    writer.close("source");
}

fn servers(network: &NetworkDisk, writer: &mut Writer) {
    for host in &network.hosts {
        writer.open("host");
        writer.some("name", host.name.as_deref());
        writer.some("port", host.port.as_deref());
        writer.some("transport", host.transport.as_deref());
        writer.some("socket", host.socket.as_deref());
        writer.close("host");
    }
    if let Some(auth) = &network.auth {
        writer.open("auth");
        writer.attribute("username", &auth.username);
        if auth.secret_type.is_some() || auth.secret_uuid.is_some() || auth.secret_usage.is_some() {
            writer.open("secret");
            writer.some("type", auth.secret_type.as_deref());
            writer.some("uuid", auth.secret_uuid.as_deref());
            writer.some("usage", auth.secret_usage.as_deref());
            writer.close("secret");
        }
        writer.close("auth");
    }
}
