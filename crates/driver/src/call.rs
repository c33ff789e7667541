//! The call path: the one way by which an operation reaches the host.
//!
//! Reads: access check, host with a deadline, last snapshot if the host does not
//! answer. Changes: look up, access check, job, state check, the work in a task of
//! its own with a deadline, a look at what came of it, events. What the work is
//! belongs to the operation.

use crate::driver::Inner;
use crate::events::EventKind;
use crate::job::{JobGuard, JobState, Monitor, Progress};
use crate::operations::{JobKind, Need};
use crate::registry::Look;
use crate::{Domain, DomainKey, Driver, Error, Operation, Result, State};
use std::fmt::Display;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;
use virtxen_guest::Uuid;
use virtxen_host::{Host, LIFE_CYCLE};

/// Longest time for looking at what an operation did; it is over anyway.
const SETTLE: Duration = Duration::from_secs(3);
/// Time between two reports of progress.
const TICK: Duration = Duration::from_millis(250);

/// A change of the host.
pub(crate) struct Call {
    pub(crate) operation: Operation,
    subject: Subject,
    monitor: Monitor,
    /// File that grows with the work, and the size that it will have.
    grows: Option<(PathBuf, u64)>,
    /// What is told of an active domain when it went well and no look can see it.
    tells: Option<EventKind>,
}

/// What is changed.
enum Subject {
    /// A domain that is there.
    Domain(DomainKey),
    /// A domain that is there and takes another name.
    Renamed(DomainKey, String),
    /// A domain that may be there.
    New { name: String, uuid: Uuid },
    /// Whatever is in a file.
    File(String),
}

/// Begins the work of a change. In a box, as is the work: the call path is compiled for each
/// kind of answer, not for each operation, and work of tens of KiB stays in its place.
type Begin<T> = Box<dyn FnOnce(Work) -> Pin<Box<dyn Future<Output = Result<T>> + Send>> + Send>;

/// What the work gets.
pub(crate) struct Work {
    pub(crate) host: Arc<dyn Host>,
    /// The domain before; for a new one the one that it replaces.
    pub(crate) before: Option<Domain>,
}

impl Call {
    pub(crate) fn domain(operation: Operation, key: &DomainKey) -> Self {
        Self::new(operation, Subject::Domain(key.clone()))
    }

    pub(crate) fn renamed(operation: Operation, key: &DomainKey, new_name: &str) -> Self {
        Self::new(
            operation,
            Subject::Renamed(key.clone(), new_name.to_owned()),
        )
    }

    pub(crate) fn new_domain(operation: Operation, name: &str, uuid: Uuid) -> Self {
        let name = name.to_owned();
        Self::new(operation, Subject::New { name, uuid })
    }

    pub(crate) fn file(operation: Operation, file: &std::path::Path) -> Self {
        Self::new(operation, Subject::File(file.display().to_string()))
    }

    pub(crate) fn watched(mut self, monitor: &Monitor) -> Self {
        self.monitor = monitor.clone();
        self
    }

    pub(crate) fn growing(mut self, file: PathBuf, bytes: u64) -> Self {
        self.grows = Some((file, bytes));
        self
    }

    pub(crate) fn tells(mut self, kind: EventKind) -> Self {
        self.tells = Some(kind);
        self
    }

    fn new(operation: Operation, subject: Subject) -> Self {
        Self {
            operation,
            subject,
            monitor: Monitor::default(),
            grows: None,
            tells: None,
        }
    }
}

impl Driver {
    /// Changes a domain that is there.
    pub(crate) async fn change<T, W, F>(&self, call: Call, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: FnOnce(Arc<dyn Host>, Domain) -> F + Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let operation = call.operation.verb();
        self.run(call, async move |given: Work| match given.before {
            Some(domain) => work(given.host, domain).await,
            None => Err(Error::Task { operation }),
        })
        .await
    }

    /// As [`Driver::change`], of what may not be there yet.
    pub(crate) async fn run<T, W, F>(&self, call: Call, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: FnOnce(Work) -> F + Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        self.pass(call, Box::new(|given| Box::pin(work(given))))
            .await
    }

