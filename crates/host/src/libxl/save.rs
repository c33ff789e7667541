//! A domain's memory: to a file, from a file.
//!
//! Files are libvirt's: a header, the guest's document, libxl's stream.

use super::{Libxl, Running, config, lifecycle};
use crate::{DomainState, DumpMode, Error, Result};
use std::fs::File;
use std::future::Future;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use tokio::sync::oneshot;
use virtxen_formats::image::{BEGIN, Head, Kind};
use virtxen_guest::{Guest, ParseOptions, parse_guest};
use virtxen_libxl::Operation;

/// The version of libvirt's header behind which libxl's stream of Xen 4.6 and later is.
const VERSION: u32 = 2;

/// First release whose streams have that form.
pub(super) const NEW_STREAM: u32 = 6;

impl Running {
    /// Writes the domain to a file and ends it. Whoever stops waiting gets the domain
    /// back.
    pub(crate) async fn save(self, file: &Path) -> Result<()> {
        let file = file.to_owned();
        uninterrupted(|cancelled| async move {
            let guest = self.kept().await?.guest;
            let version = match self.libxl.release().minor() {
                minor if minor >= NEW_STREAM => VERSION,
                _ => 1,
            };
            let head = Head {
                kind: Kind::Libvirt(version),
                text: config::document(&lifecycle::again(guest)),
            };
            let written = write_head(file.clone(), head).await?;
            let done = tokio::select! {
                biased;
                done = self.write_to(written) => done,
                () = cancelled => Err(refused("save", "it was cancelled")),
            };
            match done {
                Ok(()) => self.destroy().await,
                Err(error) => Err(self.take_back(&file, error).await),
            }
        })
        .await
    }

    async fn write_to(&self, file: File) -> Result<()> {
        let operation = Operation::Save {
            domid: self.domid,
            live: false,
            debug: false,
        };
        let synced = file.try_clone().map_err(|error| refused("save", error))?;
        let descriptors = vec![OwnedFd::from(file)];
        self.libxl.ask(self.name(), operation, descriptors).await?;
        // The domain goes when this is done: its memory has to be on the disk.
        on_disk("save", move || synced.sync_all()).await
    }

    /// Lets a domain go on that was to be saved; returns why it was not.
    async fn take_back(&self, file: &Path, error: Error) -> Error {
        let file = file.to_owned();
        // What was written of it is of no use.
        let _ = on_disk("save", move || std::fs::remove_file(file)).await;
        match self.is_suspended() {
            true => self.suspended_in_vain(error).await,
            false => error,
        }
    }

    /// Whether the guest waits to be resumed; one that may is taken for one that does.
    pub(super) fn is_suspended(&self) -> bool {
        let xen = self.libxl.inner.xen.as_ref();
        let domain = xen.and_then(|xen| xen.domain(self.domid).ok());
        domain.is_none_or(|domain| domain.flags.shutdown)
    }

    /// Writes the domain's memory to a file.
    pub(crate) async fn dump(self, file: &Path, mode: DumpMode) -> Result<()> {
        let path = file.to_str().map(str::to_owned);
        let path = path.ok_or_else(|| Error::Guest {
            reason: format!("the file name {} is not UTF-8", file.display()),
        })?;
        uninterrupted(|cancelled| async move {
            let runs = !matches!(
                self.info.state,
                DomainState::Paused
                    | DomainState::Crashed
                    | DomainState::Shutdown
                    | DomainState::Suspended
            );
            let stops = runs && !mode.live;
            if stops {
                self.pause().await?;
            }
            let domid = self.domid;
            let done = tokio::select! {
                biased;
                done = self.done(Operation::CoreDump { domid, path }) => done,
                () = cancelled => Err(refused("dump", "it was cancelled")),
            };
            match done {
                Ok(()) if mode.crash => self.destroy().await,
                Ok(()) if mode.reset => self.reset().await,
                done if stops => self.unpause().await.and(done),
                done => done,
            }
        })
        .await
    }
}

