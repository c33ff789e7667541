//! Calls about snapshots of domains. What one keeps, and where, is the driver's and the
//! host's.

use super::{Caller, lookup, wire};
use crate::error::Result;
use std::collections::HashSet;
use std::sync::Arc;
use virtxen_driver::{
    Error, Monitor, SnapshotDeletion, SnapshotEntry, SnapshotFlags as Flags, SnapshotRevert,
};
use virtxen_guest::SnapshotState;
use virtxen_rpc::calls::{
    DomainFlags, DomainListAll, Listed, SNAPSHOTS_MAX, SnapshotChildrenNames, SnapshotFlags,
    SnapshotListAll, SnapshotName, SnapshotNames, SnapshotXmlArguments,
};
use virtxen_rpc::xdr::List;
use virtxen_rpc::{Domain, DomainSnapshot};

super::rows! {
    DomainSnapshotCreateXML => create;
    DomainSnapshotGetXMLDesc => xml;
    DomainSnapshotNum => async |caller: Arc<Caller>, of: DomainFlags| {
        let function = "virDomainSnapshotNum";
        Ok(number(&listed(&caller, function, &of.dom, None, of.flags).await?))
    };
    DomainSnapshotListNames => async |caller: Arc<Caller>, of: SnapshotNames| {
        let function = "virDomainSnapshotListNames";
        Ok(names(listed(&caller, function, &of.dom, None, of.flags).await?, of.maxnames))
    };
    DomainSnapshotLookupByName => lookup_by_name;
    DomainHasCurrentSnapshot => async |caller: Arc<Caller>, of: DomainFlags| {
        let current = current(&caller, "virDomainHasCurrentSnapshot", &of).await?;
        Ok(i32::from(current.is_some()))
    };
    DomainSnapshotCurrent => current_one;
    DomainRevertToSnapshot => revert;
    DomainSnapshotDelete => delete;
    DomainSnapshotGetParent => parent;
    DomainSnapshotNumChildren => async |caller: Arc<Caller>, of: SnapshotFlags| {
        let function = "virDomainSnapshotNumChildren";
        Ok(number(&below(&caller, function, &of.snap, of.flags).await?))
    };
    DomainSnapshotListChildrenNames => async |caller: Arc<Caller>, of: SnapshotChildrenNames| {
        let function = "virDomainSnapshotListChildrenNames";
        Ok(names(below(&caller, function, &of.snap, of.flags).await?, of.maxnames))
    };
    DomainSnapshotIsCurrent => async |caller: Arc<Caller>, of: SnapshotFlags| {
        let found = find(&caller, "virDomainSnapshotIsCurrent", &of.snap, of.flags).await?;
        Ok(i32::from(found.current))
    };
    // Without what virtxen knows of it there is none.
    DomainSnapshotHasMetadata => async |caller: Arc<Caller>, of: SnapshotFlags| {
        let function = "virDomainSnapshotHasMetadata";
        find(&caller, function, &of.snap, of.flags).await.map(|_| 1)
    };
    DomainListAllSnapshots => async |caller: Arc<Caller>, of: DomainListAll| {
        let function = "virDomainListAllSnapshots";
        let entries = listed(&caller, function, &of.dom, None, of.flags).await?;
        Ok(Listed::answer(of.need_results, snapshots(&of.dom, entries)))
    };
    DomainSnapshotListAllChildren => async |caller: Arc<Caller>, of: SnapshotListAll| {
        let function = "virDomainSnapshotListAllChildren";
        let entries = below(&caller, function, &of.snap, of.flags).await?;
        Ok(Listed::answer(of.need_results, snapshots(&of.snap.dom, entries)))
    };
}

