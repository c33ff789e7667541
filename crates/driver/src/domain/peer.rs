//! A migration that the source conducts: it is itself the client of the destination's
//! daemon, and makes the calls of `moving` here and there in their order.
//!
//! What can be said for certain decides where the domain goes on: here, unless the
//! destination says that it runs there. When the connection is lost at the very end, the
//! destination is asked again, and nothing is guessed.

use super::moving::is_on_its_way;
use super::streaming::broken;
use super::tunnel;
use crate::call::{Call, allowed_now};
use crate::destinations::{Destination, Destinations, Finished, Offer, Tunnel};
use crate::{Arrival, DomainKey, Driver, Error, MigrateFlags, Monitor, Operation, Result, State};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use virtxen_guest::Uuid;
use virtxen_host::MigrateOptions;

/// Time between two looks at what became of a domain there.
const LOOK: Duration = Duration::from_secs(1);

/// How a domain is moved to the host of another daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journey {
    /// How it leaves.
    pub flags: MigrateFlags,
    /// How it is received.
    pub arrival: Arrival,
    /// Where the destination is to listen, if not where it wants.
    pub listen: Option<String>,
}

/// How the memory gets to a destination that expects it.
enum Way {
    /// Somebody listens there.
    To(MigrateOptions),
    /// Through the connection.
    Tunnel(Box<dyn Tunnel>),
}

/// Gets a destination ready.
struct Preparing {
    destinations: Arc<dyn Destinations>,
    uri: String,
    offer: Offer,
}

impl Driver {
    /// Moves a domain to the host of the daemon of `uri`. It goes on when the caller goes
    /// away.
    ///
    /// # Errors
    /// The daemon is not reached or does not take the domain; what either host says,
    /// and on which side; where the domain is when nobody knows.
    pub async fn migrate_to_daemon(
        &self,
        key: &DomainKey,
        uri: &str,
        journey: Journey,
        monitor: &Monitor,
    ) -> Result<()> {
        let operation = Operation::Migrate.verb();
        let unsupported = |reason: &str| Error::Unsupported {
            operation,
            reason: reason.to_owned(),
        };
        let Some(destinations) = self.session.destinations.clone() else {
            return Err(unsupported("this program reaches no other daemons"));
        };
        if journey.flags.tunnelled && self.inner.host.stream_version().is_none() {
            return Err(unsupported(
                "XenD makes its connection itself: leave --tunnelled out",
            ));
        }
        let (driver, key, uri) = (self.clone(), key.clone(), uri.to_owned());
        let monitor = monitor.clone();
        let conducted = tokio::spawn(async move {
            let conducting = driver.conduct(destinations, &key, uri, journey, &monitor);
            conducting.await
        });
        conducted.await.unwrap_or(Err(Error::Task { operation }))
    }

    async fn conduct(
        &self,
        destinations: Arc<dyn Destinations>,
        key: &DomainKey,
        uri: String,
        journey: Journey,
        monitor: &Monitor,
    ) -> Result<()> {
        let operation = Operation::MigrateBegin;
        let domain = self.readable(operation, key).await?;
        allowed_now(operation, &domain)?;
        let key = &DomainKey::from(&domain);
        let conducting = self.inner.moving.conduct(domain.uuid);
        let _conducting = conducting.ok_or_else(|| is_on_its_way(&domain))?;
        let departure = self.departure(&domain).await?;
        let Journey {
            flags,
            arrival,
            listen,
        } = journey;
        let offer = Offer {
            name: domain.name,
            xml: departure.xml,
            cookie: departure.cookie,
            listen,
            arrival,
            live: flags.live,
            undefine_source: flags.undefine_source,
            tunnelled: flags.tunnelled,
        };
        let preparing = Preparing {
            destinations,
            uri,
            offer,
        };
        let (give, way) = oneshot::channel();
        // Whoever gives up the wait has to know in the end whether it was prepared.
        let (ready, sent) = tokio::join!(
            preparing.prepare(give),
            self.send_by(key, way, &preparing, flags.live, monitor),
        );
        let there = match ready {
            Ok(there) => there,
            Err(error) => return Err(self.stays(key, error).await),
        };
        if let Err(error) = sent {
            // It was never told to run it; that it hears so makes it forget sooner.
            let (error, _) =
                tokio::join!(self.stays(key, error), there.finish(&preparing.offer, true),);
            return Err(error);
        }
        let finished = match there.finish(&preparing.offer, false).await {
            Finished::Unknown(error) => self.asked_again(&preparing, domain.uuid, error).await,
            finished => finished,
        };
        match finished {
            Finished::Runs => {
                self.migrate_confirm(key, flags.undefine_source, false)
                    .await
            }
            Finished::Not(error) => Err(self.stays(key, preparing.there(&error)).await),
            Finished::Unknown(error) => Err(preparing.there(&error)),
        }
    }

