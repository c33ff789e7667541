//! Life of a domain that is there: start, suspend, resume, shut down, reboot,
//! reset, destroy, undefine.
//!
//! Domains from documents (create, define) are in `xml`; domains from files in
//! `save`.

use crate::call::Call;
use crate::{Domain, DomainKey, Driver, Error, Operation, Result, State};
use std::sync::Arc;
use virtxen_guest::OsType;
use virtxen_host::{ShutdownReason, Trigger};

/// How a guest is asked to shut down or to reboot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShutdownMode {
    /// Through the guest's Xen drivers; one that is known to have none and has an ACPI power
    /// button, by that.
    #[default]
    Any,
    /// Through the guest's Xen drivers.
    Paravirt,
    /// Through its ACPI power button, which fully virtualized guests have.
    AcpiPowerButton,
}

/// What goes with the definition of a domain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UndefineFlags {
    /// The file from which it would go on.
    pub managed_save: bool,
    /// What is known of its snapshots; what they kept stays on its disks.
    pub snapshots: bool,
}

impl Driver {
    /// Starts an inactive domain, from its managed save if it has one; with `paused` its
    /// vcpus do not run yet.
    ///
    /// # Errors
    /// The domain is active; the host cannot start it.
    pub async fn start(&self, key: &DomainKey, paused: bool) -> Result<()> {
        let (_, domain) = self.inner.look_up(key).await?;
        let saved = !domain.is_active() && self.inner.managed_save_of(&domain).await?.is_some();
        // It is another job, which may take long, and another event.
        let operation = match saved {
            true => Operation::Restore,
            false => Operation::Start,
        };
        let driver = self.clone();
        let call = Call::domain(operation, key);
        self.change(call, async move |host, domain| {
            crate::call::allowed_now(Operation::Start, &domain)?;
            let inner = &driver.inner;
            match inner.managed_save_of(&domain).await? {
                Some(file) => inner.go_on(&*host, &domain, file, paused).await,
                None => driver.boot(&domain, paused).await,
            }
        })
        .await
    }

    /// Starts an inactive domain as it is defined.
    pub(super) async fn boot(&self, domain: &Domain, paused: bool) -> Result<()> {
        let (inner, host) = (&self.inner, &self.inner.host);
        match self.bridged(domain).await? {
            Some((guest, told)) => {
                let domain = Domain::from(host.create(&told, paused).await?);
                inner.keep_run(&domain, guest).await
            }
            None => Ok(host.start(&domain.name, paused).await?),
        }
    }

    /// Stops the vcpus of a running domain; of a paused one they are.
    ///
    /// # Errors
    /// The domain is not running.
    pub async fn suspend(&self, key: &DomainKey) -> Result<()> {
        let call = Call::domain(Operation::Suspend, key);
        self.change(call, async move |host, domain| match domain.state {
            State::Paused => Ok(()),
            _ => Ok(host.pause(&domain.name).await?),
        })
        .await
    }

    /// Lets the vcpus of a paused domain run on; of a running one they do. One that is
    /// suspended because it was sent to another host goes on here.
    ///
    /// # Errors
    /// The domain is not running; another host may be about to run it.
    pub async fn resume(&self, key: &DomainKey) -> Result<()> {
        let call = Call::domain(Operation::Resume, key);
        let inner = Arc::clone(&self.inner);
        self.change(call, async move |host, domain| match domain.state {
            State::Running | State::Blocked => Ok(()),
            State::Shutdown | State::PmSuspended => inner.go_on_here(&*host, &domain).await,
            _ => Ok(host.unpause(&domain.name).await?),
        })
        .await
    }

    /// Asks a guest to shut down and returns when it has been asked; its state tells
    /// when it has.
    ///
    /// # Errors
    /// The domain is not running.
    pub async fn shutdown(&self, key: &DomainKey, mode: ShutdownMode) -> Result<()> {
        self.ask(Operation::Shutdown, key, ShutdownReason::Poweroff, mode)
            .await
    }

