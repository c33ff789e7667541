//! Taking a snapshot: the memory goes to the file of a managed save and the domain goes
//! on from there, so that whatever happens in between nothing of it is lost.

use super::{SNAPSHOT, commit, file_of};
use crate::call::Call;
use crate::domain::managed_save;
use crate::driver::Inner;
use crate::store::snapshots::{check_name, link};
use crate::store::{SavedFile, SnapshotFolder, Snapshots, blocking};
use crate::{Domain, DomainKey, Driver, Error, Monitor, Operation, Result, State};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use virtxen_guest::{
    DiskDevice, Guest, ParseOptions, Snapshot, SnapshotDisk, SnapshotLocation, SnapshotMemory,
    SnapshotState, parse_snapshot,
};
use virtxen_host::{DiskFile, Host};

/// How a snapshot is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotFlags {
    /// None is taken: a document is put in the place of the one of its name, or beside
    /// the others.
    pub redefine: bool,
    /// The one that is redefined is the current one.
    pub current: bool,
    /// The domain is shut off afterwards.
    pub halt: bool,
    /// The memory of a running domain is left out.
    pub disk_only: bool,
}

impl Driver {
    /// Takes a snapshot of a domain and returns its name. A domain that runs is put
    /// away for it and goes on.
    ///
    /// # Errors
    /// The document is wrong or wants what is not possible; a disk has no snapshots; the
    /// domain is transient. Then the domain is as it was.
    pub async fn snapshot_create(
        &self,
        key: &DomainKey,
        xml: &str,
        flags: SnapshotFlags,
        monitor: &Monitor,
    ) -> Result<String> {
        let parsed = parse_snapshot(xml, &ParseOptions::default()).map_err(Error::Xml)?;
        let wanted = parsed.value;
        if let Some(name) = &wanted.name {
            check_name(name)?;
        }
        let call = Call::domain(Operation::SnapshotCreate, key).watched(monitor);
        let (inner, monitor) = (Arc::clone(&self.inner), monitor.clone());
        self.change(call, async move |host, domain| {
            if flags.redefine {
                return redefine(&inner, &*host, &domain, wanted, flags.current).await;
            }
            let taking = Taking::plan(inner, host, domain, wanted, flags).await?;
            taking.take(&monitor).await
        })
        .await
    }
}

/// Keeps a document without taking anything.
async fn redefine(
    inner: &Inner,
    host: &dyn Host,
    domain: &Domain,
    mut wanted: Snapshot,
    current: bool,
) -> Result<String> {
    let (folder, snapshots) = inner.kept_snapshots(domain).await?;
    let wrong = |reason: &str| Error::Argument(format!("snapshot of '{}': {reason}", domain.name));
    let name = wanted.name.clone();
    let name = name.ok_or_else(|| wrong("one that is redefined needs a name"))?;
    if let Some(parent) = &wanted.parent {
        snapshots.get(domain, parent)?;
        if *parent == name || snapshots.descendants(&name).contains(parent) {
            return Err(wrong("it would be its own ancestor"));
        }
    }
    if wanted.state.is_none() {
        return Err(wrong("one that is redefined needs a state"));
    }
    let before = snapshots.all.get(&name);
    wanted.domain = match (wanted.domain, before.and_then(|it| it.domain.clone())) {
        (Some(guest), _) | (None, Some(guest)) => Some(guest),
        (None, None) => Some(inner.defined_guest(host, domain).await?),
    };
    if wanted.domain.as_ref().and_then(|guest| guest.uuid) != Some(domain.uuid) {
        return Err(wrong("it is of a domain with another uuid"));
    }
    wanted.created = wanted.created.or_else(|| Some(now()));
    blocking(SNAPSHOT, move || {
        folder.keep(&name, &wanted)?;
        if current {
            folder.set_current(Some(&name))?;
        }
        Ok(name)
    })
    .await
}

/// A snapshot on its way.
struct Taking {
    inner: Arc<Inner>,
    host: Arc<dyn Host>,
    domain: Domain,
    folder: SnapshotFolder,
    name: String,
    document: Snapshot,
    disks: Vec<DiskFile>,
    /// Where the memory goes first; none of a domain whose memory is left out.
    memory: Option<SavedFile>,
    halt: bool,
}

