//! Calls that move a domain to another host: libvirt's protocol of migration in its
//! third version, with and without typed parameters, and in its first.
//!
//! A client makes them on two daemons, or only `perform` on the source's, which is then
//! itself the client of the other one. What each call does is the driver's.

use super::{Caller, wire};
use crate::error::Result;
use crate::streams::Joined;
use crate::tunnel::Tunnel;
use std::sync::Arc;
use virtxen_driver::{Arrival, Journey, MigrateFlags, Monitor};
use virtxen_rpc::calls::migrate_flags::{
    LIVE, PAUSED, PEER2PEER, PERSIST_DEST, TUNNELLED, UNDEFINE_SOURCE, UNSAFE,
};
use virtxen_rpc::calls::{
    Begin3, Begin3Params, Begun, Confirm3, Confirm3Params, Cookie, Finish, Finish3, Finish3Params,
    Finished, MigrateParams, Perform, Perform3, Perform3Params, Prepare, Prepare3, Prepare3Params,
    PrepareTunnel3, Prepared,
};
use virtxen_rpc::xdr::Opaque;
use virtxen_rpc::{Domain, RemoteError, TypedValue, code, origin};

/// Flags that say how, where the source and the destination have to agree.
const KNOWN: u32 = LIVE | PEER2PEER | TUNNELLED | PERSIST_DEST | UNDEFINE_SOURCE | UNSAFE;

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
    [streams]
    DomainMigratePrepareTunnel3 => prepare_tunnel3;
    DomainMigratePrepareTunnel3Params => prepare_tunnel;
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

    fn arrival(&self, flags: u32) -> Arrival {
        Arrival {
            name: self.name.clone(),
            persistent: flags & PERSIST_DEST != 0,
            persistent_xml: self.persistent_xml.clone(),
        }
    }
}

async fn begin(caller: Arc<Caller>, arguments: Begin3Params) -> Result<Begun> {
    let said = Said::of(arguments.params)?;
    leave(&caller, &arguments.dom, &said, arguments.flags).await
}

async fn begin3(caller: Arc<Caller>, arguments: Begin3) -> Result<Begun> {
    let said = Said {
        xml: arguments.xmlin,
        name: arguments.dname,
        bandwidth: arguments.resource,
        ..Said::default()
    };
    leave(&caller, &arguments.dom, &said, flags_of(arguments.flags)).await
}

async fn leave(caller: &Caller, dom: &Domain, said: &Said, flags: u32) -> Result<Begun> {
    only("virDomainMigrateBegin3Params", flags)?;
    as_it_is(said)?;
    unlimited(said.bandwidth)?;
    let departure = caller.driver.migrate_begin(&wire::key(dom)).await?;
    Ok(Begun {
        cookie_out: Opaque(departure.cookie.into_bytes()),
        xml: departure.xml,
    })
}

async fn prepare(caller: Arc<Caller>, arguments: Prepare3Params) -> Result<Prepared> {
    let said = Said::of(arguments.params)?;
    receive(&caller, said, &arguments.cookie_in, arguments.flags).await
}

async fn prepare3(caller: Arc<Caller>, arguments: Prepare3) -> Result<Prepared> {
    let said = Said {
        uri: arguments.uri_in,
        name: arguments.dname,
        xml: Some(arguments.dom_xml),
        ..Said::default()
    };
    let flags = flags_of(arguments.flags);
    receive(&caller, said, &arguments.cookie_in, flags).await
}

