//! The calls of all clients: a line in the log for each, with the client and the
//! number by which he knows it, and how many there were of which kind.
//!
//! What the calls do is in `serve` and `forward`; who reads the numbers, `metrics`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tracing::{Span, debug, error_span, info, warn};
use virtxen_guest::Uuid;
use virtxen_rpc::procedure::{Access, Procedure};
use virtxen_rpc::server::ServerCall;
use virtxen_rpc::{Domain, RemoteError, code};

/// Upper ends of the classes into which calls are sorted by how long they took, in
/// seconds. What takes longer has a class of its own.
pub(crate) const BUCKETS: [f64; 8] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.0, 10.0, 60.0];

/// Errors that tell that something is not there, which clients ask to find out.
const NOT_THERE: [i32; 12] = [
    code::NO_SUPPORT,
    code::NO_DOMAIN,
    code::NO_NETWORK,
    code::NO_STORAGE_POOL,
    code::NO_STORAGE_VOL,
    code::NO_NODE_DEVICE,
    code::NO_INTERFACE,
    code::NO_NWFILTER,
    code::NO_SECRET,
    code::NO_DOMAIN_SNAPSHOT,
    code::NO_DOMAIN_METADATA,
    code::NO_NETWORK_PORT,
];

/// All calls since the daemon began.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    clients: AtomicU64,
    running: AtomicU64,
    done: Mutex<BTreeMap<&'static str, Count>>,
}

/// How calls of one procedure ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Count {
    /// By what came of them.
    pub(crate) outcomes: BTreeMap<&'static str, u64>,
    /// How many took so long, by class; those above all classes are not in it.
    pub(crate) buckets: [u64; BUCKETS.len()],
    /// How long all took together.
    pub(crate) time: Duration,
}

/// A client, and his place in the log.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// Counted since the daemon began.
    pub(crate) number: u64,
    calls: Arc<Calls>,
}

/// A call that is being done.
#[derive(Debug)]
pub(crate) struct Entry {
    calls: Arc<Calls>,
    call: Arc<Named>,
    begin: Instant,
    ended: bool,
}

/// Which call a line of the log is about.
#[derive(Debug)]
struct Named {
    client: u64,
    serial: u32,
    procedure: &'static Procedure,
    domain: OnceLock<(String, Uuid)>,
}

tokio::task_local! {
    static CALL: Arc<Named>;
}

/// For lines about the call that is being done here. Made when there is one: most calls have
/// none, and have to be cheap.
pub(crate) fn span() -> Span {
    let span = CALL.try_with(|call| call.span());
    span.unwrap_or_else(|_| Span::none())
}

/// The call that is being done here is about a domain.
pub(crate) fn is_about(domain: &Domain) {
    let named = || (domain.name.clone(), Uuid(domain.uuid));
    // Some work is no client's.
    let _ = CALL.try_with(|call| call.domain.get_or_init(named).1);
}

impl Calls {
    /// A client that has just come.
    pub(crate) fn client(self: &Arc<Self>) -> Client {
        Client {
            number: self.clients.fetch_add(1, Ordering::Relaxed) + 1,
            calls: Arc::clone(self),
        }
    }

    /// How many clients there have been.
    pub(crate) fn clients(&self) -> u64 {
        self.clients.load(Ordering::Relaxed)
    }

    /// How many calls are being done.
    pub(crate) fn running(&self) -> u64 {
        self.running.load(Ordering::Relaxed)
    }

    /// How many were done, by the names of their procedures.
    pub(crate) fn done(&self) -> BTreeMap<&'static str, Count> {
        let done = self.done.lock();
        done.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, procedure: &Procedure, outcome: &'static str, took: Duration) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let count = done.entry(procedure.name).or_default();
        *count.outcomes.entry(outcome).or_default() += 1;
        count.time = count.time.saturating_add(took);
        let seconds = took.as_secs_f64();
        let class = BUCKETS.iter().position(|end| seconds <= *end);
        if let Some(bucket) = class.and_then(|class| count.buckets.get_mut(class)) {
            *bucket += 1;
        }
    }
}

