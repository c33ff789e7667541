//! Calls about what people and programs write on a domain (title, description,
//! metadata), and about what a domain does not have here: snapshots, a managed save,
//! security labels, warnings.

use super::{Caller, lookup, wire};
use crate::error::Result;
use std::sync::Arc;
use virtxen_guest::{Element, FormatOptions, Guest, Node, format_element};
use virtxen_rpc::calls::{
    DomainFlags, DomainListAll, Listed, MetadataArguments, SecurityLabel, SecurityLabels,
    SnapshotName, SnapshotNames,
};
use virtxen_rpc::xdr::List;
use virtxen_rpc::{Domain, DomainSnapshot, RemoteError, code, origin};

super::rows! {
    DomainGetMetadata => metadata;
    DomainHasManagedSaveImage => none_of;
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

/// `VIR_DOMAIN_METADATA_…`.
const DESCRIPTION: i32 = 0;
const TITLE: i32 = 1;
const ELEMENT: i32 = 2;

async fn metadata(caller: Arc<Caller>, arguments: MetadataArguments) -> Result<String> {
    let affect = wire::affect(arguments.flags);
    wire::only("virDomainGetMetadata", arguments.flags, wire::AFFECT)?;
    let domain = lookup::look(&caller, &arguments.dom).await?;
    let stored = affect.config || (!affect.live && !domain.is_active());
    let key = wire::key(&arguments.dom);
    let guest = match stored {
        true => caller.driver.defined_guest(&key, false).await?,
        false => caller.driver.guest(&key, false).await?,
    };
    let missing = |what: &str| {
        let message = format!("metadata not found: {what} of domain '{}'", domain.name);
        RemoteError::new(code::NO_DOMAIN_METADATA, origin::XEN, message)
    };
    let found = match arguments.kind {
        DESCRIPTION => guest.description.ok_or_else(|| missing("description")),
        TITLE => guest.title.ok_or_else(|| missing("title")),
        ELEMENT => {
            let uri = arguments.uri.unwrap_or_default();
            element(&guest, &uri).ok_or_else(|| missing(&format!("element of '{uri}'")))
        }
        kind => {
            let message = format!("invalid argument: unknown metadata type {kind}");
            Err(RemoteError::new(code::INVALID_ARG, origin::DOMAIN, message))
        }
    };
    Ok(found?)
}

/// The element of a namespace, as the program that keeps it there wrote it: without
/// the namespace.
fn element(guest: &Guest, uri: &str) -> Option<String> {
    let metadata = guest.metadata.as_ref()?;
    let (element, prefix) = metadata.elements().find_map(|element| {
        let (prefix, _) = element.name.split_once(':').unzip();
        let scopes = element.namespaces.iter().chain(&metadata.namespaces);
        let mut declared = scopes.filter(|(declared, _)| declared.as_deref() == prefix);
        let (_, found) = declared.next()?;
        (found == uri).then_some((element, prefix))
    })?;
    let bare = bare(element.clone(), prefix, uri);
    Some(format_element(&bare, &FormatOptions::default()))
}

/// Takes a namespace off an element and those in it. Their depth is bounded by the
/// reader of documents.
fn bare(mut element: Element, prefix: Option<&str>, uri: &str) -> Element {
    if let Some(prefix) = prefix
        && let Some(("", local)) = element
            .name
            .strip_prefix(prefix)
            .and_then(|rest| rest.split_once(':'))
    {
        element.name = local.to_owned();
    }
    let ours =
        |declared: &(Option<String>, String)| declared.0.as_deref() == prefix && declared.1 == uri;
    element.namespaces.retain(|declared| !ours(declared));
    for child in &mut element.children {
        if let Node::Element(inner) = child {
            *inner = bare(std::mem::take(inner), prefix, uri);
        }
    }
    element
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_found_by_its_namespace_and_comes_without_it() {
        let document = "<domain type='xen'><name>web</name><memory>1024</memory>\
            <os><type>linux</type></os><metadata>\
            <a:owner xmlns:a='http://a.example' id='1'><a:name>Ada</a:name></a:owner>\
            <b xmlns='http://b.example'/></metadata></domain>";
        let options = virtxen_guest::ParseOptions::default();
        let guest = virtxen_guest::parse_guest(document, &options)
            .unwrap()
            .value;
        let owner = element(&guest, "http://a.example").unwrap();
        assert_eq!(owner, "<owner id='1'>\n  <name>Ada</name>\n</owner>\n");
        assert_eq!(element(&guest, "http://b.example").unwrap(), "<b/>\n");
        assert_eq!(element(&guest, "http://c.example"), None);
    }
}
