//! Jobs: one at a time for each domain, named, with their start.
//!
//! A job is held by the task that works for the host, not by the caller: who
//! hangs up leaves the job running until it ends or its deadline does. Reads take
//! no job. Also here: how a long operation tells its progress and is cancelled, and
//! what is kept of it when it has ended.

use crate::{Error, Operation, Result};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedMutexGuard, watch};
use tokio::time::Instant;
use virtxen_guest::Uuid;

/// Jobs that have ended of which the statistics are kept.
const COMPLETED_MAX: usize = 1024;

/// A job that runs.
#[derive(Clone, Debug)]
pub struct JobInfo {
    /// What is being done.
    pub operation: Operation,
    /// Since when.
    pub started: Instant,
    /// What watches it; only of long ones anything is to be seen.
    pub(crate) monitor: Monitor,
    /// Bytes of memory that it moves, where that is known.
    pub(crate) total: Option<u64>,
}

/// How a job goes, or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobState {
    /// It runs.
    Running,
    /// It went well.
    Completed,
    /// It failed.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
}

/// What is to be said of a job.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JobStats {
    /// What is being done.
    pub operation: Operation,
    /// How it goes.
    pub state: JobState,
    /// Since it was started; of one that has ended, how long it took.
    pub elapsed: Duration,
    /// Bytes of memory that it moves, where that is known.
    pub total: Option<u64>,
    /// Those of them that are done, where that is known.
    pub done: Option<u64>,
}

impl JobInfo {
    /// How it goes.
    #[must_use]
    pub fn stats(&self) -> JobStats {
        self.ended(JobState::Running)
    }

    /// How it went.
    pub(crate) fn ended(&self, state: JobState) -> JobStats {
        let fraction = self.monitor.progress.borrow().fraction;
        let share = |total: u64| fraction.map(|share| (share * total as f64) as u64);
        JobStats {
            operation: self.operation,
            state,
            elapsed: self.started.elapsed(),
            total: self.total,
            done: match state {
                JobState::Completed => self.total,
                _ => self.total.and_then(share),
            },
        }
    }
}

/// The jobs of all domains, by the domain's name.
#[derive(Default)]
pub(crate) struct Jobs {
    slots: Mutex<HashMap<String, Arc<Slot>>>,
    /// The last long job of each domain that has ended, the newest last.
    completed: Mutex<Vec<(Uuid, JobStats)>>,
}

#[derive(Default)]
struct Slot {
    turn: Arc<tokio::sync::Mutex<()>>,
    current: Mutex<Option<JobInfo>>,
}

/// The right to change some domains; ends the jobs when dropped.
pub(crate) struct JobGuard {
    jobs: Arc<Jobs>,
    held: Vec<(String, Arc<Slot>, Option<OwnedMutexGuard<()>>)>,
}

impl Jobs {
    /// Starts a job on these domains, waiting at most `limit` for those that run.
    /// The names are taken in order, so that two renames cannot wait for each other.
    ///
    /// # Errors
    /// [`Error::Busy`] with the job that is in the way.
    pub(crate) async fn acquire(
        self: &Arc<Self>,
        operation: Operation,
        mut names: Vec<String>,
        limit: Duration,
    ) -> Result<JobGuard> {
        names.sort_unstable();
        names.dedup();
        let end = Instant::now() + limit;
        let mut guard = JobGuard {
            jobs: Arc::clone(self),
            held: Vec::new(),
        };
        for name in names {
            let slot = Arc::clone(lock(&self.slots).entry(name.clone()).or_default());
            // Put down first: a slot that somebody waits for must not be removed.
            guard.held.push((name, Arc::clone(&slot), None));
            let turn = tokio::time::timeout_at(end, Arc::clone(&slot.turn).lock_owned()).await;
            let Some((name, _, held)) = guard.held.last_mut() else {
                continue;
            };
            let Ok(turn) = turn else {
                return Err(slot.busy(name.clone(), limit));
            };
            *held = Some(turn);
            *lock(&slot.current) = Some(JobInfo {
                operation,
                started: Instant::now(),
                monitor: Monitor::default(),
                total: None,
            });
        }
        Ok(guard)
    }

    /// A long job has ended.
    pub(crate) fn complete(&self, uuid: Uuid, stats: JobStats) {
        let mut completed = lock(&self.completed);
        completed.retain(|(of, _)| *of != uuid);
        if completed.len() >= COMPLETED_MAX {
            completed.remove(0);
        }
        completed.push((uuid, stats));
    }

    /// The last long job of a domain that has ended; it is forgotten unless `keep`.
    pub(crate) fn completed(&self, uuid: Uuid, keep: bool) -> Option<JobStats> {
        let mut completed = lock(&self.completed);
        let place = completed.iter().position(|(of, _)| *of == uuid)?;
        if keep {
            return completed.get(place).map(|(_, stats)| stats.clone());
        }
        Some(completed.remove(place).1)
    }

