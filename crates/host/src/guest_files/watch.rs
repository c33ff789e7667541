//! The kernel's word on what changes in the folder (inotify). What is made of it
//! is in `store`.

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use std::collections::HashSet;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

/// Bytes that are read at once; an event is small, a name has 255 at most.
const BUFFER: usize = 4096;

/// Files that may have changed since the last look.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Changed {
    /// These; none if nothing has happened.
    Names(HashSet<String>),
    /// Any: the kernel lost events, or nothing was watched.
    Any,
}

/// A watch on one folder.
pub(super) struct Watch {
    queue: Arc<OwnedFd>,
    /// The folder is watched; it may be gone, and come again.
    watched: Option<i32>,
}

impl Watch {
    /// Watches nothing yet; `None` where the kernel gives no more queues.
    pub(super) fn new() -> Option<Self> {
        let queue = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok()?;
        Some(Self {
            queue: Arc::new(queue),
            watched: None,
        })
    }

    /// Becomes readable when something has happened.
    pub(super) fn queue(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.queue)
    }

    /// Whether changes are told.
    pub(super) fn is_set(&self) -> bool {
        self.watched.is_some()
    }

    /// What has happened since the last call. To be called before the folder is
    /// read, so that nothing falls between.
    pub(super) fn changed(&mut self, folder: &Path) -> Changed {
        let changed = self.drain();
        if self.watched.is_some() {
            return changed;
        }
        let wanted = WatchFlags::CLOSE_WRITE
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::ATTRIB
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        self.watched = inotify::add_watch(&self.queue, folder, wanted).ok();
        Changed::Any
    }

    fn drain(&mut self) -> Changed {
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut reader = inotify::Reader::new(&self.queue, &mut buffer);
        let mut names = HashSet::new();
        let (mut all, mut moved) = (false, false);
        let broken = loop {
            match reader.next() {
                Ok(event) => {
                    let flags = event.events();
                    all |= flags.contains(ReadFlags::QUEUE_OVERFLOW);
                    // A folder that is gone or elsewhere is no longer ours.
                    let gone = ReadFlags::IGNORED | ReadFlags::MOVE_SELF | ReadFlags::DELETE_SELF;
                    moved |= flags.intersects(gone) && Some(event.wd()) == self.watched;
                    match event.file_name().map(std::ffi::CStr::to_str) {
                        // Our own temporary files, and nobody's guests.
                        Some(Ok(name)) if name.starts_with('.') || is_nameless(name) => {}
                        Some(Ok(name)) => drop(names.insert(name.to_owned())),
                        Some(Err(_)) => all = true,
                        None => {}
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break false,
                Err(_) => break true,
            }
        };
        if (moved || broken)
            && let Some(watch) = self.watched.take()
        {
            // The kernel has removed it already if the folder is gone.
            let _ = inotify::remove_watch(&self.queue, watch);
        }
        match all || moved || broken {
            true => Changed::Any,
            false => Changed::Names(names),
        }
    }
}

/// Whether this is what the kernel tells of a file that was made without a name: its number.
fn is_nameless(name: &str) -> bool {
    let number = name.strip_prefix('#');
    number.is_some_and(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether no change waits in a queue to be asked for.
pub(super) fn is_quiet(queue: &OwnedFd) -> bool {
    let mut queue = [PollFd::new(queue, PollFlags::IN)];
    let at_once = Timespec::default();
    rustix::event::poll(&mut queue, Some(&at_once)) == Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Changed {
        Changed::Names(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn changes_are_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("xen");
        let mut watch = Watch::new().unwrap();
        assert_eq!(watch.changed(&path), Changed::Any);
        assert!(!watch.is_set());
        std::fs::create_dir(&path).unwrap();
        assert_eq!(watch.changed(&path), Changed::Any);
        assert!(watch.is_set());
        std::fs::write(path.join("web"), "a").unwrap();
        std::fs::write(path.join(".hidden"), "a").unwrap();
        assert_eq!(watch.changed(&path), names(&["web"]));
        super::super::write::create(&path.join("db"), "a").unwrap();
        assert_eq!(watch.changed(&path), names(&["db"]));
        assert_eq!(watch.changed(&path), names(&[]));
        std::fs::remove_dir_all(&path).unwrap();
        assert_eq!(watch.changed(&path), Changed::Any);
        assert!(!watch.is_set());
    }
}
