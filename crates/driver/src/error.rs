//! What can go wrong in a call, and what libvirt calls it.
//!
//! Every [`Error`] maps to libvirt's code and domain in one table
//! ([`Error::libvirt`]); the texts name the cause and keep the one below as
//! `source`. What goes wrong inside a host is that crate's enum.

use crate::{DomainKey, State};
use std::time::Duration;
use virtxen_guest::{ProblemKind, Problems, Rule, Uuid};

/// Result of a call.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such domain, active or inactive.
    #[error("no domain with matching {0}")]
    NoDomain(DomainKey),
    /// Name or uuid are taken by another domain.
    #[error("domain '{name}' already exists with uuid {uuid}")]
    Exists {
        /// The domain that is there.
        name: String,
        /// Its identifier.
        uuid: Uuid,
    },
    /// The domain is in the wrong state.
    #[error("domain '{name}' is {state}, {operation} needs it {needed}")]
    State {
        /// The domain.
        name: String,
        /// What was tried.
        operation: &'static str,
        /// Its state.
        state: State,
        /// The states in which it works.
        needed: &'static str,
    },
    /// The call makes no sense for this domain.
    #[error("{operation} of domain '{name}': {reason}")]
    Invalid {
        /// The domain.
        name: String,
        /// What was tried.
        operation: &'static str,
        /// Why not, and what would be right.
        reason: String,
    },
    /// An argument is out of its range.
    #[error("{0}")]
    Argument(String),
    /// Another job of the domain did not end in time.
    #[error("domain '{name}' is busy: {operation} since {} s", .since.as_secs())]
    Busy {
        /// The domain.
        name: String,
        /// The job that runs.
        operation: &'static str,
        /// How long it has been running.
        since: Duration,
    },
    /// The operation did not end in time. The host may still be at it.
    #[error(
        "{operation} of {subject} did not end within {} s{}",
        .limit.as_secs_f32(),
        .channel.as_ref().map(|channel| format!(": no answer from {channel}")).unwrap_or_default()
    )]
    Timeout {
        /// The channel that did not answer, where only one serves.
        channel: Option<String>,
        /// Domain or file.
        subject: String,
        /// What was tried.
        operation: &'static str,
        /// The deadline.
        limit: Duration,
    },
    /// The operation was cancelled by its caller.
    #[error("{operation} of {subject} was cancelled")]
    Cancelled {
        /// Domain or file.
        subject: String,
        /// What was cancelled.
        operation: &'static str,
    },
    /// The access check said no.
    #[error("'{operation}' denied: permission '{permission}' is missing")]
    Denied {
        /// What was tried.
        operation: &'static str,
        /// The permission, in libvirt's words.
        permission: &'static str,
    },
    /// The connection is read-only.
    #[error("{operation} is forbidden on a read-only connection")]
    ReadOnly {
        /// What was tried.
        operation: &'static str,
    },
    /// Neither this driver nor this host can do it.
    #[error("{operation}: {reason}")]
    Unsupported {
        /// What was tried.
        operation: &'static str,
        /// Why not.
        reason: String,
    },
    /// A document is wrong. All its problems are listed.
    #[error("{0}")]
    Xml(virtxen_guest::Problems),
    /// A document has parts that libvirt's schema does not, and was to be judged by it.
    #[error("{0}")]
    Schema(virtxen_guest::Problems),
    /// The host would run another guest than the document describes: what it cannot
    /// carry.
    #[error("{0}")]
    Lost(virtxen_guest::Problems),
    /// The guest or device cannot be had on this host.
    #[error("{0}")]
    Config(String),
    /// The host runs no guests of this kind.
    #[error(
        "the host does not run {0} guests: its processors lack it, or its firmware disables it"
    )]
    GuestType(&'static str),
    /// The host's processors do not run guests of this architecture.
    #[error("could not find capabilities for arch={arch} domaintype=xen: the host runs {known}")]
    Arch {
        /// What the document says.
        arch: String,
        /// What the host runs.
        known: String,
    },
    /// The domain has no such device.
    #[error("domain '{name}' has no {device}")]
    NoDevice {
        /// The domain.
        name: String,
        /// The device as it was described.
        device: String,
    },
    /// It is no PCI device.
    #[error("'{name}' names no PCI device: those are called pci_0000_03_00_0, or 0000:03:00.0")]
    NoNodeDevice {
        /// The name that was asked for.
        name: String,
    },
    /// The host said no.
    #[error(transparent)]
    Host(#[from] virtxen_host::Error),
    /// A daemon said no. Its message is whole: libvirt's prefix and the cause.
    #[error("{message}")]
    Daemon {
        /// `VIR_ERR_…`.
        code: i32,
        /// `VIR_FROM_…`.
        domain: i32,
        /// What clients of libvirt see.
        message: String,
    },
    /// The domain has no such title, description or metadata.
    #[error("domain '{name}' has no {what}")]
    NoMetadata {
        /// The domain.
        name: String,
        /// What it has not.
        what: String,
    },
    /// The domain has no such snapshot.
    #[error("domain '{name}' has no {what}")]
    NoSnapshot {
        /// The domain.
        name: String,
        /// What it has not.
        what: String,
    },
    /// A file is no saved domain.
    #[error("{}: {reason}", .path.display())]
    Image {
        /// The file.
        path: std::path::PathBuf,
        /// Why not.
        reason: String,
    },
    /// What is said of processors is wrong, or their models are not known.
    #[error(transparent)]
    Cpu(#[from] virtxen_formats::cpu_map::Error),
    /// The host's processors cannot run what a document describes.
    #[error("{0}")]
    CpuIncompatible(String),
    /// What only the driver keeps could not be written or read.
    #[error("{}: {reason}", .path.display())]
    Store {
        /// The file.
        path: std::path::PathBuf,
        /// Why not.
        reason: String,
    },
    /// The task of a call ended without a result.
    #[error("the task of {operation} ended without a result")]
    Task {
        /// What was tried.
        operation: &'static str,
    },
}

/// An error in libvirt's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LibvirtError {
    /// `VIR_ERR_…`.
    pub code: i32,
    /// `VIR_FROM_…`.
    pub domain: i32,
    /// What libvirt's clients see before the cause.
    pub prefix: &'static str,
}

impl Error {
    /// Code, domain and prefix that a client of libvirt gets.
    #[must_use]
    pub fn libvirt(&self) -> LibvirtError {
        if let Self::Daemon { code, domain, .. } = *self {
            let prefix = "";
            return LibvirtError {
                code,
                domain,
                prefix,
            };
        }
        self.kind().row()
    }

    /// The whole message that a client of libvirt gets.
    #[must_use]
    pub fn libvirt_message(&self) -> String {
        match self {
            Self::Daemon { message, .. } => message.clone(),
            _ => match self.libvirt().prefix {
                "" => self.to_string(),
                prefix => format!("{prefix}: {self}"),
            },
        }
    }

    /// Whether somebody did not answer in time.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(
            self,
            Self::Timeout { .. }
                | Self::Host(virtxen_host::Error::Timeout { .. })
                | Self::Daemon { code: 68, .. }
        )
    }

    fn kind(&self) -> Kind {
        use virtxen_host::Error as Host;
        match self {
            Self::NoDomain(_) | Self::Host(Host::NoDomain { .. }) => Kind::NoDomain,
            Self::Exists { .. } => Kind::Exists,
            Self::Image { .. } | Self::Host(Host::Refused { .. }) => Kind::OperationFailed,
            Self::State {
                state: State::Shutoff,
                ..
            } => Kind::Inactive,
            Self::Host(Host::State { needed, .. }) if ["active", "running"].contains(needed) => {
                Kind::Inactive
            }
            Self::State { .. }
            | Self::Invalid { .. }
            | Self::Host(Host::State { .. } | Host::PciDeviceInUse { .. }) => {
                Kind::OperationInvalid
            }
            Self::NoNodeDevice { .. } | Self::Host(Host::NoPciDevice { .. }) => Kind::NoNodeDevice,
            Self::Argument(_) => Kind::InvalidArgument,
            Self::Busy { .. } | Self::Timeout { .. } | Self::Host(Host::Timeout { .. }) => {
                Kind::OperationTimeout
            }
            Self::Cancelled { .. } => Kind::OperationAborted,
            Self::Denied { .. } => Kind::AccessDenied,
            Self::ReadOnly { .. } => Kind::OperationDenied,
            Self::Unsupported { .. }
            | Self::Host(Host::Unsupported { .. } | Host::NoDrivers { .. }) => {
                Kind::OperationUnsupported
            }
            Self::Xml(problems) => of_document(problems),
            Self::Schema(_) => Kind::Schema,
            Self::Arch { .. } => Kind::Arch,
            Self::Lost(_) | Self::Config(_) | Self::Host(Host::Guest { .. }) => {
                Kind::ConfigUnsupported
            }
            Self::GuestType(_) => Kind::OsType,
            Self::NoDevice { .. } => Kind::DeviceMissing,
            Self::NoMetadata { .. } => Kind::MetadataMissing,
            Self::NoSnapshot { .. } => Kind::NoSnapshot,
            Self::Host(Host::Channel { .. }) => Kind::PostFailed,
            Self::Store { .. } => Kind::SystemError,
            Self::Cpu(error) => of_cpu(error),
            Self::CpuIncompatible(_) => Kind::CpuIncompatible,
            Self::Host(_) | Self::Daemon { .. } | Self::Task { .. } => Kind::InternalError,
        }
    }
}

