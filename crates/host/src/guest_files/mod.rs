//! Inactive guests as files of a folder: configurations of xm before Xen 3.0.4,
//! libvirt's documents where no XenD keeps guests. Other files are left alone, with a
//! notice.
//!
//! Here is the handle that a host has, which never waits long for the disk. How
//! files are read is in `folder` and `store`, how they are changed in `change`.

mod autostart;
mod change;
mod document;
mod folder;
mod guest;
mod language;
mod seen;
mod store;
mod watch;
mod write;

pub(crate) use language::Language;
pub use write::{make_folder, put_file, remove_file};

use crate::{ConfigChange, Error, HostEvent, Result, Trace};
use rustix::event::{PollFd, PollFlags, Timespec};
use seen::Seen;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use store::Store;
use tokio::sync::{Mutex, broadcast};
use virtxen_formats::Note;
use virtxen_guest::{Guest, Uuid};

/// Where xm looks for configurations.
pub const XM_FOLDER: &str = "/etc/xen";

/// Longest wait for the disk; a folder may be on another machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Longest wait for the disk by who can do without its answer.
const BRIEF: Duration = Duration::from_secs(1);

/// Time between two looks for changes of which the kernel does not tell.
const INTERVAL: Duration = Duration::from_secs(2);

/// Changes that come within this time after a look are looked at together.
const GATHER: Duration = Duration::from_millis(20);

/// Longest wait for the kernel's word, after which the thread looks whether anybody
/// still has the folder.
const GLANCE: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

/// Events that wait for a slow listener.
const EVENTS_HELD: usize = 1024;

/// A guest that a file defines.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Defined {
    /// The guest, with a uuid.
    pub(crate) guest: Guest,
    /// The uuid is in the file; else it follows from the name.
    own_uuid: bool,
    /// Name of the file in the folder.
    file: String,
    /// Device and number of the file.
    inode: (u64, u64),
    /// The name is a link that leads here.
    linked: Option<PathBuf>,
}

/// A file that is no guest, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// Name of the file; empty for the folder itself.
    pub(crate) file: String,
    pub(crate) reason: String,
    /// It may be meant as a guest, or stands in the way of one.
    pub(crate) unexpected: bool,
}

/// The guests of a folder, as they were at one look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guests {
    /// Guests by name.
    pub(crate) by_name: store::ByName,
    by_uuid: store::ByUuid,
    /// Files of guests that another file is as well.
    doubles: usize,
    /// Files that are no guests, the first of them.
    pub(crate) notices: Vec<Notice>,
    /// How many files are no guests.
    pub(crate) skipped: usize,
    /// How many of those may be meant as guests.
    pub(crate) unexpected: usize,
    /// Why the folder cannot be read.
    pub(crate) unreadable: Option<String>,
    looked: bool,
}

/// The inactive guests of a host whose XenD keeps none. Clones are the same.
#[derive(Clone)]
pub(crate) struct GuestFiles {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    language: Language,
    store: Arc<Mutex<Store>>,
    seen: Arc<Seen>,
    events: broadcast::Sender<HostEvent>,
    thread: OnceLock<()>,
}

impl GuestFiles {
    /// The folder, of which nothing is read yet.
    pub(crate) fn new(folder: PathBuf, language: Language, trace: Option<&Trace>) -> Self {
        let watch = watch::Watch::new();
        let seen = Arc::new(Seen::new(watch.as_ref().map(watch::Watch::queue)));
        let events = broadcast::Sender::new(EVENTS_HELD);
        let observer = trace.map(|trace| trace.observer(language.channel()));
        let told = (events.clone(), observer);
        let store = Store::new(folder.clone(), language, watch, Arc::clone(&seen), told);
        Self {
            inner: Arc::new(Inner {
                folder,
                language,
                store: Arc::new(Mutex::new(store)),
                seen,
                events,
                thread: OnceLock::new(),
            }),
        }
    }

    /// What the files are.
    pub(crate) fn language(&self) -> Language {
        self.inner.language
    }

