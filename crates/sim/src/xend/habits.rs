//! How the XenD of each release behaves as a server, whatever is asked.
//!
//! One table; the server asks it by meaning. What the operations do in each release
//! is in `operations` and in the release table.

use crate::release::Release;

/// A release's habits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    /// One connection is served at a time, from its first byte to its reply.
    pub(crate) serial: bool,
    /// A failed operation says 500; older releases leave 200 or 202.
    pub(crate) failure_is_500: bool,
    /// An empty text that a page returns is written as `''` after the page.
    pub(crate) empty_is_quotes: bool,
    /// What a domain that does not exist is told with.
    pub(crate) unknown_domain: UnknownDomain,
    /// The connection stays open for ever after most operations.
    pub(crate) forgets_to_close: bool,
    /// `device_destroy` is among those.
    pub(crate) forgets_after_detach: bool,
}

/// How a release tells that a domain does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnknownDomain {
    /// 404 `No such domain X`.
    NoSuchDomain,
    /// 404 `No domain named 'X'.`
    NoDomainNamed,
    /// 500 without a word.
    ServerError,
    /// 404 `<Fault 3: 'X'>`.
    Fault,
}

impl Habits {
    /// The habits of `release`.
    pub(crate) fn of(release: Release) -> Self {
        use UnknownDomain::{Fault, NoDomainNamed, NoSuchDomain, ServerError};
        //                        serial failed quotes unknown        open   detach
        let row = match release {
            Release::V3_0_1 => (true, false, false, NoSuchDomain, false, false),
            Release::V3_0_3 => (true, true, false, NoSuchDomain, false, false),
            Release::V3_0_4 => (false, true, false, NoDomainNamed, true, false),
            Release::V3_1 => (false, true, false, ServerError, true, false),
            Release::V3_2 | Release::V3_3 => (false, true, false, ServerError, true, true),
            Release::V3_4 | Release::V4_0 => (false, true, false, Fault, true, true),
            Release::V4_1 | Release::V4_2 | Release::V4_4 => (false, true, true, Fault, true, true),
        };
        Self {
            serial: row.0,
            failure_is_500: row.1,
            empty_is_quotes: row.2,
            unknown_domain: row.3,
            forgets_to_close: row.4,
            forgets_after_detach: row.5,
        }
    }
}
