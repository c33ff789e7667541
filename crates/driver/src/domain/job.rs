//! The long operation that a domain is in: how it goes, how the last one went, and
//! giving it up. Jobs themselves are in `crate::job`.

use crate::operations::JobKind;
use crate::{DomainKey, Driver, Error, JobStats, Operation, Result};

impl Driver {
    /// How the job goes that the domain is in, if it is in one.
    ///
    /// # Errors
    /// No such domain.
    pub async fn job_stats(&self, key: &DomainKey) -> Result<Option<JobStats>> {
        let domain = self.readable(Operation::JobStats, key).await?;
        Ok(self.job(&domain.name).map(|job| job.stats()))
    }

    /// How the domain's last long operation went that has ended; it is forgotten
    /// unless `keep`.
    ///
    /// # Errors
    /// No such domain.
    pub async fn completed_job(&self, key: &DomainKey, keep: bool) -> Result<Option<JobStats>> {
        let domain = self.readable(Operation::JobStats, key).await?;
        Ok(self.inner.jobs.completed(domain.uuid, keep))
    }

    /// Gives up the long operation that the domain is in. XenD cannot be told to stop
    /// what it has begun: the wait ends, and the domain's state tells what came of it.
    ///
    /// # Errors
    /// The domain is in no job, or in one that cannot be given up.
    pub async fn abort_job(&self, key: &DomainKey) -> Result<()> {
        let operation = Operation::AbortJob;
        let domain = self.readable(operation, key).await?;
        let refused = |reason: String| {
            Err(Error::Invalid {
                name: domain.name.clone(),
                operation: operation.verb(),
                reason,
            })
        };
        match self.job(&domain.name) {
            None => refused("no job is active on the domain".to_owned()),
            Some(job) if job.operation.row().job == JobKind::Long => match job.monitor.cancel() {
                true => Ok(()),
                false => {
                    let verb = job.operation.verb();
                    refused(format!("its job, {verb}, has come too far to be given up"))
                }
            },
            Some(job) => {
                let verb = job.operation.verb();
                refused(format!("its job is {verb}, which cannot be given up"))
            }
        }
    }
}
