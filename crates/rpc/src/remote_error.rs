//! Errors as a client of libvirt sees them, and the numbers that it tests for.
//!
//! Which error of ours becomes which of these is the driver's to say.

use crate::Network;
use crate::objects::Domain;
use crate::xdr::record;

record! {
    /// The payload of a reply that failed (`virError`).
    RemoteError {
        /// What went wrong: see [`code`].
        code: i32,
        /// Who says so: see [`origin`].
        domain: i32,
        message: Option<String>,
        /// 2 for an error, 1 for a warning.
        level: i32,
        about: Option<Box<Domain>>,
        str1: Option<Box<str>>,
        str2: Option<Box<str>>,
        str3: Option<Box<str>>,
        int1: i32,
        int2: i32,
        net: Option<Box<Network>>,
    }
}

/// Bytes of a message that are sent; clients show them in a line or two.
const MESSAGE_MAX: usize = 64 << 10;

impl RemoteError {
    /// An error of `code` ([`code`]) from `origin` ([`origin`]). The further texts are
    /// a format and its argument, as libvirt's own are.
    pub fn new(code: i32, origin: i32, message: impl Into<String>) -> Self {
        let mut message = message.into().replace('\0', " ");
        if message.len() > MESSAGE_MAX {
            let end = (0..=MESSAGE_MAX)
                .rev()
                .find(|end| message.is_char_boundary(*end));
            message.truncate(end.unwrap_or(0));
        }
        Self {
            code,
            domain: origin,
            level: 2,
            str1: Some("%s".into()),
            str2: Some(message.as_str().into()),
            message: Some(message),
            int1: -1,
            int2: -1,
            ..Self::default()
        }
    }

    /// The message, or what there is instead.
    #[must_use]
    pub fn text(&self) -> &str {
        self.message.as_deref().unwrap_or("unknown error")
    }

    /// The other side sent what the protocol does not have.
    pub fn protocol(message: impl Into<String>) -> Self {
        Self::new(code::RPC, origin::RPC, message)
    }

    /// No such program.
    #[must_use]
    pub fn unknown_program(number: u32, version: u32) -> Self {
        Self::protocol(format!("Cannot find program {number} version {version}"))
    }

    /// No such procedure. Clients begin their fallbacks on the words.
    #[must_use]
    pub fn unknown_procedure(number: i32) -> Self {
        Self::protocol(format!("unknown procedure: {number}"))
    }

    /// The procedure is libvirt's, but not ours. Clients begin their fallbacks on
    /// the code.
    #[must_use]
    pub fn no_support(function: &str, origin: i32) -> Self {
        let message =
            format!("this function is not supported by the connection driver: {function}");
        Self::new(code::NO_SUPPORT, origin, message)
    }

    /// The connection is read-only.
    #[must_use]
    pub fn read_only(function: &str, origin: i32) -> Self {
        let message = format!("operation forbidden: read only access prevents {function}");
        Self::new(code::OPERATION_DENIED, origin, message)
    }
}

impl From<crate::Error> for RemoteError {
    fn from(error: crate::Error) -> Self {
        Self::protocol(error.to_string())
    }
}

