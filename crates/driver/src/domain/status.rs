//! libvirt's own driver for libxl may take the host over at any time, and finds the domains
//! that run by its status files: here is which domains have one and when it is written.
//!
//! A file is written soon after a domain has started, has changed or has ended, so that a
//! program that is killed leaves true ones; and all are when a program begins and ends. What
//! stands in them is in `store::status`.

use crate::driver::Inner;
use crate::events::{Delivery, EventKind, Subscription};
use crate::{Domain, DomainKey, Driver, Error, Operation, Result, XmlFlags, document};
use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use tokio::time::Instant;
use virtxen_guest::Uuid;

/// Changes that come within this time are written together.
const GATHER: Duration = Duration::from_millis(100);

/// So many domains are asked for at the same time.
const AT_ONCE: usize = 8;

/// What cannot be written is tried again after so long.
const AGAIN: Duration = Duration::from_secs(10);

impl Driver {
    /// Keeps the status files of libvirt's driver for libxl, where the host is driven by
    /// that and has a folder for them, as long as the driver lives. What goes wrong is told
    /// to `report`.
    pub fn keep_statuses(&self, report: impl Fn(&Error) + Send + Sync + 'static) {
        if self.inner.store.has_statuses() {
            let told = Told {
                changes: self.inner.changes.subscribe(),
                events: self.inner.registry.subscribe(),
            };
            crate::poll::start(&self.inner);
            tokio::spawn(run(Arc::downgrade(&self.inner), told, report));
        }
    }

    /// Writes the status files of all domains and removes those of others, for a program
    /// that begins or ends.
    ///
    /// # Errors
    /// The host does not answer; the disk's. Of several the first, after all were tried.
    pub async fn write_statuses(&self) -> Result<()> {
        match self.inner.store.has_statuses() {
            true => self.inner.write_statuses().await,
            false => Ok(()),
        }
    }
}

/// Who tells that something has changed.
struct Told {
    /// What this driver does.
    changes: Receiver<Uuid>,
    /// What else happens.
    events: Subscription,
}

/// What is to be written.
#[derive(Default)]
struct Due {
    all: bool,
    domains: HashSet<Uuid>,
}

async fn run(weak: Weak<Inner>, mut told: Told, report: impl Fn(&Error)) {
    let mut due = Due {
        all: true,
        ..Due::default()
    };
    let mut reported = None;
    loop {
        let Some(inner) = weak.upgrade() else {
            return;
        };
        let failed = inner.write_due(&mut due).await;
        drop(inner);
        let words = failed.as_ref().map(Error::to_string);
        if let (Some(error), true) = (&failed, words != reported) {
            report(error);
        }
        reported = words;
        if !told.wait(&mut due, failed.is_some()).await {
            return;
        }
    }
}

impl Told {
    /// Waits until something is due, or is to be tried again; false when nothing will be.
    async fn wait(&mut self, due: &mut Due, again: bool) -> bool {
        let rest = match again {
            true => AGAIN,
            false => Duration::MAX,
        };
        if tokio::time::timeout(rest, self.next(due)).await == Ok(false) {
            return false;
        }
        let end = Instant::now() + GATHER;
        while let Ok(is_there) = tokio::time::timeout_at(end, self.next(due)).await {
            if !is_there {
                return false;
            }
        }
        true
    }

    /// Waits for a change, and takes it down; false when there will be none.
    async fn next(&mut self, due: &mut Due) -> bool {
        tokio::select! {
            change = self.changes.recv() => match change {
                Ok(uuid) => drop(due.domains.insert(uuid)),
                Err(RecvError::Lagged(_)) => due.all = true,
                Err(RecvError::Closed) => return false,
            },
            event = self.events.next() => match event {
                Some(Delivery::Event(event)) if is_of_run(&event.kind) => {
                    due.domains.insert(event.uuid);
                }
                Some(Delivery::Event(_)) => {}
                Some(Delivery::Resync { .. }) => due.all = true,
                None => return false,
            },
        }
        true
    }
}

