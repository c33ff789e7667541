//! Hypervisors that are newer than the table, do not let the caller in, or answer
//! nonsense; and the traps of single releases.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Shared, at, domain, everywhere};
use virtxen_hypercall::abi::{Arch, Interfaces};
use virtxen_hypercall::{Abi, Errno, Error, Gate, Request, SchedulerId, Xen};
use virtxen_sim::hypervisor::{Machine, SimHypervisor};

#[test]
fn a_newer_xen_and_no_privilege_are_told_apart_where_xen_tells() {
    let release = at(4, 22, 0);
    let make = || SimHypervisor::new(release, Arch::X86_64, Box::new(Shared::default())).unwrap();
    let newer = make().with_interfaces(Interfaces::Control {
        sysctl: 90,
        domctl: 91,
    });
    let error = Xen::open(Box::new(newer), Arch::X86_64).err().unwrap();
    assert!(
        error.to_string().contains("sysctl versions up to 22"),
        "{error}"
    );
    for release in [at(3, 0, 2), at(3, 2, 0), at(4, 0, 0), release] {
        let hypervisor =
            SimHypervisor::new(release, Arch::X86_64, Box::new(Shared::default())).unwrap();
        let error = Xen::open(Box::new(hypervisor.unprivileged()), Arch::X86_64)
            .err()
            .unwrap();
        assert!(
            matches!(error, Error::NotPermitted { .. }),
            "{release}: {error}"
        );
        assert!(error.to_string().contains("root"), "{error}");
    }
}

/// A node that answers every request with one error.
struct Failing(Errno);

impl Gate for Failing {
    fn call(&self, _: &mut Request<'_>) -> Result<u64, Errno> {
        Err(self.0)
    }
}

#[test]
fn each_error_is_told_for_what_it_is() {
    let told = |errno| {
        let opened = Xen::open(Box::new(Failing(errno)), Arch::X86_64);
        opened.err().unwrap()
    };
    for errno in [Errno::EPERM, Errno::EACCES] {
        assert!(matches!(told(errno), Error::NotPermitted { .. }));
    }
    // A file that is no privcmd, or a kernel without Xen below.
    for errno in [Errno::ENOTTY, Errno::ENOSYS, Errno::EFAULT] {
        let error = told(errno);
        assert!(matches!(error, Error::Refused { .. }), "{error}");
        assert!(error.to_string().starts_with("xen_version failed: "));
    }
}

/// A hypervisor whose answers are what the test wants.
struct Lying(u8);

impl Gate for Lying {
    fn call(&self, request: &mut Request<'_>) -> Result<u64, Errno> {
        if request.number() == 17 {
            return Ok(4 << 16 | 17);
        }
        for buffer in request.answer() {
            // The command and version words stay.
            buffer.iter_mut().skip(8).for_each(|byte| *byte = self.0);
        }
        Ok(0)
    }
}

#[test]
fn counts_from_the_hypervisor_are_not_trusted() {
    for byte in [0xff, 0x7f] {
        let xen = Xen::open(Box::new(Lying(byte)), Arch::X86_64).unwrap();
        assert!(matches!(xen.domains(), Err(Error::Answer { .. })));
        assert!(matches!(xen.cpu_pools(), Err(Error::Answer { .. })));
        assert_eq!(xen.domain(3), Err(Error::NoDomain { domid: 3 }));
        assert!(xen.vcpu(3, 0).is_ok());
        let affinity = xen.affinity(3, 0, 70).unwrap();
        assert!(affinity.iter().all(|cpu| *cpu < 70));
        assert!(matches!(xen.scheduler(), Ok(SchedulerId::Unknown(_))));
        assert!(matches!(xen.cpu_topology(), Err(Error::Answer { .. })));
        assert!(matches!(xen.numa_memory(), Err(Error::Answer { .. })));
        assert!(xen.physical_info().is_ok());
    }
}

/// A hypervisor that lists these domains, whatever is asked for.
struct Listing(Vec<u16>, u32);

impl Gate for Listing {
    fn call(&self, request: &mut Request<'_>) -> Result<u64, Errno> {
        const ELEMENT: usize = 112;
        if request.number() == 17 {
            return Ok(4 << 16 | 17);
        }
        let [envelope, list] = request.answer() else {
            return Ok(0);
        };
        for (one, domid) in list.chunks_exact_mut(ELEMENT).zip(&self.0) {
            one[..2].copy_from_slice(&domid.to_ne_bytes());
        }
        envelope[24..28].copy_from_slice(&self.1.to_ne_bytes());
        Ok(0)
    }
}