/// Numbers with their names.
macro_rules! numbers {
    ($( $(#[$doc:meta])* $name:ident = $value:literal; )*) => {
        $( $(#[$doc])* pub const $name: i32 = $value; )*
    };
}

/// What can go wrong (`virErrorNumber`): the ones that we use or clients test for.
pub mod code {
    numbers! {
        /// Something that should not happen.
        INTERNAL_ERROR = 1;
        /// The driver does not have the function.
        NO_SUPPORT = 3;
        /// The hypervisor cannot be reached.
        NO_CONNECT = 5;
        /// There is no such connection.
        INVALID_CONN = 6;
        /// An argument is wrong.
        INVALID_ARG = 8;
        /// The operation was tried and failed.
        OPERATION_FAILED = 9;
        /// A document is not well-formed or has wrong contents.
        XML_ERROR = 27;
        /// The domain is there already.
        DOM_EXIST = 28;
        /// The connection is read-only.
        OPERATION_DENIED = 29;
        /// A system call failed.
        SYSTEM_ERROR = 38;
        /// The protocol was violated, or the other side is too old.
        RPC = 39;
        /// There is no such domain.
        NO_DOMAIN = 42;
        /// There is no such network.
        NO_NETWORK = 43;
        /// The client could not prove who it is.
        AUTH_FAILED = 45;
        /// There is no such storage pool.
        NO_STORAGE_POOL = 49;
        /// There is no such volume.
        NO_STORAGE_VOL = 50;
        /// There is no such device of the host.
        NO_NODE_DEVICE = 53;
        /// The operation does not fit the state.
        OPERATION_INVALID = 55;
        /// There is no such interface of the host.
        NO_INTERFACE = 57;
        /// There is no such filter.
        NO_NWFILTER = 62;
        /// There is no such secret.
        NO_SECRET = 66;
        /// The document asks for what cannot be had.
        CONFIG_UNSUPPORTED = 67;
        /// It took too long.
        OPERATION_TIMEOUT = 68;
        /// There is no such snapshot.
        NO_DOMAIN_SNAPSHOT = 72;
        /// The argument is right, but not supported.
        ARGUMENT_UNSUPPORTED = 74;
        /// The operation was ended by request.
        OPERATION_ABORTED = 78;
        /// The user did not want to prove who he is.
        AUTH_CANCELLED = 79;
        /// The domain has no such metadata.
        NO_DOMAIN_METADATA = 80;
        /// The operation is not supported.
        OPERATION_UNSUPPORTED = 84;
        /// The access check said no.
        ACCESS_DENIED = 88;
        /// The document does not follow the schema.
        XML_INVALID_SCHEMA = 92;
        /// There is nobody to ask who the user is.
        AUTH_UNAVAILABLE = 94;
        /// There is no such device of the domain.
        DEVICE_MISSING = 99;
        /// There is no such use of a filter.
        NO_NWFILTER_BINDING = 101;
        /// There is no such port of a network.
        NO_NETWORK_PORT = 107;
    }
}

/// Who says that something went wrong (`virErrorDomain`).
pub mod origin {
    numbers! {
        /// Nobody in particular.
        NONE = 0;
        /// The driver for Xen.
        XEN = 1;
        /// The channel to XenD.
        XEND = 2;
        /// The channel to XenStore.
        XENSTORE = 3;
        /// The reader of S-expressions.
        SEXPR = 4;
        /// A domain.
        DOM = 6;
        /// The protocol.
        RPC = 7;
        /// The client's side of the protocol.
        REMOTE = 13;
        /// The files of xm.
        XENXM = 15;
        /// Storage.
        STORAGE = 18;
        /// Networks.
        NETWORK = 19;
        /// Domains' documents, and calls about domains and hosts.
        DOMAIN = 20;
        /// Devices of the host.
        NODEDEV = 22;
        /// Interfaces of the host.
        INTERFACE = 26;
        /// Secrets.
        SECRET = 30;
        /// Filters of packets.
        NWFILTER = 33;
        /// Snapshots of domains.
        DOMAIN_SNAPSHOT = 35;
        /// Streams.
        STREAMS = 38;
        /// libvirt's driver for Xen.
        LIBXL = 41;
        /// Proofs of who one is.
        AUTH = 46;
        /// The access check.
        ACCESS = 55;
        /// polkit.
        POLKIT = 60;
        /// The files of xl.
        XENXL = 64;
        /// Checkpoints of domains.
        DOMAIN_CHECKPOINT = 69;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xdr::{from_bytes, to_bytes};

    #[test]
    fn an_error_is_written_as_clients_read_it() {
        let error = RemoteError::new(code::NO_DOMAIN, origin::XEN, "gone");
        let bytes = to_bytes(&error).unwrap();
        let expected = [
            &b"\0\0\0\x2a\0\0\0\x01"[..],
            b"\0\0\0\x01\0\0\0\x04gone",
            b"\0\0\0\x02\0\0\0\0",
            b"\0\0\0\x01\0\0\0\x02%s\0\0",
            b"\0\0\0\x01\0\0\0\x04gone",
            b"\0\0\0\0",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",
        ];
        assert_eq!(bytes, expected.concat());
        assert_eq!(from_bytes(&bytes), Ok(error));
    }

    #[test]
    fn messages_always_fit() {
        let error = RemoteError::protocol("\u{e4}\0".repeat(1 << 20));
        assert!(error.text().len() <= MESSAGE_MAX);
        assert!(to_bytes(&error).is_ok());
    }
}
