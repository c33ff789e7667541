//! Calls about the host's network interfaces, which another daemon serves. Typed are
//! those that are answered without it.

use super::table::procedures;
use super::{ListAll, Listed};
use crate::objects::Interface;
use crate::xdr::List;

/// Most interfaces in a list.
pub const INTERFACES_MAX: usize = 16_384;

procedures! { ROWS: Interface {
    126 HIGH ConnectNumOfInterfaces READS [Connect: SearchInterfaces | Interface Getattr]
        (()) -> i32;
    127 HIGH ConnectListInterfaces READS [Connect: SearchInterfaces | Interface Getattr]
        (i32) -> List<String, INTERFACES_MAX>;
    128 HIGH InterfaceLookupByName READS [Interface: Getattr] (String) -> Interface;
    129 HIGH InterfaceLookupByMACString READS [Interface: Getattr] (String) -> Interface;
    130 LOW  InterfaceGetXMLDesc READS [Interface: Read];
    131 HIGH InterfaceDefineXML WRITES [Interface: Write, Save];
    132 HIGH InterfaceUndefine WRITES [Interface: Delete];
    133 LOW  InterfaceCreate WRITES [Interface: Start];
    134 HIGH InterfaceDestroy WRITES [Interface: Stop];
    137 HIGH ConnectNumOfDefinedInterfaces READS [Connect: SearchInterfaces | Interface Getattr]
        (()) -> i32;
    138 HIGH ConnectListDefinedInterfaces READS [Connect: SearchInterfaces | Interface Getattr]
        (i32) -> List<String, INTERFACES_MAX>;
    156 HIGH InterfaceIsActive READS [Interface: Read];
    220 LOW  InterfaceChangeBegin WRITES [Connect: InterfaceTransaction];
    221 LOW  InterfaceChangeCommit WRITES [Connect: InterfaceTransaction];
    222 LOW  InterfaceChangeRollback WRITES [Connect: InterfaceTransaction];
    284 HIGH ConnectListAllInterfaces READS [Connect: SearchInterfaces | Interface Getattr]
        (ListAll) -> Listed<Interface, INTERFACES_MAX>;
} }
