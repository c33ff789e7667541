//! Each operation of a host on its route. Which route that is was decided when the
//! host was opened, in the file that opens this folder.

use super::{Monitoring, XenHost, inactive, no_domain};
use crate::libxl::Libxl;
use crate::routes;
use crate::statistics::{
    ActiveDomain, Balloon, DiskStatistics, InterfaceStatistics, NodeMemory, ProcessorTimes,
    VcpuTime,
};
use crate::xenstore::Facts;
use crate::{
    ConfigChange, CpuPoolControl, DiskImage, DiskSnapshots, DomainInfo, DumpMode, Ended, Ending,
    Finding, Host, HostEvents, MigrateOptions, Neighbour, Node, Result, RouteReport, Scheduler,
    ShutdownReason, Store, Trigger, VcpuInfo, VncServer, XenVersion, foreign_disks,
};
use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use virtxen_formats::Note;
use virtxen_guest::{Device, DomId, Guest, MemoryKib, PciAddress, Uuid};

#[async_trait::async_trait]
impl Host for XenHost {
    fn is_simulated(&self) -> bool {
        self.simulated
    }

    fn version(&self) -> XenVersion {
        self.version.clone()
    }

    fn routes(&self) -> Vec<RouteReport> {
        self.report_routes()
    }

    fn channels(&self) -> Vec<Finding> {
        self.report_channels()
    }

    fn xenstore(&self) -> Option<&Store> {
        self.facts.as_ref().map(Facts::store)
    }

    async fn events(&self) -> Option<HostEvents> {
        let told = match &self.changes {
            Some(changes) => {
                changes.begin().await;
                Some(HostEvents::new(changes.listen()))
            }
            None => match self.hypercalls() {
                Ok(hypercalls) => hypercalls.events().await,
                Err(_) => None,
            },
        };
        let Some(files) = self.guest_files() else {
            return told;
        };
        let changes = files.listen().await;
        Some(match told {
            Some(told) => told.and(changes),
            None => HostEvents::new(changes),
        })
    }

    async fn ending(&self, domid: DomId) -> Option<Ending> {
        self.hypercalls().ok()?.ending(domid).await
    }

    fn leaves_ended(&self) -> bool {
        self.libxl.is_ok()
    }

    fn plugs_host_devices(&self) -> bool {
        self.libxl.is_ok()
    }

    async fn ended(&self) -> Result<Vec<Ended>> {
        self.ended_domains().await
    }

    fn lists_active_apart(&self) -> bool {
        self.monitoring != Monitoring::Xend
    }

    async fn node(&self) -> Result<Node> {
        match (&self.hypercalls, &self.machine) {
            (Ok(hypercalls), Some(machine)) => hypercalls.node(machine),
            _ => self.xend("node").await?.node().await,
        }
    }

    async fn guest_types(&self) -> Result<Vec<String>> {
        self.types_of_guests().await
    }

    fn host_name(&self) -> Option<String> {
        let machine = self.machine.as_ref().filter(|_| self.hypercalls.is_ok());
        machine.map(|machine| machine.host_name.clone())
    }

    async fn log(&self) -> Result<String> {
        match &self.libxl {
            Ok(_) => Err(routes::no_log()),
            Err(_) => self.xend("log").await?.log().await,
        }
    }

    fn warnings(&self) -> Vec<String> {
        let connector = self.xend.connector.iter();
        let warnings = connector.flat_map(|connector| connector.warnings());
        let warnings = warnings.map(|warning| warning.to_string());
        warnings.chain(self.warn_of_files()).collect()
    }

    async fn dmesg(&self) -> Result<String> {
        self.xend("dmesg").await?.dmesg().await
    }

    async fn domains(&self) -> Result<Vec<DomainInfo>> {
        self.active().await
    }

