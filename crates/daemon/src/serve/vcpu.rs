//! Calls about the virtual processors of a domain: how many, where they run, and
//! how they are scheduled.

use super::{Caller, lookup, wire};
use crate::error::Result;
use std::sync::Arc;
use std::time::Duration;
use virtxen_driver::{Affect, Operation};
use virtxen_guest::CpuSet;
use virtxen_rpc::calls::{
    CPUStats, CPUStatsArguments, DomainFlags, Params, ParamsArguments, ParamsFlags, PinArguments,
    PinFlags, PinInfo, PinInfoArguments, SOFT_AFFINITY, SchedulerType, SetParams, SetParamsFlags,
    SetVcpuArguments, SetVcpusArguments, SetVcpusFlags, VcpuInfo, Vcpus, VcpusArguments,
};
use virtxen_rpc::xdr::{List, Opaque};
use virtxen_rpc::{Domain, RemoteError, TypedParam, TypedValue, code, origin};

/// `VIR_DOMAIN_VCPU_MAXIMUM`.
const MAXIMUM: u32 = 4;

super::rows! {
    DomainGetMaxVcpus => async |caller: Arc<Caller>, dom: Domain| {
        Ok(number(lookup::look(&caller, &dom).await?.max_vcpus))
    };
    DomainGetVcpusFlags => count;
    DomainSetVcpus => set_vcpus;
    DomainSetVcpusFlags => set_vcpus_flags;
    DomainSetVcpu => plug;
    DomainGetVcpus => vcpus;
    DomainPinVcpu => pin;
    DomainPinVcpuFlags => pin_flags;
    DomainGetVcpuPinInfo => pin_info;
    DomainGetSchedulerType => scheduler_type;
    DomainGetSchedulerParameters => scheduler;
    DomainGetSchedulerParametersFlags => scheduler_flags;
    DomainSetSchedulerParameters => set_scheduler;
    DomainSetSchedulerParametersFlags => set_scheduler_flags;
    DomainGetCPUStats => cpu_stats;
}

async fn count(caller: Arc<Caller>, arguments: DomainFlags) -> Result<i32> {
    let flags = arguments.flags;
    wire::only("virDomainGetVcpusFlags", flags, wire::AFFECT | MAXIMUM)?;
    let key = wire::key(&arguments.dom);
    let counts = caller.driver.vcpu_counts(&key, wire::affect(flags)).await?;
    Ok(number(match flags & MAXIMUM {
        0 => counts.current,
        _ => counts.maximum,
    }))
}

async fn set_vcpus(caller: Arc<Caller>, arguments: SetVcpusArguments) -> Result<()> {
    let key = lookup::running(&caller, &arguments.dom, Operation::SetVcpus).await?;
    let count = arguments.nvcpus;
    Ok(caller
        .driver
        .set_vcpus(&key, count, Affect::CURRENT)
        .await?)
}

async fn set_vcpus_flags(caller: Arc<Caller>, arguments: SetVcpusFlags) -> Result<()> {
    let flags = arguments.flags;
    wire::only("virDomainSetVcpusFlags", flags, wire::AFFECT | MAXIMUM)?;
    let (key, affect) = (wire::key(&arguments.dom), wire::affect(flags));
    let (driver, count) = (&caller.driver, arguments.nvcpus);
    let set = match flags & MAXIMUM {
        0 => driver.set_vcpus(&key, count, affect).await,
        _ => driver.set_max_vcpus(&key, count, affect).await,
    };
    Ok(set?)
}

async fn plug(caller: Arc<Caller>, arguments: SetVcpuArguments) -> Result<()> {
    wire::only("virDomainSetVcpu", arguments.flags, wire::AFFECT)?;
    let list = &arguments.cpumap;
    let vcpus: CpuSet = list.parse().map_err(|_| {
        let message = format!("invalid argument: '{list}' is no list of vcpus");
        RemoteError::new(code::INVALID_ARG, origin::DOMAIN, message)
    })?;
    let (key, affect) = (wire::key(&arguments.dom), wire::affect(arguments.flags));
    let (vcpus, online) = (vcpus.iter().collect::<Vec<_>>(), arguments.state != 0);
    Ok(caller
        .driver
        .plug_vcpus(&key, &vcpus, online, affect)
        .await?)
}

async fn vcpus(caller: Arc<Caller>, arguments: VcpusArguments) -> Result<Vcpus> {
    let key = lookup::running(&caller, &arguments.dom, Operation::GetVcpus).await?;
    let vcpus = caller.driver.vcpus(&key).await?;
    let most = usize::try_from(arguments.maxinfo).unwrap_or(0);
    let length = usize::try_from(arguments.maplen).unwrap_or(0);
    let vcpus = vcpus.get(..most.min(vcpus.len())).unwrap_or_default();
    let state = |vcpu: &virtxen_driver::VcpuInfo| match (vcpu.online, vcpu.blocked) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => 2,
    };
    let info = vcpus.iter().map(|vcpu| VcpuInfo {
        number: vcpu.number,
        state: state(vcpu),
        cpu_time: nanoseconds(vcpu.time),
        cpu: vcpu.cpu.map_or(-1, number),
    });
    Ok(Vcpus {
        info: List(info.collect()),
        cpumaps: maps(vcpus.iter().map(|vcpu| &vcpu.affinity), length),
    })
}

async fn pin(caller: Arc<Caller>, arguments: PinArguments) -> Result<()> {
    let cpus = wire::processors(&arguments.cpumap.0);
    let key = lookup::running(&caller, &arguments.dom, Operation::PinVcpu).await?;
    let driver = &caller.driver;
    Ok(driver
        .pin_vcpu(&key, arguments.vcpu, &cpus, Affect::CURRENT)
        .await?)
}

