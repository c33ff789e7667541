//! Commands that tell what is known of one domain: state, names, numbers.

use super::{Command, Group, list};
use crate::connect::Session;
use crate::error::{Context, Result};
use crate::json;
use crate::options::{Args, DOMAIN, flag};
use crate::output::Reply;
use crate::table;
use serde_json::json;
use virtxen_driver::{Connection, Domain, DomainKey};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "dominfo",
        group: Group::Monitoring,
        summary: "show what is known of a domain",
        about: "Memory is in KiB. 'unknown' stands where the host does not tell.",
        options: &[DOMAIN],
        run: |session, args| Box::pin(dominfo(session, args)),
    },
    Command {
        name: "domstate",
        group: Group::Monitoring,
        summary: "show the state of a domain",
        about: "",
        options: &[
            DOMAIN,
            flag("reason", "say how it came into this state, as far as known"),
        ],
        run: |session, args| Box::pin(domstate(session, args)),
    },
    Command {
        name: "domid",
        group: Group::Monitoring,
        summary: "print the number of a domain, - if it is inactive",
        about: "",
        options: &[DOMAIN],
        run: |session, args| {
            Box::pin(one(session, args, |domain| {
                domain
                    .id
                    .map_or_else(|| "-".to_owned(), |id| id.to_string())
            }))
        },
    },
    Command {
        name: "domname",
        group: Group::Monitoring,
        summary: "print the name of a domain",
        about: "",
        options: &[DOMAIN],
        run: |session, args| Box::pin(one(session, args, |domain| domain.name.clone())),
    },
    Command {
        name: "domuuid",
        group: Group::Monitoring,
        summary: "print the UUID of a domain",
        about: "",
        options: &[DOMAIN],
        run: |session, args| Box::pin(one(session, args, |domain| domain.uuid.to_string())),
    },
];

async fn dominfo(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let driver = session.driver().await?;
    let autostart = autostart(driver, &domain).await?;
    let saved = driver
        .has_managed_save(&DomainKey::from(&domain))
        .await
        .context(|| format!("Failed to look for what was saved of '{}'", domain.name))?;
    let yes_no = |value: Option<bool>, yes: &str, no: &str| {
        value.map_or_else(
            || "unknown".to_owned(),
            |value| (if value { yes } else { no }).to_owned(),
        )
    };
    let mut fields = vec![
        (
            "Id",
            domain
                .id
                .map_or_else(|| "-".to_owned(), |id| id.to_string()),
        ),
        ("Name", domain.name.clone()),
        ("UUID", domain.uuid.to_string()),
        ("OS Type", domain.os_type().to_owned()),
        ("State", domain.state.to_string()),
        ("CPU(s)", domain.vcpus.to_string()),
    ];
    if domain.is_active() {
        fields.push(("CPU time", format!("{:.1}s", domain.cpu_time.as_secs_f64())));
    }
    fields.extend([
        ("Max memory", format!("{} KiB", domain.max_memory.0)),
        ("Used memory", format!("{} KiB", domain.memory.0)),
        ("Persistent", yes_no(domain.persistent, "yes", "no")),
        ("Autostart", yes_no(autostart, "enable", "disable")),
        ("Managed save", yes_no(Some(saved), "yes", "no")),
    ]);
    if session.is_simulated() {
        fields.push(("Host", "simulated".to_owned()));
    }
    let mut document = json::domain(&domain);
    if let Some(object) = document.as_object_mut() {
        object.insert("autostart".to_owned(), json!(autostart));
        object.insert("managed_save".to_owned(), json!(saved));
    }
    Ok(Reply::new(session.marked(document)).text(table::fields(&fields, 16)))
}

/// Whether the domain is started with the host; `None` where the host has no such
/// thing, as for Domain-0 and before Xen 3.0.4.
async fn autostart(driver: &dyn Connection, domain: &Domain) -> Result<Option<bool>> {
    /// libvirt's numbers for: not this driver, refused, not in this state, not this host.
    const NO_SUCH_THING: [i32; 4] = [3, 9, 55, 84];
    match driver.autostart(&DomainKey::from(domain)).await {
        Ok(autostart) => Ok(Some(autostart)),
        Err(error) if NO_SUCH_THING.contains(&error.libvirt().code) => Ok(None),
        Err(error) => {
            Err(error).context(|| format!("Failed to get autostart of domain '{}'", domain.name))
        }
    }
}

async fn domstate(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let color = session.printer.color();
    let mut text = list::style(domain.state).paint(&domain.state.to_string(), color);
    if args.flag("reason") {
        text.push_str(&format!(" ({})", domain.reason));
    }
    let json = json!({
        "name": domain.name,
        "state": domain.state.to_string(),
        "reason": domain.reason.to_string(),
    });
    Ok(Reply::new(session.marked(json)).line(text))
}

async fn one(session: &Session, args: &Args, word: fn(&Domain) -> String) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let json = json!({
        "id": domain.id.map(|id| id.0),
        "name": domain.name,
        "uuid": domain.uuid.to_string(),
    });
    Ok(Reply::new(session.marked(json)).line(table::clean(&word(&domain))))
}
