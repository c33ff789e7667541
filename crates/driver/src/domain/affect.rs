//! Which part of a domain a call is about: libvirt's live and config flags.
//!
//! The rule of hosts with XenD is decided here; what is done to a part is the
//! operation's.

use crate::{Domain, Error, Operation, Result};

/// What part of a domain a call is about.
///
/// XenD (Xen 3.0.4 and later) keeps one configuration of a domain: a running
/// persistent domain takes both parts together, or [`Affect::CURRENT`], which then
/// means both. An inactive one has only the configuration, a transient one only
/// the running part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Affect {
    /// The running domain.
    pub live: bool,
    /// What it will be at its next start.
    pub config: bool,
}

/// The part that is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The running domain, and with it the configuration if it has one.
    Live,
    /// The configuration of an inactive domain.
    Config,
}

impl Affect {
    /// Whatever is there.
    pub const CURRENT: Self = Self {
        live: false,
        config: false,
    };
    /// The running domain.
    pub const LIVE: Self = Self {
        live: true,
        config: false,
    };
    /// The configuration.
    pub const CONFIG: Self = Self {
        live: false,
        config: true,
    };
    /// Both.
    pub const BOTH: Self = Self {
        live: true,
        config: true,
    };

    pub(crate) fn part(self, operation: Operation, domain: &Domain) -> Result<Part> {
        let refused = |reason: &str| {
            Err(Error::Invalid {
                name: domain.name.clone(),
                operation: operation.verb(),
                reason: reason.to_owned(),
            })
        };
        match (domain.is_active(), self.live, self.config) {
            (false, true, _) => refused("the domain is not running: --live cannot be done"),
            (false, false, _) => Ok(Part::Config),
            (true, _, true) if domain.persistent == Some(false) => {
                refused("the domain is transient: it has no configuration to change")
            }
            (true, false, true) => refused(
                "XenD keeps one configuration for the running and the defined domain: \
                 give --live as well as --config, or shut it down first",
            ),
            (true, true, false) if domain.persistent == Some(true) => refused(
                "XenD keeps one configuration for the running and the defined domain: \
                 give --config as well as --live, or neither",
            ),
            (true, ..) => Ok(Part::Live),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Reason, State};
    use std::time::Duration;
    use virtxen_guest::{DomId, MemoryKib, Uuid};

    fn domain(active: bool, persistent: Option<bool>) -> Domain {
        Domain {
            name: "web".into(),
            uuid: Uuid::ZERO,
            id: active.then_some(DomId(3)),
            state: State::Running,
            reason: Reason::Unknown,
            persistent,
            hvm: false,
            memory: MemoryKib(0),
            max_memory: MemoryKib(0),
            vcpus: 1,
            max_vcpus: 1,
            cpu_time: Duration::ZERO,
        }
    }

    /// The whole matrix: which flags go with which domain.
    #[test]
    fn flags_follow_the_rule_of_one_configuration() {
        use Part::{Config, Live};
        let rows = [
            // domain, current, live, config, both
            (
                domain(false, Some(true)),
                [Some(Config), None, Some(Config), None],
            ),
            (
                domain(true, Some(true)),
                [Some(Live), None, None, Some(Live)],
            ),
            (
                domain(true, Some(false)),
                [Some(Live), Some(Live), None, None],
            ),
            (
                domain(true, None),
                [Some(Live), Some(Live), None, Some(Live)],
            ),
        ];
        let flags = [Affect::CURRENT, Affect::LIVE, Affect::CONFIG, Affect::BOTH];
        for (domain, parts) in rows {
            for (affect, part) in flags.into_iter().zip(parts) {
                let got = affect.part(Operation::SetVcpus, &domain);
                if let Err(error) = &got {
                    assert_eq!(error.libvirt().code, 55);
                }
                assert_eq!(got.ok(), part, "{affect:?} {:?}", domain.persistent);
            }
        }
    }
}
