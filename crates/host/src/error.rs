//! What can go wrong on a host. Causes are kept: XenD's own words, the path,
//! the release that cannot do it.

use virtxen_guest::PciAddress;

/// Result of an operation on a host.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation on a host failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such domain, active or inactive.
    #[error("no domain named '{name}'")]
    NoDomain {
        /// The name that was asked for.
        name: String,
    },
    /// The domain is in the wrong state for this.
    #[error("domain '{name}' is {state}, {operation} needs it {needed}")]
    State {
        /// The domain.
        name: String,
        /// What was tried.
        operation: &'static str,
        /// Its state.
        state: String,
        /// The states in which it works.
        needed: &'static str,
    },
    /// This release or this channel cannot do it.
    #[error("{operation} is not possible: {reason}")]
    Unsupported {
        /// What was tried.
        operation: &'static str,
        /// Why, naming the release or the channel.
        reason: String,
    },
    /// The guest has no drivers for Xen, through which it is asked.
    #[error(
        "{operation} is not possible: the guest has no drivers for Xen, by which it would hear of it"
    )]
    NoDrivers {
        /// What was tried.
        operation: &'static str,
    },
    /// The host said no.
    #[error("{operation} failed: {reason}")]
    Refused {
        /// What was tried.
        operation: &'static str,
        /// The host's own words.
        reason: String,
    },
    /// The host has no such PCI device.
    #[error("the host has no PCI device {address}")]
    NoPciDevice {
        /// The address that was asked for.
        address: PciAddress,
    },
    /// A running guest has the PCI device.
    #[error("{operation} of PCI device {address} is not possible: guest '{guest}' has it")]
    PciDeviceInUse {
        /// What was tried.
        operation: &'static str,
        /// The device.
        address: PciAddress,
        /// Who has it.
        guest: String,
    },
    /// The answer did not come in time.
    #[error("{operation} did not end within {} s: no answer from {channel}", .limit.as_secs_f32())]
    Timeout {
        /// Channel and address that did not answer.
        channel: String,
        /// What was tried.
        operation: &'static str,
        /// The deadline.
        limit: std::time::Duration,
    },
    /// The guest model has something that this host cannot carry.
    #[error("the guest cannot be run on this host: {reason}")]
    Guest {
        /// What it is.
        reason: String,
    },
    /// A channel could not be reached or broke.
    #[error("{channel}: {reason}")]
    Channel {
        /// Channel and address.
        channel: String,
        /// What happened and what to do about it.
        reason: String,
        /// The underlying error.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}
