//! `list`: the domains of the host, as a table or as bare names.

use super::{Command, Group};
use crate::color::Style;
use crate::connect::Session;
use crate::error::{Context, Error, Result};
use crate::json;
use crate::options::{Args, flag};
use crate::output::Reply;
use crate::table::{Cell, Table, clean};
use serde_json::{Map, Value, json};
use virtxen_driver::{Domain, DomainKey, ListFilter, State};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "list",
    group: Group::Lifecycle,
    summary: "list domains",
    about: "Without options the active domains are listed, with Domain-0 as the first. \
            States are those of libvirt: a domain that waits for something is 'idle', and \
            --state-running lists those that are on a processor now, as with virsh; idle ones \
            are among --state-other.",
    options: &[
        flag("inactive", "list inactive domains only"),
        flag("all", "list active and inactive domains"),
        flag("transient", "list domains that vanish when they stop"),
        flag("persistent", "list domains that are defined"),
        flag("state-running", "list domains that are on a processor"),
        flag("state-paused", "list paused domains"),
        flag("state-shutoff", "list domains that are shut off"),
        flag(
            "state-other",
            "list domains in other states: idle ones above all",
        ),
        flag("autostart", "list domains that are started with the host"),
        flag(
            "no-autostart",
            "list domains that are not started with the host",
        ),
        flag(
            "with-managed-save",
            "list domains that 'managedsave' has put away",
        ),
        flag("without-managed-save", "list domains that it has not"),
        flag("with-snapshot", "list domains that have snapshots"),
        flag("without-snapshot", "list domains that have none"),
        flag("uuid", "print UUIDs only, one a line"),
        flag("name", "print names only, one a line"),
        flag("id", "print numbers only, one a line"),
        flag("table", "print a table (default)"),
        flag("title", "show the title of each domain too"),
    ],
    run: |session, args| Box::pin(list(session, args)),
}];

async fn list(session: &Session, args: &Args) -> Result<Reply> {
    let bare = args.flag("name") || args.flag("uuid") || args.flag("id");
    if args.flag("table") && bare {
        return Err(Error::usage(
            "Only one of --table and --name, --uuid, --id may be given",
        ));
    }
    let driver = session.driver().await?;
    let mut domains = driver
        .list(&filter(args))
        .await
        .context(|| "Failed to list domains".to_owned())?;
    domains.sort_by(|a, b| (a.id.is_none(), a.id, &a.name).cmp(&(b.id.is_none(), b.id, &b.name)));
    let titles = if args.flag("title") {
        titles(session, &domains).await?
    } else {
        Vec::new()
    };
    let reply = Reply::new(if session.printer.json {
        session.marked(document(&domains, &titles))
    } else {
        // It is not printed, and that of a thousand domains takes its time.
        Value::Null
    });
    if bare {
        return Ok(reply.text(words(args, &domains)));
    }
    Ok(reply.table(table(session, &domains, &titles)))
}

/// The list as JSON, with titles if there are any.
fn document(domains: &[Domain], titles: &[String]) -> Value {
    let mut list: Vec<_> = domains.iter().map(json::domain).collect();
    for (domain, title) in list.iter_mut().zip(titles) {
        if let Some(domain) = domain.as_object_mut() {
            domain.insert("title".to_owned(), json!(title));
        }
    }
    Value::Object(Map::from_iter([("domains".to_owned(), list.into())]))
}

/// libvirt's groups of states, as the options that choose them end.
const STATES: [(&str, &[State]); 4] = [
    ("running", &[State::Running]),
    ("paused", &[State::Paused]),
    ("shutoff", &[State::Shutoff]),
    (
        "other",
        &[
            State::NoState,
            State::Blocked,
            State::Shutdown,
            State::Crashed,
            State::PmSuspended,
        ],
    ),
];

/// The states of the groups that were asked for by options with this beginning.
pub(super) fn states(args: &Args, prefix: &str) -> Vec<State> {
    let asked = |(end, _): &&(&str, &[State])| args.flag(&format!("{prefix}{end}"));
    let groups = STATES.iter().filter(asked);
    groups.flat_map(|(_, states)| *states).copied().collect()
}

fn filter(args: &Args) -> ListFilter {
    ListFilter {
        active: !args.flag("inactive") && !args.flag("all"),
        inactive: args.flag("inactive") && !args.flag("all"),
        persistent: args.flag("persistent"),
        transient: args.flag("transient"),
        autostart: args.flag("autostart"),
        no_autostart: args.flag("no-autostart"),
        managed_save: args.flag("with-managed-save"),
        no_managed_save: args.flag("without-managed-save"),
        snapshots: args.flag("with-snapshot"),
        no_snapshots: args.flag("without-snapshot"),
        states: states(args, "state-"),
    }
}

/// Number, UUID and name as asked for, one domain a line.
fn words(args: &Args, domains: &[Domain]) -> String {
    let mut text = String::new();
    for domain in domains {
        let mut words = Vec::new();
        if args.flag("id") {
            words.push(
                domain
                    .id
                    .map_or_else(|| "-".to_owned(), |id| id.to_string()),
            );
        }
        if args.flag("uuid") {
            words.push(domain.uuid.to_string());
        }
        if args.flag("name") {
            words.push(clean(&domain.name));
        }
        text.push_str(&words.join(" "));
        text.push('\n');
    }
    text
}

fn table(session: &Session, domains: &[Domain], titles: &[String]) -> Table {
    let mut header = vec!["Id", "Name", "State"];
    if !titles.is_empty() {
        header.push("Title");
    }
    let mut table = Table::new(&header).remark(session.remark());
    let mut titles = titles.iter();
    for domain in domains {
        let id = domain
            .id
            .map_or_else(|| "-".to_owned(), |id| id.to_string());
        let state = Cell::from(domain.state.to_string()).styled(style(domain.state));
        let mut row = vec![id.into(), domain.name.as_str().into(), state];
        row.extend(titles.next().map(|title| Cell::from(title.as_str())));
        table.row(row);
    }
    table
}

/// The colour of a state.
pub(super) fn style(state: State) -> Style {
    match state {
        State::Running | State::Blocked => Style::Green,
        State::Paused | State::Shutdown | State::PmSuspended => Style::Yellow,
        State::Crashed => Style::Red,
        State::NoState => Style::Plain,
        State::Shutoff => Style::Dim,
    }
}

/// The titles stand in the guests' documents, so each is asked for.
async fn titles(session: &Session, domains: &[Domain]) -> Result<Vec<String>> {
    let driver = session.driver().await?;
    let mut titles = Vec::new();
    for domain in domains {
        let guest = driver
            .guest(&DomainKey::from(domain), false)
            .await
            .context(|| format!("Failed to get the title of domain '{}'", domain.name))?;
        titles.push(guest.title.unwrap_or_default());
    }
    Ok(titles)
}