/// `virDomainSnapshotListFlags`, in pairs of which neither or both filter nothing.
mod filter {
    /// Of a domain: those without a parent; of a snapshot: all below it.
    pub(super) const ROOTS_OR_DESCENDANTS: u32 = 1;
    pub(super) const METADATA: u32 = 1 << 1;
    pub(super) const NO_METADATA: u32 = 1 << 4;
    pub(super) const LEAVES: u32 = 1 << 2;
    pub(super) const NO_LEAVES: u32 = 1 << 3;
    pub(super) const INACTIVE: u32 = 1 << 5;
    pub(super) const ACTIVE: u32 = 1 << 6;
    pub(super) const DISK_ONLY: u32 = 1 << 7;
    pub(super) const INTERNAL: u32 = 1 << 8;
    pub(super) const EXTERNAL: u32 = 1 << 9;
    /// Parents before their children, as they always are here.
    pub(super) const TOPOLOGICAL: u32 = 1 << 10;
    pub(super) const ALL: u32 = (TOPOLOGICAL << 1) - 1;
}

async fn create(caller: Arc<Caller>, arguments: SnapshotXmlArguments) -> Result<DomainSnapshot> {
    const REDEFINE: u32 = 1;
    const CURRENT: u32 = 1 << 1;
    const HALT: u32 = 1 << 3;
    const DISK_ONLY: u32 = 1 << 4;
    // It is always all or nothing, and documents are always checked.
    const ATOMIC: u32 = 1 << 7;
    const VALIDATE: u32 = 1 << 9;
    const KNOWN: u32 = REDEFINE | CURRENT | HALT | DISK_ONLY | ATOMIC | VALIDATE;
    wire::only("virDomainSnapshotCreateXML", arguments.flags, KNOWN)?;
    let has = |flag: u32| arguments.flags & flag != 0;
    let flags = Flags {
        redefine: has(REDEFINE),
        current: has(CURRENT),
        halt: has(HALT),
        disk_only: has(DISK_ONLY),
    };
    let (key, xml) = (wire::key(&arguments.dom), &arguments.xml_desc);
    let monitor = Monitor::default();
    let name = caller.driver.snapshot_create(&key, xml, flags, &monitor);
    let (name, dom) = (name.await?, arguments.dom);
    Ok(DomainSnapshot { name, dom })
}

async fn xml(caller: Arc<Caller>, arguments: SnapshotFlags) -> Result<String> {
    const SECURE: u32 = 1;
    wire::only("virDomainSnapshotGetXMLDesc", arguments.flags, SECURE)?;
    let snap = &arguments.snap;
    let (key, secure) = (wire::key(&snap.dom), arguments.flags & SECURE != 0);
    Ok(caller.driver.snapshot_xml(&key, &snap.name, secure).await?)
}

async fn lookup_by_name(caller: Arc<Caller>, arguments: SnapshotName) -> Result<DomainSnapshot> {
    let (name, dom) = (arguments.name, arguments.dom);
    let snap = DomainSnapshot { name, dom };
    let function = "virDomainSnapshotLookupByName";
    find(&caller, function, &snap, arguments.flags).await?;
    Ok(snap)
}

async fn current_one(caller: Arc<Caller>, arguments: DomainFlags) -> Result<DomainSnapshot> {
    let dom = arguments.dom.clone();
    match current(&caller, "virDomainSnapshotCurrent", &arguments).await? {
        Some(SnapshotEntry { name, .. }) => Ok(DomainSnapshot { name, dom }),
        None => Err(missing(&caller, &dom, "current snapshot").await),
    }
}

async fn parent(caller: Arc<Caller>, arguments: SnapshotFlags) -> Result<DomainSnapshot> {
    let snap = &arguments.snap;
    let function = "virDomainSnapshotGetParent";
    let entry = find(&caller, function, snap, arguments.flags).await?;
    match entry.parent {
        Some(name) => Ok(DomainSnapshot {
            name,
            dom: snap.dom.clone(),
        }),
        None => {
            let what = format!("parent of snapshot '{}'", snap.name);
            Err(missing(&caller, &snap.dom, &what).await)
        }
    }
}

async fn revert(caller: Arc<Caller>, arguments: SnapshotFlags) -> Result<()> {
    const RUNNING: u32 = 1;
    const PAUSED: u32 = 1 << 1;
    // What it allows is allowed here: a domain that runs is destroyed.
    const FORCE: u32 = 1 << 2;
    let known = RUNNING | PAUSED | FORCE;
    wire::only("virDomainRevertToSnapshot", arguments.flags, known)?;
    let flags = SnapshotRevert {
        running: arguments.flags & RUNNING != 0,
        paused: arguments.flags & PAUSED != 0,
    };
    let (key, name) = (wire::key(&arguments.snap.dom), &arguments.snap.name);
    let monitor = Monitor::default();
    let driver = &caller.driver;
    log(&driver.snapshot_revert(&key, name, flags, &monitor).await?);
    Ok(())
}

