//! Reports of each request that a channel carried.

use std::sync::Arc;
use std::time::Duration;

/// One request over a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// `XenD`, `libxl`, `XenStore`, `hypercall` or `file`.
    pub channel: &'static str,
    /// What was asked for, and the error if it failed.
    pub what: &'a str,
    /// From sending until the answer was there. Requests that were in flight
    /// together overlap.
    pub took: Duration,
}

/// What each channel calls with a request and its time.
pub(crate) type Observer = Arc<dyn Fn(&str, Duration) + Send + Sync>;

/// Takes reports of requests. Clones report to the same place.
#[derive(Clone)]
pub struct Trace {
    sink: Arc<dyn Fn(Request<'_>) + Send + Sync>,
}

impl Trace {
    /// Reports go to `sink`, which must not wait.
    pub fn new(sink: impl Fn(Request<'_>) + Send + Sync + 'static) -> Self {
        Self {
            sink: Arc::new(sink),
        }
    }

    /// What the observers of the channels are.
    pub(crate) fn observer(&self, channel: &'static str) -> Observer {
        let sink = Arc::clone(&self.sink);
        Arc::new(move |what, took| {
            sink(Request {
                channel,
                what,
                took,
            });
        })
    }
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trace")
    }
}