    /// Every change passes here.
    async fn pass<T: Send + 'static>(&self, call: Call, work: Begin<T>) -> Result<T> {
        let inner = &self.inner;
        let mut found = inner.find(&call.subject).await?;
        self.check(call.operation, found.domain())?;
        let begin = Instant::now();
        let guard = inner
            .jobs
            .acquire(call.operation, found.names.clone(), inner.options.job_wait)
            .await?;
        if begin.elapsed() > Duration::from_millis(1) {
            // Somebody else's job has ended meanwhile and may have changed it.
            found = inner.find(&call.subject).await?;
        }
        if let Some(domain) = found.domain() {
            allowed_now(call.operation, domain)?;
        }
        let task = Task {
            inner: Arc::clone(inner),
            call,
            found,
            guard,
        };
        let operation = task.call.operation.verb();
        match tokio::spawn(task.run(work)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::Task { operation }),
        }
    }

    /// A read: never waits for a job.
    pub(crate) async fn read<T>(
        &self,
        operation: Operation,
        subject: impl Display,
        answer: impl Future<Output = virtxen_host::Result<T>>,
    ) -> Result<T> {
        self.inner.read(operation, subject, answer).await
    }
}

/// A call on its way.
struct Task {
    inner: Arc<Inner>,
    call: Call,
    found: Found,
    guard: JobGuard,
}

/// What a call is about, as it was found.
struct Found {
    /// Names whose jobs it needs.
    names: Vec<String>,
    /// Domain to report about, unless it is only known afterwards.
    uuid: Option<Uuid>,
    before: Option<(Look, Domain)>,
}

impl Found {
    fn domain(&self) -> Option<&Domain> {
        self.before.as_ref().map(|(_, domain)| domain)
    }
}

impl Task {
    async fn run<T>(self, work: Begin<T>) -> Result<T> {
        let Self {
            inner,
            call,
            found,
            guard,
        } = self;
        let operation = call.operation;
        let is_long = operation.row().job == JobKind::Long;
        let moved = found
            .domain()
            .map(|domain| domain.memory.0.saturating_mul(1024));
        let job = guard.watch(&call.monitor, moved).filter(|_| is_long);
        let before = found.domain().cloned();
        let given = Work {
            host: Arc::clone(&inner.host),
            before: found.domain().cloned(),
        };
        if let Some(uuid) = found.uuid {
            inner.registry.begin(operation, uuid, found.before);
        } else {
            inner.registry.begin_restore();
        }
        let subject = found.names.first().map_or("", String::as_str);
        let outcome = inner.limited(&call, subject, work(given)).await;
        match found.uuid {
            Some(uuid) => inner.documents.forget(uuid),
            None => inner.documents.forget_all(),
        }
        if changes_state(operation) {
            inner.settle(found.names.last(), found.uuid).await;
        }
        if let Some(uuid) = found.uuid {
            inner.registry.end(operation, uuid, outcome.is_ok());
            // Nobody may listen.
            let _ = inner.changes.send(uuid);
        } else {
            inner.registry.end_restore();
        }
        if let (Ok(_), Some(kind), Some(domain)) = (&outcome, call.tells, &before)
            && domain.is_active()
        {
            inner.registry.report(domain, kind);
        }
        if let (Some(job), Some(domain)) = (job, before) {
            let stats = job.ended(how_it_ended(&outcome));
            inner.jobs.complete(domain.uuid, stats.clone());
            inner
                .registry
                .report(&domain, EventKind::JobCompleted(stats));
        }
        drop(guard);
        outcome
    }
}

fn how_it_ended<T>(outcome: &Result<T>) -> JobState {
    match outcome {
        Ok(_) => JobState::Completed,
        Err(Error::Cancelled { .. }) => JobState::Cancelled,
        Err(_) => JobState::Failed,
    }
}

impl Inner {
    pub(crate) fn deadline(&self, operation: Operation) -> Duration {
        let own = operation.row().deadline;
        self.options.deadline.map_or(own, |limit| limit.min(own))
    }

