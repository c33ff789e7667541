//! A `<domainsnapshot>`, in libvirt's order of elements.

use super::guest::{guest, guest_as};
use super::writer::Writer;
use crate::{Snapshot, SnapshotDisk, SnapshotState};

/// Writes a whole snapshot.
pub(super) fn snapshot(snapshot: &Snapshot, writer: &mut Writer) {
    writer.open("domainsnapshot");
    writer.some_text("name", snapshot.name.as_deref());
    writer.some_text("description", snapshot.description.as_deref());
    writer.some_text("state", snapshot.state.map(SnapshotState::as_str));
    if let Some(parent) = &snapshot.parent {
        writer.open("parent");
        writer.some_text("name", Some(parent));
        writer.close("parent");
    }
    let created = snapshot.created.map(|seconds| seconds.to_string());
    writer.some_text("creationTime", created.as_deref());
    if let Some(memory) = &snapshot.memory {
        writer.open("memory");
        writer.word("snapshot", Some(memory.location));
        writer.some("file", memory.file.as_deref());
        writer.close("memory");
    }
    if !snapshot.disks.is_empty() {
        writer.open("disks");
        for each in &snapshot.disks {
            disk(each, writer);
        }
        writer.close("disks");
    }
    if let Some(domain) = &snapshot.domain {
        guest(domain, writer);
    }
    if let Some(domain) = &snapshot.inactive_domain {
        guest_as("inactiveDomain", domain, writer);
    }
    writer.close("domainsnapshot");
}

fn disk(disk: &SnapshotDisk, writer: &mut Writer) {
    writer.open("disk");
    writer.attribute("name", &disk.name);
    writer.word("snapshot", disk.location);
    writer.only("driver", "type", disk.driver.as_deref());
    writer.only("source", "file", disk.source.as_deref());
    writer.close("disk");
}
