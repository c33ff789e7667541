//! Processor features: libxl has no names for them in its JSON but bits, as text
//! with a sign for each: `1`, `0`, `x` for Xen's choice, `k` and `s` for the host's
//! value. Names are libvirt's; where a bit is, the processor's manual says.

use super::section::Section;
use super::write::Writer;
use super::{Release, cpu};
use crate::convert::{Notes, excerpt};
use serde_json::{Map, Value, json};
use virtxen_guest::{CpuFeature, FeaturePolicy};

/// The first release that writes an object with lists for CPUID and for MSRs. It and
/// all later ones read the older list too, but points of 4.17 write the object and
/// others do not read it.
const FIRST_OBJECT: Option<Release> = Release::new(4, 18);

/// Bits of a register.
const WIDTH: usize = 32;

/// Most leaves that are read; processors have some dozens.
const LEAVES_MAX: usize = 256;

/// A time stamp counter that never changes its rate: Xen from 4.14 on gives it only to
/// guests that stay where they are.
pub(super) const STAYS: &str = "invtsc";

/// One register of one leaf, with its features from bit 0 on.
struct Register {
    leaf: u32,
    subleaf: Option<u32>,
    name: &'static str,
    bits: &'static str,
}

const REGISTERS: &[Register] = &[
    Register {
        leaf: 1,
        subleaf: None,
        name: "ecx",
        bits: "pni pclmuldq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm \
         - pcid dca sse4.1 sse4.2 x2apic movbe popcnt tsc-deadline aes xsave osxsave avx f16c \
         rdrand hypervisor",
    },
    Register {
        leaf: 1,
        subleaf: None,
        name: "edx",
        bits: "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush \
         - ds acpi mmx fxsr sse sse2 ss ht tm ia64 pbe",
    },
    Register {
        leaf: 6,
        subleaf: None,
        name: "eax",
        bits: "- - arat",
    },
    Register {
        leaf: 7,
        subleaf: Some(0),
        name: "ebx",
        bits: "fsgsbase tsc_adjust sgx bmi1 hle avx2 fdp-excptn-only smep bmi2 erms invpcid rtm cmt \
         zero-fcs-fds mpx pqe avx512f avx512dq rdseed adx smap avx512ifma - clflushopt clwb \
         intel-pt avx512pf avx512er avx512cd sha-ni avx512bw avx512vl",
    },
    Register {
        leaf: 7,
        subleaf: Some(0),
        name: "ecx",
        bits: "prefetchwt1 avx512vbmi umip pku ospke waitpkg avx512vbmi2 shstk gfni vaes vpclmulqdq \
         avx512vnni avx512bitalg tme avx512-vpopcntdq - la57 - - - - - rdpid - \
         bus-lock-detect cldemote - movdiri movdir64b enqcmd sgxlc pks",
    },
    Register {
        leaf: 7,
        subleaf: Some(0),
        name: "edx",
        bits: "- sgx-keys avx512-4vnniw avx512-4fmaps fsrm uintr - - avx512-vp2intersect srbds-ctrl \
         md-clear rtm-always-abort - tsx-force-abort serialize hybrid tsx-ldtrk - pconfig \
         arch-lbr ibt - amx-bf16 avx512-fp16 amx-tile amx-int8 spec-ctrl stibp flush-l1d \
         arch-capabilities core-capability ssbd",
    },
    Register {
        leaf: 7,
        subleaf: Some(1),
        name: "eax",
        bits: "sha512 sm3 sm4 - avx-vnni avx512-bf16 lass cmpccxadd - - fzrm fsrs fsrc - - - - fred \
         lkgs wrmsrns - amx-fp16 - avx-ifma - - lam",
    },
    Register {
        leaf: 7,
        subleaf: Some(1),
        name: "edx",
        bits: "- - - - avx-vnni-int8 avx-ne-convert - - amx-complex - avx-vnni-int16 - - - \
         prefetchiti",
    },
    Register {
        leaf: 7,
        subleaf: Some(2),
        name: "edx",
        bits: "intel-psfd ipred-ctrl rrsba-ctrl ddpd-u bhi-ctrl mcdt-no",
    },
    Register {
        leaf: 13,
        subleaf: Some(1),
        name: "eax",
        bits: "xsaveopt xsavec xgetbv1 xsaves xfd",
    },
    Register {
        leaf: 0x8000_0001,
        subleaf: None,
        name: "ecx",
        bits: "lahf_lm cmp_legacy svm extapic cr8legacy abm sse4a misalignsse 3dnowprefetch osvw \
         ibs xop skinit wdt - lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb \
         - dbext - - monitorx",
    },
    Register {
        leaf: 0x8000_0001,
        subleaf: None,
        name: "edx",
        bits: "- - - - - - - - - - - syscall - - - - - - - - nx - mmxext - - fxsr_opt pdpe1gb \
         rdtscp - lm 3dnowext 3dnow",
    },
    Register {
        leaf: 0x8000_0007,
        subleaf: None,
        name: "edx",
        bits: "- - - - - - - hw-pstate invtsc cpb efro",
    },
    Register {
        leaf: 0x8000_0008,
        subleaf: None,
        name: "ebx",
        bits: "clzero - xsaveerptr - - - - - - wbnoinvd - - ibpb - ibrs amd-stibp ibrs-always \
         stibp-always-on ibrs-fast ibrs-same-mode no-lmsl - - amd-ppin amd-ssbd virt-ssbd \
         amd-no-ssb cppc amd-psfd btc-no ibpb-ret",
    },
    Register {
        leaf: 0x8000_000a,
        subleaf: None,
        name: "edx",
        bits: "npt lbrv svm-lock nrip-save tsc-scale vmcb-clean flushbyasid decodeassists - - \
         pause-filter - pfthreshold avic",
    },
    Register {
        leaf: 0x8000_0021,
        subleaf: None,
        name: "eax",
        bits: "no-nested-data-bp fs-gs-base-ns lfence-always-serializing - - - null-sel-clr-base - \
         auto-ibrs - amd-fsrs amd-fsrc - - - - - cpuid-user-dis epsf - prefetchi - - - - - - \
         sbpb ibpb-brtype srso-no srso-user-kernel-no",
    },
];

