//! What a look at the domains shows, and what two looks tell together.
//!
//! Xen tells that something has happened and not what: the domain list is read
//! again. When to look is not here.

use crate::HostEvent;
use std::collections::BTreeMap;
use virtxen_guest::DomId;
use virtxen_hypercall::{Domain, Xen};

/// What a look shows of a domain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) paused: bool,
    pub(crate) shutdown: bool,
}

/// The domains of one look, by number.
pub(crate) type Look = BTreeMap<u32, Seen>;

/// What the hypervisor shows; `None` when it cannot be asked.
pub(crate) fn look(xen: &Xen) -> Option<Look> {
    let seen = |domain: Domain| {
        let seen = Seen {
            paused: domain.flags.paused,
            shutdown: domain.flags.shutdown,
        };
        (domain.domid, seen)
    };
    Some(xen.domains().ok()?.into_iter().map(seen).collect())
}

/// What has happened between two looks: what is gone first, then by number.
pub(crate) fn changes(before: &Look, now: &Look) -> Vec<HostEvent> {
    let gone = before.keys().filter(|domid| !now.contains_key(domid));
    let mut events: Vec<HostEvent> = gone.map(|it| HostEvent::Vanished(DomId(*it))).collect();
    for (domid, is) in now {
        let was = before.get(domid).copied();
        let domid = DomId(*domid);
        if was.is_none() {
            events.push(HostEvent::Appeared(domid));
        }
        let was = was.unwrap_or_default();
        match (was.paused, is.paused) {
            (false, true) => events.push(HostEvent::Paused(domid)),
            (true, false) => events.push(HostEvent::Resumed(domid)),
            _ => {}
        }
        if is.shutdown && !was.shutdown {
            events.push(HostEvent::Shutdown(domid));
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_looks_tell_what_happened() {
        let seen = |paused, shutdown| Seen { paused, shutdown };
        let before = Look::from([
            (0, seen(false, false)),
            (1, seen(false, false)),
            (2, seen(true, false)),
            (3, seen(false, true)),
        ]);
        let now = Look::from([
            (0, seen(true, false)),
            (2, seen(false, true)),
            (3, seen(false, true)),
            (4, seen(true, false)),
        ]);
        assert_eq!(
            changes(&before, &now),
            [
                HostEvent::Vanished(DomId(1)),
                HostEvent::Paused(DomId(0)),
                HostEvent::Resumed(DomId(2)),
                HostEvent::Shutdown(DomId(2)),
                HostEvent::Appeared(DomId(4)),
                HostEvent::Paused(DomId(4)),
            ]
        );
        assert_eq!(changes(&now, &now), []);
    }
}
