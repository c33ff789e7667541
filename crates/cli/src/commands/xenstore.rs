//! `xenstore-ls` and its like: XenStore as it is, with the names of Xen's own tools.
//! What its nodes mean is not here.

use super::{Command, Group};
use crate::connect::Session;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::options::{Args, Kind, flag, named, one_or_more, optional, required};
use crate::output::Reply;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use virtxen_host::Store;
use virtxen_xenstore::{Entry, WatchEvent};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "xenstore-ls",
        group: Group::Host,
        summary: "list a tree of XenStore with its values",
        about: "Bytes that are no plain text are shown as \\n, \\t, \\r, \\\\, \\001 or \\xff.",
        options: &[
            optional("path", Kind::Text("path"), "where the tree begins (/)"),
            flag("full", "print whole paths instead of indented names"),
            flag(
                "permissions",
                "print who may read (r), write (w), both (b), or nothing (n); owner first",
            ),
        ],
        run: |session, args| Box::pin(list(session, args)),
    },
    Command {
        name: "xenstore-read",
        group: Group::Host,
        summary: "print values of XenStore",
        about: "",
        options: &[
            one_or_more("path", Kind::Text("path"), "nodes to read"),
            flag(
                "raw",
                "print the bytes as they are, not as xenstore-ls shows them",
            ),
        ],
        run: |session, args| Box::pin(read(session, args)),
    },
    Command {
        name: "xenstore-write",
        group: Group::Host,
        summary: "write a value to XenStore",
        about: "Guests and the toolstack act on what they find there.",
        options: &[
            required("path", Kind::Text("path"), "node, made if it is missing"),
            required(
                "value",
                Kind::Text("text"),
                "its value, written as xenstore-ls shows it",
            ),
            flag("raw", "take backslashes as they are"),
        ],
        run: |session, args| Box::pin(write(session, args)),
    },
    Command {
        name: "xenstore-rm",
        group: Group::Host,
        summary: "remove a node of XenStore and all below it",
        about: "",
        options: &[required("path", Kind::Text("path"), "node")],
        run: |session, args| Box::pin(remove(session, args)),
    },
    Command {
        name: "xenstore-watch",
        group: Group::Host,
        summary: "print the path of each change in XenStore, until Ctrl-C",
        about: "The first line comes at once: it is the node that is watched. @introduceDomain \
                and @releaseDomain can be watched too. Ends with 5 if --timeout is over before \
                --count is reached.",
        options: &[
            required("path", Kind::Text("path"), "node; all below it is watched"),
            named("count", Kind::Number, "lines to print at most"),
            named("timeout", Kind::Number, "seconds to wait at most"),
        ],
        run: |session, args| Box::pin(watch(session, args)),
    },
];

/// XenStore of the connection.
async fn store(session: &Session) -> Result<&Store> {
    let connection = session.connection().await?;
    session.direct("XenStore").await?.xenstore().ok_or_else(|| {
        Error::Failed(format!(
            "XenStore is not reached over {}: it can be asked on the host itself, as root",
            connection.place
        ))
    })
}

async fn list(session: &Session, args: &Args) -> Result<Reply> {
    let path = args.text("path").unwrap_or("/");
    let entries = store(session).await?.dump(path).await?;
    let mut text = String::new();
    let mut nodes = Vec::new();
    let first = entries.first().map(|first| first.children.as_slice());
    let mut open: Vec<(usize, usize)> = waiting(first.unwrap_or_default(), 0).collect();
    while let Some((index, depth)) = open.pop() {
        let Some(entry) = entries.get(index) else {
            continue;
        };
        text.push_str(&line(entry, depth, args));
        nodes.push(node(entry));
        open.extend(waiting(&entry.children, depth + 1));
    }
    Ok(Reply::new(session.marked(json!({ "nodes": nodes }))).text(text))
}

/// Nodes in the order in which a stack gives them back.
fn waiting(children: &[usize], depth: usize) -> impl Iterator<Item = (usize, usize)> {
    children.iter().rev().map(move |index| (*index, depth))
}

fn line(entry: &Entry, depth: usize, args: &Args) -> String {
    let name = match args.flag("full") {
        true => entry.path.clone(),
        false => {
            let name = entry.path.rsplit('/').next().unwrap_or_default();
            format!("{}{name}", " ".repeat(depth))
        }
    };
    let mut line = match &entry.value {
        Some(value) => format!("{name} = \"{}\"", escaped(value)),
        None => format!("{name}:"),
    };
    if args.flag("permissions") {
        line.push_str(&format!("   ({})", permissions(entry).join(",")));
    }
    line + "\n"
}

fn permissions(entry: &Entry) -> Vec<String> {
    entry.permissions.iter().map(|one| one.encode()).collect()
}

fn node(entry: &Entry) -> Value {
    json!({
        "path": entry.path,
        "value": entry.value.as_deref().map(String::from_utf8_lossy),
        "permissions": permissions(entry),
    })
}

