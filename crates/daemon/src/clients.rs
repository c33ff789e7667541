//! What all clients share, and the loops that let them in and tell them of events.
//!
//! One client is a `connection`.

use crate::access::{Polkit, Rights};
use crate::auth::Login;
use crate::calls::{Calls, Client};
use crate::connection::Connection;
use crate::console::Consoles;
use crate::error::{Error, Result};
use crate::forward::{Forward, Others};
use crate::listen::{Service, Socket, Stream};
use crate::networks::VirtualNetworks;
use crate::options::Options;
use crate::peer::Peer;
use crate::serve::Caller;
use crate::settings::Settings;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, watch};
use virtxen_driver::{AllowAll, Delivery, Driver, JobInfo};
use virtxen_remote::Daemons;
use virtxen_rpc::server::ServerSettings;

/// Events that wait for a client that is slow to take them.
const EVENTS: usize = 1024;

/// What clients of the administration are told.
const NO_ADMINISTRATION: &str = "Operation not supported: virtxend has no administration: its \
     settings are in virtxend.conf and are read again with SIGHUP (systemctl reload virtxend)";

/// What all clients share.
pub(crate) struct Daemon {
    driver: Driver,
    uri: Arc<str>,
    settings: RwLock<Arc<Settings>>,
    events: broadcast::Sender<Delivery>,
    consoles: Arc<Consoles>,
    others: Arc<Others>,
    polkit: Arc<Polkit>,
    calls: Arc<Calls>,
    /// Room for more clients.
    room: Arc<Semaphore>,
    /// Room for more that have not proved yet who they are.
    anonymous: Arc<Semaphore>,
    /// How many there are.
    clients: watch::Sender<usize>,
    /// Whether all are to leave.
    leaving: watch::Sender<bool>,
}

/// A client that is counted until it is dropped.
struct Counted {
    daemon: Arc<Daemon>,
    _room: OwnedSemaphorePermit,
}

impl Daemon {
    pub(crate) fn new(driver: Driver, uri: &str, settings: Settings, others: Others) -> Arc<Self> {
        Arc::new(Self {
            driver,
            uri: uri.into(),
            events: broadcast::channel(EVENTS).0,
            consoles: Arc::default(),
            others: Arc::new(others),
            polkit: Arc::default(),
            calls: Arc::default(),
            room: Arc::new(Semaphore::new(settings.config.max_clients)),
            anonymous: Arc::new(Semaphore::new(settings.config.max_anonymous)),
            clients: watch::channel(0).0,
            leaving: watch::channel(false).0,
            settings: RwLock::new(Arc::new(settings)),
        })
    }