/// libxl's and Linux' names that libvirt spells otherwise, and libvirt's.
const ALIASES: &[(&str, &str)] = &[
    ("sse3", "pni"),
    ("pclmulqdq", "pclmuldq"),
    ("dscpl", "ds_cpl"),
    ("cntxid", "cid"),
    ("cmpxchg16", "cx16"),
    ("cmpxchg8", "cx8"),
    ("sysenter", "sep"),
    ("psn", "pn"),
    ("clfsh", "clflush"),
    ("htt", "ht"),
    ("sse4_1", "sse4.1"),
    ("sse4_2", "sse4.2"),
    ("lahfsahf", "lahf_lm"),
    ("cmplegacy", "cmp_legacy"),
    ("altmovcr8", "cr8legacy"),
    ("nodeid", "nodeid_msr"),
    ("ffxsr", "fxsr_opt"),
    ("page1gb", "pdpe1gb"),
    ("ibrsb", "spec-ctrl"),
    ("itsc", "invtsc"),
];

/// The register and the bit of a feature.
fn place(name: &str) -> Option<(&'static Register, usize)> {
    let alias = ALIASES.iter().find(|(other, _)| *other == name);
    let name = alias.map_or(name, |(_, name)| name);
    REGISTERS.iter().find_map(|register| {
        let mut names = register.bits.split_ascii_whitespace();
        let bit = names.position(|known| known == name && known != "-")?;
        Some((register, bit))
    })
}

/// Writes what is said of features, but those of nested guests.
pub(super) fn write(features: &[CpuFeature], writer: &mut Writer<'_>) {
    let mut leaves: Vec<Map<String, Value>> = Vec::new();
    for feature in features {
        let path = format!("/domain/cpu/feature[@name='{}']", feature.name);
        if cpu::NESTING.contains(&feature.name.as_str()) {
            continue;
        }
        let sign = match feature.policy {
            None | Some(FeaturePolicy::Force | FeaturePolicy::Require) => '1',
            Some(FeaturePolicy::Disable | FeaturePolicy::Forbid) => '0',
            Some(FeaturePolicy::Optional) => {
                writer.notes.setting(path, "Xen chooses what is not said");
                continue;
            }
        };
        let Some((register, bit)) = place(&feature.name) else {
            let reason = format!("no bit is known for '{}'", excerpt(&feature.name));
            writer.notes.essential(path, reason);
            continue;
        };
        set_bit(&mut leaves, register, bit, sign);
        if feature.name == STAYS && sign == '1' {
            writer.build.flag("disable_migrate", true);
        }
    }
    if leaves.is_empty() {
        return;
    }
    let as_object = FIRST_OBJECT.is_some_and(|first| writer.target.release >= first);
    let value = match as_object {
        true => json!({ "cpuid": leaves, "msr": [] }),
        false => json!(leaves),
    };
    writer.build.set("cpuid", value);
}

