//! `top`: what the domains use, again and again: on the whole terminal, as text, or
//! as lines of JSON. How rates are made is in `usage`.

use super::{Command, Group};
use crate::color::Style;
use crate::connect::Session;
use crate::error::{Context, Error, Result};
use crate::options::{Args, Kind, flag, named};
use crate::output::Reply;
use crate::table::{Cell, Table, clean};
use crate::terminal::{Keys, Screen};
use crate::usage::{Key, Row, Sample, sort};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use virtxen_driver::{ListFilter, NodeInfo, StatsGroups};

/// The shortest and the longest time between two looks.
const SHORTEST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(3600);

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "top",
    group: Group::Monitoring,
    summary: "show what the domains use, as it changes",
    about: "CPU% is of one processor of the host. RX and TX are as the guest sees it; all rates \
            are bytes a second, and - stands where nobody counts. Keys: q leaves; i, n, c, m, v, \
            t, d or the arrows left and right choose what is sorted by (id, name, cpu, memory, \
            vcpus, network, disk), r turns the order; up and down scroll; + and - change the \
            interval; the space bar looks at once. With --json each look is a document on a line \
            of its own.",
    options: &[
        flag("batch", "print text, look after look, without keys"),
        named("n", Kind::Number, "looks; without it until q or Ctrl-C"),
        named(
            "interval",
            Kind::Text("seconds"),
            "time between two looks (2)",
        ),
        named("sort", Kind::Word(&Key::WORDS), "what is sorted by (cpu)"),
        flag("all", "inactive domains too"),
    ],
    run: |session, args| Box::pin(top(session, args)),
}];

/// How it is shown.
struct View {
    key: Key,
    reverse: bool,
    scroll: usize,
    interval: Duration,
    filter: ListFilter,
    looks: u64,
}

async fn top(session: &Session, args: &Args) -> Result<Reply> {
    let mut view = View {
        key: args.text("sort").and_then(Key::of_word).unwrap_or(Key::Cpu),
        reverse: false,
        scroll: 0,
        interval: interval(args)?,
        filter: match args.flag("all") {
            true => ListFilter::default(),
            false => ListFilter::active(),
        },
        looks: args.number("n")?.unwrap_or(u64::MAX),
    };
    let count = if args.flag("batch") || session.printer.json {
        batch(session, &view).await?
    } else {
        live(session, &mut view).await?
    };
    if session.printer.json {
        return Ok(Reply::new(session.marked(json!({ "looks": count }))));
    }
    Ok(Reply::silent())
}

fn interval(args: &Args) -> Result<Duration> {
    let Some(text) = args.text("interval") else {
        return Ok(Duration::from_secs(2));
    };
    let seconds = text.parse().ok();
    let interval = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    interval
        .filter(|interval| (SHORTEST..=LONGEST).contains(interval))
        .ok_or_else(|| {
            Error::usage(format!(
                "'{text}' is no interval: from 0.2 to 3600 seconds are possible"
            ))
        })
}

async fn look(session: &Session, view: &View) -> Result<Sample> {
    let driver = session.driver().await?;
    let stats = driver.all_stats(&view.filter, StatsGroups::ALL, false);
    let stats = stats
        .await
        .context(|| "Failed to get domain statistics".to_owned())?;
    Ok(Sample::new(&stats))
}

async fn node(session: &Session) -> Result<NodeInfo> {
    let node = session.driver().await?.node_info().await;
    node.context(|| "Failed to get node info".to_owned())
}

/// The first look is not printed: it has no rates.
async fn batch(session: &Session, view: &View) -> Result<u64> {
    let mut before = look(session, view).await?;
    let mut next = Instant::now();
    for number in 0..view.looks {
        next += view.interval;
        sleep_until(next).await;
        let now = look(session, view).await?;
        let mut rows = now.rows(Some(&before));
        sort(&mut rows, view.key, view.reverse);
        if session.printer.streams() {
            let document = session.marked(json!({
                "domains": rows.iter().map(document).collect::<Vec<_>>(),
            }));
            session.printer.out(&format!("{document}\n"));
        } else if !session.printer.json {
            let gap = if number == 0 { "" } else { "\n" };
            let text = table(session, &rows).render(session.printer.quiet, false);
            session.printer.out(&format!("{gap}{text}"));
        }
        before = now;
    }
    Ok(view.looks)
}

async fn live(session: &Session, view: &mut View) -> Result<u64> {
    let node = node(session).await?;
    let hostname = session.driver().await?.hostname().await;
    let hostname = hostname.context(|| "failed to get hostname".to_owned())?;
    let mut screen = Screen::enter()?;
    let mut keys = Keys::read()?;
    let mut before: Option<Sample> = None;
    let mut rows = Vec::new();
    let mut count = 0;
    while count < view.looks {
        let trouble = match look(session, view).await {
            Ok(now) => {
                rows = now.rows(before.as_ref());
                before = Some(now);
                None
            }
            // The next look may go well: a daemon comes back.
            Err(error) => Some(error.messages().join(": ")),
        };
        count += 1;
        let next = Instant::now() + view.interval;
        loop {
            sort(&mut rows, view.key, view.reverse);
            let (height, width) = screen.size();
            let mut text = heading(session, &hostname, &node, &rows);
            if let Some(trouble) = &trouble {
                text.push_str(&Style::Red.paint(&clean(trouble), true));
            }
            text.push('\n');
            view.scroll = view.scroll.min(rows.len().saturating_sub(1));
            let shown = rows.get(view.scroll..).unwrap_or_default();
            text.push_str(&table(session, shown).render(false, true));
            screen.show(&text, height, width)?;
            tokio::select! {
                key = keys.next() => match key {
                    None => return Ok(count),
                    Some(key) => match press(view, &key) {
                        Press::Leave => return Ok(count),
                        Press::Look => break,
                        Press::Show => {}
                    },
                },
                () = sleep_until(next) => break,
            }
        }
    }
    Ok(count)
}

