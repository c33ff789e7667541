//! Calls that make, start, stop and remove domains.

use super::{Caller, lookup, wire};
use crate::error::Result;
use std::sync::Arc;
use virtxen_driver::{Accepted, CreateFlags, DefineFlags, ShutdownMode, UndefineFlags};
use virtxen_rpc::calls::{AutostartArguments, DomainFlags, RenameArguments, XmlFlags};
use virtxen_rpc::{Domain, RemoteError, code, origin};

/// `VIR_DOMAIN_START_PAUSED`.
const PAUSED: u32 = 1;
/// `VIR_DOMAIN_START_FORCE_BOOT`.
const FORCE_BOOT: u32 = 1 << 3;
/// `VIR_DOMAIN_UNDEFINE_MANAGED_SAVE`.
const MANAGED_SAVE: u32 = 1;
/// `VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA`.
const SNAPSHOTS: u32 = 1 << 1;
/// `VIR_DOMAIN_START_VALIDATE`.
const START_VALIDATE: u32 = 1 << 4;
/// `VIR_DOMAIN_DEFINE_VALIDATE`.
const DEFINE_VALIDATE: u32 = 1;

super::rows! {
    DomainCreate => async |caller, dom| Ok(caller.driver.start(&wire::key(&dom), false).await?);
    DomainCreateWithFlags => start;
    DomainCreateXML => create;
    DomainDefineXML => async |caller, xml| define(&caller, &xml, 0).await;
    DomainDefineXMLFlags => async |caller: Arc<Caller>, arguments: XmlFlags| {
        define(&caller, &arguments.xml, arguments.flags).await
    };
    DomainUndefine => async |caller, dom| Ok(caller.driver.undefine(&wire::key(&dom)).await?);
    DomainUndefineFlags => undefine;
    DomainSuspend => async |caller, dom| Ok(caller.driver.suspend(&wire::key(&dom)).await?);
    DomainResume => async |caller, dom| Ok(caller.driver.resume(&wire::key(&dom)).await?);
    DomainShutdown => async |caller, dom| {
        Ok(caller.driver.shutdown(&wire::key(&dom), ShutdownMode::Any).await?)
    };
    DomainShutdownFlags => shutdown;
    DomainReboot => reboot;
    DomainDestroy => async |caller, dom| Ok(caller.driver.destroy(&wire::key(&dom)).await?);
    DomainDestroyFlags => destroy;
    DomainGetAutostart => async |caller, dom| {
        Ok(i32::from(caller.driver.autostart(&wire::key(&dom)).await?))
    };
    DomainSetAutostart => set_autostart;
    DomainRename => rename;
}

async fn start(caller: Arc<Caller>, arguments: DomainFlags) -> Result<Domain> {
    let flags = arguments.flags;
    wire::only("virDomainCreateWithFlags", flags, PAUSED | FORCE_BOOT)?;
    let (key, paused) = (wire::key(&arguments.dom), flags & PAUSED != 0);
    match flags & FORCE_BOOT {
        0 => caller.driver.start(&key, paused).await?,
        _ => caller.driver.start_anew(&key, paused).await?,
    }
    Ok(wire::domain(&lookup::look(&caller, &arguments.dom).await?))
}

async fn create(caller: Arc<Caller>, arguments: XmlFlags) -> Result<Domain> {
    wire::only(
        "virDomainCreateXML",
        arguments.flags,
        PAUSED | START_VALIDATE,
    )?;
    let flags = CreateFlags {
        paused: arguments.flags & PAUSED != 0,
        strict: arguments.flags & START_VALIDATE != 0,
    };
    let accepted = caller.driver.create_xml(&arguments.xml, flags).await?;
    Ok(accept(&accepted))
}

async fn define(caller: &Caller, xml: &str, flags: u32) -> Result<Domain> {
    wire::only("virDomainDefineXMLFlags", flags, DEFINE_VALIDATE)?;
    let strict = flags & DEFINE_VALIDATE != 0;
    let accepted = caller
        .driver
        .define_xml(xml, DefineFlags { strict })
        .await?;
    Ok(accept(&accepted))
}

/// The domain that came of a document.
fn accept(accepted: &Accepted) -> Domain {
    wire::tell(
        &format!("domain '{}'", accepted.domain.name),
        &accepted.warnings,
    );
    wire::domain(&accepted.domain)
}

async fn undefine(caller: Arc<Caller>, arguments: DomainFlags) -> Result<()> {
    // Firmware variables and checkpoints may be removed or kept along with it: there are
    // none.
    wire::only("virDomainUndefineFlags", arguments.flags, 0x7f)?;
    let key = wire::key(&arguments.dom);
    let flags = UndefineFlags {
        managed_save: arguments.flags & MANAGED_SAVE != 0,
        snapshots: arguments.flags & SNAPSHOTS != 0,
    };
    Ok(caller.driver.undefine_with(&key, flags).await?)
}

async fn shutdown(caller: Arc<Caller>, arguments: DomainFlags) -> Result<()> {
    let mode = mode("virDomainShutdownFlags", arguments.flags)?;
    let key = wire::key(&arguments.dom);
    Ok(caller.driver.shutdown(&key, mode).await?)
}

async fn reboot(caller: Arc<Caller>, arguments: DomainFlags) -> Result<()> {
    let mode = mode("virDomainReboot", arguments.flags)?;
    let key = wire::key(&arguments.dom);
    Ok(caller.driver.reboot(&key, mode).await?)
}

/// The way in which a guest is asked: 1 by its power button, 16 by its drivers.
fn mode(function: &str, flags: u32) -> Result<ShutdownMode> {
    wire::only(function, flags, 1 | 16)?;
    Ok(match flags {
        1 => ShutdownMode::AcpiPowerButton,
        16 => ShutdownMode::Paravirt,
        _ => ShutdownMode::Any,
    })
}

async fn destroy(caller: Arc<Caller>, arguments: DomainFlags) -> Result<()> {
    // 1 asks to be gentle first; there is no gentle way.
    wire::only("virDomainDestroyFlags", arguments.flags, 1)?;
    Ok(caller.driver.destroy(&wire::key(&arguments.dom)).await?)
}

async fn set_autostart(caller: Arc<Caller>, arguments: AutostartArguments) -> Result<()> {
    let key = wire::key(&arguments.dom);
    let autostart = arguments.autostart != 0;
    Ok(caller.driver.set_autostart(&key, autostart).await?)
}

async fn rename(caller: Arc<Caller>, arguments: RenameArguments) -> Result<i32> {
    wire::only("virDomainRename", arguments.flags, 0)?;
    let Some(name) = arguments.new_name else {
        let message = "invalid argument: the new name is missing";
        return Err(RemoteError::new(code::INVALID_ARG, origin::DOMAIN, message).into());
    };
    caller
        .driver
        .rename(&wire::key(&arguments.dom), &name)
        .await?;
    Ok(0)
}
