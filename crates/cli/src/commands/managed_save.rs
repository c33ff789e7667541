//! `managedsave…` and `save-image…`: domains put away into files that virtxen knows, and
//! the documents in files of saved domains.

use super::lifecycle::act;
use super::{Command, Group, edit};
use crate::connect::Session;
use crate::document;
use crate::error::{Context, Result};
use crate::json;
use crate::options::{Args, DOMAIN, Kind, Opt, flag, required};
use crate::output::Reply;
use crate::progress;
use serde_json::json;
use std::path::{Path, PathBuf};
use virtxen_driver::{DomainKey, Monitor};

const FILE: Opt = required("file", Kind::File, "file with a saved domain");
const XML: Opt = required(
    "xml",
    Kind::File,
    "file with the new XML, - for standard input",
);
const SECURE: Opt = flag("security-info", "with passwords");
const SAME: &str = "Name, UUID, kind, memory, vcpus and the number of disks and interfaces have to \
                    be those of the domain whose memory is in the file.";

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "managedsave",
        group: Group::Moving,
        summary: "put a domain away; its next start goes on from there",
        about: "The file is XenD's own, in /var/lib/libvirt/xen/save. 'start --force-boot' does \
                without it.",
        options: &[
            DOMAIN,
            flag("verbose", "show progress (the default on a terminal)"),
        ],
        run: |session, args| Box::pin(managed_save(session, args)),
    },
    Command {
        name: "managedsave-remove",
        group: Group::Moving,
        summary: "remove what 'managedsave' has put away of a domain",
        about: "",
        options: &[DOMAIN],
        run: |session, args| {
            Box::pin(act(
                session,
                args,
                "managedsave-remove",
                "has no managed save image any more",
                async |driver, key| driver.managed_save_remove(key).await,
            ))
        },
    },
    Command {
        name: "managedsave-dumpxml",
        group: Group::Moving,
        summary: "print the XML in a domain's managed save",
        about: "",
        options: &[DOMAIN, SECURE],
        run: |session, args| Box::pin(managed_xml(session, args)),
    },
    Command {
        name: "managedsave-define",
        group: Group::Moving,
        summary: "change the XML in a domain's managed save",
        about: SAME,
        options: &[DOMAIN, XML],
        run: |session, args| Box::pin(define_managed(session, args)),
    },
    Command {
        name: "managedsave-edit",
        group: Group::Moving,
        summary: "change the XML in a domain's managed save in an editor",
        about: SAME,
        options: &[DOMAIN],
        run: |session, args| Box::pin(edit_managed(session, args)),
    },
    Command {
        name: "save-image-dumpxml",
        group: Group::Moving,
        summary: "print the XML in a file of 'save'",
        about: "Files of XenD and of libvirt's driver for libxl are understood.",
        options: &[FILE, SECURE],
        run: |session, args| Box::pin(image_xml(session, args)),
    },
    Command {
        name: "save-image-define",
        group: Group::Moving,
        summary: "change the XML in a file of 'save'",
        about: SAME,
        options: &[FILE, XML],
        run: |session, args| Box::pin(define_image(session, args)),
    },
    Command {
        name: "save-image-edit",
        group: Group::Moving,
        summary: "change the XML in a file of 'save' in an editor",
        about: SAME,
        options: &[FILE],
        run: |session, args| Box::pin(edit_image(session, args)),
    },
];

async fn managed_save(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let monitor = Monitor::default();
    let driver = session.driver().await?;
    let key = DomainKey::from(&domain);
    let work = driver.managed_save(&key, &monitor);
    let name = &domain.name;
    progress::watch(session, "Managedsave", &monitor, work)
        .await
        .context(|| format!("Failed to save domain '{name}' state"))?;
    Ok(Reply::new(json::done(&domain, "managedsave"))
        .note(format!("\nDomain '{name}' state saved by libvirt")))
}

async fn managed_xml(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let driver = session.driver().await?;
    let xml = driver
        .managed_save_xml(&DomainKey::from(&domain), args.flag("security-info"))
        .await
        .context(|| format!("Failed to get the XML of '{}' that was saved", domain.name))?;
    let json = json!({ "domain": domain.name, "uuid": domain.uuid.to_string(), "xml": xml });
    Ok(Reply::new(session.marked(json)).text(xml))
}

async fn define_managed(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let file = args.required("xml")?;
    let xml = document::read(file)?;
    let driver = session.driver().await?;
    let name = &domain.name;
    driver
        .define_managed_save(&DomainKey::from(&domain), &xml)
        .await
        .map_err(|error| document::failed(file, error))
        .context(|| format!("Failed to update {name} XML configuration"))?;
    let said = format!("Managed save state file of domain '{name}' updated.");
    Ok(Reply::new(json::done(&domain, "managedsave-define")).note(said))
}

async fn edit_managed(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let driver = session.driver().await?;
    let (key, name) = (DomainKey::from(&domain), &domain.name);
    let before = driver
        .managed_save_xml(&key, true)
        .await
        .context(|| format!("Failed to get the XML of '{name}' that was saved"))?;
    let define = async |xml: &str| driver.define_managed_save(&key, xml).await;
    let changed = edit::in_editor(session, &before, define)
        .await
        .context(|| format!("Failed to edit what was saved of '{name}'"))?;
    let said = match changed {
        Some(()) => format!("Managed save image of domain '{name}' XML configuration edited."),
        None => format!("Managed save image of domain '{name}' XML configuration not changed."),
    };
    Ok(Reply::new(json::done(&domain, "managedsave-edit")).note(said))
}

async fn image_xml(session: &Session, args: &Args) -> Result<Reply> {
    let file = absolute(args.required("file")?);
    let driver = session.driver().await?;
    let xml = driver
        .image_xml(&file, args.flag("security-info"))
        .await
        .context(|| format!("Failed to get the XML of {}", file.display()))?;
    let json = json!({ "file": file.display().to_string(), "xml": xml });
    Ok(Reply::new(session.marked(json)).text(xml))
}

async fn define_image(session: &Session, args: &Args) -> Result<Reply> {
    let file = absolute(args.required("file")?);
    let given = args.required("xml")?;
    let xml = document::read(given)?;
    let driver = session.driver().await?;
    driver
        .define_image(&file, &xml)
        .await
        .map_err(|error| document::failed(given, error))
        .context(|| format!("Failed to update {}", file.display()))?;
    Ok(done(&file, "save-image-define").note(format!("State file {} updated.", file.display())))
}

async fn edit_image(session: &Session, args: &Args) -> Result<Reply> {
    let file = absolute(args.required("file")?);
    let driver = session.driver().await?;
    let before = driver
        .image_xml(&file, true)
        .await
        .context(|| format!("Failed to get the XML of {}", file.display()))?;
    let define = async |xml: &str| driver.define_image(&file, xml).await;
    let changed = edit::in_editor(session, &before, define)
        .await
        .context(|| format!("Failed to edit {}", file.display()))?;
    let said = match changed {
        Some(()) => format!("State file {} edited.", file.display()),
        None => format!(
            "Saved image {} XML configuration not changed.",
            file.display()
        ),
    };
    Ok(done(&file, "save-image-edit").note(said))
}

fn done(file: &Path, action: &str) -> Reply {
    Reply::new(json!({ "action": action, "file": file.display().to_string() }))
}

/// XenD has another working directory than we.
pub(super) fn absolute(file: &str) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| PathBuf::from(file))
}
