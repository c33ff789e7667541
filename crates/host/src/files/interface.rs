//! `/proc/net/dev`: counters of all interfaces of Domain-0, those of guests among
//! them. What Domain-0 receives is what the guest sent, so directions are turned.
//!
//! A fully virtualized guest has an emulated card beside its back end and uses one
//! after the other: `tapD.N` with XenD, `vifD.N-emu` with libxl. They are added.

use super::NodeFiles;
use crate::xenstore::StoredInterface;
use crate::{InterfaceCounters, InterfaceStatistics, Result, Traffic};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The file.
const PATH: &str = "/proc/net/dev";

/// Longest name of an interface that the kernel has.
const NAME_MAX: usize = 15;

/// Those who ask within this time share a reading: the file has the interfaces of all
/// domains, whose counters the kernel adds up for each reading.
const SHARED: Duration = Duration::from_millis(50);

/// The last reading of the file, and when it began.
#[derive(Default)]
pub(super) struct LastReading(Mutex<Option<(Instant, Arc<Lines>)>>);

impl LastReading {
    /// The reading, if it can be shared.
    fn shared(&self) -> Option<Arc<Lines>> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, lines) = last.as_ref()?;
        (began.elapsed() < SHARED).then(|| Arc::clone(lines))
    }

    fn keep(&self, began: Instant, lines: &Arc<Lines>) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some((began, Arc::clone(lines)));
    }
}

impl NodeFiles {
    /// Interfaces of domains with their counters, in the order of the domains.
    /// `stored` are those that XenStore knows, in the same order; without it the
    /// names `vifD.N` are all that is known.
    pub(crate) async fn interfaces(
        &self,
        domids: Vec<u32>,
        stored: Option<Vec<Vec<StoredInterface>>>,
    ) -> Result<Vec<Vec<InterfaceStatistics>>> {
        if let (Some(stored), Some(lines)) = (&stored, self.last_interfaces.shared())
            && let Some(all) = shared(&lines, &domids, stored)
        {
            return Ok(all);
        }
        self.with("domifstat", move |files| {
            let began = Instant::now();
            let lines = Arc::new(parse(&files.needed(PATH)?));
            files.last_interfaces.keep(began, &lines);
            let stored = match stored {
                Some(stored) => stored,
                None => named(&lines, &domids),
            };
            let all = domids.iter().zip(stored);
            Ok(all
                .map(|(domid, interfaces)| {
                    let interfaces = interfaces.into_iter();
                    interfaces.map(|it| counted(&lines, *domid, it)).collect()
                })
                .collect())
        })
        .await
    }
}

/// What a reading of others tells; `None` when an interface is missing in it, which may
/// have come since.
fn shared(
    lines: &Lines,
    domids: &[u32],
    stored: &[Vec<StoredInterface>],
) -> Option<Vec<Vec<InterfaceStatistics>>> {
    let of_domain = |(domid, interfaces): (&u32, &Vec<StoredInterface>)| {
        let one = |it: &StoredInterface| {
            let shown = counted(lines, *domid, it.clone());
            (it.elsewhere.is_some() || shown.counters.is_ok()).then_some(shown)
        };
        interfaces.iter().map(one).collect()
    };
    domids.iter().zip(stored).map(of_domain).collect()
}

/// Interfaces by name, as Domain-0 sees them.
type Lines = HashMap<String, InterfaceCounters>;

fn counted(lines: &Lines, domid: u32, interface: StoredInterface) -> InterfaceStatistics {
    let handle = interface.handle;
    let own = || format!("vif{domid}.{handle}");
    let name = interface.name.unwrap_or_else(own);
    let names = [
        name.clone(),
        format!("{name}-emu"),
        format!("tap{domid}.{handle}"),
    ];
    let mut found = names.iter().filter_map(|name| lines.get(name.as_str()));
    let counters = match (interface.elsewhere, found.next()) {
        (Some(elsewhere), _) => Err(format!(
            "interface {name} is served by domain {elsewhere}: only its kernel has the counters"
        )),
        (None, Some(first)) => Ok(turned(found.fold(*first, |sum, one| InterfaceCounters {
            received: add(sum.received, one.received),
            sent: add(sum.sent, one.sent),
        }))),
        (None, None) => Err(format!(
            "interface {name} is not in {PATH}: its back end is not started"
        )),
    };
    InterfaceStatistics {
        counters,
        handle,
        mac: interface.mac,
        name,
    }
}

