//! Calls that act on a running guest as a whole, about its long operations, and about
//! what the daemon's host sees of its disks and interfaces.

use crate::{Remote, wire};
use std::time::Duration;
use virtxen_driver::{
    Affect, DiskImage, DomainKey, InterfaceAddress, JobState, JobStats, Operation, Result,
    SleepTarget,
};
use virtxen_guest::CpuSet;
use virtxen_rpc::TypedParam;
use virtxen_rpc::calls::{
    AddressesArguments, DomainAbortJob, DomainFlags, DomainGetBlockInfo, DomainGetJobStats,
    DomainInjectNMI, DomainInterfaceAddresses, DomainPMSuspendForDuration, DomainPMWakeup,
    DomainReset, DomainSendKey, DomainSetVcpu, PathFlags, SendKeyArguments, SetVcpuArguments,
    SuspendArguments,
};
use virtxen_rpc::xdr::List;

/// `VIR_DOMAIN_JOB_STATS_COMPLETED` and `VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED`.
const COMPLETED: u32 = 1;
const KEEP: u32 = 2;

/// `VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP`.
const ARP: u32 = 2;

impl Remote {
    pub(crate) async fn reset(&self, key: &DomainKey) -> Result<()> {
        let arguments = self.flags(key, 0).await?;
        self.ask::<DomainReset>(Operation::Reset, arguments).await
    }

    pub(crate) async fn send_keys(
        &self,
        key: &DomainKey,
        codes: &[u32],
        hold: Duration,
    ) -> Result<()> {
        let arguments = SendKeyArguments {
            dom: self.domain(key).await?,
            codeset: 0,
            holdtime: u32::try_from(hold.as_millis()).unwrap_or(u32::MAX),
            keycodes: List(codes.to_vec()),
            flags: 0,
        };
        self.ask::<DomainSendKey>(Operation::SendKey, arguments)
            .await
    }

    pub(crate) async fn pm_suspend(&self, key: &DomainKey, target: SleepTarget) -> Result<()> {
        let arguments = SuspendArguments {
            dom: self.domain(key).await?,
            target: match target {
                SleepTarget::Memory => 0,
                SleepTarget::Disk => 1,
                SleepTarget::Hybrid => 2,
            },
            duration: 0,
            flags: 0,
        };
        self.ask::<DomainPMSuspendForDuration>(Operation::PmSuspend, arguments)
            .await
    }

    pub(crate) async fn pm_wakeup(&self, key: &DomainKey) -> Result<()> {
        let arguments = self.flags(key, 0).await?;
        self.ask::<DomainPMWakeup>(Operation::PmWakeup, arguments)
            .await
    }

    pub(crate) async fn inject_nmi(&self, key: &DomainKey) -> Result<()> {
        let arguments = self.flags(key, 0).await?;
        self.ask::<DomainInjectNMI>(Operation::InjectNmi, arguments)
            .await
    }

    pub(crate) async fn plug_vcpus(
        &self,
        key: &DomainKey,
        vcpus: &[u32],
        online: bool,
        affect: Affect,
    ) -> Result<()> {
        let vcpus: CpuSet = vcpus.iter().copied().collect();
        let arguments = SetVcpuArguments {
            dom: self.domain(key).await?,
            cpumap: vcpus.to_string(),
            state: i32::from(online),
            flags: wire::affect(affect),
        };
        self.ask::<DomainSetVcpu>(Operation::PlugVcpus, arguments)
            .await
    }

    pub(crate) async fn job_stats(&self, key: &DomainKey) -> Result<Option<JobStats>> {
        let arguments = self.flags(key, 0).await?;
        self.job(arguments).await
    }

    pub(crate) async fn completed_job(
        &self,
        key: &DomainKey,
        keep: bool,
    ) -> Result<Option<JobStats>> {
        let flags = if keep { COMPLETED | KEEP } else { COMPLETED };
        let arguments = self.flags(key, flags).await?;
        self.job(arguments).await
    }

    pub(crate) async fn abort_job(&self, key: &DomainKey) -> Result<()> {
        let dom = self.domain(key).await?;
        self.ask::<DomainAbortJob>(Operation::AbortJob, dom).await
    }

    pub(crate) async fn block_info(&self, key: &DomainKey, disk: &str) -> Result<DiskImage> {
        let arguments = PathFlags {
            dom: self.domain(key).await?,
            path: disk.to_owned(),
            flags: 0,
        };
        let info = self.ask::<DomainGetBlockInfo>(Operation::BlockInfo, arguments);
        let info = info.await?;
        Ok(DiskImage {
            capacity: info.capacity,
            allocation: info.allocation,
            physical: info.physical,
        })
    }

    pub(crate) async fn interface_addresses(
        &self,
        key: &DomainKey,
    ) -> Result<Vec<InterfaceAddress>> {
        let arguments = AddressesArguments {
            dom: self.domain(key).await?,
            source: ARP,
            flags: 0,
        };
        let operation = Operation::InterfaceAddresses;
        let interfaces = self.ask::<DomainInterfaceAddresses>(operation, arguments);
        let interfaces = interfaces.await?.0.into_iter();
        Ok(interfaces
            .map(|interface| InterfaceAddress {
                name: Some(interface.name).filter(|name| !name.is_empty()),
                mac: interface.hwaddr.unwrap_or_default(),
                addresses: interface
                    .addrs
                    .0
                    .iter()
                    .filter_map(|address| address.addr.parse().ok())
                    .collect(),
            })
            .collect())
    }

    async fn job(&self, arguments: DomainFlags) -> Result<Option<JobStats>> {
        let stats = self.ask::<DomainGetJobStats>(Operation::JobStats, arguments);
        let stats = stats.await?;
        let state = match stats.kind {
            0 => return Ok(None),
            3 => JobState::Completed,
            4 => JobState::Failed,
            5 => JobState::Cancelled,
            _ => JobState::Running,
        };
        Ok(Some(job(state, &stats.params.0)))
    }
}

/// What is said of a job. An operation that libvirt has no number for is told as the
/// question.
pub(crate) fn job(state: JobState, params: &[TypedParam]) -> JobStats {
    let number = |name: &str| {
        let param = params.iter().find(|param| param.field == name)?;
        wire::number(&param.value)
    };
    JobStats {
        operation: match number("operation") {
            Some(1) => Operation::Start,
            Some(2) => Operation::Save,
            Some(3) => Operation::Restore,
            Some(5) => Operation::Migrate,
            Some(8) => Operation::CoreDump,
            _ => Operation::JobStats,
        },
        state,
        elapsed: Duration::from_millis(number("time_elapsed").unwrap_or(0)),
        total: number("memory_total"),
        done: number("memory_processed"),
    }
}
