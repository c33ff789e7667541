//! What Domain-0's kernel says of the machine that it sees: its own processors,
//! its own memory. And what the hypervisor knows beyond that: how long the real
//! processors were idle.

use std::fmt::Write;
use std::time::Duration;

use crate::state::{Active, CPUS, State};

/// `/proc/stat`, in hundredths of a second.
pub(super) fn processors(state: &State) -> String {
    let uptime = hundredths(state.uptime());
    let Some(own) = own(state) else {
        return String::new();
    };
    let busy = hundredths(own.cpu_time()).min(uptime);
    let count = u64::try_from(own.online).unwrap_or(1).max(1);
    let user = busy * 2 / 5;
    let waits = busy / 10;
    let idle = (uptime - busy).saturating_sub(waits);
    let times = [user, 0, busy - user, idle, waits, 0, 0, 0];
    let joined = |times: [u64; 8]| times.map(|time| time.to_string()).join(" ");
    let mut text = format!("cpu  {}\n", joined(times.map(|time| time * count)));
    for cpu in 0..count {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "cpu{cpu} {}", joined(times));
    }
    let boot = state.now() - state.uptime().as_secs_f64();
    let _ = writeln!(
        text,
        "intr {uptime} 0\nctxt {uptime}\nbtime {boot:.0}\nprocesses 1000"
    );
    text
}

/// `/proc/meminfo` of a Domain-0 that has been up for a while.
pub(super) fn memory(state: &State) -> String {
    let own = own(state);
    let total = own.map_or(0, |active| active.memory.unsigned_abs() * 1024);
    let lines = [
        ("MemTotal", total),
        ("MemFree", total / 2),
        ("Buffers", total / 16),
        ("Cached", total / 4),
        ("SwapCached", 0),
        ("SwapTotal", 1_048_576),
        ("SwapFree", 1_048_576),
    ];
    lines
        .map(|(name, kib)| format!("{:<13} {kib:>8} kB\n", format!("{name}:")))
        .concat()
}

/// `/proc/uptime`: since the start, and idle.
pub(super) fn uptime(state: &State) -> String {
    let up = state.uptime().as_secs_f64();
    format!("{up:.2} {:.2}\n", up * 0.98)
}

/// What no vcpu used of each processor, those of domains that are gone included.
pub(super) fn idle_times(state: &State) -> Vec<u64> {
    let mut used = state.used_before().to_vec();
    for active in state.active_domains() {
        active.add_use(&mut used);
    }
    used.resize(usize::try_from(CPUS).unwrap_or(1), Duration::ZERO);
    let idle = used
        .into_iter()
        .map(|used| state.uptime().saturating_sub(used));
    idle.map(|idle| u64::try_from(idle.as_nanos()).unwrap_or(u64::MAX))
        .collect()
}

/// The living part of Domain-0.
fn own(state: &State) -> Option<&Active> {
    state.get(state.by_domid(0)?)?.active.as_ref()
}

fn hundredths(time: Duration) -> u64 {
    u64::try_from(time.as_millis() / 10).unwrap_or(u64::MAX)
}
