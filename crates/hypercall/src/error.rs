//! What can go wrong with a hypercall.

use crate::gate::Errno;

/// Result of a hypercall.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a hypercall failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel has no way to make hypercalls.
    #[error("no hypercalls: {}", .tried.join("; "))]
    Unreachable {
        /// Each node that was tried, and why it failed.
        tried: Vec<String>,
    },
    /// The caller is not privileged: not root, or not in a control domain.
    #[error("{operation} is not permitted: hypercalls need root in the control domain")]
    NotPermitted {
        /// Name of the operation.
        operation: &'static str,
    },
    /// No such domain.
    #[error("there is no domain {domid}")]
    NoDomain {
        /// Its number.
        domid: u32,
    },
    /// No such cpupool, or for a domain that is moved there one without processors.
    #[error("there is no cpupool {id} with room for this")]
    NoCpuPool {
        /// Its number.
        id: u32,
    },
    /// The kernel has no way to hear the event.
    #[error("no events of the hypervisor: {node}: {reason}")]
    NoEvents {
        /// The kernel's node.
        node: &'static str,
        /// Why it cannot be used.
        reason: String,
    },
    /// A hypervisor whose interface is not in the table.
    #[error("Xen {release} speaks an interface that this virtxen does not know: {reason}")]
    UnknownAbi {
        /// What it says of itself.
        release: String,
        /// Which interface, and what was tried.
        reason: String,
    },
    /// This release does not have the operation, or not built in.
    #[error("Xen {release} has no {operation}")]
    Unsupported {
        /// Release.
        release: String,
        /// Name of the operation.
        operation: &'static str,
    },
    /// A value that the interface of this release cannot carry.
    #[error("{operation} on Xen {release} cannot carry {what}")]
    Range {
        /// Release.
        release: String,
        /// Name of the operation.
        operation: &'static str,
        /// The value.
        what: String,
    },
    /// The hypervisor said no.
    #[error("{operation} failed: {errno}")]
    Refused {
        /// Name of the operation.
        operation: &'static str,
        /// What it said.
        errno: Errno,
    },
    /// The hypervisor answered something that cannot be.
    #[error("{operation}: {reason}")]
    Answer {
        /// Name of the operation.
        operation: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
}