async fn receive(caller: &Caller, said: Said, cookie: &Cookie, flags: u32) -> Result<Prepared> {
    only("virDomainMigratePrepare3Params", flags)?;
    if flags & TUNNELLED != 0 {
        return Err(unsupported("a tunnel needs a call with a stream"));
    }
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

async fn prepare_tunnel(
    caller: Arc<Caller>,
    arguments: Prepare3Params,
) -> Result<(Cookie, Joined)> {
    let said = Said::of(arguments.params)?;
    receive_by_stream(&caller, said, &arguments.cookie_in, arguments.flags).await
}

async fn prepare_tunnel3(
    caller: Arc<Caller>,
    arguments: PrepareTunnel3,
) -> Result<(Cookie, Joined)> {
    let said = Said {
        name: arguments.dname,
        xml: Some(arguments.dom_xml),
        ..Said::default()
    };
    let flags = flags_of(arguments.flags);
    receive_by_stream(&caller, said, &arguments.cookie_in, flags).await
}

async fn receive_by_stream(
    caller: &Caller,
    said: Said,
    cookie: &Cookie,
    flags: u32,
) -> Result<(Cookie, Joined)> {
    only("virDomainMigratePrepareTunnel3Params", flags)?;
    let arrival = said.arrival(flags);
    let xml = said.xml.unwrap_or_default();
    let cookie = String::from_utf8_lossy(&cookie.0);
    let prepared = caller
        .driver
        .migrate_prepare_tunnel(&xml, &cookie, &arrival);
    let tunnel = Tunnel::new(prepared.await?);
    Ok((Cookie::default(), Joined::Tunnel(tunnel)))
}

async fn perform(caller: Arc<Caller>, arguments: Perform3Params) -> Result<Cookie> {
    let said = Said::of(arguments.params)?;
    send(
        &caller,
        &arguments.dom,
        arguments.dconnuri,
        said,
        arguments.flags,
    )
    .await
}

async fn perform3(caller: Arc<Caller>, arguments: Perform3) -> Result<Cookie> {
    let said = Said {
        uri: arguments.uri,
        name: arguments.dname,
        xml: arguments.xmlin,
        bandwidth: arguments.resource,
        ..Said::default()
    };
    let flags = flags_of(arguments.flags);
    send(&caller, &arguments.dom, arguments.dconnuri, said, flags).await
}

/// Sends a domain to where it is listened for, or does all of its migration with the
/// daemon that a client has named.
async fn send(
    caller: &Caller,
    dom: &Domain,
    daemon: Option<String>,
    said: Said,
    flags: u32,
) -> Result<Cookie> {
    only("virDomainMigratePerform3Params", flags)?;
    unlimited(said.bandwidth)?;
    let how = MigrateFlags {
        live: flags & LIVE != 0,
        undefine_source: flags & UNDEFINE_SOURCE != 0,
        persistent: flags & PERSIST_DEST != 0,
        tunnelled: flags & TUNNELLED != 0,
    };
    let (key, monitor) = (wire::key(dom), Monitor::default());
    let driver = &caller.driver;
    match (flags & PEER2PEER != 0, daemon, &said.uri) {
        (true, Some(daemon), _) => {
            as_it_is(&said)?;
            let journey = Journey {
                flags: how,
                arrival: said.arrival(flags),
                listen: said.uri,
            };
            driver
                .migrate_to_daemon(&key, &daemon, journey, &monitor)
                .await?;
        }
        (true, None, _) => {
            return Err(unsupported("--p2p needs the URI of the other daemon"));
        }
        (false, _, _) if how.tunnelled => {
            return Err(unsupported("--tunnelled needs --p2p"));
        }
        (false, None, Some(uri)) => {
            driver.migrate_directly(&key, uri, how, &monitor).await?;
        }
        (false, ..) => {
            return Err(unsupported(
                "the source needs the URI where the domain is listened for, and that of \
                 the other daemon only with --p2p",
            ));
        }
    }
    Ok(Cookie::default())
}

async fn finish(caller: Arc<Caller>, arguments: Finish3Params) -> Result<Finished> {
    let said = Said::of(arguments.params)?;
    let cancelled = arguments.cancelled != 0;
    come(&caller, said, arguments.flags, cancelled).await
}

async fn finish3(caller: Arc<Caller>, arguments: Finish3) -> Result<Finished> {
    let said = Said {
        name: Some(arguments.dname),
        ..Said::default()
    };
    let flags = flags_of(arguments.flags);
    come(&caller, said, flags, arguments.cancelled != 0).await
}

async fn come(caller: &Caller, said: Said, flags: u32, cancelled: bool) -> Result<Finished> {
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
    let flags = arguments.flags;
    leave_behind(&caller, &arguments.dom, flags, arguments.cancelled != 0).await
}

async fn confirm3(caller: Arc<Caller>, arguments: Confirm3) -> Result<()> {
    let (flags, cancelled) = (flags_of(arguments.flags), arguments.cancelled != 0);
    leave_behind(&caller, &arguments.dom, flags, cancelled).await
}

async fn leave_behind(caller: &Caller, dom: &Domain, flags: u32, cancelled: bool) -> Result<()> {
    only("virDomainMigrateConfirm3Params", flags)?;
    let undefine = flags & UNDEFINE_SOURCE != 0;
    Ok(caller
        .driver
        .migrate_confirm(&wire::key(dom), undefine, cancelled)
        .await?)
}

/// In the first version the destination does not learn what comes.
async fn prepare1(caller: Arc<Caller>, arguments: Prepare) -> Result<Prepared> {
    only("virDomainMigratePrepare", flags_of(arguments.flags))?;
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
    let said = Said {
        uri: Some(arguments.uri),
        ..Said::default()
    };
    // The destination defines it when its call to finish says so.
    let flags = flags_of(arguments.flags) & !PERSIST_DEST;
    let sent = send(&caller, &arguments.dom, None, said, flags).await;
    sent.map(|_| ())
}

async fn finish1(caller: Arc<Caller>, arguments: Finish) -> Result<Domain> {
    let said = Said {
        name: Some(arguments.dname),
        ..Said::default()
    };
    let finished = come(&caller, said, flags_of(arguments.flags), false).await?;
    Ok(finished.dom)
}

/// Refuses flags that nobody knows, and one that is not done.
fn only(function: &str, flags: u32) -> Result<()> {
    wire::only(function, flags, KNOWN | PAUSED)?;
    match flags & PAUSED {
        0 => Ok(()),
        _ => Err(unsupported(
            "a domain runs when it has come: suspend it afterwards",
        )),
    }
}

/// Flags of the calls that have room for more of them: what is beyond is unknown.
fn flags_of(flags: u64) -> u32 {
    u32::try_from(flags).unwrap_or(u32::MAX)
}

fn as_it_is(said: &Said) -> Result<()> {
    match said.xml {
        None => Ok(()),
        Some(_) => Err(unsupported(
            "a domain is sent as it is, without another document",
        )),
    }
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
