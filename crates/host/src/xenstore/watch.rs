//! Watches of XenStore made into events, and into what [`Names`] has to forget.
//!
//! Three watches serve a whole host: the two special ones for domains that come
//! and go, and one on all domains' homes. They are set when names are first read
//! or somebody first listens. After a loss everything is looked at again.

use super::{Facts, Names};
use crate::HostEvent;
use crate::seen::{self, Look, Seen};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, OnceCell, broadcast};
use tokio::task::AbortHandle;
use virtxen_guest::{DomId, MemoryKib};
use virtxen_hypercall::Xen;
use virtxen_xenstore::{Error, Watch, WatchEvent};

/// Events that wait for a slow listener.
const EVENTS_HELD: usize = 1024;

/// Most devices that are kept in mind: guests can write their own folders.
const DEVICES_MAX: usize = 1 << 16;

/// Longest class of a device that is kept in mind.
const CLASS_MAX: usize = 32;

const HOMES: &str = "/local/domain";

/// The changes of one host. Ends its watches when it is dropped.
pub(crate) struct Changes {
    facts: Facts,
    names: Arc<Names>,
    xen: Option<Arc<Xen>>,
    sender: broadcast::Sender<HostEvent>,
    begun: OnceCell<()>,
    listener: Arc<Notify>,
    task: Mutex<Option<AbortHandle>>,
}

impl Changes {
    /// Nothing is watched yet. With `xen` states are seen too.
    pub(crate) fn new(facts: Facts, names: Arc<Names>, xen: Option<Arc<Xen>>) -> Self {
        Self {
            facts,
            names,
            xen,
            sender: broadcast::Sender::new(EVENTS_HELD),
            begun: OnceCell::new(),
            listener: Arc::default(),
            task: Mutex::default(),
        }
    }

    /// Sets the watches unless they are set. A failure is tried again next time;
    /// until then names are read each time.
    pub(crate) async fn begin(&self) {
        let begun = self.begun.get_or_try_init(|| self.watch()).await;
        // The next call tries again.
        drop(begun);
    }

    /// A new listener.
    pub(crate) fn listen(&self) -> broadcast::Receiver<HostEvent> {
        let receiver = self.sender.subscribe();
        self.listener.notify_one();
        receiver
    }

    async fn watch(&self) -> Result<(), Error> {
        let store = self.facts.store();
        let (homes, introduced, released) = tokio::try_join!(
            store.watch(HOMES),
            store.watch("@introduceDomain"),
            store.watch("@releaseDomain"),
        )?;
        self.names.watched();
        let observer = Observer {
            facts: self.facts.clone(),
            names: Arc::clone(&self.names),
            xen: self.xen.clone(),
            sender: self.sender.clone(),
            seen: None,
            devices: None,
        };
        let watches = [homes, introduced, released];
        let task = tokio::spawn(observer.run(watches, Arc::clone(&self.listener)));
        let mut slot = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        *slot = Some(task.abort_handle());
        Ok(())
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        let slot = self.task.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = slot.take() {
            task.abort();
        }
    }
}

type DeviceKey = (u32, String, u32);

/// The task behind the watches.
struct Observer {
    facts: Facts,
    names: Arc<Names>,
    xen: Option<Arc<Xen>>,
    sender: broadcast::Sender<HostEvent>,
    /// Domains and devices as last seen; nothing while nobody listens.
    seen: Option<Look>,
    devices: Option<HashSet<DeviceKey>>,
}

impl Observer {
    async fn run(mut self, watches: [Watch; 3], listener: Arc<Notify>) {
        let [mut homes, mut introduced, mut released] = watches;
        loop {
            let (event, special) = tokio::select! {
                event = homes.next() => (event, false),
                event = introduced.next() => (event, true),
                event = released.next() => (event, true),
                () = listener.notified() => {
                    self.prepare().await;
                    continue;
                }
            };
            match event {
                None => return,
                Some(WatchEvent::Resync) => {
                    self.names.forget_all();
                    (self.seen, self.devices) = (None, None);
                    self.tell(HostEvent::Resync);
                    self.prepare().await;
                }
                Some(WatchEvent::Changed(_)) if special => self.look().await,
                Some(WatchEvent::Changed(path)) => self.changed(&path).await,
            }
        }
    }

    fn tell(&self, event: HostEvent) {
        // Nobody listening is no error.
        let _ = self.sender.send(event);
    }

