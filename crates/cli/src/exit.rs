//! Exit statuses of virtxen, for scripts. One table: `--help`, the man page and
//! the documentation print it, the program ends with it.

/// How virtxen ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All went well.
    #[default]
    Ok = 0,
    /// The host or the guest said no, or a file is wrong.
    Failed = 1,
    /// virtxen was called in a way it does not know.
    Usage = 2,
    /// No Xen host could be reached.
    NoHost = 3,
    /// The domain or device is not there.
    NotFound = 4,
    /// The answer or the event did not come in time.
    Timeout = 5,
    /// This host or this Xen release cannot do it.
    Unsupported = 6,
    /// Ended with Ctrl-C.
    Interrupted = 130,
}

/// Every status with what it means.
pub(crate) const TABLE: &[(Exit, &str)] = &[
    (Exit::Ok, "all went well"),
    (
        Exit::Failed,
        "the host or the guest said no, or a document is wrong",
    ),
    (Exit::Usage, "virtxen was called in a way it does not know"),
    (Exit::NoHost, "no Xen host could be reached"),
    (Exit::NotFound, "the domain or the device is not there"),
    (
        Exit::Timeout,
        "the answer or the event did not come in time",
    ),
    (
        Exit::Unsupported,
        "this host or this Xen release cannot do it",
    ),
    (Exit::Interrupted, "ended with Ctrl-C"),
];

impl Exit {
    /// The number.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }
}