/// What comes of a key.
enum Press {
    Leave,
    Look,
    Show,
}

fn press(view: &mut View, key: &[u8]) -> Press {
    match key {
        b"q" | b"Q" | b"\x03" | b"\x1b" => return Press::Leave,
        b" " => return Press::Look,
        b"r" => view.reverse = !view.reverse,
        b"+" => view.interval = (view.interval * 2).min(LONGEST),
        b"-" => view.interval = (view.interval / 2).max(SHORTEST),
        b"\x1b[A" | b"\x1bOA" => view.scroll = view.scroll.saturating_sub(1),
        b"\x1b[B" | b"\x1bOB" => view.scroll = view.scroll.saturating_add(1),
        b"\x1b[C" | b"\x1bOC" => view.key = view.key.neighbour(1),
        b"\x1b[D" | b"\x1bOD" => view.key = view.key.neighbour(-1),
        [letter] => {
            if let Some(key) = Key::of_letter(*letter) {
                view.key = key;
            }
        }
        _ => {}
    }
    Press::Show
}

fn heading(session: &Session, hostname: &str, node: &NodeInfo, rows: &[Row]) -> String {
    let active = rows.iter().filter(|row| row.id.is_some()).count();
    let cpu: f64 = rows.iter().filter_map(|row| row.cpu_percent).sum();
    let memory: u64 = rows
        .iter()
        .filter(|row| row.id.is_some())
        .map(|row| row.memory.0)
        .sum();
    let simulated = session.remark().unwrap_or_default();
    format!(
        "{} {simulated}  {} domains, {active} active\ncpu {cpu:.1} % of {} %, memory {} of {} MiB\n",
        clean(hostname),
        rows.len(),
        u64::from(node.cpus) * 100,
        memory >> 10,
        node.memory.0 >> 10,
    )
}

fn table(session: &Session, rows: &[Row]) -> Table {
    let header = [
        "Id", "Name", "State", "CPU%", "Memory", "VCPUs", "RX/s", "TX/s", "Read/s", "Write/s",
    ];
    let mut table = Table::new(&header).remark(session.remark());
    for row in rows {
        let id = row.id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let cpu = row.cpu_percent;
        table.row(vec![
            id.into(),
            row.name.as_str().into(),
            Cell::from(row.state.to_string()).styled(super::list::style(row.state)),
            cpu.map_or_else(|| "-".to_owned(), |cpu| format!("{cpu:.1}"))
                .into(),
            format!("{}M", row.memory.0 >> 10).into(),
            row.vcpus.to_string().into(),
            bytes(row.received).into(),
            bytes(row.sent).into(),
            bytes(row.read).into(),
            bytes(row.written).into(),
        ]);
    }
    table
}

/// Bytes in three or four digits.
fn bytes(rate: Option<f64>) -> String {
    let Some(mut rate) = rate else {
        return "-".to_owned();
    };
    for unit in ["", "K", "M", "G"] {
        if rate < 1000.0 {
            let digits = if rate < 10.0 && !unit.is_empty() {
                1
            } else {
                0
            };
            return format!("{rate:.digits$}{unit}");
        }
        rate /= 1024.0;
    }
    format!("{rate:.0}T")
}

fn document(row: &Row) -> Value {
    json!({
        "id": row.id,
        "name": row.name,
        "uuid": row.uuid.to_string(),
        "state": row.state.to_string(),
        "cpu_percent": row.cpu_percent,
        "memory_kib": row.memory.0,
        "vcpus": row.vcpus,
        "received_bytes_per_s": row.received,
        "sent_bytes_per_s": row.sent,
        "read_bytes_per_s": row.read,
        "written_bytes_per_s": row.written,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_short() {
        for (rate, text) in [
            (0.0, "0"),
            (999.0, "999"),
            (1000.0, "1.0K"),
            (204_800.0, "200K"),
            (5.0 * 1024.0 * 1024.0, "5.0M"),
        ] {
            assert_eq!(bytes(Some(rate)), text);
        }
        assert_eq!(bytes(None), "-");
    }

    #[test]
    fn keys_change_the_view() {
        let mut view = View {
            key: Key::Cpu,
            reverse: false,
            scroll: 0,
            interval: Duration::from_secs(2),
            filter: ListFilter::active(),
            looks: 1,
        };
        assert!(matches!(press(&mut view, b"q"), Press::Leave));
        assert!(matches!(press(&mut view, b" "), Press::Look));
        press(&mut view, b"m");
        assert_eq!(view.key, Key::Memory);
        press(&mut view, b"\x1b[D");
        press(&mut view, b"r");
        assert_eq!((view.key, view.reverse), (Key::Cpu, true));
        press(&mut view, b"\x1b[B");
        press(&mut view, b"-");
        assert_eq!((view.scroll, view.interval), (1, Duration::from_secs(1)));
    }
}
