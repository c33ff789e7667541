//! What domains use: two looks at their counters become rates, and rows that can be
//! sorted. How rows are shown is not here.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use virtxen_driver::{AllStats, DomainStats, State};
use virtxen_guest::{MemoryKib, Uuid};

/// A look at all counters.
pub(crate) struct Sample {
    at: Instant,
    domains: Vec<Counted>,
}

/// What was counted of a domain so far.
#[derive(Clone)]
struct Counted {
    row: Row,
    cpu_time: Option<Duration>,
    received: Option<u64>,
    sent: Option<u64>,
    read: Option<u64>,
    written: Option<u64>,
}

/// What a domain uses. Rates are `None` until it was looked at twice, and where nobody
/// counts.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Number, while active.
    pub(crate) id: Option<u32>,
    /// Name.
    pub(crate) name: String,
    /// Identifier.
    pub(crate) uuid: Uuid,
    /// State.
    pub(crate) state: State,
    /// Processor time: 100 is one processor of the host.
    pub(crate) cpu_percent: Option<f64>,
    /// Memory that it has.
    pub(crate) memory: MemoryKib,
    /// Vcpus that are online.
    pub(crate) vcpus: u32,
    /// Bytes a second that the guest received.
    pub(crate) received: Option<f64>,
    /// Bytes a second that the guest sent.
    pub(crate) sent: Option<f64>,
    /// Bytes a second that were read from disks.
    pub(crate) read: Option<f64>,
    /// Bytes a second that were written to disks.
    pub(crate) written: Option<f64>,
}

/// What rows are sorted by, in the order of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// Number.
    Id,
    /// Name.
    Name,
    /// Processor time.
    Cpu,
    /// Memory.
    Memory,
    /// Vcpus.
    Vcpus,
    /// Traffic of the network, both ways.
    Network,
    /// Traffic of disks, both ways.
    Disk,
}

impl Key {
    /// All keys with their words and letters.
    pub(crate) const ALL: [(Self, &'static str, u8); 7] = [
        (Self::Id, "id", b'i'),
        (Self::Name, "name", b'n'),
        (Self::Cpu, "cpu", b'c'),
        (Self::Memory, "memory", b'm'),
        (Self::Vcpus, "vcpus", b'v'),
        (Self::Network, "network", b't'),
        (Self::Disk, "disk", b'd'),
    ];

    /// The words, for options.
    pub(crate) const WORDS: [&'static str; 7] =
        ["id", "name", "cpu", "memory", "vcpus", "network", "disk"];

    /// The key of a word.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, name, _)| *name == word)?;
        Some(found.0)
    }

    /// The key of a letter.
    pub(crate) fn of_letter(letter: u8) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, _, key)| *key == letter)?;
        Some(found.0)
    }

    /// The key so many columns further, around the ends.
    pub(crate) fn neighbour(self, step: isize) -> Self {
        let count = Self::ALL.len();
        let at = Self::ALL.iter().position(|(key, ..)| *key == self);
        let at = at.unwrap_or(0).saturating_add(count);
        let next = at.saturating_add_signed(step) % count;
        Self::ALL.get(next).map_or(self, |(key, ..)| *key)
    }

    /// What comes first: the largest, of names and numbers the smallest.
    fn order(self, a: &Row, b: &Row) -> Ordering {
        let most = |a: f64, b: f64| b.total_cmp(&a);
        let both = |one: Option<f64>, other: Option<f64>| {
            one.unwrap_or(-1.0).max(0.0) + other.unwrap_or(0.0)
        };
        match self {
            Self::Id => (a.id.is_none(), a.id).cmp(&(b.id.is_none(), b.id)),
            Self::Name => a.name.cmp(&b.name),
            Self::Cpu => most(a.cpu_percent.unwrap_or(-1.0), b.cpu_percent.unwrap_or(-1.0)),
            Self::Memory => b.memory.0.cmp(&a.memory.0),
            Self::Vcpus => b.vcpus.cmp(&a.vcpus),
            Self::Network => most(both(a.received, a.sent), both(b.received, b.sent)),
            Self::Disk => most(both(a.read, a.written), both(b.read, b.written)),
        }
    }
}

/// Sorts rows; those that are equal by name.
pub(crate) fn sort(rows: &mut [Row], key: Key, reverse: bool) {
    rows.sort_by(|a, b| {
        let order = key.order(a, b);
        let order = if reverse { order.reverse() } else { order };
        order.then_with(|| a.name.cmp(&b.name))
    });
}

impl Sample {
    /// The counters as they were told now.
    pub(crate) fn new(stats: &AllStats) -> Self {
        Self {
            at: Instant::now(),
            domains: stats.domains.iter().map(counted).collect(),
        }
    }

