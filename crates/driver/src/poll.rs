//! The poller: looks at the host while somebody listens for events.
//!
//! XenD tells nothing by itself, so the host is looked at in intervals; where its
//! channels tell of changes, a look follows each at once. Where active domains are
//! listed apart, the look at all domains, which may hang with XenD, is a task of its
//! own. What the looks mean is in `registry`.

use crate::documents::Documents;
use crate::driver::Inner;
use crate::events::EventKind;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use virtxen_host::{HostEvent, HostEvents};

/// A look may take at most this share of the time: XenD answers one caller at a time.
const LOAD_LIMIT: u32 = 4;

/// Changes that come within this time are looked at together.
const GATHER: Duration = Duration::from_millis(20);

/// Most changes that are looked at together.
const GATHER_MAX: usize = 1024;

/// Starts the poller unless one is at work. It ends with its last subscriber.
pub(crate) fn start(inner: &Arc<Inner>) {
    if !inner.polling.swap(true, Ordering::SeqCst) {
        tokio::spawn(run(Arc::downgrade(inner), inner.options.poll_interval));
    }
}

async fn run(weak: Weak<Inner>, interval: Duration) {
    let mut events = match weak.upgrade() {
        Some(inner) => inner.host.events().await,
        None => return,
    };
    let mut whole = Whole::default();
    let mut next = Instant::now() + interval;
    loop {
        let mut told = gather(&mut events, next).await;
        let Some(inner) = weak.upgrade() else {
            return;
        };
        if has_ended(&inner) {
            return;
        }
        let begin = Instant::now();
        inner.registry.keep_news(&mut told);
        let is_told = |event: &HostEvent| match EventKind::told(event) {
            Some((domid, kind)) => inner.registry.tell_of(domid, &kind),
            None => false,
        };
        told.iter()
            .for_each(|event| forget(&inner.documents, event));
        // Of a domain that is known it is told before a look may show its end.
        told.retain(|event| !is_told(event));
        let is_due = begin >= next || told.iter().any(is_of_all);
        // An unreachable host is no event; the next look may find it again.
        if inner.host.lists_active_apart() {
            let _ = inner.look_at_active().await;
            if is_due {
                whole.look(&inner).await;
                next = Instant::now() + interval;
            }
        } else {
            let rest = match inner.look_at_all().await {
                Ok(()) => interval.max(begin.elapsed() * LOAD_LIMIT),
                Err(_) => interval,
            };
            next = Instant::now() + rest;
        }
        for event in &told {
            match event {
                HostEvent::Redefined(name) => {
                    let updated = EventKind::DefinedUpdated;
                    inner.registry.tell_of_name(name, updated);
                }
                event => drop(is_told(event)),
            }
        }
        drop(inner);
        // However much happens, others are answered too.
        tokio::time::sleep(begin.elapsed()).await;
    }
}

/// The changes that are told until `next`, and those that come at the same time.
async fn gather(events: &mut Option<HostEvents>, next: Instant) -> Vec<HostEvent> {
    let mut told: Vec<HostEvent> = tokio::select! {
        () = tokio::time::sleep_until(next) => Vec::new(),
        first = change(events) => first.into_iter().collect(),
    };
    if !told.is_empty() {
        tokio::time::sleep(GATHER).await;
    }
    while let (Some(events), true) = (&mut *events, told.len() < GATHER_MAX) {
        let Some(event) = events.try_next() else {
            break;
        };
        told.push(event);
    }
    told
}

/// Documents that a change is in are read again.
fn forget(documents: &Documents, event: &HostEvent) {
    match event {
        HostEvent::DeviceAdded { domid, .. }
        | HostEvent::DeviceRemoved { domid, .. }
        | HostEvent::MemoryTarget { domid, .. }
        | HostEvent::Renamed { domid, .. } => documents.forget_number(*domid),
        event if is_of_all(event) => documents.forget_all(),
        _ => {}
    }
}

/// Whether a change shows only in a look at all domains.
fn is_of_all(event: &HostEvent) -> bool {
    matches!(
        event,
        HostEvent::Resync
            | HostEvent::Defined(_)
            | HostEvent::Redefined(_)
            | HostEvent::Undefined(_)
    )
}

/// Whether nobody listens any more; then another poller may be started.
fn has_ended(inner: &Inner) -> bool {
    if inner.registry.subscribers() > 0 {
        return false;
    }
    inner.polling.store(false, Ordering::SeqCst);
    // Somebody may have come between the two lines above.
    inner.registry.subscribers() == 0 || inner.polling.swap(true, Ordering::SeqCst)
}

/// The look at all domains, of which one at a time is under way.
#[derive(Default)]
struct Whole {
    /// Tells how long it took.
    task: Option<JoinHandle<Duration>>,
    /// Not before this time.
    next: Option<Instant>,
}

impl Whole {
    /// Begins a look, unless one is under way or has just been.
    async fn look(&mut self, inner: &Arc<Inner>) {
        if let Some(task) = self.task.take_if(|task| task.is_finished()) {
            let took = task.await.unwrap_or_default();
            self.next = Some(Instant::now() + took * LOAD_LIMIT);
        }
        let rests = self.next.is_some_and(|next| next > Instant::now());
        if self.task.is_some() || rests {
            return;
        }
        let inner = Arc::clone(inner);
        self.task = Some(tokio::spawn(async move {
            let begin = Instant::now();
            match inner.look_at_all().await {
                Ok(()) => begin.elapsed(),
                // It did not have the work that is to be spared.
                Err(_) => Duration::ZERO,
            }
        }));
    }
}

/// The next change that the host tells of; waits for ever where it tells none.
async fn change(events: &mut Option<HostEvents>) -> Option<HostEvent> {
    let Some(told) = events else {
        return std::future::pending().await;
    };
    let event = told.next().await;
    if event.is_none() {
        *events = None;
    }
    event
}
