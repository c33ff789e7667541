//! What all clients share, and the loops that let them in and tell them of events.
//!
//! One client is a `connection`.

use crate::auth::Login;
use crate::config::Config;
use crate::connection::Connection;
use crate::console::Consoles;
use crate::forward::{Forward, Others};
use crate::listen::{Service, Socket};
use crate::peer::Peer;
use crate::serve::Caller;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, watch};
use virtxen_driver::{AllowAll, Delivery, Driver};
use virtxen_rpc::server::ServerSettings;

/// Events that wait for a client that is slow to take them.
const EVENTS: usize = 1024;

/// What all clients share.
pub(crate) struct Daemon {
    driver: Driver,
    uri: Arc<str>,
    config: Config,
    events: broadcast::Sender<Delivery>,
    consoles: Arc<Consoles>,
    others: Arc<Others>,
    /// Room for more clients.
    room: Arc<Semaphore>,
    /// How many there are.
    clients: watch::Sender<usize>,
}

/// A client that is counted until it is dropped.
struct Counted {
    daemon: Arc<Daemon>,
    _room: OwnedSemaphorePermit,
}

impl Daemon {
    pub(crate) fn new(driver: Driver, uri: &str, config: Config, others: Others) -> Arc<Self> {
        Arc::new(Self {
            driver,
            uri: uri.into(),
            events: broadcast::channel(EVENTS).0,
            consoles: Arc::default(),
            others: Arc::new(others),
            room: Arc::new(Semaphore::new(config.max_clients)),
            clients: watch::channel(0).0,
            config,
        })
    }

    /// Lets clients of a socket in. When there are as many as may be, the next waits,
    /// and those behind it in the socket.
    pub(crate) async fn accept(self: Arc<Self>, socket: Socket) {
        loop {
            let Ok(stream) = socket.accept().await else {
                // Too many open files: others may end soon.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let Ok(room) = Arc::clone(&self.room).acquire_owned().await else {
                return;
            };
            let counted = Counted::new(&self, room);
            // A client that is gone already.
            let Ok(peer) = Peer::unix(&stream) else {
                continue;
            };
            let who = peer.to_string();
            let connection = self.connection(socket.service, peer);
            tokio::spawn(async move {
                if let Err(error) = connection.serve(stream).await {
                    eprintln!("virtxend: {who} was sent away: {error}");
                }
                drop(counted);
            });
        }
    }

    fn connection(&self, service: Service, peer: Peer) -> Connection {
        let login = Arc::new(Login::new(service.auth, peer));
        let read_only = service.read_only;
        let settings = ServerSettings {
            read_only,
            auth: login.asks(),
            keepalive: self.config.keepalive,
            max_calls: self.config.max_calls,
            ..ServerSettings::default()
        };
        let caller = Arc::new(Caller {
            driver: self.driver.with_access(Arc::new(AllowAll), read_only),
            login: Arc::clone(&login),
            uri: Arc::clone(&self.uri),
            consoles: Arc::clone(&self.consoles),
        });
        let forward = Forward::new(Arc::clone(&self.others), login);
        Connection::new(settings, caller, self.events.subscribe(), forward)
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
