//! Memory: of a domain, and whether there is enough for another one.

use super::failure::unexpected;
use super::{Libxl, Running};
use crate::{Error, Result};
use std::time::Duration;
use tokio::time::Instant;
use virtxen_guest::{DomId, MemoryKib};
use virtxen_libxl::{Operation, Outcome};

/// Domain-0 keeps at least so much.
const DOMAIN0_MIN: MemoryKib = MemoryKib(512 << 10);

/// How long Domain-0 may take to give memory back.
const GIVES_BACK: Duration = Duration::from_secs(30);

/// How long nothing may become free meanwhile.
const STALLS: Duration = Duration::from_secs(5);

const LOOK: Duration = Duration::from_millis(200);

impl Running {
    pub(crate) async fn set_memory(&self, target: MemoryKib) -> Result<()> {
        let operation = Operation::MemoryTarget {
            domid: self.domid,
            kib: target.0,
            enforce: true,
        };
        self.done(operation).await
    }

    /// libxl refuses less than the guest has as well, and does not say how much that is.
    pub(crate) async fn set_max_memory(&self, limit: MemoryKib) -> Result<()> {
        if limit < self.info.memory {
            return Err(Error::Refused {
                operation: "setmaxmem",
                reason: format!(
                    "it has {} KiB now, which is its memory_static_max at least: balloon it first",
                    self.info.memory.0
                ),
            });
        }
        let operation = Operation::MaxMemory {
            domid: self.domid,
            kib: limit.0,
        };
        self.done(operation).await
    }
}

impl Libxl {
    /// Sees to it that there is memory for a guest: Domain-0 gives back what is
    /// missing, if it was not given a fixed amount.
    pub(super) async fn make_room(&self, name: &str, config: &str) -> Result<()> {
        let config = config.to_owned();
        let need = self.memory(name, Operation::NeedMemory { config }).await?;
        let free = self.memory(name, Operation::FreeMemory).await?;
        let missing = need.saturating_sub(free);
        if missing == 0 {
            return Ok(());
        }
        let lacks = |why: &str, free: u64| Error::Refused {
            operation: "create",
            reason: format!(
                "not enough free memory: need {} MiB, have {} MiB; {why}",
                mib_up(need),
                free / 1024
            ),
        };
        let target = match self.domain0_without(missing).await? {
            Ok(target) => target,
            Err(why) => return Err(lacks(&why, free)),
        };
        let operation = Operation::MemoryTarget {
            domid: 0,
            kib: target.0,
            enforce: false,
        };
        self.ask("Domain-0", operation, Vec::new()).await?;
        let end = Instant::now() + GIVES_BACK;
        let (mut most, mut since) = (free, Instant::now());
        loop {
            let free = self.memory(name, Operation::FreeMemory).await?;
            if free >= need {
                return Ok(());
            }
            if free > most {
                (most, since) = (free, Instant::now());
            }
            if since.elapsed() > STALLS || Instant::now() > end {
                return Err(lacks("Domain-0 was asked and gives back no more", free));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn memory(&self, name: &str, operation: Operation) -> Result<u64> {
        let what = operation.name();
        match self.ask(name, operation, Vec::new()).await? {
            Outcome::Memory { kib } => Ok(kib),
            _ => Err(unexpected(what)),
        }
    }

    /// What Domain-0's balloon has to aim at so that `missing` KiB become free, or why
    /// it is left alone.
    async fn domain0_without(
        &self,
        missing: u64,
    ) -> Result<std::result::Result<MemoryKib, String>> {
        const HINT: &str = "shut guests down or give Domain-0 less";
        if self.is_domain0_fixed() {
            return Ok(Err(format!(
                "Domain-0 keeps what Xen was started with (dom0_mem): {HINT}"
            )));
        }
        let told = match &self.inner.facts {
            Some(facts) => facts.balloons(&[DomId(0)]).await?,
            None => Vec::new(),
        };
        let target = told.first().and_then(|[target, ..]| *target);
        let Some(target) = target else {
            return Ok(Err(format!("XenStore has no target of Domain-0: {HINT}")));
        };
        let left = MemoryKib(target.saturating_sub(missing));
        if left < DOMAIN0_MIN {
            return Ok(Err(format!(
                "Domain-0 would be left with {} MiB, {} MiB at least are kept for it",
                left.0 / 1024,
                DOMAIN0_MIN.0 / 1024
            )));
        }
        Ok(Ok(left))
    }

    /// Whether Xen was told how much memory Domain-0 has; then it keeps that.
    fn is_domain0_fixed(&self) -> bool {
        let line = self.inner.xen.as_ref().map(|xen| xen.command_line());
        match line {
            Some(Ok(line)) => line.split_whitespace().any(is_domain0_memory),
            // Who cannot be asked is left alone.
            Some(Err(_)) | None => true,
        }
    }
}

/// Whether an option of Xen's command line says how much memory Domain-0 has.
fn is_domain0_memory(option: &str) -> bool {
    let amount = option.strip_prefix("dom0_mem=");
    amount.is_some_and(|amount| amount.contains(|c: char| c.is_ascii_digit()))
}

fn mib_up(kib: u64) -> u64 {
    kib.div_ceil(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domain0_is_fixed_by_an_amount() {
        for (option, fixed) in [
            ("dom0_mem=1024M,max:1024M", true),
            ("dom0_mem=max:2G", true),
            ("dom0_mem=", false),
            ("dom0_max_vcpus=2", false),
        ] {
            assert_eq!(is_domain0_memory(option), fixed, "{option}");
        }
    }
}
