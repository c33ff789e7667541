//! Scheduler parameters as libvirt's typed parameters.
//!
//! The credit schedulers have `weight` and `cap`, SEDF `period`, `slice`, `latency`
//! (milliseconds), `extratime` and `weight`, RTDS `period` and `budget` (microseconds;
//! libvirt has no words for these).

use super::Part;
use crate::call::Call;
use crate::{Affect, DomainKey, Driver, Error, EventKind, Operation, Result, Tunable};
use std::borrow::Cow;
use std::fmt;
use virtxen_host::Scheduler;

/// A named value, as libvirt's wire has them.
#[derive(Clone, Debug, PartialEq)]
pub struct TypedParameter {
    /// Name.
    pub name: String,
    /// Value.
    pub value: TypedValue,
}

/// A value of one of libvirt's types.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TypedValue {
    /// 32 bits, signed.
    Int(i32),
    /// 32 bits.
    UInt(u32),
    /// 64 bits, signed.
    LLong(i64),
    /// 64 bits.
    ULLong(u64),
    /// Floating point.
    Double(f64),
    /// Truth value.
    Boolean(bool),
    /// Text.
    String(String),
}

impl fmt::Display for TypedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => value.fmt(f),
            Self::UInt(value) => value.fmt(f),
            Self::LLong(value) => value.fmt(f),
            Self::ULLong(value) => value.fmt(f),
            Self::Double(value) => value.fmt(f),
            Self::Boolean(value) => u8::from(*value).fmt(f),
            Self::String(value) => value.fmt(f),
        }
    }
}

impl TypedParameter {
    pub(crate) fn new(name: &str, value: TypedValue) -> Self {
        Self {
            name: name.to_owned(),
            value,
        }
    }

    /// The value as a whole number, whatever its type.
    fn number(&self) -> Result<u64> {
        let number = match &self.value {
            TypedValue::Int(value) => u64::try_from(*value).ok(),
            TypedValue::UInt(value) => Some(u64::from(*value)),
            TypedValue::LLong(value) => u64::try_from(*value).ok(),
            TypedValue::ULLong(value) => Some(*value),
            TypedValue::Boolean(value) => Some(u64::from(*value)),
            TypedValue::String(value) => value.parse().ok(),
            TypedValue::Double(_) => None,
        };
        number.ok_or_else(|| {
            Error::Argument(format!(
                "parameter '{}' needs a whole number, not '{}'",
                self.name, self.value
            ))
        })
    }

    fn small(&self, most: u32) -> Result<u32> {
        let number = self.number()?;
        let small = u32::try_from(number).ok().filter(|value| *value <= most);
        small.ok_or_else(|| {
            Error::Argument(format!(
                "parameter '{}' is at most {most}, not {number}",
                self.name
            ))
        })
    }
}

/// Largest weight and cap that Xen takes.
const MOST: u32 = 65535;

impl Driver {
    /// The scheduler's name and the domain's parameters under it.
    ///
    /// # Errors
    /// No such domain; the host cannot tell.
    pub async fn scheduler(
        &self,
        key: &DomainKey,
    ) -> Result<(Cow<'static, str>, Vec<TypedParameter>)> {
        let domain = self.readable(Operation::GetScheduler, key).await?;
        let answer = self.inner.host.scheduler(&domain.name);
        let scheduler = self
            .read(Operation::GetScheduler, &domain.name, answer)
            .await?;
        Ok((name(&scheduler).into(), parameters(&scheduler)))
    }

    /// Sets some of the domain's scheduler parameters; the others stay.
    ///
    /// # Errors
    /// A parameter that this scheduler does not have or a value out of its range;
    /// flags that do not go with the domain's state.
    pub async fn set_scheduler(
        &self,
        key: &DomainKey,
        changes: &[TypedParameter],
        affect: Affect,
    ) -> Result<()> {
        let operation = Operation::SetScheduler;
        let changes = changes.to_vec();
        let mut call = Call::domain(operation, key);
        let weight = changes.iter().find(|change| change.name == "weight");
        if let Some(weight) = weight.and_then(|weight| weight.small(MOST).ok()) {
            call = call.tells(EventKind::Tunable(Tunable::CpuShares(weight)));
        }
        self.change(call, async move |host, domain| {
            let part = affect.part(&*host, operation, &domain)?;
            if part != Part::Live && host.keeps_config_apart() {
                return Err(Error::Unsupported {
                    operation: operation.verb(),
                    reason: "a definition has no scheduler parameters before Xen 3.0.4: \
                             set those of the running domain"
                        .to_owned(),
                });
            }
            let mut scheduler = host.scheduler(&domain.name).await?;
            for change in &changes {
                apply(&mut scheduler, change)?;
            }
            Ok(host.set_scheduler(&domain.name, &scheduler).await?)
        })
        .await
    }
}

fn name(scheduler: &Scheduler) -> &'static str {
    match scheduler {
        Scheduler::Credit { .. } => "credit",
        Scheduler::Credit2 { .. } => "credit2",
        Scheduler::Sedf { .. } => "sedf",
        Scheduler::Rtds { .. } => "rtds",
    }
}

