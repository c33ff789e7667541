//! A host through its XenD: Xen 3.0 to 4.4.
//!
//! One file a family of operations. What bytes go over the wire is in
//! `virtxen-xend`, what a document means as a guest in `virtxen-formats`; here
//! is which operations in which order make up one of [`Host`]'s.

mod autostart;
mod config;
mod devices;
mod domains;
mod failure;
mod lifecycle;
mod memory;
mod node;
mod save;
mod scheduler;
mod screen;
mod summary;
mod vcpu;

use crate::carried;
use crate::xenstore::Facts;
use crate::{
    DomainInfo, DumpMode, Finding, Host, Kept, MigrateOptions, Node, Result, RouteReport,
    Scheduler, ShutdownReason, Trigger, VcpuInfo, VncServer, XenVersion,
};
use std::path::{Path, PathBuf};
use virtxen_formats::Note;
use virtxen_formats::sxpr::{Target, device_to_sxpr, guest_to_sxpr};
use virtxen_guest::{Device, Guest, MemoryKib};
use virtxen_xend::Client;
use virtxen_xenstore::Store;

/// A host through its XenD.
#[derive(Clone)]
pub struct XendHost {
    client: Client,
    target: Target,
    simulated: bool,
    facts: Option<Facts>,
    kept: Option<Kept>,
    autostarts: autostart::Changed,
}

impl XendHost {
    /// The host that this XenD serves.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            target: config::target(client.first_node()),
            client,
            simulated: false,
            facts: None,
            kept: None,
            autostarts: autostart::Changed::default(),
        }
    }

    /// Says that the host exists in memory only.
    #[must_use]
    pub fn simulated(mut self) -> Self {
        self.simulated = true;
        self
    }

    /// Asks XenStore for what XenD does not tell: consoles, VNC ports.
    #[must_use]
    pub fn with_xenstore(mut self, store: Store) -> Self {
        self.facts = Some(Facts::new(store));
        self
    }

    /// Who knows whether an active domain is also defined.
    #[must_use]
    pub fn with_kept(mut self, kept: Kept) -> Self {
        self.kept = Some(kept);
        self
    }

    /// The client of the XenD.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    fn release_name(&self) -> String {
        format!("XenD of Xen {}", self.client.release())
    }
}

#[async_trait::async_trait]
impl Host for XendHost {
    fn is_simulated(&self) -> bool {
        self.simulated
    }

    fn version(&self) -> XenVersion {
        node::version(self.client.first_node())
    }

    fn routes(&self) -> Vec<RouteReport> {
        self.report_routes()
    }

    fn channels(&self) -> Vec<Finding> {
        self.report_channels()
    }

    fn warnings(&self) -> Vec<String> {
        let warnings = self.client.warnings();
        warnings.iter().map(ToString::to_string).collect()
    }

    async fn node(&self) -> Result<Node> {
        self.read_node().await
    }

    async fn log(&self) -> Result<String> {
        self.client
            .log()
            .await
            .map_err(|error| self.failed("", error))
    }

    async fn dmesg(&self) -> Result<String> {
        self.client
            .dmesg()
            .await
            .map_err(|error| self.failed("", error))
    }

    async fn domains(&self) -> Result<Vec<DomainInfo>> {
        let mut all = self.list().await?;
        all.retain(|domain| domain.domid.is_some());
        Ok(all)
    }

    async fn all_domains(&self) -> Result<Vec<DomainInfo>> {
        self.list().await
    }

    async fn domain(&self, name: &str) -> Result<DomainInfo> {
        self.info(name).await
    }

    async fn inactive(&self) -> Result<Vec<String>> {
        self.inactive_names().await
    }

    async fn guest(&self, name: &str) -> Result<Guest> {
        self.read_guest(name).await
    }

    async fn unsaid(&self, name: &str) -> Result<Vec<Note>> {
        self.unsaid_of(&self.document(name).await?)
    }

    async fn losses(&self, guest: &Guest) -> Result<Vec<Note>> {
        carried::notes(guest_to_sxpr(guest, &self.target))
    }

    async fn device_losses(&self, device: &Device, hvm: bool) -> Result<Vec<Note>> {
        carried::notes(device_to_sxpr(device, hvm, &self.target))
    }

