//! `/proc/stat` and `/proc/uptime`: how Domain-0's vcpus spent their time, and how
//! long it has been up. It sees its own vcpus only, not the machine's processors.

use super::NodeFiles;
use crate::{CpuTimes, ProcessorScope, ProcessorTimes, Result};
use std::time::Duration;

/// The files.
const STAT: &str = "/proc/stat";
const UPTIME: &str = "/proc/uptime";

/// Milliseconds of a tick: Linux shows hundredths of a second on all that Xen runs on.
const TICK: u64 = 10;

/// Most processors that are looked at.
const CPUS_MAX: usize = 4096;

impl NodeFiles {
    /// The times of Domain-0's vcpus.
    pub(crate) async fn own_processors(&self) -> Result<ProcessorTimes> {
        self.with("nodecpustats", |files| Ok(parse(&files.needed(STAT)?)))
            .await
    }

    /// Time since Domain-0 was started, which was soon after the machine was.
    pub(crate) async fn uptime(&self) -> Result<Option<Duration>> {
        let parse = |text: &str| {
            let word = text.split_ascii_whitespace().next()?;
            Duration::try_from_secs_f64(word.parse().ok()?).ok()
        };
        self.with("nodecpustats", move |files| {
            Ok(parse(&files.needed(UPTIME)?))
        })
        .await
    }
}

fn parse(text: &str) -> ProcessorTimes {
    let mut times = ProcessorTimes {
        scope: ProcessorScope::Domain0,
        cpus: Vec::new(),
        total: CpuTimes::default(),
    };
    for line in text.lines() {
        let Some((name, rest)) = line.split_once(' ') else {
            continue;
        };
        let Some(number) = name.strip_prefix("cpu") else {
            // Processors come first.
            break;
        };
        if number.is_empty() {
            times.total = spent(rest);
            continue;
        }
        let Some(number) = number.parse().ok().filter(|number| *number < CPUS_MAX) else {
            continue;
        };
        // One that is offline has no line; it keeps its place.
        if times.cpus.len() <= number {
            times.cpus.resize(number + 1, CpuTimes::default());
        }
        if let Some(place) = times.cpus.get_mut(number) {
            *place = spent(rest);
        }
    }
    times
}

/// Ticks of programs, of those that are nice, of the kernel, idle, waiting for
/// disks, and of two kinds of interrupts. Old kernels have four of them.
fn spent(text: &str) -> CpuTimes {
    let mut ticks = text.split_ascii_whitespace().map(|word| word.parse().ok());
    let mut next = || -> Option<u64> { ticks.next().flatten() };
    let [user, nice, system, idle, iowait, hard, soft] = std::array::from_fn(|_| next());
    let time = |parts: [Option<u64>; 3]| {
        let [first, ..] = parts;
        first?;
        let sum = parts.into_iter().flatten().fold(0, u64::saturating_add);
        Some(Duration::from_millis(sum.saturating_mul(TICK)))
    };
    CpuTimes {
        user: time([user, nice, None]),
        system: time([system, hard, soft]),
        idle: time([idle, None, None]),
        iowait: time([iowait, None, None]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_added_up_by_kind() {
        let times = parse(
            "cpu  100 10 50 1000 20 1 2 3\ncpu0 50 5 25 500 10 0 0 0\ncpu2 1 2 3 4\nintr 1\ncpu9 1\n",
        );
        assert_eq!(times.total.user, Some(Duration::from_millis(1100)));
        assert_eq!(times.total.system, Some(Duration::from_millis(530)));
        assert_eq!(times.total.idle, Some(Duration::from_secs(10)));
        assert_eq!(times.cpus.len(), 3);
        assert_eq!(times.cpus[1], CpuTimes::default(), "offline");
        assert_eq!(times.cpus[2].iowait, None);
    }

    #[test]
    fn hostile_text_is_bounded() {
        assert!(
            parse("cpu99999999999 1 2 3 4\ncpu5000 1 2 3 4\n")
                .cpus
                .is_empty()
        );
        let times = parse("cpu 18446744073709551615 18446744073709551615 x\n");
        assert_eq!(times.total.user, Some(Duration::from_millis(u64::MAX)));
        assert_eq!(times.total.system, None);
        assert_eq!(parse("").cpus.len(), 0);
    }
}
