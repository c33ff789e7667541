//! Monitoring: which domains there are and what they do.
//!
//! XenD before 3.0.4 lists all active domains with their details. Later ones
//! list only those that run; the names of all come from a second request at the
//! same time, and only domains that neither run nor are known to be without a
//! document cost a request each: paused ones, preserved ones, inactive ones.

use super::{XendHost, summary};
use crate::{DomainInfo, Error, Result};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use virtxen_guest::Uuid;
use virtxen_xend::ListState;
use virtxen_xend::release::ListHabit;

/// Most documents that are asked for at the same time; XenD makes a thread for
/// each.
const AT_ONCE: usize = 16;

/// So often domains are listed of which some vanish meanwhile: they may have got another
/// name, under which the next list has them.
const LISTS_MAX: usize = 3;

/// Domains, and whether none of those that were listed has vanished meanwhile.
type Listed = (Vec<DomainInfo>, bool);

impl XendHost {
    /// All domains: active ones by domid, then inactive ones by name.
    pub(super) async fn list(&self) -> Result<Vec<DomainInfo>> {
        for _ in 1..LISTS_MAX {
            if let (domains, true) = self.list_once().await? {
                return Ok(domains);
            }
        }
        Ok(self.list_once().await?.0)
    }

    async fn list_once(&self) -> Result<Listed> {
        let running = async { self.client.details().await };
        let (details, names) = if self.client.habits().list == ListHabit::All {
            (running.await, Vec::new())
        } else {
            let (details, names) = tokio::join!(running, self.client.names(ListState::All));
            (details, names.map_err(|error| self.failed("", error))?)
        };
        let details = details.map_err(|error| self.failed("", error))?;
        let mut domains = summary::many(&details)?;
        let known: HashSet<&str> = domains.iter().map(|domain| domain.name.as_str()).collect();
        let mut missing = names;
        missing.retain(|name| !known.contains(name.as_str()));
        missing.dedup();
        let (others, whole) = self.infos(missing).await?;
        domains.extend(others);
        for domain in &mut domains {
            self.tell_persistent(domain);
        }
        domains.sort_by(|a, b| order(a).cmp(&order(b)));
        domains.dedup_by(|a, b| a.domid == b.domid && a.uuid == b.uuid && a.name == b.name);
        Ok((domains, whole))
    }

    /// Names of the inactive domains, sorted.
    pub(super) async fn inactive_names(&self) -> Result<Vec<String>> {
        let halted = self.inactive_domains().await?;
        Ok(halted.into_iter().map(|domain| domain.name).collect())
    }

    /// The inactive domains, by name.
    pub(crate) async fn inactive_domains(&self) -> Result<Vec<DomainInfo>> {
        if !self.client.habits().inactive {
            return Ok(Vec::new());
        }
        let mut halted = Vec::new();
        for _ in 0..LISTS_MAX {
            let names = self.client.names(ListState::Halted).await;
            let names = names.map_err(|error| self.failed("", error))?;
            let whole;
            (halted, whole) = self.infos(names).await?;
            if whole {
                break;
            }
        }
        // XenD counts a domain that has shut down and is preserved as halted.
        halted.retain(|domain| domain.domid.is_none());
        halted.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(halted)
    }

    /// One domain of this very name.
    pub(super) async fn info(&self, name: &str) -> Result<DomainInfo> {
        let document = self.client.document(name).await;
        let document = document.map_err(|error| self.failed(name, error))?;
        let mut info = summary::one(&document)?;
        // XenD takes a number or a uuid in place of a name.
        if info.name != name {
            return Err(Error::NoDomain {
                name: name.to_owned(),
            });
        }
        self.tell_persistent(&mut info);
        Ok(info)
    }

    /// The domains of these names; those that have vanished are left out.
    async fn infos(&self, names: Vec<String>) -> Result<Listed> {
        let listed = names.len();
        let room = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        for name in names {
            let (host, room) = (self.clone(), Arc::clone(&room));
            tasks.spawn(async move {
                let _place = room.acquire().await;
                host.info(&name).await
            });
        }
        let mut infos = Vec::with_capacity(tasks.len());
        while let Some(joined) = tasks.join_next().await {
            match joined {
                Ok(Ok(info)) => infos.push(info),
                Ok(Err(Error::NoDomain { .. })) => {}
                Ok(Err(error)) => return Err(error),
                Err(error) => {
                    return Err(Error::Channel {
                        channel: "XenD".to_owned(),
                        reason: "a request was given up".to_owned(),
                        source: Some(Box::new(error)),
                    });
                }
            }
        }
        let whole = infos.len() == listed;
        Ok((infos, whole))
    }

    /// Fills in whether XenD also keeps an active domain, as far as known.
    fn tell_persistent(&self, domain: &mut DomainInfo) {
        if domain.domid.is_none() {
            return;
        }
        domain.persistent = if domain.uuid == Uuid::ZERO {
            // Domain-0 outlives everything.
            Some(true)
        } else if self.client.habits().inactive {
            let kept = self.kept.as_ref();
            kept.and_then(|kept| kept(domain.uuid))
        } else {
            Some(false)
        };
    }
}

fn order(domain: &DomainInfo) -> (bool, u32, &str) {
    let domid = domain.domid.map_or(0, |domid| domid.0);
    (domain.domid.is_none(), domid, &domain.name)
}
