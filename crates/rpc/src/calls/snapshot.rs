//! Calls about snapshots of domains.

use super::table::procedures;
use super::{DomainFlags, Listed};
use crate::objects::{Domain, DomainSnapshot};
use crate::xdr::{List, record};

/// Most snapshots in a list.
pub const SNAPSHOTS_MAX: usize = 16_384;

record! {
    /// Arguments of `virDomainSnapshotCreateXML`.
    SnapshotXmlArguments { dom: Domain, xml_desc: String, flags: u32 }
    /// Arguments of calls that take a snapshot and flags.
    SnapshotFlags { snap: DomainSnapshot, flags: u32 }
    /// Arguments of `virDomainSnapshotListNames`.
    SnapshotNames { dom: Domain, maxnames: i32, flags: u32 }
    /// Arguments of `virDomainSnapshotListChildrenNames`.
    SnapshotChildrenNames { snap: DomainSnapshot, maxnames: i32, flags: u32 }
    /// Arguments of `virDomainListAllSnapshots`.
    DomainListAll { dom: Domain, need_results: i32, flags: u32 }
    /// Arguments of `virDomainSnapshotListAllChildren`.
    SnapshotListAll { snap: DomainSnapshot, need_results: i32, flags: u32 }
    /// Arguments of `virDomainSnapshotLookupByName`.
    SnapshotName { dom: Domain, name: String, flags: u32 }
}

procedures! { ROWS: Snapshot {
    185 LOW  DomainSnapshotCreateXML WRITES [Domain: Snapshot, FsFreeze if QUIESCE_SNAPSHOT]
        (SnapshotXmlArguments) -> DomainSnapshot;
    186 HIGH DomainSnapshotGetXMLDesc READS_BUT_SECURE [Domain: Read, ReadSecure if SECURE]
        (SnapshotFlags) -> String;
    187 HIGH DomainSnapshotNum READS [Domain: Read] (DomainFlags) -> i32;
    188 HIGH DomainSnapshotListNames READS [Domain: Read]
        (SnapshotNames) -> List<String, SNAPSHOTS_MAX>;
    189 HIGH DomainSnapshotLookupByName READS [Domain: Read] (SnapshotName) -> DomainSnapshot;
    190 LOW  DomainHasCurrentSnapshot READS [Domain: Read] (DomainFlags) -> i32;
    191 LOW  DomainSnapshotCurrent READS [Domain: Read] (DomainFlags) -> DomainSnapshot;
    192 LOW  DomainRevertToSnapshot WRITES [Domain: Snapshot] (SnapshotFlags) -> ();
    193 LOW  DomainSnapshotDelete WRITES [Domain: Snapshot] (SnapshotFlags) -> ();
    244 HIGH DomainSnapshotGetParent READS [Domain: Read] (SnapshotFlags) -> DomainSnapshot;
    246 HIGH DomainSnapshotNumChildren READS [Domain: Read] (SnapshotFlags) -> i32;
    247 HIGH DomainSnapshotListChildrenNames READS [Domain: Read]
        (SnapshotChildrenNames) -> List<String, SNAPSHOTS_MAX>;
    271 LOW  DomainSnapshotIsCurrent READS [Domain: Read] (SnapshotFlags) -> i32;
    272 LOW  DomainSnapshotHasMetadata READS [Domain: Read] (SnapshotFlags) -> i32;
    274 HIGH DomainListAllSnapshots READS [Domain: Read]
        (DomainListAll) -> Listed<DomainSnapshot, SNAPSHOTS_MAX>;
    275 HIGH DomainSnapshotListAllChildren READS [Domain: Read]
        (SnapshotListAll) -> Listed<DomainSnapshot, SNAPSHOTS_MAX>;
} }
