//! The guest's clock and its timers.
//!
//! Three spellings mean a variable clock; they become one.

use super::reader::{Reader, key, tag};
use crate::{Clock, ClockBasis, ClockOffset, Timer, TimerName};
use roxmltree::{Attribute, Node};

/// Reads `<clock>`.
pub(super) fn clock(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Clock {
    let mut clock = Clock {
        offset: offset(node, reader),
        timers: Vec::new(),
    };
    for child in reader.elements(node) {
        match tag(&child) {
            "timer" => clock.timers.extend(timer(child, reader)),
            _ => reader.unknown_element(child),
        }
    }
    clock
}

enum Adjustment {
    Reset,
    Seconds(i64),
}

fn offset(node: Node<'_, '_>, reader: &mut Reader<'_>) -> ClockOffset {
    let (mut kind, mut timezone, mut basis) = ("utc", None, ClockBasis::Utc);
    let (mut adjustment, mut start) = (None, None);
    for attribute in node.attributes() {
        match key(&attribute) {
            // `sync` is the word of libvirt before 0.4.
            "offset" | "sync" => match attribute.value() {
                "utc" | "localtime" | "variable" | "timezone" | "absolute" => {
                    kind = attribute.value();
                }
                _ => reader.bad_attribute(
                    node,
                    &attribute,
                    "utc, localtime, variable, timezone, absolute",
                ),
            },
            "adjustment" => adjustment = read_adjustment(node, &attribute, reader),
            "basis" => basis = reader.word(node, &attribute).unwrap_or(basis),
            "timezone" => timezone = Some(attribute.value().to_owned()),
            "start" => start = reader.number(node, &attribute),
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    match (kind, adjustment) {
        ("localtime", Some(Adjustment::Seconds(adjustment))) => ClockOffset::Variable {
            adjustment,
            basis: ClockBasis::Localtime,
        },
        ("localtime", reset) => ClockOffset::Localtime {
            reset: reset.is_some(),
        },
        ("variable", Some(Adjustment::Seconds(adjustment))) => {
            ClockOffset::Variable { adjustment, basis }
        }
        ("variable", Some(Adjustment::Reset)) => {
            reader.missing(
                node,
                "a number of seconds as adjustment of a variable clock",
            );
            ClockOffset::default()
        }
        ("variable", None) => ClockOffset::Variable {
            adjustment: 0,
            basis,
        },
        ("timezone", _) => ClockOffset::Timezone { name: timezone },
        ("absolute", _) => {
            if start.is_none() {
                reader.missing(node, "attribute 'start'");
            }
            ClockOffset::Absolute {
                start: start.unwrap_or_default(),
            }
        }
        (_, Some(Adjustment::Seconds(adjustment))) => ClockOffset::Variable {
            adjustment,
            basis: ClockBasis::Utc,
        },
        (_, reset) => ClockOffset::Utc {
            reset: reset.is_some(),
        },
    }
}

fn read_adjustment(
    node: Node<'_, '_>,
    attribute: &Attribute<'_, '_>,
    reader: &mut Reader<'_>,
) -> Option<Adjustment> {
    if attribute.value() == "reset" {
        return Some(Adjustment::Reset);
    }
    reader.number(node, attribute).map(Adjustment::Seconds)
}

fn timer(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<Timer> {
    let mut name: Option<TimerName> = None;
    let mut timer = Timer::new(TimerName::Tsc);
    for attribute in node.attributes() {
        match key(&attribute) {
            "name" => name = reader.word(node, &attribute),
            "present" => timer.present = reader.yes_no(node, &attribute),
            "mode" => timer.mode = reader.word(node, &attribute),
            "track" | "tickpolicy" | "frequency" => {
                Reader::keep_attribute(&mut timer.kept, "", &attribute);
            }
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    for child in reader.elements(node) {
        match tag(&child) {
            "catchup" => reader.keep_element(&mut timer.kept, "", child),
            _ => reader.unknown_element(child),
        }
    }
    if !node.has_attribute("name") {
        reader.missing(node, "attribute 'name'");
    }
    timer.name = name?;
    Some(timer)
}