impl Taking {
    /// Finds out all that can be wrong before anything is done, but for what a revert has left
    /// that was cut short: that is put right first.
    async fn plan(
        inner: Arc<Inner>,
        host: Arc<dyn Host>,
        domain: Domain,
        wanted: Snapshot,
        flags: SnapshotFlags,
    ) -> Result<Self> {
        let (folder, snapshots) = inner.kept_snapshots(&domain).await?;
        let name = wanted.name.clone().unwrap_or_else(|| now().to_string());
        refuse(&inner, &domain, &name, &snapshots).await?;
        let with_memory = wants_memory(&domain, &wanted, flags)?;
        let defined = inner.defined_guest(&*host, &domain).await?;
        let running = match domain.is_active() {
            true => Some(inner.running_guest(&*host, &domain).await?),
            false => None,
        };
        let in_use = domain.is_active() && !with_memory;
        let (kept, disks) = disks(running.as_ref().unwrap_or(&defined), &wanted, in_use)?;
        let names = snapshots.names();
        let mended = mend(Arc::clone(&host), domain.clone(), disks.clone(), names);
        // A deadline would leave it half done.
        tokio::spawn(mended).await.unwrap_or(Err(Error::Task {
            operation: Operation::SnapshotCreate.verb(),
        }))?;
        let location = match with_memory {
            true => SnapshotLocation::Internal,
            false => SnapshotLocation::No,
        };
        let memory = SnapshotMemory {
            location,
            file: None,
        };
        let (now_domain, inactive_domain) = match running {
            Some(running) => (running, Some(defined)),
            None => (defined, None),
        };
        let document = Snapshot {
            name: Some(name.clone()),
            description: wanted.description,
            state: Some(state(&domain, with_memory)),
            parent: snapshots.current,
            created: Some(now()),
            memory: Some(memory),
            disks: kept,
            domain: Some(now_domain),
            inactive_domain,
        };
        Ok(Self {
            memory: match with_memory {
                true => Some(inner.store.saved_file(&domain.name)?),
                false => None,
            },
            inner,
            host,
            domain,
            folder,
            name,
            document,
            disks,
            halt: flags.halt,
        })
    }

    async fn take(self, monitor: &Monitor) -> Result<String> {
        let folder = self.folder.clone();
        blocking(SNAPSHOT, move || folder.begin()).await?;
        if let Some(file) = &self.memory {
            managed_save::put_away(&*self.host, &self.domain, file.clone()).await?;
        }
        let wanted = commit(monitor, &self.domain, Operation::SnapshotCreate);
        // A deadline would leave it half done.
        let task = tokio::spawn(self.finish(wanted));
        task.await.unwrap_or(Err(Error::Task {
            operation: Operation::SnapshotCreate.verb(),
        }))
    }

    /// What comes when the domain is put away, if it is. One that was cancelled meanwhile
    /// goes on.
    async fn finish(self, wanted: Result<()>) -> Result<String> {
        let stops = self.domain.is_active() && self.memory.is_none();
        let was_paused = self.domain.state == State::Paused;
        let name = &self.domain.name;
        if stops && !was_paused {
            self.host.pause(name).await?;
        }
        let kept = match wanted {
            Ok(()) => self.keep().await,
            cancelled => cancelled,
        };
        let ends = self.halt && kept.is_ok();
        let went_on: Result<()> = match &self.memory {
            Some(file) if ends => managed_save::remove(file.clone()).await,
            Some(file) => {
                let (inner, host) = (&self.inner, &*self.host);
                inner
                    .go_on(host, &self.domain, file.clone(), was_paused)
                    .await
            }
            None if stops && ends => self.host.destroy(name).await.map_err(Error::from),
            None if stops && !was_paused => self.host.unpause(name).await.map_err(Error::from),
            None => Ok(()),
        };
        kept?;
        went_on?;
        Ok(self.name)
    }

    /// Keeps disks, memory and the document, or nothing.
    async fn keep(&self) -> Result<()> {
        let mut taken = 0;
        let done = self.keep_all(&mut taken).await;
        if done.is_err() {
            for disk in self.disks.iter().take(taken) {
                // What failed first is told.
                if let Ok(disks) = self.host.disk_snapshots() {
                    let _ = disks.remove(disk, &self.name).await;
                }
            }
            let (folder, name) = (self.folder.clone(), self.name.clone());
            let _ = blocking(SNAPSHOT, move || {
                folder.forget(&name)?;
                folder.forget_memory(&name)
            })
            .await;
        }
        done
    }

    async fn keep_all(&self, taken: &mut usize) -> Result<()> {
        for disk in &self.disks {
            self.host.disk_snapshots()?.take(disk, &self.name).await?;
            *taken += 1;
        }
        let (folder, name) = (self.folder.clone(), self.name.clone());
        let (document, memory) = (self.document.clone(), self.memory.clone());
        blocking(SNAPSHOT, move || {
            if let Some(file) = memory {
                link(file.path(), &folder.memory(&name))?;
            }
            folder.keep(&name, &document)?;
            folder.set_current(Some(&name))
        })
        .await
    }
}

