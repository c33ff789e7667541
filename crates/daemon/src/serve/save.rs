//! Calls that put a domain away into a file and take it out again.

use super::{Caller, wire};
use crate::error::Result;
use std::path::Path;
use std::sync::Arc;
use virtxen_driver::{DumpFlags, Monitor};
use virtxen_rpc::calls::{DumpArguments, RestoreFlags, SaveArguments, SaveFlags};
use virtxen_rpc::{RemoteError, code, origin};

super::rows! {
    DomainSave => save;
    DomainSaveFlags => save_flags;
    DomainRestore => restore;
    DomainRestoreFlags => restore_flags;
    DomainCoreDump => dump;
}

async fn save(caller: Arc<Caller>, arguments: SaveArguments) -> Result<()> {
    let key = wire::key(&arguments.dom);
    let monitor = Monitor::default();
    Ok(caller
        .driver
        .save(&key, Path::new(&arguments.to), &monitor)
        .await?)
}

async fn save_flags(caller: Arc<Caller>, arguments: SaveFlags) -> Result<()> {
    wire::only("virDomainSaveFlags", arguments.flags, 0)?;
    without_changes(arguments.dxml.as_deref())?;
    let (dom, to) = (arguments.dom, arguments.to);
    save(caller, SaveArguments { dom, to }).await
}

async fn restore(caller: Arc<Caller>, file: String) -> Result<()> {
    let monitor = Monitor::default();
    Ok(caller.driver.restore(Path::new(&file), &monitor).await?)
}

async fn restore_flags(caller: Arc<Caller>, arguments: RestoreFlags) -> Result<()> {
    wire::only("virDomainRestoreFlags", arguments.flags, 0)?;
    without_changes(arguments.dxml.as_deref())?;
    restore(caller, arguments.from).await
}

/// XenD's files have the configuration of the domain, which XenD alone reads.
fn without_changes(xml: Option<&str>) -> Result<()> {
    match xml {
        None => Ok(()),
        Some(_) => {
            let message = "Operation not supported: XenD saves and restores a domain as it is, \
                           without another document";
            Err(RemoteError::new(code::ARGUMENT_UNSUPPORTED, origin::XEN, message).into())
        }
    }
}

async fn dump(caller: Arc<Caller>, arguments: DumpArguments) -> Result<()> {
    const CRASH: u32 = 1;
    const LIVE: u32 = 2;
    const RESET: u32 = 8;
    wire::only("virDomainCoreDump", arguments.flags, CRASH | LIVE | RESET)?;
    let flags = DumpFlags {
        live: arguments.flags & LIVE != 0,
        crash: arguments.flags & CRASH != 0,
        reset: arguments.flags & RESET != 0,
    };
    let (key, to) = (wire::key(&arguments.dom), Path::new(&arguments.to));
    Ok(caller
        .driver
        .dump(&key, to, flags, &Monitor::default())
        .await?)
}