    /// The domains, with rates since the look before.
    pub(crate) fn rows(&self, before: Option<&Self>) -> Vec<Row> {
        let known: HashMap<Uuid, &Counted> = before
            .into_iter()
            .flat_map(|sample| &sample.domains)
            .map(|domain| (domain.row.uuid, domain))
            .collect();
        let seconds = before.map_or(0.0, |sample| (self.at - sample.at).as_secs_f64());
        let rows = self.domains.iter().map(|now| {
            let mut row = now.row.clone();
            // Counters begin anew with each run of a domain.
            let before = known.get(&row.uuid).filter(|old| old.row.id == row.id);
            if let Some(old) = before.filter(|_| seconds > 0.0) {
                let rate = |now: Option<u64>, old: Option<u64>| {
                    Some(now?.saturating_sub(old?) as f64 / seconds)
                };
                let time = |time: Option<Duration>| time.map(|time| time.as_nanos() as u64);
                let used = rate(time(now.cpu_time), time(old.cpu_time));
                row.cpu_percent = used.map(|used| used / 1e7);
                row.received = rate(now.received, old.received);
                row.sent = rate(now.sent, old.sent);
                row.read = rate(now.read, old.read);
                row.written = rate(now.written, old.written);
            }
            row
        });
        rows.collect()
    }
}

fn counted(stats: &DomainStats) -> Counted {
    let number = |name: &str| {
        let found = stats.parameters.iter().find(|it| it.name == name)?;
        found.value.to_string().parse::<u64>().ok()
    };
    // The sum over all devices of a kind; none where nobody counts.
    let sum = |class: &str, end: &str| {
        let devices = stats.parameters.iter().filter(|it| {
            let name = it.name.strip_prefix(class);
            name.is_some_and(|name| name.ends_with(end))
        });
        let numbers = devices.filter_map(|it| it.value.to_string().parse::<u64>().ok());
        numbers.reduce(u64::saturating_add)
    };
    let domain = &stats.domain;
    Counted {
        row: Row {
            id: domain.id.map(|id| id.0),
            name: domain.name.clone(),
            uuid: domain.uuid,
            state: domain.state,
            cpu_percent: None,
            memory: MemoryKib(number("balloon.current").unwrap_or(domain.memory.0)),
            vcpus: domain.vcpus,
            received: None,
            sent: None,
            read: None,
            written: None,
        },
        cpu_time: number("cpu.time").map(Duration::from_nanos),
        received: sum("net.", ".rx.bytes"),
        sent: sum("net.", ".tx.bytes"),
        read: sum("block.", ".rd.bytes"),
        written: sum("block.", ".wr.bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, memory: u64, cpu_percent: Option<f64>) -> Row {
        Row {
            id: None,
            name: name.to_owned(),
            uuid: Uuid::ZERO,
            state: State::Running,
            cpu_percent,
            memory: MemoryKib(memory),
            vcpus: 1,
            received: None,
            sent: None,
            read: None,
            written: None,
        }
    }

    fn sample(at: Instant, cpu: u64, bytes: u64) -> Sample {
        let domains = vec![Counted {
            row: row("web", 1, None),
            cpu_time: Some(Duration::from_millis(cpu)),
            received: Some(bytes),
            sent: None,
            read: Some(bytes),
            written: Some(0),
        }];
        Sample { at, domains }
    }

    #[test]
    fn two_looks_make_rates() {
        let begin = Instant::now();
        let old = sample(begin, 1000, 10_000);
        let now = sample(begin + Duration::from_secs(2), 2000, 30_000);
        assert_eq!(now.rows(None)[0].cpu_percent, None);
        let rows = now.rows(Some(&old));
        assert_eq!(rows[0].cpu_percent, Some(50.0));
        assert_eq!((rows[0].received, rows[0].sent), (Some(10_000.0), None));
        assert_eq!(rows[0].written, Some(0.0));
    }

    #[test]
    fn the_largest_comes_first() {
        let names = |key, reverse| {
            let mut rows = [
                row("b", 1, Some(2.0)),
                row("c", 3, None),
                row("a", 2, Some(9.0)),
            ];
            sort(&mut rows, key, reverse);
            rows.map(|row| row.name).concat()
        };
        assert_eq!(names(Key::Cpu, false), "abc");
        assert_eq!(names(Key::Memory, false), "cab");
        assert_eq!(names(Key::Name, true), "cba");
        assert_eq!(names(Key::Disk, false), "abc", "equal ones by name");
        assert_eq!(Key::Id.neighbour(-1), Key::Disk);
        assert_eq!(Key::Disk.neighbour(1), Key::Id);
        for (key, word, letter) in Key::ALL {
            assert_eq!(Key::of_word(word), Some(key));
            assert_eq!(Key::of_letter(letter), Some(key));
        }
    }
}
