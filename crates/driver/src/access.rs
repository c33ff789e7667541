//! Who may do what: the hook that every call passes.
//!
//! The words are libvirt's (`domain.start`); who decides and by which rules is
//! the daemon's business.

use crate::{Domain, OperationRow};

/// Decides what a caller may do.
pub trait Access: Send + Sync {
    /// Whether the caller has the permission of this operation, on this domain if
    /// there is one already. Must not wait: who has to ask somebody else does it before
    /// the call.
    fn allows(&self, operation: &OperationRow, domain: Option<&Domain>) -> bool;
}

/// Everybody may do everything: for a program that runs with the caller's rights.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowAll;

impl Access for AllowAll {
    fn allows(&self, _: &OperationRow, _: Option<&Domain>) -> bool {
        true
    }
}
