//! Domains, parameters, maps and events between the protocol and the driver's types.

use std::time::Duration;
use virtxen_driver::{
    Affect, Event, EventKind, JobState, ListFilter, MetadataKind, State, Tunable, TypedParameter,
};
use virtxen_guest::{DomId, MemoryKib, OsType, Uuid};
use virtxen_rpc::{Domain, DomainEvent, TypedParam, TypedValue};

/// A domain that is known by its uuid. Servers find it by that alone.
pub(crate) fn domain(uuid: Uuid) -> Domain {
    Domain {
        name: String::new(),
        uuid: uuid.0,
        id: -1,
    }
}

/// A number that a domain has while it is active.
pub(crate) fn id(id: i32) -> Option<DomId> {
    u32::try_from(id).ok().map(DomId)
}

/// The kind of guest in a daemon's word.
pub(crate) fn kind(word: &str) -> OsType {
    match word {
        "hvm" => OsType::Hvm,
        "xenpvh" => OsType::XenPvh,
        _ => OsType::Xen,
    }
}

/// `VIR_DOMAIN_AFFECT_LIVE` and `VIR_DOMAIN_AFFECT_CONFIG`.
pub(crate) fn affect(affect: Affect) -> u32 {
    u32::from(affect.live) | u32::from(affect.config) << 1
}

/// The flags that are set, as a word.
pub(crate) fn bits(flags: &[(bool, u32)]) -> u32 {
    let set = flags.iter().filter(|(is_set, _)| *is_set);
    set.fold(0, |all, (_, bit)| all | bit)
}

/// `virConnectListAllDomainsFlags`. Groups of states are larger than states: the
/// filter has to be asked again.
pub(crate) fn filter(filter: &ListFilter) -> u32 {
    let group = |state: &State| match state {
        State::Running => 4,
        State::Paused => 5,
        State::Shutoff => 6,
        _ => 7,
    };
    let flags = [
        (filter.active, 0),
        (filter.inactive, 1),
        (filter.persistent, 2),
        (filter.transient, 3),
        (filter.managed_save, 8),
        (filter.no_managed_save, 9),
        (filter.snapshots, 12),
        (filter.no_snapshots, 13),
        (filter.autostart, 10),
        (filter.no_autostart, 11),
    ];
    let flags = flags.iter().filter(|(set, _)| *set).map(|(_, bit)| *bit);
    flags
        .chain(filter.states.iter().map(group))
        .fold(0, |flags, bit| flags | 1 << bit)
}

/// A parameter from the daemon.
pub(crate) fn parameter(parameter: TypedParam) -> TypedParameter {
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

/// A parameter for the daemon.
pub(crate) fn change(parameter: &TypedParameter) -> TypedParam {
    use virtxen_driver::TypedValue as Ours;
    let value = match &parameter.value {
        Ours::Int(value) => TypedValue::Int(*value),
        Ours::UInt(value) => TypedValue::UInt(*value),
        Ours::LLong(value) => TypedValue::LLong(*value),
        Ours::ULLong(value) => TypedValue::ULLong(*value),
        Ours::Double(value) => TypedValue::Double(*value),
        Ours::Boolean(value) => TypedValue::Boolean(*value),
        Ours::String(value) => TypedValue::String(value.clone()),
        other => TypedValue::String(other.to_string()),
    };
    TypedParam::new(parameter.name.clone(), value)
}

/// A parameter's value as a whole number; what is negative is not known.
pub(crate) fn number(value: &TypedValue) -> Option<u64> {
    match value {
        TypedValue::Int(value) => u64::try_from(*value).ok(),
        TypedValue::UInt(value) => Some(u64::from(*value)),
        TypedValue::LLong(value) => u64::try_from(*value).ok(),
        TypedValue::ULLong(value) => Some(*value),
        TypedValue::Boolean(value) => Some(u64::from(*value)),
        TypedValue::Double(_) | TypedValue::String(_) => None,
    }
}

/// The processors of a map: a bit each, the lowest first.
pub(crate) fn processors(map: &[u8]) -> Vec<u32> {
    let bits = map
        .iter()
        .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1));
    (0..)
        .zip(bits)
        .filter_map(|(cpu, bit)| (bit == 1).then_some(cpu))
        .collect()
}

/// A map with these processors, as long as it has to be.
pub(crate) fn map(cpus: &[u32]) -> Vec<u8> {
    let last = cpus.iter().max().copied().unwrap_or(0);
    let length = usize::try_from(last / 8).unwrap_or(usize::MAX);
    let mut map = vec![0u8; length.saturating_add(1).min(virtxen_rpc::calls::CPUMAP_MAX)];
    for cpu in cpus {
        let byte = usize::try_from(cpu / 8).ok();
        if let Some(byte) = byte.and_then(|byte| map.get_mut(byte)) {
            *byte |= 1 << (cpu % 8);
        }
    }
    map
}

/// Nanoseconds as a time.
pub(crate) const fn time(nanoseconds: u64) -> Duration {
    Duration::from_nanos(nanoseconds)
}

/// An event that the driver has too.
pub(crate) fn event(event: &DomainEvent) -> Option<Event> {
    let kind = match event {
        DomainEvent::Lifecycle { event, detail, .. } => EventKind::from_numbers(*event, *detail)?,
        DomainEvent::MetadataChange { kind, nsuri, .. } => {
            EventKind::MetadataChange(MetadataKind::of_number(*kind)?, nsuri.clone())
        }
        DomainEvent::BalloonChange { actual, .. } => EventKind::BalloonChange(MemoryKib(*actual)),
        DomainEvent::DeviceAdded { dev_alias, .. } => EventKind::DeviceAdded(dev_alias.clone()),
        DomainEvent::DeviceRemoved { dev_alias, .. } => EventKind::DeviceRemoved(dev_alias.clone()),
        DomainEvent::Tunable { params, .. } => {
            EventKind::Tunable(params.0.iter().find_map(tunable)?)
        }
        DomainEvent::JobCompleted { params, .. } => {
            let success = params.0.iter().find(|param| param.field == "success");
            let state = match success.and_then(|param| number(&param.value)) {
                Some(0) => JobState::Failed,
                _ => JobState::Completed,
            };
            EventKind::JobCompleted(crate::control::job(state, &params.0))
        }
        _ => return None,
    };
    let domain = event.domain();
    Some(Event {
        name: domain.name.clone(),
        uuid: Uuid(domain.uuid),
        id: id(domain.id),
        kind,
    })
}

/// Numbers of the events that [`event`] takes.
pub(crate) const EVENTS: [i32; 7] = [0, 13, 15, 17, 19, 21, 23];

fn tunable(param: &TypedParam) -> Option<Tunable> {
    match (param.field.strip_prefix("cputune.")?, &param.value) {
        ("cpu_shares", value) => Some(Tunable::CpuShares(u32::try_from(number(value)?).ok()?)),
        (field, TypedValue::String(cpus)) => Some(Tunable::VcpuPin {
            vcpu: field.strip_prefix("vcpupin")?.parse().ok()?,
            cpus: cpus.parse().ok()?,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_libvirts_bits() {
        let running = ListFilter {
            states: vec![State::Running, State::Crashed],
            ..ListFilter::active()
        };
        assert_eq!(filter(&running), 1 | 1 << 4 | 1 << 7);
        assert_eq!(filter(&ListFilter::default()), 0);
    }

    #[test]
    fn maps_are_read_as_they_were_written() {
        assert_eq!(map(&[0, 9, 15]), [1, 0x82]);
        assert_eq!(processors(&map(&[3, 70])), [3, 70]);
        assert_eq!(map(&[]), [0]);
    }
}
