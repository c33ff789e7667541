//! Domains, keys, flags and events between the protocol and the driver.
//!
//! A client's flags are checked here: one that nobody knows is an error, so that
//! nothing it asks for is left out silently.

use crate::error::Result;
use virtxen_driver::{
    Affect, Domain, DomainKey, Event, EventKind, ListFilter, State, Tunable, TypedParameter,
};
use virtxen_guest::Uuid;
use virtxen_rpc::xdr::List;
use virtxen_rpc::{DomainEvent, RemoteError, TypedParam, TypedValue, code, origin};

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
    let message = format!("unsupported flags (0x{unknown:x}) in function {function}");
    Err(RemoteError::new(code::INVALID_ARG, origin::LIBXL, message).into())
}

/// Says what of a document got lost to those who run the daemon: the protocol has no
/// place for it.
pub(super) fn tell(what: &str, lost: &[impl std::fmt::Display]) {
    for warning in lost {
        let (call, lost) = (crate::calls::span(), warning.to_string());
        tracing::warn!(parent: &call, what, lost, "not all of it is kept");
    }
}

/// `VIR_DOMAIN_AFFECT_LIVE` and `VIR_DOMAIN_AFFECT_CONFIG`.
pub(super) const AFFECT: u32 = 3;
/// The flag by which a client says that it takes values that are strings.
pub(super) const STRINGS: u32 = virtxen_rpc::TYPED_PARAM_STRING_OKAY;

/// The part of a domain that flags name.
pub(super) const fn affect(flags: u32) -> Affect {
    Affect {
        live: flags & 1 != 0,
        config: flags & 2 != 0,
    }
}

/// A parameter for a client.
pub(super) fn parameter(parameter: TypedParameter) -> TypedParam {
    use virtxen_driver::TypedValue as Ours;
    let value = match parameter.value {
        Ours::Int(value) => TypedValue::Int(value),
        Ours::UInt(value) => TypedValue::UInt(value),
        Ours::LLong(value) => TypedValue::LLong(value),
        Ours::ULLong(value) => TypedValue::ULLong(value),
        Ours::Double(value) => TypedValue::Double(value),
        Ours::Boolean(value) => TypedValue::Boolean(value),
        Ours::String(value) => TypedValue::String(value),
        other => TypedValue::String(other.to_string()),
    };
    TypedParam::new(parameter.name, value)
}

/// A parameter from a client.
pub(super) fn change(parameter: TypedParam) -> TypedParameter {
    use virtxen_driver::TypedValue as Ours;
    let value = match parameter.value {
        TypedValue::Int(value) => Ours::Int(value),
        TypedValue::UInt(value) => Ours::UInt(value),
        TypedValue::LLong(value) => Ours::LLong(value),
        TypedValue::ULLong(value) => Ours::ULLong(value),
        TypedValue::Double(value) => Ours::Double(value),
        TypedValue::Boolean(value) => Ours::Boolean(value),
        TypedValue::String(value) => Ours::String(value),
    };
    TypedParameter {
        name: parameter.field,
        value,
    }
}

/// The processors of a map: a bit each, the lowest first.
pub(super) fn processors(map: &[u8]) -> Vec<u32> {
    let bits = map
        .iter()
        .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1));
    (0..)
        .zip(bits)
        .filter_map(|(cpu, bit)| (bit == 1).then_some(cpu))
        .collect()
}

/// A map of `length` bytes with these processors.
pub(super) fn map(cpus: &[u32], length: usize) -> Vec<u8> {
    let mut map = vec![0u8; length.min(virtxen_rpc::calls::CPUMAP_MAX)];
    for cpu in cpus {
        let place = usize::try_from(cpu / 8)
            .ok()
            .and_then(|byte| map.get_mut(byte));
        if let Some(byte) = place {
            *byte |= 1 << (cpu % 8);
        }
    }
    map
}

/// Whether `virConnectListAllDomainsFlags` mean only domains with checkpoints: there are
/// none.
pub(super) fn is_for_checkpoints(flags: u32) -> bool {
    flags >> 14 & 0b11 == 0b01
}

/// The domains that `virConnectListAllDomainsFlags` means, of which none have
/// checkpoints.
pub(super) fn filter(flags: u32) -> ListFilter {
    let has = |bit: u32| flags & (1 << bit) != 0;
    let states = [
        (4, &[State::Running, State::NoState, State::Blocked][..]),
        (5, &[State::Paused]),
        (6, &[State::Shutoff]),
        (7, &[State::Shutdown, State::Crashed, State::PmSuspended]),
    ];
    ListFilter {
        active: has(0),
        inactive: has(1),
        persistent: has(2),
        transient: has(3),
        managed_save: has(8),
        no_managed_save: has(9),
        autostart: has(10),
        no_autostart: has(11),
        snapshots: has(12),
        no_snapshots: has(13),
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
        EventKind::MetadataChange(kind, uri) => DomainEvent::MetadataChange {
            dom,
            kind: kind.number(),
            nsuri: uri.clone(),
        },
        EventKind::DeviceAdded(device) => DomainEvent::DeviceAdded {
            dom,
            dev_alias: device.clone(),
        },
        EventKind::DeviceRemoved(device) => DomainEvent::DeviceRemoved {
            dom,
            dev_alias: device.clone(),
        },
        EventKind::Tunable(tunable) => DomainEvent::Tunable {
            dom,
            params: List(vec![self::tunable(tunable)]),
        },
        EventKind::JobCompleted(stats) => DomainEvent::JobCompleted {
            dom,
            params: List(super::job::parameters(stats)),
        },
        _ => return None,
    })
}

fn tunable(tunable: &Tunable) -> TypedParam {
    let value = match tunable {
        Tunable::CpuShares(weight) => TypedValue::ULLong(u64::from(*weight)),
        other => TypedValue::String(other.value()),
    };
    TypedParam::new(tunable.field(), value)
}

fn number(id: Option<u32>) -> i32 {
    id.and_then(|id| i32::try_from(id).ok()).unwrap_or(-1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_have_a_bit_for_each_processor() {
        assert_eq!(map(&[0, 9, 15], 2), [1, 0x82]);
        assert_eq!(map(&[0, 9], 1), [1], "what has no room is left out");
        assert_eq!(processors(&[1, 0x82]), [0, 9, 15]);
    }
}
