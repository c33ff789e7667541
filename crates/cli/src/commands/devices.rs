//! `attach-device`, `detach-device`, `update-device`: any device, from a file with
//! its XML. Also what the commands for one kind of device share.

use super::{Command, Group, affect};
use crate::connect::Session;
use crate::document;
use crate::error::{Context, Result};
use crate::json;
use crate::options::{Args, CONFIG, CURRENT, DOMAIN, Kind, LIVE, Opt, PERSISTENT, required};
use crate::output::Reply;
use serde_json::json;
use virtxen_driver::{Domain, DomainKey};
use virtxen_guest::{Device, FormatOptions, format_device};

const OPTIONS: &[Opt] = &[
    DOMAIN,
    required(
        "file",
        Kind::File,
        "file with the device's XML, - for standard input",
    ),
    PERSISTENT,
    CONFIG,
    LIVE,
    CURRENT,
];

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "attach-device",
        group: Group::Devices,
        summary: "add a device from an XML file to a domain",
        about: "",
        options: OPTIONS,
        run: |session, args| Box::pin(from_file(session, args, Change::Attach)),
    },
    Command {
        name: "detach-device",
        group: Group::Devices,
        summary: "remove the device of an XML file from a domain",
        about: "A disk is found by its target, an interface by its hardware address.",
        options: OPTIONS,
        run: |session, args| Box::pin(from_file(session, args, Change::Detach)),
    },
    Command {
        name: "update-device",
        group: Group::Devices,
        summary: "change a device of a domain as an XML file says",
        about: "The medium of a CD drive can be changed.",
        options: OPTIONS,
        run: |session, args| Box::pin(from_file(session, args, Change::Update)),
    },
];

/// What is done with a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is added.
    Attach,
    /// It is removed.
    Detach,
    /// It is changed.
    Update,
}

impl Change {
    /// The word for messages.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Attach => "attach",
            Self::Detach => "detach",
            Self::Update => "update",
        }
    }
}

async fn from_file(session: &Session, args: &Args, change: Change) -> Result<Reply> {
    let file = args.required("file")?;
    let xml = document::read(file)?;
    let failed = || format!("Failed to {} device from {file}", change.verb());
    let domain = session.domain(args).await?;
    apply(session, args, &domain, change, (file, &xml))
        .await
        .context(failed)?;
    let done = match change {
        Change::Attach => "attached",
        Change::Detach => "detached",
        Change::Update => "updated",
    };
    let action = format!("{}-device", change.verb());
    Ok(Reply::new(json::done(&domain, &action)).note(format!("Device {done} successfully")))
}

/// Does what a command for one kind of device was asked for, or only prints the
/// XML (`--print-xml`).
pub(super) async fn device(
    session: &Session,
    args: &Args,
    domain: &Domain,
    change: Change,
    device: &Device,
) -> Result<Reply> {
    let options = FormatOptions {
        secure: true,
        ..FormatOptions::default()
    };
    let xml = format_device(device, &options);
    if args.flag("print-xml") {
        return Ok(Reply::new(json!({ "xml": xml })).text(xml));
    }
    let kind = device.element_name();
    apply(session, args, domain, change, (kind, &xml))
        .await
        .context(|| format!("Failed to {} {kind}", change.verb()))?;
    let (title, done) = match (device, change) {
        (Device::Interface(_), Change::Attach) => ("Interface", "attached"),
        (Device::Interface(_), _) => ("Interface", "detached"),
        (_, Change::Attach) => ("Disk", "attached"),
        (_, Change::Detach) => ("Disk", "detached"),
        (_, Change::Update) => ("Media", "updated"),
    };
    let mut json = json::done(domain, &format!("{}-{kind}", change.verb()));
    if let Some(object) = json.as_object_mut() {
        object.insert("xml".to_owned(), json!(xml));
    }
    Ok(Reply::new(json).note(format!("{title} {done} successfully")))
}

/// Changes a domain as a document says: its name for messages, its text.
async fn apply(
    session: &Session,
    args: &Args,
    domain: &Domain,
    change: Change,
    (name, xml): (&str, &str),
) -> Result<()> {
    let mut affect = affect(args)?;
    affect.live |= args.flag("persistent") && domain.is_active();
    let key = DomainKey::from(domain);
    let driver = session.driver().await?;
    let failed = |error| document::failed(name, error);
    if change != Change::Detach {
        let losses = driver.device_losses(&key, xml, session.strict).await;
        document::warn(session, name, &losses.map_err(failed)?);
    }
    let done = match change {
        Change::Attach => driver.attach_device(&key, xml, affect).await,
        Change::Detach => driver.detach_device(&key, xml, affect).await,
        Change::Update => driver.update_device(&key, xml, affect).await,
    };
    done.map_err(failed)
}
