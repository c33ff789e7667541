//! Calls about storage pools and volumes, which another daemon serves. Typed are
//! those that are answered without it, and those that a driver needs from it.

use super::table::procedures;
use super::{ListAll, Listed};
use crate::objects::{StoragePool, StorageVol, Uuid};
use crate::xdr::{List, record};

/// Most pools in a list.
pub const POOLS_MAX: usize = 16_384;

record! {
    /// A pool and the name of one of its volumes.
    PoolName { pool: StoragePool, name: String }
    /// A pool, with flags.
    PoolFlags { pool: StoragePool, flags: u32 }
    /// Arguments of the calls that send a volume's contents over a stream.
    VolTransfer {
        vol: StorageVol,
        /// Bytes.
        offset: u64,
        /// Bytes; 0 for all there is.
        length: u64,
        /// 1 says that holes may stand for zeros.
        flags: u32,
    }
    /// Which events a client wants, of one pool or of all.
    PoolEventArguments { event_id: i32, pool: Option<StoragePool> }
}

procedures! { ROWS: Storage {
     71 HIGH ConnectNumOfStoragePools READS [Connect: SearchStoragePools | StoragePool Getattr]
        (()) -> i32;
     72 HIGH ConnectListStoragePools READS [Connect: SearchStoragePools | StoragePool Getattr]
        (i32) -> List<String, POOLS_MAX>;
     73 HIGH ConnectNumOfDefinedStoragePools READS
        [Connect: SearchStoragePools | StoragePool Getattr]
        (()) -> i32;
     74 HIGH ConnectListDefinedStoragePools READS
        [Connect: SearchStoragePools | StoragePool Getattr]
        (i32) -> List<String, POOLS_MAX>;
     75 LOW  ConnectFindStoragePoolSources WRITES [Connect: DetectStoragePools];
     76 LOW  StoragePoolCreateXML WRITES [StoragePool: Start, Write];
     77 HIGH StoragePoolDefineXML WRITES [StoragePool: Write, Save];
     78 LOW  StoragePoolCreate WRITES [StoragePool: Start];
     79 LOW  StoragePoolBuild WRITES [StoragePool: Format];
     80 HIGH StoragePoolDestroy WRITES [StoragePool: Stop];
     81 LOW  StoragePoolDelete WRITES [StoragePool: Format];
     82 HIGH StoragePoolUndefine WRITES [StoragePool: Delete];
     83 LOW  StoragePoolRefresh WRITES [StoragePool: Refresh];
     84 HIGH StoragePoolLookupByName READS [StoragePool: Getattr] (String) -> StoragePool;
     85 HIGH StoragePoolLookupByUUID READS [StoragePool: Getattr] (Uuid) -> StoragePool;
     86 HIGH StoragePoolLookupByVolume READS [StoragePool: Getattr] (StorageVol) -> StoragePool;
     87 HIGH StoragePoolGetInfo READS [StoragePool: Read];
     88 HIGH StoragePoolGetXMLDesc READS [StoragePool: Read] (PoolFlags) -> String;
     89 HIGH StoragePoolGetAutostart READS [StoragePool: Read];
     90 HIGH StoragePoolSetAutostart WRITES [StoragePool: Write];
     91 HIGH StoragePoolNumOfVolumes READS [StoragePool: SearchStorageVols | StorageVol Getattr];
     92 HIGH StoragePoolListVolumes READS [StoragePool: SearchStorageVols | StorageVol Getattr];
     93 LOW  StorageVolCreateXML WRITES [StorageVol: Create];
     94 LOW  StorageVolDelete WRITES [StorageVol: Delete];
     95 HIGH StorageVolLookupByName READS [StorageVol: Getattr] (PoolName) -> StorageVol;
     96 HIGH StorageVolLookupByKey READS [StorageVol: Getattr] (String) -> StorageVol;
     97 HIGH StorageVolLookupByPath READS [StorageVol: Getattr] (String) -> StorageVol;
     98 HIGH StorageVolGetInfo READS [StorageVol: Read];
     99 HIGH StorageVolGetXMLDesc READS [StorageVol: Read];
    100 HIGH StorageVolGetPath READS [StorageVol: Read] (StorageVol) -> String;
    125 LOW  StorageVolCreateXMLFrom WRITES [StorageVol: Create];
    154 HIGH StoragePoolIsActive READS [StoragePool: Read];
    155 HIGH StoragePoolIsPersistent READS [StoragePool: Read];
    165 LOW  StorageVolWipe WRITES [StorageVol: Format];
    208 LOW  StorageVolUpload WRITES [StorageVol: DataWrite] (VolTransfer) -> ();
    209 LOW  StorageVolDownload WRITES [StorageVol: DataRead] (VolTransfer) -> ();
    259 LOW  StorageVolWipePattern WRITES [StorageVol: Format];
    260 LOW  StorageVolResize WRITES [StorageVol: Resize];
    281 HIGH ConnectListAllStoragePools READS [Connect: SearchStoragePools | StoragePool Getattr]
        (ListAll) -> Listed<StoragePool, POOLS_MAX>;
    282 HIGH StoragePoolListAllVolumes READS [StoragePool: SearchStorageVols | StorageVol Getattr];
    368 HIGH ConnectStoragePoolEventRegisterAny READS
        [Connect: SearchStoragePools | StoragePool Getattr]
        (PoolEventArguments) -> i32;
    369 HIGH ConnectStoragePoolEventDeregisterAny READS [Connect: Read] (i32) -> ();
    378 HIGH StorageVolGetInfoFlags READS [StorageVol: Read];
    391 HIGH StoragePoolLookupByTargetPath READS [StoragePool: Getattr] (String) -> StoragePool;
    403 LOW  ConnectGetStoragePoolCapabilities READS [Connect: Read];
} }
