//! Finding domains: look-up, list, filters, rename.
//!
//! A list that the host does not answer in time is the last snapshot.

use crate::call::Call;
use crate::{Domain, DomainKey, Driver, Error, Operation, Result, State};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::time::Instant;
use virtxen_guest::DomId;

/// Which domains a list has. A pair of which neither is set does not filter; the
/// default lists all domains, active and inactive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// Active ones.
    pub active: bool,
    /// Inactive ones.
    pub inactive: bool,
    /// Those that stay defined when they end; so do those of which the host does
    /// not tell.
    pub persistent: bool,
    /// Those that do not.
    pub transient: bool,
    /// Those that start with the host.
    pub autostart: bool,
    /// Those that do not.
    pub no_autostart: bool,
    /// Those whose memory is in a file from which they go on.
    pub managed_save: bool,
    /// Those of which it is not.
    pub no_managed_save: bool,
    /// Those that have snapshots.
    pub snapshots: bool,
    /// Those that have none.
    pub no_snapshots: bool,
    /// States; empty for any.
    pub states: Vec<State>,
}

impl ListFilter {
    /// Active domains.
    #[must_use]
    pub fn active() -> Self {
        Self {
            active: true,
            ..Self::default()
        }
    }

    /// Inactive domains.
    #[must_use]
    pub fn inactive() -> Self {
        Self {
            inactive: true,
            ..Self::default()
        }
    }

    fn takes(&self, domain: &Domain) -> bool {
        let persistent = domain.persistent != Some(false);
        pair(self.active, self.inactive, domain.is_active())
            && pair(self.persistent, self.transient, persistent)
            && (self.states.is_empty() || self.states.contains(&domain.state))
    }
}

/// Whether a pair of filters lets a domain through that is the first kind or not.
fn pair(first: bool, second: bool, is_first: bool) -> bool {
    first == second || first == is_first
}

impl Driver {
    /// The domain of a key.
    ///
    /// # Errors
    /// [`Error::NoDomain`], or what the host says.
    pub async fn lookup(&self, key: &DomainKey) -> Result<Domain> {
        self.readable(Operation::Lookup, key).await
    }

    /// The domain that a person means: by number, by uuid, by name, in this order.
    ///
    /// # Errors
    /// [`Error::NoDomain`] about the name, or what the host says.
    pub async fn find(&self, text: &str) -> Result<Domain> {
        let by_number = text.parse().ok().map(|id| DomainKey::Id(DomId(id)));
        let by_uuid = text
            .parse()
            .ok()
            .filter(|_| text.len() == 36)
            .map(DomainKey::Uuid);
        for key in [by_number, by_uuid].into_iter().flatten() {
            match self.lookup(&key).await {
                Err(Error::NoDomain(_)) => {}
                other => return other,
            }
        }
        self.lookup(&DomainKey::Name(text.to_owned())).await
    }

    /// The domains that the filter takes and the caller may see: Domain-0 first,
    /// active ones by number, then inactive ones by name.
    ///
    /// # Errors
    /// When the host does not answer and was never seen.
    pub async fn list(&self, filter: &ListFilter) -> Result<Vec<Domain>> {
        self.check(Operation::List, None)?;
        let mut domains = self.all(filter).await?;
        domains.retain(|domain| filter.takes(domain) && self.may_see(domain));
        if filter.managed_save != filter.no_managed_save {
            let mut kept = Vec::new();
            for domain in domains {
                if self.inner.managed_save_of(&domain).await?.is_some() == filter.managed_save {
                    kept.push(domain);
                }
            }
            domains = kept;
        }
        if filter.snapshots != filter.no_snapshots {
            let mut kept = Vec::new();
            for domain in domains {
                let (_, snapshots) = self.inner.snapshots_of(&domain).await?;
                if snapshots.all.is_empty() != filter.snapshots {
                    kept.push(domain);
                }
            }
            domains = kept;
        }
        if filter.autostart == filter.no_autostart {
            return Ok(domains);
        }
        let mut kept = Vec::new();
        for domain in domains {
            let answer = self.inner.host.autostart(&domain.name);
            let autostart = self
                .read(Operation::GetAutostart, &domain.name, answer)
                .await;
            // Domain-0 and guests of old releases have no such setting.
            if autostart.unwrap_or(false) == filter.autostart {
                kept.push(domain);
            }
        }
        Ok(kept)
    }

