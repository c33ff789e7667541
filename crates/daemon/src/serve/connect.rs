//! Calls about the connection and what the host can do; the lists of domains.

use super::{Caller, wire};
use crate::error::Result;
use std::sync::Arc;
use virtxen_driver::{CpuComparison, DomainQuery, ListFilter};
use virtxen_rpc::calls::{
    BASELINE_CPU_EXPAND_FEATURES as EXPAND, BASELINE_CPU_MIGRATABLE as MIGRATABLE,
    BaselineArguments, COMPARE_CPU_FAIL_INCOMPATIBLE as MUST_RUN, CapabilitiesArguments,
    DOMAINS_MAX, ListAll, Listed, ModelNames, ModelNamesArguments, NativeArguments, OpenArguments,
    XmlFlags,
};
use virtxen_rpc::xdr::List;
use virtxen_rpc::{RemoteError, code, origin};

/// The version of libvirt whose protocol this is: major, minor and release.
const LIBVIRT: u64 = 9_000_000;

/// Names under which the driver may be opened; none stands for "what you have".
const NAMES: [&str; 4] = ["", "xen:///", "xen:///system", "xen://"];

super::rows! {
    ConnectOpen => open;
    ConnectGetType => async |_, ()| Ok("Xen".to_owned());
    ConnectGetVersion => async |caller, ()| Ok(caller.driver.version_number());
    ConnectGetLibVersion => async |_, ()| Ok(LIBVIRT);
    ConnectGetHostname => async |caller, ()| Ok(caller.driver.hostname().await?);
    ConnectGetURI => async |caller, ()| Ok(caller.uri.to_string());
    ConnectGetMaxVcpus => max_vcpus;
    ConnectGetCapabilities => async |caller, ()| Ok(caller.driver.capabilities().await?);
    ConnectGetDomainCapabilities => domain_capabilities;
    ConnectCompareCPU => compare_cpu;
    ConnectBaselineCPU => baseline_cpu;
    ConnectGetCPUModelNames => cpu_models;
    ConnectListAllDomains => list_all;
    ConnectListDomains => list_active;
    ConnectNumOfDomains => async |caller, ()| count(&caller, &ListFilter::active()).await;
    ConnectListDefinedDomains => list_defined;
    ConnectNumOfDefinedDomains => async |caller, ()| {
        count(&caller, &ListFilter::inactive()).await
    };
    ConnectDomainXMLFromNative => from_native;
    ConnectDomainXMLToNative => to_native;
}

async fn open(_caller: Arc<Caller>, arguments: OpenArguments) -> Result<()> {
    wire::only("virConnectOpenAuth", arguments.flags, 3)?;
    let name = arguments.name.unwrap_or_default();
    let place = name.split(['?', '#']).next().unwrap_or_default();
    if NAMES.contains(&place) {
        return Ok(());
    }
    let message =
        format!("no connection driver available for {name}: this daemon serves xen:///system");
    Err(RemoteError::new(code::NO_CONNECT, origin::NONE, message).into())
}

async fn max_vcpus(caller: Arc<Caller>, virt_type: Option<String>) -> Result<i32> {
    let virt_type = virt_type.as_deref().filter(|name| !name.is_empty());
    let count = caller.driver.max_vcpus(virt_type).await?;
    Ok(i32::try_from(count).unwrap_or(i32::MAX))
}

async fn domain_capabilities(
    caller: Arc<Caller>,
    arguments: CapabilitiesArguments,
) -> Result<String> {
    wire::only("virConnectGetDomainCapabilities", arguments.flags, 0)?;
    let query = DomainQuery {
        emulator: arguments.emulatorbin.as_deref(),
        arch: arguments.arch.as_deref(),
        machine: arguments.machine.as_deref(),
        virt_type: arguments.virttype.as_deref(),
    };
    Ok(caller.driver.domain_capabilities(&query).await?)
}

