//! Which part of a domain a call is about: libvirt's live and config flags.
//!
//! The rules are decided here: XenD keeps one configuration, before Xen 3.0.4 a
//! running domain and its definition are two things. What is done to a part is the
//! operation's.

use crate::{Domain, Error, Operation, Result};
use virtxen_host::{ConfigChange, Host};

/// What part of a domain a call is about.
///
/// XenD (Xen 3.0.4 and later) keeps one configuration of a domain: a running
/// persistent domain takes both parts together, or [`Affect::CURRENT`], which then
/// means both; only its memory may be changed with [`Affect::LIVE`] alone. Before,
/// the two parts are changed apart or together, and [`Affect::CURRENT`] means the
/// running domain. An inactive one has only the configuration, a transient one only
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
    /// The running domain, and with it the configuration where there is one for both.
    Live,
    /// The configuration.
    Config,
    /// The running domain and its configuration, which are kept apart.
    Both,
}

impl Part {
    /// Does a change to this part of a domain: by `live` to the running one and
    /// wherever there is one configuration.
    pub(crate) async fn change(
        self,
        host: &dyn Host,
        name: &str,
        change: &ConfigChange,
        live: impl Future<Output = virtxen_host::Result<()>>,
    ) -> Result<()> {
        let apart = host.keeps_config_apart();
        if self != Self::Config || !apart {
            live.await?;
        }
        if self != Self::Live && apart {
            host.change_config(name, change).await?;
        }
        Ok(())
    }
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

    /// The part of a domain of this host.
    pub(crate) fn part(
        self,
        host: &dyn Host,
        operation: Operation,
        domain: &Domain,
    ) -> Result<Part> {
        self.part_of(host.keeps_config_apart(), operation, domain)
    }

    fn part_of(self, apart: bool, operation: Operation, domain: &Domain) -> Result<Part> {
        let refused = |reason: &str| {
            Err(Error::Invalid {
                name: domain.name.clone(),
                operation: operation.verb(),
                reason: reason.to_owned(),
            })
        };
        match (domain.is_active(), self.live, self.config) {
            (false, true, _) => Err(Error::State {
                name: domain.name.clone(),
                operation: operation.verb(),
                state: domain.state,
                needed: "running for --live",
            }),
            (false, false, _) => Ok(Part::Config),
            (true, _, true) if domain.persistent == Some(false) => {
                refused("the domain is transient: it has no configuration to change")
            }
            (true, live, config) if apart => Ok(match (live, config) {
                (_, false) => Part::Live,
                (false, true) => Part::Config,
                (true, true) => Part::Both,
            }),
            (true, false, true) => refused(
                "XenD keeps one configuration for the running and the defined domain: \
                 give --live as well as --config, or shut it down first",
            ),
            // The balloon's target is the running domain's, and what virsh setmem asks
            // for without options; so are single vcpus.
            (true, true, false)
                if matches!(operation, Operation::SetMemory | Operation::PlugVcpus) =>
            {
                Ok(Part::Live)
            }
            (true, true, true) if operation == Operation::PlugVcpus => refused(
                "XenD keeps one configuration, with the number of vcpus only: give --live, or \
                 setvcpus with a count",
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
    use virtxen_guest::{DomId, MemoryKib, OsType, Uuid};

    fn domain(active: bool, persistent: Option<bool>) -> Domain {
        Domain {
            name: "web".into(),
            uuid: Uuid::ZERO,
            id: active.then_some(DomId(3)),
            state: State::Running,
            reason: Reason::Unknown,
            persistent,
            kind: OsType::Xen,
            memory: MemoryKib(0),
            max_memory: MemoryKib(0),
            vcpus: 1,
            max_vcpus: 1,
            cpu_time: Duration::ZERO,
        }
    }

    /// The whole matrix: which flags go with which domain.
    #[test]
    fn flags_follow_the_rule_of_the_host() {
        use Part::{Both, Config, Live};
        let rows = [
            // configuration is apart, domain, current, live, config, both
            (
                false,
                domain(false, Some(true)),
                [Some(Config), None, Some(Config), None],
            ),
            (
                false,
                domain(true, Some(true)),
                [Some(Live), None, None, Some(Live)],
            ),
            (
                false,
                domain(true, Some(false)),
                [Some(Live), Some(Live), None, None],
            ),
            (
                false,
                domain(true, None),
                [Some(Live), Some(Live), None, Some(Live)],
            ),
            (
                true,
                domain(false, Some(true)),
                [Some(Config), None, Some(Config), None],
            ),
            (
                true,
                domain(true, Some(true)),
                [Some(Live), Some(Live), Some(Config), Some(Both)],
            ),
            (
                true,
                domain(true, Some(false)),
                [Some(Live), Some(Live), None, None],
            ),
        ];
        let flags = [Affect::CURRENT, Affect::LIVE, Affect::CONFIG, Affect::BOTH];
        for (apart, domain, parts) in rows {
            for (affect, part) in flags.into_iter().zip(parts) {
                let got = affect.part_of(apart, Operation::SetVcpus, &domain);
                if let Err(error) = &got {
                    assert_eq!(error.libvirt().code, 55);
                }
                assert_eq!(got.ok(), part, "{apart} {affect:?} {:?}", domain.persistent);
            }
        }
    }

    #[test]
    fn memory_of_a_running_domain_is_set_as_virsh_asks() {
        let running = domain(true, Some(true));
        let part = Affect::LIVE.part_of(false, Operation::SetMemory, &running);
        assert_eq!(part.ok(), Some(Part::Live));
        let part = Affect::CONFIG.part_of(false, Operation::SetMemory, &running);
        assert!(part.is_err(), "XenD cannot change the definition alone");
    }
}