impl Libxl {
    /// Starts the guest of a file that was saved.
    pub(crate) async fn restore(&self, guest: &Guest, stream: Stream, paused: bool) -> Result<()> {
        let config = self.guest_config(guest)?;
        let making = self.inner.room.lock().await;
        self.make_room(&guest.name, &config).await?;
        self.give_host_devices(guest).await?;
        let operation = Operation::Restore {
            document: Some(config::document(guest)),
            config,
            stream_version: stream.version,
        };
        let descriptors = vec![OwnedFd::from(stream.file)];
        let domain = self.begin(guest, operation, descriptors).await?;
        drop(making);
        domain.let_go(paused).await.map(drop)
    }
}

/// Memory in a file, behind its head.
pub(crate) struct Stream {
    file: File,
    version: u32,
}

/// The guest of a file that was saved, and its memory.
pub(crate) async fn open(path: &Path) -> Result<(Guest, Stream)> {
    let path = path.to_owned();
    let name = path.display().to_string();
    let wrong = move |why: &dyn std::fmt::Display| refused("restore", format!("{name}: {why}"));
    let read = on_disk("restore", move || Ok(read_head(&path))).await?;
    let (file, head) = read
        .map_err(|error| wrong(&error))?
        .map_err(|error| wrong(&error))?;
    let Kind::Libvirt(version) = head.kind else {
        return Err(wrong(&"XenD wrote it, whose files libxl does not read"));
    };
    let parsed = parse_guest(&head.text, &ParseOptions::default());
    let guest = parsed.map_err(|problems| wrong(&problems))?.value;
    Ok((guest, Stream { file, version }))
}

/// A head and the file, which is behind it.
fn read_head(
    path: &PathBuf,
) -> std::io::Result<std::result::Result<(File, Head), virtxen_formats::image::Error>> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::with_capacity(BEGIN);
    (&mut file).take(BEGIN as u64).read_to_end(&mut bytes)?;
    let length = match Head::length(&bytes) {
        Ok(length) => length,
        Err(error) => return Ok(Err(error)),
    };
    let rest = length.saturating_sub(bytes.len());
    (&mut file).take(rest as u64).read_to_end(&mut bytes)?;
    // libxl goes on from here.
    file.seek(SeekFrom::Start(length as u64))?;
    Ok(Head::read(&bytes).map(|head| (file, head)))
}

/// A new file that only its owner may read, with a head.
async fn write_head(path: PathBuf, head: Head) -> Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let bytes = head.to_bytes().map_err(|error| refused("save", error))?;
    let name = path.display().to_string();
    let made = on_disk("save", move || {
        let mut options = File::options();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&path)?;
        file.write_all(&bytes)?;
        Ok(file)
    });
    made.await.map_err(|error| match error {
        Error::Refused { operation, reason } => Error::Refused {
            operation,
            reason: format!("{name}: {reason}"),
        },
        error => error,
    })
}

/// What waits for a disk, on a thread of its own.
async fn on_disk<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| refused(operation, error)),
        Err(_) => Err(refused(operation, "the thread for the disk ended")),
    }
}

/// Does work to its end, in a task of its own, also when nobody waits any more; then
/// what the work was given is ready.
pub(super) async fn uninterrupted<F>(
    work: impl FnOnce(std::pin::Pin<Box<dyn Future<Output = ()> + Send>>) -> F,
) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let (_waits, gone) = oneshot::channel::<()>();
    let gone = Box::pin(async move { drop(gone.await) });
    match tokio::spawn(work(gone)).await {
        Ok(done) => done,
        Err(_) => Err(refused("save", "its task ended")),
    }
}

fn refused(operation: &'static str, why: impl std::fmt::Display) -> Error {
    Error::Refused {
        operation,
        reason: why.to_string(),
    }
}
