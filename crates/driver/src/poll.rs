//! The poller: looks at the host while somebody listens for events.
//!
//! XenD tells nothing by itself. What the looks mean is in `registry`; watches of
//! XenStore will make most of these looks unnecessary.

use crate::driver::Inner;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::time::Instant;

/// A look may take at most this share of the time: XenD answers one caller at a time.
const LOAD_LIMIT: u32 = 4;

/// Starts the poller unless one is at work. It ends with its last subscriber.
pub(crate) fn start(inner: &Arc<Inner>) {
    if inner.polling.swap(true, Ordering::SeqCst) {
        return;
    }
    let weak = Arc::downgrade(inner);
    let interval = inner.options.poll_interval;
    tokio::spawn(async move {
        let mut pause = interval;
        loop {
            tokio::time::sleep(pause).await;
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
