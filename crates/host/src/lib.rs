//! The seam between a Xen host and everything above it.
//!
//! [`Host`] is what the driver knows of Xen: operations in Xen's words on plain
//! types. Which channel serves an operation is fixed when a host is opened.
//! Nothing here knows libvirt's calls, flags or error codes.
#![forbid(unsafe_code)]

mod carried;
mod change;
mod channels;
mod cpupool;
mod disk_snapshots;
mod ending;
mod error;
mod event;
mod files;
mod folders;
mod guest_files;
mod hypercall;
mod libxl;
mod probe;
mod routes;
mod seen;
mod statistics;
mod trace;
mod types;
mod xen;
mod xend;
mod xenstore;

pub use change::ConfigChange;
pub use channels::{Channels, Kept};
pub use cpupool::{CpuPool, CpuPoolControl, CpuPools};
pub use disk_snapshots::{DiskFile, DiskSnapshots};
pub use ending::{Ended, Ending};
pub use error::{Error, Result};
pub use event::{HostEvent, HostEvents};
pub use files::{DiskImage, FileSource, Neighbour, NodeFiles};
pub use folders::Folders;
pub use guest_files::{XM_FOLDER, make_folder, put_file, remove_file};
pub use hypercall::Machine;
pub use probe::{Address, LIBXL_WORKER, Opening, look, open, open_with};
pub use routes::LIFE_CYCLE;
pub use statistics::{
    ActiveDomain, Balloon, CpuTimes, DiskCounters, DiskStatistics, InterfaceCounters,
    InterfaceStatistics, MemoryPart, NodeMemory, ProcessorScope, ProcessorTimes, Traffic, VcpuTime,
};
pub use trace::{Request, Trace};
pub use types::{
    CpuPlace, DomainInfo, DomainState, DumpMode, Finding, MigrateOptions, Node, NodeTopology,
    RouteReport, Scheduler, ShutdownReason, Trigger, VcpuInfo, VncServer, XenVersion,
};
pub use virtxen_hypercall::{Arch, Gate};
pub use virtxen_libxl::Launch;
pub use virtxen_xend::Deadlines;
pub use virtxen_xenstore::{Store, Stream};
pub use xen::XenHost;
pub use xend::XendHost;

use std::os::fd::OwnedFd;
use std::path::Path;
use virtxen_formats::Note;
use virtxen_guest::{Device, DomId, Guest, MemoryKib, PciAddress, Uuid};

/// The TCP port on which XenD takes domains of other hosts unless its configuration
/// says otherwise.
const RELOCATION_PORT: u16 = 8002;

/// A Xen host.
///
/// A domain is addressed by its name; `domid` and `uuid` are found with
/// [`Host::domains`] and [`Host::inactive`]. Every call may wait for the host,
/// never longer than the deadline that the host was opened with for this kind of
/// operation, and none waits for another one.
#[async_trait::async_trait]
pub trait Host: Send + Sync {
    /// Whether this host exists in memory only; then every listing says so.
    fn is_simulated(&self) -> bool;

    /// Version of the hypervisor.
    fn version(&self) -> XenVersion;

    /// Which route each kind of operation takes, and why the others do not serve.
    fn routes(&self) -> Vec<RouteReport>;

    /// The channels that were looked for, and what each of them is.
    fn channels(&self) -> Vec<Finding> {
        Vec::new()
    }

    /// The host's XenStore, where it can be reached.
    fn xenstore(&self) -> Option<&Store> {
        None
    }

    /// What happens on the host, as it happens; `None` where no channel tells.
    async fn events(&self) -> Option<HostEvents> {
        None
    }

    /// Why an active domain that is gone has ended, as soon as all that points to it
    /// was read; `None` where nobody saw it end.
    async fn ending(&self, _domid: DomId) -> Option<Ending> {
        None
    }

    /// Whether domains that have shut down stay until somebody takes them down: XenD
    /// does that by itself, libxl leaves it to who had it start them.
    fn leaves_ended(&self) -> bool {
        false
    }

    /// Domains that have shut down and that nobody takes down who is not us: those that
    /// virtxen or libvirt had started.
    async fn ended(&self) -> Result<Vec<Ended>> {
        Ok(Vec::new())
    }

    /// Whether USB devices and their controllers are plugged, and PCI devices are taken
    /// from the host's drivers and given back: XenD does neither.
    fn plugs_host_devices(&self) -> bool {
        false
    }

    /// Whether [`Host::domains`] asks nobody who has the inactive domains, so that it
    /// costs little and goes on when XenD does not answer.
    fn lists_active_apart(&self) -> bool {
        false
    }