fn parameters(scheduler: &Scheduler) -> Vec<TypedParameter> {
    match scheduler {
        Scheduler::Credit { weight, cap } => vec![
            TypedParameter::new("weight", TypedValue::UInt(*weight)),
            TypedParameter::new("cap", TypedValue::UInt(*cap)),
        ],
        Scheduler::Credit2 { weight, cap } => {
            let cap = cap.map(|cap| TypedParameter::new("cap", TypedValue::UInt(cap)));
            let weight = TypedParameter::new("weight", TypedValue::UInt(*weight));
            std::iter::once(weight).chain(cap).collect()
        }
        Scheduler::Rtds { period, budget } => vec![
            TypedParameter::new("period", TypedValue::UInt(*period)),
            TypedParameter::new("budget", TypedValue::UInt(*budget)),
        ],
        Scheduler::Sedf {
            period,
            slice,
            latency,
            extra_time,
            weight,
        } => vec![
            TypedParameter::new("period", TypedValue::ULLong(*period)),
            TypedParameter::new("slice", TypedValue::ULLong(*slice)),
            TypedParameter::new("latency", TypedValue::ULLong(*latency)),
            TypedParameter::new("extratime", TypedValue::Boolean(*extra_time)),
            TypedParameter::new("weight", TypedValue::UInt(*weight)),
        ],
    }
}

fn apply(scheduler: &mut Scheduler, change: &TypedParameter) -> Result<()> {
    match (change.name.as_str(), scheduler) {
        ("weight", Scheduler::Credit { weight, .. } | Scheduler::Credit2 { weight, .. }) => {
            match change.small(MOST)? {
                0 => return Err(Error::Argument("parameter 'weight' is at least 1".into())),
                new => *weight = new,
            }
        }
        ("weight", Scheduler::Sedf { weight, .. }) => *weight = change.small(MOST)?,
        ("cap", Scheduler::Credit { cap, .. } | Scheduler::Credit2 { cap: Some(cap), .. }) => {
            *cap = change.small(MOST)?;
        }
        ("cap", Scheduler::Credit2 { cap: None, .. }) => {
            return Err(Error::Argument(
                "the credit2 scheduler has the parameter 'cap' from Xen 4.10 on".into(),
            ));
        }
        ("period", Scheduler::Rtds { period, .. }) => *period = change.small(u32::MAX)?,
        ("budget", Scheduler::Rtds { budget, .. }) => *budget = change.small(u32::MAX)?,
        ("period", Scheduler::Sedf { period, .. }) => *period = change.number()?,
        ("slice", Scheduler::Sedf { slice, .. }) => *slice = change.number()?,
        ("latency", Scheduler::Sedf { latency, .. }) => *latency = change.number()?,
        ("extratime", Scheduler::Sedf { extra_time, .. }) => *extra_time = change.small(1)? == 1,
        (other, scheduler) => {
            return Err(Error::Argument(format!(
                "the {} scheduler has no parameter '{other}'",
                name(scheduler)
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_another_scheduler_are_refused() {
        let mut credit = Scheduler::Credit {
            weight: 256,
            cap: 0,
        };
        let set = |name: &str, value| TypedParameter::new(name, value);
        apply(&mut credit, &set("cap", TypedValue::String("50".into()))).unwrap();
        apply(&mut credit, &set("weight", TypedValue::Int(512))).unwrap();
        assert_eq!(
            parameters(&credit),
            [
                set("weight", TypedValue::UInt(512)),
                set("cap", TypedValue::UInt(50))
            ]
        );
        for bad in [
            set("slice", TypedValue::UInt(1)),
            set("cap", TypedValue::Int(-1)),
            set("weight", TypedValue::UInt(0)),
            set("weight", TypedValue::UInt(65536)),
        ] {
            let error = apply(&mut credit, &bad).unwrap_err();
            assert_eq!(error.libvirt().code, 8, "{error}");
        }
    }

    #[test]
    fn credit2_and_rtds_have_their_own_parameters() {
        let set = |name: &str, value| TypedParameter::new(name, TypedValue::UInt(value));
        let mut old = Scheduler::Credit2 {
            weight: 256,
            cap: None,
        };
        assert_eq!(parameters(&old), [set("weight", 256)]);
        apply(&mut old, &set("weight", 300)).unwrap();
        let error = apply(&mut old, &set("cap", 10)).unwrap_err().to_string();
        assert!(error.contains("4.10"), "{error}");
        let mut new = Scheduler::Credit2 {
            weight: 256,
            cap: Some(0),
        };
        apply(&mut new, &set("cap", 10)).unwrap();
        assert_eq!(parameters(&new), [set("weight", 256), set("cap", 10)]);
        let mut rtds = Scheduler::Rtds {
            period: 10_000,
            budget: 4_000,
        };
        apply(&mut rtds, &set("budget", 5_000)).unwrap();
        assert_eq!(
            parameters(&rtds),
            [set("period", 10_000), set("budget", 5_000)]
        );
        assert!(apply(&mut rtds, &set("weight", 1)).is_err());
    }
}