    async fn create(&self, guest: &Guest, paused: bool) -> Result<DomainInfo> {
        self.create_domain(guest, paused).await
    }

    async fn define(&self, guest: &Guest) -> Result<()> {
        self.define_domain(guest).await
    }

    async fn undefine(&self, name: &str) -> Result<()> {
        self.undefine_domain(name).await
    }

    async fn start(&self, name: &str, paused: bool) -> Result<()> {
        self.start_domain(name, paused).await
    }

    async fn pause(&self, name: &str) -> Result<()> {
        let done = self.client.pause(name).await;
        self.explained(name, "pause", done).await
    }

    async fn unpause(&self, name: &str) -> Result<()> {
        let done = self.client.unpause(name).await;
        self.explained(name, "unpause", done).await
    }

    async fn shutdown(&self, name: &str, reason: ShutdownReason) -> Result<()> {
        self.shut_down(name, reason).await
    }

    async fn reset(&self, name: &str) -> Result<()> {
        let done = self.client.reset(name).await;
        self.explained(name, "reset", done).await
    }

    async fn sysrq(&self, name: &str, key: char) -> Result<()> {
        self.press(name, key).await
    }

    async fn trigger(&self, _: &str, trigger: Trigger) -> Result<()> {
        let operation = trigger.operation();
        Err(self.unsupported(
            operation,
            "cannot do it: it needs hypercalls, on the host itself",
        ))
    }

    async fn plug_vcpus(&self, name: &str, vcpus: &[u32], online: bool) -> Result<()> {
        self.plug(name, vcpus, online).await
    }

    async fn destroy(&self, name: &str) -> Result<()> {
        let done = self.client.destroy(name).await;
        self.explained(name, "destroy", done).await
    }

    async fn save(&self, name: &str, file: &Path) -> Result<()> {
        self.save_domain(name, file).await
    }

    async fn restore(&self, file: &Path) -> Result<()> {
        self.restore_domain(file).await
    }

    async fn dump(&self, name: &str, file: &Path, mode: DumpMode) -> Result<()> {
        self.dump_domain(name, file, mode).await
    }

    async fn migrate(&self, name: &str, options: &MigrateOptions) -> Result<()> {
        self.migrate_domain(name, options).await
    }

    async fn rename(&self, name: &str, new_name: &str) -> Result<()> {
        let done = self.client.rename(name, new_name).await;
        done.map_err(|error| self.failed(name, error))
    }

    async fn set_memory(&self, name: &str, target: MemoryKib) -> Result<()> {
        self.set_target(name, target).await
    }

    async fn set_max_memory(&self, name: &str, limit: MemoryKib) -> Result<()> {
        self.set_limit(name, limit).await
    }

    async fn set_vcpus(&self, name: &str, count: u32) -> Result<()> {
        self.set_online_vcpus(name, count).await
    }

    async fn vcpus(&self, name: &str) -> Result<Vec<VcpuInfo>> {
        self.read_vcpus(name).await
    }

    async fn pin_vcpu(&self, name: &str, vcpu: u32, cpus: &[u32]) -> Result<()> {
        let done = self.client.pincpu(name, vcpu, cpus).await;
        done.map_err(|error| self.failed(name, error))
    }

    async fn scheduler(&self, name: &str) -> Result<Scheduler> {
        self.read_scheduler(name).await
    }

    async fn set_scheduler(&self, name: &str, scheduler: &Scheduler) -> Result<()> {
        self.write_scheduler(name, scheduler).await
    }

    async fn attach(&self, name: &str, device: &Device) -> Result<()> {
        self.attach_device(name, device).await
    }

    async fn update(&self, name: &str, device: &Device) -> Result<()> {
        self.update_device(name, device).await
    }

    async fn detach(&self, name: &str, device: &Device) -> Result<()> {
        self.detach_device(name, device).await
    }

    async fn autostart(&self, name: &str) -> Result<bool> {
        self.read_autostart(name).await
    }

    async fn set_autostart(&self, name: &str, autostart: bool) -> Result<()> {
        self.write_autostart(name, autostart).await
    }

    async fn console(&self, name: &str) -> Result<PathBuf> {
        self.console_terminal(name).await
    }

    async fn vnc(&self, name: &str) -> Result<Option<VncServer>> {
        self.vnc_server(name).await
    }
}
