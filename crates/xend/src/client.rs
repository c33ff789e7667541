//! A client of one XenD: what it is, and how its operations are asked for.
//!
//! The operations themselves are in a file for each family. Clones share the
//! XenD; calls do not wait for each other, each has its own connection.

use crate::answer::{Asked, answer};
use crate::error::{Error, Result};
use crate::exchange::{Deadlines, Pace, exchange};
use crate::node::Node;
use crate::release::{Habits, Release};
use crate::reply::ReplyLimits;
use crate::request::Request;
use crate::transport::{Connector, Warning};
use std::sync::Arc;
use virtxen_formats::sxpr::{Limits, Sxpr, read_prefix};

/// A client of one XenD.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    connector: Box<dyn Connector>,
    deadlines: Deadlines,
    limits: ReplyLimits,
    node: Node,
    release: Release,
    habits: Habits,
}

impl Client {
    /// Reaches a XenD and asks what it is.
    ///
    /// # Errors
    /// When it is not reached or its node document cannot be read.
    pub async fn open(connector: impl Connector + 'static, deadlines: Deadlines) -> Result<Self> {
        Self::open_limited(connector, deadlines, ReplyLimits::default()).await
    }

    /// As [`Client::open`], with other bounds on what XenD may send.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn open_limited(
        connector: impl Connector + 'static,
        deadlines: Deadlines,
        limits: ReplyLimits,
    ) -> Result<Self> {
        let (connector, operation) = (Box::new(connector), "node");
        let request = Request::get(&["xend", "node", ""]);
        let reply = exchange(
            &*connector,
            operation,
            &request,
            Pace::Quick,
            &deadlines,
            limits,
        );
        let asked = Asked {
            operation,
            domain: false,
            unknown_is_internal_error: false,
        };
        let document = expression(operation, &answer(asked, reply.await?)?)?;
        let node = Node::read(&document)?;
        let release = node.xend_release();
        Ok(Self {
            inner: Arc::new(Inner {
                connector,
                deadlines,
                limits,
                node,
                release,
                habits: release.habits(),
            }),
        })
    }

    /// The node document as it was when the client was opened.
    #[must_use]
    pub fn first_node(&self) -> &Node {
        &self.inner.node
    }

    /// Which release of XenD it is.
    #[must_use]
    pub fn release(&self) -> Release {
        self.inner.release
    }

    /// What this release does its own way.
    #[must_use]
    pub fn habits(&self) -> &Habits {
        &self.inner.habits
    }

    /// Where the XenD is, for people.
    #[must_use]
    pub fn address(&self) -> String {
        self.inner.connector.address()
    }

    /// What to know about this way to the XenD.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        self.inner.connector.warnings()
    }

    /// Sends a request and returns the text of the answer.
    pub(crate) async fn text(
        &self,
        operation: &'static str,
        domain: bool,
        pace: Pace,
        request: Request,
    ) -> Result<String> {
        let inner = &*self.inner;
        let reply = exchange(
            &*inner.connector,
            operation,
            &request,
            pace,
            &inner.deadlines,
            inner.limits,
        );
        let asked = Asked {
            operation,
            domain,
            unknown_is_internal_error: inner.habits.unknown_is_internal_error,
        };
        answer(asked, reply.await?)
    }

    /// `GET` of something about a domain, as an expression.
    pub(crate) async fn ask(
        &self,
        operation: &'static str,
        name: &str,
        query: (&str, &str),
    ) -> Result<Sxpr> {
        let request = Request::get(&["xend", "domain", name]).query(query.0, query.1);
        let text = self.text(operation, true, Pace::Quick, request).await?;
        expression(operation, &text)
    }

    /// `POST` of an operation on a domain.
    pub(crate) async fn order(
        &self,
        operation: &'static str,
        name: &str,
        pace: Pace,
        op: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String> {
        let request = with_form(Request::post(&["xend", "domain", name]), op, parameters);
        self.text(operation, true, pace, request).await
    }

    /// `POST` of an operation that names no domain in its path.
    pub(crate) async fn order_host(
        &self,
        operation: &'static str,
        pace: Pace,
        op: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String> {
        let request = with_form(Request::post(&["xend", "domain"]), op, parameters);
        self.text(operation, false, pace, request).await
    }

    /// An error unless the release has the operation; nothing is sent then.
    pub(crate) fn supported(&self, yes: bool, operation: &'static str, why: &str) -> Result<()> {
        if yes {
            return Ok(());
        }
        Err(Error::Unsupported {
            operation,
            reason: format!("XenD of Xen {} {why}", self.inner.release),
        })
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("address", &self.address())
            .field("release", &self.inner.release)
            .finish_non_exhaustive()
    }
}

/// The first expression of an answer; what XenD 4.1 and later put after it is
/// ignored.
pub(crate) fn expression(operation: &'static str, text: &str) -> Result<Sxpr> {
    match read_prefix(text, Limits::default()) {
        Ok((tree, _)) => Ok(tree),
        Err(source) => Err(Error::Expression { operation, source }),
    }
}

fn with_form(request: Request, op: &str, parameters: &[(&str, &str)]) -> Request {
    let request = request.form("op", op);
    parameters
        .iter()
        .fold(request, |request, (name, value)| request.form(name, value))
}