async fn delete(caller: Arc<Caller>, arguments: SnapshotFlags) -> Result<()> {
    const CHILDREN: u32 = 1;
    const METADATA_ONLY: u32 = 1 << 1;
    const CHILDREN_ONLY: u32 = 1 << 2;
    let known = CHILDREN | METADATA_ONLY | CHILDREN_ONLY;
    wire::only("virDomainSnapshotDelete", arguments.flags, known)?;
    let flags = SnapshotDeletion {
        children: arguments.flags & CHILDREN != 0,
        children_only: arguments.flags & CHILDREN_ONLY != 0,
        metadata_only: arguments.flags & METADATA_ONLY != 0,
    };
    let (key, name) = (wire::key(&arguments.snap.dom), &arguments.snap.name);
    let monitor = Monitor::default();
    let driver = &caller.driver;
    log(&driver.snapshot_delete(&key, name, flags, &monitor).await?);
    Ok(())
}

/// The protocol has no place for warnings.
fn log(warnings: &[String]) {
    for warning in warnings {
        tracing::warn!(parent: &crate::calls::span(), "{warning}");
    }
}

async fn current(
    caller: &Caller,
    function: &str,
    of: &DomainFlags,
) -> Result<Option<SnapshotEntry>> {
    wire::only(function, of.flags, 0)?;
    let entries = caller.driver.snapshots(&wire::key(&of.dom)).await?;
    Ok(entries.into_iter().find(|entry| entry.current))
}

async fn find(
    caller: &Caller,
    function: &str,
    snap: &DomainSnapshot,
    flags: u32,
) -> Result<SnapshotEntry> {
    wire::only(function, flags, 0)?;
    let entries = caller.driver.snapshots(&wire::key(&snap.dom)).await?;
    match entries.into_iter().find(|entry| entry.name == snap.name) {
        Some(entry) => Ok(entry),
        None => Err(unknown(caller, &snap.dom, &snap.name).await),
    }
}

/// The error that a domain has no snapshot of this name.
async fn unknown(caller: &Caller, dom: &Domain, name: &str) -> crate::error::Error {
    let what = format!("snapshot with matching name '{name}'");
    missing(caller, dom, &what).await
}

/// The error that a domain has no such snapshot.
async fn missing(caller: &Caller, dom: &Domain, what: &str) -> crate::error::Error {
    match lookup::look(caller, dom).await {
        Ok(domain) => Error::NoSnapshot {
            name: domain.name,
            what: what.to_owned(),
        }
        .into(),
        Err(error) => error,
    }
}

/// The snapshots below one that the flags take.
async fn below(
    caller: &Caller,
    function: &str,
    snap: &DomainSnapshot,
    flags: u32,
) -> Result<Vec<SnapshotEntry>> {
    listed(caller, function, &snap.dom, Some(&snap.name), flags).await
}

/// The snapshots of a domain, or of those below one, that the flags take.
async fn listed(
    caller: &Caller,
    function: &str,
    dom: &Domain,
    below: Option<&str>,
    flags: u32,
) -> Result<Vec<SnapshotEntry>> {
    wire::only(function, flags, filter::ALL)?;
    let all = caller.driver.snapshots(&wire::key(dom)).await?;
    match below {
        Some(name) if !all.iter().any(|entry| entry.name == name) => {
            Err(unknown(caller, dom, name).await)
        }
        _ => Ok(taken(all, below, flags)),
    }
}

