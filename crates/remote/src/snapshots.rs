//! Calls about snapshots of domains.

use crate::Remote;
use crate::wire::bits;
use virtxen_driver::{
    DomainKey, Error, Monitor, Operation, Result, SnapshotDeletion, SnapshotEntry, SnapshotFlags,
    SnapshotRevert,
};
use virtxen_guest::{ParseOptions, SnapshotLocation, SnapshotState, parse_snapshot};
use virtxen_rpc::DomainSnapshot;
use virtxen_rpc::calls::{
    DomainHasCurrentSnapshot, DomainListAll, DomainListAllSnapshots, DomainRevertToSnapshot,
    DomainSnapshotCreateXML, DomainSnapshotCurrent, DomainSnapshotDelete, DomainSnapshotGetXMLDesc,
    SnapshotFlags as Flags, SnapshotXmlArguments,
};

impl Remote {
    pub(crate) async fn snapshot_create(
        &self,
        key: &DomainKey,
        xml: &str,
        flags: SnapshotFlags,
        monitor: &Monitor,
    ) -> Result<String> {
        let dom = self.domain(key).await?;
        let arguments = SnapshotXmlArguments {
            dom: dom.clone(),
            xml_desc: xml.to_owned(),
            flags: bits(&[
                (flags.redefine, 1),
                (flags.current, 1 << 1),
                (flags.halt, 1 << 3),
                (flags.disk_only, 1 << 4),
            ]),
        };
        let operation = Operation::SnapshotCreate;
        let work = self.ask::<DomainSnapshotCreateXML>(operation, arguments);
        let taken = self.watched(operation, Some(dom), monitor, work).await?;
        Ok(taken.name)
    }

    pub(crate) async fn snapshots(&self, key: &DomainKey) -> Result<Vec<SnapshotEntry>> {
        let operation = Operation::Snapshots;
        let arguments = self.flags(key, 0).await?;
        let all = DomainListAll {
            dom: arguments.dom.clone(),
            need_results: 1,
            flags: 0,
        };
        let listed = self.ask::<DomainListAllSnapshots>(operation, all).await?;
        let has_current = self.ask::<DomainHasCurrentSnapshot>(operation, arguments.clone());
        let current = match has_current.await? {
            0 => None,
            _ => Some(
                self.ask::<DomainSnapshotCurrent>(operation, arguments)
                    .await?,
            ),
        };
        let mut entries = Vec::with_capacity(listed.items.0.len());
        for snap in listed.items.0 {
            let current = current.as_ref().is_some_and(|it| it.name == snap.name);
            let xml = Flags { snap, flags: 0 };
            let xml = self.ask::<DomainSnapshotGetXMLDesc>(operation, xml).await?;
            entries.push(entry(&xml, current)?);
        }
        Ok(entries)
    }

    pub(crate) async fn snapshot_xml(
        &self,
        key: &DomainKey,
        name: &str,
        secure: bool,
    ) -> Result<String> {
        let arguments = self.snapshot(key, name, u32::from(secure)).await?;
        self.ask::<DomainSnapshotGetXMLDesc>(Operation::SnapshotXml, arguments)
            .await
    }

    pub(crate) async fn snapshot_revert(
        &self,
        key: &DomainKey,
        name: &str,
        flags: SnapshotRevert,
        monitor: &Monitor,
    ) -> Result<Vec<String>> {
        let flags = bits(&[(flags.running, 1), (flags.paused, 1 << 1)]);
        let arguments = self.snapshot(key, name, flags).await?;
        let dom = arguments.snap.dom.clone();
        let operation = Operation::SnapshotRevert;
        let work = self.ask::<DomainRevertToSnapshot>(operation, arguments);
        self.watched(operation, Some(dom), monitor, work).await?;
        // What there is to say of it is in the daemon's log.
        Ok(Vec::new())
    }

    pub(crate) async fn snapshot_delete(
        &self,
        key: &DomainKey,
        name: &str,
        flags: SnapshotDeletion,
        monitor: &Monitor,
    ) -> Result<Vec<String>> {
        let flags = bits(&[
            (flags.children, 1),
            (flags.metadata_only, 1 << 1),
            (flags.children_only, 1 << 2),
        ]);
        let arguments = self.snapshot(key, name, flags).await?;
        let dom = arguments.snap.dom.clone();
        let operation = Operation::SnapshotDelete;
        let work = self.ask::<DomainSnapshotDelete>(operation, arguments);
        self.watched(operation, Some(dom), monitor, work).await?;
        // What there is to say of it is in the daemon's log.
        Ok(Vec::new())
    }

    async fn snapshot(&self, key: &DomainKey, name: &str, flags: u32) -> Result<Flags> {
        let dom = self.domain(key).await?;
        let name = name.to_owned();
        let snap = DomainSnapshot { name, dom };
        Ok(Flags { snap, flags })
    }
}

/// What a list has of a snapshot, out of its document.
fn entry(xml: &str, current: bool) -> Result<SnapshotEntry> {
    let parsed = parse_snapshot(xml, &ParseOptions::default()).map_err(Error::Xml)?;
    let snapshot = parsed.value;
    let memory = snapshot.memory.as_ref();
    Ok(SnapshotEntry {
        name: snapshot.name.unwrap_or_default(),
        parent: snapshot.parent,
        state: snapshot.state.unwrap_or(SnapshotState::NoState),
        created: snapshot.created.unwrap_or_default(),
        current,
        has_memory: memory.is_some_and(|memory| memory.location != SnapshotLocation::No),
    })
}
