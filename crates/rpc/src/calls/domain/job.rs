//! Calls about the long operation that a domain is in.

use crate::calls::DomainFlags;
use crate::calls::table::procedures;
use crate::objects::Domain;
use crate::typed_param::TypedParam;
use crate::xdr::{List, record};

/// Most statistics of a job.
pub const JOB_STATS_MAX: usize = 64;

record! {
    /// `virDomainJobInfo`: times in milliseconds, the rest in bytes.
    JobInfo {
        kind: i32,
        time_elapsed: u64,
        time_remaining: u64,
        data_total: u64,
        data_processed: u64,
        data_remaining: u64,
        mem_total: u64,
        mem_processed: u64,
        mem_remaining: u64,
        file_total: u64,
        file_processed: u64,
        file_remaining: u64,
    }
    /// The kind of job and what there is to say of it.
    JobStats { kind: i32, params: List<TypedParam, JOB_STATS_MAX> }
}

procedures! { ROWS: Domain {
    163 LOW  DomainGetJobInfo READS [Domain: Read] (Domain) -> JobInfo;
    164 LOW  DomainAbortJob WRITES [Domain: Write] (Domain) -> ();
    298 LOW  DomainGetJobStats READS [Domain: Read] (DomainFlags) -> JobStats;
    442 LOW  DomainAbortJobFlags WRITES [Domain: Write] (DomainFlags) -> ();
} }
