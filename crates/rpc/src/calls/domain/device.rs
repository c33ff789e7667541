//! Calls about the devices of a domain: attaching, consoles, interfaces. Disks are
//! in `block`.

use super::Params;
use crate::calls::table::procedures;
use crate::objects::Domain;
use crate::typed_param::TypedParam;
use crate::xdr::{List, record};

record! {
    /// A domain and the description of a device.
    DomainXml { dom: Domain, xml: String }
    /// The same, and which of its configurations is meant.
    DomainXmlFlags { dom: Domain, xml: String, flags: u32 }
    /// Arguments of `virDomainDetachDeviceAlias`.
    AliasArguments { dom: Domain, alias: String, flags: u32 }
    /// Arguments of `virDomainOpenConsole` and `virDomainOpenChannel`; without a name
    /// it is the first one.
    OpenDeviceArguments { dom: Domain, name: Option<String>, flags: u32 }
    /// Arguments of `virDomainScreenshot`.
    ScreenshotArguments { dom: Domain, screen: u32, flags: u32 }
    /// A domain and one of its interfaces.
    DeviceArguments { dom: Domain, device: String }
    /// `virDomainInterfaceStatsStruct`; -1 stands for what is not counted.
    InterfaceStats {
        rx_bytes: i64,
        rx_packets: i64,
        rx_errs: i64,
        rx_drop: i64,
        tx_bytes: i64,
        tx_packets: i64,
        tx_errs: i64,
        tx_drop: i64,
    }
    /// Arguments of `virDomainSetInterfaceParameters`.
    SetInterfaceParams { dom: Domain, device: String, params: List<TypedParam, 16>, flags: u32 }
    /// Arguments of `virDomainGetInterfaceParameters`.
    InterfaceParams { dom: Domain, device: String, nparams: i32, flags: u32 }
    /// Arguments of `virDomainInterfaceAddresses`.
    AddressesArguments { dom: Domain, source: u32, flags: u32 }
    /// `virDomainIPAddress`.
    IPAddress { kind: i32, addr: String, prefix: u32 }
    /// `virDomainInterface`.
    DomainInterface { name: String, hwaddr: Option<String>, addrs: List<IPAddress, 2048> }
}

procedures! { ROWS: Domain {
      8 LOW  DomainAttachDevice WRITES [Domain: Write] (DomainXml) -> ();
     13 LOW  DomainDetachDevice WRITES [Domain: Write] (DomainXml) -> ();
     65 HIGH DomainInterfaceStats READS [Domain: Read] (DeviceArguments) -> InterfaceStats;
    160 LOW  DomainAttachDeviceFlags WRITES [Domain: Write, Save if STORED] (DomainXmlFlags) -> ();
    161 LOW  DomainDetachDeviceFlags WRITES [Domain: Write, Save if STORED] (DomainXmlFlags) -> ();
    174 LOW  DomainUpdateDeviceFlags WRITES [Domain: Write, Save if STORED] (DomainXmlFlags) -> ();
    201 LOW  DomainOpenConsole WRITES [Domain: OpenDevice] (OpenDeviceArguments) -> ();
    211 LOW  DomainScreenshot WRITES [Domain: Screenshot] (ScreenshotArguments) -> Option<String>;
    256 LOW  DomainSetInterfaceParameters WRITES [Domain: Write, Save if STORED]
        (SetInterfaceParams) -> ();
    257 LOW  DomainGetInterfaceParameters READS [Domain: Read] (InterfaceParams) -> Params;
    296 LOW  DomainOpenChannel WRITES [Domain: OpenDevice] (OpenDeviceArguments) -> ();
    353 LOW  DomainInterfaceAddresses READS_BUT_AGENT [Domain: Read, Write if AGENT]
        (AddressesArguments) -> List<DomainInterface, 2048>;
    392 LOW  DomainDetachDeviceAlias WRITES [Domain: Write, Save if STORED] (AliasArguments) -> ();
} }
