//! What is read of the host for a page of metrics: once for all domains, by one task
//! at a time, whose result everybody who asks meanwhile gets.
//!
//! How it is written is in `domain` and `host`.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::timeout;
use virtxen_driver::{
    AllStats, Domain, DomainStats, Driver, FreeMemory, ListFilter, NodeCpuStats, NodeInfo, Result,
    StatsGroups,
};

/// How long a page waits for the host. Then it has what was read last.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long the host may take. Its own deadlines are shorter.
const MOST: Duration = Duration::from_secs(120);
/// How long what is less important may take.
const BRIEF: Duration = Duration::from_secs(1);
/// What is younger is not read again.
const FRESH: Duration = Duration::from_millis(500);

/// What was read.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) when: Instant,
    pub(super) stats: AllStats,
    pub(super) node: Option<NodeInfo>,
    pub(super) memory: Option<FreeMemory>,
    pub(super) processors: Option<NodeCpuStats>,
}

/// The last that was read, and who reads.
pub(super) struct Gatherer {
    driver: Driver,
    busy: AtomicBool,
    last: watch::Sender<Option<Arc<Gathered>>>,
}

/// Lets others read again, whatever became of this one.
struct Busy(Arc<Gatherer>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::Release);
        // Who waits for this one has to know that nothing comes of it.
        self.0.last.send_modify(|_| ());
    }
}

impl Gatherer {
    pub(super) fn new(driver: Driver) -> Arc<Self> {
        Arc::new(Self {
            driver,
            busy: AtomicBool::new(false),
            last: watch::channel(None).0,
        })
    }

    pub(super) const fn driver(&self) -> &Driver {
        &self.driver
    }

    /// What was read last, after a try to read anew that does not take long, and
    /// whether that went well.
    pub(super) async fn read(self: &Arc<Self>) -> (Option<Arc<Gathered>>, bool) {
        let begin = Instant::now();
        let mut last = self.last.subscribe();
        let is_fresh = |last: &Option<Arc<Gathered>>| {
            let age = last.as_ref().map(|last| last.when.elapsed());
            age.is_some_and(|age| age < FRESH)
        };
        if !is_fresh(&last.borrow_and_update()) {
            self.start();
            let _ = timeout(PATIENCE, last.changed()).await;
        }
        let last = last.borrow().clone();
        let read = last
            .as_ref()
            .is_some_and(|last| last.when >= begin || last.when.elapsed() < FRESH);
        (last, read)
    }

    /// Reads, if nobody does. It goes on when nobody waits for it any more.
    fn start(self: &Arc<Self>) {
        if self.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        let busy = Busy(Arc::clone(self));
        tokio::spawn(async move {
            match timeout(MOST, gather(&busy.0.driver)).await {
                Ok(Ok(gathered)) => {
                    busy.0.last.send_replace(Some(Arc::new(gathered)));
                }
                Ok(Err(error)) => {
                    let error = error.to_string();
                    tracing::info!(error, "statistics cannot be read");
                }
                Err(_) => tracing::info!("statistics took too long"),
            }
        });
    }
}

/// The active domains are read; the others are known from the last look at all, for
/// which XenD had to be asked.
async fn gather(driver: &Driver) -> Result<Gathered> {
    let active = ListFilter::active();
    let (stats, node, memory, processors) = tokio::join!(
        driver.all_stats(&active, StatsGroups::ALL, false),
        brief(driver.node_info()),
        brief(driver.free_memory()),
        brief(driver.node_cpu_stats(None)),
    );
    let mut stats = stats?;
    let known = driver.snapshot();
    let inactive = known.iter().flat_map(|snapshot| &snapshot.domains);
    let inactive = inactive.filter(|domain| !domain.is_active());
    let record = |domain: &Domain| DomainStats {
        domain: domain.clone(),
        parameters: Vec::new(),
        uncounted: Vec::new(),
    };
    stats.domains.extend(inactive.map(record));
    Ok(Gathered {
        when: Instant::now(),
        stats,
        node,
        memory,
        processors,
    })
}

/// What comes soon or not at all: XenD may be asked for it, which must not keep the
/// domains back.
async fn brief<T>(answer: impl Future<Output = Result<T>>) -> Option<T> {
    timeout(BRIEF, answer).await.ok()?.ok()
}
