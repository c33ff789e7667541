//! The host: a handle to the state that everybody who speaks to it shares.
//!
//! The state sits behind one lock that is never held over an await; XenD's own
//! domain lock, which is held during a build, is another.

use std::sync::Arc;

use super::Options;
use crate::fault::{Fault, Faults};
use crate::release::Release;
use crate::xend::{NodeMemory, Shared};

/// A Xen host in memory; clones are the same host.
#[derive(Clone, Debug)]
pub struct SimHost {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: Options,
    xend: Shared,
}

impl SimHost {
    /// A host that has just booted.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let faults = Faults::new(&options.faults, &options.hung_guests, &options.dead_devices);
        Self {
            inner: Arc::new(Inner {
                options,
                xend: Shared::new(faults),
            }),
        }
    }

    /// The XenD release that answers.
    #[must_use]
    pub fn release(&self) -> Release {
        self.inner.options.release
    }

    /// Sets a fault of XenD, which counts requests from now on.
    pub fn inject(&self, fault: Fault) {
        self.inner.xend.faults().inject(fault);
    }

    /// Takes all faults of XenD, of guests and of devices away. A client that hangs
    /// on one stays so.
    pub fn clear_faults(&self) {
        *self.inner.xend.faults() = Faults::default();
    }

    /// From now on the guest of this name ignores orders to shut down.
    pub fn hang_guest(&self, name: &str) {
        self.inner.xend.faults().hang_guest(name);
    }

    /// From now on a new device of this name (`xvdb`, a MAC address) never connects.
    pub fn kill_device(&self, name: &str) {
        self.inner.xend.faults().kill_device(name);
    }

    /// What connections to XenD share.
    pub(crate) fn xend(&self) -> &Shared {
        &self.inner.xend
    }

    /// The memory of the machine.
    pub(crate) fn node_memory(&self) -> NodeMemory {
        NodeMemory {
            total: 8192,
            free: 7104,
        }
    }
}
