//! `snapshot-…`: snapshots of domains. What one keeps, and where, is the driver's and the
//! host's.

use super::{Command, Group, edit};
use crate::connect::Session;
use crate::document;
use crate::error::{Context, Error, Result};
use crate::json;
use crate::options::{Args, DOMAIN, Kind, Opt, flag, optional, required};
use crate::output::Reply;
use crate::progress;
use crate::table::Table;
use crate::time;
use serde_json::{Value, json};
use virtxen_driver::{
    Domain, DomainKey, Monitor, SnapshotDeletion, SnapshotEntry, SnapshotFlags, SnapshotRevert,
};
use virtxen_guest::{FormatOptions, Snapshot, format_snapshot};

const NAME: Opt = required("snapshotname", Kind::Text("name"), "name of the snapshot");
const HALT: Opt = flag("halt", "leave the domain shut off");
const DISK_ONLY: Opt = flag("disk-only", "leave out the memory of a running domain");

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "snapshot-create",
        group: Group::Moving,
        summary: "take a snapshot of a domain, as an XML file describes it",
        about: "A domain that runs is put away while its disks are copied, and goes on. Disks \
                in qcow2 images keep it inside, thin LVM volumes and files beside them.",
        options: &[
            DOMAIN,
            optional(
                "xmlfile",
                Kind::File,
                "file with its XML, - for standard input",
            ),
            flag(
                "redefine",
                "take none: put its description in the place of the old one",
            ),
            flag("current", "with --redefine, make it the current one"),
            HALT,
            DISK_ONLY,
        ],
        run: |session, args| Box::pin(create(session, args)),
    },
    Command {
        name: "snapshot-create-as",
        group: Group::Moving,
        summary: "take a snapshot of a domain",
        about: "As 'snapshot-create', without a file.",
        options: &[
            DOMAIN,
            optional(
                "name",
                Kind::Text("name"),
                "its name; the time in seconds without",
            ),
            optional("description", Kind::Text("text"), "what it is for"),
            HALT,
            DISK_ONLY,
        ],
        run: |session, args| Box::pin(create_as(session, args)),
    },
    Command {
        name: "snapshot-list",
        group: Group::Moving,
        summary: "list the snapshots of a domain",
        about: "",
        options: &[
            DOMAIN,
            flag("parent", "with the one that each was taken after"),
            flag("name", "names only"),
        ],
        run: |session, args| Box::pin(list(session, args)),
    },
    Command {
        name: "snapshot-dumpxml",
        group: Group::Moving,
        summary: "print the XML of a snapshot",
        about: "",
        options: &[DOMAIN, NAME, flag("security-info", "with passwords")],
        run: |session, args| Box::pin(xml(session, args)),
    },
    Command {
        name: "snapshot-edit",
        group: Group::Moving,
        summary: "change the description of a snapshot in an editor",
        about: "What was kept is not changed.",
        options: &[DOMAIN, NAME],
        run: |session, args| Box::pin(edit_one(session, args)),
    },
    Command {
        name: "snapshot-current",
        group: Group::Moving,
        summary: "name the snapshot that a domain was taken or reverted to last",
        about: "",
        options: &[DOMAIN],
        run: |session, args| Box::pin(current(session, args)),
    },
    Command {
        name: "snapshot-revert",
        group: Group::Moving,
        summary: "go back to a snapshot",
        about: "A domain that runs is destroyed first. What its disks have had since is lost.",
        options: &[
            DOMAIN,
            NAME,
            flag("running", "start it, whatever it did then"),
            flag("paused", "leave it paused"),
        ],
        run: |session, args| Box::pin(revert(session, args)),
    },
    Command {
        name: "snapshot-delete",
        group: Group::Moving,
        summary: "remove a snapshot",
        about: "Those that were taken after it become children of the one before it.",
        options: &[
            DOMAIN,
            NAME,
            flag("children", "and all that were taken after it"),
            flag("children-only", "only those that were taken after it"),
            flag(
                "metadata",
                "only what is known of it: what it kept stays on the disks",
            ),
        ],
        run: |session, args| Box::pin(delete(session, args)),
    },
];

async fn create(session: &Session, args: &Args) -> Result<Reply> {
    let xml = match args.text("xmlfile") {
        Some(file) => document::read(file)?,
        None => "<domainsnapshot/>".to_owned(),
    };
    let flags = SnapshotFlags {
        redefine: args.flag("redefine"),
        current: args.flag("current"),
        halt: args.flag("halt"),
        disk_only: args.flag("disk-only"),
    };
    take(session, args, &xml, flags).await
}

async fn create_as(session: &Session, args: &Args) -> Result<Reply> {
    let snapshot = Snapshot {
        name: args.text("name").map(str::to_owned),
        description: args.text("description").map(str::to_owned),
        ..Snapshot::default()
    };
    let xml = format_snapshot(&snapshot, &FormatOptions::default());
    let flags = SnapshotFlags {
        halt: args.flag("halt"),
        disk_only: args.flag("disk-only"),
        ..SnapshotFlags::default()
    };
    take(session, args, &xml, flags).await
}

async fn take(session: &Session, args: &Args, xml: &str, flags: SnapshotFlags) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let monitor = Monitor::default();
    let driver = session.driver().await?;
    let key = DomainKey::from(&domain);
    let work = driver.snapshot_create(&key, xml, flags, &monitor);
    let name = progress::watch(session, "Snapshot", &monitor, work)
        .await
        .context(|| format!("Failed to take a snapshot of domain '{}'", domain.name))?;
    let said = match flags.redefine {
        true => format!("Domain snapshot {name} redefined"),
        false => format!("Domain snapshot {name} created"),
    };
    Ok(Reply::new(done(&domain, "snapshot-create", &name)).note(said))
}

