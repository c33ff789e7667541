//! Disks.

use super::{name, path};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use virtxen_guest::*;

pub(crate) fn disks(hvm: bool) -> impl Strategy<Value = Vec<Disk>> {
    vec(disk(hvm), 0..4).prop_map(|disks| {
        let named = |(letter, mut disk): (char, Disk)| {
            disk.target.push(letter);
            disk
        };
        ('a'..).zip(disks).map(named).collect()
    })
}

pub(crate) fn disk(hvm: bool) -> impl Strategy<Value = Disk> {
    let served = [
        ("qemu", "raw"),
        ("qemu", "qcow2"),
        ("qemu", "vhd"),
        ("phy", "raw"),
        ("tap", "vhd"),
        ("", "raw"),
    ];
    let texts = (of(name()), of(path()), path());
    (
        select(served.to_vec()),
        texts,
        any::<[bool; 4]>(),
        of(select(Discard::ALL)),
    )
        .prop_map(
            move |((backend, format), (domain, script, file), flags, discard)| {
                let [emulated, cdrom, empty, readonly] = flags;
                let device = if cdrom {
                    DiskDevice::Cdrom
                } else {
                    DiskDevice::Disk
                };
                let empty = empty && cdrom;
                let file = Some(file).filter(|_| !empty);
                let readonly = readonly || cdrom;
                Disk {
                    device,
                    source: match backend {
                        "phy" => DiskSource::Block { path: file },
                        _ => DiskSource::File { path: file },
                    },
                    driver: DiskDriver {
                        name: Some(backend.to_owned()).filter(|name| !name.is_empty()),
                        format: Some(if empty { "raw" } else { format }.to_owned()),
                        discard: discard.filter(|_| !readonly),
                    },
                    target: if emulated && hvm { "hd" } else { "xvd" }.to_owned(),
                    bus: Some(if emulated && hvm {
                        DiskBus::Ide
                    } else {
                        DiskBus::Xen
                    }),
                    readonly,
                    backend_domain: domain,
                    script,
                    ..Disk::default()
                }
            },
        )
}
