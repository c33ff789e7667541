//! The host: a handle to the state that everybody who speaks to it shares.
//!
//! The state sits behind one lock that is never held over an await; XenD's own
//! domain lock, which is held during a build, is another.

use std::sync::Arc;

use super::Options;
use crate::release::Release;

/// A Xen host in memory; clones are the same host.
#[derive(Clone, Debug)]
pub struct SimHost {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: Options,
}

impl SimHost {
    /// A host that has just booted.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            inner: Arc::new(Inner { options }),
        }
    }

    /// The XenD release that answers.
    #[must_use]
    pub fn release(&self) -> Release {
        self.inner.options.release
    }
}