    pub(crate) async fn read<T>(
        &self,
        operation: Operation,
        subject: impl Display,
        answer: impl Future<Output = virtxen_host::Result<T>>,
    ) -> Result<T> {
        let limit = self.deadline(operation);
        match tokio::time::timeout(limit, answer).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Error::Timeout {
                channel: None,
                subject: subject.to_string(),
                operation: operation.verb(),
                limit,
            }),
        }
    }

    async fn find(&self, subject: &Subject) -> Result<Found> {
        match subject {
            Subject::Domain(key) => {
                let before = self.look_up(key).await?;
                Ok(Found {
                    names: vec![before.1.name.clone()],
                    uuid: Some(before.1.uuid),
                    before: Some(before),
                })
            }
            Subject::Renamed(key, new_name) => {
                let before = self.look_up(key).await?;
                Ok(Found {
                    names: vec![before.1.name.clone(), new_name.clone()],
                    uuid: Some(before.1.uuid),
                    before: Some(before),
                })
            }
            Subject::New { name, uuid } => {
                let before = self.replaced(name, *uuid).await?;
                Ok(Found {
                    names: vec![name.clone()],
                    uuid: Some(*uuid),
                    before,
                })
            }
            Subject::File(file) => Ok(Found {
                names: vec![file.clone()],
                uuid: None,
                before: None,
            }),
        }
    }

    /// Does the work within its deadline, until somebody cancels it.
    async fn limited<T>(
        &self,
        call: &Call,
        subject: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let limit = self.deadline(call.operation);
        let operation = call.operation.verb();
        let progress = async {
            if call.operation.row().job != JobKind::Long {
                return std::future::pending().await;
            }
            report(call).await;
        };
        tokio::select! {
            biased;
            () = call.monitor.cancelled() => Err(Error::Cancelled {
                subject: subject.to_owned(),
                operation,
            }),
            outcome = work => outcome,
            () = tokio::time::sleep(limit) => Err(Error::Timeout {
                channel: self.toolstack(),
                subject: subject.to_owned(),
                operation,
                limit,
            }),
            () = progress => Err(Error::Task { operation }),
        }
    }

    /// The channel that changes go through.
    fn toolstack(&self) -> Option<String> {
        let mut routes = self.host.routes().into_iter();
        routes.find(|it| it.operation == LIFE_CYCLE)?.channel
    }

    /// Looks at what became of the domain. When that fails the next look will tell.
    async fn settle(&self, name: Option<&String>, uuid: Option<Uuid>) {
        let (Some(name), Some(uuid)) = (name, uuid) else {
            if self.host.lists_active_apart() {
                let _ = tokio::time::timeout(SETTLE, self.look_at_active()).await;
            } else if self.registry.snapshot().is_some() {
                let _ = tokio::time::timeout(SETTLE, self.look_at_all()).await;
            }
            return;
        };
        let look = self.registry.look();
        let now = match tokio::time::timeout(SETTLE, self.host.domain(name)).await {
            Ok(Ok(info)) if info.uuid == uuid => Some(info),
            Ok(Ok(_) | Err(virtxen_host::Error::NoDomain { .. })) => None,
            _ => return,
        };
        let is = now.as_ref().and_then(|info| info.domid);
        let was = self.registry.number(uuid);
        if was.is_some() && was != is {
            let others = self.registry.active_numbers().into_iter();
            self.learn_endings(others.filter(|domid| Some(*domid) != was))
                .await;
        }
        self.registry.see_one(look, uuid, now.map(Domain::from));
    }
}

/// Reports progress for ever.
async fn report(call: &Call) {
    let begin = Instant::now();
    let written_since = SystemTime::now();
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        let fraction = call.grows.as_ref().and_then(|(file, bytes)| {
            let file = std::fs::metadata(file).ok()?;
            // A file of this name that nobody writes to says nothing: the host may
            // be another machine.
            let is_new = file.modified().ok()? >= written_since;
            let share = file.len() as f64 / (*bytes).max(1) as f64;
            is_new.then_some(share.min(1.0))
        });
        call.monitor.report(Progress {
            elapsed: begin.elapsed(),
            fraction,
        });
    }
}

/// Whether the operation can change state, number, name, size or being of a domain.
fn changes_state(operation: Operation) -> bool {
    !matches!(
        operation,
        Operation::SetAutostart
            | Operation::SetMetadata
            | Operation::ManagedSaveRemove
            | Operation::SaveImageDefine
            | Operation::SendKey
            | Operation::InjectNmi
            | Operation::PinVcpu
            | Operation::SetScheduler
            | Operation::AttachDevice
            | Operation::DetachDevice
            | Operation::UpdateDevice
    )
}

/// Whether the operation is no use while the guest sleeps.
fn needs_awake(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Save | Operation::MigrateBegin | Operation::SnapshotCreate | Operation::Suspend
    )
}

/// Refuses what the domain's state does not allow.
pub(crate) fn allowed_now(operation: Operation, domain: &Domain) -> Result<()> {
    let row = operation.row();
    if domain.is_domain0() && !row.domain0 {
        return Err(Error::Invalid {
            name: domain.name.clone(),
            operation: row.verb,
            reason: "this cannot be done to the control domain".to_owned(),
        });
    }
    // It takes no orders, and to be saved or sent it would have to suspend once more.
    let sleeps = domain.state == State::PmSuspended;
    let needed = match row.need {
        _ if sleeps && needs_awake(operation) => "running",
        Need::Active if !domain.is_active() => "running",
        Need::Inactive if domain.is_active() => "shut off",
        _ => return Ok(()),
    };
    Err(Error::State {
        name: domain.name.clone(),
        operation: row.verb,
        state: domain.state,
        needed,
    })
}
