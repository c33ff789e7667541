//! Calls that put a domain into a file of the daemon's host, take it out again, or
//! move it to another host. They take their time: it is shown, and they can be
//! cancelled.

use crate::{Remote, Uri, wire};
use std::path::Path;
use std::time::{Duration, Instant};
use virtxen_driver::{
    DomainKey, DumpFlags, Error, MigrateFlags, Monitor, Operation, Progress, Result,
};
use virtxen_rpc::calls::migrate_flags::{
    LIVE, PEER2PEER, PERSIST_DEST, TUNNELLED, UNDEFINE_SOURCE,
};
use virtxen_rpc::calls::{
    DomainAbortJob, DomainCoreDump, DomainGetJobInfo, DomainMigratePerform3Params, DomainRestore,
    DomainSave, DumpArguments, JobInfo, Perform3Params, SaveArguments,
};
use virtxen_rpc::xdr::{List, Opaque};
use virtxen_rpc::{Domain, TypedParam};

/// Time between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(500);

impl Remote {
    pub(crate) async fn save(&self, key: &DomainKey, file: &Path, monitor: &Monitor) -> Result<()> {
        let dom = self.domain(key).await?;
        let arguments = SaveArguments {
            dom: dom.clone(),
            to: file.display().to_string(),
        };
        let operation = Operation::Save;
        let work = self.ask::<DomainSave>(operation, arguments);
        self.watched(operation, Some(dom), monitor, work).await
    }

    pub(crate) async fn restore(&self, file: &Path, monitor: &Monitor) -> Result<()> {
        let operation = Operation::Restore;
        let work = self.ask::<DomainRestore>(operation, file.display().to_string());
        self.watched(operation, None, monitor, work).await
    }

    pub(crate) async fn dump(
        &self,
        key: &DomainKey,
        file: &Path,
        flags: DumpFlags,
        monitor: &Monitor,
    ) -> Result<()> {
        let dom = self.domain(key).await?;
        let arguments = DumpArguments {
            dom: dom.clone(),
            to: file.display().to_string(),
            flags: u32::from(flags.crash)
                | u32::from(flags.live) << 1
                | u32::from(flags.reset) << 3,
        };
        let operation = Operation::CoreDump;
        let work = self.ask::<DomainCoreDump>(operation, arguments);
        self.watched(operation, Some(dom), monitor, work).await
    }

    /// The daemon's host itself sends the domain to the destination, or the daemon
    /// conducts it, where the destination is another one: libvirt's direct and its
    /// peer-to-peer migration.
    pub(crate) async fn migrate(
        &self,
        key: &DomainKey,
        destination: &str,
        flags: MigrateFlags,
        monitor: &Monitor,
    ) -> Result<()> {
        let dom = self.domain(key).await?;
        let is_daemon = Uri::is_meant(destination);
        let (dconnuri, params) = match is_daemon {
            true => (Some(destination.to_owned()), Vec::new()),
            false => (None, vec![TypedParam::new("migrate_uri", destination)]),
        };
        let arguments = Perform3Params {
            dom: dom.clone(),
            dconnuri,
            params: List(params),
            cookie_in: Opaque(Vec::new()),
            flags: wire::bits(&[
                (is_daemon, PEER2PEER),
                (flags.live, LIVE),
                (flags.undefine_source, UNDEFINE_SOURCE),
                (flags.persistent, PERSIST_DEST),
                (flags.tunnelled, TUNNELLED),
            ]),
        };
        let operation = Operation::Migrate;
        let work = async {
            let done = self.ask::<DomainMigratePerform3Params>(operation, arguments);
            done.await.map(|_| ())
        };
        self.watched(operation, Some(dom), monitor, work).await
    }

    /// Waits for an operation, tells how far it is, and aborts it when it is cancelled.
    pub(crate) async fn watched<T>(
        &self,
        operation: Operation,
        dom: Option<Domain>,
        monitor: &Monitor,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let begin = Instant::now();
        let mut work = std::pin::pin!(work);
        let mut looks = tokio::time::interval(LOOK);
        let mut fraction = None;
        loop {
            tokio::select! {
                biased;
                () = monitor.cancelled() => {
                    if let Some(dom) = dom {
                        // The wait ends either way; the daemon goes on if it cannot stop.
                        let _ = self.ask::<DomainAbortJob>(Operation::Lookup, dom).await;
                    }
                    return Err(Error::Cancelled {
                        subject: "the domain".to_owned(),
                        operation: operation.verb(),
                    });
                }
                outcome = &mut work => return outcome,
                _ = looks.tick() => {
                    if let Some(dom) = dom.clone() {
                        let job = self.ask::<DomainGetJobInfo>(Operation::Lookup, dom).await;
                        fraction = job.ok().as_ref().and_then(share);
                    }
                    monitor.report(Progress { elapsed: begin.elapsed(), fraction });
                }
            }
        }
    }
}

/// The share that is done, where the daemon knows how much there is.
fn share(job: &JobInfo) -> Option<f64> {
    let share = job.data_processed as f64 / job.data_total as f64;
    (job.data_total > 0).then(|| share.clamp(0.0, 1.0))
}
