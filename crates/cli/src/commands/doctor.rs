//! `doctor`: which channels there are, which route each kind of operation takes,
//! and what to do about what is missing.

use super::{Command, Group};
use crate::color::Style;
use crate::connect::{Place, Session};
use crate::error::Result;
use crate::exit::Exit;
use crate::output::Reply;
use crate::table::{Cell, Table};
use serde_json::json;
use virtxen_connect::Uri;
use virtxen_host::Finding;

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "doctor",
    group: Group::Virtxen,
    summary: "show how the host is reached and what to do about what is missing",
    about: "Looks at this machine for every channel to Xen, then at the connection. Ends with 3 \
            if no host can be reached.",
    options: &[],
    run: |session, _| Box::pin(doctor(session)),
}];

async fn doctor(session: &Session) -> Result<Reply> {
    let uri = session.place()?;
    let mut text = format!("Connection: {uri}\n");
    let mut json = json!({ "uri": uri.to_string() });
    let mut exit = Exit::Ok;
    let mut tables = Vec::new();
    if matches!(uri, Place::Host(Uri::Xen { .. })) {
        let (table, findings) = findings(session, virtxen_host::look());
        tables.push(table);
        json["channels"] = findings;
    }
    match session.connection().await {
        Ok(connection) => {
            let version = connection.host.version().to_string();
            let simulated = if session.is_simulated() {
                " (simulated host)"
            } else {
                ""
            };
            text.push_str(&format!("Reached: Xen {version}{simulated}\n"));
            json["version"] = json!(version);
            if let Some(host) = connection.host.host() {
                let (table, channels) = findings(session, host.channels());
                tables.push(table);
                json["host_channels"] = channels;
                let (table, routes) = routes(session, &host.routes());
                tables.push(table);
                json["routes"] = routes;
                json["host_warnings"] = json!(host.warnings());
            } else {
                text.push_str("Through a daemon: its channels are shown on the host itself.\n");
            }
        }
        Err(error) => {
            exit = error.exit();
            text.push_str(&format!("Not reached: {}\n", error.messages().join(": ")));
            json["unreachable"] = json!(error.messages());
        }
    }
    let mut reply = Reply::new(session.marked(json)).text(text).exit(exit);
    for table in tables {
        reply = reply.text("\n").table(table);
    }
    Ok(reply)
}

fn findings(session: &Session, found: Vec<Finding>) -> (Table, serde_json::Value) {
    let mut table = Table::new(&["Channel", "Found", "Where", "Note"]).remark(session.remark());
    let mut list = Vec::new();
    for finding in found {
        list.push(json!({
            "channel": finding.channel, "place": finding.place, "found": finding.found,
            "note": finding.note,
        }));
        table.row(vec![
            finding.channel.into(),
            yes(finding.found),
            finding.place.into(),
            finding.note.into(),
        ]);
    }
    (table, json!(list))
}

fn routes(session: &Session, routes: &[virtxen_host::RouteReport]) -> (Table, serde_json::Value) {
    let mut table = Table::new(&["Operation", "Channel", "Note"]).remark(session.remark());
    let mut list = Vec::new();
    for route in routes {
        list.push(json!({
            "operation": route.operation, "channel": route.channel, "note": route.note,
        }));
        let channel = match &route.channel {
            Some(channel) => Cell::from(channel.as_str()).styled(Style::Green),
            None => Cell::from("-").styled(Style::Red),
        };
        table.row(vec![
            route.operation.into(),
            channel,
            route.note.as_str().into(),
        ]);
    }
    (table, json!(list))
}

fn yes(found: bool) -> Cell {
    if found {
        Cell::from("yes").styled(Style::Green)
    } else {
        Cell::from("no").styled(Style::Red)
    }
}
