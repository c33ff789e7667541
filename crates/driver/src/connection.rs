//! What a front end asks of a host, as a trait: the driver here and the client of a
//! daemon elsewhere answer the same calls, so that a command is written once.
//!
//! The calls are one list (`connection_calls`); what each
//! does is beside the type that does it, as a method of the same name.

/// The types of the calls. The trait is not among them: where it is in scope, a type
/// without a method of its own for a call would find the trait's, which asks the type.
pub mod types {
    pub use crate::{
        Accepted, Affect, AllStats, BlockEntry, ConsoleStream, Converted, CpuComparison, CpuStats,
        CreateFlags, DefineFlags, DiskImage, Domain, DomainKey, DomainQuery, DumpFlags, FreeMemory,
        InterfaceAddress, InterfaceEntry, JobStats, ListFilter, MemoryTag, MetadataChange,
        MetadataKind, MigrateFlags, Monitor, NativeFormat, NodeCpuStats, NodeInfo, NodeMemoryStats,
        Result, ShutdownMode, SleepTarget, SnapshotDeletion, SnapshotEntry, SnapshotFlags,
        SnapshotRevert, StatsGroups, Subscription, TypedParameter, UndefineFlags, VcpuCounts,
        VcpuInfo, XmlFlags,
    };
    pub use async_trait::async_trait;
    pub use std::borrow::Cow;
    pub use std::path::{Path, PathBuf};
    pub use std::sync::Arc;
    pub use std::time::Duration;
    pub use virtxen_guest::{Guest, MemoryKib, Problem};
    pub use virtxen_host::{
        CpuPools, DiskCounters, Host, InterfaceCounters, VncServer, XenVersion,
    };
}

use types::*;