fn set_bit(leaves: &mut Vec<Map<String, Value>>, register: &Register, bit: usize, sign: char) {
    let (leaf, subleaf) = (json!(register.leaf), register.subleaf.map(Value::from));
    let is_it = |known: &Map<String, Value>| {
        known.get("leaf") == Some(&leaf) && known.get("subleaf") == subleaf.as_ref()
    };
    let index = leaves.iter().position(is_it).unwrap_or_else(|| {
        let mut map = Map::new();
        map.insert("leaf".to_owned(), leaf.clone());
        map.extend(subleaf.clone().map(|it| ("subleaf".to_owned(), it)));
        leaves.push(map);
        leaves.len() - 1
    });
    let Some(map) = leaves.get_mut(index) else {
        return;
    };
    let old = map.get(register.name).and_then(Value::as_str);
    let mut signs: Vec<char> = old.map_or_else(|| vec!['x'; WIDTH], |old| old.chars().collect());
    // The highest bit is the first sign.
    if let Some(place) = signs.iter_mut().rev().nth(bit) {
        *place = sign;
    }
    let text: String = signs.into_iter().collect();
    map.insert(register.name.to_owned(), text.into());
}

/// Reads the features that are said to be there or not.
pub(super) fn read(build: &mut Section<'_>, notes: &mut Notes) -> Vec<CpuFeature> {
    let Some(value) = build.value("cpuid") else {
        return Vec::new();
    };
    let place = build.place("cpuid");
    let (list, msrs) = match value {
        Value::Array(_) => (Some(value), None),
        _ => (value.get("cpuid"), value.get("msr")),
    };
    let Some(list) = list.and_then(Value::as_array) else {
        build.wrong("cpuid", value, "a list, or an object with lists", notes);
        return Vec::new();
    };
    if msrs.is_some_and(|msrs| !super::quiet::says_nothing(msrs)) {
        let reason = "a document has no place for registers of the model";
        notes.essential(format!("{place}/msr"), reason);
    }
    let mut features = Vec::new();
    if list.len() > LEAVES_MAX {
        notes.essential(place.clone(), format!("only {LEAVES_MAX} leaves are read"));
    }
    for (i, entry) in list.iter().take(LEAVES_MAX).enumerate() {
        read_leaf(entry, &format!("{place}[{}]", i + 1), &mut features, notes);
    }
    features
}

fn read_leaf(entry: &Value, place: &str, features: &mut Vec<CpuFeature>, notes: &mut Notes) {
    let number = |key: &str| {
        let number = entry.get(key)?.as_u64()?;
        u32::try_from(number).ok()
    };
    let (leaf, subleaf) = (number("leaf"), number("subleaf"));
    for name in ["eax", "ebx", "ecx", "edx"] {
        let Some(value) = entry.get(name).filter(|value| !value.is_null()) else {
            continue;
        };
        let place = format!("{place}/{name}");
        let text = value.as_str().filter(|text| text.len() == WIDTH);
        let Some(text) = text.filter(|text| text.is_ascii()) else {
            let reason = format!("expected {WIDTH} signs");
            notes.essential(place, reason);
            continue;
        };
        let register = REGISTERS.iter().find(|register| {
            Some(register.leaf) == leaf
                && register.name == name
                && (register.subleaf == subleaf || register.subleaf.is_none())
        });
        let mut names = register
            .map_or("", |register| register.bits)
            .split_ascii_whitespace();
        for (bit, sign) in text.chars().rev().enumerate() {
            let feature = names.next().filter(|name| *name != "-");
            let policy = match sign {
                'x' => continue,
                '1' => Some(FeaturePolicy::Force),
                '0' => Some(FeaturePolicy::Disable),
                _ => None,
            };
            match (feature, policy) {
                (Some(name), Some(policy)) => features.push(CpuFeature {
                    name: name.to_owned(),
                    policy: Some(policy),
                }),
                _ => {
                    let reason = format!("a document has no name for '{sign}' of bit {bit}");
                    notes.essential(place.clone(), reason);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_have_their_bits() {
        let at = |name: &str| place(name).map(|(r, bit)| (r.leaf, r.subleaf, r.name, bit));
        assert_eq!(at("tsc"), Some((1, None, "edx", 4)));
        assert_eq!(at("sse3"), at("pni"));
        assert_eq!(at("hypervisor"), Some((1, None, "ecx", 31)));
        assert_eq!(at("invtsc"), Some((0x8000_0007, None, "edx", 8)));
        assert_eq!(at("smap"), Some((7, Some(0), "ebx", 20)));
        assert_eq!(at("ssbd"), Some((7, Some(0), "edx", 31)));
        assert_eq!(at("-"), None);
        assert_eq!(at("no-such-feature"), None);
    }

    #[test]
    fn registers_have_no_more_than_their_bits() {
        for register in REGISTERS {
            let names = register.bits.split_ascii_whitespace();
            assert!(names.count() <= WIDTH, "{:#x}", register.leaf);
        }
    }
}
