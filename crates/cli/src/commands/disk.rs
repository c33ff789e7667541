//! Commands about disks: list, attach, detach. They make the device's XML from
//! options; what is done with it is in `devices`.

use super::devices::{Change, device};
use super::{Command, Group};
use crate::connect::Session;
use crate::error::{Context, Error, Result};
use crate::options::{
    Args, CONFIG, CURRENT, DOMAIN, Kind, LIVE, PERSISTENT, PRINT_XML, flag, named, required,
};
use crate::output::Reply;
use crate::table::{Table, fields};
use serde_json::json;
use virtxen_driver::{Domain, DomainKey};
use virtxen_guest::{Device, Disk, DiskBus, DiskDevice, DiskDriver, DiskSource, Guest};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "domblklist",
        group: Group::Devices,
        summary: "list the disks of a domain",
        about: "",
        options: &[
            DOMAIN,
            flag("inactive", "list those of the definition"),
            flag(
                "details",
                "show the type of the source and the kind of device too",
            ),
        ],
        run: |session, args| Box::pin(list(session, args)),
    },
    Command {
        name: "domblkinfo",
        group: Group::Devices,
        summary: "show how large a disk of a domain is",
        about: "Capacity is what the guest sees, allocation what the disk takes on the host, in \
                bytes.",
        options: &[
            DOMAIN,
            required(
                "device",
                Kind::Text("disk"),
                "its name in the guest, or its source",
            ),
        ],
        run: |session, args| Box::pin(info(session, args)),
    },
    Command {
        name: "attach-disk",
        group: Group::Devices,
        summary: "add a disk to a domain",
        about: "The source is a block device if it is one or lies under /dev, else a file; \
                --sourcetype says it for hosts that are not this machine.",
        options: &[
            DOMAIN,
            required(
                "source",
                Kind::Text("path"),
                "file or block device on the host",
            ),
            required(
                "target",
                Kind::Text("name"),
                "name in the guest: xvda, hdc, sda1",
            ),
            named(
                "targetbus",
                Kind::Word(&["xen", "ide", "scsi", "fdc", "usb", "sata"]),
                "bus",
            ),
            named(
                "driver",
                Kind::Text("name"),
                "driver on the host: file, phy, tap, tap2, qemu",
            ),
            named(
                "subdriver",
                Kind::Text("format"),
                "format of the file: raw, qcow2, vhd, aio",
            ),
            named(
                "type",
                Kind::Word(&["disk", "cdrom", "floppy"]),
                "kind of device",
            ),
            named(
                "mode",
                Kind::Word(&["readonly", "shareable"]),
                "how the guest may use it",
            ),
            named(
                "sourcetype",
                Kind::Word(&["file", "block"]),
                "what the source is",
            ),
            PERSISTENT,
            CONFIG,
            LIVE,
            CURRENT,
            PRINT_XML,
        ],
        run: |session, args| Box::pin(attach(session, args)),
    },
    Command {
        name: "detach-disk",
        group: Group::Devices,
        summary: "remove a disk from a domain",
        about: "",
        options: &[
            DOMAIN,
            required(
                "target",
                Kind::Text("name"),
                "name in the guest, or the source",
            ),
            PERSISTENT,
            CONFIG,
            LIVE,
            CURRENT,
            PRINT_XML,
        ],
        run: |session, args| Box::pin(detach(session, args)),
    },
];

async fn info(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let disk = args.required("device")?;
    let driver = session.driver().await?;
    let image = driver
        .block_info(&DomainKey::from(&domain), disk)
        .await
        .context(|| format!("Failed to get the size of disk '{disk}'"))?;
    let json = json!({
        "domain": domain.name, "disk": disk, "capacity": image.capacity,
        "allocation": image.allocation, "physical": image.physical,
    });
    let rows = [
        ("Capacity", image.capacity.to_string()),
        ("Allocation", image.allocation.to_string()),
        ("Physical", image.physical.to_string()),
    ];
    Ok(Reply::new(session.marked(json)).text(fields(&rows, 16)))
}

