//! What the releases of XenD do differently, as one table.
//!
//! The row is chosen from the node document, never by trying an operation. How
//! a guest's configuration differs is not here but in `virtxen-formats`.

use std::fmt;

/// Release of a XenD: that of the Xen tree its code is from. Distributions ran
/// older XenDs on newer hypervisors (RHEL 5: XenD 3.0.3 on Xen 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    /// 3 or 4.
    pub major: u32,
    /// Second number.
    pub minor: u32,
    /// Third number.
    pub patch: u32,
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// What a XenD does its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habits {
    /// First release that does it this way.
    since: Release,
    /// `xend_config_format` of its node document, 1 where that has none.
    pub config_format: u32,
    /// What `GET /xend/domain` lists.
    pub list: ListHabit,
    /// It keeps inactive domains: `op=new`, `op=start`, `op=delete`.
    pub inactive: bool,
    /// A path may name a domain by its uuid.
    pub by_uuid: bool,
    /// An unknown domain is "500 Internal server error" with an empty body.
    pub unknown_is_internal_error: bool,
    /// `op=pincpu` works, with `cpumap=1,2`. Where it does not, XenD hands the
    /// hypervisor something that it refuses, whatever is asked for.
    pub pinning: bool,
    /// Credit scheduler's operations.
    pub credit: CreditHabit,
    /// The credit scheduler's `cap` is taken; before Xen 3.2 it is ignored.
    pub credit_cap: bool,
    /// `op=dump`.
    pub dump: DumpHabit,
    /// `op=device_destroy` demands `force` and `rm_cfg`.
    pub detach_demands_flags: bool,
    /// `op=device_configure` of a disk works.
    pub configure_disk: bool,
    /// Devices of inactive domains can be added and removed.
    pub inactive_devices: bool,
    /// `op=vcpuinfo` answers for inactive domains.
    pub inactive_vcpus: bool,
    /// `op=reset` exists.
    pub reset: bool,
}

/// What `GET /xend/domain` lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListHabit {
    /// All active domains; a state in the query is ignored.
    All,
    /// Domains that run (are not paused, shut down or inactive), with their
    /// details if asked for; names of any state with `?state=`.
    Running,
}

/// What the credit scheduler's operations do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreditHabit {
    /// There are none.
    No,
    /// They work for active domains.
    Active,
    /// They work for inactive domains too.
    Always,
}

/// What `op=dump` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DumpHabit {
    /// There is none.
    No,
    /// It takes `live` and `crash`.
    Yes,
    /// It demands `reset` besides.
    Reset,
}

const fn release(major: u32, minor: u32, patch: u32) -> Release {
    Release {
        major,
        minor,
        patch,
    }
}

/// Xen 3.0.0. Every later row names what it changes.
const FIRST: Habits = Habits {
    since: release(3, 0, 0),
    config_format: 1,
    list: ListHabit::All,
    inactive: false,
    by_uuid: false,
    unknown_is_internal_error: false,
    pinning: true,
    credit: CreditHabit::No,
    credit_cap: false,
    dump: DumpHabit::No,
    detach_demands_flags: false,
    configure_disk: false,
    inactive_devices: false,
    inactive_vcpus: false,
    reset: false,
};
const XEN_3_0_2: Habits = Habits {
    since: release(3, 0, 2),
    pinning: false,
    ..FIRST
};
const XEN_3_0_3: Habits = Habits {
    since: release(3, 0, 3),
    config_format: 2,
    credit: CreditHabit::Active,
    ..XEN_3_0_2
};
const XEN_3_0_4: Habits = Habits {
    since: release(3, 0, 4),
    config_format: 3,
    list: ListHabit::Running,
    inactive: true,
    by_uuid: true,
    dump: DumpHabit::Yes,
    ..XEN_3_0_3
};
const XEN_3_1: Habits = Habits {
    since: release(3, 1, 0),
    config_format: 4,
    unknown_is_internal_error: true,
    configure_disk: true,
    ..XEN_3_0_4
};
const XEN_3_2: Habits = Habits {
    since: release(3, 2, 0),
    credit_cap: true,
    inactive_devices: true,
    inactive_vcpus: true,
    ..XEN_3_1
};
const XEN_3_3: Habits = Habits {
    since: release(3, 3, 0),
    detach_demands_flags: true,
    reset: true,
    ..XEN_3_2
};
const XEN_3_4: Habits = Habits {
    since: release(3, 4, 0),
    unknown_is_internal_error: false,
    pinning: true,
    credit: CreditHabit::Always,
    dump: DumpHabit::Reset,
    ..XEN_3_3
};
const XEN_4_0: Habits = Habits {
    since: release(4, 0, 0),
    configure_disk: false,
    ..XEN_3_4
};

