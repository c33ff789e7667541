//! Faults on demand: what a XenD or libxl on a bad day does to its clients, and when.
//!
//! Faults of the server (slow, hung, cut, garbage) strike requests; faults of guests
//! and devices are names that the state asks for. They are set in the options, in the
//! URI, or at any time through [`SimHost`](crate::SimHost).

use std::collections::BTreeSet;
use std::time::Duration;

/// A way in which XenD fails, and which requests it strikes: all of them, unless
/// [`for_op`](Self::for_op) or [`nth`](Self::nth) narrow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub(crate) kind: FaultKind,
    pub(crate) op: Option<String>,
    pub(crate) nth: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    Slow(Duration),
    Hang,
    Stall,
    Cut(usize),
    Garbage(Vec<u8>),
    Fail(String),
    Death,
}

impl Fault {
    /// XenD waits so long before it does anything.
    #[must_use]
    pub fn slow(delay: Duration) -> Self {
        Self::of(FaultKind::Slow(delay))
    }

    /// XenD does nothing and never replies; the connection stays open.
    #[must_use]
    pub fn hang() -> Self {
        Self::of(FaultKind::Hang)
    }

    /// As [`Fault::hang`], and from then on with every request, of anybody.
    #[must_use]
    pub fn stall() -> Self {
        Self::of(FaultKind::Stall)
    }

    /// XenD does what was asked and closes after so many bytes of its reply.
    #[must_use]
    pub fn cut_after(bytes: usize) -> Self {
        Self::of(FaultKind::Cut(bytes))
    }

    /// XenD does what was asked and sends these bytes instead of its reply.
    #[must_use]
    pub fn garbage(bytes: impl Into<Vec<u8>>) -> Self {
        Self::of(FaultKind::Garbage(bytes.into()))
    }

    /// libxl fails, with this line in its log. XenD knows no such fault.
    #[must_use]
    pub fn fail(text: impl Into<String>) -> Self {
        Self::of(FaultKind::Fail(text.into()))
    }

    /// The process that calls libxl dies. XenD closes the connection instead.
    #[must_use]
    pub fn death() -> Self {
        Self::of(FaultKind::Death)
    }

    /// Strikes only requests for this operation: the `op` of a POST, or `list`,
    /// `detail`, `node`, `log`, `get` for a GET of that kind; of libxl its operations as
    /// messages call them: `create`, `destroy`, `core dump`.
    #[must_use]
    pub fn for_op(mut self, op: impl Into<String>) -> Self {
        self.op = Some(op.into());
        self
    }

    /// Strikes only the `n`th such request from now on, counted from 1.
    #[must_use]
    pub fn nth(mut self, n: u64) -> Self {
        self.nth = Some(n);
        self
    }

    fn of(kind: FaultKind) -> Self {
        Self {
            kind,
            op: None,
            nth: None,
        }
    }
}

/// The faults that are set, with the requests that each has seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    server: Vec<(Fault, u64)>,
    stalled: bool,
    hung_guests: BTreeSet<String>,
    dead_devices: BTreeSet<String>,
}

impl Faults {
    pub(crate) fn new(server: &[Fault], hung_guests: &[String], dead_devices: &[String]) -> Self {
        Self {
            server: server.iter().map(|fault| (fault.clone(), 0)).collect(),
            stalled: false,
            hung_guests: hung_guests.iter().cloned().collect(),
            dead_devices: dead_devices.iter().cloned().collect(),
        }
    }

    pub(crate) fn inject(&mut self, fault: Fault) {
        self.server.push((fault, 0));
    }

    pub(crate) fn hang_guest(&mut self, name: &str) {
        self.hung_guests.insert(name.to_owned());
    }

    pub(crate) fn kill_device(&mut self, name: &str) {
        self.dead_devices.insert(name.to_owned());
    }

    /// The guest does not react to an order to shut down or to reboot.
    pub(crate) fn is_hung(&self, guest: &str) -> bool {
        self.hung_guests.contains(guest)
    }

    /// The device, named as in its configuration (`xvdb`, a MAC address), never
    /// connects.
    pub(crate) fn is_dead(&self, device: &str) -> bool {
        self.dead_devices.contains(device)
    }

    /// Counts a request for `op` and tells what strikes it.
    pub(crate) fn strike(&mut self, op: &str) -> Vec<FaultKind> {
        let mut struck = Vec::new();
        for (fault, seen) in &mut self.server {
            if fault.op.as_deref().is_some_and(|wanted| wanted != op) {
                continue;
            }
            *seen += 1;
            if fault.nth.is_none_or(|nth| nth == *seen) {
                struck.push(fault.kind.clone());
            }
        }
        self.stalled |= struck.contains(&FaultKind::Stall);
        match self.stalled {
            true => vec![FaultKind::Hang],
            false => struck,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strikes_the_nth_request_of_an_operation() {
        let mut faults = Faults::default();
        faults.inject(Fault::hang().for_op("create").nth(2));
        assert!(faults.strike("create").is_empty());
        assert!(faults.strike("destroy").is_empty());
        assert_eq!(faults.strike("create"), [FaultKind::Hang]);
        assert!(faults.strike("create").is_empty());
        faults.inject(Fault::stall().for_op("pause"));
        assert!(faults.strike("list").is_empty());
        for op in ["pause", "list"] {
            assert_eq!(faults.strike(op), [FaultKind::Hang]);
        }
    }
}
