//! What the host says of a guest now and what was asked for, together: the host is
//! right about all that has changed since, the rest is as it was asked for.
//!
//! Values in, values out.

use crate::document::forget_run;
use virtxen_guest::{Chardev, Devices, Guest, Hostdev, HostdevSource};

/// A guest without what only its run has, to be compared.
pub(super) fn normal(guest: &Guest) -> Guest {
    let mut guest = guest.clone();
    forget_run(&mut guest);
    guest
}

/// A guest as the host tells it `now`, with what it could not keep of `ours` when it
/// made `base` of it.
pub(super) fn merge(now: Guest, ours: &Guest, base: &Guest) -> Guest {
    let seen = normal(&now);
    let mut merged = now;
    macro_rules! take {
        ($($field:ident),*) => {
            $(if seen.$field == base.$field {
                merged.$field = ours.$field.clone();
            })*
        };
    }
    take!(
        title,
        description,
        metadata,
        memory,
        current_memory,
        vcpus,
        cpu_tune,
        os,
        features,
        cpu,
        clock,
        lifecycle,
        seclabels,
        commandline,
        kept
    );
    devices(
        &mut merged.devices,
        &seen.devices,
        &ours.devices,
        &base.devices,
    );
    merged
}

fn devices(now: &mut Devices, seen: &Devices, ours: &Devices, base: &Devices) {
    macro_rules! lists {
        ($($class:ident: $run:expr;)*) => {
            $(list(&mut now.$class, [&seen.$class, &ours.$class, &base.$class], $run);)*
        };
    }
    lists! {
        disks: |_, _| {};
        controllers: |_, _| {};
        interfaces: |ours, now| ours.target.clone_from(&now.target);
        serials: terminal;
        parallels: terminal;
        consoles: terminal;
        channels: terminal;
        inputs: |_, _| {};
        graphics: |ours, now| ours.server.clone_from(&now.server);
        sounds: |_, _| {};
        videos: |_, _| {};
        hostdevs: place;
        others: |_, _| {};
    }
    if seen.emulator == base.emulator {
        now.emulator.clone_from(&ours.emulator);
    }
    if seen.memballoon == base.memballoon {
        now.memballoon.clone_from(&ours.memballoon);
    }
}

/// The terminal that the run has.
fn terminal(ours: &mut Chardev, now: &Chardev) {
    ours.source = now.source.clone();
}

/// Where a USB device is that was named by its product.
fn place(ours: &mut Hostdev, now: &Hostdev) {
    if let HostdevSource::Usb(_) = ours.source {
        ours.source.clone_from(&now.source);
    }
}

/// Devices of a class: those that are as they were at first, as they were asked for;
/// `run` gives one what the run has.
fn list<T: Clone + PartialEq>(
    now: &mut Vec<T>,
    [seen, ours, base]: [&Vec<T>; 3],
    run: impl Fn(&mut T, &T),
) {
    if base.len() != ours.len() {
        // The host has made others of them: which is which is known of all or none.
        if seen == base && now == seen {
            now.clone_from(ours);
        }
        return;
    }
    let mut left: Vec<(&T, &T)> = base.iter().zip(ours).collect();
    for (device, seen) in now.iter_mut().zip(seen) {
        if let Some(place) = left.iter().position(|(base, _)| *base == seen) {
            let (_, ours) = left.remove(place);
            let mut ours = ours.clone();
            run(&mut ours, device);
            *device = ours;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtxen_guest::{MemoryKib, ParseOptions, parse_guest};

    fn guest(inside: &str, devices: &str) -> Guest {
        let text = format!(
            "<domain type='xen'><name>web</name><memory>1024</memory>\
             <os><type>linux</type><kernel>/k</kernel></os>{inside}\
             <devices>{devices}</devices></domain>"
        );
        parse_guest(&text, &ParseOptions::default()).unwrap().value
    }

    const A: &str = "<disk type='file'><source file='/a'/><target dev='xvda'/></disk>";
    const B: &str = "<disk type='file'><source file='/b'/><target dev='xvdb'/></disk>";
    const MARKED: &str = "<disk type='file'><source file='/a'/><target dev='xvda'/>\
                          <boot order='7'/></disk>";

    #[test]
    fn what_the_host_cannot_keep_comes_back() {
        let ours = guest("<title>Shop</title><description>d</description>", MARKED);
        let base = guest("", A);
        assert_eq!(merge(base.clone(), &ours, &base), ours);
    }

    #[test]
    fn what_somebody_changed_beside_us_is_as_the_host_says() {
        let ours = guest("<title>Shop</title><description>d</description>", MARKED);
        let base = guest("<description>d</description>", A);
        let mut now = guest("<description>new</description>", &format!("{B}{A}"));
        now.memory = MemoryKib(2048);
        let merged = merge(now, &ours, &base);
        assert_eq!(merged.title.as_deref(), Some("Shop"));
        assert_eq!(merged.description.as_deref(), Some("new"));
        assert_eq!(merged.memory, MemoryKib(2048));
        let [b, a] = &merged.devices.disks[..] else {
            panic!("two disks: {:?}", merged.devices.disks)
        };
        assert_eq!((b.target.as_str(), b.info.boot_order), ("xvdb", None));
        assert_eq!(a.info.boot_order, Some(7));
        // A disk that was taken out beside us does not come back.
        let gone = merge(guest("", ""), &ours, &base);
        assert!(gone.devices.disks.is_empty());
    }

    #[test]
    fn a_run_keeps_its_terminal() {
        let console = "<console type='pty'><target type='xen'/></console>";
        let ours = guest("<title>t</title>", console);
        let base = guest("", console);
        let live = "<console type='pty'><source path='/dev/pts/3'/><target type='xen'/></console>";
        let merged = merge(guest("", live), &ours, &base);
        assert_eq!(merged.title.as_deref(), Some("t"));
        assert_eq!(merged.devices, guest("", live).devices);
    }

    #[test]
    fn a_usb_device_that_is_named_by_its_product_has_its_place() {
        let device = |source: &str| {
            format!(
                "<hostdev mode='subsystem' type='usb'><source><vendor id='0x0627'/>\
                 <product id='0x0001'/>{source}</source></hostdev>"
            )
        };
        let ours = guest("<title>t</title>", &device(""));
        let placed = guest("", &device("<address bus='3' device='2'/>"));
        let merged = merge(placed.clone(), &ours, &normal(&placed));
        assert_eq!(merged.title.as_deref(), Some("t"));
        assert_eq!(merged.devices, placed.devices);
    }
}
