//! `event`: waits for events of domains and prints them as they come.

use super::{Command, Group};
use crate::connect::Session;
use crate::error::{Context, Error, Result};
use crate::exit::Exit;
use crate::options::{Args, Kind, flag, named};
use crate::output::Reply;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{Instant, timeout_at};
use virtxen_driver::{Delivery, Event, EventKind};
use virtxen_guest::Uuid;

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "event",
    group: Group::Monitoring,
    summary: "wait for events of domains",
    about: "Ends after the first event; with --loop after --timeout or Ctrl-C. Ends with 5 if \
            none came in time. With --json and --loop each event is a document on a line of its \
            own, printed as it comes; the last line says how many there were.",
    options: &[
        named("domain", Kind::Domain, "of this domain only"),
        named("event", Kind::Word(&EventKind::NAMES), "kind of event"),
        flag("all", "all kinds of events"),
        flag("loop", "go on after the first event"),
        named("timeout", Kind::Number, "seconds to wait at most"),
        flag("list", "list the kinds of events"),
        flag("timestamp", "print when each event came"),
    ],
    run: |session, args| Box::pin(event(session, args)),
}];

async fn event(session: &Session, args: &Args) -> Result<Reply> {
    if args.flag("list") {
        let names = EventKind::NAMES;
        return Ok(Reply::new(json!({ "events": names })).text(names.join("\n") + "\n"));
    }
    if !args.flag("all") && !args.flag("event") {
        return Err(Error::usage(
            "one of --list, --all, or --event <type> is required",
        ));
    }
    let uuid = match args.text("domain") {
        Some(_) => Some(session.domain(args).await?.uuid),
        None => None,
    };
    let seconds: Option<u64> = args.number("timeout")?;
    let limit = seconds.map(Duration::from_secs).or(session.timeout);
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    let mut shown = Shown {
        stream: args.flag("loop") && session.printer.streams(),
        ..Shown::default()
    };
    let ended = wait(session, args, uuid, deadline, &mut shown).await?;
    let count = shown.count;
    let json = match shown.stream {
        true => json!({ "received": count, "ended_by": ended }),
        false => json!({ "received": count, "ended_by": ended, "events": shown.events }),
    };
    let reply = Reply::new(session.marked(json));
    let reply = match ended {
        "timeout" => reply.note("event loop timed out"),
        "interrupt" => reply.note("event loop interrupted"),
        _ => reply,
    };
    let exit = match ended {
        "timeout" if count == 0 => Exit::Timeout,
        "interrupt" => Exit::Interrupted,
        _ => Exit::Ok,
    };
    Ok(reply.note(format!("events received: {count}")).exit(exit))
}

async fn wait(
    session: &Session,
    args: &Args,
    uuid: Option<Uuid>,
    deadline: Option<Instant>,
    shown: &mut Shown,
) -> Result<&'static str> {
    let kind = args.text("event").filter(|_| !args.flag("all"));
    let driver = session.driver().await?;
    let mut subscription = driver
        .subscribe()
        .await
        .context(|| "Failed to wait for events".to_owned())?;
    let far = Instant::now() + Duration::from_secs(365 * 24 * 3600);
    loop {
        let delivery = tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => return Ok("interrupt"),
            next = timeout_at(deadline.unwrap_or(far), subscription.next()) => next,
        };
        match delivery {
            Err(_) => return Ok("timeout"),
            Ok(None) => {
                let message = "the connection to the host is lost: run the command again when \
                               it is there";
                return Err(Error::NoHost(message.to_owned()));
            }
            Ok(Some(Delivery::Resync { missed })) => {
                session
                    .printer
                    .warning(&format!("{missed} events were lost"));
            }
            Ok(Some(Delivery::Event(event))) => {
                let other = uuid.is_some_and(|uuid| uuid != event.uuid);
                if other || kind.is_some_and(|kind| kind != event.kind.name()) {
                    continue;
                }
                shown.show(session, args, &event);
                if !args.flag("loop") {
                    return Ok("event");
                }
            }
        }
    }
}

/// What was shown so far.
#[derive(Default)]
struct Shown {
    /// Each event is a JSON document of its own, printed as it comes.
    stream: bool,
    count: usize,
    /// Those for the one document at the end, where that is asked for.
    events: Vec<Value>,
}

impl Shown {
    fn show(&mut self, session: &Session, args: &Args, event: &Event) {
        self.count += 1;
        let printer = &session.printer;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        if !printer.json {
            let stamp = match args.flag("timestamp") {
                true => format!("{}.{:03}: ", now.as_secs(), now.subsec_millis()),
                false => String::new(),
            };
            return printer.out(&format!("{stamp}{event}\n"));
        }
        let mut document = json!({
            "event": event.kind.name(),
            "domain": event.name,
            "uuid": event.uuid.to_string(),
            "id": event.id.map(|id| id.0),
            "time_s": now.as_secs_f64(),
        });
        match &event.kind {
            EventKind::BalloonChange(memory) => document["memory_kib"] = json!(memory.0),
            EventKind::DeviceAdded(device) | EventKind::DeviceRemoved(device) => {
                document["device"] = json!(device);
            }
            EventKind::MetadataChange(kind, uri) => {
                document["metadata"] = json!(kind.to_string());
                document["uri"] = json!(uri);
            }
            kind => {
                let (kind, detail) = kind.words().unwrap_or_default();
                document["type"] = json!(kind);
                document["detail"] = json!(detail);
            }
        }
        match self.stream {
            true => printer.out(&format!("{document}\n")),
            false => self.events.push(document),
        }
    }
}
