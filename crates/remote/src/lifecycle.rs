//! Calls that make, start, stop and remove domains.

use crate::Remote;
use virtxen_driver::{DomainKey, Operation, Result, ShutdownMode};
use virtxen_rpc::calls::{
    AutostartArguments, DomainCreateWithFlags, DomainDestroy, DomainFlags, DomainGetAutostart,
    DomainReboot, DomainResume, DomainSetAutostart, DomainShutdownFlags, DomainSuspend,
    DomainUndefineFlags,
};

impl Remote {
    pub(crate) async fn start(&self, key: &DomainKey, paused: bool) -> Result<()> {
        let arguments = self.flags(key, u32::from(paused)).await?;
        self.ask::<DomainCreateWithFlags>(Operation::Start, arguments)
            .await
            .map(|_| ())
    }

    pub(crate) async fn suspend(&self, key: &DomainKey) -> Result<()> {
        let dom = self.domain(key).await?;
        self.ask::<DomainSuspend>(Operation::Suspend, dom).await
    }

    pub(crate) async fn resume(&self, key: &DomainKey) -> Result<()> {
        let dom = self.domain(key).await?;
        self.ask::<DomainResume>(Operation::Resume, dom).await
    }

    pub(crate) async fn shutdown(&self, key: &DomainKey, mode: ShutdownMode) -> Result<()> {
        let arguments = self.flags(key, bits(mode)).await?;
        self.ask::<DomainShutdownFlags>(Operation::Shutdown, arguments)
            .await
    }

    pub(crate) async fn reboot(&self, key: &DomainKey, mode: ShutdownMode) -> Result<()> {
        let arguments = self.flags(key, bits(mode)).await?;
        self.ask::<DomainReboot>(Operation::Reboot, arguments).await
    }

    pub(crate) async fn destroy(&self, key: &DomainKey) -> Result<()> {
        let dom = self.domain(key).await?;
        self.ask::<DomainDestroy>(Operation::Destroy, dom).await
    }

    pub(crate) async fn undefine(&self, key: &DomainKey) -> Result<()> {
        let arguments = self.flags(key, 0).await?;
        self.ask::<DomainUndefineFlags>(Operation::Undefine, arguments)
            .await
    }

    pub(crate) async fn autostart(&self, key: &DomainKey) -> Result<bool> {
        let dom = self.domain(key).await?;
        let autostart = self.ask::<DomainGetAutostart>(Operation::GetAutostart, dom);
        Ok(autostart.await? == 1)
    }

    pub(crate) async fn set_autostart(&self, key: &DomainKey, autostart: bool) -> Result<()> {
        let arguments = AutostartArguments {
            dom: self.domain(key).await?,
            autostart: i32::from(autostart),
        };
        self.ask::<DomainSetAutostart>(Operation::SetAutostart, arguments)
            .await
    }

    pub(crate) async fn flags(&self, key: &DomainKey, flags: u32) -> Result<DomainFlags> {
        let dom = self.domain(key).await?;
        Ok(DomainFlags { dom, flags })
    }
}

/// `virDomainShutdownFlagValues`.
const fn bits(mode: ShutdownMode) -> u32 {
    match mode {
        ShutdownMode::Any => 0,
        ShutdownMode::AcpiPowerButton => 1,
        ShutdownMode::Paravirt => 16,
    }
}