async fn list(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let entries = entries(session, &domain).await?;
    let json: Vec<Value> = entries.iter().map(entry).collect();
    let reply = Reply::new(session.marked(json!({ "domain": domain.name, "snapshots": json })));
    if args.flag("name") {
        let names = entries.iter().map(|entry| format!("{}\n", entry.name));
        return Ok(reply.text(names.collect::<String>()));
    }
    let with_parent = args.flag("parent");
    let header: &[&str] = match with_parent {
        true => &["Name", "Creation Time", "State", "Parent"],
        false => &["Name", "Creation Time", "State"],
    };
    let mut table = Table::new(header).remark(session.remark());
    for entry in &entries {
        let mut row = vec![
            entry.name.clone().into(),
            time::utc(entry.created).into(),
            entry.state.to_string().into(),
        ];
        if with_parent {
            row.push(entry.parent.clone().unwrap_or_default().into());
        }
        table.row(row);
    }
    Ok(reply.table(table))
}

async fn xml(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let name = args.required("snapshotname")?;
    let driver = session.driver().await?;
    let xml = driver
        .snapshot_xml(&DomainKey::from(&domain), name, args.flag("security-info"))
        .await
        .context(|| format!("Failed to get the XML of snapshot '{name}'"))?;
    let json = json!({ "domain": domain.name, "snapshot": name, "xml": xml });
    Ok(Reply::new(session.marked(json)).text(xml))
}

async fn edit_one(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let name = args.required("snapshotname")?;
    let driver = session.driver().await?;
    let key = DomainKey::from(&domain);
    let before = driver
        .snapshot_xml(&key, name, true)
        .await
        .context(|| format!("Failed to get the XML of snapshot '{name}'"))?;
    let flags = SnapshotFlags {
        redefine: true,
        ..SnapshotFlags::default()
    };
    let monitor = Monitor::default();
    let define = async |xml: &str| driver.snapshot_create(&key, xml, flags, &monitor).await;
    let changed = edit::in_editor(session, &before, define)
        .await
        .context(|| format!("Failed to edit snapshot '{name}'"))?;
    let said = match changed {
        Some(name) => format!("Snapshot {name} edited."),
        None => format!("Snapshot {name} XML configuration not changed."),
    };
    Ok(Reply::new(done(&domain, "snapshot-edit", name)).note(said))
}

async fn current(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let entries = entries(session, &domain).await?;
    let Some(current) = entries.iter().find(|entry| entry.current) else {
        let name = &domain.name;
        return Err(Error::NotFound(format!(
            "domain '{name}' has no current snapshot"
        )));
    };
    let json = json!({ "domain": domain.name, "snapshot": current.name });
    Ok(Reply::new(session.marked(json)).text(format!("{}\n", current.name)))
}

async fn revert(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let name = args.required("snapshotname")?;
    let flags = SnapshotRevert {
        running: args.flag("running"),
        paused: args.flag("paused"),
    };
    let monitor = Monitor::default();
    let driver = session.driver().await?;
    let key = DomainKey::from(&domain);
    let work = driver.snapshot_revert(&key, name, flags, &monitor);
    let warnings = progress::watch(session, "Revert", &monitor, work)
        .await
        .context(|| format!("Failed to revert domain '{}' to '{name}'", domain.name))?;
    for warning in warnings {
        session.printer.warning(&warning);
    }
    let said = format!("Domain snapshot {name} reverted");
    Ok(Reply::new(done(&domain, "snapshot-revert", name)).note(said))
}

async fn delete(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let name = args.required("snapshotname")?;
    let flags = SnapshotDeletion {
        children: args.flag("children"),
        children_only: args.flag("children-only"),
        metadata_only: args.flag("metadata"),
    };
    let monitor = Monitor::default();
    let driver = session.driver().await?;
    let key = DomainKey::from(&domain);
    let work = driver.snapshot_delete(&key, name, flags, &monitor);
    let warnings = progress::watch(session, "Delete", &monitor, work)
        .await
        .context(|| format!("Failed to delete snapshot '{name}'"))?;
    for warning in warnings {
        session.printer.warning(&warning);
    }
    let said = match flags.children_only {
        true => format!("Domain snapshot {name} children deleted"),
        false => format!("Domain snapshot {name} deleted"),
    };
    Ok(Reply::new(done(&domain, "snapshot-delete", name)).note(said))
}

async fn entries(session: &Session, domain: &Domain) -> Result<Vec<SnapshotEntry>> {
    let driver = session.driver().await?;
    let entries = driver.snapshots(&DomainKey::from(domain)).await;
    entries.context(|| format!("Failed to list the snapshots of domain '{}'", domain.name))
}

fn entry(entry: &SnapshotEntry) -> Value {
    json!({
        "name": entry.name,
        "parent": entry.parent,
        "state": entry.state.to_string(),
        "created": entry.created,
        "current": entry.current,
        "memory": entry.has_memory,
    })
}

fn done(domain: &Domain, action: &str, name: &str) -> Value {
    let mut done = json::done(domain, action);
    if let Some(object) = done.as_object_mut() {
        object.insert("snapshot".to_owned(), json!(name));
    }
    done
}
