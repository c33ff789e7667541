//! Interfaces.

use super::{name, path};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use virtxen_guest::*;

pub(crate) fn interface(hvm: bool) -> impl Strategy<Value = Interface> {
    let source = prop_oneof![
        of(name()).prop_map(|bridge| (InterfaceSource::Bridge { bridge }, None)),
        path().prop_map(|script| (InterfaceSource::Ethernet, Some(script))),
    ];
    let switch = of((any::<bool>(), vec(1_u16..4095, 0..3)));
    let models = ["netfront", "e1000", "rtl8139"];
    let texts = (
        of(select(models.to_vec())),
        of(name()),
        of("[a-z]{2}[0-9]x"),
    );
    let address = of((any::<[u8; 4]>(), 1_u32..33));
    (
        any::<[u8; 5]>(),
        source,
        switch,
        texts,
        address,
        of(1_u64..10_000_000),
    )
        .prop_map(
            move |(mac, (source, script), switch, texts, address, rate)| {
                let [a, b, c, d, e] = mac;
                let (model, backend_domain, target) = texts;
                let mut interface = Interface {
                    source,
                    script,
                    mac: Some(MacAddress([0x0a, a, b, c, d, e])),
                    // The only card of a guest without emulated ones.
                    model: model
                        .filter(|model| hvm || *model == "netfront")
                        .map(str::to_owned),
                    backend_domain,
                    target,
                    bandwidth: rate.map(|average| Bandwidth {
                        inbound: None,
                        outbound: Some(Rate {
                            average: Some(average),
                            ..Rate::default()
                        }),
                    }),
                    ..Interface::default()
                };
                interface
                    .ips
                    .extend(address.map(|([a, b, c, d], prefix)| InterfaceIp {
                        address: format!("{a}.{b}.{c}.{d}"),
                        family: Some(IpFamily::Ipv4),
                        prefix: Some(prefix),
                        peer: None,
                    }));
                on_switch(&mut interface, switch);
                interface
            },
        )
}

/// Puts an interface of a bridge on one of Open vSwitch.
fn on_switch(interface: &mut Interface, switch: Option<(bool, Vec<u16>)>) {
    if let (InterfaceSource::Bridge { bridge: Some(_) }, Some((trunk, ids))) =
        (&interface.source, switch)
    {
        interface.script = Some("vif-openvswitch".to_owned());
        interface.virtual_port = Some(VirtualPort {
            kind: Some("openvswitch".to_owned()),
            parameters: Vec::new(),
        });
        let trunk = trunk || ids.len() > 1;
        let tag = |id| VlanTag {
            id,
            native_mode: None,
        };
        let tags: Vec<VlanTag> = ids.into_iter().map(tag).collect();
        interface.vlan = (!tags.is_empty()).then_some(Vlan { trunk, tags });
    }
}
