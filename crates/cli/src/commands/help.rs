//! `help`: the list of commands, and one command in full, from the table.

use super::{Command, Group, find, of_group};
use crate::color::Style;
use crate::connect::Session;
use crate::error::{Error, Result};
use crate::exit;
use crate::options::{Args, Kind, Opt, optional};
use crate::output::Reply;
use serde_json::{Value, json};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "help",
    group: Group::Virtxen,
    summary: "list the commands, or explain one",
    about: "",
    options: &[optional("command", Kind::Command, "name of a command")],
    run: |session, args| Box::pin(async { help(session, args) }),
}];

/// The options that come before a command, with what they do.
pub(crate) const GLOBALS: &[(&str, &str)] = &[
    (
        "-c, --connect <uri>",
        "the host, else $VIRTXEN_DEFAULT_URI, else this machine's Xen",
    ),
    ("--json", "print one JSON document instead of text"),
    ("--strict", "treat warnings about documents as errors"),
    (
        "--trace",
        "print each request to the host on stderr, with its time",
    ),
    ("-q, --quiet", "print results only: no headers, no notes"),
    (
        "-t, --timeout <seconds>",
        "the longest time that an operation may take",
    ),
    ("-h, --help", "print this help"),
    ("-v, --version", "print the version of virtxen"),
];

/// The URIs of `--connect`, with what they mean.
pub(crate) const URIS: &[(&str, &str)] = &[
    (
        "xen:///system",
        "the Xen host that virtxen runs on; xen: and xen:/// are the same",
    ),
    (
        "xen:///system?xm-dir=/path",
        "the same, with xm's files (inactive guests before Xen 3.0.4) there, not in /etc/xen",
    ),
    (
        "xen:///system?xenstore=/path",
        "only the xenstored on a UNIX socket: what is there, not what it does",
    ),
    (
        "xend+unix:///path",
        "XenD on a UNIX socket; ?xm-dir=/path names the folder of xm's files",
    ),
    (
        "xend+tcp://host:port",
        "XenD on a TCP port; it has no authentication",
    ),
    (
        "virtxen+unix:///path",
        "virtxend on a UNIX socket; ?readonly=1 changes nothing",
    ),
    (
        "virtxen+ssh://user@host/path",
        "virtxend on another host, by ssh",
    ),
    (
        "virtxen+tls://host:port/",
        "virtxend over TLS; ?pkipath=/path names the certificates",
    ),
    (
        "virtxen+tcp://host:port/",
        "virtxend over TCP, in plain text",
    ),
    ("sim:", "a host in memory, to try virtxen without Xen"),
    (
        "sim:?release=3.0.3&guests=9",
        "the same with an older XenD and some guests",
    ),
];

fn help(session: &Session, args: &Args) -> Result<Reply> {
    match args.text("command") {
        None => Ok(overview(session)),
        Some(name) => {
            let command = find(name)
                .ok_or_else(|| Error::NotFound(format!("command '{name}' doesn't exist")))?;
            Ok(help_of(session, command))
        }
    }
}

fn overview(session: &Session) -> Reply {
    let color = session.printer.color();
    let title = |text: &str| Style::Bold.paint(text, color);
    let mut text = format!(
        "virtxen manages Xen guests from libvirt's domain XML.\n\n\
         {} virtxen [options] COMMAND [command's options]\n       \
         virtxen [options] 'COMMAND; COMMAND; …'\n       \
         virtxen [options]            starts the shell\n\n",
        title("Usage:")
    );
    let section = |text: &mut String, name: &str, rows: &[(&str, &str)], width: usize| {
        text.push_str(&format!("{}\n", title(name)));
        for (word, help) in rows {
            text.push_str(&format!("  {word:width$} {help}\n"));
        }
        text.push('\n');
    };
    section(&mut text, "Options", GLOBALS, 24);
    section(&mut text, "Hosts", URIS, 28);
    for group in Group::SHOWN {
        let rows: Vec<_> = of_group(group).map(|c| (c.name, c.summary)).collect();
        section(&mut text, group.title(), &rows, 20);
    }
    text.push_str(&format!("{}\n", title("Exit status")));
    for (exit, help) in exit::TABLE {
        text.push_str(&format!("  {:<4} {help}\n", exit.code()));
    }
    text.push_str("\n'virtxen help COMMAND' and 'virtxen COMMAND --help' explain a command.\n");
    let commands: Vec<Value> = Group::SHOWN
        .into_iter()
        .flat_map(of_group)
        .map(command_json)
        .collect();
    let statuses: Vec<Value> = exit::TABLE
        .iter()
        .map(|(exit, help)| json!({ "status": exit.code(), "meaning": help }))
        .collect();
    Reply::new(json!({ "commands": commands, "exit_statuses": statuses })).text(text)
}

/// What a command does and takes.
pub(crate) fn help_of(session: &Session, command: &Command) -> Reply {
    let color = session.printer.color();
    let title = |text: &str| Style::Bold.paint(text, color);
    let mut text = format!(
        "  {}\n    {} - {}\n",
        title("NAME"),
        command.name,
        command.summary
    );
    text.push_str(&format!("\n  {}\n", title("SYNOPSIS")));
    text.push_str(&wrap(&command.synopsis(), 4, 8));
    if !command.about.is_empty() {
        text.push_str(&format!("\n  {}\n", title("DESCRIPTION")));
        text.push_str(&wrap(command.about, 4, 4));
    }
    if !command.options.is_empty() {
        text.push_str(&format!("\n  {}\n", title("OPTIONS")));
        for option in command.options {
            let usage = option.usage();
            let gap = if usage.len() < 24 {
                24 - usage.len()
            } else {
                2
            };
            text.push_str(&format!("    {usage}{}{}\n", " ".repeat(gap), option.help));
        }
    }
    Reply::new(command_json(command)).text(text)
}

fn command_json(command: &Command) -> Value {
    json!({
        "name": command.name,
        "group": command.group.title(),
        "summary": command.summary,
        "description": command.about,
        "synopsis": command.synopsis(),
        "options": command.options.iter().map(option_json).collect::<Vec<_>>(),
    })
}

fn option_json(option: &Opt) -> Value {
    json!({
        "name": option.name,
        "value": option.value_name(),
        "required": option.is_required(),
        "repeated": option.is_repeated(),
        "help": option.help,
    })
}

/// Breaks text into lines of at most 90 characters.
pub(super) fn wrap(text: &str, first: usize, rest: usize) -> String {
    let mut lines = String::new();
    let mut line = " ".repeat(first);
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > 90 {
            lines.push_str(&line);
            lines.push('\n');
            line = " ".repeat(rest);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines + &line + "\n"
}
