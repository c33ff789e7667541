//! Disks.
//! Whether two disks clash is said when the whole guest is there, not here.

use super::info::info;
use super::markup;
use super::reader::{Reader, Seen, key, tag};
use crate::{Disk, DiskAuth, DiskDevice, DiskSource, NetworkDisk, NetworkHost};
use roxmltree::Node;

/// Reads `<disk>`.
pub(super) fn disk(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Disk {
    let mut disk = Disk::default();
    for attribute in node.attributes() {
        match key(&attribute) {
            "type" => disk.source = empty_source(attribute.value()),
            "device" => {
                disk.device = reader.word(node, &attribute).unwrap_or(DiskDevice::Disk);
            }
            "snapshot" | "rawio" | "sgio" | "model" => {
                Reader::keep_attribute(&mut disk.info.kept, "", &attribute);
            }
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    if let DiskSource::Other { kind, .. } = &disk.source {
        check_type(node, kind, reader);
    }
    let mut seen = Seen::default();
    for child in reader.elements(node) {
        if !reader.first(&mut seen, child) {
            continue;
        }
        match tag(&child) {
            "source" => source(child, &mut disk, reader),
            "driver" => driver(child, &mut disk, reader),
            "target" => target(child, &mut disk, reader),
            "auth" => outer_auth(child, &mut disk, reader),
            "readonly" => disk.readonly = reader.flag(child),
            "shareable" => disk.shareable = reader.flag(child),
            "transient" => transient(child, &mut disk, reader),
            "script" => disk.script = reader.only(child, "path"),
            "backenddomain" => disk.backend_domain = reader.only(child, "name"),
            "backingStore" | "mirror" | "geometry" | "blockio" | "iotune" | "serial" | "wwn"
            | "vendor" | "product" | "encryption" | "throttlefilters" => {
                reader.keep_element(&mut disk.info.kept, "", child);
            }
            _ if info(child, &mut disk.info, reader) => {}
            _ => reader.unknown_element(child),
        }
    }
    disk
}

fn empty_source(kind: &str) -> DiskSource {
    match kind {
        "file" => DiskSource::File { path: None },
        "block" => DiskSource::Block { path: None },
        "dir" => DiskSource::Dir { path: None },
        "network" => DiskSource::Network(NetworkDisk::default()),
        "volume" => DiskSource::Volume {
            pool: String::new(),
            volume: String::new(),
        },
        kind => DiskSource::Other {
            kind: kind.to_owned(),
            source: None,
        },
    }
}

fn check_type(node: Node<'_, '_>, kind: &str, reader: &mut Reader<'_>) {
    if matches!(kind, "nvme" | "vhostuser" | "vhostvdpa") {
        return;
    }
    if let Some(attribute) = node.attributes().find(|attribute| key(attribute) == "type") {
        let expected = "file, block, dir, network, volume, nvme, vhostuser, vhostvdpa";
        reader.bad_attribute(node, &attribute, expected);
    }
}

fn source(node: Node<'_, '_>, disk: &mut Disk, reader: &mut Reader<'_>) {
    if let DiskSource::Other { source, .. } = &mut disk.source {
        *source = Some(markup::element(reader.source, node));
        return;
    }
    for attribute in node.attributes() {
        let value = || attribute.value().to_owned();
        // libvirt takes an empty path for none.
        let path_value = || Some(value()).filter(|path| !path.is_empty());
        match (key(&attribute), &mut disk.source) {
            ("file", DiskSource::File { path })
            | ("dev", DiskSource::Block { path })
            | ("dir", DiskSource::Dir { path }) => *path = path_value(),
            ("protocol", DiskSource::Network(network)) => network.protocol = value(),
            ("name", DiskSource::Network(network)) => network.name = Some(value()),
            ("pool", DiskSource::Volume { pool, .. }) => *pool = value(),
            ("volume", DiskSource::Volume { volume, .. }) => *volume = value(),
            (
                "startupPolicy" | "index" | "mode" | "query" | "tls" | "tlsHostname" | "fdgroup",
                _,
            ) => {
                Reader::keep_attribute(&mut disk.info.kept, "source", &attribute);
            }
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    let needs = match &disk.source {
        DiskSource::Network(network) if network.protocol.is_empty() => "attribute 'protocol'",
        DiskSource::Volume { pool, volume } if pool.is_empty() || volume.is_empty() => {
            "attributes 'pool' and 'volume'"
        }
        _ => "",
    };
    if !needs.is_empty() {
        reader.missing(node, needs);
    }
    for child in reader.elements(node) {
        source_child(child, disk, reader);
    }
}

fn source_child(child: Node<'_, '_>, disk: &mut Disk, reader: &mut Reader<'_>) {
    match (tag(&child), &mut disk.source) {
        ("host", DiskSource::Network(network)) => network.hosts.push(host(child, reader)),
        ("auth", DiskSource::Network(network)) => network.auth = auth(child, reader),
        (
            "seclabel" | "encryption" | "reservations" | "initiator" | "snapshot" | "config"
            | "ssl" | "cookies" | "readahead" | "timeout" | "slices" | "address" | "auth"
            | "identity" | "reconnect" | "knownHosts" | "dataStore",
            _,
        ) => reader.keep_element(&mut disk.info.kept, "source", child),
        _ => reader.unknown_element(child),
    }
}

fn host(node: Node<'_, '_>, reader: &mut Reader<'_>) -> NetworkHost {
    let mut host = NetworkHost::default();
    for attribute in node.attributes() {
        let part = match key(&attribute) {
            "name" => &mut host.name,
            "port" => &mut host.port,
            "transport" => &mut host.transport,
            "socket" => &mut host.socket,
            _ => {
                reader.unknown_attribute(node, &attribute);
                continue;
            }
        };
        *part = Some(attribute.value().to_owned());
    }
    reader.no_children(node);
    host
}

// Until libvirt 3.9 it stood beside the source.
fn outer_auth(node: Node<'_, '_>, disk: &mut Disk, reader: &mut Reader<'_>) {
    let auth = auth(node, reader);
    match &mut disk.source {
        DiskSource::Network(network) if network.auth.is_none() => network.auth = auth,
        DiskSource::Network(_) => {}
        _ => reader.keep_element(&mut disk.info.kept, "", node),
    }
}

fn auth(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<DiskAuth> {
    let mut auth = DiskAuth::default();
    for attribute in node.attributes() {
        match key(&attribute) {
            "username" => attribute.value().clone_into(&mut auth.username),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    for child in reader.elements(node) {
        if tag(&child) != "secret" {
            reader.unknown_element(child);
            continue;
        }
        for attribute in child.attributes() {
            let part = match key(&attribute) {
                "type" => &mut auth.secret_type,
                "uuid" => &mut auth.secret_uuid,
                "usage" => &mut auth.secret_usage,
                _ => {
                    reader.unknown_attribute(child, &attribute);
                    continue;
                }
            };
            *part = Some(attribute.value().to_owned());
        }
        reader.no_children(child);
    }
    if !node.has_attribute("username") {
        reader.missing(node, "attribute 'username'");
        return None;
    }
    Some(auth)
}

fn driver(node: Node<'_, '_>, disk: &mut Disk, reader: &mut Reader<'_>) {
    for attribute in node.attributes() {
        match key(&attribute) {
            "name" => disk.driver.name = Some(attribute.value().to_owned()),
            "type" => disk.driver.format = Some(attribute.value().to_owned()),
            "discard" => disk.driver.discard = reader.word(node, &attribute),
            "cache" | "error_policy" | "rerror_policy" | "io" | "ioeventfd" | "event_idx"
            | "copy_on_read" | "iothread" | "detect_zeroes" | "iommu" | "ats" | "packed"
            | "page_per_vq" | "queues" | "queue_size" | "discard_no_unref" => {
                Reader::keep_attribute(&mut disk.info.kept, "driver", &attribute);
            }
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    for child in reader.elements(node) {
        match tag(&child) {
            "metadata_cache" | "iothreads" | "statistics" => {
                reader.keep_element(&mut disk.info.kept, "driver", child);
            }
            _ => reader.unknown_element(child),
        }
    }
}

fn target(node: Node<'_, '_>, disk: &mut Disk, reader: &mut Reader<'_>) {
    for attribute in node.attributes() {
        match key(&attribute) {
            "dev" => attribute.value().clone_into(&mut disk.target),
            "bus" => disk.bus = reader.word(node, &attribute),
            "tray" | "removable" | "rotation_rate" | "dpofua" => {
                Reader::keep_attribute(&mut disk.info.kept, "target", &attribute);
            }
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
}

fn transient(node: Node<'_, '_>, disk: &mut Disk, reader: &mut Reader<'_>) {
    disk.transient = true;
    for attribute in node.attributes() {
        match key(&attribute) {
            "shareBacking" => {
                Reader::keep_attribute(&mut disk.info.kept, "transient", &attribute);
            }
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    reader.no_children(node);
}