    /// The machine: processors, memory, scheduler, guest types.
    async fn node(&self) -> Result<Node>;

    /// What is in [`Node::guest_types`], without the rest where that costs less.
    async fn guest_types(&self) -> Result<Vec<String>> {
        Ok(self.node().await?.guest_types)
    }

    /// The name of the machine, where it is known without asking for all of that.
    fn host_name(&self) -> Option<String> {
        None
    }

    /// XenD's own log, newest part.
    async fn log(&self) -> Result<String>;

    /// What people should know about this connection: that it has no
    /// authentication, for one. Empty when all is well.
    fn warnings(&self) -> Vec<String>;

    /// The hypervisor's own messages, newest part.
    async fn dmesg(&self) -> Result<String>;

    /// All active domains, Domain-0 first, then by domid.
    async fn domains(&self) -> Result<Vec<DomainInfo>>;

    /// All domains from one look at the host: the active ones as
    /// [`Host::domains`] has them, then the inactive ones by name.
    async fn all_domains(&self) -> Result<Vec<DomainInfo>>;

    /// Those of [`Host::all_domains`] that have this name or this uuid: two when they are
    /// of different ones.
    async fn namesakes(&self, name: &str, uuid: Uuid) -> Result<Vec<DomainInfo>> {
        let mut domains = self.all_domains().await?;
        domains.retain(|domain| domain.name == name || domain.uuid == uuid);
        Ok(domains)
    }

    /// One active or inactive domain.
    async fn domain(&self, name: &str) -> Result<DomainInfo>;

    /// Names of the domains that are defined and not active, sorted.
    async fn inactive(&self) -> Result<Vec<String>>;

    /// The guest as it is now; for an inactive domain as it is defined.
    async fn guest(&self, name: &str) -> Result<Guest>;

    /// The guest as it is defined, which is what it will be at its next start.
    async fn defined(&self, name: &str) -> Result<Guest> {
        self.guest(name).await
    }

    /// What the toolstack keeps of a running domain that others have started and no
    /// document of libvirt's can say, by its place there. Of guests that were started
    /// from a document it is nothing.
    async fn unsaid(&self, _name: &str) -> Result<Vec<Note>> {
        Ok(Vec::new())
    }

    /// Whether a running domain was started from a document, which is kept with it, by
    /// this program or libvirt's own driver: domains of `xl` were not.
    async fn has_document(&self, _name: &str) -> Result<bool> {
        Ok(false)
    }

    /// Whether a running domain and what it is defined as are two things, each of
    /// which is changed alone: operations then change a running domain only, and
    /// [`Host::change_config`] its definition.
    fn keeps_config_apart(&self) -> bool {
        false
    }

    /// Whether what a guest is defined as is kept here as libvirt's document, with all
    /// that stands in it.
    fn keeps_documents(&self) -> bool {
        false
    }

    /// Changes what a guest is defined as; it may run meanwhile.
    async fn change_config(&self, _name: &str, change: &ConfigChange) -> Result<()> {
        Err(Error::Unsupported {
            operation: change.operation(),
            reason: "the host keeps one configuration for the running and the defined domain"
                .to_owned(),
        })
    }

    /// What of this guest the host would not carry, by its place in the document.
    async fn losses(&self, guest: &Guest) -> Result<Vec<Note>>;

    /// As [`Host::losses`], of a guest that is to be defined.
    async fn definition_losses(&self, guest: &Guest) -> Result<Vec<Note>> {
        self.losses(guest).await
    }

    /// As [`Host::losses`], of a device that is added to a running or defined guest,
    /// fully virtualized (`hvm`) or not.
    async fn device_losses(&self, device: &Device, hvm: bool) -> Result<Vec<Note>>;

    /// Starts a guest that is not to outlive its run. Devices are connected when
    /// this returns.
    async fn create(&self, guest: &Guest, paused: bool) -> Result<DomainInfo>;

    /// Adds a guest to the host's inactive ones, or replaces the one with its uuid.
    async fn define(&self, guest: &Guest) -> Result<()>;

    /// Removes an inactive guest.
    async fn undefine(&self, name: &str) -> Result<()>;

    /// Starts an inactive guest. XenD cannot start one `paused`: it is stopped at
    /// once and has run for a moment.
    async fn start(&self, name: &str, paused: bool) -> Result<()>;

    /// Stops the vcpus.
    async fn pause(&self, name: &str) -> Result<()>;

