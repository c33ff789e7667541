//! The poller: looks at the host while somebody listens for events.
//!
//! XenD tells nothing by itself, and Xen tells nobody of a pause, so the host is
//! looked at in intervals; where its channels tell of changes, a look follows each
//! at once. What the looks mean is in `registry`.

use crate::driver::Inner;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;
use virtxen_host::HostEvents;

/// A look may take at most this share of the time: XenD answers one caller at a time.
const LOAD_LIMIT: u32 = 4;

/// Changes that come within this time are looked at together.
const GATHER: Duration = Duration::from_millis(20);

/// Starts the poller unless one is at work. It ends with its last subscriber.
pub(crate) fn start(inner: &Arc<Inner>) {
    if inner.polling.swap(true, Ordering::SeqCst) {
        return;
    }
    let weak = Arc::downgrade(inner);
    let interval = inner.options.poll_interval;
    tokio::spawn(async move {
        let mut pause = interval;
        let mut events = match weak.upgrade() {
            Some(inner) => inner.host.events().await,
            None => return,
        };
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = change(&mut events) => {}
            }
            let Some(inner) = weak.upgrade() else {
                return;
            };
            if inner.registry.subscribers() == 0 {
                inner.polling.store(false, Ordering::SeqCst);
                // Somebody may have come between the two lines above.
                if inner.registry.subscribers() == 0 || inner.polling.swap(true, Ordering::SeqCst) {
                    return;
                }
            }
            let begin = Instant::now();
            // An unreachable host is no event; the next look may find it again.
            let _ = inner.look_at_all().await;
            pause = interval.max(begin.elapsed() * LOAD_LIMIT);
        }
    });
}

/// Waits for a change that the host tells of; for ever where it tells none.
async fn change(events: &mut Option<HostEvents>) {
    let Some(told) = events else {
        return std::future::pending().await;
    };
    if told.next().await.is_none() {
        *events = None;
        return;
    }
    tokio::time::sleep(GATHER).await;
    told.drain();
}
