//! Calls that move a domain to another host: version 3 of libvirt's protocol, with
//! and without typed parameters, and version 1, which its driver for XenD had. What
//! was between them is known by name.

use crate::calls::DomainFlags;
use crate::calls::table::procedures;
use crate::objects::Domain;
use crate::typed_param::TypedParam;
use crate::xdr::{List, Opaque, record};

/// What one host tells the other by way of the client, at most 4 MiB.
pub type Cookie = Opaque<4_194_304>;
/// Parameters of a migration.
pub type MigrateParams = List<TypedParam, 64>;

/// `virDomainMigrateFlags`, as far as Xen's drivers know them.
pub mod migrate_flags {
    /// The guest runs on meanwhile.
    pub const LIVE: u32 = 1;
    /// The source's daemon is the client of the destination's.
    pub const PEER2PEER: u32 = 2;
    /// The memory goes through the connection of the two.
    pub const TUNNELLED: u32 = 4;
    /// It is defined at the destination.
    pub const PERSIST_DEST: u32 = 8;
    /// Its definition at the source is removed.
    pub const UNDEFINE_SOURCE: u32 = 16;
    /// It is paused when it has come.
    pub const PAUSED: u32 = 32;
    /// What may go wrong with shared disks is not looked at.
    pub const UNSAFE: u32 = 512;
}

record! {
    /// Arguments of `virDomainMigrateBegin3`.
    Begin3 { dom: Domain, xmlin: Option<String>, flags: u64, dname: Option<String>, resource: u64 }
    /// The same with typed parameters.
    Begin3Params { dom: Domain, params: MigrateParams, flags: u32 }
    /// What the source says to begin with.
    Begun { cookie_out: Cookie, xml: String }
    /// Arguments of `virDomainMigratePrepare3`.
    Prepare3 {
        cookie_in: Cookie,
        uri_in: Option<String>,
        flags: u64,
        dname: Option<String>,
        resource: u64,
        dom_xml: String,
    }
    /// The same with typed parameters, also for tunnels.
    Prepare3Params { params: MigrateParams, cookie_in: Cookie, flags: u32 }
    /// Where the destination listens.
    Prepared { cookie_out: Cookie, uri_out: Option<String> }
    /// Arguments of `virDomainMigratePrepareTunnel3`.
    PrepareTunnel3 {
        cookie_in: Cookie,
        flags: u64,
        dname: Option<String>,
        resource: u64,
        dom_xml: String,
    }
    /// Arguments of `virDomainMigratePerform3`.
    Perform3 {
        dom: Domain,
        xmlin: Option<String>,
        cookie_in: Cookie,
        dconnuri: Option<String>,
        uri: Option<String>,
        flags: u64,
        dname: Option<String>,
        resource: u64,
    }
    /// The same with typed parameters.
    Perform3Params {
        dom: Domain,
        dconnuri: Option<String>,
        params: MigrateParams,
        cookie_in: Cookie,
        flags: u32,
    }
    /// Arguments of `virDomainMigrateFinish3`.
    Finish3 {
        dname: String,
        cookie_in: Cookie,
        dconnuri: Option<String>,
        uri: Option<String>,
        flags: u64,
        cancelled: i32,
    }
    /// The same with typed parameters.
    Finish3Params { params: MigrateParams, cookie_in: Cookie, flags: u32, cancelled: i32 }
    /// The domain at the destination.
    Finished { dom: Domain, cookie_out: Cookie }
    /// Arguments of `virDomainMigrateConfirm3`.
    Confirm3 { dom: Domain, cookie_in: Cookie, flags: u64, cancelled: i32 }
    /// The same with typed parameters.
    Confirm3Params {
        dom: Domain,
        params: MigrateParams,
        cookie_in: Cookie,
        flags: u32,
        cancelled: i32,
    }
    /// Arguments of `virDomainMigratePrepare`.
    Prepare { uri_in: Option<String>, flags: u64, dname: Option<String>, resource: u64 }
    /// Arguments of `virDomainMigratePerform`.
    Perform {
        dom: Domain,
        cookie: Cookie,
        uri: String,
        flags: u64,
        dname: Option<String>,
        resource: u64,
    }
    /// Arguments of `virDomainMigrateFinish`.
    Finish { dname: String, cookie: Cookie, uri: String, flags: u64 }
    /// A domain and a limit: MiB/s, milliseconds or bytes.
    LimitArguments { dom: Domain, value: u64, flags: u32 }
}

procedures! { ROWS: Domain {
     61 LOW  DomainMigratePrepare WRITES [Domain: Migrate, Start, Write] (Prepare) -> Prepared;
     62 LOW  DomainMigratePerform WRITES [Domain: Migrate] (Perform) -> ();
     63 LOW  DomainMigrateFinish WRITES [Domain: Migrate] (Finish) -> Domain;
    108 LOW  DomainMigratePrepare2 WRITES [Domain: Migrate, Start, Write];
    109 LOW  DomainMigrateFinish2 WRITES [Domain: Migrate];
    148 LOW  DomainMigratePrepareTunnel WRITES [Domain: Migrate, Start, Write];
    166 LOW  DomainMigrateSetMaxDowntime WRITES [Domain: Migrate] (LimitArguments) -> ();
    207 LOW  DomainMigrateSetMaxSpeed WRITES [Domain: Migrate] (LimitArguments) -> ();
    213 LOW  DomainMigrateBegin3 WRITES [Domain: Migrate] (Begin3) -> Begun;
    214 LOW  DomainMigratePrepare3 WRITES [Domain: Migrate, Start, Write] (Prepare3) -> Prepared;
    215 LOW  DomainMigratePrepareTunnel3 WRITES [Domain: Migrate, Start, Write]
        (PrepareTunnel3) -> Cookie;
    216 LOW  DomainMigratePerform3 WRITES [Domain: Migrate] (Perform3) -> Cookie;
    217 LOW  DomainMigrateFinish3 WRITES [Domain: Migrate] (Finish3) -> Finished;
    218 LOW  DomainMigrateConfirm3 WRITES [Domain: Migrate] (Confirm3) -> ();
    242 LOW  DomainMigrateGetMaxSpeed WRITES [Domain: Migrate] (DomainFlags) -> u64;
    299 LOW  DomainMigrateGetCompressionCache READS [Domain: Migrate] (DomainFlags) -> u64;
    300 LOW  DomainMigrateSetCompressionCache WRITES [Domain: Migrate] (LimitArguments) -> ();
    302 LOW  DomainMigrateBegin3Params WRITES [Domain: Migrate] (Begin3Params) -> Begun;
    303 LOW  DomainMigratePrepare3Params WRITES [Domain: Migrate, Start, Write]
        (Prepare3Params) -> Prepared;
    304 LOW  DomainMigratePrepareTunnel3Params WRITES [Domain: Migrate, Start, Write]
        (Prepare3Params) -> Cookie;
    305 LOW  DomainMigratePerform3Params WRITES [Domain: Migrate] (Perform3Params) -> Cookie;
    306 LOW  DomainMigrateFinish3Params WRITES [Domain: Migrate] (Finish3Params) -> Finished;
    307 LOW  DomainMigrateConfirm3Params WRITES [Domain: Migrate] (Confirm3Params) -> ();
    364 LOW  DomainMigrateStartPostCopy WRITES [Domain: Migrate] (DomainFlags) -> ();
    387 LOW  DomainMigrateGetMaxDowntime READS [Domain: Migrate] (DomainFlags) -> u64;
} }