    /// Has a guest suspend itself by its drivers, or stops one that has none as if it slept;
    /// it goes on by [`Host::take_back`]. With libxl from Xen 4.11 on.
    async fn suspend(&self, name: &str) -> Result<()> {
        Err(routes::no_sleep(
            name,
            "XenD suspends a domain only to save it",
        ))
    }

    /// Lets the vcpus run on.
    async fn unpause(&self, name: &str) -> Result<()>;

    /// Asks the guest to shut down; returns when it has been asked. With libxl one that has
    /// no drivers for Xen is told of by [`Error::NoDrivers`].
    async fn shutdown(&self, name: &str, reason: ShutdownReason) -> Result<()>;

    /// Ends a domain at once and starts it again as it was.
    async fn reset(&self, name: &str) -> Result<()>;

    /// Presses a magic key: what Linux calls SysRq.
    async fn sysrq(&self, name: &str, key: char) -> Result<()>;

    /// Sends a guest an event of its machine.
    async fn trigger(&self, name: &str, trigger: Trigger) -> Result<()>;

    /// Takes some vcpus of a running domain online or offline.
    async fn plug_vcpus(&self, name: &str, vcpus: &[u32], online: bool) -> Result<()>;

    /// Ends a domain at once.
    async fn destroy(&self, name: &str) -> Result<()>;

    /// Writes the domain to a file and ends it.
    async fn save(&self, name: &str, file: &Path) -> Result<()>;

    /// Starts a domain from a file that [`Host::save`] wrote.
    async fn restore(&self, file: &Path) -> Result<()>;

    /// Writes the memory of a domain to a file.
    async fn dump(&self, name: &str, file: &Path, mode: DumpMode) -> Result<()>;

    /// Moves a domain to another host.
    async fn migrate(&self, name: &str, options: &MigrateOptions) -> Result<()>;

    /// The form of the streams in which domains are sent, where who calls makes the
    /// connections between hosts; `None` where the hosts do.
    fn stream_version(&self) -> Option<u32> {
        None
    }

    /// Sends a domain through a connection and leaves it suspended. When that fails it
    /// goes on.
    async fn send(&self, _name: &str, _stream: OwnedFd, _live: bool) -> Result<()> {
        Err(routes::no_streams())
    }

    /// Starts a guest, paused, that another host sends through a connection, in a stream
    /// of this form.
    async fn receive(&self, _guest: &Guest, _stream: OwnedFd, _version: u32) -> Result<()> {
        Err(routes::no_streams())
    }

    /// Lets a domain go on that was suspended, or sent and did not arrive.
    async fn take_back(&self, _name: &str) -> Result<()> {
        Err(routes::no_streams())
    }

    /// The TCP port on which the host takes domains of other hosts, where this program
    /// runs on the host and can see whether somebody listens there.
    fn relocation_port(&self) -> Option<u16> {
        None
    }

    /// Gives a domain another name.
    async fn rename(&self, name: &str, new_name: &str) -> Result<()>;

    /// Sets the balloon target.
    async fn set_memory(&self, name: &str, target: MemoryKib) -> Result<()>;

    /// Sets the most memory that the domain may have.
    async fn set_max_memory(&self, name: &str, limit: MemoryKib) -> Result<()>;

    /// Sets the number of online vcpus.
    async fn set_vcpus(&self, name: &str, count: u32) -> Result<()>;

    /// The vcpus: state, time, where they run and may run.
    async fn vcpus(&self, name: &str) -> Result<Vec<VcpuInfo>>;

    /// Limits a vcpu to these physical cpus.
    async fn pin_vcpu(&self, name: &str, vcpu: u32, cpus: &[u32]) -> Result<()>;

    /// Says on which physical cpus a vcpu should rather run; from Xen 4.5 on.
    async fn pin_vcpu_softly(&self, _name: &str, _vcpu: u32, _cpus: &[u32]) -> Result<()> {
        Err(routes::no_soft_affinity())
    }

    /// On which physical cpus each vcpu should rather run, by its number; from Xen 4.5 on.
    async fn soft_affinity(&self, _name: &str) -> Result<Vec<Vec<u32>>> {
        Err(routes::no_soft_affinity())
    }

    /// The domain's scheduler parameters.
    async fn scheduler(&self, name: &str) -> Result<Scheduler>;

    /// Sets the domain's scheduler parameters.
    async fn set_scheduler(&self, name: &str, scheduler: &Scheduler) -> Result<()>;

    /// The cpupools; from Xen 4.1 on, by hypercalls.
    fn cpu_pools(&self) -> Result<&dyn CpuPoolControl> {
        Err(routes::no_cpu_pools())
    }

    /// Adds a device and waits until it is connected.
    async fn attach(&self, name: &str, device: &Device) -> Result<()>;

