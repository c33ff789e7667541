//! Calls about memory, vcpus and their scheduling. What an inactive domain has of them is
//! asked for otherwise than what a running one has; the rest is the daemon's business.

use crate::{Remote, wire};
use std::borrow::Cow;
use std::time::Duration;
use virtxen_driver::{Affect, DomainKey, Operation, Result, TypedParameter, VcpuCounts, VcpuInfo};
use virtxen_guest::MemoryKib;
use virtxen_rpc::Domain;
use virtxen_rpc::calls::{
    DomainGetMaxVcpus, DomainGetSchedulerParameters, DomainGetSchedulerType, DomainGetVcpuPinInfo,
    DomainGetVcpus, DomainGetVcpusFlags, DomainIsActive, DomainPinVcpuFlags, DomainSetMemoryFlags,
    DomainSetSchedulerParametersFlags, DomainSetVcpusFlags, MemoryFlags, ParamsArguments, PinFlags,
    PinInfoArguments, SOFT_AFFINITY, SetParamsFlags, SetVcpusFlags, VcpusArguments,
};
use virtxen_rpc::xdr::{List, Opaque};

/// `VIR_DOMAIN_MEM_MAXIMUM` and `VIR_DOMAIN_VCPU_MAXIMUM`.
const MAXIMUM: u32 = 4;
/// `VIR_DOMAIN_AFFECT_CONFIG`.
const CONFIG: u32 = 2;
/// Most parameters of a scheduler.
const PARAMETERS: i32 = 16;

impl Remote {
    pub(crate) async fn set_memory(
        &self,
        key: &DomainKey,
        memory: MemoryKib,
        affect: Affect,
    ) -> Result<()> {
        self.memory(Operation::SetMemory, key, memory, wire::affect(affect))
            .await
    }

    pub(crate) async fn set_max_memory(
        &self,
        key: &DomainKey,
        limit: MemoryKib,
        affect: Affect,
    ) -> Result<()> {
        let flags = wire::affect(affect) | MAXIMUM;
        self.memory(Operation::SetMaxMemory, key, limit, flags)
            .await
    }

    async fn memory(
        &self,
        operation: Operation,
        key: &DomainKey,
        memory: MemoryKib,
        flags: u32,
    ) -> Result<()> {
        let arguments = MemoryFlags {
            dom: self.domain(key).await?,
            memory: memory.0,
            flags,
        };
        self.ask::<DomainSetMemoryFlags>(operation, arguments).await
    }

    pub(crate) async fn vcpu_counts(&self, key: &DomainKey, affect: Affect) -> Result<VcpuCounts> {
        let operation = Operation::GetVcpus;
        let flags = wire::affect(affect);
        let (current, maximum) = (
            self.flags(key, flags).await?,
            self.flags(key, flags | MAXIMUM).await?,
        );
        let dom = current.dom.clone();
        let (current, maximum, active) = tokio::try_join!(
            self.ask::<DomainGetVcpusFlags>(operation, current),
            self.ask::<DomainGetVcpusFlags>(operation, maximum),
            self.ask::<DomainIsActive>(operation, dom),
        )?;
        Ok(VcpuCounts {
            current: count(current),
            maximum: count(maximum),
            live: active == 1 && (affect.live || !affect.config),
        })
    }

    pub(crate) async fn set_vcpus(
        &self,
        key: &DomainKey,
        count: u32,
        affect: Affect,
    ) -> Result<()> {
        self.vcpus_to(Operation::SetVcpus, key, count, wire::affect(affect))
            .await
    }

    pub(crate) async fn set_max_vcpus(
        &self,
        key: &DomainKey,
        count: u32,
        affect: Affect,
    ) -> Result<()> {
        let flags = wire::affect(affect) | MAXIMUM;
        self.vcpus_to(Operation::SetVcpus, key, count, flags).await
    }

    async fn vcpus_to(
        &self,
        operation: Operation,
        key: &DomainKey,
        nvcpus: u32,
        flags: u32,
    ) -> Result<()> {
        let arguments = SetVcpusFlags {
            dom: self.domain(key).await?,
            nvcpus,
            flags,
        };
        self.ask::<DomainSetVcpusFlags>(operation, arguments).await
    }

    pub(crate) async fn vcpus(&self, key: &DomainKey) -> Result<Vec<VcpuInfo>> {
        let operation = Operation::GetVcpus;
        let dom = self.domain(key).await?;
        let (most, maplen) = self.sizes(&dom).await?;
        if self.ask::<DomainIsActive>(operation, dom.clone()).await? == 0 {
            return self.inactive_vcpus(dom, most, maplen).await;
        }
        let arguments = VcpusArguments {
            dom,
            maxinfo: most,
            maplen: i32::try_from(maplen).unwrap_or(0),
        };
        let told = self.ask::<DomainGetVcpus>(operation, arguments).await?;
        let length = usize::try_from(maplen).unwrap_or(0).max(1);
        let mut maps = told.cpumaps.0.chunks(length);
        let vcpus = told.info.0.into_iter().map(|vcpu| VcpuInfo {
            number: vcpu.number,
            online: vcpu.state != 0,
            blocked: vcpu.state == 2,
            running: vcpu.state == 1,
            time: wire::time(vcpu.cpu_time),
            cpu: u32::try_from(vcpu.cpu).ok(),
            affinity: maps.next().map(wire::processors).unwrap_or_default(),
        });
        Ok(vcpus.collect())
    }

