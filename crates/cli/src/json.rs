//! The JSON forms of what several commands show. Keys are stable: new ones may
//! come, none goes or changes its meaning.

use serde_json::{Value, json};
use virtxen_driver::Domain;

/// A domain as `list` and `dominfo` know it; memory in KiB, time in seconds.
pub(crate) fn domain(domain: &Domain) -> Value {
    json!({
        "id": domain.id.map(|id| id.0),
        "name": domain.name,
        "uuid": domain.uuid.to_string(),
        "state": domain.state.to_string(),
        "reason": domain.reason.to_string(),
        "active": domain.is_active(),
        "persistent": domain.persistent,
        "os_type": domain.os_type(),
        "memory_kib": domain.memory.0,
        "max_memory_kib": domain.max_memory.0,
        "vcpus": domain.vcpus,
        "max_vcpus": domain.max_vcpus,
        "cpu_time_s": domain.cpu_time.as_secs_f64(),
    })
}

/// Which domain something was done to.
pub(crate) fn done(domain: &Domain, action: &str) -> Value {
    json!({ "domain": domain.name, "uuid": domain.uuid.to_string(), "action": action })
}
