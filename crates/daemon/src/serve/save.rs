//! Calls that put a domain away into a file and take it out again.

use super::{Caller, wire};
use crate::error::Result;
use std::path::Path;
use std::sync::Arc;
use virtxen_driver::{DumpFlags, Monitor};
use virtxen_rpc::calls::{
    DomainFlags, DumpArguments, ImageArguments, ImageXmlArguments, ManagedSaveXmlArguments,
    RestoreFlags, SaveArguments, SaveFlags,
};

super::rows! {
    DomainSave => save;
    DomainSaveFlags => save_flags;
    DomainRestore => restore;
    DomainRestoreFlags => restore_flags;
    DomainCoreDump => dump;
    DomainManagedSave => managed_save;
    DomainHasManagedSaveImage => has_managed_save;
    DomainManagedSaveRemove => managed_save_remove;
    DomainManagedSaveGetXMLDesc => managed_save_xml;
    DomainManagedSaveDefineXML => define_managed_save;
    DomainSaveImageGetXMLDesc => image_xml;
    DomainSaveImageDefineXML => define_image;
}

/// `VIR_DOMAIN_SAVE_RUNNING`: it runs when it is restored, which it always does.
const RUNNING: u32 = 2;
/// `VIR_DOMAIN_SAVE_IMAGE_XML_SECURE`.
const SECURE: u32 = 1;

async fn save(caller: Arc<Caller>, arguments: SaveArguments) -> Result<()> {
    let key = wire::key(&arguments.dom);
    let monitor = Monitor::default();
    Ok(caller
        .driver
        .save(&key, Path::new(&arguments.to), &monitor)
        .await?)
}

async fn save_flags(caller: Arc<Caller>, arguments: SaveFlags) -> Result<()> {
    wire::only("virDomainSaveFlags", arguments.flags, RUNNING)?;
    let (dom, to) = (arguments.dom, arguments.to);
    match arguments.dxml {
        None => save(caller, SaveArguments { dom, to }).await,
        Some(xml) => {
            let (key, to) = (wire::key(&dom), Path::new(&to));
            let monitor = Monitor::default();
            Ok(caller.driver.save_as(&key, to, &xml, &monitor).await?)
        }
    }
}

async fn restore(caller: Arc<Caller>, file: String) -> Result<()> {
    let monitor = Monitor::default();
    Ok(caller.driver.restore(Path::new(&file), &monitor).await?)
}

async fn restore_flags(caller: Arc<Caller>, arguments: RestoreFlags) -> Result<()> {
    wire::only("virDomainRestoreFlags", arguments.flags, RUNNING)?;
    match arguments.dxml {
        None => restore(caller, arguments.from).await,
        Some(xml) => {
            let (from, monitor) = (Path::new(&arguments.from), Monitor::default());
            Ok(caller.driver.restore_as(from, &xml, &monitor).await?)
        }
    }
}

async fn image_xml(caller: Arc<Caller>, arguments: ImageArguments) -> Result<String> {
    wire::only("virDomainSaveImageGetXMLDesc", arguments.flags, SECURE)?;
    let secure = arguments.flags & SECURE != 0;
    let file = Path::new(&arguments.file);
    Ok(caller.driver.image_xml(file, secure).await?)
}

async fn define_image(caller: Arc<Caller>, arguments: ImageXmlArguments) -> Result<()> {
    wire::only("virDomainSaveImageDefineXML", arguments.flags, RUNNING)?;
    let file = Path::new(&arguments.file);
    Ok(caller.driver.define_image(file, &arguments.dxml).await?)
}

async fn managed_save(caller: Arc<Caller>, arguments: DomainFlags) -> Result<()> {
    wire::only("virDomainManagedSave", arguments.flags, RUNNING)?;
    let key = wire::key(&arguments.dom);
    let monitor = Monitor::default();
    Ok(caller.driver.managed_save(&key, &monitor).await?)
}

async fn has_managed_save(caller: Arc<Caller>, arguments: DomainFlags) -> Result<i32> {
    wire::only("virDomainHasManagedSaveImage", arguments.flags, 0)?;
    let key = wire::key(&arguments.dom);
    Ok(i32::from(caller.driver.has_managed_save(&key).await?))
}

async fn managed_save_remove(caller: Arc<Caller>, arguments: DomainFlags) -> Result<()> {
    wire::only("virDomainManagedSaveRemove", arguments.flags, 0)?;
    let key = wire::key(&arguments.dom);
    Ok(caller.driver.managed_save_remove(&key).await?)
}

async fn managed_save_xml(caller: Arc<Caller>, arguments: DomainFlags) -> Result<String> {
    wire::only("virDomainManagedSaveGetXMLDesc", arguments.flags, SECURE)?;
    let (key, secure) = (wire::key(&arguments.dom), arguments.flags & SECURE != 0);
    Ok(caller.driver.managed_save_xml(&key, secure).await?)
}

async fn define_managed_save(
    caller: Arc<Caller>,
    arguments: ManagedSaveXmlArguments,
) -> Result<()> {
    wire::only("virDomainManagedSaveDefineXML", arguments.flags, RUNNING)?;
    let key = wire::key(&arguments.dom);
    let xml = arguments.dxml.unwrap_or_default();
    Ok(caller.driver.define_managed_save(&key, &xml).await?)
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
