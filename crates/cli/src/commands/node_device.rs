//! Commands about PCI devices of the host, which guests can have when its own drivers do
//! not.

use super::{Command, Group};
use crate::connect::Session;
use crate::error::{Context, Result};
use crate::options::{Args, Kind, Opt, named, required};
use crate::output::Reply;
use crate::table::clean;
use serde_json::json;

/// A device that is there.
const DEVICE: Opt = required(
    "device",
    Kind::Text("device"),
    "address of a PCI device, such as 0000:03:00.0, or libvirt's name of it: pci_0000_03_00_0",
);

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "nodedev-detach",
        group: Group::Host,
        summary: "take a PCI device from the host's driver for guests",
        about: "The kernel's driver pciback keeps it until a guest gets it (attach-device, or \
                <hostdev> in its document) and afterwards. A device that is there with \
                managed='yes' needs none of this.",
        options: &[
            DEVICE,
            named(
                "driver",
                Kind::Word(&["xen"]),
                "the driver that keeps it: there is one",
            ),
        ],
        run: |session, args| Box::pin(detach(session, args)),
    },
    Command {
        name: "nodedev-reattach",
        group: Group::Host,
        summary: "give a PCI device back to the host's drivers",
        about: "The device must not be in use by a running guest.",
        options: &[DEVICE],
        run: |session, args| Box::pin(reattach(session, args)),
    },
    Command {
        name: "nodedev-reset",
        group: Group::Host,
        summary: "reset a PCI device of the host",
        about: "In the way that the kernel knows for it; not every device has one. The device \
                must not be in use by a running guest.",
        options: &[DEVICE],
        run: |session, args| Box::pin(reset(session, args)),
    },
];

async fn detach(session: &Session, args: &Args) -> Result<Reply> {
    let device = args.required("device")?;
    let driver = session.driver().await?;
    driver
        .detach_node_device(device, args.text("driver"))
        .await
        .context(|| format!("Failed to detach device {device}"))?;
    Ok(done(session, device, "detached"))
}

async fn reattach(session: &Session, args: &Args) -> Result<Reply> {
    let device = args.required("device")?;
    let driver = session.driver().await?;
    driver
        .reattach_node_device(device)
        .await
        .context(|| format!("Failed to re-attach device {device}"))?;
    Ok(done(session, device, "re-attached"))
}

async fn reset(session: &Session, args: &Args) -> Result<Reply> {
    let device = args.required("device")?;
    let driver = session.driver().await?;
    driver
        .reset_node_device(device)
        .await
        .context(|| format!("Failed to reset device {device}"))?;
    Ok(done(session, device, "reset"))
}

fn done(session: &Session, device: &str, what: &str) -> Reply {
    let json = session.marked(json!({ "device": device, "done": what }));
    Reply::new(json).line(format!("Device {} {what}", clean(device)))
}