/// Whether it is about how a domain runs, not about what it is defined as.
fn is_of_run(kind: &EventKind) -> bool {
    use EventKind::{
        DefinedAdded, DefinedFromSnapshot, DefinedRenamed, DefinedUpdated, UndefinedRemoved,
        UndefinedRenamed,
    };
    !matches!(
        kind,
        DefinedAdded
            | DefinedFromSnapshot
            | DefinedRenamed
            | DefinedUpdated
            | UndefinedRemoved
            | UndefinedRenamed
    )
}

/// Does all of it, some at a time: one domain may be stuck.
async fn some_at_once<T: Send + 'static>(
    each: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let (mut tasks, mut done) = (JoinSet::new(), Vec::new());
    for one in each {
        if tasks.len() >= AT_ONCE {
            match tasks.join_next().await {
                Some(Ok(one)) => done.push(one),
                // A panic goes on here, as from those that are joined below.
                Some(Err(error)) if error.is_panic() => {
                    std::panic::resume_unwind(error.into_panic());
                }
                _ => {}
            }
        }
        tasks.spawn(one);
    }
    done.extend(tasks.join_all().await);
    done
}

impl Inner {
    /// Writes what is due; what fails stays due, and the first failure is returned.
    async fn write_due(self: &Arc<Self>, due: &mut Due) -> Option<Error> {
        let now = std::mem::take(due);
        if now.all {
            let failed = self.write_statuses().await.err();
            due.all = failed.is_some();
            return failed;
        }
        let mut first = None;
        let each = now.domains.into_iter().map(|uuid| {
            let inner = Arc::clone(self);
            async move { (uuid, inner.write_status_of(uuid).await) }
        });
        for (uuid, done) in some_at_once(each).await {
            if let Err(error) = done {
                due.domains.insert(uuid);
                first.get_or_insert(error);
            }
        }
        first
    }

    async fn write_statuses(self: &Arc<Self>) -> Result<()> {
        let answer = self.host.domains();
        let infos = self.read(Operation::List, "active domains", answer).await?;
        let names: Vec<&str> = infos.iter().map(|it| it.name.as_str()).collect();
        let first = self.store.forget_other_statuses(&names).await;
        let each = infos.into_iter().map(|info| {
            let (inner, mut domain) = (Arc::clone(self), Domain::from(info));
            async move {
                inner.registry.recall(&mut domain);
                inner.write_status(&domain).await
            }
        });
        some_at_once(each)
            .await
            .into_iter()
            .fold(first, Result::and)
    }

    async fn write_status_of(self: &Arc<Self>, uuid: Uuid) -> Result<()> {
        let key = DomainKey::Uuid(uuid);
        if self.registry.inactive(&key).is_some() {
            return self.store.forget_status(uuid).await;
        }
        match self.look_up(&key).await {
            Ok((_, domain)) if domain.is_active() => self.write_status(&domain).await,
            Ok(_) | Err(Error::NoDomain(_)) => self.store.forget_status(uuid).await,
            Err(error) => Err(error),
        }
    }

    /// Of an active domain. Those that libvirt's driver would not take have no file: it
    /// would undo what it takes for its own, such as where their devices are.
    async fn write_status(self: &Arc<Self>, domain: &Domain) -> Result<()> {
        if domain.is_domain0() {
            return Ok(());
        }
        let has_document = self.host.has_document(&domain.name);
        let written = async {
            let operation = Operation::XmlDescSecure;
            if !self.read(operation, &domain.name, has_document).await? {
                return self.store.forget_status(domain.uuid).await;
            }
            let guest = self.guest_of(operation, domain.clone(), false).await?;
            let flags = XmlFlags {
                secure: true,
                ..XmlFlags::default()
            };
            let mut guest = Arc::unwrap_or_clone(guest);
            document::leave_out_foreign_inputs(&mut guest);
            let document = document::format_guest(guest, flags, &self.host.version());
            self.store.keep_status(domain, &document).await
        };
        match written.await {
            // It has ended meanwhile, which is told.
            Err(Error::Host(virtxen_host::Error::NoDomain { .. })) => Ok(()),
            written => written,
        }
    }
}