async fn compare_cpu(caller: Arc<Caller>, arguments: XmlFlags) -> Result<i32> {
    wire::only("virConnectCompareCPU", arguments.flags, MUST_RUN)?;
    let must_run = arguments.flags & MUST_RUN != 0;
    let compared = caller.driver.compare_cpu(&arguments.xml, must_run).await?;
    Ok(match compared {
        CpuComparison::Incompatible => 0,
        CpuComparison::Identical => 1,
        CpuComparison::Superset => 2,
    })
}

async fn baseline_cpu(caller: Arc<Caller>, arguments: BaselineArguments) -> Result<String> {
    let flags = arguments.flags;
    wire::only("virConnectBaselineCPU", flags, EXPAND | MIGRATABLE)?;
    let (expand, migratable) = (flags & EXPAND != 0, flags & MIGRATABLE != 0);
    let xmls = arguments.xml_cpus.0;
    if xmls.is_empty() {
        let message = "xmlCPUs in virConnectBaselineCPU must not be NULL".to_owned();
        return Err(RemoteError::new(code::INVALID_ARG, origin::DOMAIN, message).into());
    }
    let found = caller.driver.baseline_cpu(&xmls, expand, migratable);
    Ok(found.await?)
}

async fn cpu_models(caller: Arc<Caller>, arguments: ModelNamesArguments) -> Result<ModelNames> {
    wire::only("virConnectGetCPUModelNames", arguments.flags, 0)?;
    let models = caller.driver.cpu_models(&arguments.arch).await?;
    Ok(ModelNames {
        ret: i32::try_from(models.len()).unwrap_or(i32::MAX),
        models: List(match arguments.need_results {
            0 => Vec::new(),
            _ => models,
        }),
    })
}

async fn list_all(
    caller: Arc<Caller>,
    arguments: ListAll,
) -> Result<Listed<virtxen_rpc::Domain, DOMAINS_MAX>> {
    wire::only("virConnectListAllDomains", arguments.flags, 0xffff)?;
    let domains = match wire::is_for_checkpoints(arguments.flags) {
        true => Vec::new(),
        false => caller.list(&wire::filter(arguments.flags)).await?,
    };
    let items = domains.iter().map(wire::domain).collect();
    Ok(Listed::answer(arguments.need_results, items))
}

async fn list_active(caller: Arc<Caller>, most: i32) -> Result<List<i32, DOMAINS_MAX>> {
    let domains = caller.list(&ListFilter::active()).await?;
    let ids = domains.iter().map(|domain| wire::domain(domain).id);
    Ok(List(ids.take(at_most(most)).collect()))
}

async fn list_defined(caller: Arc<Caller>, most: i32) -> Result<List<String, DOMAINS_MAX>> {
    let domains = caller.list(&ListFilter::inactive()).await?;
    let names = domains.into_iter().map(|domain| domain.name);
    Ok(List(names.take(at_most(most)).collect()))
}

async fn count(caller: &Caller, filter: &ListFilter) -> Result<i32> {
    let domains = caller.list(filter).await?;
    Ok(i32::try_from(domains.len()).unwrap_or(i32::MAX))
}

fn at_most(most: i32) -> usize {
    usize::try_from(most).unwrap_or(0).min(DOMAINS_MAX)
}

async fn from_native(caller: Arc<Caller>, arguments: NativeArguments) -> Result<String> {
    wire::only("virConnectDomainXMLFromNative", arguments.flags, 0)?;
    let format = arguments.native_format.parse()?;
    let converted = caller
        .driver
        .xml_from_native(format, &arguments.config)
        .await?;
    wire::tell(&arguments.native_format, &converted.warnings);
    Ok(converted.text)
}

async fn to_native(caller: Arc<Caller>, arguments: NativeArguments) -> Result<String> {
    wire::only("virConnectDomainXMLToNative", arguments.flags, 0)?;
    let format = arguments.native_format.parse()?;
    let converted = caller
        .driver
        .xml_to_native(format, &arguments.config)
        .await?;
    wire::tell(&arguments.native_format, &converted.warnings);
    Ok(converted.text)
}