    async fn all_domains(&self) -> Result<Vec<DomainInfo>> {
        if self.guest_files.is_ok() {
            return self.with_files(self.active().await?).await;
        }
        if self.monitoring == Monitoring::Xend {
            return self.xend("list").await?.all_domains().await;
        }
        let before = self.active().await?;
        if !self.keeps_inactive() {
            return Ok(before);
        }
        let inactive = self.xend("list").await?.inactive_domains().await?;
        // Meanwhile one may have been started, or have ended: what changed on the way
        // is shown once, as one of the looks had it.
        let mut domains = self.active().await?;
        let mut shown: HashSet<Uuid> = domains.iter().map(|domain| domain.uuid).collect();
        let mut others = Vec::new();
        for domain in inactive.into_iter().chain(before) {
            if shown.insert(domain.uuid) {
                others.push(domain);
            }
        }
        let (ended, inactive): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|it| it.domid.is_some());
        domains.extend(ended.into_iter().chain(inactive));
        Ok(domains)
    }

    async fn namesakes(&self, name: &str, uuid: Uuid) -> Result<Vec<DomainInfo>> {
        let mut domains = match self.guest_files() {
            Some(files) => self.namesakes_in_files(files, name, uuid).await?,
            None => self.all_domains().await?,
        };
        domains.retain(|domain| domain.name == name || domain.uuid == uuid);
        Ok(domains)
    }

    async fn domain(&self, name: &str) -> Result<DomainInfo> {
        if self.monitoring == Monitoring::Xend {
            if let Some(defined) = self.in_file(name).await? {
                return Ok(defined.info());
            }
            let mut domain = self.xend("info").await?.domain(name).await?;
            self.mark_defined(std::slice::from_mut(&mut domain)).await;
            return Ok(domain);
        }
        if let Some(domain) = self.active_or_in_file(name).await? {
            return Ok(domain);
        }
        if !self.keeps_inactive() {
            return Err(no_domain(name));
        }
        self.xend("info").await?.domain(name).await
    }

    async fn inactive(&self) -> Result<Vec<String>> {
        if self.guest_files.is_ok() {
            let all = self.all_domains().await?;
            let inactive = all.into_iter().filter(|domain| domain.domid.is_none());
            return Ok(inactive.map(|domain| domain.name).collect());
        }
        if !self.keeps_inactive() {
            return Ok(Vec::new());
        }
        self.xend("list").await?.inactive().await
    }

    async fn guest(&self, name: &str) -> Result<Guest> {
        self.read_guest(name).await
    }

    async fn defined(&self, name: &str) -> Result<Guest> {
        match self.guest_files() {
            Some(_) => Ok(self.file_of(name, "dumpxml").await?.guest.clone()),
            None => self.guest(name).await,
        }
    }

    async fn unsaid(&self, name: &str) -> Result<Vec<Note>> {
        self.unsaid_by_document(name).await
    }

    async fn has_document(&self, name: &str) -> Result<bool> {
        self.is_of_document(name).await
    }

    fn keeps_config_apart(&self) -> bool {
        self.guest_files.is_ok()
    }

    fn keeps_documents(&self) -> bool {
        self.has_documents()
    }

    async fn change_config(&self, name: &str, change: &ConfigChange) -> Result<()> {
        self.keeps(change)?;
        let defined = self.file_of(name, change.operation()).await?;
        match self.guest_files() {
            Some(files) => files.change(&defined.guest.name, change).await,
            None => Err(inactive::nowhere(change.operation(), &self.guest_files)),
        }
    }

    async fn definition_losses(&self, guest: &Guest) -> Result<Vec<Note>> {
        self.losses_in_file(guest).await
    }

    async fn losses(&self, guest: &Guest) -> Result<Vec<Note>> {
        match &self.libxl {
            Ok(libxl) => libxl.losses(guest),
            Err(_) => self.xend("define").await?.losses(guest).await,
        }
    }

    async fn device_losses(&self, device: &Device, hvm: bool) -> Result<Vec<Note>> {
        self.losses_of_device(device, hvm).await
    }

    async fn create(&self, guest: &Guest, paused: bool) -> Result<DomainInfo> {
        self.build(guest, paused).await
    }

    async fn define(&self, guest: &Guest) -> Result<()> {
        match self.guest_files() {
            Some(files) => files.define(guest).await,
            None => self.xend("define").await?.define(guest).await,
        }
    }

    async fn undefine(&self, name: &str) -> Result<()> {
        match self.guest_files() {
            Some(files) => {
                let defined = self.file_of(name, "undefine").await?;
                files.undefine(&defined.guest.name).await
            }
            None => self.xend("undefine").await?.undefine(name).await,
        }
    }

    async fn start(&self, name: &str, paused: bool) -> Result<()> {
        match self.in_file(name).await? {
            Some(defined) => self.start_file(&defined, paused).await,
            None => self.xend("start").await?.start(name, paused).await,
        }
    }

    async fn pause(&self, name: &str) -> Result<()> {
        self.stop_vcpus(name).await
    }

    async fn suspend(&self, name: &str) -> Result<()> {
        self.put_to_sleep(name).await
    }

    async fn unpause(&self, name: &str) -> Result<()> {
        self.run_vcpus(name).await
    }

    async fn shutdown(&self, name: &str, reason: ShutdownReason) -> Result<()> {
        self.ask_to_end(name, reason).await
    }

    async fn reset(&self, name: &str) -> Result<()> {
        self.press_reset(name).await
    }

    async fn sysrq(&self, name: &str, key: char) -> Result<()> {
        self.press(name, key).await
    }

    async fn trigger(&self, name: &str, trigger: Trigger) -> Result<()> {
        self.pull_trigger(name, trigger).await
    }

    async fn plug_vcpus(&self, name: &str, vcpus: &[u32], online: bool) -> Result<()> {
        self.plug(name, vcpus, online).await
    }

    async fn destroy(&self, name: &str) -> Result<()> {
        self.end(name).await
    }

    async fn save(&self, name: &str, file: &Path) -> Result<()> {
        self.write_to_file(name, file).await
    }

    async fn restore(&self, file: &Path) -> Result<()> {
        self.start_from_file(file).await
    }

    async fn dump(&self, name: &str, file: &Path, mode: DumpMode) -> Result<()> {
        self.write_memory(name, file, mode).await
    }

    async fn migrate(&self, name: &str, options: &MigrateOptions) -> Result<()> {
        self.move_away(name, options).await
    }

    fn stream_version(&self) -> Option<u32> {
        let libxl = self.libxl.as_ref().ok();
        libxl.map(Libxl::stream_version)
    }

    async fn send(&self, name: &str, stream: OwnedFd, live: bool) -> Result<()> {
        self.send_domain(name, stream, live).await
    }

    async fn receive(&self, guest: &Guest, stream: OwnedFd, version: u32) -> Result<()> {
        self.receive_guest(guest, stream, version).await
    }

    async fn take_back(&self, name: &str) -> Result<()> {
        self.take_domain_back(name).await
    }

    fn relocation_port(&self) -> Option<u16> {
        self.has_xend()
            .then(|| self.relocation.unwrap_or(crate::RELOCATION_PORT))
    }

    async fn rename(&self, name: &str, new_name: &str) -> Result<()> {
        match (self.in_file(name).await?, self.guest_files()) {
            (Some(_), Some(files)) => files.rename(name, new_name).await,
            _ => self.give_name(name, new_name).await,
        }
    }

    async fn set_memory(&self, name: &str, target: MemoryKib) -> Result<()> {
        self.configure(name, ConfigChange::Memory(target)).await
    }

    async fn set_max_memory(&self, name: &str, limit: MemoryKib) -> Result<()> {
        self.configure(name, ConfigChange::MaxMemory(limit)).await
    }

    async fn set_vcpus(&self, name: &str, count: u32) -> Result<()> {
        self.configure(name, ConfigChange::Vcpus(count)).await
    }

    async fn vcpus(&self, name: &str) -> Result<Vec<VcpuInfo>> {
        self.read_vcpus(name).await
    }

    async fn pin_vcpu(&self, name: &str, vcpu: u32, cpus: &[u32]) -> Result<()> {
        let cpus = cpus.to_vec();
        self.configure(name, ConfigChange::Pin { vcpu, cpus }).await
    }

    async fn pin_vcpu_softly(&self, name: &str, vcpu: u32, cpus: &[u32]) -> Result<()> {
        let cpus = cpus.to_vec();
        let change = ConfigChange::SoftPin { vcpu, cpus };
        self.configure(name, change).await
    }

    async fn soft_affinity(&self, name: &str) -> Result<Vec<Vec<u32>>> {
        self.read_soft_affinity(name).await
    }

    async fn scheduler(&self, name: &str) -> Result<Scheduler> {
        self.read_scheduler(name).await
    }

    async fn set_scheduler(&self, name: &str, scheduler: &Scheduler) -> Result<()> {
        self.write_scheduler(name, scheduler).await
    }

    fn cpu_pools(&self) -> Result<&dyn CpuPoolControl> {
        Ok(self)
    }

    async fn attach(&self, name: &str, device: &Device) -> Result<()> {
        self.configure(name, ConfigChange::Attach(device.clone()))
            .await
    }

    async fn update(&self, name: &str, device: &Device) -> Result<()> {
        self.configure(name, ConfigChange::Update(device.clone()))
            .await
    }

    async fn detach(&self, name: &str, device: &Device) -> Result<()> {
        self.configure(name, ConfigChange::Detach(device.clone()))
            .await
    }

    async fn keep_pci_device(&self, address: PciAddress) -> Result<()> {
        self.keep_pci(address).await
    }

    async fn give_back_pci_device(&self, address: PciAddress) -> Result<()> {
        self.give_back_pci(address).await
    }

    async fn reset_pci_device(&self, address: PciAddress) -> Result<()> {
        self.reset_pci(address).await
    }

    async fn autostart(&self, name: &str) -> Result<bool> {
        match self.guest_files() {
            Some(files) => self.starts_file(files, name).await,
            None => self.xend("autostart").await?.autostart(name).await,
        }
    }

    async fn set_autostart(&self, name: &str, autostart: bool) -> Result<()> {
        if let Some(files) = self.guest_files() {
            let defined = self.file_of(name, "autostart").await?;
            return files.set_autostart(&defined.guest.name, autostart).await;
        }
        let xend = self.xend("autostart").await?;
        xend.set_autostart(name, autostart).await
    }

    async fn console(&self, name: &str) -> Result<PathBuf> {
        self.terminal(name).await
    }

    async fn vnc(&self, name: &str) -> Result<Option<VncServer>> {
        self.display(name).await
    }

    async fn disk_statistics(&self, domains: &[ActiveDomain]) -> Result<Vec<Vec<DiskStatistics>>> {
        self.disks_with_counters(domains).await
    }

    async fn interface_statistics(
        &self,
        domains: &[ActiveDomain],
    ) -> Result<Vec<Vec<InterfaceStatistics>>> {
        self.interfaces_with_counters(domains).await
    }

    async fn disk_image(&self, path: &str) -> Result<DiskImage> {
        self.node_files("domblkinfo")?.image(path).await
    }

    async fn peek_disk(&self, path: &str, offset: u64, size: usize) -> Result<Vec<u8>> {
        self.node_files("block peek")?
            .peek(path, offset, size)
            .await
    }

    fn disk_snapshots(&self) -> Result<&dyn DiskSnapshots> {
        self.disks.as_deref().ok_or_else(foreign_disks)
    }

    async fn neighbours(&self) -> Result<Vec<Neighbour>> {
        self.node_files("domifaddr")?.neighbours().await
    }

    async fn vcpu_times(&self, domains: &[ActiveDomain]) -> Result<Vec<Vec<VcpuTime>>> {
        self.times_of_vcpus(domains).await
    }

    async fn balloons(&self, domains: &[ActiveDomain]) -> Result<Vec<Balloon>> {
        self.told_memory(domains).await
    }

    async fn processor_times(&self) -> Result<ProcessorTimes> {
        self.times_of_processors().await
    }

    async fn node_memory(&self) -> Result<NodeMemory> {
        self.memory_of_node().await
    }
}
