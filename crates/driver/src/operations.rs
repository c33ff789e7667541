//! The table of operations: name, kind, permission, need, deadline.
//!
//! The call path, read-only refusal, access checks and later the dispatch of the
//! wire protocol and the support matrix all come from this one table. What an
//! operation does is in `domain/` and `node`.

use std::time::Duration;

/// Which job an operation runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// None: it reads and never waits for anybody's job.
    None,
    /// The domain's job, short.
    Modify,
    /// The domain's job, long: reports progress and can be cancelled.
    Long,
}

/// In which state an operation needs the domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Any, or there is no domain yet.
    Any,
    /// Active.
    Active,
    /// Not active.
    Inactive,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct OperationRow {
    /// libvirt's name of the driver call.
    pub name: &'static str,
    /// How messages and job lists call it.
    pub verb: &'static str,
    /// It changes something: refused on a read-only connection.
    pub writes: bool,
    /// Permission in libvirt's words, `object.permission`.
    pub permission: &'static str,
    /// The job it runs as.
    pub job: JobKind,
    /// The state in which it needs the domain.
    pub need: Need,
    /// It can be done to Domain-0.
    pub domain0: bool,
    /// Longest time that it may take.
    pub deadline: Duration,
}

macro_rules! operations {
    ($($operation:ident: $name:literal, $verb:literal, $writes:literal, $permission:literal,
       $job:ident, $need:ident, $domain0:literal, $seconds:literal;)*) => {
        /// An operation of the driver.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Operation {
            $(#[doc = concat!("`", $name, "`")] $operation,)*
        }

        impl Operation {
            /// All operations.
            pub const ALL: &'static [Self] = &[$(Self::$operation),*];

            /// Its row of the table.
            #[must_use]
            pub const fn row(self) -> OperationRow {
                match self {
                    $(Self::$operation => OperationRow {
                        name: $name,
                        verb: $verb,
                        writes: $writes,
                        permission: $permission,
                        job: JobKind::$job,
                        need: Need::$need,
                        domain0: $domain0,
                        deadline: Duration::from_secs($seconds),
                    },)*
                }
            }
        }
    };
}

