//! Starting and stopping guests.

use super::failure::unexpected;
use super::{Libxl, Running, config};
use crate::{DomainInfo, DomainState, Error, Result, ShutdownReason};
use std::os::fd::OwnedFd;
use virtxen_guest::{Controller, DomId, Guest, Uuid};
use virtxen_libxl::{Operation, Outcome};

impl Libxl {
    /// Starts a guest; its number.
    pub(crate) async fn create(&self, guest: &Guest, paused: bool) -> Result<DomId> {
        let guest = identified(guest);
        let config = self.guest_config(&guest)?;
        let making = self.inner.room.lock().await;
        self.make_room(&guest.name, &config).await?;
        self.give_host_devices(&guest).await?;
        let operation = Operation::Create {
            document: Some(config::document(&guest)),
            config,
        };
        let domain = self.begin(&guest, operation, Vec::new()).await?;
        drop(making);
        domain.let_go(paused).await
    }

    /// Has libxl build a guest, which is paused then.
    pub(super) async fn begin(
        &self,
        guest: &Guest,
        operation: Operation,
        descriptors: Vec<OwnedFd>,
    ) -> Result<Running> {
        let begun = self.built(guest, operation, descriptors).await;
        if begun.is_err() {
            self.take_host_devices_again(guest).await;
        }
        begun
    }

    async fn built(
        &self,
        guest: &Guest,
        operation: Operation,
        descriptors: Vec<OwnedFd>,
    ) -> Result<Running> {
        let what = operation.name();
        let config = match &operation {
            Operation::Create { config, .. } | Operation::Restore { config, .. } => config.clone(),
            _ => String::new(),
        };
        let Outcome::Started { domid } = self.ask(&guest.name, operation, descriptors).await?
        else {
            return Err(unexpected(what));
        };
        let domain = Running {
            libxl: self.clone(),
            domid,
            info: begun(guest, domid),
        };
        let Err(error) = domain.emulator_lives(what, &config).await else {
            return Ok(domain);
        };
        domain.end(what, error).await
    }
}

impl Running {
    /// Lets a guest that was built run, unless it is to stay `paused`. If it does not it
    /// is gone.
    pub(super) async fn let_go(self, paused: bool) -> Result<DomId> {
        let domid = self.domid;
        if paused {
            return Ok(DomId(domid));
        }
        match self.unpause().await {
            Ok(()) => Ok(DomId(domid)),
            Err(error) => self.end("create", error).await,
        }
    }

    /// Takes a guest away that was built and cannot run, for which `error` is the reason.
    async fn end<T>(&self, operation: &'static str, error: Error) -> Result<T> {
        let domid = self.domid;
        match self.done(Operation::Destroy { domid }).await {
            Ok(()) => Err(error),
            Err(left) => Err(Error::Refused {
                operation,
                reason: format!("{error}; the domain is left paused: {left}"),
            }),
        }
    }

    pub(crate) async fn pause(&self) -> Result<()> {
        let domid = self.domid;
        self.done(Operation::Pause { domid }).await
    }

    /// Has the guest suspend itself, and does nothing more. When that fails it goes on.
    pub(crate) async fn suspend(&self) -> Result<()> {
        let domid = self.domid;
        let Err(error) = self.done(Operation::Suspend { domid }).await else {
            return Ok(());
        };
        let xen = self.libxl.inner.xen.as_ref();
        let now = xen.and_then(|xen| xen.domain(domid).ok());
        Err(match now.is_some_and(|now| now.flags.shutdown) {
            true => self.suspended_in_vain(error).await,
            false => error,
        })
    }

    pub(crate) async fn unpause(&self) -> Result<()> {
        let domid = self.domid;
        self.done(Operation::Unpause { domid }).await
    }

    /// Asks the guest by its drivers for Xen.
    pub(crate) async fn shutdown(&self, reason: ShutdownReason) -> Result<()> {
        let domid = self.domid;
        self.done(match reason {
            ShutdownReason::Reboot => Operation::Reboot { domid },
            ShutdownReason::Poweroff | ShutdownReason::Halt => Operation::Shutdown { domid },
        })
        .await
    }

    pub(crate) async fn destroy(&self) -> Result<()> {
        let domid = self.domid;
        // Afterwards nobody tells what it had.
        let guest = self.document().await.ok().flatten();
        self.done(Operation::Destroy { domid }).await?;
        if let Some(guest) = guest {
            self.libxl.take_host_devices(&guest).await;
        }
        Ok(())
    }

    /// Ends the domain and starts it again as it is now.
    pub(crate) async fn reset(&self) -> Result<()> {
        let guest = self.kept().await?.guest;
        self.destroy().await?;
        let paused = self.info.state == DomainState::Paused;
        self.libxl.create(&again(guest), paused).await.map(drop)
    }

    pub(crate) async fn rename(&self, new_name: &str) -> Result<()> {
        let operation = Operation::Rename {
            domid: self.domid,
            from: self.name().to_owned(),
            to: new_name.to_owned(),
        };
        self.done(operation).await?;
        if let Some(mut guest) = self.document().await? {
            new_name.clone_into(&mut guest.name);
            self.store(&guest).await?;
        }
        Ok(())
    }
}

/// With an identifier, addresses and numbers of controllers, which libxl would choose and nobody
/// would know.
fn identified(guest: &Guest) -> Guest {
    let mut guest = guest.clone();
    guest.fill_identities();
    Controller::number(&mut guest.devices.controllers);
    guest
}

/// A guest without what only its run had: its number, names of back ends.
pub(super) fn again(mut guest: Guest) -> Guest {
    let generated = |name: &String| {
        let suffix = name.strip_prefix("vif");
        suffix.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    guest.id = None;
    for interface in &mut guest.devices.interfaces {
        interface.target.take_if(|name| generated(name));
    }
    guest
}

/// What is known of a domain that was built just now.
fn begun(guest: &Guest, domid: u32) -> DomainInfo {
    DomainInfo {
        name: guest.name.clone(),
        domid: Some(DomId(domid)),
        uuid: guest.uuid.unwrap_or(Uuid::ZERO),
        state: DomainState::Paused,
        memory: guest.current_memory.unwrap_or(guest.memory),
        max_memory: guest.memory,
        vcpus: guest.vcpus.current.unwrap_or(guest.vcpus.max),
        max_vcpus: guest.vcpus.max,
        cpu_time: std::time::Duration::ZERO,
        kind: guest.os.kind,
        persistent: None,
    }
}