    /// All jobs that run, by the names of their domains.
    pub(crate) fn running(&self) -> Vec<(String, JobInfo)> {
        let slots = lock(&self.slots);
        let running = slots.iter().filter_map(|(name, slot)| {
            let current = lock(&slot.current).clone();
            current.map(|job| (name.clone(), job))
        });
        running.collect()
    }

    /// The job of a domain.
    pub(crate) fn current(&self, name: &str) -> Option<JobInfo> {
        let slot = lock(&self.slots).get(name).cloned()?;
        lock(&slot.current).clone()
    }
}

impl JobGuard {
    /// Says what watches the job and how much it moves; its statistics are asked for
    /// with what is returned.
    pub(crate) fn watch(&self, monitor: &Monitor, total: Option<u64>) -> Option<JobInfo> {
        let (_, slot, _) = self.held.first()?;
        let mut current = lock(&slot.current);
        let job = current.as_mut()?;
        job.monitor = monitor.clone();
        job.total = total;
        Some(job.clone())
    }
}

impl Slot {
    fn busy(&self, name: String, limit: Duration) -> Error {
        let (operation, since) = lock(&self.current)
            .as_ref()
            .map_or(("another operation", limit), |job| {
                (job.operation.verb(), job.started.elapsed())
            });
        Error::Busy {
            name,
            operation,
            since,
        }
    }
}

impl Drop for JobGuard {
    fn drop(&mut self) {
        let mut slots = lock(&self.jobs.slots);
        for (name, slot, held) in self.held.drain(..) {
            if held.is_some() {
                *lock(&slot.current) = None;
            }
            drop(held);
            // The map and this guard hold it: nobody else waits.
            if Arc::strong_count(&slot) == 2 {
                slots.remove(&name);
            }
        }
    }
}

/// How far a long operation is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Time since it was started.
    pub elapsed: Duration,
    /// Share that is done, 0 to 1, where it is known.
    pub fraction: Option<f64>,
}

/// Watches a long operation and can cancel it.
///
/// Cancelling ends the wait and closes the connection to the host; XenD cannot
/// be told to stop, so the host may carry on. What would be left half done cannot be
/// cancelled any more from some stage on. Clones watch the same operation.
#[derive(Clone, Debug)]
pub struct Monitor {
    progress: watch::Sender<Progress>,
    stage: watch::Sender<Stage>,
}

/// Whether an operation can be given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    /// Half done it would be worse than not done.
    Committed,
    Cancelled,
}

impl Default for Monitor {
    fn default() -> Self {
        Self {
            progress: watch::Sender::new(Progress::default()),
            stage: watch::Sender::new(Stage::Open),
        }
    }
}

impl Monitor {
    /// A channel with the newest progress, about four times a second.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Cancels the operation; before its start as well. False when it has come so far that
    /// it goes on to its end.
    pub fn cancel(&self) -> bool {
        self.advance(Stage::Cancelled)
    }

    /// From now on the operation goes on to its end. False when it was cancelled before.
    pub(crate) fn commit(&self) -> bool {
        self.advance(Stage::Committed)
    }

    /// Whether the stage is this one then.
    fn advance(&self, next: Stage) -> bool {
        self.stage.send_if_modified(|stage| {
            let was_open = *stage == Stage::Open;
            if was_open {
                *stage = next;
            }
            was_open
        });
        *self.stage.borrow() == next
    }

    /// Tells those who watch how far it is.
    pub fn report(&self, progress: Progress) {
        self.progress.send_replace(progress);
    }

    /// Ends when somebody cancels, else never.
    pub async fn cancelled(&self) {
        let mut stage = self.stage.subscribe();
        if stage
            .wait_for(|stage| *stage == Stage::Cancelled)
            .await
            .is_err()
        {
            std::future::pending::<()>().await;
        }
    }
}

/// A lock of plain data: a panic of its holder leaves nothing half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_second_job_waits_and_then_says_who_is_in_the_way() {
        let jobs = Arc::new(Jobs::default());
        let names = || vec!["web".to_owned()];
        let limit = Duration::from_millis(20);
        let first = jobs.acquire(Operation::Shutdown, names(), limit).await;
        let busy = jobs.acquire(Operation::Start, names(), limit).await;
        let Err(Error::Busy {
            operation, name, ..
        }) = busy
        else {
            panic!("a second job was let in");
        };
        assert_eq!((operation, name.as_str()), ("shutdown", "web"));
        drop(first);
        assert!(jobs.current("web").is_none());
        assert!(jobs.acquire(Operation::Start, names(), limit).await.is_ok());
        assert!(lock(&jobs.slots).is_empty(), "slots are not collected");
    }

    #[tokio::test]
    async fn another_domain_does_not_wait() {
        let jobs = Arc::new(Jobs::default());
        let no_wait = Duration::ZERO;
        let _web = jobs
            .acquire(Operation::Save, vec!["web".into()], no_wait)
            .await;
        let mail = jobs.acquire(Operation::Save, vec!["mail".into()], no_wait);
        assert!(mail.await.is_ok());
    }
}
