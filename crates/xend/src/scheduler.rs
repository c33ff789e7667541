//! A domain's parameters under the credit and SEDF schedulers.

use crate::client::{Client, expression};
use crate::error::{Error, Result};
use crate::exchange::Pace;
use crate::release::CreditHabit;
use std::str::FromStr;

/// Parameters under the credit scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credit {
    /// Share, 1 to 65535.
    pub weight: u32,
    /// Limit in percent of one processor, 0 for none.
    pub cap: u32,
}

/// Parameters under the SEDF scheduler. Times in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sedf {
    /// Period.
    pub period: u64,
    /// Guaranteed time in each period.
    pub slice: u64,
    /// Scaled period for domains that do much I/O.
    pub latency: u64,
    /// May have time that is left over.
    pub extratime: bool,
    /// Share instead of period and slice, 0 for none.
    pub weight: u32,
}

const NO_CREDIT: &str = "does not know the credit scheduler";

impl Client {
    /// Parameters under the credit scheduler. Xen 3.0.3 and later.
    ///
    /// # Errors
    /// When XenD refuses or the release has no such scheduler.
    pub async fn credit(&self, domain: &str) -> Result<Credit> {
        let op = "domain_sched_credit_get";
        self.supported(self.habits().credit != CreditHabit::No, op, NO_CREDIT)?;
        let text = self.order(op, domain, Pace::Quick, op, &[]).await?;
        match (entry(&text, "weight"), entry(&text, "cap")) {
            (Some(weight), Some(cap)) => Ok(Credit { weight, cap }),
            _ => Err(Error::Content {
                operation: op,
                what: format!("has no weight and cap: {text:.80}"),
            }),
        }
    }

    /// Sets the parameters under the credit scheduler. Xen 3.0.3 and later.
    ///
    /// # Errors
    /// When XenD refuses or the release has no such scheduler.
    pub async fn set_credit(&self, domain: &str, credit: Credit) -> Result<()> {
        let op = "domain_sched_credit_set";
        self.supported(self.habits().credit != CreditHabit::No, op, NO_CREDIT)?;
        // Where the cap is ignored, one that is there already does no harm.
        let cap_holds = self.habits().credit_cap || self.credit(domain).await?.cap == credit.cap;
        self.supported(cap_holds, op, "ignores the cap of the credit scheduler")?;
        let (weight, cap) = (credit.weight.to_string(), credit.cap.to_string());
        let parameters = [("weight", weight.as_str()), ("cap", cap.as_str())];
        let answer = self.order(op, domain, Pace::Quick, op, &parameters);
        answer.await.map(drop)
    }

    /// Parameters under the SEDF scheduler.
    ///
    /// # Errors
    /// When XenD refuses.
    pub async fn sedf(&self, domain: &str) -> Result<Sedf> {
        let op = "cpu_sedf_get";
        let text = self.order(op, domain, Pace::Quick, op, &[]).await?;
        let document = expression(op, &text)?;
        let number = |name: &str| {
            // Until 3.0.2 a Python dictionary, then a list.
            let value = match document.as_atom() {
                Some(dictionary) => entry(dictionary, name),
                None => document.value(name).and_then(|text| text.parse().ok()),
            };
            value.ok_or_else(|| Error::Content {
                operation: op,
                what: format!("has no number '{name}'"),
            })
        };
        Ok(Sedf {
            period: number("period")?,
            slice: number("slice")?,
            latency: number("latency")?,
            extratime: number("extratime")? != 0,
            weight: u32::try_from(number("weight")?).unwrap_or(u32::MAX),
        })
    }

    /// Sets the parameters under the SEDF scheduler.
    ///
    /// # Errors
    /// When XenD refuses.
    pub async fn set_sedf(&self, domain: &str, sedf: Sedf) -> Result<()> {
        let op = "cpu_sedf_set";
        let texts = [
            ("period", sedf.period.to_string()),
            ("slice", sedf.slice.to_string()),
            ("latency", sedf.latency.to_string()),
            ("extratime", u8::from(sedf.extratime).to_string()),
            ("weight", sedf.weight.to_string()),
        ];
        let parameters = texts
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let answer = self.order(op, domain, Pace::Quick, op, &parameters);
        answer.await.map(drop)
    }
}

/// A number of the Python dictionary that XenD prints: `{'cap': 0, …}`.
fn entry<N: FromStr>(text: &str, key: &str) -> Option<N> {
    let (_, rest) = text.split_once(&format!("'{key}':"))?;
    let rest = rest.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit());
    rest.get(..end.unwrap_or(rest.len()))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_pythons_dictionary() {
        let text = "\"{'cap': 50, 'weight': 512L}\"";
        assert_eq!(entry(text, "cap"), Some(50_u32));
        assert_eq!(entry(text, "weight"), Some(512_u64));
        assert_eq!(entry::<u32>(text, "slice"), None);
        assert_eq!(entry::<u32>("{'cap': }", "cap"), None);
    }
}
