//! Guests that libvirt's schema accepts: a guest with any texts is given those
//! that the schema allows in each place. Devices are in the neighbouring file.

use super::schema_device;
use virtxen_guest::{
    AcpiTableType, ClockOffset, Cpu, Element, FeaturePolicy, Features, Guest, Kept, NumaDistance,
    Os, OsType, Seclabel, SeclabelType, Timer, TimerName, Uuid,
};

/// The guest, with its shape, in words of the schema.
pub(crate) fn settle(mut guest: Guest) -> Guest {
    if guest.title.as_deref() == Some("") {
        guest.title = None;
    }
    own(&mut guest.kept, |kept| {
        let genid = Element::new("genid").with_text(Uuid([7; 16]).to_string());
        kept.add_element("", genid);
        kept.add_attribute("memory", "dumpCore", "on");
    });
    guest.vcpus.max = guest.vcpus.max.max(1);
    if let Some(shares) = &mut guest.cpu_tune.shares {
        *shares %= 1 << 32;
    }
    // libvirt's schema does not have our extension.
    guest.cpu_tune.soft_pins.clear();
    for pin in &mut guest.cpu_tune.vcpu_pins {
        pin.vcpu %= 1 << 16;
    }
    own(&mut guest.cpu_tune.kept, |kept| {
        kept.add_element("", Element::new("emulatorpin").with("cpuset", "0-3,^2"));
    });
    if let Some(cpu) = &mut guest.cpu {
        self::cpu(cpu);
    }
    os(&mut guest.os);
    features(&mut guest.features);
    if let ClockOffset::Timezone { name: Some(name) } = &mut guest.clock.offset {
        only(name, "_.+-/");
    }
    guest.clock.timers.iter_mut().for_each(timer);
    guest.seclabels.iter_mut().for_each(seclabel);
    schema_device::settle(&mut guest.devices);
    guest
}

/// Only letters, digits and these; at least one of them.
pub(crate) fn only(text: &mut String, others: &str) {
    text.retain(|c| c.is_ascii_alphanumeric() || others.contains(c));
    if text.is_empty() {
        text.push('x');
    }
}

/// An absolute path.
pub(crate) fn path(text: &mut String) {
    text.insert(0, '/');
}

/// What is kept here, if something is.
pub(crate) fn own(kept: &mut Kept, accepted: impl FnOnce(&mut Kept)) {
    if !kept.is_empty() {
        *kept = Kept::default();
        accepted(kept);
    }
}

fn cpu(cpu: &mut Cpu) {
    if let Some(model) = &mut cpu.model
        && let Some(vendor) = &mut model.vendor_id
    {
        *vendor = "GenuineXenon".to_owned();
    }
    if let Some(topology) = &mut cpu.topology {
        let counts = [
            &mut topology.sockets,
            &mut topology.cores,
            &mut topology.threads,
        ];
        counts
            .into_iter()
            .for_each(|count| *count = (*count).max(1));
        topology.dies = topology.dies.map(|dies| dies.max(1));
        // Younger than the schema.
        topology.clusters = None;
    }
    for feature in &mut cpu.features {
        only(&mut feature.name, "-_.");
        feature.policy.get_or_insert(FeaturePolicy::Require);
    }
    for cell in &mut cpu.numa {
        let distance = |distance: &NumaDistance| (10..256).contains(&distance.value);
        cell.distances.retain(distance);
    }
    own(&mut cpu.kept, |kept| {
        kept.add_attribute("", "match", "exact");
        kept.add_element("", Element::new("cache").with("mode", "passthrough"));
    });
}

fn os(os: &mut Os) {
    os.acpi_tables.truncate(1);
    for table in &mut os.acpi_tables {
        table.kind = AcpiTableType::Slic;
    }
    own(&mut os.kept, |kept| {
        kept.add_element("", Element::new("bootmenu").with("enable", "yes"));
    });
    // Those are the schema's for all other guests.
    let (arch, machine) = match os.kind {
        OsType::Hvm => ("x86_64", "xenfv"),
        _ => ("i686", "xenpv"),
    };
    os.arch = os.arch.take().map(|_| arch.to_owned());
    os.machine = os.machine.take().map(|_| machine.to_owned());
}

fn features(features: &mut Features) {
    if let Some(hyperv) = &mut features.hyperv {
        hyperv.enlightenments.truncate(1);
        for enlightenment in &mut hyperv.enlightenments {
            *enlightenment = Element::new("relaxed").with("state", "on");
        }
    }
    own(&mut features.kept, |kept| {
        kept.add_element("", Element::new("pmu").with("state", "off"));
        kept.add_element("", Element::new("vmport").with("state", "on"));
    });
}

fn timer(timer: &mut Timer) {
    if timer.name != TimerName::Tsc {
        timer.mode = None;
    }
    let tracks = matches!(timer.name, TimerName::Platform | TimerName::Rtc);
    own(&mut timer.kept, |kept| {
        if tracks {
            kept.add_attribute("", "track", "wall");
        }
    });
}

fn seclabel(label: &mut Seclabel) {
    match label.kind {
        Some(SeclabelType::Static) => {
            label.base_label = None;
            label.label.get_or_insert_with(|| "system_u".to_owned());
        }
        Some(SeclabelType::None) => {
            label.relabel = label.relabel.map(|_| false);
            (label.label, label.base_label, label.image_label) = (None, None, None);
        }
        _ => label.relabel = label.relabel.map(|_| true),
    }
}