    /// What they are and where, for people.
    pub(crate) fn place(&self) -> String {
        format!(
            "{} in {}",
            self.inner.language.channel(),
            self.folder().display()
        )
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// The guests now. A folder that cannot be read has none, and says why.
    pub(crate) async fn look(&self) -> Result<Arc<Guests>> {
        // The usual case needs neither the disk nor a thread.
        if let Some(guests) = self.inner.seen.unchanged() {
            return Ok(guests);
        }
        self.work("list", |store| Ok(store.look())).await
    }

    /// As [`GuestFiles::look`], for who can do without: a disk that does not answer
    /// delays no look at active domains.
    pub(crate) async fn glance(&self) -> Option<Arc<Guests>> {
        let guests = match self.inner.seen.unchanged() {
            Some(guests) => guests,
            None => tokio::time::timeout(BRIEF, self.look()).await.ok()?.ok()?,
        };
        guests.unreadable.is_none().then_some(guests)
    }

    /// The guests as they were last seen.
    pub(crate) fn last(&self) -> Arc<Guests> {
        self.inner.seen.last()
    }

    /// The guest of a name.
    pub(crate) async fn defined(&self, name: &str) -> Result<Option<Arc<Defined>>> {
        Ok(self.look().await?.by_name.get(name).cloned())
    }

    /// Writes a guest: a new file, or the changes in the one that it has.
    pub(crate) async fn define(&self, guest: &Guest) -> Result<()> {
        let guest = guest.clone();
        self.work("define", move |store| store.define(&guest)).await
    }

    /// Removes a guest's file and the links that start it with the host.
    pub(crate) async fn undefine(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.work("undefine", move |store| store.undefine(&name))
            .await
    }

    /// Gives a guest another name, and its file, if it is called as the guest.
    pub(crate) async fn rename(&self, name: &str, new_name: &str) -> Result<()> {
        let (name, new_name) = (name.to_owned(), new_name.to_owned());
        self.work("rename", move |store| store.rename(&name, &new_name))
            .await
    }

    /// Changes something in a guest's file.
    pub(crate) async fn change(&self, name: &str, change: &ConfigChange) -> Result<()> {
        let (name, change) = (name.to_owned(), change.clone());
        self.work(change.operation(), move |store| {
            store.change(&name, &change)
        })
        .await
    }

    /// Whether a guest is started with the host.
    pub(crate) async fn autostart(&self, name: &str) -> Result<bool> {
        let name = name.to_owned();
        self.work("autostart", move |store| store.autostart(&name))
            .await
    }

    /// Sets whether a guest is started with the host.
    pub(crate) async fn set_autostart(&self, name: &str, autostart: bool) -> Result<()> {
        let name = name.to_owned();
        self.work("autostart", move |store| {
            store.set_autostart(&name, autostart)
        })
        .await
    }

    /// What a file does not carry of a guest.
    pub(crate) fn losses(&self, guest: &Guest) -> Result<Vec<Note>> {
        self.inner.language.losses(guest)
    }

    /// A new listener. From the first one on the folder is watched.
    pub(crate) async fn listen(&self) -> broadcast::Receiver<HostEvent> {
        let receiver = self.inner.events.subscribe();
        // What is there already is no event.
        let _ = self.look().await;
        self.inner.thread.get_or_init(|| {
            let files = Arc::downgrade(&self.inner);
            let name = "guest files".to_owned();
            let thread = std::thread::Builder::new().name(name);
            // Without a thread nothing is told, and every look is as good as before.
            let _ = thread.spawn(move || watch_folder(&files));
        });
        receiver
    }

    /// Work on the files, in a thread that may wait for the disk; one at a time.
    async fn work<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&mut Store) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let task = async {
            let mut store = Arc::clone(&self.inner.store).lock_owned().await;
            let task = tokio::task::spawn_blocking(move || {
                let outcome = work(&mut store);
                store.look();
                outcome
            });
            task.await
        };
        match tokio::time::timeout(PATIENCE, task).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => Err(Error::Channel {
                channel: self.inner.language.channel().to_owned(),
                reason: "the work was given up".to_owned(),
                source: Some(Box::new(error)),
            }),
            Err(_) => Err(Error::Timeout {
                channel: self.inner.language.channel().to_owned(),
                operation,
                limit: PATIENCE,
            }),
        }
    }
}

