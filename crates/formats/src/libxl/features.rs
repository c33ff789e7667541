//! Features of the virtual machine: `pae`, `apic`, `acpi`, `hap`, `viridian` and its
//! single groups, `e820_host`, `passthrough`.

use super::guest::Parts;
use super::write::Writer;
use crate::convert::Notes;
use virtxen_guest::{Element, Features, Hyperv, OsType, Passthrough, PassthroughMode, XenFeatures};

/// Groups of Viridian by their bits in `viridian_enable`, which are the releases'
/// words of `libxl_viridian_enlightenment`: first minor release and libvirt's words,
/// if it has some.
const GROUPS: &[(u32, &[&str])] = &[
    // Hypercalls, the index of a processor.
    (5, &["vpindex", "relaxed"]),
    (5, &["frequencies"]),
    (5, &[]),
    (6, &[]),
    (7, &["tlbflush"]),
    (7, &["vapic"]),
    (9, &[]),
    (13, &["synic"]),
    (13, &["stimer"]),
    (13, &["ipi"]),
    (15, &[]),
    (15, &[]),
    (15, &[]),
];

/// Groups without which none of the others works, or which every Windows expects
/// and libvirt has no words for: the base, the time of the partition, crash control.
const ALWAYS: &[u32] = &[0, 2, 6];

/// Groups that synthetic timers are kept in step by.
const WITH_TIMERS: &[u32] = &[3];
const TIMERS: u32 = 8;

/// Writes the features.
pub(super) fn write(writer: &mut Writer<'_>) {
    let Features {
        acpi,
        apic,
        pae,
        hap,
        viridian,
        hyperv,
        xen,
        kept,
    } = &writer.guest.features;
    let has_nodes = writer
        .guest
        .cpu
        .as_ref()
        .is_some_and(|cpu| !cpu.numa.is_empty());
    if writer.is_hvm() {
        // Long mode needs it.
        let long = matches!(writer.guest.os.arch.as_deref(), None | Some("x86_64"));
        writer.own.flag("pae", *pae || long);
        let flag = super::write::flag;
        writer.moved("apic", flag(*apic), "/domain/features/apic");
        // Nodes are told to the guest in a table of ACPI.
        writer.moved("acpi", flag(*acpi || has_nodes), "/domain/features/acpi");
        if *viridian {
            writer.own.flag("viridian", true);
        }
        if let Some(hyperv) = hyperv {
            write_groups(hyperv, writer);
        }
    } else {
        // PVH guests have the first three anyway.
        let pv = writer.kind == OsType::Xen;
        for (name, said) in [
            ("acpi", *acpi && pv),
            ("apic", *apic && pv),
            ("pae", *pae && pv),
            ("viridian", *viridian),
            ("hyperv", hyperv.is_some()),
        ] {
            if said {
                let path = format!("/domain/features/{name}");
                let reason = "only fully virtualized guests have it";
                writer.notes.setting(path, reason);
            }
        }
    }
    match hap {
        Some(on) if writer.kind != OsType::Xen => writer.create.flag("hap", *on),
        Some(_) => {
            let reason = "a paravirtualized guest has page tables of its own";
            writer.notes.setting("/domain/features/hap", reason);
        }
        None => {}
    }
    write_xen(*xen, writer);
    let reason = "libxl does not know it";
    writer.notes.kept("/domain/features", kept, reason);
}

fn write_xen(xen: XenFeatures, writer: &mut Writer<'_>) {
    match xen.e820_host {
        Some(on) if writer.kind == OsType::Xen => writer.own.flag("e820_host", on),
        Some(true) => {
            let path = "/domain/features/xen/e820_host";
            let reason = "only paravirtualized guests have it";
            writer.notes.setting(path, reason);
        }
        Some(false) | None => {}
    }
    if let Some(passthrough) = xen.passthrough {
        let word = match passthrough {
            Passthrough { state: false, .. } => "disabled",
            Passthrough {
                mode: Some(mode), ..
            } => mode.as_str(),
            Passthrough { mode: None, .. } => "enabled",
        };
        let path = "/domain/features/xen/passthrough";
        let (create, notes) = (&mut writer.create, &mut writer.notes);
        create.try_set("passthrough", word, path, notes);
    }
}

