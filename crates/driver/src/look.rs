//! Looks at the host: all domains, the active ones, one of them.
//!
//! What two looks mean together is in `registry` and `compare`, when the host is
//! looked at while nobody calls in `poll`.

use crate::compare::is_on_its_way;
use crate::driver::Inner;
use crate::registry::Look;
use crate::{Domain, DomainKey, Error, Operation, Result};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use tokio::time::Instant;
use virtxen_guest::{DomId, Uuid};
use virtxen_host::DomainInfo;

impl Inner {
    /// Looks at all domains and publishes what it saw.
    pub(crate) async fn look_at_all(&self) -> Result<()> {
        let look = self.registry.look();
        let began = std::time::Instant::now();
        let answer = self.host.all_domains();
        let infos = self.read(Operation::List, "all domains", answer).await?;
        self.is_silent.store(false, Ordering::Relaxed);
        self.documents.see_all(infos.iter().map(|info| info.uuid));
        self.store.see_all(began, &infos).await;
        self.learn_endings(infos.iter().filter_map(|info| info.domid))
            .await;
        let domains = infos.into_iter().map(Domain::from).collect();
        self.registry.see_all(look, domains);
        Ok(())
    }

    /// Looks at all domains for somebody who asked at this time. Those who ask while a
    /// look is under way share the next one: the host is asked as often for a hundred
    /// callers as for two.
    pub(crate) async fn look_at_all_since(&self, asked: Instant) -> Result<()> {
        let mut looked = self.looked.lock().await;
        if looked.is_some_and(|began| began >= asked) {
            return Ok(());
        }
        let began = Instant::now();
        self.look_at_all().await?;
        *looked = Some(began);
        Ok(())
    }

    /// Looks at the active domains, where that asks nobody else.
    pub(crate) async fn look_at_active(&self) -> Result<()> {
        let look = self.registry.look();
        let answer = self.host.domains();
        let infos = self.read(Operation::List, "active domains", answer).await?;
        self.learn_endings(infos.iter().filter_map(|info| info.domid))
            .await;
        let domains = infos.into_iter().map(Domain::from).collect();
        self.registry.see_active(look, domains);
        Ok(())
    }

    /// Asks why those have ended that are known and not among these, while somebody
    /// listens.
    pub(crate) async fn learn_endings(&self, there: impl Iterator<Item = DomId>) {
        if self.registry.subscribers() == 0 {
            return;
        }
        let there: HashSet<DomId> = there.collect();
        let mut endings = HashMap::new();
        for domid in self.registry.active_numbers() {
            if !there.contains(&domid)
                && let Some(ending) = self.host.ending(domid).await
            {
                endings.insert(domid, ending);
            }
        }
        if !endings.is_empty() {
            self.registry.learn(endings);
        }
    }

    /// The domain of a key, now.
    pub(crate) async fn look_up(&self, key: &DomainKey) -> Result<(Look, Domain)> {
        let look = self.registry.look();
        if let Some(domain) = self.inactive_lately(key).await? {
            return Ok((look, domain));
        }
        let wanted = |d: &DomainInfo| match key {
            DomainKey::Name(name) => d.name == *name,
            DomainKey::Id(id) => d.domid == Some(*id),
            DomainKey::Uuid(uuid) => d.uuid == *uuid,
        };
        let host = &self.host;
        let answer = async {
            match key {
                DomainKey::Name(name) => host.domain(name).await.map(Some),
                DomainKey::Id(_) => Ok(host.domains().await?.into_iter().find(wanted)),
                DomainKey::Uuid(uuid) => {
                    if let Some(info) = self.by_known_name(*uuid).await? {
                        return Ok(Some(info));
                    }
                    if host.lists_active_apart()
                        && let Some(info) = host.domains().await?.into_iter().find(wanted)
                    {
                        return Ok(Some(info));
                    }
                    Ok(host.all_domains().await?.into_iter().find(wanted))
                }
            }
        };
        let answer = self.read(Operation::Lookup, key, answer).await;
        let info = match answer {
            Ok(info) => info,
            Err(Error::Host(virtxen_host::Error::NoDomain { .. })) => self.on_its_way(key).await?,
            Err(error) => return Err(error),
        };
        let info = info.ok_or_else(|| Error::NoDomain(key.clone()))?;
        let mut domain = Domain::from(info);
        self.registry.recall(&mut domain);
        self.registry.note(look, &domain);
        Ok((look, domain))
    }

    /// A domain that XenD keeps and that is not active, as the last look at all domains saw
    /// it, if a list shows that too: XenD, which may hang, is not asked for each of them.
    async fn inactive_lately(&self, key: &DomainKey) -> Result<Option<Domain>> {
        let host = &self.host;
        if !host.lists_active_apart() || host.keeps_config_apart() {
            return Ok(None);
        }
        let Some(domain) = self.registry.inactive(key) else {
            return Ok(None);
        };
        let is_recent = self.registry.is_fresh(self.options.max_age);
        if !is_recent && !self.is_silent.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let active = self.read(Operation::Lookup, key, host.domains());
        let mut active = active.await?.into_iter();
        let same = |info: DomainInfo| info.uuid == domain.uuid || info.name == domain.name;
        Ok((!active.any(same)).then_some(domain))
    }

    /// A domain that our own save or migration is at work on, which XenD calls by
    /// another name meanwhile.
    async fn on_its_way(&self, key: &DomainKey) -> Result<Option<DomainInfo>> {
        let DomainKey::Name(name) = key else {
            return Ok(None);
        };
        let Some(uuid) = self.jobs.current(name).and(self.registry.uuid(name)) else {
            return Ok(None);
        };
        let answer = self.host.domains();
        let infos = self.read(Operation::Lookup, name, answer).await?;
        let moving = |info: &DomainInfo| info.uuid == uuid && is_on_its_way(&info.name, name);
        Ok(infos.into_iter().find(moving))
    }

    /// The domain of a uuid under the name that it had: one question instead of one
    /// for each domain of the host.
    async fn by_known_name(&self, uuid: Uuid) -> virtxen_host::Result<Option<DomainInfo>> {
        let Some(name) = self.registry.name(uuid) else {
            return Ok(None);
        };
        match self.host.domain(&name).await {
            Ok(info) if info.uuid == uuid => Ok(Some(info)),
            Ok(_) | Err(virtxen_host::Error::NoDomain { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The domain that a new one of this name and uuid replaces.
    pub(crate) async fn replaced(&self, name: &str, uuid: Uuid) -> Result<Option<(Look, Domain)>> {
        let look = self.registry.look();
        let answer = self.host.namesakes(name, uuid);
        let infos = self.read(Operation::Lookup, name, answer).await?;
        let mut same = None;
        for info in infos {
            if info.name != name || info.uuid != uuid {
                return Err(Error::Exists {
                    name: info.name,
                    uuid: info.uuid,
                });
            }
            same = Some((look, Domain::from(info)));
        }
        if let Some((_, domain)) = &mut same {
            self.registry.recall(domain);
        }
        Ok(same)
    }
}
