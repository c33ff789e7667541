//! Calls that find a domain and say what it is.

use super::{Caller, wire};
use crate::error::Result;
use std::sync::Arc;
use virtxen_driver::{DomainKey, Operation, XmlFlags};
use virtxen_guest::{DomId, Uuid};
use virtxen_rpc::Domain;
use virtxen_rpc::calls::{DomainFlags, DomainInfo, DomainState};

super::rows! {
    DomainLookupByID => by_id;
    DomainLookupByName => async |caller, name| find(&caller, &DomainKey::Name(name)).await;
    DomainLookupByUUID => async |caller, uuid| find(&caller, &DomainKey::Uuid(Uuid(uuid))).await;
    DomainGetInfo => info;
    DomainGetState => state;
    DomainGetOSType => os_type;
    DomainGetXMLDesc => xml_desc;
    DomainIsActive => async |caller, dom| Ok(i32::from(look(&caller, &dom).await?.is_active()));
    DomainIsPersistent => is_persistent;
    DomainIsUpdated => async |caller, dom| look(&caller, &dom).await.map(|_| 0);
}

/// The domain as it is now.
pub(super) async fn look(caller: &Caller, dom: &Domain) -> Result<virtxen_driver::Domain> {
    Ok(caller.driver.lookup(&wire::key(dom)).await?)
}

/// The key of a domain that runs: calls without flags are for those alone.
pub(super) async fn running(
    caller: &Caller,
    dom: &Domain,
    operation: Operation,
) -> Result<DomainKey> {
    let domain = look(caller, dom).await?;
    if domain.is_active() {
        return Ok(wire::key(dom));
    }
    Err(virtxen_driver::Error::State {
        name: domain.name,
        operation: operation.verb(),
        state: domain.state,
        needed: "running",
    }
    .into())
}

async fn find(caller: &Caller, key: &DomainKey) -> Result<Domain> {
    Ok(wire::domain(&caller.driver.lookup(key).await?))
}

async fn by_id(caller: Arc<Caller>, id: i32) -> Result<Domain> {
    // No domain has a number below 0: it is looked for and not found.
    let id = u32::try_from(id).unwrap_or(u32::MAX);
    find(&caller, &DomainKey::Id(DomId(id))).await
}

async fn info(caller: Arc<Caller>, dom: Domain) -> Result<DomainInfo> {
    let domain = look(&caller, &dom).await?;
    Ok(DomainInfo {
        state: u8::try_from(domain.state.libvirt()).unwrap_or(0),
        max_mem: domain.max_memory.0,
        memory: domain.memory.0,
        nr_virt_cpu: u16::try_from(domain.vcpus).unwrap_or(u16::MAX),
        cpu_time: u64::try_from(domain.cpu_time.as_nanos()).unwrap_or(u64::MAX),
    })
}

async fn state(caller: Arc<Caller>, arguments: DomainFlags) -> Result<DomainState> {
    wire::only("virDomainGetState", arguments.flags, 0)?;
    let domain = look(&caller, &arguments.dom).await?;
    Ok(DomainState {
        state: domain.state.libvirt(),
        reason: domain.reason.number(),
    })
}

async fn os_type(caller: Arc<Caller>, dom: Domain) -> Result<String> {
    Ok(look(&caller, &dom).await?.os_type().to_owned())
}

async fn is_persistent(caller: Arc<Caller>, dom: Domain) -> Result<i32> {
    let domain = look(&caller, &dom).await?;
    Ok(i32::from(domain.persistent.unwrap_or(true)))
}

async fn xml_desc(caller: Arc<Caller>, arguments: DomainFlags) -> Result<String> {
    // 4 updates the processor's description, of which nothing is ours to update.
    wire::only("virDomainGetXMLDesc", arguments.flags, 15)?;
    let flags = XmlFlags {
        secure: arguments.flags & 1 != 0,
        inactive: arguments.flags & 2 != 0,
        migratable: arguments.flags & 8 != 0,
    };
    let key = wire::key(&arguments.dom);
    Ok(caller.driver.xml_desc(&key, flags).await?)
}