async fn pin_flags(caller: Arc<Caller>, arguments: PinFlags) -> Result<()> {
    let (flags, vcpu) = (arguments.flags, arguments.vcpu);
    wire::only("virDomainPinVcpuFlags", flags, wire::AFFECT | SOFT_AFFINITY)?;
    let cpus = wire::processors(&arguments.cpumap.0);
    let (key, affect) = (wire::key(&arguments.dom), wire::affect(flags));
    let driver = &caller.driver;
    let pinned = match flags & SOFT_AFFINITY {
        0 => driver.pin_vcpu(&key, vcpu, &cpus, affect).await,
        _ => driver.pin_vcpu_softly(&key, vcpu, &cpus, affect).await,
    };
    Ok(pinned?)
}

async fn pin_info(caller: Arc<Caller>, arguments: PinInfoArguments) -> Result<PinInfo> {
    let flags = arguments.flags;
    wire::only(
        "virDomainGetVcpuPinInfo",
        flags,
        wire::AFFECT | SOFT_AFFINITY,
    )?;
    let key = wire::key(&arguments.dom);
    let mut places = match flags & SOFT_AFFINITY {
        0 => {
            let vcpus = caller.driver.vcpus(&key).await?.into_iter();
            vcpus.map(|vcpu| vcpu.affinity).collect()
        }
        _ => caller.driver.soft_affinity(&key).await?,
    };
    let length = usize::try_from(arguments.maplen).unwrap_or(0);
    places.truncate(usize::try_from(arguments.ncpumaps).unwrap_or(0));
    Ok(PinInfo {
        cpumaps: maps(places.iter(), length),
        num: i32::try_from(places.len()).unwrap_or(i32::MAX),
    })
}

async fn scheduler_type(caller: Arc<Caller>, dom: Domain) -> Result<SchedulerType> {
    let (name, parameters) = caller.driver.scheduler(&wire::key(&dom)).await?;
    Ok(SchedulerType {
        name: name.into_owned(),
        nparams: i32::try_from(parameters.len()).unwrap_or(i32::MAX),
    })
}

async fn scheduler(
    caller: Arc<Caller>,
    arguments: ParamsArguments,
) -> Result<List<TypedParam, 16>> {
    scheduler_parameters(&caller, &arguments.dom, arguments.nparams).await
}

async fn scheduler_flags(
    caller: Arc<Caller>,
    arguments: ParamsFlags,
) -> Result<List<TypedParam, 16>> {
    let function = "virDomainGetSchedulerParametersFlags";
    wire::only(function, arguments.flags, wire::AFFECT | wire::STRINGS)?;
    scheduler_parameters(&caller, &arguments.dom, arguments.nparams).await
}

async fn scheduler_parameters(
    caller: &Caller,
    dom: &Domain,
    room: i32,
) -> Result<List<TypedParam, 16>> {
    let (_, parameters) = caller.driver.scheduler(&wire::key(dom)).await?;
    let parameters = parameters.into_iter().map(wire::parameter).collect();
    Ok(Params::answer(parameters, room, 0).params)
}

async fn set_scheduler(caller: Arc<Caller>, arguments: SetParams) -> Result<()> {
    let changes: Vec<_> = arguments.params.0.into_iter().map(wire::change).collect();
    let key = wire::key(&arguments.dom);
    Ok(caller
        .driver
        .set_scheduler(&key, &changes, Affect::CURRENT)
        .await?)
}

async fn set_scheduler_flags(caller: Arc<Caller>, arguments: SetParamsFlags) -> Result<()> {
    let function = "virDomainSetSchedulerParametersFlags";
    wire::only(function, arguments.flags, wire::AFFECT | wire::STRINGS)?;
    let changes: Vec<_> = arguments.params.0.into_iter().map(wire::change).collect();
    let (key, affect) = (wire::key(&arguments.dom), wire::affect(arguments.flags));
    Ok(caller.driver.set_scheduler(&key, &changes, affect).await?)
}

/// Times of all processors together (`start_cpu` −1), or of one virtual processor
/// after the other. Without room the client asks how many there are.
async fn cpu_stats(caller: Arc<Caller>, arguments: CPUStatsArguments) -> Result<CPUStats> {
    wire::only("virDomainGetCPUStats", arguments.flags, wire::STRINGS)?;
    let stats = caller.driver.cpu_stats(&wire::key(&arguments.dom)).await?;
    let time = |time: Duration| TypedParam::new("cpu_time", TypedValue::ULLong(nanoseconds(time)));
    let (params, nparams) = match (arguments.start_cpu, arguments.ncpus, arguments.nparams) {
        (_, 0, _) => (
            Vec::new(),
            i32::try_from(stats.vcpus.len()).unwrap_or(i32::MAX),
        ),
        (_, _, 0) => (Vec::new(), 1),
        (-1, _, _) => (vec![time(stats.total)], 1),
        (first, count, _) => {
            let first = usize::try_from(first).unwrap_or(usize::MAX);
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            let times = stats.vcpus.into_iter().skip(first).take(count);
            (times.map(time).collect(), 1)
        }
    };
    Ok(CPUStats {
        params: List(params),
        nparams,
    })
}

/// A map of `length` bytes for each vcpu.
fn maps<'a, const MAX: usize>(
    places: impl Iterator<Item = &'a Vec<u32>>,
    length: usize,
) -> Opaque<MAX> {
    let maps = places.flat_map(|cpus| wire::map(cpus, length));
    Opaque(maps.take(MAX).collect())
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn number(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
