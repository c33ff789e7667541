//! What an operation answers, before it becomes HTTP.
//!
//! Status lines, headers, the quotes after a page and HTML are the HTTP side's;
//! here is only which of XenD's ways of answering it was.

/// One of XenD's ways of answering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// 200: a page that was written while the function ran and that returned
    /// an empty text (`''` follows from 4.1 on): a domain, the answer to a GET.
    Page(String),
    /// 200: a page after which the function returned nothing: the domain list.
    List(String),
    /// 200: what the function returned is the body, already written as XenD
    /// writes it (`0`, `True`, `(vbd (dom 1 id 51728))`).
    Value(String),
    /// 201 `created` with a location: a new domain and its expression.
    Created {
        /// The domain's name, for the location.
        name: String,
        /// Its expression.
        body: String,
    },
    /// 201 `Created` with a location, nothing in the body: a restored domain.
    Restored {
        /// The domain's name, for the location.
        name: String,
    },
    /// 200 and no body.
    Empty,
    /// 202 and no body, `Location` one level up.
    Accepted,
    /// The function failed: `(xend.err words)`.
    Failed {
        /// The text of XenD's exception, not yet quoted.
        words: String,
        /// The status line was already set: 202 after an order that XenD
        /// accepts first (save, dump), 200 when it runs in a thread.
        status: Status,
    },
    /// No domain of that name.
    NoDomain {
        /// The name as the request gave it.
        name: String,
    },
    /// XenD failed while it wrote the page: 500 without a word.
    Broken,
    /// No such operation in this release.
    NotImplemented,
    /// XenD's thread dies: no reply, the connection stays open.
    Hang,
}

/// What the status line of a failure says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// What this release says of a failed operation (500, or 200 up to 3.0.2).
    Failure,
    /// 202 was set before the failure in a release whose failures say 200, or
    /// the operation runs in a thread of its own.
    Accepted,
    /// 200: a failure in a thread of its own, with no status set before.
    Okay,
}

impl Reply {
    /// A failure with the status of this release's failures.
    pub(crate) fn failed(words: impl Into<String>) -> Self {
        Self::Failed {
            words: words.into(),
            status: Status::Failure,
        }
    }
}