fn write_groups(hyperv: &Hyperv, writer: &mut Writer<'_>) {
    let path = "/domain/features/hyperv";
    let minor = writer.target.release.minor();
    let mut bits: Vec<u32> = Vec::new();
    for element in &hyperv.enlightenments {
        let place = format!("{path}/{}", element.name);
        let is_it =
            |(_, (_, words)): &(u32, &(u32, &[&str]))| words.contains(&element.name.as_str());
        let group = (0..).zip(GROUPS).find(is_it);
        let on = element.attribute("state") != Some("off");
        match group {
            None if on => writer.notes.setting(place, "Xen has no such group"),
            Some((bit, (first, _))) if on => {
                if minor < *first {
                    let reason = format!("libxl of Xen 4.{minor} has no such group");
                    writer.notes.setting(place, reason);
                    continue;
                }
                bits.push(bit);
                bits.extend(ALWAYS);
                if bit == TIMERS {
                    bits.extend(WITH_TIMERS);
                }
            }
            _ => {}
        }
    }
    bits.sort_unstable();
    bits.dedup();
    let is_there = |bit: &u32| {
        let group = GROUPS.get(*bit as usize);
        group.is_some_and(|(first, _)| minor >= *first)
    };
    bits.retain(is_there);
    if !bits.is_empty() {
        writer.own.set("viridian_enable", bits);
    }
    if hyperv.mode == Some(virtxen_guest::HypervMode::Passthrough) {
        let reason = "Xen has groups to choose, the host's are none";
        writer.notes.setting(format!("{path}/@mode"), reason);
    }
}

/// Reads the features.
pub(super) fn read(parts: &mut Parts<'_, '_>, notes: &mut Notes) -> Features {
    let mut features = Features {
        xen: XenFeatures {
            passthrough: read_passthrough(parts, notes),
            e820_host: None,
        },
        ..Features::default()
    };
    let hvm = parts.is_hvm();
    if parts.kind == OsType::Xen {
        let e820 = parts.own.flag("e820_host", notes);
        features.xen.e820_host = e820.filter(|on| *on);
    } else {
        // On is what nobody needs to say.
        features.hap = parts.create.flag("hap", notes).filter(|on| !on);
    }
    // Read for all kinds, since libxl fills them in for all.
    let apic = parts.place_of("apic").flag("apic", notes);
    let acpi = parts.place_of("acpi").flag("acpi", notes);
    if !hvm {
        return features;
    }
    features.apic = apic.unwrap_or(true);
    features.acpi = acpi.unwrap_or(true);
    // Releases that have it elsewhere keep the old place filled in.
    if parts.build.has("acpi") {
        parts.own.flag("acpi", notes);
    }
    features.pae = parts.own.flag("pae", notes).unwrap_or(true);
    features.viridian = parts.own.flag("viridian", notes) == Some(true);
    features.hyperv = read_groups(parts, notes);
    features
}

fn read_passthrough(parts: &mut Parts<'_, '_>, notes: &mut Notes) -> Option<Passthrough> {
    let (state, mode) = match parts.create.word("passthrough", notes)? {
        "disabled" => (false, None),
        "sync_pt" => (true, Some(PassthroughMode::SyncPt)),
        "share_pt" => (true, Some(PassthroughMode::SharePt)),
        _ => (true, None),
    };
    Some(Passthrough { state, mode })
}

fn read_groups(parts: &mut Parts<'_, '_>, notes: &mut Notes) -> Option<Hyperv> {
    let bits = parts.own.bits("viridian_enable", notes);
    let mut hyperv = Hyperv::default();
    for bit in &bits {
        let implied = ALWAYS.contains(bit) && bits.contains(&0)
            || WITH_TIMERS.contains(bit) && bits.contains(&TIMERS);
        match GROUPS.get(*bit as usize) {
            Some((_, [word, ..])) => {
                let element = Element::new(*word).with("state", "on");
                hyperv.enlightenments.push(element);
            }
            _ if implied => {}
            _ => {
                let reason = format!("a document has no word for group {bit}");
                notes.setting(parts.own.place("viridian_enable"), reason);
            }
        }
    }
    (!hyperv.enlightenments.is_empty()).then_some(hyperv)
}