/// What is wrong with a document first of all, to libvirt: whether it is one, whether it
/// names its guest.
fn of_document(problems: &Problems) -> Kind {
    let is = |of: fn(&ProblemKind) -> bool| problems.problems.iter().any(|it| of(&it.kind));
    if is(|kind| matches!(kind, ProblemKind::Syntax(_))) {
        return Kind::Syntax;
    }
    let is_nameless = |kind: &ProblemKind| match kind {
        ProblemKind::Missing { element, what } => element == "domain" && *what == "<name>",
        ProblemKind::Rule(broken) => broken.rule == Rule::NameEmpty,
        _ => false,
    };
    match is(is_nameless) {
        true => Kind::NoName,
        false => Kind::XmlError,
    }
}

/// What is wrong with a processor, to libvirt.
fn of_cpu(error: &virtxen_formats::cpu_map::Error) -> Kind {
    use virtxen_formats::cpu_map::Error as Cpu;
    match error {
        Cpu::Document(_) => Kind::CpuDocument,
        Cpu::NoModel(_) | Cpu::Unknown { kind: "vendor", .. } => Kind::CpuFailed,
        _ => Kind::CpuInternal,
    }
}

/// The errors of libvirt that we use.
#[derive(Clone, Copy)]
enum Kind {
    Arch,
    CpuDocument,
    CpuFailed,
    CpuIncompatible,
    CpuInternal,
    Exists,
    Inactive,
    NoName,
    Schema,
    Syntax,
    SystemError,
    InternalError,
    InvalidArgument,
    OperationFailed,
    PostFailed,
    OsType,
    XmlError,
    OperationDenied,
    NoDomain,
    OperationInvalid,
    NoNodeDevice,
    NoSnapshot,
    ConfigUnsupported,
    OperationTimeout,
    OperationAborted,
    OperationUnsupported,
    AccessDenied,
    DeviceMissing,
    MetadataMissing,
}