/// As the other end sees it.
fn turned(counters: InterfaceCounters) -> InterfaceCounters {
    InterfaceCounters {
        received: counters.sent,
        sent: counters.received,
    }
}

fn add(one: Traffic, other: Traffic) -> Traffic {
    Traffic {
        bytes: one.bytes.saturating_add(other.bytes),
        packets: one.packets.saturating_add(other.packets),
        errors: one.errors.saturating_add(other.errors),
        dropped: one.dropped.saturating_add(other.dropped),
    }
}

/// The interfaces of domains by their names, for a host without XenStore.
fn named(lines: &Lines, domids: &[u32]) -> Vec<Vec<StoredInterface>> {
    let mut found: HashMap<u32, Vec<u32>> = HashMap::new();
    for name in lines.keys() {
        if let Some((domid, handle)) = numbers(name) {
            found.entry(domid).or_default().push(handle);
        }
    }
    let interfaces = |domid| {
        let mut handles = found.remove(domid).unwrap_or_default();
        handles.sort_unstable();
        let one = |handle| StoredInterface {
            handle,
            ..StoredInterface::default()
        };
        handles.into_iter().map(one).collect()
    };
    domids.iter().map(interfaces).collect()
}

/// Domain and number of a `vif1.0`.
fn numbers(name: &str) -> Option<(u32, u32)> {
    let (domid, handle) = name.strip_prefix("vif")?.split_once('.')?;
    Some((domid.parse().ok()?, handle.parse().ok()?))
}

/// The lines of the file that are what they should be; titles are not.
fn parse(text: &str) -> Lines {
    let lines = text.lines().filter_map(parse_line);
    lines
        .map(|(name, counters)| (name.to_owned(), counters))
        .collect()
}

/// A name, a colon with or without a blank behind it, eight numbers of what was
/// received, then those of what was sent.
fn parse_line(line: &str) -> Option<(&str, InterfaceCounters)> {
    let (name, rest) = line.rsplit_once(':')?;
    let name = name.trim();
    if name.is_empty() || name.len() > NAME_MAX {
        return None;
    }
    let mut numbers = [0; 12];
    let mut words = rest.split_ascii_whitespace();
    for number in &mut numbers {
        *number = words.next()?.parse().ok()?;
    }
    let [bytes, packets, errors, dropped, _, _, _, _, sent @ ..] = numbers;
    let received = Traffic {
        bytes,
        packets,
        errors,
        dropped,
    };
    let [bytes, packets, errors, dropped] = sent;
    let sent = Traffic {
        bytes,
        packets,
        errors,
        dropped,
    };
    Some((name, InterfaceCounters { received, sent }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     640       8    0    0    0     0          0         0      640       8    0    0    0     0       0          0
vif3.0:18446744073709551615 2 3 4 0 0 0 0 10 11 12 13 0 0 0 0
tap3.0: 1 1 1 1 0 0 0 0 1 1 1 1 0 0 0 0
";

    #[test]
    fn a_guest_sees_the_other_direction_and_both_cards() {
        let lines = parse(FILE);
        let all = named(&lines, &[1, 3]);
        assert!(all[0].is_empty());
        let shown = counted(&lines, 3, all[1][0].clone());
        assert_eq!(shown.name, "vif3.0");
        let counters = shown.counters.unwrap();
        assert_eq!(counters.received.bytes, 11);
        assert_eq!(counters.received.dropped, 14);
        assert_eq!(counters.sent.bytes, u64::MAX);
        assert_eq!(counters.sent.packets, 3);
    }

    #[test]
    fn what_is_no_line_is_left_out() {
        for line in [
            "",
            ":",
            ": 1 2 3",
            "vif1.0: 1 2 3",
            "vif1.0: 1 2 3 4 5 6 7 8 9 10 11 x",
            "vif1.0: -1 2 3 4 5 6 7 8 9 10 11 12",
            "a-name-that-is-too-long: 1 2 3 4 5 6 7 8 9 10 11 12",
        ] {
            assert_eq!(parse_line(line), None, "{line:?}");
        }
        let missing = counted(&parse(FILE), 9, StoredInterface::default());
        assert!(missing.counters.unwrap_err().contains("vif9.0 is not in"));
    }
}
