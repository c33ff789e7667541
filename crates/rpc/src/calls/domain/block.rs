//! Calls about the disks of a domain.

use super::{PEEK_MAX, Params, ParamsFlags, SetParamsFlags};
use crate::calls::table::procedures;
use crate::objects::Domain;
use crate::typed_param::TypedParam;
use crate::xdr::{List, Opaque, record};

record! {
    /// A domain and one of its disks.
    PathArguments { dom: Domain, path: String }
    /// The same, with flags.
    PathFlags { dom: Domain, path: String, flags: u32 }
    /// The same, and how many parameters the client has room for.
    PathParams { dom: Domain, path: String, nparams: i32, flags: u32 }
    /// `virDomainBlockStatsStruct`; -1 stands for what is not counted.
    BlockStats { rd_req: i64, rd_bytes: i64, wr_req: i64, wr_bytes: i64, errs: i64 }
    /// `virDomainBlockInfo`, all in bytes.
    BlockInfo { allocation: u64, capacity: u64, physical: u64 }
    /// Arguments of `virDomainBlockPeek`.
    BlockPeekArguments { dom: Domain, path: String, offset: u64, size: u32, flags: u32 }
    /// Arguments of `virDomainBlockResize`.
    ResizeArguments {
        dom: Domain,
        disk: String,
        /// KiB, or bytes with flag 1.
        size: u64,
        flags: u32,
    }
    /// Arguments of `virDomainSetBlockIoTune`.
    SetIoTuneArguments { dom: Domain, disk: String, params: List<TypedParam, 32>, flags: u32 }
    /// Arguments of `virDomainGetBlockIoTune`.
    IoTuneArguments { dom: Domain, disk: Option<String>, nparams: i32, flags: u32 }
    /// Parameters, or only how many there are.
    IoTune { params: List<TypedParam, 32>, nparams: i32 }
    /// Arguments of `virDomainGetDiskErrors`.
    DiskErrorsArguments { dom: Domain, maxerrors: u32, flags: u32 }
    /// `virDomainDiskError`.
    DiskError { disk: String, error: i32 }
    /// Errors, and how many there are.
    DiskErrors { errors: List<DiskError, 256>, nerrors: i32 }
    /// Arguments of `virDomainSetBlockThreshold`.
    ThresholdArguments { dom: Domain, dev: String, threshold: u64, flags: u32 }
    /// `virDomainBlockJobInfo`, when there is a job.
    BlockJobInfo { found: i32, kind: i32, bandwidth: u64, cur: u64, end: u64 }
    /// A domain, one of its disks and how fast a job on it may be.
    BandwidthArguments { dom: Domain, path: String, bandwidth: u64, flags: u32 }
}

procedures! { ROWS: Domain {
     64 LOW  DomainBlockStats READS [Domain: Read] (PathArguments) -> BlockStats;
    103 LOW  DomainBlockPeek WRITES [Domain: BlockRead] (BlockPeekArguments) -> Opaque<PEEK_MAX>;
    194 LOW  DomainGetBlockInfo READS [Domain: Read] (PathFlags) -> BlockInfo;
    205 LOW  DomainSetBlkioParameters WRITES [Domain: Write, Save if STORED] (SetParamsFlags) -> ();
    206 LOW  DomainGetBlkioParameters READS [Domain: Read] (ParamsFlags) -> Params;
    237 LOW  DomainBlockJobAbort WRITES [Domain: Write] (PathFlags) -> ();
    238 LOW  DomainGetBlockJobInfo READS [Domain: Read] (PathFlags) -> BlockJobInfo;
    239 LOW  DomainBlockJobSetSpeed WRITES [Domain: Write] (BandwidthArguments) -> ();
    240 LOW  DomainBlockPull WRITES [Domain: BlockWrite] (BandwidthArguments) -> ();
    243 LOW  DomainBlockStatsFlags READS [Domain: Read] (PathParams) -> Params;
    251 LOW  DomainBlockResize WRITES [Domain: BlockWrite] (ResizeArguments) -> ();
    252 LOW  DomainSetBlockIoTune WRITES [Domain: Write, Save if STORED] (SetIoTuneArguments) -> ();
    253 LOW  DomainGetBlockIoTune READS [Domain: Read] (IoTuneArguments) -> IoTune;
    263 LOW  DomainGetDiskErrors READS [Domain: Read] (DiskErrorsArguments) -> DiskErrors;
    266 LOW  DomainBlockRebase WRITES [Domain: BlockWrite];
    290 LOW  DomainBlockCommit WRITES [Domain: BlockWrite];
    345 LOW  DomainBlockCopy WRITES [Domain: BlockWrite];
    386 LOW  DomainSetBlockThreshold WRITES [Domain: Write] (ThresholdArguments) -> ();
} }
