//! Reading what `getdomaininfolist` answers, without the call itself.

use super::Options;
use crate::measure::{repeat, verdict};
use crate::{Error, Result};
use std::time::Duration;
use virtxen_hypercall::abi::Layout;
use virtxen_hypercall::{Abi, Arch, Domain, Release, decode_domains};

/// All entries, read.
const TARGET: Duration = Duration::from_millis(1);

/// Layouts that differ: the first release, the last with XenD, a new one.
const RELEASES: &[(u8, u8, u8)] = &[(3, 0, 1), (4, 4, 4), (4, 22, 0)];

pub(super) fn measure(options: &Options) -> Result<()> {
    let count = options.entries;
    println!("reading {count} entries of the hypervisor's list");
    let mut met = true;
    for (major, minor, point) in RELEASES.iter().copied() {
        let release = Release {
            major,
            minor,
            point,
        };
        let wrong = |reason: &dyn std::fmt::Display| Error::Document {
            name: format!("layout of Xen {release}"),
            reason: reason.to_string(),
        };
        let abi = Abi::of_release(Arch::X86_64, release).ok_or_else(|| wrong(&"unknown"))?;
        let layout = abi
            .domain_element()
            .ok_or_else(|| wrong(&"has no element"))?;
        let bytes = answer(layout, count);
        let mut domains: Vec<Domain> = Vec::new();
        decode_domains(&abi, &bytes, count, &mut domains).map_err(|error| wrong(&error))?;
        let times = repeat(options.span() / 3, || {
            domains.clear();
            let read = decode_domains(&abi, &bytes, count, &mut domains);
            std::hint::black_box((read.is_ok(), &domains));
        });
        let median = times.median();
        met &= median <= TARGET;
        println!(
            "Xen {release:<8}{:>6} bytes each  median {:6.3} ms   {:5.1} ns each",
            layout.size,
            median.as_secs_f64() * 1e3,
            median.as_secs_f64() * 1e9 / count.max(1) as f64
        );
    }
    println!(
        "target, {} ms for all entries: {}",
        TARGET.as_millis(),
        verdict(met)
    );
    Ok(())
}

/// The bytes of so many running domains.
fn answer(layout: &Layout, count: usize) -> Vec<u8> {
    let size = usize::from(layout.size);
    let mut bytes = vec![0; size * count];
    for (domid, element) in (0_u64..).zip(bytes.chunks_exact_mut(size.max(1))) {
        for (name, value) in [
            ("domain", domid),
            ("flags", 1 << 5),
            ("tot_pages", 65_536 + domid),
            ("max_pages", 131_072),
            ("cpu_time", domid * 1_000_000_007),
            ("nr_online_vcpus", 2),
            ("max_vcpu_id", 1),
        ] {
            // A field that the layout has not got stays out.
            let _ = layout
                .field(name)
                .is_some_and(|field| field.put(element, value));
        }
    }
    bytes
}
