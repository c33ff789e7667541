//! What each procedure does: a table from its number to the function that answers
//! it, in files by what they are about.
//!
//! Types, permissions and the read-only rule of a procedure are in `virtxen_rpc`;
//! what a call does to a domain is the driver's. Here one is made into the other.

mod absent;
mod auth;
mod connect;
mod console;
mod control;
mod description;
mod device;
mod job;
mod lifecycle;
mod lookup;
mod memory;
mod migrate;
mod node;
mod save;
mod snapshot;
mod stats;
mod vcpu;
mod wire;

pub(crate) use wire::event;

use crate::access::{Polkit, Rights};
use crate::auth::Login;
use crate::calls::{self, Client};
use crate::console::Consoles;
use crate::error::Result;
use crate::streams::Joined;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use virtxen_driver::{Domain, Driver, ListFilter};
use virtxen_rpc::procedure::Permission;
use virtxen_rpc::server::{ServerCall, Ticket};
use virtxen_rpc::{Arguments, Call, RemoteError, xdr};

/// What the calls of one client share.
pub(crate) struct Caller {
    /// The call path, with this client's rights.
    pub(crate) driver: Driver,
    /// Who the client is.
    pub(crate) login: Arc<Login>,
    /// Whether the socket is for those who only read.
    pub(crate) read_only: bool,
    /// Who is asked whether a client may log in.
    pub(crate) polkit: Arc<Polkit>,
    /// What the client may do.
    pub(crate) rights: Arc<Rights>,
    /// The client, for the log.
    pub(crate) client: Client,
    /// The URI that the client sees.
    pub(crate) uri: Arc<str>,
    /// Consoles that some client of the daemon has open.
    pub(crate) consoles: Arc<Consoles>,
}

impl Caller {
    /// The domains that the client may see.
    async fn list(&self, filter: &ListFilter) -> Result<Vec<Domain>> {
        let domains = self.driver.list(filter).await?;
        self.rights
            .filter(Permission::Getattr, domains, |domain| domain)
            .await
    }
}

/// A call that is being done: in the end the right to answer it, and the answer.
pub(crate) type Answer = Pin<Box<dyn Future<Output = (Ticket, Outcome)> + Send>>;

/// The reply, or the error.
pub(crate) type Outcome = std::result::Result<Reply, RemoteError>;

/// What a call came to.
pub(crate) enum Reply {
    /// The reply's bytes.
    Bytes(Vec<u8>),
    /// The reply's bytes, and a stream that is joined with something.
    Stream(Vec<u8>, Joined),
}

/// Does a call. What nobody here does is answered with libvirt's "not supported".
pub(crate) fn serve(caller: Arc<Caller>, call: ServerCall) -> Answer {
    match BY_NUMBER.get(&call.procedure().number) {
        Some(row) => (row.serve)(caller, call),
        None => Box::pin(async {
            let error = call.procedure().no_support();
            (call.into_ticket(), Err(error))
        }),
    }
}

/// A procedure and the function that answers it.
struct Row {
    number: i32,
    serve: fn(Arc<Caller>, ServerCall) -> Answer,
}

/// The table, for who has a number.
static BY_NUMBER: LazyLock<HashMap<i32, &Row>> = LazyLock::new(|| {
    let rows = TABLE.iter().copied().flatten();
    rows.map(|row| (row.number, row)).collect()
});

static TABLE: &[&[Row]] = &[
    absent::ROWS,
    auth::ROWS,
    connect::ROWS,
    console::ROWS,
    control::ROWS,
    description::ROWS,
    device::ROWS,
    job::ROWS,
    lifecycle::ROWS,
    lookup::ROWS,
    memory::ROWS,
    migrate::ROWS,
    node::ROWS,
    save::ROWS,
    snapshot::ROWS,
    stats::ROWS,
    vcpu::ROWS,
];

/// Rows of the table: libvirt's function without `vir`, and ours; behind `[streams]` those
/// that start a stream.
macro_rules! rows {
    ($($call:ident => $function:expr;)* $([streams] $($starts:ident => $starter:expr;)*)?) => {
        pub(super) const ROWS: &[super::Row] = &[
            $(super::Row {
                number: <virtxen_rpc::calls::$call as virtxen_rpc::Call>::PROCEDURE.number,
                serve: |caller, call| Box::pin(
                    super::answer::<virtxen_rpc::calls::$call, _>(caller, call, $function)
                ),
            },)*
            $($(super::Row {
                number: <virtxen_rpc::calls::$starts as virtxen_rpc::Call>::PROCEDURE.number,
                serve: |caller, call| Box::pin(
                    super::answer_with_stream::<virtxen_rpc::calls::$starts, _>(
                        caller, call, $starter,
                    )
                ),
            },)*)?
        ];
    };
}
use rows;

/// Reads the arguments, calls the function, writes the reply.
async fn answer<C, F>(
    caller: Arc<Caller>,
    call: ServerCall,
    function: impl FnOnce(Arc<Caller>, C::Arguments) -> F,
) -> (Ticket, Outcome)
where
    C: Call,
    F: Future<Output = Result<C::Reply>>,
{
    let answered = async {
        let arguments = permitted::<C>(&caller, &call).await?;
        let reply = function(Arc::clone(&caller), arguments).await?;
        let bytes = xdr::to_bytes(&reply)?;
        caller.rights.after::<C>(&bytes).await?;
        Ok(Reply::Bytes(bytes))
    };
    let reply = answered.await.map_err(crate::error::Error::into_remote);
    (call.into_ticket(), reply)
}

/// As [`answer`], for a call that starts a stream.
async fn answer_with_stream<C, F>(
    caller: Arc<Caller>,
    call: ServerCall,
    function: impl FnOnce(Arc<Caller>, C::Arguments) -> F,
) -> (Ticket, Outcome)
where
    C: Call,
    F: Future<Output = Result<(C::Reply, Joined)>>,
{
    let answered = async {
        let arguments = permitted::<C>(&caller, &call).await?;
        let (reply, joined) = function(Arc::clone(&caller), arguments).await?;
        Ok(Reply::Stream(xdr::to_bytes(&reply)?, joined))
    };
    let reply = answered.await.map_err(crate::error::Error::into_remote);
    (call.into_ticket(), reply)
}

/// The arguments of a call that the client may make with them.
async fn permitted<C: Call>(caller: &Caller, call: &ServerCall) -> Result<C::Arguments> {
    let arguments = call.arguments::<C>()?;
    if let Some(domain) = arguments.domain() {
        calls::is_about(domain);
    }
    let rights = &caller.rights;
    rights
        .before::<C>(&caller.driver, call.payload(), &arguments)
        .await?;
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_procedure_is_answered_in_one_place() {
        let mut numbers: Vec<i32> = TABLE
            .iter()
            .copied()
            .flatten()
            .map(|row| row.number)
            .collect();
        let count = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), count);
    }
}
