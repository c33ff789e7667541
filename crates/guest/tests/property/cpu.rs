//! Virtual processors.

use super::markup::{kept, maybe, name, word};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use virtxen_guest::{
    Cpu, CpuFeature, CpuModel, CpuSet, CpuTopology, CpuTune, Kept, MemoryKib, NumaCell,
    NumaDistance, VcpuPin, Vcpus,
};

/// Everything about the processors of one guest.
pub(crate) fn all() -> impl Strategy<Value = (Vcpus, CpuTune, Option<Cpu>)> {
    let counts = (1_u32..64).prop_flat_map(|max| (Just(max), maybe(1..=max)));
    let vcpus = (counts, maybe(set()), word());
    vcpus.prop_flat_map(|((max, current), cpuset, placement)| {
        let vcpus = Vcpus {
            max,
            current,
            cpuset,
            placement,
        };
        (Just(vcpus), tune(), maybe(cpu(max)))
    })
}

fn set() -> impl Strategy<Value = CpuSet> {
    btree_set(0..300_u32, 1..9).prop_map(CpuSet::from_iter)
}

fn tune() -> impl Strategy<Value = CpuTune> {
    let pin = || (any::<u32>(), set()).prop_map(|(vcpu, cpus)| VcpuPin { vcpu, cpus });
    let kept = kept(&["/period", "/emulatorpin"]);
    let pins = (vec(pin(), 0..3), vec(pin(), 0..3));
    (maybe(any::<u64>()), pins, kept).prop_map(|(shares, (vcpu_pins, soft_pins), kept)| CpuTune {
        shares,
        vcpu_pins,
        soft_pins,
        kept,
    })
}

fn cpu(vcpus: u32) -> impl Strategy<Value = Cpu> {
    let model = ("[A-Za-z0-9-]{0,6}", maybe(word()), maybe(name()));
    let model = model.prop_map(|(name, fallback, vendor_id)| CpuModel {
        name,
        fallback,
        vendor_id,
    });
    let topology = (any::<[u32; 3]>(), maybe(any::<u32>()), maybe(any::<u32>()));
    let topology = topology.prop_map(|([sockets, cores, threads], dies, clusters)| CpuTopology {
        sockets,
        dies,
        clusters,
        cores,
        threads,
    });
    let feature = (name(), maybe(word()));
    let feature = feature.prop_map(|(name, policy)| CpuFeature { name, policy });
    let kept = kept(&["@match", "/cache", "numa/interconnects"]);
    let parts = (maybe(model), maybe(name()), maybe(topology));
    (maybe(word()), parts, vec(feature, 0..3), numa(vcpus), kept).prop_map(
        |(mode, (model, vendor, topology), features, numa, kept)| Cpu {
            mode,
            model,
            vendor,
            topology,
            features,
            numa,
            kept,
        },
    )
}

fn numa(vcpus: u32) -> impl Strategy<Value = Vec<NumaCell>> {
    let distance = (any::<u32>(), 10_u32..256);
    let distance = distance.prop_map(|(id, value)| NumaDistance { id, value });
    vec((0..1_u64 << 40, vec(distance, 0..3)), 0..4).prop_map(move |cells| {
        let cell = |(id, (memory, distances)): (u32, (u64, Vec<NumaDistance>))| NumaCell {
            id: Some(id),
            cpus: (id < vcpus).then(|| CpuSet::from_iter([id])),
            memory: MemoryKib(memory),
            distances,
            kept: Kept::default(),
        };
        (0..).zip(cells).map(cell).collect()
    })
}