    /// The call path of somebody who may do everything.
    pub(crate) const fn driver(&self) -> &Driver {
        &self.driver
    }

    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }

    /// How many clients there are.
    pub(crate) fn clients(&self) -> u64 {
        u64::try_from(*self.clients.borrow()).unwrap_or(u64::MAX)
    }

    /// What is set now.
    fn settings(&self) -> Arc<Settings> {
        let settings = self.settings.read();
        Arc::clone(&settings.unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets clients of a socket in. When there are as many as may be, the next waits,
    /// and those behind it in the socket.
    pub(crate) async fn accept(self: Arc<Self>, socket: Arc<Socket>) {
        let service = socket.service;
        loop {
            // Who has been accepted cannot wait for another daemon any more.
            drop(self.room(service).await);
            let Ok((stream, peer)) = socket.accept().await else {
                // Too many open files: others may end soon.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let Some((room, anonymous)) = self.room(service).await else {
                return;
            };
            let counted = Counted::new(&self, room);
            let daemon = Arc::clone(&self);
            tokio::spawn(async move {
                let client = daemon.calls.client();
                let (number, who) = (client.number, peer.to_string());
                tracing::info!(client = number, who, "a client came");
                let served = daemon.serve(service, stream, peer, anonymous, client);
                match served.await {
                    Ok(()) => tracing::info!(client = number, "the client left"),
                    Err(error) => {
                        let error = error.to_string();
                        tracing::warn!(client = number, who, error, "the client was sent away");
                    }
                }
                drop(counted);
            });
        }
    }

    /// Room for one more client, and among those who have not proved yet who they are if
    /// it will be one of them.
    async fn room(
        &self,
        service: Service,
    ) -> Option<(OwnedSemaphorePermit, Option<OwnedSemaphorePermit>)> {
        let room = Arc::clone(&self.room).acquire_owned().await.ok()?;
        if !self.settings().is_anonymous(service) {
            return Some((room, None));
        }
        let anonymous = Arc::clone(&self.anonymous).acquire_owned().await.ok()?;
        Some((room, Some(anonymous)))
    }

    /// Serves one client until it leaves.
    async fn serve(
        &self,
        service: Service,
        stream: Stream,
        peer: Peer,
        anonymous: Option<OwnedSemaphorePermit>,
        client: Client,
    ) -> Result<()> {
        let settings = self.settings();
        match (stream, peer) {
            (Stream::Unix(stream), peer) => {
                let connection = self.connection(&settings, service, peer, anonymous, client);
                connection.serve(stream).await?;
            }
            (Stream::Tcp(stream), Peer::Net { address, .. }) if service == Service::Tls => {
                let tls = settings.tls()?;
                let mut leaving = self.leaving.subscribe();
                let accepted = tokio::select! {
                    accepted = tls.accept(stream) => accepted,
                    _ = leaving.wait_for(|leaving| *leaving) => return Ok(()),
                };
                let (stream, name) = accepted.map_err(Error::Handshake)?;
                let peer = Peer::Net { address, name };
                let connection = self.connection(&settings, service, peer, anonymous, client);
                connection.serve(stream).await?;
            }
            (Stream::Tcp(stream), peer) => {
                let connection = self.connection(&settings, service, peer, anonymous, client);
                connection.serve(stream).await?;
            }
        }
        Ok(())
    }

    fn connection(
        &self,
        settings: &Settings,
        service: Service,
        peer: Peer,
        anonymous: Option<OwnedSemaphorePermit>,
        client: Client,
    ) -> Box<Connection> {
        let login = Login::new(settings.method(service), peer).with_users(&settings.users);
        let login = Arc::new(login);
        let read_only = service == Service::ReadOnly;
        let config = &settings.config;
        let settings = ServerSettings {
            read_only,
            auth: login.asks(),
            refusal: (service == Service::Admin).then_some(NO_ADMINISTRATION),
            secure: service != Service::Tcp,
            keepalive: config.keepalive,
            max_calls: config.max_calls,
            ..ServerSettings::default()
        };
        let networks = VirtualNetworks::new(Arc::clone(&self.others), Arc::clone(&login));
        let asked = config.access_polkit.then(|| Arc::clone(&self.polkit));
        let caller = Arc::new(Caller {
            driver: self
                .driver
                .with_access(Arc::new(AllowAll), read_only)
                .with_networks(Arc::new(networks))
                .with_destinations(Arc::new(Daemons)),
            login: Arc::clone(&login),
            read_only,
            polkit: Arc::clone(&self.polkit),
            rights: Arc::new(Rights::new(Arc::clone(&login), asked)),
            client: client.clone(),
            uri: Arc::clone(&self.uri),
            consoles: Arc::clone(&self.consoles),
        });
        let forward = Forward::new(Arc::clone(&self.others), login, client);
        Box::new(Connection::new(
            settings,
            caller,
            self.events.subscribe(),
            forward,
            anonymous,
            self.leaving.subscribe(),
        ))
    }

    /// Passes the driver's events on to all clients. A host that does not answer is
    /// asked again.
    pub(crate) async fn forward(self: Arc<Self>) {
        loop {
            if let Ok(mut subscription) = self.driver.subscribe().await {
                while let Some(delivery) = subscription.next().await {
                    // Nobody listening is no error.
                    let _ = self.events.send(delivery);
                }
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Reads the settings again, for clients that come from now on.
    ///
    /// # Errors
    /// When they are wrong; then nothing has changed.
    pub(crate) fn reload(&self, options: &Options) -> Result<()> {
        let (config, warnings) = crate::config(options)?;
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        let before = self.settings();
        let settings = Arc::new(Settings::new(config, before.has_tls())?);
        for key in before.config.fixed_until_restart(&settings.config) {
            tracing::warn!(
                "{key} has changed: it holds when the daemon is replaced (SIGUSR2) or started again"
            );
        }
        let (old, new) = (&before.config, &settings.config);
        resize(&self.room, old.max_clients, new.max_clients);
        resize(&self.anonymous, old.max_anonymous, new.max_anonymous);
        *self
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner) = settings;
        Ok(())
    }

    /// How long calls may take when the daemon ends.
    pub(crate) fn patience(&self) -> Duration {
        self.settings().config.patience
    }

    /// The jobs that run.
    pub(crate) fn jobs(&self) -> Vec<(String, JobInfo)> {
        self.driver.jobs()
    }

    /// Has all clients leave when their calls have ended, and waits until they have.
    pub(crate) async fn send_away(&self) {
        self.leaving.send_replace(true);
        let mut clients = self.clients.subscribe();
        // The sender is ours.
        let _ = clients.wait_for(|count| *count == 0).await;
    }

    /// Waits until there has been no client for so long; for ever without a time.
    pub(crate) async fn idle(&self, timeout: Option<Duration>) {
        let Some(timeout) = timeout else {
            return std::future::pending().await;
        };
        let mut clients = self.clients.subscribe();
        loop {
            let none = clients.wait_for(|count| *count == 0).await.is_ok();
            let came = clients.wait_for(|count| *count > 0);
            if none && tokio::time::timeout(timeout, came).await.is_err() {
                return;
            }
        }
    }
}

/// Makes room for more or fewer. Those who are there stay: their room goes when they
/// do.
fn resize(room: &Arc<Semaphore>, before: usize, after: usize) {
    room.add_permits(after.saturating_sub(before));
    let Ok(fewer @ 1..) = u32::try_from(before.saturating_sub(after)) else {
        return;
    };
    let room = Arc::clone(room);
    tokio::spawn(async move {
        if let Ok(permits) = room.acquire_many_owned(fewer).await {
            permits.forget();
        }
    });
}

impl Counted {
    fn new(daemon: &Arc<Daemon>, room: OwnedSemaphorePermit) -> Self {
        daemon.clients.send_modify(|count| *count += 1);
        Self {
            daemon: Arc::clone(daemon),
            _room: room,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.daemon
            .clients
            .send_modify(|count| *count = count.saturating_sub(1));
    }
}
