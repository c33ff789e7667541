//! Disks.

use super::device::info;
use super::markup::{element, maybe, name, path, word};
use proptest::collection::vec;
use proptest::prelude::*;
use virtxen_guest::{Disk, DiskAuth, DiskDevice, DiskDriver, DiskSource, NetworkDisk, NetworkHost};

/// Disks with different names.
pub(crate) fn disks() -> impl Strategy<Value = Vec<Disk>> {
    vec(disk(), 0..4).prop_map(|disks| {
        let named = |(letter, mut disk): (char, Disk)| {
            disk.target.push(letter);
            disk
        };
        ('a'..).zip(disks).map(named).collect()
    })
}

/// A disk whose name lacks its last letter.
pub(crate) fn disk() -> impl Strategy<Value = Disk> {
    let kept = &[
        "@snapshot",
        "driver@cache",
        "source@index",
        "/backingStore",
        "target@tray",
        "/iotune",
        "/serial",
        "/encryption",
    ];
    let driver = (maybe(name()), maybe(name()), maybe(word()));
    let driver = driver.prop_map(|(name, format, discard)| DiskDriver {
        name,
        format,
        discard,
    });
    let flags = any::<[bool; 3]>();
    let prefix = prop_oneof![Just("xvd"), Just("hd"), Just("sd")];
    let parts = (word(), source(), driver, prefix, maybe(word()));
    (parts, flags, maybe(name()), maybe(path()), info(kept)).prop_map(
        |(parts, flags, backend_domain, script, info)| {
            let (device, source, driver, prefix, bus) = parts;
            let [readonly, shareable, transient] = flags;
            let mut disk = Disk {
                device,
                source,
                driver,
                target: prefix.to_owned(),
                bus,
                readonly,
                shareable,
                transient,
                backend_domain,
                script,
                info,
            };
            if device == DiskDevice::Floppy {
                "fd".clone_into(&mut disk.target);
            } else if disk.is_empty() {
                disk.device = DiskDevice::Cdrom;
            }
            if let DiskSource::Other { source, .. } = &disk.source {
                // A source that is kept as a whole has no kept parts, nor a missing one.
                assert!(source.is_some());
                disk.info.kept = virtxen_guest::Kept::default();
            }
            disk
        },
    )
}

fn source() -> impl Strategy<Value = DiskSource> {
    prop_oneof![
        maybe(path()).prop_map(|path| DiskSource::File { path }),
        maybe(name()).prop_map(|path| DiskSource::Block { path }),
        maybe(path()).prop_map(|path| DiskSource::Dir { path }),
        (name(), name()).prop_map(|(pool, volume)| DiskSource::Volume { pool, volume }),
        network().prop_map(DiskSource::Network),
        element("source").prop_map(|source| DiskSource::Other {
            kind: "nvme".to_owned(),
            source: Some(source),
        }),
    ]
}

fn network() -> impl Strategy<Value = NetworkDisk> {
    let host = (maybe(name()), maybe(name()), maybe(name()), maybe(name()));
    let host = host.prop_map(|(name, port, transport, socket)| NetworkHost {
        name,
        port,
        transport,
        socket,
    });
    let auth = (name(), maybe(name()), maybe(name()), maybe(name()));
    let auth = auth.prop_map(
        |(username, secret_type, secret_uuid, secret_usage)| DiskAuth {
            username,
            secret_type,
            secret_uuid,
            secret_usage,
        },
    );
    (name(), maybe(name()), vec(host, 0..3), maybe(auth)).prop_map(
        |(protocol, name, hosts, auth)| NetworkDisk {
            protocol,
            name,
            hosts,
            auth,
        },
    )
}
