//! Features of the virtual machine: `pae`, `acpi`, `apic`, `hap`, `viridian`,
//! `e820_host`, `passthrough`.

use super::{Dialect, Out, Settings};
use crate::config::Value;
use crate::convert::{Notes, excerpt};
use crate::sxpr::ConfigVersion;
use virtxen_guest::{Features, Passthrough, PassthroughMode, XenFeatures};

/// Reads the switches. What a file does not say is on with xl and later xm, off
/// with the XenD of 3.0.
pub(super) fn read(
    file: &mut Settings<'_>,
    hvm: bool,
    dialect: Dialect,
    notes: &mut Notes,
) -> Features {
    let mut features = Features::default();
    features.xen.passthrough = passthrough(file, notes);
    if !hvm {
        let e820 = file.switch("e820_host", notes);
        features.xen.e820_host = e820.filter(|on| *on);
        return features;
    }
    let usual = !dialect.before(ConfigVersion::Xen310);
    let mut on = |name| file.switch(name, notes);
    features.pae = on("pae").unwrap_or(usual);
    features.acpi = on("acpi").unwrap_or(usual);
    features.apic = on("apic").unwrap_or(usual);
    // On is what nobody needs to say.
    features.hap = on("hap").filter(|on| !on);
    features.viridian = match file.value("viridian") {
        Some(Value::List(groups)) => {
            let reason = "groups are not told apart, all of Viridian is on";
            notes.setting_at("viridian", file.at("viridian"), reason);
            !groups.is_empty()
        }
        _ => file.switch("viridian", notes) == Some(true),
    };
    features
}

fn passthrough(file: &mut Settings<'_>, notes: &mut Notes) -> Option<Passthrough> {
    let word = file.filled("passthrough", notes)?;
    let (state, mode) = match word.as_str() {
        "disabled" => (false, None),
        "enabled" => (true, None),
        "sync_pt" => (true, Some(PassthroughMode::SyncPt)),
        "share_pt" => (true, Some(PassthroughMode::SharePt)),
        other => {
            let reason = format!("'{}' is no mode", excerpt(other));
            notes.setting_at("passthrough", file.at("passthrough"), reason);
            return None;
        }
    };
    Some(Passthrough { state, mode })
}

/// Writes the switches.
pub(super) fn write(
    features: &Features,
    hvm: bool,
    dialect: Dialect,
    out: &mut Out,
    notes: &mut Notes,
) {
    let Features {
        acpi,
        apic,
        pae,
        hap,
        viridian,
        hyperv,
        xen,
        kept,
    } = features;
    if hvm {
        out.switch("pae", *pae);
        out.switch("acpi", *acpi);
        out.switch("apic", *apic);
        write_late(*hap, *viridian, dialect, out, notes);
    } else {
        let switches = [("pae", *pae), ("acpi", *acpi), ("apic", *apic)];
        let late = [("hap", hap.is_some()), ("viridian", *viridian)];
        for (name, _) in switches.iter().chain(&late).filter(|(_, on)| *on) {
            let path = format!("/domain/features/{name}");
            notes.setting(path, "only fully virtualized guests have it");
        }
    }
    if hyperv.is_some() {
        let reason = format!("{} knows viridian as a whole only", dialect.tool());
        notes.setting("/domain/features/hyperv", reason);
    }
    write_xen(xen, hvm, dialect, out, notes);
    let reason = format!("{} does not know it", dialect.tool());
    notes.kept("/domain/features", kept, &reason);
}

/// Nested paging and Viridian, which XenD 3.0.4 has first.
fn write_late(
    hap: Option<bool>,
    viridian: bool,
    dialect: Dialect,
    out: &mut Out,
    notes: &mut Notes,
) {
    if dialect.before(ConfigVersion::Xen304) {
        for (name, said) in [("hap", hap == Some(false)), ("viridian", viridian)] {
            if said {
                let path = format!("/domain/features/{name}");
                notes.setting(path, "XenD before 3.0.4 does not know it");
            }
        }
        return;
    }
    if hap == Some(false) {
        out.switch("hap", false);
    }
    out.switch("viridian", viridian);
}

fn write_xen(xen: &XenFeatures, hvm: bool, dialect: Dialect, out: &mut Out, notes: &mut Notes) {
    if xen.e820_host == Some(true) {
        if hvm {
            let path = "/domain/features/xen/e820_host";
            notes.setting(path, "only paravirtualized guests have it");
        } else {
            out.switch("e820_host", true);
        }
    }
    let Some(passthrough) = xen.passthrough else {
        return;
    };
    if !dialect.newest {
        let path = "/domain/features/xen/passthrough";
        notes.setting(path, "XenD does not know it");
        return;
    }
    let word = match passthrough {
        Passthrough { state: false, .. } => "disabled",
        Passthrough {
            mode: Some(mode), ..
        } => mode.as_str(),
        Passthrough { mode: None, .. } => "enabled",
    };
    out.text("passthrough", word);
}
