//! Network interfaces.

use super::device::{info, pci};
use super::markup::{element, maybe, name, word};
use proptest::collection::vec;
use proptest::prelude::*;
use virtxen_guest::{
    Attribute, Bandwidth, Interface, InterfaceIp, InterfaceSource, MacAddress, Rate, VirtualPort,
    Vlan, VlanTag,
};

/// An interface.
pub(crate) fn interface() -> impl Strategy<Value = Interface> {
    let kept = &[
        "@trustGuestRxFilters",
        "mac@type",
        "target@managed",
        "/mtu",
        "/link",
    ];
    let mac = any::<[u8; 6]>().prop_map(|[a, b, c, d, e, f]| MacAddress([a & !1, b, c, d, e, f]));
    let names = (maybe(name()), maybe(name()), maybe(name()), maybe(name()));
    let limits = (
        vec(ip(), 0..3),
        maybe(bandwidth()),
        maybe(port()),
        maybe(vlan()),
    );
    (source(), maybe(mac), names, limits, info(kept)).prop_map(
        |(source, mac, names, limits, info)| {
            let mut interface = Interface {
                source,
                mac,
                info,
                ..Interface::default()
            };
            (
                interface.script,
                interface.target,
                interface.model,
                interface.backend_domain,
            ) = names;
            (
                interface.ips,
                interface.bandwidth,
                interface.virtual_port,
                interface.vlan,
            ) = limits;
            interface
        },
    )
}

fn source() -> impl Strategy<Value = InterfaceSource> {
    prop_oneof![
        name().prop_map(|bridge| InterfaceSource::Bridge {
            bridge: Some(bridge)
        }),
        (name(), maybe(name()))
            .prop_map(|(network, portgroup)| InterfaceSource::Network { network, portgroup }),
        Just(InterfaceSource::Ethernet),
        (pci(), maybe(any::<bool>()))
            .prop_map(|(address, managed)| InterfaceSource::Hostdev { address, managed }),
        maybe(element("source")).prop_map(|source| InterfaceSource::Other {
            kind: "direct".to_owned(),
            source,
        }),
    ]
}

fn ip() -> impl Strategy<Value = InterfaceIp> {
    (name(), maybe(word()), maybe(any::<u32>()), maybe(name())).prop_map(
        |(address, family, prefix, peer)| InterfaceIp {
            address,
            family,
            prefix,
            peer,
        },
    )
}

fn bandwidth() -> impl Strategy<Value = Bandwidth> {
    let rate = || {
        any::<[Option<u64>; 4]>().prop_map(|[average, peak, floor, burst]| Rate {
            average,
            peak,
            floor,
            burst,
        })
    };
    (maybe(rate()), maybe(rate())).prop_map(|(inbound, outbound)| Bandwidth { inbound, outbound })
}

fn port() -> impl Strategy<Value = VirtualPort> {
    let parameter = maybe(name()).prop_map(|value| {
        let parameter = |value| Attribute {
            name: "profileid".to_owned(),
            value,
        };
        value.map(parameter).into_iter().collect()
    });
    (maybe(name()), parameter).prop_map(|(kind, parameters)| VirtualPort { kind, parameters })
}

fn vlan() -> impl Strategy<Value = Vlan> {
    let tag =
        (0_u16..4096, maybe(word())).prop_map(|(id, native_mode)| VlanTag { id, native_mode });
    (any::<bool>(), vec(tag, 1..3)).prop_map(|(trunk, tags)| Vlan { trunk, tags })
}