impl Client {
    /// Begins an entry for a call.
    pub(crate) fn begin(&self, call: &ServerCall) -> Entry {
        self.calls.running.fetch_add(1, Ordering::Relaxed);
        Entry {
            calls: Arc::clone(&self.calls),
            call: Arc::new(Named {
                client: self.number,
                serial: call.serial(),
                procedure: call.procedure(),
                domain: OnceLock::new(),
            }),
            begin: Instant::now(),
            ended: false,
        }
    }
}

impl Named {
    fn span(&self) -> Span {
        // The highest level: each line that comes of the call says which call it was.
        let span = error_span!(
            "call",
            client = self.client,
            serial = self.serial,
            procedure = self.procedure.name,
            domain = tracing::field::Empty,
            uuid = tracing::field::Empty,
        );
        if let Some((name, uuid)) = self.domain.get() {
            span.record("domain", name);
            span.record("uuid", uuid.to_string());
        }
        span
    }
}

impl Entry {
    /// The work for the call: lines that come of it find their place by [`span`].
    pub(crate) fn scope<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        CALL.scope(Arc::clone(&self.call), work)
    }

    /// The call has been answered.
    pub(crate) fn end(mut self, result: Result<(), &RemoteError>) {
        let took = self.begin.elapsed();
        let duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let outcome = match result {
            Ok(()) => "ok",
            Err(error) => outcome(error.code),
        };
        self.close(outcome, took);
        let call = &self.call;
        match result {
            Ok(()) if call.procedure.access == Access::Writes => {
                info!(parent: &call.span(), outcome, duration_us, "done");
            }
            Ok(()) => debug!(parent: &call.span(), outcome, duration_us, "done"),
            Err(error) => {
                let (code, error) = (error.code, error.text());
                if NOT_THERE.contains(&code) {
                    info!(parent: &call.span(), outcome, duration_us, code, error, "failed");
                } else {
                    warn!(parent: &call.span(), outcome, duration_us, code, error, "failed");
                }
            }
        }
    }

    /// It was no call for us after all: another entry is made for it.
    pub(crate) fn forget(mut self) {
        self.ended = true;
        self.calls.running.fetch_sub(1, Ordering::Relaxed);
    }

    fn close(&mut self, outcome: &'static str, took: Duration) {
        self.ended = true;
        self.calls.running.fetch_sub(1, Ordering::Relaxed);
        self.calls.count(self.call.procedure, outcome, took);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.ended {
            self.close("gone", self.begin.elapsed());
            let span = self.call.span();
            info!(parent: &span, outcome = "gone", "the client did not wait for the answer");
        }
    }
}

/// What an error is counted as.
fn outcome(number: i32) -> &'static str {
    match number {
        code::ACCESS_DENIED | code::OPERATION_DENIED => "denied",
        code::OPERATION_TIMEOUT => "timeout",
        number if NOT_THERE.contains(&number) => "absent",
        _ => "error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtxen_rpc::calls::procedure;

    #[test]
    fn calls_are_sorted_by_outcome_and_duration() {
        let calls = Calls::default();
        let list = procedure(273).unwrap();
        for (outcome, milliseconds) in [("ok", 1), ("ok", 2), ("error", 5), ("ok", 100_000)] {
            calls.count(list, outcome, Duration::from_millis(milliseconds));
        }
        let done = calls.done();
        let count = &done["virConnectListAllDomains"];
        assert_eq!(count.outcomes, BTreeMap::from([("ok", 3), ("error", 1)]));
        assert_eq!(count.buckets[..3], [1, 2, 0]);
        assert_eq!(count.buckets.iter().sum::<u64>(), 3, "one took too long");
        assert_eq!(count.time, Duration::from_millis(100_008));
    }

    #[test]
    fn what_a_client_asks_to_find_out_is_no_failure() {
        assert_eq!(outcome(code::NO_DOMAIN), "absent");
        assert_eq!(outcome(code::ACCESS_DENIED), "denied");
        assert_eq!(outcome(code::INTERNAL_ERROR), "error");
    }
}