    /// Changes a device that is there (another medium in a CD drive).
    async fn update(&self, name: &str, device: &Device) -> Result<()>;

    /// Removes a device.
    async fn detach(&self, name: &str, device: &Device) -> Result<()>;

    /// Takes a PCI device of the host from its driver and gives it to the one that keeps
    /// devices for guests (`pciback`). One that is kept already stays so.
    async fn keep_pci_device(&self, _address: PciAddress) -> Result<()> {
        Err(foreign_devices("nodedev-detach"))
    }

    /// Gives a PCI device that was kept for guests back to the host's drivers. One that the
    /// host has already stays as it is.
    async fn give_back_pci_device(&self, _address: PciAddress) -> Result<()> {
        Err(foreign_devices("nodedev-reattach"))
    }

    /// Has the kernel reset a PCI device of the host.
    async fn reset_pci_device(&self, _address: PciAddress) -> Result<()> {
        Err(foreign_devices("nodedev-reset"))
    }

    /// Whether the guest is started with the host.
    async fn autostart(&self, name: &str) -> Result<bool>;

    /// Sets whether the guest is started with the host.
    async fn set_autostart(&self, name: &str, autostart: bool) -> Result<()>;

    /// The pseudo-terminal of the guest's first console.
    async fn console(&self, name: &str) -> Result<std::path::PathBuf>;

    /// Where the guest's VNC server listens, if it has one.
    async fn vnc(&self, name: &str) -> Result<Option<VncServer>>;

    /// The disks of each of these domains with their counters.
    async fn disk_statistics(&self, _domains: &[ActiveDomain]) -> Result<Vec<Vec<DiskStatistics>>> {
        Err(uncounted("domblkstat"))
    }

    /// How large the file or block device of a disk is.
    async fn disk_image(&self, _path: &str) -> Result<DiskImage> {
        Err(uncounted("domblkinfo"))
    }

    /// Some bytes of the file or block device of a disk; fewer at its end.
    async fn peek_disk(&self, _path: &str, _offset: u64, _size: usize) -> Result<Vec<u8>> {
        Err(uncounted("block peek"))
    }

    /// What takes snapshots of disks.
    ///
    /// # Errors
    /// The disks are another machine's.
    fn disk_snapshots(&self) -> Result<&dyn DiskSnapshots> {
        Err(foreign_disks())
    }

    /// Addresses of the network that the host has spoken to lately.
    async fn neighbours(&self) -> Result<Vec<Neighbour>> {
        Err(uncounted("domifaddr"))
    }

    /// The interfaces of each of these domains with their counters.
    async fn interface_statistics(
        &self,
        _domains: &[ActiveDomain],
    ) -> Result<Vec<Vec<InterfaceStatistics>>> {
        Err(uncounted("domifstat"))
    }

    /// What the vcpus of each of these domains do and have used.
    async fn vcpu_times(&self, domains: &[ActiveDomain]) -> Result<Vec<Vec<VcpuTime>>> {
        let mut times = Vec::with_capacity(domains.len());
        for domain in domains {
            let vcpus = self.vcpus(&domain.name).await?;
            times.push(vcpus.iter().map(VcpuTime::from).collect());
        }
        Ok(times)
    }

    /// What each of these domains was told about its memory.
    async fn balloons(&self, domains: &[ActiveDomain]) -> Result<Vec<Balloon>> {
        Ok(vec![Balloon::default(); domains.len()])
    }

    /// How the time of processors was spent.
    async fn processor_times(&self) -> Result<ProcessorTimes> {
        Err(uncounted("nodecpustats"))
    }

    /// Memory of the machine.
    async fn node_memory(&self) -> Result<NodeMemory> {
        let node = self.node().await?;
        Ok(NodeMemory::from(&node))
    }
}

/// Why no snapshot is taken of the disks of a host that may be another machine.
fn foreign_disks() -> Error {
    Error::Unsupported {
        operation: "snapshot of a disk",
        reason: "the disks are another machine's: use the URI xen: on the host itself".to_owned(),
    }
}

/// Why the PCI devices of a host that may be another machine are left alone.
fn foreign_devices(operation: &'static str) -> Error {
    Error::Unsupported {
        operation,
        reason: "Domain-0's kernel does it, which is another machine's: use the URI xen: on \
                 the host itself"
            .to_owned(),
    }
}

/// Why a host that is reached through XenD only has no counters.
fn uncounted(operation: &'static str) -> Error {
    Error::Unsupported {
        operation,
        reason: routes::NO_COUNTERS.to_owned(),
    }
}