/// Looks at the folder whenever it changes, until nobody has it any more. In a
/// thread: the kernel's queue cannot be waited for by the runtime without unsafe
/// code.
fn watch_folder(files: &Weak<Inner>) {
    loop {
        let Some(inner) = files.upgrade() else {
            return;
        };
        let mut store = inner.store.blocking_lock();
        // What our own work has changed was looked at by it.
        if inner.seen.unchanged().is_none() {
            store.look();
        }
        let is_watched = store.is_watched();
        drop(store);
        let seen = Arc::clone(&inner.seen);
        drop(inner);
        match seen.queue().filter(|_| is_watched) {
            Some(queue) => {
                std::thread::sleep(GATHER);
                let mut queue = [PollFd::new(queue, PollFlags::IN)];
                // Whatever it says, the next turn asks whether something has changed.
                if rustix::event::poll(&mut queue, Some(&GLANCE)).is_err() {
                    std::thread::sleep(INTERVAL);
                }
            }
            None => std::thread::sleep(INTERVAL),
        }
    }
}

impl Guests {
    /// The guest of a uuid.
    pub(crate) fn of_uuid(&self, uuid: Uuid) -> Option<Arc<Defined>> {
        self.by_uuid.get(&uuid).cloned()
    }

    /// Whether an active domain of this name and uuid is one of these guests.
    pub(crate) fn knows(&self, name: &str, uuid: Uuid) -> bool {
        self.by_name.contains_key(name) || self.by_uuid.contains_key(&uuid)
    }
}

impl Notice {
    fn usual(file: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            reason: reason.into(),
            unexpected: false,
        }
    }

    fn unexpected(file: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            unexpected: true,
            ..Self::usual(file, reason)
        }
    }
}

impl Defined {
    /// The guest while it is inactive.
    pub(crate) fn info(&self) -> crate::DomainInfo {
        let guest = &self.guest;
        let max_vcpus = guest.vcpus.max;
        crate::DomainInfo {
            name: guest.name.clone(),
            domid: None,
            uuid: guest.uuid.unwrap_or(Uuid::ZERO),
            state: crate::DomainState::Halted,
            memory: guest.current_memory.unwrap_or(guest.memory),
            max_memory: guest.memory,
            vcpus: guest.vcpus.current.unwrap_or(max_vcpus),
            max_vcpus,
            cpu_time: Duration::ZERO,
            kind: guest.os.kind,
            persistent: Some(true),
        }
    }

    /// The vcpus while it is inactive.
    pub(crate) fn vcpus(&self, cpus: u32) -> Vec<crate::VcpuInfo> {
        let guest = &self.guest;
        let vcpu = |number| {
            let pins = &guest.cpu_tune.vcpu_pins;
            let own = pins.iter().find(|pin| pin.vcpu == number);
            let set = own.map(|pin| &pin.cpus).or(guest.vcpus.cpuset.as_ref());
            let allowed = |cpu: &u32| set.is_none_or(|set| set.contains(*cpu));
            crate::VcpuInfo {
                number,
                online: false,
                blocked: false,
                running: false,
                time: Duration::ZERO,
                cpu: None,
                affinity: (0..cpus).filter(allowed).collect(),
            }
        };
        (0..guest.vcpus.max).map(vcpu).collect()
    }

    /// Where the vcpus should rather run while it is inactive.
    pub(crate) fn soft_affinity(&self, cpus: u32) -> Vec<Vec<u32>> {
        let pins = &self.guest.cpu_tune.soft_pins;
        let of_vcpu = |number| {
            let own = pins.iter().find(|pin| pin.vcpu == number);
            let wanted = |cpu: &u32| own.is_none_or(|pin| pin.cpus.contains(*cpu));
            (0..cpus).filter(wanted).collect()
        };
        (0..self.guest.vcpus.max).map(of_vcpu).collect()
    }
}
