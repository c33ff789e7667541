//! What changes guests, on its route: XenD or libxl, whichever is the host's toolstack,
//! and where there is none the hypervisor, as far as it can by itself.
//!
//! The choice is made once, when the host is opened. Guests that are not active are in
//! `inactive`.

use super::{XenHost, no_domain};
use crate::channels::{Channel, LibxlChannel};
use crate::hypercall::HypercallMonitor;
use crate::libxl::{self, Libxl, Running};
use crate::{
    ConfigChange, DomainInfo, DumpMode, Error, Host, MigrateOptions, Result, ShutdownReason,
    XendHost, routes,
};
use std::path::Path;
use virtxen_formats::libxl::Release;
use virtxen_guest::{DomId, Guest, MemoryKib};

/// Why a host with XenD does nothing by libxl: each would undo what the other does.
const XEND_DOES: &str = "XenD is this host's toolstack";

/// Who changes an active domain.
pub(super) enum Changer<'a> {
    Xend(&'a XendHost),
    Libxl(Running),
    /// There is no toolstack.
    Hypervisor(&'a HypercallMonitor, DomId),
}

impl XenHost {
    /// libxl, if it is the toolstack of this host, or why it is not.
    pub(super) fn find_libxl(&self, channel: Channel<LibxlChannel>) -> Channel<Libxl> {
        if self.has_xend() {
            return Err(XEND_DOES.to_owned());
        }
        let version = &self.version;
        let release = Release::new(version.major, version.minor)
            .ok_or_else(|| format!("libxl is used from Xen 4.5 on, this Xen is {version}"))?;
        let hypercalls = self.hypercalls.as_ref().ok();
        let (facts, files) = (self.facts.clone(), self.files.as_ref().ok().cloned());
        channel.map(|it| Libxl::new(it, release, facts, files, hypercalls))
    }

    pub(super) async fn changer(&self, name: &str, operation: &'static str) -> Result<Changer<'_>> {
        if self.has_xend() {
            let xend = self.xend_of_active(name, operation).await?;
            return Ok(Changer::Xend(xend));
        }
        match (&self.libxl, &self.hypercalls) {
            (Ok(libxl), _) => {
                let domain = self.running(libxl, name, operation).await?;
                Ok(Changer::Libxl(domain))
            }
            (Err(_), Ok(hypercalls)) => {
                let domid = self.active_number(name, operation).await?;
                Ok(Changer::Hypervisor(hypercalls, domid))
            }
            (Err(_), Err(_)) => Err(self.no_toolstack(operation)),
        }
    }

    /// An active domain of libxl's.
    pub(super) async fn running(
        &self,
        libxl: &Libxl,
        name: &str,
        operation: &'static str,
    ) -> Result<Running> {
        let active = self.active_domain(name).await?;
        match active.and_then(|info| libxl.running(info)) {
            Some(domain) => Ok(domain),
            None => {
                self.not_in_file(name, operation).await?;
                Err(no_domain(name))
            }
        }
    }

    /// The refusal of what needs a toolstack.
    pub(super) fn no_toolstack(&self, operation: &'static str) -> Error {
        Error::Unsupported {
            operation,
            reason: self.why_no_toolstack(),
        }
    }

    pub(super) fn why_no_toolstack(&self) -> String {
        let why = |channel: Option<&String>| channel.cloned().unwrap_or_default();
        let xend = why(self.xend.connector.as_ref().err());
        let libxl = why(self.libxl.as_ref().err());
        routes::no_toolstack(&xend, &libxl)
    }

    /// Starts a guest.
    pub(super) async fn build(&self, guest: &Guest, paused: bool) -> Result<DomainInfo> {
        const OPERATION: &str = "create";
        match &self.libxl {
            Ok(libxl) => {
                let guest = self.placed(OPERATION, guest).await?;
                libxl.create(&guest, paused).await?;
                self.domain(&guest.name).await
            }
            Err(_) => {
                let xend = self.xend(OPERATION).await?;
                let mut domain = xend.create(guest, paused).await?;
                self.mark_defined(std::slice::from_mut(&mut domain)).await;
                Ok(domain)
            }
        }
    }

    pub(super) async fn stop_vcpus(&self, name: &str) -> Result<()> {
        match self.changer(name, "pause").await? {
            Changer::Xend(xend) => xend.pause(name).await,
            Changer::Libxl(domain) => domain.pause().await,
            Changer::Hypervisor(xen, domid) => xen.pause(name, domid),
        }
    }

    pub(super) async fn put_to_sleep(&self, name: &str) -> Result<()> {
        match self.changer(name, "dompmsuspend").await? {
            Changer::Xend(xend) => xend.suspend(name).await,
            Changer::Libxl(domain) => domain.suspend().await,
            Changer::Hypervisor(..) => Err(routes::no_sleep(name, &self.why_no_toolstack())),
        }
    }

    pub(super) async fn run_vcpus(&self, name: &str) -> Result<()> {
        match self.changer(name, "unpause").await? {
            Changer::Xend(xend) => xend.unpause(name).await,
            Changer::Libxl(domain) => domain.unpause().await,
            Changer::Hypervisor(xen, domid) => xen.unpause(name, domid),
        }
    }

    pub(super) async fn end(&self, name: &str) -> Result<()> {
        match self.changer(name, "destroy").await? {
            Changer::Xend(xend) => xend.destroy(name).await,
            Changer::Libxl(domain) => domain.destroy().await,
            Changer::Hypervisor(xen, domid) => xen.destroy(name, domid),
        }
    }

    pub(super) async fn press_reset(&self, name: &str) -> Result<()> {
        const OPERATION: &str = "reset";
        match self.changer(name, OPERATION).await? {
            Changer::Xend(xend) => xend.reset(name).await,
            Changer::Libxl(domain) => domain.reset().await,
            Changer::Hypervisor(..) => Err(self.no_toolstack(OPERATION)),
        }
    }

    pub(super) async fn ask_to_end(&self, name: &str, reason: ShutdownReason) -> Result<()> {
        // Without a toolstack XenStore orders it, where there are no hypercalls too.
        if !self.has_xend() && self.libxl.is_err() {
            return self.order_to_end(name, reason).await;
        }
        match self.changer(name, "shutdown").await? {
            Changer::Xend(xend) => xend.shutdown(name, reason).await,
            Changer::Libxl(domain) => domain.shutdown(reason).await,
            Changer::Hypervisor(..) => self.order_to_end(name, reason).await,
        }
    }

    pub(super) async fn write_to_file(&self, name: &str, file: &Path) -> Result<()> {
        const OPERATION: &str = "save";
        match self.changer(name, OPERATION).await? {
            Changer::Xend(xend) => xend.save(name, file).await,
            Changer::Libxl(domain) => domain.save(file).await,
            Changer::Hypervisor(..) => Err(self.no_toolstack(OPERATION)),
        }
    }

    pub(super) async fn start_from_file(&self, file: &Path) -> Result<()> {
        const OPERATION: &str = "restore";
        let Ok(libxl) = &self.libxl else {
            return self.xend(OPERATION).await?.restore(file).await;
        };
        let (guest, stream) = libxl::open(file).await?;
        let mut active = self.active().await?.into_iter();
        let same = |it: &DomainInfo| it.name == guest.name || Some(it.uuid) == guest.uuid;
        if let Some(domain) = active.find(same) {
            return Err(Error::State {
                name: domain.name,
                operation: OPERATION,
                state: "active".to_owned(),
                needed: "not active",
            });
        }
        let guest = self.placed(OPERATION, &guest).await?;
        libxl.restore(&guest, stream, false).await
    }

    pub(super) async fn write_memory(&self, name: &str, file: &Path, mode: DumpMode) -> Result<()> {
        const OPERATION: &str = "dump";
        match self.changer(name, OPERATION).await? {
            Changer::Xend(xend) => xend.dump(name, file, mode).await,
            Changer::Libxl(domain) => domain.dump(file, mode).await,
            Changer::Hypervisor(..) => Err(self.no_toolstack(OPERATION)),
        }
    }

    pub(super) async fn move_away(&self, name: &str, options: &MigrateOptions) -> Result<()> {
        const OPERATION: &str = "migrate";
        match self.changer(name, OPERATION).await? {
            Changer::Xend(xend) => xend.migrate(name, options).await,
            Changer::Libxl(_) => Err(Error::Unsupported {
                operation: OPERATION,
                reason:
                    "the daemons of both hosts have to see to it: use `virsh migrate`, with the \
                         URI of the other daemon"
                        .to_owned(),
            }),
            Changer::Hypervisor(..) => Err(self.no_toolstack(OPERATION)),
        }
    }

    pub(super) async fn give_name(&self, name: &str, new_name: &str) -> Result<()> {
        const OPERATION: &str = "rename";
        match self.changer(name, OPERATION).await? {
            Changer::Xend(xend) => xend.rename(name, new_name).await,
            Changer::Libxl(domain) => domain.rename(new_name).await,
            Changer::Hypervisor(..) => Err(self.no_toolstack(OPERATION)),
        }
    }

    /// Changes an active domain; through XenD also one that it keeps.
    pub(super) async fn change_active(&self, name: &str, change: ConfigChange) -> Result<()> {
        let operation = change.operation();
        if let ConfigChange::Pin { vcpu, cpus } | ConfigChange::SoftPin { vcpu, cpus } = &change {
            return self.place_vcpu(name, *vcpu, cpus, &change).await;
        }
        match (self.changer(name, operation).await?, &change) {
            (Changer::Xend(xend), _) => through_xend(xend, name, &change).await,
            (Changer::Libxl(domain), ConfigChange::MaxMemory(limit)) => {
                domain.set_max_memory(*limit).await?;
                self.store_max_memory(domain.number(), *limit).await
            }
            (Changer::Libxl(domain), ConfigChange::Attach(device)) => {
                domain
                    .attach(&self.placed_device(operation, device).await?)
                    .await
            }
            (Changer::Libxl(domain), _) => through_libxl(&domain, &change).await,
            (Changer::Hypervisor(xen, domid), ConfigChange::MaxMemory(limit)) => {
                xen.set_max_memory(name, domid, *limit)?;
                self.store_max_memory(domid, *limit).await
            }
            (Changer::Hypervisor(..), _) => Err(self.no_toolstack(operation)),
        }
    }
}

impl XenHost {
    /// Writes where libxl compares a guest's target to it, and monitoring finds it, how much
    /// memory a domain may have: libxl does that from Xen 4.17 on.
    async fn store_max_memory(&self, domid: DomId, limit: MemoryKib) -> Result<()> {
        let built_by_libxl = Release::new(self.version.major, self.version.minor).is_some();
        if let Some(facts) = self
            .facts
            .as_ref()
            .filter(|_| built_by_libxl && domid.0 != 0)
        {
            let limit = limit.0.to_string();
            facts.tell(domid, "memory/static-max", &limit).await?;
            if let Ok(xen) = &self.hypercalls {
                xen.forget(domid);
            }
        }
        Ok(())
    }
}

async fn through_xend(xend: &XendHost, name: &str, change: &ConfigChange) -> Result<()> {
    match change {
        ConfigChange::Memory(target) => xend.set_memory(name, *target).await,
        ConfigChange::MaxMemory(limit) => xend.set_max_memory(name, *limit).await,
        ConfigChange::Vcpus(count) => xend.set_vcpus(name, *count).await,
        ConfigChange::MaxVcpus(_) => xend.change_config(name, change).await,
        ConfigChange::Pin { .. } | ConfigChange::SoftPin { .. } => Err(not_while_it_runs(change)),
        ConfigChange::Attach(device) => xend.attach(name, device).await,
        ConfigChange::Update(device) => xend.update(name, device).await,
        ConfigChange::Detach(device) => xend.detach(name, device).await,
    }
}

async fn through_libxl(domain: &Running, change: &ConfigChange) -> Result<()> {
    match change {
        ConfigChange::Memory(target) => domain.set_memory(*target).await,
        ConfigChange::Vcpus(count) => domain.set_vcpus(*count).await,
        ConfigChange::Update(device) => domain.update(device).await,
        ConfigChange::Detach(device) => domain.detach(device).await,
        ConfigChange::Attach(_)
        | ConfigChange::MaxMemory(_)
        | ConfigChange::MaxVcpus(_)
        | ConfigChange::Pin { .. }
        | ConfigChange::SoftPin { .. } => Err(not_while_it_runs(change)),
    }
}

fn not_while_it_runs(change: &ConfigChange) -> Error {
    Error::Unsupported {
        operation: change.operation(),
        reason: "the toolstack does not change it while the guest runs".to_owned(),
    }
}
