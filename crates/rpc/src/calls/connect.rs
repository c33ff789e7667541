//! Calls about the connection and what the host is able to do; the lists of
//! domains and their statistics.

use super::table::procedures;
use super::{DOMAINS_MAX, ListAll, Listed, XmlFlags};
use crate::objects::Domain;
use crate::typed_param::TypedParam;
use crate::xdr::{List, record};

/// `VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE`: a processor that the host cannot run is an
/// error that says why.
pub const COMPARE_CPU_FAIL_INCOMPATIBLE: u32 = 1;
/// `VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES`: the features of the model are named too.
pub const BASELINE_CPU_EXPAND_FEATURES: u32 = 1;
/// `VIR_CONNECT_BASELINE_CPU_MIGRATABLE`: no features with which a guest stays on its host.
pub const BASELINE_CPU_MIGRATABLE: u32 = 2;

record! {
    /// Arguments of `virConnectOpen`.
    OpenArguments {
        /// The URI without server and transport.
        name: Option<String>,
        /// 1 asks for a read-only connection.
        flags: u32,
    }
    /// Arguments of the translations to and from other formats.
    NativeArguments { native_format: String, config: String, flags: u32 }
    /// Arguments of `virConnectBaselineCPU`.
    BaselineArguments { xml_cpus: List<String, 256>, flags: u32 }
    /// Arguments of `virConnectCompareHypervisorCPU`.
    CompareHypervisorArguments {
        emulator: Option<String>,
        arch: Option<String>,
        machine: Option<String>,
        virttype: Option<String>,
        xml_cpu: String,
        flags: u32,
    }
    /// Arguments of `virConnectBaselineHypervisorCPU`.
    BaselineHypervisorArguments {
        emulator: Option<String>,
        arch: Option<String>,
        machine: Option<String>,
        virttype: Option<String>,
        xml_cpus: List<String, 256>,
        flags: u32,
    }
    /// Arguments of `virConnectGetCPUModelNames`.
    ModelNamesArguments { arch: String, need_results: i32, flags: u32 }
    /// Names of CPU models, and how many there are.
    ModelNames { models: List<String, 8192>, ret: i32 }
    /// Arguments of `virConnectGetDomainCapabilities`.
    CapabilitiesArguments {
        emulatorbin: Option<String>,
        arch: Option<String>,
        machine: Option<String>,
        virttype: Option<String>,
        flags: u32,
    }
    /// Who the client acts for (`virConnectSetIdentity`).
    IdentityArguments { params: List<TypedParam, 20>, flags: u32 }
    /// Arguments of `virConnectGetAllDomainStats`; no domains stands for all.
    StatsArguments { doms: List<Domain, DOMAINS_MAX>, stats: u32, flags: u32 }
    /// Statistics of one domain.
    StatsRecord { dom: Domain, params: List<TypedParam, 262_144> }
    /// Which events a client wants, of one domain or of all.
    DomainEventArguments { event_id: i32, domain: Option<Domain> }
}

procedures! { ROWS: Connect {
      1 HIGH ConnectOpen READS [Connect: Getattr] (OpenArguments) -> ();
      2 HIGH ConnectClose READS [] (()) -> ();
      3 HIGH ConnectGetType READS [Connect: Getattr] (()) -> String;
      4 HIGH ConnectGetVersion READS [Connect: Getattr] (()) -> u64;
      5 HIGH ConnectGetMaxVcpus READS [Connect: Read] (Option<String>) -> i32;
      7 LOW  ConnectGetCapabilities READS [Connect: Read] (()) -> String;
     21 HIGH ConnectListDefinedDomains READS [Connect: SearchDomains | Domain Getattr]
        (i32) -> List<String, DOMAINS_MAX>;
     25 HIGH ConnectNumOfDefinedDomains READS [Connect: SearchDomains | Domain Getattr] (()) -> i32;
     37 HIGH ConnectListDomains READS [Connect: SearchDomains | Domain Getattr]
        (i32) -> List<i32, DOMAINS_MAX>;
     51 HIGH ConnectNumOfDomains READS [Connect: SearchDomains | Domain Getattr] (()) -> i32;
     59 HIGH ConnectGetHostname READS [Connect: Getattr] (()) -> String;
     60 HIGH ConnectSupportsFeature READS [Connect: Getattr] (i32) -> i32;
    105 HIGH ConnectDomainEventRegister READS [Connect: SearchDomains | Domain Getattr] (()) -> i32;
    106 HIGH ConnectDomainEventDeregister READS [Connect: Read] (()) -> i32;
    110 HIGH ConnectGetURI READS [Connect: Getattr] (()) -> String;
    135 LOW  ConnectDomainXMLFromNative WRITES [Connect: Write] (NativeArguments) -> String;
    136 LOW  ConnectDomainXMLToNative WRITES [Connect: Write] (NativeArguments) -> String;
    149 HIGH ConnectIsSecure READS [] (()) -> i32;
    157 HIGH ConnectGetLibVersion READS [Connect: Getattr] (()) -> u64;
    158 HIGH ConnectCompareCPU READS [Connect: Read] (XmlFlags) -> i32;
    162 LOW  ConnectBaselineCPU READS [Connect: Read] (BaselineArguments) -> String;
    167 HIGH ConnectDomainEventRegisterAny READS [Connect: SearchDomains | Domain Getattr]
        (i32) -> ();
    168 HIGH ConnectDomainEventDeregisterAny READS [Connect: Read] (i32) -> ();
    203 HIGH ConnectGetSysinfo READS [Connect: Read] (u32) -> String;
    273 HIGH ConnectListAllDomains READS [Connect: SearchDomains | Domain Getattr]
        (ListAll) -> Listed<Domain, DOMAINS_MAX>;
    312 LOW  ConnectGetCPUModelNames READS [Connect: Read] (ModelNamesArguments) -> ModelNames;
    316 HIGH ConnectDomainEventCallbackRegisterAny READS [Connect: SearchDomains | Domain Getattr]
        (DomainEventArguments) -> i32;
    317 HIGH ConnectDomainEventCallbackDeregisterAny READS [Connect: Read] (i32) -> ();
    342 LOW  ConnectGetDomainCapabilities WRITES [Connect: Write] (CapabilitiesArguments) -> String;
    344 LOW  ConnectGetAllDomainStats READS [Connect: SearchDomains | Domain Read]
        (StatsArguments) -> List<StatsRecord, DOMAINS_MAX>;
    360 HIGH ConnectRegisterCloseCallback READS [Connect: Getattr] (()) -> ();
    361 HIGH ConnectUnregisterCloseCallback READS [Connect: Getattr] (()) -> ();
    393 LOW  ConnectCompareHypervisorCPU WRITES [Connect: Write]
        (CompareHypervisorArguments) -> i32;
    394 LOW  ConnectBaselineHypervisorCPU WRITES [Connect: Write]
        (BaselineHypervisorArguments) -> String;
    419 LOW  ConnectSetIdentity READS [Connect: Write] (IdentityArguments) -> ();
} }
