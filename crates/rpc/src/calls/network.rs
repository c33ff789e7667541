//! Calls about networks, which another daemon serves. Typed are those that are
//! answered without it, and those that a driver needs from it.

use super::table::procedures;
use super::{ListAll, Listed, XmlFlags};
use crate::objects::{Network, NetworkPort, Uuid};
use crate::xdr::{List, record};

/// Most networks in a list.
pub const NETWORKS_MAX: usize = 16_384;

record! {
    /// A network, with flags.
    NetworkFlags { net: Network, flags: u32 }
    /// Arguments of `virNetworkPortCreateXML`.
    NetworkXmlFlags { net: Network, xml: String, flags: u32 }
    /// A port of a network, with flags.
    NetworkPortFlags { port: NetworkPort, flags: u32 }
    /// Which events a client wants, of one network or of all.
    NetworkEventArguments { event_id: i32, net: Option<Network> }
}

procedures! { ROWS: Network {
     36 HIGH ConnectListDefinedNetworks READS [Connect: SearchNetworks | Network Getattr]
        (i32) -> List<String, NETWORKS_MAX>;
     38 HIGH ConnectListNetworks READS [Connect: SearchNetworks | Network Getattr]
        (i32) -> List<String, NETWORKS_MAX>;
     39 LOW  NetworkCreate WRITES [Network: Start] (Network) -> ();
     40 LOW  NetworkCreateXML WRITES [Network: Write, Start] (String) -> Network;
     41 HIGH NetworkDefineXML WRITES [Network: Write, Save] (String) -> Network;
     42 HIGH NetworkDestroy WRITES [Network: Stop] (Network) -> ();
     43 HIGH NetworkGetXMLDesc READS [Network: Read] (NetworkFlags) -> String;
     44 HIGH NetworkGetAutostart READS [Network: Read] (Network) -> i32;
     45 HIGH NetworkGetBridgeName READS [Network: Read] (Network) -> String;
     46 HIGH NetworkLookupByName READS [Network: Getattr] (String) -> Network;
     47 HIGH NetworkLookupByUUID READS [Network: Getattr] (Uuid) -> Network;
     48 HIGH NetworkSetAutostart WRITES [Network: Write];
     49 HIGH NetworkUndefine WRITES [Network: Delete] (Network) -> ();
     50 HIGH ConnectNumOfDefinedNetworks READS [Connect: SearchNetworks | Network Getattr]
        (()) -> i32;
     52 HIGH ConnectNumOfNetworks READS [Connect: SearchNetworks | Network Getattr] (()) -> i32;
    152 HIGH NetworkIsActive READS [Network: Read] (Network) -> i32;
    153 HIGH NetworkIsPersistent READS [Network: Read] (Network) -> i32;
    283 HIGH ConnectListAllNetworks READS [Connect: SearchNetworks | Network Getattr]
        (ListAll) -> Listed<Network, NETWORKS_MAX>;
    291 HIGH NetworkUpdate WRITES [Network: Write, Save if STORED];
    313 HIGH ConnectNetworkEventRegisterAny READS [Connect: SearchNetworks | Network Getattr]
        (NetworkEventArguments) -> i32;
    314 HIGH ConnectNetworkEventDeregisterAny READS [Connect: Read] (i32) -> ();
    341 LOW  NetworkGetDHCPLeases READS [Network: Read];
    404 HIGH NetworkListAllPorts READS [Network: SearchPorts | NetworkPort Getattr];
    405 HIGH NetworkPortLookupByUUID READS [NetworkPort: Getattr];
    406 LOW  NetworkPortCreateXML WRITES [NetworkPort: Create] (NetworkXmlFlags) -> NetworkPort;
    407 LOW  NetworkPortGetParameters READS [NetworkPort: Read];
    408 LOW  NetworkPortSetParameters WRITES [NetworkPort: Write];
    409 LOW  NetworkPortGetXMLDesc READS [NetworkPort: Read] (NetworkPortFlags) -> String;
    410 LOW  NetworkPortDelete WRITES [NetworkPort: Delete] (NetworkPortFlags) -> ();
    432 HIGH NetworkDefineXMLFlags WRITES [Network: Write, Save] (XmlFlags) -> Network;
    437 HIGH NetworkCreateXMLFlags WRITES [Network: Write, Start] (XmlFlags) -> Network;
} }