/// Hands the list of calls to a macro, behind the tokens in brackets. A call that is
/// added here is added as a method of [`Driver`](crate::Driver) and of the daemon's
/// client too; the compiler says so.
#[macro_export]
#[doc(hidden)]
macro_rules! connection_calls {
    ($to:path, [$($first:tt)*]) => { $to! { [$($first)*]
        // Domains.
        /// The domains that the filter takes.
        list(filter: &ListFilter) -> Vec<Domain>;
        /// The domain of a key.
        lookup(key: &DomainKey) -> Domain;
        /// The domain that a person means: by number, by uuid, by name, in this order.
        find(text: &str) -> Domain;
        /// Gives an inactive domain another name.
        rename(key: &DomainKey, new_name: &str) -> ();

        // Life cycle.
        /// Starts a defined domain.
        start(key: &DomainKey, paused: bool) -> ();
        /// Pauses a domain.
        suspend(key: &DomainKey) -> ();
        /// Lets a paused domain run on.
        resume(key: &DomainKey) -> ();
        /// Puts a guest to sleep.
        pm_suspend(key: &DomainKey, target: SleepTarget) -> ();
        /// Wakes up a guest that sleeps.
        pm_wakeup(key: &DomainKey) -> ();
        /// Asks a guest to shut down.
        shutdown(key: &DomainKey, mode: ShutdownMode) -> ();
        /// Asks a guest to reboot.
        reboot(key: &DomainKey, mode: ShutdownMode) -> ();
        /// Ends a domain at once.
        destroy(key: &DomainKey) -> ();
        /// Ends a domain at once and starts it again.
        reset(key: &DomainKey) -> ();
        /// Presses keys, in Linux's codes, and lets go of them after some time.
        send_keys(key: &DomainKey, codes: &[u32], hold: Duration) -> ();
        /// Sends a guest a non-maskable interrupt.
        inject_nmi(key: &DomainKey) -> ();
        /// Removes the definition of an inactive domain.
        undefine(key: &DomainKey) -> ();
        /// Removes the definition and what else there is of a domain.
        undefine_with(key: &DomainKey, flags: UndefineFlags) -> ();
        /// Starts a defined domain, whatever `managed_save` has put away.
        start_anew(key: &DomainKey, paused: bool) -> ();
        /// Whether a domain is started with the host.
        autostart(key: &DomainKey) -> bool;
        /// Starts a domain with the host, or no longer.
        set_autostart(key: &DomainKey, autostart: bool) -> ();

        // Documents.
        /// A domain as libvirt's XML.
        xml_desc(key: &DomainKey, flags: XmlFlags) -> String;
        /// A domain as a guest, with or without passwords.
        guest(key: &DomainKey, secure: bool) -> Guest;
        /// What there is to say of a domain beside its document.
        messages(key: &DomainKey) -> Vec<String>;
        /// Starts a domain that is gone when it ends.
        create_xml(xml: &str, flags: CreateFlags) -> Accepted;
        /// Defines a domain or changes its definition.
        define_xml(xml: &str, flags: DefineFlags) -> Accepted;
        /// libvirt's XML of a native configuration of the host's release.
        xml_from_native(format: NativeFormat, text: &str) -> Converted;
        /// A native configuration of the host's release, of libvirt's XML.
        xml_to_native(format: NativeFormat, xml: &str) -> Converted;

        /// Title, description or an element of the metadata.
        metadata(
            key: &DomainKey, kind: MetadataKind, uri: Option<&str>, affect: Affect
        ) -> String;
        /// Changes or removes title, description or an element of the metadata.
        set_metadata(key: &DomainKey, change: &MetadataChange, affect: Affect) -> ();

        // Devices.
        /// Adds a device.
        attach_device(key: &DomainKey, xml: &str, affect: Affect) -> ();
        /// Removes a device.
        detach_device(key: &DomainKey, xml: &str, affect: Affect) -> ();
        /// Changes a device.
        update_device(key: &DomainKey, xml: &str, affect: Affect) -> ();
        /// What of a device's XML would be lost.
        device_losses(key: &DomainKey, xml: &str, strict: bool)
            -> Vec<Problem>;
        /// The disks of a domain; with `inactive` as it is defined.
        block_list(key: &DomainKey, inactive: bool) -> Vec<BlockEntry>;
        /// The interfaces of a domain; with `inactive` as it is defined.
        interface_list(key: &DomainKey, inactive: bool) -> Vec<InterfaceEntry>;

        /// How large a disk is.
        block_info(key: &DomainKey, disk: &str) -> DiskImage;
        /// The interfaces of a running domain and the addresses behind them.
        interface_addresses(key: &DomainKey) -> Vec<InterfaceAddress>;

        // Memory, vcpus, scheduler.
        /// Sets the memory of a domain.
        set_memory(
            key: &DomainKey, memory: MemoryKib, affect: Affect
        ) -> ();
        /// Sets the most memory that a domain may have.
        set_max_memory(
            key: &DomainKey, limit: MemoryKib, affect: Affect
        ) -> ();
        /// Number of vcpus, now and at most.
        vcpu_counts(key: &DomainKey, affect: Affect) -> VcpuCounts;
        /// Sets how many vcpus are online.
        set_vcpus(key: &DomainKey, count: u32, affect: Affect) -> ();
        /// Sets how many vcpus there may be.
        set_max_vcpus(key: &DomainKey, count: u32, affect: Affect) -> ();
        /// Takes some vcpus online or offline.
        plug_vcpus(key: &DomainKey, vcpus: &[u32], online: bool, affect: Affect) -> ();
        /// The vcpus: what they do and where.
        vcpus(key: &DomainKey) -> Vec<VcpuInfo>;
        /// Binds a vcpu to processors.
        pin_vcpu(key: &DomainKey, vcpu: u32, cpus: &[u32], affect: Affect) -> ();
        /// Says on which processors a vcpu should rather run.
        pin_vcpu_softly(key: &DomainKey, vcpu: u32, cpus: &[u32], affect: Affect) -> ();
        /// The processors on which each vcpu should rather run.
        soft_affinity(key: &DomainKey) -> Vec<Vec<u32>>;
        /// The scheduler's name and the domain's parameters under it.
        scheduler(key: &DomainKey)
            -> (Cow<'static, str>, Vec<TypedParameter>);
        /// Sets some of the domain's scheduler parameters.
        set_scheduler(
            key: &DomainKey, changes: &[TypedParameter], affect: Affect
        ) -> ();

        // Files and other hosts.
        /// Writes the domain to a file and ends it.
        save(key: &DomainKey, file: &Path, monitor: &Monitor) -> ();
        /// Starts the domain of a file.
        restore(file: &Path, monitor: &Monitor) -> ();
        /// As `save`, with another document in the file.
        save_as(key: &DomainKey, file: &Path, xml: &str, monitor: &Monitor) -> ();
        /// As `restore`, with another document than the file's.
        restore_as(file: &Path, xml: &str, monitor: &Monitor) -> ();
        /// The document in a file of `save`.
        image_xml(file: &Path, secure: bool) -> String;
        /// Changes the document in a file of `save`.
        define_image(file: &Path, xml: &str) -> ();
        /// Puts a domain away; it goes on from there when it is started.
        managed_save(key: &DomainKey, monitor: &Monitor) -> ();
        /// Whether a domain was put away.
        has_managed_save(key: &DomainKey) -> bool;
        /// Removes what was put away.
        managed_save_remove(key: &DomainKey) -> ();
        /// The document in what was put away.
        managed_save_xml(key: &DomainKey, secure: bool) -> String;
        /// Changes the document in what was put away.
        define_managed_save(key: &DomainKey, xml: &str) -> ();
        /// Takes a snapshot of a domain, which gets the name that is returned.
        snapshot_create(
            key: &DomainKey, xml: &str, flags: SnapshotFlags, monitor: &Monitor
        ) -> String;
        /// The snapshots of a domain, parents before their children.
        snapshots(key: &DomainKey) -> Vec<SnapshotEntry>;
        /// A snapshot as libvirt's XML.
        snapshot_xml(key: &DomainKey, name: &str, secure: bool) -> String;
        /// Goes back to a snapshot, and returns warnings.
        snapshot_revert(
            key: &DomainKey, name: &str, flags: SnapshotRevert, monitor: &Monitor
        ) -> Vec<String>;
        /// Removes a snapshot, and returns warnings.
        snapshot_delete(
            key: &DomainKey, name: &str, flags: SnapshotDeletion, monitor: &Monitor
        ) -> Vec<String>;
        /// Writes the memory of a domain to a file.
        dump(
            key: &DomainKey, file: &Path, flags: DumpFlags,
            monitor: &Monitor
        ) -> ();
        /// Moves a domain to another host.
        migrate(
            key: &DomainKey, destination: &str, flags: MigrateFlags,
            monitor: &Monitor
        ) -> ();

        /// How the long operation goes that a domain is in.
        job_stats(key: &DomainKey) -> Option<JobStats>;
        /// How a domain's last long operation went; it is forgotten unless `keep`.
        completed_job(key: &DomainKey, keep: bool) -> Option<JobStats>;
        /// Gives up the long operation that a domain is in.
        abort_job(key: &DomainKey) -> ();

        // Numbers and events.
        /// Statistics of all domains that the filter takes.
        all_stats(filter: &ListFilter, groups: StatsGroups, enforced: bool)
            -> AllStats;
        /// Statistics of these domains.
        stats_of(keys: &[DomainKey], groups: StatsGroups, enforced: bool)
            -> AllStats;
        /// What went through a disk, or through all.
        block_stats(key: &DomainKey, device: &str) -> DiskCounters;
        /// What went through an interface.
        interface_stats(key: &DomainKey, device: &str) -> InterfaceCounters;
        /// What is known of the memory of a running domain.
        memory_stats(key: &DomainKey)
            -> Vec<(MemoryTag, MemoryKib)>;
        /// Processor time of a running domain.
        cpu_stats(key: &DomainKey) -> CpuStats;
        /// Events from now on.
        subscribe() -> Subscription;

        // Consoles.
        /// The terminal of a guest's first console, on the host's machine.
        console(key: &DomainKey) -> PathBuf;
        /// What a guest's screen shows, as a PNG.
        screenshot(key: &DomainKey, screen: u32) -> Vec<u8>;
        /// The first console as bytes, where it is not a terminal of this machine; with
        /// `force` whoever has it loses it.
        open_console(key: &DomainKey, force: bool) -> Option<ConsoleStream>;
        /// Where the guest's VNC server listens.
        vnc(key: &DomainKey) -> Option<VncServer>;

        // The host.
        /// The machine in libvirt's numbers.
        node_info() -> NodeInfo;
        /// What the host can run, as libvirt's document.
        capabilities() -> String;
        /// What guests of one kind can be made of, as libvirt's document.
        domain_capabilities(query: &DomainQuery<'_>) -> String;
        /// Compares the host's processors with those of a `<cpu>` document; with `must_run`
        /// it is an error that the host cannot run it.
        compare_cpu(xml: &str, must_run: bool) -> CpuComparison;
        /// What processors of `<cpu>` documents have in common, as such a document.
        baseline_cpu(xmls: &[String], expand: bool, migratable: bool) -> String;
        /// Names of the models of an architecture.
        cpu_models(arch: &str) -> Vec<String>;
        /// Memory that no domain has.
        free_memory() -> FreeMemory;
        /// The host's name.
        hostname() -> String;
        /// How the time of a processor, or of all, was spent.
        node_cpu_stats(cpu: Option<u32>) -> NodeCpuStats;
        /// Memory of a NUMA node or of the machine.
        node_memory_stats(cell: Option<u32>) -> NodeMemoryStats;
        /// Takes a PCI device from the host's driver for guests.
        detach_node_device(device: &str, driver: Option<&str>) -> ();
        /// Gives a PCI device back to the host's drivers.
        reattach_node_device(device: &str) -> ();
        /// Resets a PCI device.
        reset_node_device(device: &str) -> ();
        /// The cpupools.
        cpu_pools() -> CpuPools;
        /// Makes a cpupool.
        create_cpu_pool(name: &str, scheduler: Option<&str>, cpus: &[u32]) -> u32;
        /// Removes a cpupool.
        destroy_cpu_pool(pool: &str) -> ();
        /// Gives a processor to a cpupool.
        add_to_cpu_pool(pool: &str, cpu: u32) -> ();
        /// Takes a processor out of a cpupool.
        remove_from_cpu_pool(pool: &str, cpu: u32) -> ();
        /// Moves a domain to a cpupool.
        move_to_cpu_pool(key: &DomainKey, pool: &str) -> ();
    } };
}

macro_rules! declare {
    ([] $(
        $(#[$doc:meta])*
        $name:ident($($argument:ident: $type:ty),*) -> $result:ty;
    )*) => {
        /// A host, here or behind a daemon.
        #[async_trait]
        pub trait Connection: Send + Sync {
            /// The hypervisor's version.
            fn version(&self) -> XenVersion;

            /// Whether the host exists in memory only.
            fn is_simulated(&self) -> bool;

            /// Whether guests that have shut down are seen to, by the host or some
            /// program.
            fn is_taken_down(&self) -> bool;

            /// The host itself, for what has no words in libvirt: routes, channels,
            /// XenStore. None behind a daemon.
            fn host(&self) -> Option<&Arc<dyn Host>>;

            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// What the host, the domain's state or the caller's rights say.
                async fn $name(&self $(, $argument: $type)*) -> Result<$result>;
            )*
        }
    };
}

/// Makes each call that of the type's own method of this name; a type that lacks one does
/// not compile. The module keeps the trait of the place around it out of scope.
#[macro_export]
#[doc(hidden)]
macro_rules! delegate_connection {
    ([$own:ty] $(
        $(#[$doc:meta])*
        $name:ident($($argument:ident: $type:ty),*) -> $result:ty;
    )*) => {
        mod delegated {
            use $crate::connection::types::*;

            #[async_trait]
            impl $crate::Connection for $own {
                fn version(&self) -> XenVersion {
                    <$own>::version(self)
                }

                fn is_simulated(&self) -> bool {
                    <$own>::is_simulated(self)
                }

                fn is_taken_down(&self) -> bool {
                    <$own>::is_taken_down(self)
                }

                fn host(&self) -> Option<&Arc<dyn Host>> {
                    <$own>::reached_host(self)
                }

                $(
                    async fn $name(&self $(, $argument: $type)*) -> Result<$result> {
                        <$own>::$name(self $(, $argument)*).await
                    }
                )*
            }
        }
    };
}

connection_calls! { declare, [] }
connection_calls! { delegate_connection, [crate::Driver] }