    /// Asks a guest to reboot and returns when it has been asked.
    ///
    /// # Errors
    /// The domain is not running.
    pub async fn reboot(&self, key: &DomainKey, mode: ShutdownMode) -> Result<()> {
        self.ask(Operation::Reboot, key, ShutdownReason::Reboot, mode)
            .await
    }

    /// Ends a domain at once and starts it again as it was, as a reset button does.
    ///
    /// # Errors
    /// The domain is not running; the release has no such operation.
    pub async fn reset(&self, key: &DomainKey) -> Result<()> {
        let call = Call::domain(Operation::Reset, key);
        self.change(call, async move |host, domain| {
            Ok(host.reset(&domain.name).await?)
        })
        .await
    }

    /// Ends a domain at once. A transient one is gone then.
    ///
    /// # Errors
    /// The domain is not running.
    pub async fn destroy(&self, key: &DomainKey) -> Result<()> {
        let call = Call::domain(Operation::Destroy, key);
        self.change(call, async move |host, domain| {
            Ok(host.destroy(&domain.name).await?)
        })
        .await
    }

    /// Removes what a domain is defined as; one that runs is gone when it ends.
    ///
    /// # Errors
    /// The domain is not defined; it is active, and kept by a XenD, which removes
    /// inactive ones only; there is more of it than its definition
    /// ([`Driver::undefine_with`]).
    pub async fn undefine(&self, key: &DomainKey) -> Result<()> {
        self.undefine_with(key, UndefineFlags::default()).await
    }

    /// As [`Driver::undefine`], with what else there is of the domain.
    ///
    /// # Errors
    /// As those of [`Driver::undefine`].
    pub async fn undefine_with(&self, key: &DomainKey, flags: UndefineFlags) -> Result<()> {
        let call = Call::domain(Operation::Undefine, key);
        let inner = Arc::clone(&self.inner);
        self.change(call, async move |host, domain| {
            let file = inner.managed_save_of(&domain).await?;
            if file.is_some() && !flags.managed_save {
                return Err(Error::Invalid {
                    name: domain.name,
                    operation: Operation::Undefine.verb(),
                    reason: "its memory is saved: undefine it with --managed-save to remove both"
                        .to_owned(),
                });
            }
            if !flags.snapshots {
                let what = "delete them, or undefine it with --snapshots-metadata to forget them";
                let operation = Operation::Undefine;
                inner.without_snapshots(&domain, operation, what).await?;
            }
            inner.part_run(Some(&domain)).await?;
            if domain.is_active() && !host.keeps_config_apart() {
                return Err(Error::State {
                    name: domain.name,
                    operation: Operation::Undefine.verb(),
                    state: domain.state,
                    needed: "shut off",
                });
            }
            host.undefine(&domain.name).await?;
            inner.store.undefine(domain.uuid).await?;
            inner.forget_snapshots(&domain).await?;
            match file {
                Some(file) => crate::domain::managed_save::remove(file).await,
                None => Ok(()),
            }
        })
        .await
    }

    async fn ask(
        &self,
        operation: Operation,
        key: &DomainKey,
        reason: ShutdownReason,
        mode: ShutdownMode,
    ) -> Result<()> {
        let call = Call::domain(operation, key);
        self.change(call, async move |host, domain| {
            let has_button = domain.kind == OsType::Hvm && reason == ShutdownReason::Poweroff;
            if mode != ShutdownMode::AcpiPowerButton {
                return match host.shutdown(&domain.name, reason).await {
                    Err(virtxen_host::Error::NoDrivers { .. })
                        if mode == ShutdownMode::Any && has_button =>
                    {
                        Ok(host.trigger(&domain.name, Trigger::PowerButton).await?)
                    }
                    asked => Ok(asked?),
                };
            }
            let refused = |reason: &str| {
                Err(Error::Unsupported {
                    operation: operation.verb(),
                    reason: reason.to_owned(),
                })
            };
            if reason != ShutdownReason::Poweroff {
                return refused("an ACPI power button does not reboot a guest");
            }
            if domain.kind != OsType::Hvm {
                return refused("only fully virtualized guests have an ACPI power button");
            }
            Ok(host.trigger(&domain.name, Trigger::PowerButton).await?)
        })
        .await
    }
}