operations! {
    // operation: libvirt's call, verb, writes, permission, job, need, Domain-0, seconds
    List: "connectListAllDomains", "list", false, "connect.search-domains", None, Any, true, 30;
    Lookup: "domainLookupByName", "look-up", false, "domain.getattr", None, Any, true, 30;
    Info: "domainGetInfo", "info", false, "domain.read", None, Any, true, 30;
    XmlDesc: "domainGetXMLDesc", "dumpxml", false, "domain.read", None, Any, true, 30;
    XmlDescSecure: "domainGetXMLDesc", "dumpxml with secrets", false, "domain.read-secure", None, Any, true, 30;
    GetMetadata: "domainGetMetadata", "metadata query", false, "domain.read", None, Any, true, 30;
    GetAutostart: "domainGetAutostart", "autostart query", false, "domain.read", None, Any, true, 30;
    GetVcpus: "domainGetVcpus", "vcpuinfo", false, "domain.read", None, Any, true, 30;
    NumaParameters: "domainGetNumaParameters", "numatune", false, "domain.read", None, Active, true, 30;
    GetScheduler: "domainGetSchedulerParametersFlags", "schedinfo", false, "domain.read", None, Any, true, 30;
    Screenshot: "domainScreenshot", "screenshot", true, "domain.screenshot", None, Active, false, 30;
    OpenConsole: "domainOpenConsole", "console", true, "domain.open-device", None, Active, true, 30;
    VncDisplay: "domainGetXMLDesc", "vncdisplay", false, "domain.read", None, Active, true, 30;
    NodeInfo: "nodeGetInfo", "nodeinfo", false, "connect.read", None, Any, true, 30;
    Capabilities: "connectGetCapabilities", "capabilities", false, "connect.read", None, Any, true, 30;
    DomainCapabilities: "connectGetDomainCapabilities", "domcapabilities", false, "connect.write", None, Any, true, 30;
    CompareCpu: "connectCompareCPU", "cpu-compare", false, "connect.read", None, Any, true, 30;
    BaselineCpu: "connectBaselineCPU", "cpu-baseline", false, "connect.read", None, Any, true, 30;
    CpuModels: "connectGetCPUModelNames", "cpu-models", false, "connect.read", None, Any, true, 30;
    FreeMemory: "nodeGetCellsFreeMemory", "freecell", false, "connect.read", None, Any, true, 30;
    CpuPools: "virtxenCpuPools", "cpupool-list", false, "connect.read", None, Any, true, 30;
    BlockStats: "domainBlockStats", "domblkstat", false, "domain.read", None, Active, true, 30;
    BlockInfo: "domainGetBlockInfo", "domblkinfo", false, "domain.read", None, Any, true, 30;
    BlockPeek: "domainBlockPeek", "block peek", true, "domain.block-read", None, Any, true, 30;
    InterfaceAddresses: "domainInterfaceAddresses", "domifaddr", false, "domain.read", None, Active, true, 30;
    InterfaceStats: "domainInterfaceStats", "domifstat", false, "domain.read", None, Active, true, 30;
    MemoryStats: "domainMemoryStats", "dommemstat", false, "domain.read", None, Active, true, 30;
    CpuStats: "domainGetCPUStats", "cpu-stats", false, "domain.read", None, Active, true, 30;
    AllStats: "connectGetAllDomainStats", "domstats", false, "connect.search-domains", None, Any, true, 30;
    NodeCpuStats: "nodeGetCPUStats", "nodecpustats", false, "connect.read", None, Any, true, 30;
    NodeMemoryStats: "nodeGetMemoryStats", "nodememstats", false, "connect.read", None, Any, true, 30;
    FromNative: "connectDomainXMLFromNative", "domxml-from-native", false, "connect.write", None, Any, true, 30;
    ToNative: "connectDomainXMLToNative", "domxml-to-native", false, "connect.write", None, Any, true, 30;
    Snapshots: "domainListAllSnapshots", "snapshot-list", false, "domain.read", None, Any, true, 30;
    SnapshotXml: "domainSnapshotGetXMLDesc", "snapshot-dumpxml", false, "domain.read", None, Any, true, 30;
    SnapshotXmlSecure: "domainSnapshotGetXMLDesc", "snapshot-dumpxml with secrets", false, "domain.read-secure", None, Any, true, 30;
    JobStats: "domainGetJobStats", "domjobinfo", false, "domain.read", None, Any, true, 30;
    AbortJob: "domainAbortJob", "domjobabort", true, "domain.write", None, Active, true, 30;
    Events: "connectDomainEventRegisterAny", "event", false, "connect.search-domains", None, Any, true, 30;

    Create: "domainCreateXML", "create", true, "domain.start", Modify, Any, false, 300;
    Define: "domainDefineXMLFlags", "define", true, "domain.write", Modify, Any, false, 60;
    Undefine: "domainUndefineFlags", "undefine", true, "domain.delete", Modify, Any, false, 60;
    Start: "domainCreateWithFlags", "start", true, "domain.start", Modify, Inactive, false, 300;
    Suspend: "domainSuspend", "suspend", true, "domain.suspend", Modify, Active, false, 60;
    Resume: "domainResume", "resume", true, "domain.suspend", Modify, Active, false, 60;
    PmSuspend: "domainPMSuspendForDuration", "dompmsuspend", true, "domain.pm-control", Modify, Active, false, 150;
    PmWakeup: "domainPMWakeup", "dompmwakeup", true, "domain.pm-control", Modify, Active, false, 60;
    Shutdown: "domainShutdownFlags", "shutdown", true, "domain.init-control", Modify, Active, false, 60;
    Reboot: "domainReboot", "reboot", true, "domain.init-control", Modify, Active, false, 60;
    Destroy: "domainDestroyFlags", "destroy", true, "domain.stop", Modify, Active, false, 120;
    Reset: "domainReset", "reset", true, "domain.reset", Modify, Active, false, 300;
    TakeDown: "virtxenTakeDown", "take-down", true, "domain.stop", Modify, Active, false, 3600;
    SendKey: "domainSendKey", "send-key", true, "domain.send-input", Modify, Active, false, 60;
    InjectNmi: "domainInjectNMI", "inject-nmi", true, "domain.inject-nmi", Modify, Active, false, 60;
    Rename: "domainRename", "rename", true, "domain.write", Modify, Inactive, false, 60;
    SetMetadata: "domainSetMetadata", "metadata", true, "domain.write", Modify, Any, false, 60;
    SetAutostart: "domainSetAutostart", "autostart", true, "domain.write", Modify, Any, false, 60;
    SetMemory: "domainSetMemoryFlags", "setmem", true, "domain.write", Modify, Any, true, 60;
    SetMaxMemory: "domainSetMaxMemory", "setmaxmem", true, "domain.write", Modify, Any, true, 60;
    SetVcpus: "domainSetVcpusFlags", "setvcpus", true, "domain.write", Modify, Any, true, 60;
    PlugVcpus: "domainSetVcpu", "setvcpu", true, "domain.write", Modify, Any, false, 60;
    PinVcpu: "domainPinVcpuFlags", "vcpupin", true, "domain.write", Modify, Any, true, 60;
    SetScheduler: "domainSetSchedulerParametersFlags", "schedinfo --set", true, "domain.write", Modify, Any, true, 60;
    ChangeCpuPool: "virtxenCpuPoolChange", "cpupool change", true, "connect.write", None, Any, true, 60;
    MoveToCpuPool: "virtxenCpuPoolMove", "cpupool-migrate", true, "domain.write", Modify, Active, false, 60;
    DetachNodeDevice: "nodeDeviceDetachFlags", "nodedev-detach", true, "node-device.detach", None, Any, true, 120;
    ReattachNodeDevice: "nodeDeviceReAttach", "nodedev-reattach", true, "node-device.detach", None, Any, true, 120;
    ResetNodeDevice: "nodeDeviceReset", "nodedev-reset", true, "node-device.detach", None, Any, true, 120;
    AttachDevice: "domainAttachDeviceFlags", "attach-device", true, "domain.write", Modify, Any, false, 150;
    DetachDevice: "domainDetachDeviceFlags", "detach-device", true, "domain.write", Modify, Any, false, 150;
    UpdateDevice: "domainUpdateDeviceFlags", "update-device", true, "domain.write", Modify, Any, false, 60;

    Save: "domainSaveFlags", "save", true, "domain.hibernate", Long, Active, false, 3600;
    Restore: "domainRestoreFlags", "restore", true, "domain.start", Long, Any, false, 3600;
    ManagedSaveRemove: "domainManagedSaveRemove", "managedsave-remove", true, "domain.hibernate", Modify, Any, false, 60;
    SaveImageXml: "domainSaveImageGetXMLDesc", "save-image-dumpxml", false, "domain.read-secure", None, Any, true, 60;
    SaveImageDefine: "domainSaveImageDefineXML", "save-image-define", true, "domain.hibernate", Long, Any, true, 3600;
    CoreDump: "domainCoreDump", "dump", true, "domain.core-dump", Long, Active, false, 3600;
    SnapshotCreate: "domainSnapshotCreateXML", "snapshot-create", true, "domain.snapshot", Long, Any, false, 3600;
    SnapshotRevert: "domainRevertToSnapshot", "snapshot-revert", true, "domain.snapshot", Long, Any, false, 3600;
    SnapshotDelete: "domainSnapshotDelete", "snapshot-delete", true, "domain.snapshot", Long, Any, false, 3600;
    MigrateBegin: "domainMigrateBegin3Params", "begin of migration", true, "domain.migrate", None, Active, false, 30;
    MigratePrepare: "domainMigratePrepare3Params", "preparation of migration", true, "domain.migrate", None, Any, false, 30;
    MigrateFinish: "domainMigrateFinish3Params", "end of migration", true, "domain.migrate", Modify, Any, false, 120;
    MigrateConfirm: "domainMigrateConfirm3Params", "confirmation of migration", true, "domain.migrate", Modify, Any, false, 120;
    Migrate: "domainMigratePerform", "migrate", true, "domain.migrate", Long, Active, false, 14400;
}

impl Operation {
    /// How messages call it.
    #[must_use]
    pub const fn verb(self) -> &'static str {
        self.row().verb
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_takes_a_job_writes() {
        for operation in Operation::ALL {
            let row = operation.row();
            assert!(
                row.job == JobKind::None || row.writes,
                "{operation:?} takes a job and is called a read"
            );
            assert!(row.permission.contains('.'), "{operation:?}");
        }
    }

    #[test]
    fn verbs_tell_operations_apart() {
        let mut verbs: Vec<_> = Operation::ALL.iter().map(|o| o.verb()).collect();
        verbs.sort_unstable();
        let count = verbs.len();
        verbs.dedup();
        assert_eq!(verbs.len(), count);
    }
}