async fn list(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let disks = session
        .driver()
        .await?
        .block_list(&DomainKey::from(&domain), args.flag("inactive"))
        .await
        .context(|| format!("Failed to list the disks of domain '{}'", domain.name))?;
    let details = args.flag("details");
    let header: &[&str] = if details {
        &["Type", "Device", "Target", "Source"]
    } else {
        &["Target", "Source"]
    };
    let mut table = Table::new(header).remark(session.remark());
    let mut list = Vec::new();
    for disk in disks {
        let source = disk.source.clone().unwrap_or_else(|| "-".to_owned());
        list.push(json!({
            "type": disk.kind, "device": disk.device, "target": disk.target, "source": disk.source,
        }));
        let mut row = vec![disk.target.into(), source.into()];
        if details {
            row.splice(0..0, [disk.kind.into(), disk.device.into()]);
        }
        table.row(row);
    }
    let json = json!({ "domain": domain.name, "disks": list });
    Ok(Reply::new(session.marked(json)).table(table))
}

async fn attach(session: &Session, args: &Args) -> Result<Reply> {
    let disk = disk(args)?;
    let domain = session.domain(args).await?;
    device(
        session,
        args,
        &domain,
        Change::Attach,
        &Device::Disk(Box::new(disk)),
    )
    .await
}

async fn detach(session: &Session, args: &Args) -> Result<Reply> {
    let target = args.required("target")?;
    let (domain, guest) = guest_of(session, args).await?;
    let disk = find(&guest, target).ok_or_else(|| {
        Error::NotFound(format!(
            "No disk found whose source path or target is {target}"
        ))
    })?;
    let disk = Device::Disk(Box::new(disk.clone()));
    device(session, args, &domain, Change::Detach, &disk).await
}

/// The domain of the arguments and its guest.
pub(super) async fn guest_of(session: &Session, args: &Args) -> Result<(Domain, Guest)> {
    let domain = session.domain(args).await?;
    let guest = session
        .driver()
        .await?
        .guest(&DomainKey::from(&domain), false)
        .await
        .context(|| format!("Failed to read domain '{}'", domain.name))?;
    Ok((domain, guest))
}

/// The disk of this target or source.
pub(super) fn find<'a>(guest: &'a Guest, word: &str) -> Option<&'a Disk> {
    let disks = &guest.devices.disks;
    disks
        .iter()
        .find(|disk| disk.target == word)
        .or_else(|| disks.iter().find(|disk| disk.source.path() == Some(word)))
}

/// The source of a path: a block device if it is one here or lies under `/dev`.
pub(super) fn source(path: &str, block: Option<bool>) -> DiskSource {
    let path = Some(path.to_owned()).filter(|path| !path.is_empty());
    let is_block = block.unwrap_or_else(|| path.as_deref().is_some_and(is_block_device));
    if is_block {
        DiskSource::Block { path }
    } else {
        DiskSource::File { path }
    }
}

fn is_block_device(path: &str) -> bool {
    use std::os::unix::fs::FileTypeExt;
    path.starts_with("/dev/")
        || std::fs::metadata(path).is_ok_and(|file| file.file_type().is_block_device())
}

fn disk(args: &Args) -> Result<Disk> {
    let driver = DiskDriver {
        name: args.text("driver").map(str::to_owned),
        format: args.text("subdriver").map(str::to_owned),
        ..DiskDriver::default()
    };
    let block = args.text("sourcetype").map(|kind| kind == "block");
    let target = args.required("target")?;
    Ok(Disk {
        device: match args.text("type") {
            Some("cdrom") => DiskDevice::Cdrom,
            Some("floppy") => DiskDevice::Floppy,
            _ => DiskDevice::Disk,
        },
        source: source(args.required("source")?, block),
        driver,
        target: target.to_owned(),
        bus: Some(bus(args.text("targetbus"), target)),
        readonly: args.text("mode") == Some("readonly"),
        shareable: args.text("mode") == Some("shareable"),
        ..Disk::default()
    })
}

/// The bus that was asked for, else the one that the target's name means.
fn bus(word: Option<&str>, target: &str) -> DiskBus {
    match word {
        Some("xen") => DiskBus::Xen,
        Some("ide") => DiskBus::Ide,
        Some("scsi") => DiskBus::Scsi,
        Some("fdc") => DiskBus::Fdc,
        Some("usb") => DiskBus::Usb,
        Some("sata") => DiskBus::Sata,
        _ if target.starts_with("hd") => DiskBus::Ide,
        _ if target.starts_with("fd") => DiskBus::Fdc,
        _ if target.starts_with("sd") => DiskBus::Scsi,
        _ => DiskBus::Xen,
    }
}
