//! `save`, `restore` and `dump`: a domain's memory to a file and back.

use super::managed_save::absolute;
use super::{Command, Group};
use crate::connect::Session;
use crate::document;
use crate::error::{Context, Result};
use crate::json;
use crate::options::{Args, DOMAIN, Kind, Opt, flag, named, required};
use crate::output::Reply;
use crate::progress;
use serde_json::json;
use std::path::Path;
use virtxen_driver::{DomainKey, DumpFlags, Monitor};

const FILE: Opt = required("file", Kind::File, "file on the host");
const XML: Opt = named("xml", Kind::File, "file with other XML for the domain");
const VERBOSE: Opt = flag("verbose", "show progress (the default on a terminal)");

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "save",
        group: Group::Moving,
        summary: "write a domain to a file and end it",
        about: "XenD writes the file, so it lies on the Xen host. 'restore' starts the domain \
                from it.",
        options: &[DOMAIN, FILE, XML, VERBOSE],
        run: |session, args| Box::pin(save(session, args)),
    },
    Command {
        name: "restore",
        group: Group::Moving,
        summary: "start a domain from a file of 'save'",
        about: "",
        options: &[FILE, XML],
        run: |session, args| Box::pin(restore(session, args)),
    },
    Command {
        name: "dump",
        group: Group::Moving,
        summary: "write the memory of a domain to a file for a debugger",
        about: "",
        options: &[
            DOMAIN,
            FILE,
            flag("live", "the domain runs on meanwhile"),
            flag("crash", "destroy the domain afterwards"),
            flag("reset", "restart the domain afterwards"),
            VERBOSE,
            flag(
                "memory-only",
                "accepted for virsh's sake; Xen dumps memory only",
            ),
        ],
        run: |session, args| Box::pin(dump(session, args)),
    },
];

async fn save(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let file = absolute(args.required("file")?);
    let monitor = Monitor::default();
    let driver = session.driver().await?;
    let key = DomainKey::from(&domain);
    let name = &domain.name;
    let xml = args.text("xml").map(document::read).transpose()?;
    let work = async {
        match &xml {
            Some(xml) => driver.save_as(&key, &file, xml, &monitor).await,
            None => driver.save(&key, &file, &monitor).await,
        }
    };
    progress::watch(session, "Save", &monitor, work)
        .await
        .context(|| format!("Failed to save domain '{name}' to {}", file.display()))?;
    Ok(Reply::new(with_file(json::done(&domain, "save"), &file))
        .note(format!("\nDomain '{name}' saved to {}", file.display())))
}

async fn restore(session: &Session, args: &Args) -> Result<Reply> {
    let file = absolute(args.required("file")?);
    let monitor = Monitor::default();
    let driver = session.driver().await?;
    let xml = args.text("xml").map(document::read).transpose()?;
    let work = async {
        match &xml {
            Some(xml) => driver.restore_as(&file, xml, &monitor).await,
            None => driver.restore(&file, &monitor).await,
        }
    };
    progress::watch(session, "Restore", &monitor, work)
        .await
        .context(|| format!("Failed to restore domain from {}", file.display()))?;
    Ok(Reply::new(with_file(json!({ "action": "restore" }), &file))
        .note(format!("Domain restored from {}", file.display())))
}

async fn dump(session: &Session, args: &Args) -> Result<Reply> {
    args.exclusive("crash", "reset")?;
    let domain = session.domain(args).await?;
    let file = absolute(args.required("file")?);
    let flags = DumpFlags {
        live: args.flag("live"),
        crash: args.flag("crash"),
        reset: args.flag("reset"),
    };
    let monitor = Monitor::default();
    let driver = session.driver().await?;
    let key = DomainKey::from(&domain);
    let work = driver.dump(&key, &file, flags, &monitor);
    let name = &domain.name;
    progress::watch(session, "Dump", &monitor, work)
        .await
        .context(|| format!("Failed to core dump domain '{name}' to {}", file.display()))?;
    Ok(Reply::new(with_file(json::done(&domain, "dump"), &file))
        .note(format!("\nDomain '{name}' dumped to {}", file.display())))
}

fn with_file(mut json: serde_json::Value, file: &Path) -> serde_json::Value {
    if let Some(object) = json.as_object_mut() {
        object.insert("file".to_owned(), json!(file.display().to_string()));
    }
    json
}
