//! Watches of XenStore made into events, and into what [`Names`] has to forget.
//!
//! Four watches serve a whole host: the two special ones for domains that come
//! and go, one on all domains' homes and one on libxl's notes of them. They are set
//! when names are first read or somebody first listens. Xen tells nobody of a pause:
//! while somebody listens the domains are looked at in short intervals too. After a
//! loss everything is looked at again. What is kept in mind of each domain is in `homes`.

use super::homes::{HOMES, Homes, NOTES, Part};
use super::{Facts, Names};
use crate::ending::Endings;
use crate::seen::{self, Look, Seen};
use crate::{Ending, HostEvent};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OnceCell, broadcast};
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval};
use virtxen_guest::DomId;
use virtxen_hypercall::Xen;
use virtxen_xenstore::{Error, Watch, WatchEvent};

/// Events that wait for a slow listener.
const EVENTS_HELD: usize = 1024;

/// Time between two looks for what nobody tells: pauses. One hypercall each.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// Longest wait for the watches that tell of an end.
const ENDING_LIMIT: Duration = Duration::from_secs(1);

/// The changes of one host. Ends its watches when it is dropped.
pub(crate) struct Changes {
    facts: Facts,
    names: Arc<Names>,
    endings: Arc<Endings>,
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
            endings: Arc::default(),
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

    /// What is known of the ends of domains, to be told what others see of them.
    pub(crate) fn endings(&self) -> &Endings {
        &self.endings
    }

    /// Why a domain that is gone has ended; `None` when nobody looked on. Who asks may
    /// have seen it before the watches were heard: then they are waited for.
    pub(crate) async fn ending(&self, domid: DomId) -> Option<Ending> {
        if self.xen.is_none() || self.sender.receiver_count() == 0 {
            return None;
        }
        let ended = self.endings.ended(domid.0);
        let ended = tokio::time::timeout(ENDING_LIMIT, ended).await;
        Some(ended.unwrap_or_else(|_| self.endings.of(domid.0)))
    }

    async fn watch(&self) -> Result<(), Error> {
        let store = self.facts.store();
        let (homes, notes, introduced, released) = tokio::try_join!(
            store.watch(HOMES),
            store.watch(NOTES),
            store.watch("@introduceDomain"),
            store.watch("@releaseDomain"),
        )?;
        self.names.watched();
        let observer = Observer {
            homes: Homes::new(self.facts.clone()),
            facts: self.facts.clone(),
            names: Arc::clone(&self.names),
            endings: Arc::clone(&self.endings),
            xen: self.xen.clone(),
            sender: self.sender.clone(),
            seen: None,
        };
        let watches = [homes, notes, introduced, released];
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

/// The task behind the watches.
struct Observer {
    facts: Facts,
    names: Arc<Names>,
    endings: Arc<Endings>,
    xen: Option<Arc<Xen>>,
    sender: broadcast::Sender<HostEvent>,
    /// Domains as last seen, and their homes; nothing while nobody listens.
    seen: Option<Look>,
    homes: Homes,
}

impl Observer {
    async fn run(mut self, watches: [Watch; 4], listener: Arc<Notify>) {
        let [mut homes, mut notes, mut introduced, mut released] = watches;
        let mut ticks = interval(LOOK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let looks = self.xen.is_some() && self.has_listeners();
            // Homes go before ends: an order to shut down tells why a domain ended.
            let (event, special) = tokio::select! {
                biased;
                () = listener.notified() => {
                    self.prepare().await;
                    continue;
                }
                event = homes.next() => (event, false),
                event = notes.next() => (event, false),
                event = introduced.next() => (event, true),
                event = released.next() => (event, true),
                _ = ticks.tick(), if looks => {
                    self.look().await;
                    continue;
                }
            };
            match event {
                None => return,
                Some(WatchEvent::Resync) => {
                    self.names.forget_all();
                    self.forget();
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

    fn forget(&mut self) {
        self.seen = None;
        self.homes.forget_all();
        self.endings.forget_all();
    }

    /// Sees what is there, so that what changes from now on can be told.
    async fn prepare(&mut self) {
        if self.has_listeners() && self.seen.is_none() {
            self.seen = self.domains().await;
            let domids = self.seen.iter().flatten().map(|(domid, _)| *domid);
            self.homes.read(&domids.collect::<Vec<_>>()).await;
        }
    }

    async fn domains(&self) -> Option<Look> {
        if let Some(xen) = &self.xen {
            return seen::look(xen, &self.endings);
        }
        let names = self.facts.store().directory(HOMES).await.ok()?;
        let domids = names.iter().filter_map(|name| name.parse().ok());
        let seen = Seen {
            ran: true,
            ..Seen::default()
        };
        Some(domids.map(|domid| (domid, seen)).collect())
    }

    /// Compares what is there with what was.
    async fn look(&mut self) {
        if !self.has_listeners() {
            return self.forget();
        }
        let Some(now) = self.domains().await else {
            return;
        };
        let Some(before) = self.seen.replace(now.clone()) else {
            self.tell(HostEvent::Resync);
            let domids: Vec<u32> = now.into_keys().collect();
            return self.homes.read(&domids).await;
        };
        for mut event in seen::changes(&before, &now) {
            match &mut event {
                HostEvent::Appeared(DomId(domid)) => {
                    self.endings.begin(*domid);
                    self.homes.read(&[*domid]).await;
                }
                HostEvent::Vanished { domid, ending } => {
                    self.homes.forget(domid.0);
                    *ending = self.xen.as_ref().map(|_| self.endings.end(domid.0));
                }
                _ => {}
            }
            self.tell(event);
        }
    }

    /// A node below the domains' homes or libxl's notes has changed.
    async fn changed(&mut self, path: &str) {
        let Some((domid, part)) = Part::of(path) else {
            return;
        };
        if matches!(part, Part::Home | Part::Name | Part::MostMemory) {
            self.names.forget(domid);
        }
        if part == Part::MostMemory {
            return;
        }
        if !self.has_listeners() {
            return self.forget();
        }
        if self.homes.knows(domid, &part) {
            return;
        }
        if part == Part::Order {
            let order = self.facts.store().read_text(path).await.ok().flatten();
            self.endings.ordered(domid, order.as_deref());
        }
        // What is there is looked at first: a domain that has just come, or that
        // goes, takes its devices with it.
        self.look().await;
        if self.seen_of(domid).is_none() {
            return;
        }
        let events = self.homes.change(domid, part, path).await;
        let is_removal = |event: &HostEvent| matches!(event, HostEvent::DeviceRemoved { .. });
        if events.iter().any(is_removal) {
            // It may have gone since, and its devices with it.
            self.look().await;
        }
        let lives = self.seen_of(domid).is_some_and(Seen::lives);
        for event in events {
            if let HostEvent::Renamed { name, .. } = &event {
                self.endings.named(domid, name);
            }
            if lives {
                self.tell(event);
            }
        }
    }

    fn seen_of(&self, domid: u32) -> Option<&Seen> {
        self.seen.as_ref()?.get(&domid)
    }
}
