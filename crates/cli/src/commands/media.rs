//! `change-media`: what lies in a CD or floppy drive.

use super::devices::{Change, device};
use super::disk::{find, guest_of, source};
use super::{Command, Group};
use crate::connect::Session;
use crate::error::{Error, Result};
use crate::options::{
    Args, CONFIG, CURRENT, DOMAIN, Kind, LIVE, PRINT_XML, flag, optional, required,
};
use crate::output::Reply;
use virtxen_guest::{Device, DiskDevice};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "change-media",
    group: Group::Devices,
    summary: "change what lies in a CD or floppy drive",
    about: "One of --eject, --insert and --update; --update is meant if none is given.",
    options: &[
        DOMAIN,
        required(
            "path",
            Kind::Text("drive"),
            "name of the drive in the guest, or its source",
        ),
        optional("source", Kind::Text("path"), "what is put in"),
        flag("eject", "take out what is in"),
        flag("insert", "put something into an empty drive"),
        flag("update", "put something in, whatever was there"),
        CURRENT,
        LIVE,
        CONFIG,
        flag(
            "force",
            "accepted for virsh's sake; Xen's drives have no lock",
        ),
        PRINT_XML,
        flag("block", "the source is a block device"),
    ],
    run: |session, args| Box::pin(change(session, args)),
}];

async fn change(session: &Session, args: &Args) -> Result<Reply> {
    args.exclusive("eject", "insert")?;
    args.exclusive("eject", "update")?;
    args.exclusive("insert", "update")?;
    let path = args.required("path")?;
    let medium = args.text("source");
    let (domain, guest) = guest_of(session, args).await?;
    let drive = find(&guest, path)
        .filter(|disk| matches!(disk.device, DiskDevice::Cdrom | DiskDevice::Floppy))
        .ok_or_else(|| {
            Error::NotFound(format!(
                "No removable drive whose source path or target is {path}"
            ))
        })?;
    let name = &drive.target;
    match (args.flag("eject"), drive.is_empty(), medium) {
        (true, true, _) => {
            return Err(Error::Failed(format!(
                "The disk device '{name}' doesn't have media"
            )));
        }
        (true, false, Some(_)) => {
            return Err(Error::usage("--eject takes no source"));
        }
        (false, false, Some(_)) if args.flag("insert") => {
            return Err(Error::Failed(format!(
                "The disk device '{name}' already has media"
            )));
        }
        (false, _, None) => {
            return Err(Error::usage("New disk media source was not specified"));
        }
        _ => {}
    }
    let mut drive = drive.clone();
    let block = args.flag("block").then_some(true);
    drive.source = source(medium.unwrap_or(""), block);
    device(
        session,
        args,
        &domain,
        Change::Update,
        &Device::Disk(Box::new(drive)),
    )
    .await
}