    /// How many vcpus a domain has at most, and the bytes of a map of the host's processors.
    async fn sizes(&self, dom: &Domain) -> Result<(i32, u32)> {
        let (node, most) = tokio::try_join!(
            self.node_info(),
            self.ask::<DomainGetMaxVcpus>(Operation::GetVcpus, dom.clone()),
        )?;
        Ok((most, node.cpus.div_ceil(8)))
    }

    /// Of vcpus that are not there yet only where they may run is known.
    async fn inactive_vcpus(
        &self,
        dom: Domain,
        ncpumaps: i32,
        maplen: u32,
    ) -> Result<Vec<VcpuInfo>> {
        let places = self.places(dom, ncpumaps, maplen, CONFIG).await?;
        let vcpus = (0..).zip(places).map(|(number, affinity)| VcpuInfo {
            number,
            online: false,
            blocked: false,
            running: false,
            time: Duration::ZERO,
            cpu: None,
            affinity,
        });
        Ok(vcpus.collect())
    }

    /// The processors of each vcpu.
    async fn places(
        &self,
        dom: Domain,
        ncpumaps: i32,
        maplen: u32,
        flags: u32,
    ) -> Result<Vec<Vec<u32>>> {
        let length = usize::try_from(maplen).unwrap_or(0).max(1);
        let arguments = PinInfoArguments {
            dom,
            ncpumaps,
            maplen: i32::try_from(maplen).unwrap_or(0),
            flags,
        };
        let operation = Operation::GetVcpus;
        let told = self.ask::<DomainGetVcpuPinInfo>(operation, arguments);
        let maps = told.await?.cpumaps.0;
        Ok(maps.chunks(length).map(wire::processors).collect())
    }

    pub(crate) async fn soft_affinity(&self, key: &DomainKey) -> Result<Vec<Vec<u32>>> {
        let dom = self.domain(key).await?;
        let (most, maplen) = self.sizes(&dom).await?;
        self.places(dom, most, maplen, SOFT_AFFINITY).await
    }

    pub(crate) async fn pin_vcpu(
        &self,
        key: &DomainKey,
        vcpu: u32,
        cpus: &[u32],
        affect: Affect,
    ) -> Result<()> {
        self.pin(key, vcpu, cpus, wire::affect(affect)).await
    }

    pub(crate) async fn pin_vcpu_softly(
        &self,
        key: &DomainKey,
        vcpu: u32,
        cpus: &[u32],
        affect: Affect,
    ) -> Result<()> {
        let flags = wire::affect(affect) | SOFT_AFFINITY;
        self.pin(key, vcpu, cpus, flags).await
    }

    async fn pin(&self, key: &DomainKey, vcpu: u32, cpus: &[u32], flags: u32) -> Result<()> {
        let arguments = PinFlags {
            dom: self.domain(key).await?,
            vcpu,
            cpumap: Opaque(wire::map(cpus)),
            flags,
        };
        self.ask::<DomainPinVcpuFlags>(Operation::PinVcpu, arguments)
            .await
    }

    pub(crate) async fn scheduler(
        &self,
        key: &DomainKey,
    ) -> Result<(Cow<'static, str>, Vec<TypedParameter>)> {
        let operation = Operation::GetScheduler;
        let dom = self.domain(key).await?;
        let arguments = ParamsArguments {
            dom: dom.clone(),
            nparams: PARAMETERS,
        };
        let (kind, parameters) = tokio::try_join!(
            self.ask::<DomainGetSchedulerType>(operation, dom),
            self.ask::<DomainGetSchedulerParameters>(operation, arguments),
        )?;
        let parameters = parameters.0.into_iter().map(wire::parameter);
        Ok((kind.name.into(), parameters.collect()))
    }

    pub(crate) async fn set_scheduler(
        &self,
        key: &DomainKey,
        changes: &[TypedParameter],
        affect: Affect,
    ) -> Result<()> {
        let arguments = SetParamsFlags {
            dom: self.domain(key).await?,
            params: List(changes.iter().map(wire::change).collect()),
            flags: wire::affect(affect),
        };
        self.ask::<DomainSetSchedulerParametersFlags>(Operation::SetScheduler, arguments)
            .await
    }
}

fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}
