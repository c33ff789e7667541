//! What was seen last of a folder, for who asks while nothing changes: without the disk, a
//! thread, or a lock that is held for long.
//!
//! Reading the folder is `store`'s.

use super::{Guests, watch};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// The guests of the last look, shared by the store and those who ask.
pub(super) struct Seen {
    guests: RwLock<Arc<Guests>>,
    /// The kernel tells of whatever makes them wrong, and what it told is in them.
    is_settled: AtomicBool,
    queue: Option<Arc<OwnedFd>>,
}

impl Seen {
    /// Nothing yet, of a folder whose changes this queue tells.
    pub(super) fn new(queue: Option<Arc<OwnedFd>>) -> Self {
        Self {
            guests: RwLock::default(),
            is_settled: AtomicBool::new(false),
            queue,
        }
    }

    /// The kernel's queue of changes.
    pub(super) fn queue(&self) -> Option<&OwnedFd> {
        self.queue.as_deref()
    }

    /// The guests as they were last seen, which may be wrong by now.
    pub(super) fn last(&self) -> Arc<Guests> {
        let guests = self.guests.read();
        Arc::clone(&guests.unwrap_or_else(PoisonError::into_inner))
    }

    /// The guests, if nothing has happened since they were read: one question to the
    /// kernel.
    pub(super) fn unchanged(&self) -> Option<Arc<Guests>> {
        // In this order: a look that empties the queue before the first question is seen
        // by the second until its guests are there for the last.
        let is_quiet = self.queue().is_some_and(watch::is_quiet);
        let is_unchanged = is_quiet && self.is_settled.load(Ordering::SeqCst);
        is_unchanged.then(|| self.last())
    }

    /// The kernel's queue is about to be emptied.
    pub(super) fn begin(&self) {
        self.is_settled.store(false, Ordering::SeqCst);
    }

    /// Changes the guests of the store where they are, which are copied only while somebody
    /// else holds them: a copy of thousands for each new one would be much of the work of it.
    pub(super) fn change(&self, guests: &mut Arc<Guests>, change: impl FnOnce(&mut Guests)) {
        let mut seen = self.guests.write().unwrap_or_else(PoisonError::into_inner);
        // Nobody sees this one: who asks waits for the lock.
        *seen = Arc::default();
        change(Arc::make_mut(guests));
        *seen = Arc::clone(guests);
    }

    /// What a look has seen; `is_told` says that the kernel tells whatever changes.
    pub(super) fn end(&self, guests: &Arc<Guests>, is_told: bool) {
        let mut seen = self.guests.write().unwrap_or_else(PoisonError::into_inner);
        *seen = Arc::clone(guests);
        drop(seen);
        self.is_settled.store(is_told, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::super::watch::Watch;
    use super::*;

    #[test]
    fn guests_are_unchanged_from_a_settled_look_to_the_next_change() {
        let folder = tempfile::tempdir().unwrap();
        let mut watch = Watch::new().unwrap();
        watch.changed(folder.path());
        assert!(watch.is_set());
        let seen = Seen::new(Some(watch.queue()));
        let guests = Arc::new(Guests::default());
        assert!(seen.unchanged().is_none(), "nobody has looked");
        seen.end(&guests, false);
        assert!(seen.unchanged().is_none(), "not all changes are told");
        seen.end(&guests, true);
        assert!(Arc::ptr_eq(&seen.unchanged().unwrap(), &guests));
        seen.begin();
        assert!(seen.unchanged().is_none(), "somebody looks");
        seen.end(&guests, true);
        std::fs::write(folder.path().join("a.xml"), "<domain/>").unwrap();
        assert!(seen.unchanged().is_none(), "a file came");
        assert!(Arc::ptr_eq(&seen.last(), &guests));
        watch.changed(folder.path());
        assert!(seen.unchanged().is_some());
    }

    #[test]
    fn without_a_queue_everything_may_have_changed() {
        let seen = Seen::new(None);
        seen.end(&Arc::default(), true);
        assert!(seen.unchanged().is_none());
    }
}
