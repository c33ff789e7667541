//! Calls that make, start, stop and remove domains, and act on a running one as a
//! whole.

use crate::calls::table::procedures;
use crate::calls::{DomainFlags, XmlFlags};
use crate::objects::Domain;
use crate::xdr::{List, record};

record! {
    /// Arguments of `virDomainRename`.
    RenameArguments { dom: Domain, new_name: Option<String>, flags: u32 }
    /// Arguments of `virDomainSendKey`.
    SendKeyArguments {
        dom: Domain,
        codeset: u32,
        /// Milliseconds.
        holdtime: u32,
        keycodes: List<u32, 16>,
        flags: u32,
    }
    /// Arguments of `virDomainSendProcessSignal`.
    SignalArguments { dom: Domain, pid_value: i64, signum: u32, flags: u32 }
    /// Arguments of `virDomainSetAutostart`.
    AutostartArguments { dom: Domain, autostart: i32 }
    /// Arguments of `virDomainSetLifecycleAction`.
    LifecycleArguments { dom: Domain, event: u32, action: u32, flags: u32 }
    /// Arguments of `virDomainPMSuspendForDuration`.
    SuspendArguments {
        dom: Domain,
        target: u32,
        /// Seconds.
        duration: u64,
        flags: u32,
    }
    /// A guest's time.
    Time { seconds: i64, nseconds: u32 }
    /// Arguments of `virDomainSetTime`.
    SetTimeArguments { dom: Domain, seconds: i64, nseconds: u32, flags: u32 }
}

procedures! { ROWS: Domain {
      9 LOW  DomainCreate WRITES [Domain: Start] (Domain) -> ();
     10 LOW  DomainCreateXML WRITES [Domain: Write, Start] (XmlFlags) -> Domain;
     11 HIGH DomainDefineXML WRITES [Domain: Write, Save] (String) -> Domain;
     12 HIGH DomainDestroy WRITES [Domain: Stop] (Domain) -> ();
     15 HIGH DomainGetAutostart READS [Domain: Read] (Domain) -> i32;
     27 LOW  DomainReboot WRITES [Domain: InitControl, Write if BY_AGENT] (DomainFlags) -> ();
     28 LOW  DomainResume WRITES [Domain: Suspend] (Domain) -> ();
     29 HIGH DomainSetAutostart WRITES [Domain: Write] (AutostartArguments) -> ();
     33 LOW  DomainShutdown WRITES [Domain: InitControl] (Domain) -> ();
     34 LOW  DomainSuspend WRITES [Domain: Suspend] (Domain) -> ();
     35 HIGH DomainUndefine WRITES [Domain: Delete] (Domain) -> ();
    196 LOW  DomainCreateWithFlags WRITES [Domain: Start] (DomainFlags) -> Domain;
    210 LOW  DomainInjectNMI WRITES [Domain: InjectNmi] (DomainFlags) -> ();
    226 LOW  DomainSendKey WRITES [Domain: SendInput] (SendKeyArguments) -> ();
    231 HIGH DomainUndefineFlags WRITES [Domain: Delete] (DomainFlags) -> ();
    234 HIGH DomainDestroyFlags WRITES [Domain: Stop] (DomainFlags) -> ();
    245 LOW  DomainReset WRITES [Domain: Reset] (DomainFlags) -> ();
    258 LOW  DomainShutdownFlags WRITES [Domain: InitControl, Write if BY_AGENT]
        (DomainFlags) -> ();
    261 LOW  DomainPMSuspendForDuration WRITES [Domain: PmControl] (SuspendArguments) -> ();
    267 LOW  DomainPMWakeup WRITES [Domain: PmControl] (DomainFlags) -> ();
    295 LOW  DomainSendProcessSignal WRITES [Domain: SendSignal] (SignalArguments) -> ();
    309 LOW  DomainCreateXMLWithFiles WRITES [Domain: Write, Start] (XmlFlags) -> Domain;
    310 LOW  DomainCreateWithFiles WRITES [Domain: Start] (DomainFlags) -> Domain;
    337 LOW  DomainGetTime WRITES [Domain: Write] (DomainFlags) -> Time;
    338 LOW  DomainSetTime WRITES [Domain: SetTime] (SetTimeArguments) -> ();
    350 HIGH DomainDefineXMLFlags WRITES [Domain: Write, Save] (XmlFlags) -> Domain;
    358 LOW  DomainRename WRITES [Domain: Write, Save] (RenameArguments) -> i32;
    390 LOW  DomainSetLifecycleAction WRITES [Domain: Write] (LifecycleArguments) -> ();
} }