/// `VIR_FROM_LIBXL`: what clients know as libvirt's driver for Xen, whatever toolstack.
const XEN: i32 = 41;
/// `VIR_FROM_XML`, whether a text is a document.
const XML: i32 = 5;
/// `VIR_FROM_CPU`, models of processors.
const CPU: i32 = 31;
/// `VIR_FROM_CAPABILITIES`, what the host can run.
const CAPABILITIES: i32 = 44;
/// `VIR_FROM_XEND`, the channel.
const XEND: i32 = 2;
/// `VIR_FROM_DOMAIN`, domain documents.
const DOMAIN: i32 = 20;
/// `VIR_FROM_NODEDEV`, devices of the host.
const NODEDEV: i32 = 22;
/// `VIR_FROM_ACCESS`, access checks.
const ACCESS: i32 = 55;

impl Kind {
    /// The table: libvirt's code, its domain, its prefix.
    fn row(self) -> LibvirtError {
        let (code, domain, prefix) = match self {
            Self::InternalError => (1, XEN, "internal error"),
            Self::InvalidArgument => (8, XEN, "invalid argument"),
            Self::OperationFailed => (9, XEN, "operation failed"),
            Self::PostFailed => (11, XEND, "the request to the host failed"),
            Self::OsType => (16, DOMAIN, "unknown OS type"),
            Self::XmlError => (27, DOMAIN, "XML error"),
            Self::OperationDenied => (29, XEN, "operation denied"),
            Self::NoDomain => (42, XEN, "Domain not found"),
            Self::OperationInvalid => (55, XEN, "Requested operation is not valid"),
            Self::NoNodeDevice => (53, NODEDEV, "Node device not found"),
            Self::NoSnapshot => (72, XEN, "Domain snapshot not found"),
            Self::ConfigUnsupported => (67, DOMAIN, "unsupported configuration"),
            Self::OperationTimeout => (68, XEN, "Timed out during operation"),
            Self::OperationAborted => (78, XEN, "operation aborted"),
            Self::MetadataMissing => (80, DOMAIN, "metadata not found"),
            Self::CpuInternal => (1, CPU, "internal error"),
            Self::CpuFailed => (9, CPU, "operation failed"),
            Self::CpuDocument => (27, CPU, "XML error"),
            Self::CpuIncompatible => (91, CPU, "the CPU is incompatible with host CPU"),
            Self::Arch => (8, CAPABILITIES, "invalid argument"),
            Self::Exists => (9, DOMAIN, "operation failed"),
            Self::Inactive => (55, DOMAIN, "Requested operation is not valid"),
            Self::NoName => (21, DOMAIN, "missing name information"),
            Self::Schema => (92, XML, "XML document failed to validate against schema"),
            Self::Syntax => (35, DOMAIN, "XML error"),
            Self::SystemError => (38, XEN, ""),
            Self::OperationUnsupported => (84, XEN, "Operation not supported"),
            Self::AccessDenied => (88, ACCESS, "access denied"),
            Self::DeviceMissing => (99, DOMAIN, "device not found"),
        };
        LibvirtError {
            code,
            domain,
            prefix,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes that clients test for (Qubes, virt-manager, virsh).
    #[test]
    fn errors_have_libvirts_codes() {
        let cases = [
            (
                Error::NoDomain(DomainKey::Name("x".into())),
                42,
                "Domain not found: no domain with matching name 'x'",
            ),
            (
                Error::Busy {
                    name: "x".into(),
                    operation: "shutdown",
                    since: Duration::from_secs(12),
                },
                68,
                "Timed out during operation: domain 'x' is busy: shutdown since 12 s",
            ),
            (
                Error::State {
                    name: "x".into(),
                    operation: "start",
                    state: State::Running,
                    needed: "shut off",
                },
                55,
                "Requested operation is not valid: domain 'x' is running, start needs it shut off",
            ),
            (
                Error::Host(virtxen_host::Error::NoDomain { name: "x".into() }),
                42,
                "Domain not found: no domain named 'x'",
            ),
        ];
        for (error, code, message) in cases {
            assert_eq!(error.libvirt().code, code, "{error}");
            assert_eq!(error.libvirt_message(), message);
        }
    }
}
