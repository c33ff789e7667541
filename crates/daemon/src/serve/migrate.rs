//! Calls that move a domain to another host: libvirt's protocol of migration in its
//! third version, with and without typed parameters, and in its first.
//!
//! Two XenDs move the domain; what each call does is the driver's.

use super::{Caller, wire};
use crate::error::Result;
use std::sync::Arc;
use virtxen_driver::{Arrival, MigrateFlags, Monitor};
use virtxen_rpc::calls::{
    Begin3, Begin3Params, Begun, Confirm3, Confirm3Params, Cookie, Finish, Finish3, Finish3Params,
    Finished, MigrateParams, Perform, Perform3, Perform3Params, Prepare, Prepare3, Prepare3Params,
    Prepared,
};
use virtxen_rpc::xdr::Opaque;
use virtxen_rpc::{Domain, RemoteError, TypedValue, code, origin};

/// `VIR_MIGRATE_…`.
const LIVE: u64 = 1;
const PEER2PEER: u64 = 2;
const TUNNELLED: u64 = 4;
const PERSIST: u64 = 8;
const UNDEFINE_SOURCE: u64 = 16;
const PAUSED: u64 = 32;
/// Nothing is checked that this would leave out.
const UNSAFE: u64 = 512;
const KNOWN: u64 = LIVE | PERSIST | UNDEFINE_SOURCE | UNSAFE;

/// Why XenD cannot do what a flag asks for.
const NOT_DONE: [(u64, &str); 3] = [
    (
        PEER2PEER,
        "the daemons do not speak to each other: leave --p2p out",
    ),
    (
        TUNNELLED,
        "the hosts send the memory themselves: leave --tunnelled out",
    ),
    (
        PAUSED,
        "a domain runs when it has come: suspend it afterwards",
    ),
];

super::rows! {
    DomainMigrateBegin3 => begin3;
    DomainMigratePrepare3 => prepare3;
    DomainMigratePerform3 => perform3;
    DomainMigrateFinish3 => finish3;
    DomainMigrateConfirm3 => confirm3;
    DomainMigrateBegin3Params => begin;
    DomainMigratePrepare3Params => prepare;
    DomainMigratePerform3Params => perform;
    DomainMigrateFinish3Params => finish;
    DomainMigrateConfirm3Params => confirm;
    DomainMigratePrepare => prepare1;
    DomainMigratePerform => perform1;
    DomainMigrateFinish => finish1;
}

/// What may be said of a migration, by parameters or by arguments.
#[derive(Default)]
struct Said {
    uri: Option<String>,
    name: Option<String>,
    xml: Option<String>,
    persistent_xml: Option<String>,
    bandwidth: u64,
}

impl Said {
    fn of(params: MigrateParams) -> Result<Self> {
        let mut said = Self::default();
        for param in params.0 {
            match (param.field.as_str(), param.value) {
                ("migrate_uri", TypedValue::String(text)) => said.uri = Some(text),
                ("destination_name", TypedValue::String(text)) => said.name = Some(text),
                ("destination_xml", TypedValue::String(text)) => said.xml = Some(text),
                ("persistent_xml", TypedValue::String(text)) => said.persistent_xml = Some(text),
                ("bandwidth", TypedValue::ULLong(limit)) => said.bandwidth = limit,
                (field, _) => {
                    let message = format!("invalid argument: parameter '{field}' not supported");
                    return Err(RemoteError::new(code::INVALID_ARG, origin::DOMAIN, message).into());
                }
            }
        }
        Ok(said)
    }

    fn arrival(&self, flags: u64) -> Arrival {
        Arrival {
            name: self.name.clone(),
            persistent: flags & PERSIST != 0,
            persistent_xml: self.persistent_xml.clone(),
        }
    }
}

async fn begin(caller: Arc<Caller>, arguments: Begin3Params) -> Result<Begun> {
    let said = Said::of(arguments.params)?;
    leave(&caller, &arguments.dom, &said, arguments.flags.into()).await
}

async fn begin3(caller: Arc<Caller>, arguments: Begin3) -> Result<Begun> {
    let said = Said {
        xml: arguments.xmlin,
        name: arguments.dname,
        bandwidth: arguments.resource,
        ..Said::default()
    };
    leave(&caller, &arguments.dom, &said, arguments.flags).await
}

async fn leave(caller: &Caller, dom: &Domain, said: &Said, flags: u64) -> Result<Begun> {
    only("virDomainMigrateBegin3Params", flags)?;
    if said.xml.is_some() {
        return Err(unsupported(
            "a domain is sent as it is, without another document",
        ));
    }
    unlimited(said.bandwidth)?;
    let departure = caller.driver.migrate_begin(&wire::key(dom)).await?;
    Ok(Begun {
        cookie_out: Opaque(departure.cookie.into_bytes()),
        xml: departure.xml,
    })
}

async fn prepare(caller: Arc<Caller>, arguments: Prepare3Params) -> Result<Prepared> {
    let said = Said::of(arguments.params)?;
    receive(&caller, said, &arguments.cookie_in, arguments.flags.into()).await
}

async fn prepare3(caller: Arc<Caller>, arguments: Prepare3) -> Result<Prepared> {
    let said = Said {
        uri: arguments.uri_in,
        name: arguments.dname,
        xml: Some(arguments.dom_xml),
        ..Said::default()
    };
    receive(&caller, said, &arguments.cookie_in, arguments.flags).await
}

async fn receive(caller: &Caller, said: Said, cookie: &Cookie, flags: u64) -> Result<Prepared> {
    only("virDomainMigratePrepare3Params", flags)?;
    let arrival = said.arrival(flags);
    let xml = said.xml.unwrap_or_default();
    let cookie = String::from_utf8_lossy(&cookie.0);
    let uri = said.uri.as_deref();
    let prepared = caller.driver.migrate_prepare(&xml, &cookie, uri, &arrival);
    Ok(Prepared {
        cookie_out: Cookie::default(),
        uri_out: Some(prepared.await?),
    })
}