    fn has_listeners(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    /// Sees what is there, so that what changes from now on can be told.
    async fn prepare(&mut self) {
        if !self.has_listeners() {
            return;
        }
        if self.seen.is_none() {
            self.seen = self.domains().await;
        }
        if self.devices.is_none() {
            self.devices = self.all_devices().await;
        }
    }

    async fn domains(&self) -> Option<Look> {
        if let Some(xen) = &self.xen {
            return seen::look(xen);
        }
        let names = self.facts.store().directory(HOMES).await.ok()?;
        let domids = names.iter().filter_map(|name| name.parse().ok());
        Some(domids.map(|domid| (domid, Seen::default())).collect())
    }

    /// Compares what is there with what was.
    async fn look(&mut self) {
        if !self.has_listeners() {
            (self.seen, self.devices) = (None, None);
            return;
        }
        let Some(now) = self.domains().await else {
            return;
        };
        let Some(before) = self.seen.replace(now.clone()) else {
            return self.tell(HostEvent::Resync);
        };
        for event in seen::changes(&before, &now) {
            self.tell(event);
        }
    }

    /// A node below the domains' homes has changed.
    async fn changed(&mut self, path: &str) {
        let Some(rest) = path.strip_prefix(HOMES).and_then(|p| p.strip_prefix('/')) else {
            return;
        };
        let mut parts = rest.split('/');
        let Some(domid) = parts.next().and_then(|part| part.parse().ok()) else {
            return;
        };
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (None, ..) => {
                self.names.forget(domid);
                self.look().await;
            }
            (Some("name"), None, ..) => self.name(domid).await,
            (Some("memory"), Some("target"), None, _) => self.target(domid, path).await,
            (Some("device"), Some(class), Some(number), below) => {
                if let Ok(number) = number.parse() {
                    self.device((domid, class.to_owned(), number), below.is_none())
                        .await;
                }
            }
            _ => {}
        }
    }

    async fn name(&mut self, domid: u32) {
        let before = self.names.last(domid);
        self.names.forget(domid);
        if !self.has_listeners() {
            return;
        }
        let path = super::name_path(domid);
        let name = self.facts.store().read_text(&path).await.ok().flatten();
        if let Some(name) = name.filter(|name| before.as_ref() != Some(name)) {
            let domid = DomId(domid);
            self.tell(HostEvent::Renamed { domid, name });
        }
    }

    async fn target(&self, domid: u32, path: &str) {
        if !self.has_listeners() {
            return;
        }
        let target = self.facts.store().read_text(path).await.ok().flatten();
        if let Some(target) = target.and_then(|text| text.parse().ok()) {
            let (domid, target) = (DomId(domid), MemoryKib(target));
            self.tell(HostEvent::MemoryTarget { domid, target });
        }
    }

    async fn device(&mut self, key: DeviceKey, is_whole: bool) {
        let Some(devices) = &mut self.devices else {
            return;
        };
        let known = devices.contains(&key);
        if known && !is_whole || devices.len() >= DEVICES_MAX || key.1.len() > CLASS_MAX {
            return;
        }
        let (domid, class, number) = &key;
        let path = format!("{HOMES}/{domid}/device/{class}/{number}");
        let there = match self.facts.store().directory(&path).await {
            Ok(_) => true,
            Err(Error::NotFound { .. }) => false,
            Err(_) => return,
        };
        let (id, class, number) = (DomId(*domid), class.clone(), *number);
        match (known, there) {
            (false, true) => {
                devices.insert(key);
                self.tell(HostEvent::DeviceAdded {
                    domid: id,
                    class,
                    number,
                });
            }
            (true, false) => {
                devices.remove(&key);
                self.tell(HostEvent::DeviceRemoved {
                    domid: id,
                    class,
                    number,
                });
            }
            _ => {}
        }
    }

    async fn all_devices(&self) -> Option<HashSet<DeviceKey>> {
        let mut devices = HashSet::new();
        let store = self.facts.store();
        for domid in store.directory(HOMES).await.ok()? {
            let Ok(number) = domid.parse() else {
                continue;
            };
            let folder = format!("{HOMES}/{domid}/device");
            // A domain without devices, or one that has gone meanwhile.
            for class in store.directory(&folder).await.unwrap_or_default() {
                let ids = store.directory(&format!("{folder}/{class}")).await;
                for id in ids.unwrap_or_default() {
                    if let (Ok(id), true) = (id.parse(), devices.len() < DEVICES_MAX) {
                        devices.insert((number, class.clone(), id));
                    }
                }
            }
        }
        Some(devices)
    }
}
