//! Network interfaces.
//!
//! Scripts, rates and addresses in Xen's spelling are the converters' part.

use crate::words::words;
use crate::{Attribute, DeviceInfo, Element, PciAddress};
use std::fmt;
use std::str::FromStr;

/// A network interface.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interface {
    /// What it is connected to.
    pub source: InterfaceSource,
    /// Hardware address; `None` until one is generated.
    pub mac: Option<MacAddress>,
    /// Script that connects the backend.
    pub script: Option<String>,
    /// Name of the backend's interface in Domain-0 (`vif3.0`).
    pub target: Option<String>,
    /// Model that the guest sees: `netfront`, or an emulated one.
    pub model: Option<String>,
    /// Addresses of the guest.
    pub ips: Vec<InterfaceIp>,
    /// Limits of the rate.
    pub bandwidth: Option<Bandwidth>,
    /// Switch port.
    pub virtual_port: Option<VirtualPort>,
    /// VLAN tags.
    pub vlan: Option<Vlan>,
    /// Domain with the backend, Domain-0 if `None`.
    pub backend_domain: Option<String>,
    /// Boot order, alias, address, known parts without effect.
    pub info: DeviceInfo,
}

/// What an interface is connected to.
#[derive(Clone, Debug, PartialEq)]
pub enum InterfaceSource {
    /// A bridge of the host.
    Bridge {
        /// Its name; `None` leaves it to Xen's script.
        bridge: Option<String>,
    },
    /// A virtual network of libvirt.
    Network {
        /// Its name.
        network: String,
        /// Port group of it.
        portgroup: Option<String>,
    },
    /// What the script does.
    Ethernet,
    /// A network card that is passed through.
    Hostdev {
        /// Its address.
        address: PciAddress,
        /// Whether it is taken from and given back to the host.
        managed: Option<bool>,
    },
    /// Another type of libvirt (`direct`, `user`, `internal`, `vhostuser`, `vdpa`, …).
    Other {
        /// The type.
        kind: String,
        /// The source as it is written.
        source: Option<Element>,
    },
}

impl Default for InterfaceSource {
    fn default() -> Self {
        Self::Bridge { bridge: None }
    }
}

impl InterfaceSource {
    /// libvirt's word for the type of connection.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Bridge { .. } => "bridge",
            Self::Network { .. } => "network",
            Self::Ethernet => "ethernet",
            Self::Hostdev { .. } => "hostdev",
            Self::Other { kind, .. } => kind,
        }
    }
}

/// An address of the guest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceIp {
    /// The address.
    pub address: String,
    /// Family; `None` leaves it to the address.
    pub family: Option<IpFamily>,
    /// Length of the network part.
    pub prefix: Option<u32>,
    /// Address of the other end.
    pub peer: Option<String>,
}

words! {
    /// Family of an address.
    IpFamily { Ipv4 = "ipv4", Ipv6 = "ipv6" }
}

/// Limits of the rate, seen from the guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bandwidth {
    /// To the guest.
    pub inbound: Option<Rate>,
    /// From the guest; Xen limits this one.
    pub outbound: Option<Rate>,
}

/// A limit in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// KiB in a second, on average.
    pub average: Option<u64>,
    /// KiB in a second, at most.
    pub peak: Option<u64>,
    /// Guaranteed KiB in a second.
    pub floor: Option<u64>,
    /// KiB that may pass at peak rate.
    pub burst: Option<u64>,
}

/// A port of a switch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VirtualPort {
    /// Kind of switch: `openvswitch`, `802.1Qbg`, …
    pub kind: Option<String>,
    /// Its parameters.
    pub parameters: Vec<Attribute>,
}

/// VLAN tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vlan {
    /// Whether `trunk='yes'` is said; libvirt's schema has no other word.
    pub trunk: bool,
    /// The tags.
    pub tags: Vec<VlanTag>,
}

/// One VLAN tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VlanTag {
    /// Number, 0 to 4095.
    pub id: u16,
    /// How frames of the native VLAN are sent.
    pub native_mode: Option<NativeMode>,
}

words! {
    /// How frames of the native VLAN are sent.
    NativeMode { Tagged = "tagged", Untagged = "untagged" }
}

/// A hardware address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress(pub [u8; 6]);

/// A text that is not a [`MacAddress`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed hardware address '{text}': expected six hexadecimal numbers with colons")]
pub struct MacAddressError {
    /// The text as it was given.
    pub text: String,
}

impl MacAddress {
    /// First three bytes of addresses that Xen's tools and libvirt generate.
    pub const XEN: [u8; 3] = [0x00, 0x16, 0x3e];

    /// Whether it is a group address, which an interface cannot have.
    #[must_use]
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }
}

impl FromStr for MacAddress {
    type Err = MacAddressError;

    fn from_str(text: &str) -> Result<Self, MacAddressError> {
        read_mac(text).ok_or_else(|| MacAddressError {
            text: text.chars().take(80).collect(),
        })
    }
}

fn read_mac(text: &str) -> Option<MacAddress> {
    let mut bytes = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut bytes {
        let part = parts.next()?;
        if part.is_empty() || part.len() > 2 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(MacAddress(bytes))
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macs_go_both_ways() {
        let mac: MacAddress = "00:16:3E:5d:c7:9e".parse().unwrap();
        assert_eq!(mac.to_string(), "00:16:3e:5d:c7:9e");
        assert!(!mac.is_multicast());
        for bad in [
            "",
            "00:16:3e:5d:c7",
            "00:16:3e:5d:c7:9e:1",
            "00:16:3e:5d:c7:+e",
        ] {
            assert!(bad.parse::<MacAddress>().is_err(), "{bad}");
        }
    }
}