/// What a disk has may be another content than the caller thinks when a revert was cut short: he
/// is told, and asks again.
async fn mend(
    host: Arc<dyn Host>,
    domain: Domain,
    disks: Vec<DiskFile>,
    names: Vec<String>,
) -> Result<()> {
    let (mut said, mut failed) = (Vec::new(), None);
    for disk in &disks {
        match host.disk_snapshots()?.mend(disk, &names).await {
            Ok(mended) => said.extend(mended),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    match (said.is_empty(), failed) {
        (true, None) => return Ok(()),
        (true, Some(error)) => return Err(error.into()),
        (false, failed) => said.extend(failed.map(|error| error.to_string())),
    }
    Err(Error::Invalid {
        name: domain.name,
        operation: Operation::SnapshotCreate.verb(),
        reason: format!("{}: ask for it again", said.join("; ")),
    })
}

/// Refuses what cannot be kept or gone back to.
async fn refuse(inner: &Inner, domain: &Domain, name: &str, snapshots: &Snapshots) -> Result<()> {
    let saved = || inner.managed_save_of(domain);
    let reason = if snapshots.all.contains_key(name) {
        format!("it has a snapshot '{name}' already")
    } else if domain.persistent == Some(false) {
        "it is transient: nothing would be left to go back".to_owned()
    } else if !domain.is_active() && saved().await?.is_some() {
        "its memory is saved: start it first, or remove that with managedsave-remove".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::Invalid {
        name: domain.name.clone(),
        operation: Operation::SnapshotCreate.verb(),
        reason,
    })
}

/// Whether the memory is kept.
fn wants_memory(domain: &Domain, wanted: &Snapshot, flags: SnapshotFlags) -> Result<bool> {
    let unsupported = |reason: &str| Error::Unsupported {
        operation: Operation::SnapshotCreate.verb(),
        reason: reason.to_owned(),
    };
    let location = wanted.memory.as_ref().map(|memory| memory.location);
    match location {
        Some(SnapshotLocation::External | SnapshotLocation::Manual) => Err(unsupported(
            "memory is kept in virtxen's folder: say memory snapshot='internal', or use save",
        )),
        Some(SnapshotLocation::Internal) if flags.disk_only => Err(Error::Argument(
            "a snapshot of disks only has no memory".to_owned(),
        )),
        Some(SnapshotLocation::Internal) if !domain.is_active() => Err(Error::Argument(format!(
            "the memory of '{}' cannot be kept: it does not run",
            domain.name
        ))),
        Some(SnapshotLocation::No) => Ok(false),
        _ => Ok(domain.is_active() && !flags.disk_only),
    }
}

/// What the document says of each disk, and those that are kept.
fn disks(
    guest: &Guest,
    wanted: &Snapshot,
    in_use: bool,
) -> Result<(Vec<SnapshotDisk>, Vec<DiskFile>)> {
    for named in &wanted.disks {
        let mut disks = guest.devices.disks.iter();
        if !disks.any(|disk| is_named(disk, named)) {
            return Err(Error::Config(format!(
                "the domain has no disk '{}'",
                named.name
            )));
        }
    }
    let (mut told, mut kept) = (Vec::new(), Vec::new());
    for disk in &guest.devices.disks {
        let named = wanted.disks.iter().find(|named| is_named(disk, named));
        let location = named.and_then(|named| named.location);
        let is_written = disk.device == DiskDevice::Disk && !disk.readonly;
        let location = match location {
            None if is_written => SnapshotLocation::Internal,
            None => SnapshotLocation::No,
            Some(location) => location,
        };
        match location {
            SnapshotLocation::Internal => kept.push(file_of(disk, in_use).ok_or_else(|| {
                cannot(disk, "it is neither a file nor a block device of this host")
            })?),
            SnapshotLocation::External => {
                return Err(cannot(disk, "virtxen puts no overlay over a disk"));
            }
            SnapshotLocation::No | SnapshotLocation::Manual => {}
        }
        told.push(SnapshotDisk {
            name: disk.target.clone(),
            location: Some(location),
            driver: None,
            source: None,
        });
    }
    Ok((told, kept))
}

fn is_named(disk: &virtxen_guest::Disk, named: &SnapshotDisk) -> bool {
    disk.target == named.name || disk.source.path() == Some(&*named.name)
}

fn cannot(disk: &virtxen_guest::Disk, why: &str) -> Error {
    Error::Unsupported {
        operation: Operation::SnapshotCreate.verb(),
        reason: format!(
            "disk '{0}': {why}; leave it out with <disk name='{0}' snapshot='no'/>",
            disk.target
        ),
    }
}

/// What the domain does, for the document.
fn state(domain: &Domain, with_memory: bool) -> SnapshotState {
    match domain.state {
        _ if !domain.is_active() => SnapshotState::Shutoff,
        _ if !with_memory => SnapshotState::DiskSnapshot,
        State::Paused => SnapshotState::Paused,
        _ => SnapshotState::Running,
    }
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.unwrap_or_default().as_secs();
    i64::try_from(seconds).unwrap_or(i64::MAX)
}