    /// Gives an inactive domain another name.
    ///
    /// # Errors
    /// The domain is active, the name is taken, the host cannot do it.
    pub async fn rename(&self, key: &DomainKey, new_name: &str) -> Result<()> {
        if new_name.is_empty() {
            return Err(Error::Argument("the new name is empty".to_owned()));
        }
        let call = Call::renamed(Operation::Rename, key, new_name);
        let inner = Arc::clone(&self.inner);
        let new_name = new_name.to_owned();
        self.change(call, async move |host, domain| {
            if inner.managed_save_of(&domain).await?.is_some() {
                return Err(Error::Invalid {
                    name: domain.name,
                    operation: Operation::Rename.verb(),
                    reason: "its saved memory has the old name: start it, or remove that with \
                             managedsave-remove"
                        .to_owned(),
                });
            }
            inner
                .without_snapshots(&domain, Operation::Rename, "delete them first")
                .await?;
            match host.domain(&new_name).await {
                Ok(other) if other.name == new_name => Err(Error::Exists {
                    name: other.name,
                    uuid: other.uuid,
                }),
                Ok(_) | Err(virtxen_host::Error::NoDomain { .. }) => {
                    Ok(host.rename(&domain.name, &new_name).await?)
                }
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// Looks up a domain and checks that the caller may do this to it.
    pub(crate) async fn readable(&self, operation: Operation, key: &DomainKey) -> Result<Domain> {
        let (_, domain) = self.inner.look_up(key).await?;
        self.check(operation, Some(&domain))?;
        Ok(domain)
    }

    fn may_see(&self, domain: &Domain) -> bool {
        self.check(Operation::Lookup, Some(domain)).is_ok()
    }

    /// Looks at all domains, without long waiting if they were seen before.
    async fn look_with_patience(&self) -> Result<()> {
        let inner = &self.inner;
        let mut limit = inner.deadline(Operation::List);
        if inner.registry.snapshot().is_some() {
            limit = limit.min(inner.options.patience);
        }
        let look = inner.look_at_all_since(Instant::now());
        let timeout = |_| Error::Timeout {
            channel: None,
            subject: "all domains".to_owned(),
            operation: Operation::List.verb(),
            limit,
        };
        let outcome = tokio::time::timeout(limit, look).await;
        if outcome.is_err() && inner.registry.subscribers() > 0 {
            // Those who listen for events have it looked at until it answers.
            inner.is_silent.store(true, Ordering::Relaxed);
        }
        outcome.map_err(timeout)?
    }

    async fn all(&self, filter: &ListFilter) -> Result<Vec<Domain>> {
        let inner = &self.inner;
        if let Some(snapshot) = inner.registry.fresh(inner.options.max_age) {
            return Ok(snapshot.domains.clone());
        }
        if inner.is_silent.load(Ordering::Relaxed)
            && let Some(snapshot) = inner.registry.snapshot()
        {
            return Ok(snapshot.domains.clone());
        }
        let host = &inner.host;
        let outcome = if filter.active && !filter.inactive {
            // Cheaper on many hosts, and of no use as a snapshot.
            self.read(Operation::List, "active domains", host.domains())
                .await
                .map(|infos| {
                    let mut domains: Vec<_> = infos.into_iter().map(Domain::from).collect();
                    for domain in &mut domains {
                        inner.registry.recall(domain);
                    }
                    crate::registry::sort(&mut domains);
                    domains
                })
        } else {
            self.look_with_patience().await.and_then(|()| {
                let snapshot = inner.registry.snapshot();
                let operation = Operation::List.verb();
                let snapshot = snapshot.ok_or(Error::Task { operation })?;
                Ok(snapshot.domains.clone())
            })
        };
        match outcome {
            Err(error) if error.is_timeout() => match inner.registry.snapshot() {
                Some(snapshot) => Ok(snapshot.domains.clone()),
                None => Err(error),
            },
            outcome => outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_filters_only_when_one_is_set() {
        for (first, second, is_first, takes) in [
            (false, false, true, true),
            (false, false, false, true),
            (true, false, true, true),
            (true, false, false, false),
            (false, true, true, false),
            (true, true, false, true),
        ] {
            assert_eq!(pair(first, second, is_first), takes);
        }
    }
}
