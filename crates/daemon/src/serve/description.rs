//! Calls about what people and programs write on a domain (title, description,
//! metadata), and about what a domain does not have here: snapshots, a managed save,
//! security labels, warnings.

use super::{Caller, lookup, wire};
use crate::error::Result;
use std::sync::Arc;
use virtxen_driver::{MetadataChange, MetadataKind};
use virtxen_rpc::calls::{
    DomainFlags, DomainListAll, Listed, MetadataArguments, SecurityLabel, SecurityLabels,
    SetMetadataArguments, SnapshotName, SnapshotNames,
};
use virtxen_rpc::xdr::List;
use virtxen_rpc::{Domain, DomainSnapshot, RemoteError, code, origin};

super::rows! {
    DomainGetMetadata => metadata;
    DomainSetMetadata => set_metadata;
    DomainSnapshotNum => none_of;
    DomainHasCurrentSnapshot => none_of;
    DomainSnapshotListNames => async |caller: Arc<Caller>, arguments: SnapshotNames| {
        lookup::look(&caller, &arguments.dom).await.map(|_| List::default())
    };
    DomainListAllSnapshots => snapshots;
    DomainSnapshotLookupByName => snapshot;
    DomainGetMessages => async |caller: Arc<Caller>, arguments: DomainFlags| {
        lookup::look(&caller, &arguments.dom).await.map(|_| List::default())
    };
    DomainGetSecurityLabel => async |caller: Arc<Caller>, dom: Domain| {
        lookup::look(&caller, &dom).await.map(|_| SecurityLabel::default())
    };
    DomainGetSecurityLabelList => async |caller: Arc<Caller>, dom: Domain| {
        lookup::look(&caller, &dom).await.map(|_| SecurityLabels::default())
    };
}

async fn metadata(caller: Arc<Caller>, arguments: MetadataArguments) -> Result<String> {
    wire::only("virDomainGetMetadata", arguments.flags, wire::AFFECT)?;
    let affect = wire::affect(arguments.flags);
    let (key, kind) = (wire::key(&arguments.dom), kind(arguments.kind)?);
    let uri = arguments.uri.as_deref();
    Ok(caller.driver.metadata(&key, kind, uri, affect).await?)
}

async fn set_metadata(caller: Arc<Caller>, arguments: SetMetadataArguments) -> Result<()> {
    wire::only("virDomainSetMetadata", arguments.flags, wire::AFFECT)?;
    let affect = wire::affect(arguments.flags);
    let change = MetadataChange {
        kind: kind(arguments.kind)?,
        value: arguments.metadata,
        prefix: arguments.key,
        uri: arguments.uri,
    };
    let key = wire::key(&arguments.dom);
    Ok(caller.driver.set_metadata(&key, &change, affect).await?)
}

fn kind(number: i32) -> Result<MetadataKind> {
    MetadataKind::of_number(number).ok_or_else(|| {
        let message = format!("invalid argument: unknown metadata type {number}");
        RemoteError::new(code::INVALID_ARG, origin::DOMAIN, message).into()
    })
}

async fn none_of(caller: Arc<Caller>, arguments: DomainFlags) -> Result<i32> {
    lookup::look(&caller, &arguments.dom).await.map(|_| 0)
}

async fn snapshots<const MAX: usize>(
    caller: Arc<Caller>,
    arguments: DomainListAll,
) -> Result<Listed<DomainSnapshot, MAX>> {
    lookup::look(&caller, &arguments.dom).await?;
    Ok(Listed::default())
}

async fn snapshot(caller: Arc<Caller>, arguments: SnapshotName) -> Result<DomainSnapshot> {
    let domain = lookup::look(&caller, &arguments.dom).await?;
    let message = format!(
        "no domain snapshot '{}' of domain '{}': there are no snapshots with Xen",
        arguments.name, domain.name
    );
    let origin = origin::DOMAIN_SNAPSHOT;
    Err(RemoteError::new(code::NO_DOMAIN_SNAPSHOT, origin, message).into())
}
