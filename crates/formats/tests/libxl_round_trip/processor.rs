//! Processors: what they look like, where they run, NUMA nodes.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use virtxen_guest::*;

pub(crate) fn place(guest: &mut Guest, pins: Vec<Option<u8>>) {
    let set = |bits: u8| -> CpuSet { (0..8).filter(|cpu| bits >> cpu & 1 == 1).collect() };
    let pins = (0..guest.vcpus.max).zip(pins);
    let pins = pins.filter_map(|(vcpu, bits)| Some((vcpu, set(bits?))));
    let pins: Vec<VcpuPin> = pins
        .filter(|(_, cpus)| !cpus.is_empty())
        .map(|(vcpu, cpus)| VcpuPin { vcpu, cpus })
        .collect();
    guest.cpu_tune.soft_pins = pins.iter().skip(1).cloned().collect();
    let first = pins.first().map(|pin| pin.cpus.clone());
    let same = pins.iter().all(|pin| Some(&pin.cpus) == first.as_ref());
    if same && pins.len() == guest.vcpus.max as usize {
        guest.vcpus.cpuset = first;
    } else {
        guest.cpu_tune.vcpu_pins = pins;
    }
}

pub(crate) fn pins() -> impl Strategy<Value = Vec<Option<u8>>> {
    vec(of(any::<u8>()), 0..9)
}

pub(crate) fn processor(kind: OsType) -> impl Strategy<Value = Option<Cpu>> {
    let names = [
        "tsc", "pni", "rdrand", "smap", "invtsc", "ssbd", "pdpe1gb", "xsaves",
    ];
    let features = proptest::sample::subsequence(names.to_vec(), 0..4);
    let nodes = vec((1_u64..4096, any::<u8>()), 0..4);
    (
        any::<bool>(),
        any::<bool>(),
        features,
        any::<[bool; 8]>(),
        nodes,
    )
        .prop_map(move |(said, nested, names, on, nodes)| {
            let mut cpu = Cpu::default();
            if said && kind != OsType::Xen {
                cpu.mode = Some(CpuMode::HostPassthrough);
                let feature = |name: &str, policy| CpuFeature {
                    name: name.to_owned(),
                    policy: Some(policy),
                };
                let nesting = match nested {
                    true => FeaturePolicy::Require,
                    false => FeaturePolicy::Disable,
                };
                cpu.features.push(feature("vmx", nesting));
                let mut others: Vec<CpuFeature> = names
                    .iter()
                    .zip(on)
                    .map(|(name, on)| match on {
                        true => feature(name, FeaturePolicy::Force),
                        false => feature(name, FeaturePolicy::Disable),
                    })
                    .collect();
                // As their leaves and registers are numbered.
                let order = [
                    "pni", "rdrand", "tsc", "smap", "ssbd", "xsaves", "pdpe1gb", "invtsc",
                ];
                others.sort_by_key(|it| order.iter().position(|name| it.name == *name));
                cpu.features.extend(others);
            }
            cpu.numa = cells(&nodes);
            (cpu != Cpu::default()).then_some(cpu)
        })
}

pub(crate) fn cells(nodes: &[(u64, u8)]) -> Vec<NumaCell> {
    let count = u32::try_from(nodes.len()).unwrap();
    let cell = |(id, (memory, far)): (u32, &(u64, u8))| NumaCell {
        id: Some(id),
        cpus: Some([id].into_iter().collect()),
        memory: MemoryKib(*memory),
        distances: (0..count)
            .map(|other| NumaDistance {
                id: other,
                value: if other == id {
                    10
                } else {
                    u32::from(*far).max(11)
                },
            })
            .collect(),
        kept: virtxen_guest::Kept::default(),
    };
    (0..).zip(nodes).map(cell).collect()
}
