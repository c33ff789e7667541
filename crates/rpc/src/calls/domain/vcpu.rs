//! Calls about the virtual processors of a domain: how many, where they run, and
//! how they share the real ones.

use super::{ParamsFlags, SetParamsFlags};
use crate::calls::DomainFlags;
use crate::calls::node::CPUMAP_MAX;
use crate::calls::table::procedures;
use crate::objects::Domain;
use crate::typed_param::TypedParam;
use crate::xdr::{List, Opaque, record};

/// Most bytes of the maps of all virtual processors.
pub const CPUMAPS_MAX: usize = 8_388_608;

/// A flag of ours for `virDomainPinVcpuFlags` and `virDomainGetVcpuPinInfo`: meant is where
/// a vcpu should rather run, for which libvirt has no word. libvirt refuses it.
pub const SOFT_AFFINITY: u32 = 1 << 30;

record! {
    /// Arguments of `virDomainGetVcpus`.
    VcpusArguments { dom: Domain, maxinfo: i32, maplen: i32 }
    /// `virVcpuInfo`.
    VcpuInfo {
        number: u32,
        state: i32,
        /// Nanoseconds.
        cpu_time: u64,
        cpu: i32,
    }
    /// What each does, and a map of where it may run, one after the other.
    Vcpus { info: List<VcpuInfo, 16_384>, cpumaps: Opaque<CPUMAPS_MAX> }
    /// Arguments of `virDomainSetVcpus`.
    SetVcpusArguments { dom: Domain, nvcpus: u32 }
    /// Arguments of `virDomainSetVcpusFlags`.
    SetVcpusFlags { dom: Domain, nvcpus: u32, flags: u32 }
    /// Arguments of `virDomainPinVcpu`.
    PinArguments { dom: Domain, vcpu: u32, cpumap: Opaque<CPUMAP_MAX> }
    /// Arguments of `virDomainPinVcpuFlags`.
    PinFlags { dom: Domain, vcpu: u32, cpumap: Opaque<CPUMAP_MAX>, flags: u32 }
    /// Arguments of `virDomainGetVcpuPinInfo`.
    PinInfoArguments { dom: Domain, ncpumaps: i32, maplen: i32, flags: u32 }
    /// Maps, one after the other, and how many.
    PinInfo { cpumaps: Opaque<CPUMAPS_MAX>, num: i32 }
    /// Arguments of `virDomainPinEmulator`.
    PinEmulatorArguments { dom: Domain, cpumap: Opaque<CPUMAP_MAX>, flags: u32 }
    /// Arguments of `virDomainGetEmulatorPinInfo`.
    EmulatorPinInfoArguments { dom: Domain, maplen: i32, flags: u32 }
    /// Arguments of `virDomainSetVcpu`.
    SetVcpuArguments {
        dom: Domain,
        /// Numbers and ranges, as in documents.
        cpumap: String,
        state: i32,
        flags: u32,
    }
    /// The scheduler's name, and how many parameters it has.
    SchedulerType { name: String, nparams: i32 }
    /// Arguments of `virDomainGetSchedulerParameters`.
    ParamsArguments { dom: Domain, nparams: i32 }
    /// Arguments of `virDomainSetSchedulerParameters`.
    SetParams { dom: Domain, params: List<TypedParam, 16> }
    /// Arguments of `virDomainGetCPUStats`.
    CPUStatsArguments { dom: Domain, nparams: u32, start_cpu: i32, ncpus: u32, flags: u32 }
    /// Parameters of each processor, one after the other, and how many each has.
    CPUStats { params: List<TypedParam, 2048>, nparams: i32 }
}

procedures! { ROWS: Domain {
     18 HIGH DomainGetMaxVcpus READS [Domain: Read] (Domain) -> i32;
     20 HIGH DomainGetVcpus READS [Domain: Read] (VcpusArguments) -> Vcpus;
     26 LOW  DomainPinVcpu WRITES [Domain: Write] (PinArguments) -> ();
     32 LOW  DomainSetVcpus WRITES [Domain: Write] (SetVcpusArguments) -> ();
     56 LOW  DomainGetSchedulerType READS [Domain: Read] (Domain) -> SchedulerType;
     57 LOW  DomainGetSchedulerParameters READS [Domain: Read]
        (ParamsArguments) -> List<TypedParam, 16>;
     58 LOW  DomainSetSchedulerParameters WRITES [Domain: Read] (SetParams) -> ();
    199 LOW  DomainSetVcpusFlags WRITES [Domain: Write, Save if STORED, Write if GUEST]
        (SetVcpusFlags) -> ();
    200 LOW  DomainGetVcpusFlags READS_BUT_GUEST [Domain: Read, Write if GUEST]
        (DomainFlags) -> i32;
    219 LOW  DomainSetSchedulerParametersFlags WRITES [Domain: Write, Save if STORED]
        (SetParamsFlags) -> ();
    223 LOW  DomainGetSchedulerParametersFlags READS [Domain: Read]
        (ParamsFlags) -> List<TypedParam, 16>;
    225 LOW  DomainPinVcpuFlags WRITES [Domain: Write, Save if STORED] (PinFlags) -> ();
    230 LOW  DomainGetVcpuPinInfo READS [Domain: Read] (PinInfoArguments) -> PinInfo;
    262 LOW  DomainGetCPUStats READS [Domain: Read] (CPUStatsArguments) -> CPUStats;
    279 LOW  DomainPinEmulator WRITES [Domain: Write, Save if STORED] (PinEmulatorArguments) -> ();
    280 LOW  DomainGetEmulatorPinInfo READS [Domain: Read] (EmulatorPinInfoArguments) -> PinInfo;
    384 LOW  DomainSetVcpu WRITES [Domain: Write, Save if STORED] (SetVcpuArguments) -> ();
} }
