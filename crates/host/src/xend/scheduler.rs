//! A domain's parameters under the host's scheduler.
//!
//! XenD names the scheduler from 3.1 on. Before, it is taken to be the release's
//! default: SEDF until 3.0.2, credit from 3.0.3 on.

use super::XendHost;
use crate::{Error, Result, Scheduler};
use virtxen_formats::sxpr::Sxpr;
use virtxen_xend::release::CreditHabit;
use virtxen_xend::{Credit, Sedf};

/// XenD counts SEDF's times in nanoseconds.
const MILLISECOND: u64 = 1_000_000;

impl XendHost {
    pub(super) async fn read_scheduler(&self, name: &str) -> Result<Scheduler> {
        let failed = |error| self.failed(name, error);
        match self.scheduler_name()? {
            "sedf" => {
                let sedf = self.client.sedf(name).await.map_err(failed)?;
                Ok(Scheduler::Sedf {
                    period: sedf.period / MILLISECOND,
                    slice: sedf.slice / MILLISECOND,
                    latency: sedf.latency / MILLISECOND,
                    extra_time: sedf.extratime,
                    weight: sedf.weight,
                })
            }
            _ => {
                if let Some(scheduler) = self.configured_credit(name).await? {
                    return Ok(scheduler);
                }
                let Credit { weight, cap } = self.client.credit(name).await.map_err(failed)?;
                Ok(Scheduler::Credit { weight, cap })
            }
        }
    }

    pub(super) async fn write_scheduler(&self, name: &str, scheduler: &Scheduler) -> Result<()> {
        let ours = match scheduler {
            Scheduler::Credit { .. } => "credit",
            Scheduler::Sedf { .. } => "sedf",
            Scheduler::Credit2 { .. } => "credit2",
            Scheduler::Rtds { .. } => "rtds",
        };
        let theirs = self.scheduler_name()?;
        if ours != theirs {
            return Err(Error::Unsupported {
                operation: "schedinfo",
                reason: format!("the host's scheduler is {theirs}, not {ours}"),
            });
        }
        let done = match scheduler {
            Scheduler::Credit { weight, cap } => {
                let (weight, cap) = (*weight, *cap);
                self.client.set_credit(name, Credit { weight, cap }).await
            }
            Scheduler::Sedf {
                period,
                slice,
                latency,
                extra_time,
                weight,
            } => {
                let sedf = Sedf {
                    period: period.saturating_mul(MILLISECOND),
                    slice: slice.saturating_mul(MILLISECOND),
                    latency: latency.saturating_mul(MILLISECOND),
                    extratime: *extra_time,
                    weight: *weight,
                };
                self.client.set_sedf(name, sedf).await
            }
            Scheduler::Credit2 { .. } | Scheduler::Rtds { .. } => {
                return Err(self.unsupported("schedinfo", "knows neither credit2 nor RTDS"));
            }
        };
        self.explained(name, "schedinfo", done).await
    }

    fn scheduler_name(&self) -> Result<&str> {
        let node = self.client.first_node();
        let habit = self.client.habits().credit;
        let name = node.xen_scheduler.as_deref().unwrap_or(match habit {
            CreditHabit::No => "sedf",
            CreditHabit::Active | CreditHabit::Always => "credit",
        });
        if matches!(name, "credit" | "sedf") {
            return Ok(name);
        }
        let why = format!("has no operations for the scheduler {name}");
        Err(self.unsupported("schedinfo", &why))
    }

    /// The parameters in an inactive domain's document, for releases whose
    /// operation knows only active ones.
    async fn configured_credit(&self, name: &str) -> Result<Option<Scheduler>> {
        if self.client.habits().credit == CreditHabit::Always || !self.client.habits().inactive {
            return Ok(None);
        }
        let document = self.document(name).await?;
        if document.child("domid").is_some() {
            return Ok(None);
        }
        let number = |key: &str| -> Option<u32> { Sxpr::value(&document, key)?.parse().ok() };
        match (number("cpu_weight"), number("cpu_cap")) {
            (Some(weight), Some(cap)) => Ok(Some(Scheduler::Credit { weight, cap })),
            _ => Err(self.unsupported(
                "schedinfo",
                "does not tell the scheduler parameters of an inactive domain",
            )),
        }
    }
}
