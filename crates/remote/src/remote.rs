//! A daemon as a connection: the calls' deadlines, coming back after a loss, and
//! what a daemon cannot carry. The calls are in the files beside this one, one a
//! family of libvirt's API.

use crate::credentials::Credentials;
use crate::open::{Opened, open};
use crate::{Ask, Client, Result, Uri, wire};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use virtxen_driver::connection::types::CpuPools;
use virtxen_driver::{DomainKey, Error, Operation, Subscription};
use virtxen_host::{Host, XenVersion};
use virtxen_rpc::calls::{
    ConnectDomainEventCallbackRegisterAny, DomainEventArguments, DomainLookupByID,
    DomainLookupByName,
};
use virtxen_rpc::{Call, Domain};

/// What a call may take longer than the driver's own deadline for it: the wait for
/// another job of the domain, and the way.
const SLACK: Duration = Duration::from_secs(35);

/// Longest time that a daemon may take for the call that is this operation of the driver.
pub(crate) fn deadline(operation: Operation) -> Duration {
    operation.row().deadline.saturating_add(SLACK)
}

/// A daemon. When the connection is lost, the call that needs it next makes a new one.
#[derive(Debug)]
pub struct Remote {
    uri: Uri,
    limit: Option<Duration>,
    version: XenVersion,
    simulated: bool,
    credentials: Credentials,
    client: Mutex<Client>,
    /// Registers for events, once a connection.
    listening: Mutex<bool>,
}

impl Remote {
    /// Connects to the daemon of a URI. No call takes longer than `limit`; without
    /// one the driver's own deadlines are waited for. A name and a password that are
    /// wanted and are in no file are asked for, where there is somebody to `ask`.
    ///
    /// # Errors
    /// When the daemon cannot be reached or does not let us in.
    pub async fn open(uri: &Uri, limit: Option<Duration>, ask: Option<Ask>) -> Result<Self> {
        let credentials = Credentials::new(ask);
        let Opened {
            client,
            version,
            simulated,
        } = open(uri, &credentials).await?;
        Ok(Self {
            uri: uri.clone(),
            limit,
            version,
            simulated,
            credentials,
            client: Mutex::new(client),
            listening: Mutex::new(false),
        })
    }

    /// The hypervisor's version, as far as libvirt's number tells.
    #[must_use]
    pub fn version(&self) -> XenVersion {
        self.version.clone()
    }

    /// Whether the host of the daemon exists in memory only.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.simulated
    }

    /// Whether guests that have shut down are seen to: daemons do that.
    #[allow(clippy::unused_self, reason = "as the driver has it")]
    #[must_use]
    pub fn is_taken_down(&self) -> bool {
        true
    }

    #[allow(clippy::unused_self, reason = "as the driver has it")]
    fn reached_host(&self) -> Option<&Arc<dyn Host>> {
        None
    }

    /// The connection, a new one if it was lost.
    ///
    /// # Errors
    /// When the daemon cannot be reached again.
    pub async fn client(&self) -> Result<Client> {
        let mut client = self.client.lock().await;
        if client.is_lost() {
            *client = open(&self.uri, &self.credentials).await?.client;
            *self.listening.lock().await = false;
        }
        Ok(client.clone())
    }

    /// Makes a call that is this operation of the driver.
    pub(crate) async fn ask<C: Call>(
        &self,
        operation: Operation,
        arguments: C::Arguments,
    ) -> virtxen_driver::Result<C::Reply>
    where
        C::Arguments: Send + 'static,
    {
        let client = self.client().await?;
        Ok(client.call::<C>(arguments, self.limit(operation)).await?)
    }

    pub(crate) fn limit(&self, operation: Operation) -> Duration {
        let own = deadline(operation);
        self.limit.map_or(own, |limit| limit.min(own))
    }

    /// The domain of a key, as it travels.
    pub(crate) async fn domain(&self, key: &DomainKey) -> virtxen_driver::Result<Domain> {
        let operation = Operation::Lookup;
        match key {
            DomainKey::Uuid(uuid) => Ok(wire::domain(*uuid)),
            DomainKey::Name(name) => {
                self.ask::<DomainLookupByName>(operation, name.clone())
                    .await
            }
            DomainKey::Id(id) => {
                let id = i32::try_from(id.0).unwrap_or(i32::MAX);
                self.ask::<DomainLookupByID>(operation, id).await
            }
        }
    }

    pub(crate) async fn subscribe(&self) -> virtxen_driver::Result<Subscription> {
        let client = self.client().await?;
        let events = client.events()?;
        let mut listening = self.listening.lock().await;
        if !*listening {
            for event_id in wire::EVENTS {
                let arguments = DomainEventArguments {
                    event_id,
                    domain: None,
                };
                client
                    .call::<ConnectDomainEventCallbackRegisterAny>(
                        arguments,
                        self.limit(Operation::Events),
                    )
                    .await?;
            }
            *listening = true;
        }
        Ok(events.into())
    }
}

/// What libvirt's protocol has no call for.
fn needs_the_host<T>(operation: Operation) -> virtxen_driver::Result<T> {
    Err(Error::Unsupported {
        operation: operation.verb(),
        reason: "this needs the host itself: connect with xen: on it".to_owned(),
    })
}

/// Cpupools.
impl Remote {
    async fn cpu_pools(&self) -> virtxen_driver::Result<CpuPools> {
        needs_the_host(Operation::CpuPools)
    }

    async fn create_cpu_pool(
        &self,
        _: &str,
        _: Option<&str>,
        _: &[u32],
    ) -> virtxen_driver::Result<u32> {
        needs_the_host(Operation::ChangeCpuPool)
    }

    async fn destroy_cpu_pool(&self, _: &str) -> virtxen_driver::Result<()> {
        needs_the_host(Operation::ChangeCpuPool)
    }

    async fn add_to_cpu_pool(&self, _: &str, _: u32) -> virtxen_driver::Result<()> {
        needs_the_host(Operation::ChangeCpuPool)
    }

    async fn remove_from_cpu_pool(&self, _: &str, _: u32) -> virtxen_driver::Result<()> {
        needs_the_host(Operation::ChangeCpuPool)
    }

    async fn move_to_cpu_pool(&self, _: &DomainKey, _: &str) -> virtxen_driver::Result<()> {
        needs_the_host(Operation::MoveToCpuPool)
    }
}

virtxen_driver::connection_calls! { virtxen_driver::delegate_connection, [crate::Remote] }