/// Bytes as printable text that says which they are.
fn escaped(value: &[u8]) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value {
        match byte {
            b'\t' => text.push_str("\\t"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(*byte)),
            ..=7 => text.push_str(&format!("\\{byte:03o}")),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text
}

/// The bytes that [`escaped`] shows so; `None` for a backslash before anything else.
fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut value = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            value.push(*first);
            continue;
        }
        let (kind, after) = rest.split_first()?;
        let digits = |from: &[u8], count, radix| {
            let digits = std::str::from_utf8(from.get(..count)?).ok()?;
            (!digits.starts_with('+')).then(|| u8::from_str_radix(digits, radix).ok())?
        };
        let (byte, used) = match kind {
            b't' => (b'\t', 1),
            b'n' => (b'\n', 1),
            b'r' => (b'\r', 1),
            b'\\' => (b'\\', 1),
            b'x' => (digits(after, 2, 16)?, 3),
            _ => (digits(rest, 3, 8)?, 3),
        };
        value.push(byte);
        rest = rest.get(used..)?;
    }
    Some(value)
}

async fn read(session: &Session, args: &Args) -> Result<Reply> {
    let store = store(session).await?;
    let mut text = String::new();
    let mut values = serde_json::Map::new();
    for path in args.all("path") {
        let value = store.read(path).await?;
        match args.flag("raw") {
            true => text.push_str(&String::from_utf8_lossy(&value)),
            false => text.push_str(&escaped(&value)),
        }
        text.push('\n');
        values.insert(path.to_owned(), String::from_utf8_lossy(&value).into());
    }
    Ok(Reply::new(session.marked(json!({ "values": values }))).text(text))
}

async fn write(session: &Session, args: &Args) -> Result<Reply> {
    let (path, value) = (args.required("path")?, args.required("value")?);
    let value = match args.flag("raw") {
        true => value.as_bytes().to_vec(),
        false => unescaped(value).ok_or_else(|| {
            Error::usage(format!(
                "'{value}': a backslash begins \\n, \\t, \\r, \\\\, \\001 or \\xff; --raw takes it as it is"
            ))
        })?,
    };
    let store = store(session).await?;
    store.write(path, &value).await?;
    Ok(Reply::new(
        session.marked(json!({ "path": path, "action": "written" })),
    ))
}

async fn remove(session: &Session, args: &Args) -> Result<Reply> {
    let path = args.required("path")?;
    store(session).await?.remove(path).await?;
    Ok(Reply::new(
        session.marked(json!({ "path": path, "action": "removed" })),
    ))
}

async fn watch(session: &Session, args: &Args) -> Result<Reply> {
    let path = args.required("path")?;
    let count: usize = args.number("count")?.unwrap_or(usize::MAX);
    let seconds: Option<u64> = args.number("timeout")?;
    let limit = seconds.map(Duration::from_secs).or(session.timeout);
    let far = Duration::from_secs(365 * 24 * 3600);
    let end = Instant::now() + limit.unwrap_or(far).min(far);
    let mut watch = store(session).await?.watch(path).await?;
    let mut paths = Vec::new();
    let mut seen = 0;
    while seen < count {
        let event = match timeout_at(end, watch.next()).await {
            Err(_) => {
                let json = json!({ "changed": paths, "ended_by": "timeout" });
                return Ok(Reply::new(session.marked(json)).exit(Exit::Timeout));
            }
            Ok(None) => return Err(Error::Failed("the watch has ended".to_owned())),
            Ok(Some(event)) => event,
        };
        match event {
            WatchEvent::Resync => session
                .printer
                .warning("changes were lost: xenstored restarted, or there were too many"),
            WatchEvent::Changed(path) => {
                seen += 1;
                if !session.printer.json {
                    session.printer.out(&format!("{path}\n"));
                } else if session.printer.streams() {
                    session
                        .printer
                        .out(&format!("{}\n", json!({ "changed": path })));
                } else {
                    paths.push(path);
                }
            }
        }
    }
    Ok(Reply::new(
        session.marked(json!({ "changed": paths, "ended_by": "count" })),
    ))
}

impl From<virtxen_xenstore::Error> for Error {
    fn from(error: virtxen_xenstore::Error) -> Self {
        let message = error.to_string();
        match error {
            virtxen_xenstore::Error::NotFound { .. } => Self::NotFound(message),
            _ => Self::Failed(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{escaped, unescaped};

    #[test]
    fn what_is_shown_can_be_written() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(unescaped(&escaped(&all)), Some(all));
        for bad in ["\\", "\\q", "\\x4", "\\09", "\\x+1", "a\\"] {
            assert_eq!(unescaped(bad), None, "{bad}");
        }
    }

    #[test]
    fn values_are_shown_on_one_line() {
        assert_eq!(escaped(b"a \"b\"\n\\\x01\xff"), "a \"b\"\\n\\\\\\001\\xff");
    }
}
