//! Calls about descriptions of the host's devices, which another daemon serves. Typed
//! are those that are answered without it, and those that a driver needs from it.

use super::table::procedures;
use super::{ListAll, Listed};
use crate::objects::NodeDevice;
use crate::xdr::{List, record};

/// Most devices in a list.
pub const NODE_DEVICES_MAX: usize = 65_536;

record! {
    /// Arguments of `virNodeNumOfDevices`; without a capability all are counted.
    NumOfDevices { cap: Option<String>, flags: u32 }
    /// Arguments of `virNodeListDevices`.
    ListDevices { cap: Option<String>, maxnames: i32, flags: u32 }
    /// Arguments of `virNodeDeviceLookupSCSIHostByWWN`.
    LookupByWWN { wwnn: String, wwpn: String, flags: u32 }
    /// The name of a device, with flags.
    NameFlags { name: String, flags: u32 }
    /// Which events a client wants, of one device or of all.
    NodeDeviceEventArguments { event_id: i32, dev: Option<NodeDevice> }
}

procedures! { ROWS: NodeDevice {
    111 HIGH NodeNumOfDevices READS [Connect: SearchNodeDevices | NodeDevice Getattr]
        (NumOfDevices) -> i32;
    112 HIGH NodeListDevices READS [Connect: SearchNodeDevices | NodeDevice Getattr]
        (ListDevices) -> List<String, NODE_DEVICES_MAX>;
    113 HIGH NodeDeviceLookupByName READS [NodeDevice: Getattr] (String) -> NodeDevice;
    114 LOW  NodeDeviceGetXMLDesc READS [NodeDevice: Read] (NameFlags) -> String;
    115 HIGH NodeDeviceGetParent READS [NodeDevice: Read];
    116 HIGH NodeDeviceNumOfCaps READS [NodeDevice: Read];
    117 HIGH NodeDeviceListCaps READS [NodeDevice: Read];
    123 LOW  NodeDeviceCreateXML WRITES [NodeDevice: Write, Start];
    124 HIGH NodeDeviceDestroy WRITES [NodeDevice: Stop];
    285 HIGH ConnectListAllNodeDevices READS [Connect: SearchNodeDevices | NodeDevice Getattr]
        (ListAll) -> Listed<NodeDevice, NODE_DEVICES_MAX>;
    297 HIGH NodeDeviceLookupSCSIHostByWWN READS [NodeDevice: Getattr] (LookupByWWN) -> NodeDevice;
    374 HIGH ConnectNodeDeviceEventRegisterAny READS
        [Connect: SearchNodeDevices | NodeDevice Getattr]
        (NodeDeviceEventArguments) -> i32;
    375 HIGH ConnectNodeDeviceEventDeregisterAny READS [Connect: Read] (i32) -> ();
    428 LOW  NodeDeviceDefineXML WRITES [NodeDevice: Write];
    429 HIGH NodeDeviceUndefine WRITES [NodeDevice: Delete];
    430 HIGH NodeDeviceCreate WRITES [NodeDevice: Start];
    433 HIGH NodeDeviceGetAutostart WRITES [NodeDevice: Read];
    434 HIGH NodeDeviceSetAutostart WRITES [NodeDevice: Write];
    435 HIGH NodeDeviceIsPersistent READS [NodeDevice: Read];
    436 HIGH NodeDeviceIsActive READS [NodeDevice: Read];
} }