async fn perform(caller: Arc<Caller>, arguments: Perform3Params) -> Result<Cookie> {
    let said = Said::of(arguments.params)?;
    let to = [arguments.dconnuri, said.uri];
    send(&caller, &arguments.dom, to, arguments.flags.into()).await
}

async fn perform3(caller: Arc<Caller>, arguments: Perform3) -> Result<Cookie> {
    unlimited(arguments.resource)?;
    let to = [arguments.dconnuri, arguments.uri];
    send(&caller, &arguments.dom, to, arguments.flags).await
}

/// Sends a domain to the XenD of a URI, the second of `to`; the first would be that of
/// a daemon.
async fn send(
    caller: &Caller,
    dom: &Domain,
    to: [Option<String>; 2],
    flags: u64,
) -> Result<Cookie> {
    only("virDomainMigratePerform3Params", flags)?;
    let [None, Some(uri)] = to else {
        return Err(unsupported(
            "the source needs the URI of the other XenD and not that of its daemon",
        ));
    };
    let migration = MigrateFlags {
        live: flags & LIVE != 0,
        undefine_source: flags & UNDEFINE_SOURCE != 0,
    };
    let (key, monitor) = (wire::key(dom), Monitor::default());
    let moved = caller.driver.migrate(&key, &uri, migration, &monitor);
    moved.await?;
    Ok(Cookie::default())
}

async fn finish(caller: Arc<Caller>, arguments: Finish3Params) -> Result<Finished> {
    let said = Said::of(arguments.params)?;
    let cancelled = arguments.cancelled != 0;
    come(&caller, said, arguments.flags.into(), cancelled).await
}

async fn finish3(caller: Arc<Caller>, arguments: Finish3) -> Result<Finished> {
    let said = Said {
        name: Some(arguments.dname),
        ..Said::default()
    };
    come(&caller, said, arguments.flags, arguments.cancelled != 0).await
}

async fn come(caller: &Caller, said: Said, flags: u64, cancelled: bool) -> Result<Finished> {
    only("virDomainMigrateFinish3Params", flags)?;
    let arrival = said.arrival(flags);
    let name = said.name.unwrap_or_default();
    let domain = caller
        .driver
        .migrate_finish(&name, &arrival, cancelled)
        .await?;
    Ok(Finished {
        dom: wire::domain(&domain),
        cookie_out: Cookie::default(),
    })
}

async fn confirm(caller: Arc<Caller>, arguments: Confirm3Params) -> Result<()> {
    let flags = arguments.flags.into();
    leave_behind(&caller, &arguments.dom, flags, arguments.cancelled != 0).await
}

async fn confirm3(caller: Arc<Caller>, arguments: Confirm3) -> Result<()> {
    let (flags, cancelled) = (arguments.flags, arguments.cancelled != 0);
    leave_behind(&caller, &arguments.dom, flags, cancelled).await
}

async fn leave_behind(caller: &Caller, dom: &Domain, flags: u64, cancelled: bool) -> Result<()> {
    only("virDomainMigrateConfirm3Params", flags)?;
    let undefine = flags & UNDEFINE_SOURCE != 0;
    Ok(caller
        .driver
        .migrate_confirm(&wire::key(dom), undefine, cancelled)
        .await?)
}

/// In the first version the destination does not learn what comes.
async fn prepare1(caller: Arc<Caller>, arguments: Prepare) -> Result<Prepared> {
    only("virDomainMigratePrepare", arguments.flags)?;
    unlimited(arguments.resource)?;
    not_renamed(arguments.dname.as_deref())?;
    let uri = caller
        .driver
        .relocation(arguments.uri_in.as_deref())
        .await?;
    Ok(Prepared {
        cookie_out: Cookie::default(),
        uri_out: Some(uri),
    })
}

async fn perform1(caller: Arc<Caller>, arguments: Perform) -> Result<()> {
    unlimited(arguments.resource)?;
    not_renamed(arguments.dname.as_deref())?;
    let to = [None, Some(arguments.uri)];
    let sent = send(&caller, &arguments.dom, to, arguments.flags).await;
    sent.map(|_| ())
}

async fn finish1(caller: Arc<Caller>, arguments: Finish) -> Result<Domain> {
    let said = Said {
        name: Some(arguments.dname),
        ..Said::default()
    };
    let finished = come(&caller, said, arguments.flags, false).await?;
    Ok(finished.dom)
}

/// Refuses flags that nobody knows, and those that XenD cannot do.
fn only(function: &str, flags: u64) -> Result<()> {
    let not_done = NOT_DONE.iter().find(|(flag, _)| flags & flag != 0);
    if let Some((_, reason)) = not_done {
        return Err(unsupported(reason));
    }
    let unknown = flags & !KNOWN;
    wire::only(function, u32::try_from(unknown).unwrap_or(u32::MAX), 0)
}

fn unlimited(bandwidth: u64) -> Result<()> {
    match bandwidth {
        0 => Ok(()),
        _ => Err(unsupported(
            "the memory is sent as fast as it can be: leave --bandwidth out",
        )),
    }
}

fn not_renamed(name: Option<&str>) -> Result<()> {
    match name {
        None => Ok(()),
        Some(_) => Err(unsupported(
            "a domain gets another name in the third version of the protocol only",
        )),
    }
}

fn unsupported(reason: &str) -> crate::error::Error {
    let message = format!("argument unsupported: migrate: {reason}");
    RemoteError::new(code::ARGUMENT_UNSUPPORTED, origin::LIBXL, message).into()
}