fn taken(all: Vec<SnapshotEntry>, below: Option<&str>, flags: u32) -> Vec<SnapshotEntry> {
    let parents: HashSet<String> = all
        .iter()
        .filter_map(|entry| entry.parent.clone())
        .collect();
    let deep = flags & filter::ROOTS_OR_DESCENDANTS != 0;
    let mut reached: HashSet<String> = below.map(str::to_owned).into_iter().collect();
    let is_in_place = |entry: &SnapshotEntry, reached: &mut HashSet<String>| {
        let Some(parent) = &entry.parent else {
            return below.is_none();
        };
        let is_below = reached.contains(parent);
        // Parents come first.
        if deep && is_below {
            reached.insert(entry.name.clone());
        }
        is_below || (below.is_none() && !deep)
    };
    let passes = |entry: &SnapshotEntry| {
        let is = |first: u32, second: u32, is_first: bool| match flags & (first | second) {
            one if one == first => is_first,
            one if one == second => !is_first,
            _ => true,
        };
        let kind = match entry.state {
            SnapshotState::DiskSnapshot => filter::DISK_ONLY,
            SnapshotState::Shutoff => filter::INACTIVE,
            _ => filter::ACTIVE,
        };
        let kinds = flags & (filter::DISK_ONLY | filter::INACTIVE | filter::ACTIVE);
        is(
            filter::LEAVES,
            filter::NO_LEAVES,
            !parents.contains(&entry.name),
        ) && is(filter::METADATA, filter::NO_METADATA, true)
            && is(filter::INTERNAL, filter::EXTERNAL, true)
            && (kinds == 0 || kinds & kind != 0)
    };
    all.into_iter()
        .filter(|entry| is_in_place(entry, &mut reached) && passes(entry))
        .collect()
}

fn number(entries: &[SnapshotEntry]) -> i32 {
    i32::try_from(entries.len()).unwrap_or(i32::MAX)
}

fn names(entries: Vec<SnapshotEntry>, most: i32) -> List<String, SNAPSHOTS_MAX> {
    let most = usize::try_from(most).unwrap_or_default();
    let names = entries.into_iter().take(most).map(|entry| entry.name);
    List(names.collect())
}

fn snapshots(dom: &Domain, entries: Vec<SnapshotEntry>) -> Vec<DomainSnapshot> {
    let snapshot = |SnapshotEntry { name, .. }| DomainSnapshot {
        name,
        dom: dom.clone(),
    };
    entries.into_iter().map(snapshot).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A root with two children, of which the first has one.
    fn tree() -> Vec<SnapshotEntry> {
        let entry = |name: &str, parent: Option<&str>, state| SnapshotEntry {
            name: name.to_owned(),
            parent: parent.map(str::to_owned),
            state,
            created: 0,
            current: false,
            has_memory: false,
        };
        vec![
            entry("root", None, SnapshotState::Shutoff),
            entry("left", Some("root"), SnapshotState::Running),
            entry("right", Some("root"), SnapshotState::DiskSnapshot),
            entry("leaf", Some("left"), SnapshotState::Paused),
        ]
    }

    #[test]
    fn flags_choose_as_libvirt_has_them() {
        use filter::{ACTIVE, DISK_ONLY, EXTERNAL, INACTIVE, LEAVES, NO_LEAVES, NO_METADATA};
        let cases: [(Option<&str>, u32, &[&str]); 12] = [
            (None, 0, &["root", "left", "right", "leaf"]),
            (None, filter::ROOTS_OR_DESCENDANTS, &["root"]),
            (Some("root"), 0, &["left", "right"]),
            (
                Some("root"),
                filter::ROOTS_OR_DESCENDANTS,
                &["left", "right", "leaf"],
            ),
            (Some("leaf"), filter::ROOTS_OR_DESCENDANTS, &[]),
            (None, LEAVES, &["right", "leaf"]),
            (None, NO_LEAVES, &["root", "left"]),
            (None, LEAVES | NO_LEAVES, &["root", "left", "right", "leaf"]),
            (None, ACTIVE, &["left", "leaf"]),
            (None, INACTIVE | DISK_ONLY, &["root", "right"]),
            (None, EXTERNAL, &[]),
            (None, NO_METADATA, &[]),
        ];
        for (below, flags, names) in cases {
            let found = taken(tree(), below, flags);
            let found: Vec<&str> = found.iter().map(|entry| &*entry.name).collect();
            assert_eq!(found, names, "{below:?} {flags}");
        }
    }
}