#[test]
fn lists_that_cannot_be_are_refused() {
    let list = |domids: &[u16], count: u32| {
        let gate = Listing(domids.to_vec(), count);
        Xen::open(Box::new(gate), Arch::X86_64).unwrap().domains()
    };
    let numbers = |found: virtxen_hypercall::Result<Vec<virtxen_hypercall::Domain>>| {
        let found = found.unwrap();
        found.iter().map(|it| it.domid).collect::<Vec<_>>()
    };
    assert_eq!(numbers(list(&[0, 4, 9], 3)), [0, 4, 9]);
    assert_eq!(numbers(list(&[0, 4, 9], 2)), [0, 4]);
    for (domids, count) in [
        (&[0_u16, 9, 4][..], 3),
        (&[0, 4, 4], 3),
        (&[0, 4], 1025),
        (&[0, 4], u32::MAX),
    ] {
        let error = list(domids, count).unwrap_err();
        assert!(matches!(error, Error::Answer { .. }), "{domids:?}: {error}");
    }
    // Full pages for ever: the second one does not go on from the first.
    let page: Vec<u16> = (0..1024).collect();
    let error = list(&page, 1024).unwrap_err();
    assert!(matches!(error, Error::Answer { .. }), "{error}");
}

#[test]
fn point_releases_with_other_elements_are_told_apart() {
    for (release, size) in [(at(4, 10, 0), 96), (at(4, 10, 1), 104), (at(4, 10, 4), 104)] {
        let machine = Shared::default();
        machine.all.lock().unwrap().extend((0..40).map(domain));
        let hypervisor = SimHypervisor::new(release, Arch::X86_64, Box::new(machine)).unwrap();
        let xen = Xen::open(Box::new(hypervisor), Arch::X86_64).unwrap();
        assert_eq!(xen.abi().domain_element().unwrap().size, size, "{release}");
        let domains = xen.domains().unwrap();
        assert_eq!(domains.len(), 40, "{release}");
        assert_eq!(domains[39].handle, [39; 16], "{release}");
    }
    // A distribution's 4.10.0 with the interface of 4.10.1: what it takes decides.
    let machine = Shared::default();
    machine.all.lock().unwrap().extend((0..3).map(domain));
    let hypervisor = SimHypervisor::new(at(4, 10, 0), Arch::X86_64, Box::new(machine)).unwrap();
    let (sysctl, domctl) = (16, 15);
    let patched = hypervisor.with_interfaces(Interfaces::Control { sysctl, domctl });
    let xen = Xen::open(Box::new(patched), Arch::X86_64).unwrap();
    assert_eq!(xen.domains().unwrap()[2].handle, [2; 16]);
}

#[test]
fn one_interface_version_with_two_layouts_follows_the_release() {
    let fields = |release| {
        let abi = Abi::of_release(Arch::X86_64, release).unwrap();
        let (_, layout) = abi
            .operation(virtxen_hypercall::abi::Family::Sysctl, "physinfo")
            .unwrap();
        (abi.interfaces, layout.field("capabilities").is_some())
    };
    let (old, told) = fields(at(3, 2, 0));
    let (new, tells) = fields(at(3, 3, 0));
    assert_eq!(old, new);
    assert!(!told && tells);
}

/// Bits that were something else in another release.
#[test]
fn flags_that_moved_are_not_taken_for_others() {
    const MOVED: [&str; 3] = [
        "XEN_DOMINF_pvh_guest",
        "XEN_DOMINF_xs_domain",
        "XEN_DOMINF_hap",
    ];
    let places = std::cell::RefCell::new(std::collections::BTreeSet::new());
    everywhere(|xen, machine, release, arch| {
        let bits = MOVED.map(|name| xen.abi().constant(name));
        places.borrow_mut().insert(bits);
        let word = bits.iter().fold(0, |word, bit| word | bit);
        let flags = virtxen_hypercall::DomainFlags::from_word(word);
        assert_eq!(flags, Default::default(), "{release} {arch:?}: {word:#x}");
        let hvm = machine.domains()[1].hvm && release >= at(3, 0, 4);
        assert_eq!(xen.domain(3).unwrap().flags.hvm, hvm, "{release} {arch:?}");
    });
    // None, pvh in 4.4, xenstore's in 4.7, hap in 4.8, the last two moved in 4.9.
    assert_eq!(places.borrow().len(), 5, "{places:?}");
}

#[test]
fn the_next_domain_is_not_taken_for_the_one_that_is_missing() {
    everywhere(|xen, machine, release, arch| {
        for missing in [1, 2, 5, 699] {
            let told = xen.domain(missing);
            let place = format!("{release} {arch:?}");
            assert_eq!(told, Err(Error::NoDomain { domid: missing }), "{place}");
        }
        for there in machine.domains() {
            assert_eq!(xen.domain(there.domid).unwrap().handle, there.handle);
        }
    });
}
