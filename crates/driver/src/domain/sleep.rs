//! Sleep: a guest that suspends itself and stays as it is, until it is woken up.
//!
//! To Xen it is suspended, as one is that is being saved or was sent to another host.

use crate::call::Call;
use crate::{DomainKey, Driver, Error, Operation, Result, State};
use std::sync::Arc;

/// How a guest is to sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SleepTarget {
    /// Its memory stays.
    Memory,
    /// Its memory goes to its disk.
    Disk,
    /// Both.
    Hybrid,
}

impl Driver {
    /// Puts a guest to sleep and returns when it sleeps.
    ///
    /// # Errors
    /// The domain is not running; the guest does not do it; the host has no libxl of Xen
    /// 4.11 or later; another target than memory.
    pub async fn pm_suspend(&self, key: &DomainKey, target: SleepTarget) -> Result<()> {
        let operation = Operation::PmSuspend;
        let call = Call::domain(operation, key);
        self.change(call, async move |host, domain| {
            if target != SleepTarget::Memory {
                return Err(Error::Unsupported {
                    operation: operation.verb(),
                    reason: "Xen's guests sleep with their memory: the target is 'mem'".to_owned(),
                });
            }
            match domain.state {
                State::Running | State::Blocked | State::NoState => {
                    Ok(host.suspend(&domain.name).await?)
                }
                state => Err(Error::State {
                    name: domain.name,
                    operation: operation.verb(),
                    state,
                    needed: "running",
                }),
            }
        })
        .await
    }

    /// Wakes up a guest that sleeps.
    ///
    /// # Errors
    /// It does not sleep; it was sent to another host, which may be about to run it.
    pub async fn pm_wakeup(&self, key: &DomainKey) -> Result<()> {
        let operation = Operation::PmWakeup;
        let call = Call::domain(operation, key);
        let inner = Arc::clone(&self.inner);
        self.change(call, async move |host, domain| match domain.state {
            State::PmSuspended => inner.wake(&*host, &domain, operation).await,
            state => Err(Error::State {
                name: domain.name,
                operation: operation.verb(),
                state,
                needed: "pmsuspended",
            }),
        })
        .await
    }
}
