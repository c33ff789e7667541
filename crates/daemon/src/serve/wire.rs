//! Domains, keys, flags and events between the protocol and the driver.
//!
//! A client's flags are checked here: one that nobody knows is an error, so that
//! nothing it asks for is left out silently.

use crate::error::Result;
use virtxen_driver::{Domain, DomainKey, Event, EventKind, ListFilter, State};
use virtxen_guest::Uuid;
use virtxen_rpc::{DomainEvent, RemoteError, code, origin};

/// A domain as it travels.
pub(super) fn domain(domain: &Domain) -> virtxen_rpc::Domain {
    virtxen_rpc::Domain {
        name: domain.name.clone(),
        uuid: domain.uuid.0,
        id: number(domain.id.map(|id| id.0)),
    }
}

/// The key of a domain as a client sends it back. Only the uuid is believed.
pub(super) fn key(domain: &virtxen_rpc::Domain) -> DomainKey {
    DomainKey::Uuid(Uuid(domain.uuid))
}

/// Refuses flags that are not in `known`.
///
/// # Errors
/// Names the flags that are not.
pub(super) fn only(function: &str, flags: u32, known: u32) -> Result<()> {
    let unknown = flags & !known;
    if unknown == 0 {
        return Ok(());
    }
    let message =
        format!("invalid argument: unsupported flags (0x{unknown:x}) in function {function}");
    Err(RemoteError::new(code::INVALID_ARG, origin::DOMAIN, message).into())
}

/// The domains that `virConnectListAllDomainsFlags` means. Snapshots, checkpoints
/// and managed saves do not exist here, so that filters for them match none.
pub(super) fn filter(flags: u32) -> ListFilter {
    let has = |bit: u32| flags & (1 << bit) != 0;
    let states = [
        (4, &[State::Running, State::Blocked, State::NoState][..]),
        (5, &[State::Paused]),
        (6, &[State::Shutoff]),
        (7, &[State::Shutdown, State::Crashed]),
    ];
    ListFilter {
        active: has(0),
        inactive: has(1),
        persistent: has(2),
        transient: has(3),
        autostart: has(10),
        no_autostart: has(11),
        states: states
            .into_iter()
            .filter(|(bit, _)| has(*bit))
            .flat_map(|(_, states)| states.iter().copied())
            .collect(),
    }
}

/// An event as it travels.
pub(crate) fn event(event: &Event) -> Option<DomainEvent> {
    let dom = virtxen_rpc::Domain {
        name: event.name.clone(),
        uuid: event.uuid.0,
        id: number(event.id.map(|id| id.0)),
    };
    if let Some((event, detail)) = event.kind.numbers() {
        return Some(DomainEvent::Lifecycle { dom, event, detail });
    }
    Some(match &event.kind {
        EventKind::BalloonChange(memory) => DomainEvent::BalloonChange {
            dom,
            actual: memory.0,
        },
        EventKind::DeviceAdded(device) => DomainEvent::DeviceAdded {
            dom,
            dev_alias: device.clone(),
        },
        EventKind::DeviceRemoved(device) => DomainEvent::DeviceRemoved {
            dom,
            dev_alias: device.clone(),
        },
        _ => return None,
    })
}

fn number(id: Option<u32>) -> i32 {
    id.and_then(|id| i32::try_from(id).ok()).unwrap_or(-1)
}
