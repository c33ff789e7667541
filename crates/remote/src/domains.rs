//! Calls that find domains: look-up, list, rename.

use crate::{Remote, wire};
use std::collections::{HashMap, HashSet};
use tokio::task::JoinSet;
use virtxen_driver::{
    Domain, DomainKey, Error, ListFilter, Operation, Reason, Result, State, TypedParameter,
    TypedValue,
};
use virtxen_guest::{DomId, MemoryKib, OsType, Uuid};
use virtxen_rpc::calls::{
    ConnectGetAllDomainStats, ConnectListAllDomains, DomainFlags, DomainGetInfo, DomainGetMaxVcpus,
    DomainGetOSType, DomainGetState, DomainInfo, DomainIsPersistent, DomainLookupByUUID,
    DomainRename, ListAll, RenameArguments, StatsArguments,
};
use virtxen_rpc::{code, xdr::List};

/// State, processor time and vcpus (`virDomainStatsTypes`).
const LISTED: u32 = 1 | 1 << 1 | 1 << 3;
/// The filters that lists and statistics share.
const SHARED: u32 = 0xff;
/// `VIR_CONNECT_LIST_DOMAINS_PERSISTENT`.
const PERSISTENT: u32 = 4;

impl Remote {
    pub(crate) async fn lookup(&self, key: &DomainKey) -> Result<Domain> {
        let operation = Operation::Lookup;
        let found = match key {
            DomainKey::Uuid(uuid) => self.ask::<DomainLookupByUUID>(operation, uuid.0).await,
            _ => self.domain(key).await,
        };
        let dom = found.map_err(|error| match error {
            Error::Daemon { code, .. } if code == code::NO_DOMAIN => Error::NoDomain(key.clone()),
            error => error,
        })?;
        let flags = DomainFlags {
            dom: dom.clone(),
            flags: 0,
        };
        let (info, state, persistent, kind, max_vcpus) = tokio::try_join!(
            self.ask::<DomainGetInfo>(operation, dom.clone()),
            self.ask::<DomainGetState>(operation, flags),
            self.ask::<DomainIsPersistent>(operation, dom.clone()),
            self.ask::<DomainGetOSType>(operation, dom.clone()),
            self.ask::<DomainGetMaxVcpus>(operation, dom.clone()),
        )?;
        let number = state.state;
        let state_now = State::from_number(number);
        Ok(Domain {
            reason: Reason::from_number(state_now, state.reason),
            state: state_now,
            persistent: Some(persistent == 1),
            kind: wire::kind(&kind),
            max_vcpus: u32::try_from(max_vcpus).unwrap_or(0),
            cpu_time: wire::time(info.cpu_time),
            ..with_info(&dom, &info)
        })
    }

    pub(crate) async fn find(&self, text: &str) -> Result<Domain> {
        let by_number = text.parse().ok().map(|id| DomainKey::Id(DomId(id)));
        let by_uuid = text.parse().ok().filter(|_| text.len() == 36);
        for key in [by_number, by_uuid.map(DomainKey::Uuid)]
            .into_iter()
            .flatten()
        {
            match self.lookup(&key).await {
                Err(Error::NoDomain(_)) => {}
                other => return other,
            }
        }
        self.lookup(&DomainKey::Name(text.to_owned())).await
    }

    /// What is told of all domains at once is asked at once; the rest of each, all
    /// together.
    pub(crate) async fn list(&self, filter: &ListFilter) -> Result<Vec<Domain>> {
        let flags = wire::filter(filter);
        let listed = self.listed(flags).await?;
        if listed.is_empty() {
            return Ok(Vec::new());
        }
        let stats = StatsArguments {
            // Filters that statistics do not have are answered by the list.
            doms: List(match flags & !SHARED {
                0 => Vec::new(),
                _ => listed.clone(),
            }),
            stats: LISTED,
            flags: flags & SHARED,
        };
        let operation = Operation::List;
        let (stats, persistent, details) = tokio::try_join!(
            self.ask::<ConnectGetAllDomainStats>(operation, stats),
            self.listed(PERSISTENT),
            self.details(&listed),
        )?;
        let persistent: HashSet<[u8; 16]> = persistent.into_iter().map(|dom| dom.uuid).collect();
        let stats = stats.0.into_iter().map(|record| {
            let params = record.params.0.into_iter().map(wire::parameter);
            (record.dom.uuid, params.collect::<Vec<_>>())
        });
        let mut stats: HashMap<[u8; 16], Vec<TypedParameter>> = stats.collect();
        let mut details = details;
        let domains = listed.iter().filter_map(|dom| {
            // One that went away meanwhile is no longer there.
            let (info, kind) = details.remove(&dom.uuid)?;
            let stats = stats.remove(&dom.uuid)?;
            Some(Domain {
                kind,
                persistent: Some(persistent.contains(&dom.uuid)),
                ..with_stats(with_info(dom, &info), &stats)
            })
        });
        let wanted =
            |domain: &Domain| filter.states.is_empty() || filter.states.contains(&domain.state);
        Ok(domains.filter(wanted).collect())
    }