/// Rows in order of `since`.
const TABLE: [Habits; 9] = [
    FIRST, XEN_3_0_2, XEN_3_0_3, XEN_3_0_4, XEN_3_1, XEN_3_2, XEN_3_3, XEN_3_4, XEN_4_0,
];

/// Releases of XenD that have a configuration format, first and last.
const FORMATS: [(u32, Release, Release); 4] = [
    (1, release(3, 0, 0), release(3, 0, 2)),
    (2, release(3, 0, 3), release(3, 0, 3)),
    (3, release(3, 0, 4), release(3, 0, 4)),
    (4, release(3, 1, 0), release(4, 4, u32::MAX)),
];

impl Release {
    /// From what the node document says of the hypervisor (`xen_extra` is `.3`,
    /// `.3-rc1`, `-unstable`, …) and of XenD (`xend_config_format`): the format
    /// says which releases the XenD can be of, the hypervisor which of those.
    #[must_use]
    pub fn new(major: u32, minor: u32, extra: &str, config_format: Option<u32>) -> Self {
        let digits = extra.strip_prefix('.').unwrap_or_default();
        let end = digits.find(|c: char| !c.is_ascii_digit());
        let patch = digits.get(..end.unwrap_or(digits.len()));
        let hypervisor = release(
            major,
            minor,
            patch.and_then(|p| p.parse().ok()).unwrap_or(0),
        );
        let format = config_format.unwrap_or(1);
        match FORMATS.iter().find(|(known, ..)| *known == format) {
            Some((_, first, last)) => hypervisor.clamp(*first, *last),
            None => hypervisor,
        }
    }

    /// What this release does its own way.
    #[must_use]
    pub fn habits(self) -> Habits {
        let rows = TABLE.iter().rev();
        let mut known = rows.filter(|row| row.since <= self);
        known.next().copied().unwrap_or(FIRST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order() {
        assert!(TABLE.is_sorted_by(|a, b| a.since < b.since));
        for row in TABLE {
            assert_eq!(row.since.habits(), row);
            let format = FORMATS.iter().find(|f| f.0 == row.config_format).unwrap();
            assert!(format.1 <= row.since && row.since <= format.2, "{row:?}");
        }
    }

    #[test]
    fn the_release_is_chosen_by_facts() {
        for (major, minor, extra, format, expected) in [
            (3, 0, ".1", None, release(3, 0, 1)),
            (3, 0, ".3-1", Some(2), release(3, 0, 3)),
            (3, 1, ".2-164.el5", Some(2), release(3, 0, 3)),
            (3, 0, ".4-1", Some(3), release(3, 0, 4)),
            (3, 2, "-unstable", Some(4), release(3, 2, 0)),
            (4, 1, ".6.1", Some(4), release(4, 1, 6)),
            (4, 2, "", Some(5), release(4, 2, 0)),
        ] {
            assert_eq!(Release::new(major, minor, extra, format), expected);
        }
        assert!(!release(3, 0, 3).habits().inactive);
        assert!(release(3, 3, 1).habits().unknown_is_internal_error);
        assert!(!release(4, 4, 4).habits().unknown_is_internal_error);
    }
}