    /// Sends a domain when the destination is ready. It can be given up until all of it
    /// is sent.
    async fn send_by(
        &self,
        key: &DomainKey,
        way: oneshot::Receiver<Way>,
        preparing: &Preparing,
        live: bool,
        monitor: &Monitor,
    ) -> Result<()> {
        let call = Call::domain(Operation::Migrate, key).watched(monitor);
        let inner = Arc::clone(&self.inner);
        let uri = preparing.uri.clone();
        self.change(call, async move |host, domain| match way.await {
            Ok(Way::To(to)) => inner.send_away(&*host, &domain, &to).await,
            Ok(Way::Tunnel(tunnel)) => {
                tunnel::send_through(&inner, &*host, &domain, tunnel, &uri, live).await
            }
            // Why it is not ready is said by who prepares.
            Err(_) => Err(broken(&"the destination is not ready")),
        })
        .await
    }

    /// A domain that was not moved goes on here; says what went wrong, and if it does not.
    async fn stays(&self, key: &DomainKey, error: Error) -> Error {
        match self.migrate_confirm(key, false, true).await {
            // One that XenD has moved is not here.
            Ok(()) | Err(Error::NoDomain(_)) => error,
            Err(left) => told(&error, |message| {
                format!("{message}; it does not go on here: {left}")
            }),
        }
    }

    /// Finds out what became of a domain, when the connection was lost while the
    /// destination was to run it: for as long as it may be about to.
    async fn asked_again(&self, preparing: &Preparing, uuid: Uuid, lost: Error) -> Finished {
        let end = Instant::now() + self.inner.deadline(Operation::MigrateFinish);
        let last = loop {
            tokio::time::sleep(LOOK).await;
            let found = match preparing.look(uuid).await {
                Ok(Some(State::Running | State::Blocked)) => return Finished::Runs,
                Ok(state) => Some(state),
                Err(_) => None,
            };
            if Instant::now() >= end {
                break found;
            }
        };
        match last {
            Some(None | Some(State::Shutoff)) => Finished::Not(lost),
            _ => Finished::Unknown(told(&lost, |message| {
                format!(
                    "{message}; whether the domain runs there is not known, so it stays \
                     suspended here: resume it here if it does not run there, destroy it \
                     here if it does"
                )
            })),
        }
    }
}

impl Preparing {
    /// Connects, and hands on the way for the memory.
    async fn prepare(&self, way: oneshot::Sender<Way>) -> Result<Box<dyn Destination>> {
        let there = self.destinations.open(&self.uri).await?;
        let found = match self.offer.tunnelled {
            true => there.prepare_tunnel(&self.offer).await.map(Way::Tunnel),
            false => self.way_to(there.prepare(&self.offer).await),
        };
        let found = found.map_err(|error| self.there(&error))?;
        // Who does not wait any more will have the destination forget it.
        let _ = way.send(found);
        Ok(there)
    }

    fn way_to(&self, uri: Result<String>) -> Result<Way> {
        let (host, port) = super::migrate::destination_of(&uri?)?;
        Ok(Way::To(MigrateOptions {
            host,
            port,
            live: self.offer.live,
        }))
    }

    async fn look(&self, uuid: Uuid) -> Result<Option<State>> {
        self.destinations.open(&self.uri).await?.state(uuid).await
    }

    /// What went wrong at the destination.
    fn there(&self, error: &Error) -> Error {
        told(error, |message| {
            format!("the destination {}: {message}", self.uri)
        })
    }
}

/// The same error in other words.
fn told(error: &Error, words: impl FnOnce(String) -> String) -> Error {
    let libvirt = error.libvirt();
    Error::Daemon {
        code: libvirt.code,
        domain: libvirt.domain,
        message: words(error.libvirt_message()),
    }
}