    pub(crate) async fn rename(&self, key: &DomainKey, new_name: &str) -> Result<()> {
        let arguments = RenameArguments {
            dom: self.domain(key).await?,
            new_name: Some(new_name.to_owned()),
            flags: 0,
        };
        self.ask::<DomainRename>(Operation::Rename, arguments)
            .await
            .map(|_| ())
    }

    async fn listed(&self, flags: u32) -> Result<Vec<virtxen_rpc::Domain>> {
        let arguments = ListAll {
            need_results: 1,
            flags,
        };
        let listed = self.ask::<ConnectListAllDomains>(Operation::List, arguments);
        Ok(listed.await?.items.0)
    }

    /// Memory and kind of each domain that is still there.
    async fn details(
        &self,
        domains: &[virtxen_rpc::Domain],
    ) -> Result<HashMap<[u8; 16], (DomainInfo, OsType)>> {
        let client = self.client().await?;
        let limit = self.limit(Operation::List);
        let mut asked = JoinSet::new();
        for dom in domains {
            let (client, dom) = (client.clone(), dom.clone());
            asked.spawn(async move {
                let uuid = dom.uuid;
                let both = tokio::try_join!(
                    client.call::<DomainGetInfo>(dom.clone(), limit),
                    client.call::<DomainGetOSType>(dom, limit),
                );
                (uuid, both)
            });
        }
        let mut details = HashMap::new();
        while let Some(answer) = asked.join_next().await {
            match answer {
                Ok((uuid, Ok((info, kind)))) => {
                    details.insert(uuid, (info, wire::kind(&kind)));
                }
                Ok((_, Err(crate::Error::Daemon(error)))) if error.code == code::NO_DOMAIN => {}
                Ok((_, Err(error))) => return Err(error.into()),
                Err(_) => {
                    let operation = Operation::List.verb();
                    return Err(Error::Task { operation });
                }
            }
        }
        Ok(details)
    }
}

/// What `virDomainInfo` tells.
fn with_info(dom: &virtxen_rpc::Domain, info: &DomainInfo) -> Domain {
    Domain {
        name: dom.name.clone(),
        uuid: Uuid(dom.uuid),
        id: wire::id(dom.id),
        state: State::from_number(i32::from(info.state)),
        reason: Reason::Unknown,
        persistent: None,
        kind: OsType::Xen,
        memory: MemoryKib(info.memory),
        max_memory: MemoryKib(info.max_mem),
        vcpus: u32::from(info.nr_virt_cpu),
        max_vcpus: u32::from(info.nr_virt_cpu),
        cpu_time: wire::time(info.cpu_time),
    }
}

/// What statistics tell besides: states of one moment, reasons, vcpus.
fn with_stats(mut domain: Domain, stats: &[TypedParameter]) -> Domain {
    let mut reason = 0;
    for parameter in stats {
        match (parameter.name.as_str(), &parameter.value) {
            ("state.state", TypedValue::Int(state)) => domain.state = State::from_number(*state),
            ("state.reason", TypedValue::Int(number)) => reason = *number,
            ("cpu.time", TypedValue::ULLong(time)) => domain.cpu_time = wire::time(*time),
            ("vcpu.maximum", TypedValue::UInt(count)) => domain.max_vcpus = *count,
            _ => {}
        }
    }
    domain.reason = Reason::from_number(domain.state, reason);
    domain
}
