//! Every operation on every release and architecture of the table, against a
//! hypervisor that answers in the bytes of that release.

#![allow(clippy::unwrap_used)]

mod common;

use common::{PIECES, Shared, at, domain, everywhere};
use std::sync::Arc;
use virtxen_hypercall::abi::Arch;
use virtxen_hypercall::{Errno, Error, Gate, Request, Xen};
use virtxen_sim::hypervisor::{Machine, SimHypervisor};

/// A hypervisor that is shared with the test, so that its calls can be counted.
struct Counted(Arc<SimHypervisor>);

impl Gate for Counted {
    fn call(&self, request: &mut Request<'_>) -> Result<u64, Errno> {
        self.0.call(request)
    }
}

#[test]
fn the_interface_of_every_release_is_found() {
    everywhere(|xen, _, release, arch| {
        let wanted = virtxen_hypercall::Abi::of_release(arch, release).unwrap();
        assert_eq!(
            xen.abi().interfaces,
            wanted.interfaces,
            "{release} {arch:?}"
        );
        assert_eq!(xen.version().to_string(), release.to_string());
        assert_eq!(xen.version().capabilities, "xen-3.0-x86_64 hvm-3.0-x86_32");
    });
}

#[test]
fn domains_are_read_on_every_release() {
    everywhere(|xen, machine, release, arch| {
        machine.all.lock().unwrap()[2].shutdown = Some(3);
        machine.all.lock().unwrap()[2].blocked = false;
        let all = xen.domains().unwrap();
        let place = format!("{release} {arch:?}");
        assert_eq!(
            all.iter().map(|it| it.domid).collect::<Vec<_>>(),
            [0, 3, 4, 700],
            "{place}"
        );
        let tells_hvm = release >= at(3, 0, 4);
        for (seen, made) in all.iter().zip(machine.domains()) {
            assert_eq!(seen.pages, made.pages, "{place}");
            assert_eq!(seen.max_pages, made.max_pages, "{place}");
            assert_eq!(seen.cpu_time, made.cpu_time, "{place}");
            assert_eq!(seen.handle, made.handle, "{place}");
            assert_eq!(seen.online_vcpus, 2, "{place}");
            assert_eq!(seen.max_vcpu_id, Some(1), "{place}");
            assert_eq!(seen.flags.hvm, made.hvm && tells_hvm, "{place}");
            assert_eq!(seen.flags.blocked, made.blocked, "{place}");
            assert_eq!(seen.flags.shutdown, made.shutdown.is_some(), "{place}");
            assert_eq!(xen.domain(made.domid).unwrap(), *seen, "{place}");
        }
        assert_eq!(all[2].flags.shutdown_code, 3, "{place}");
        // Old releases tell domain 3 when 2 is asked for.
        assert_eq!(xen.domain(2), Err(Error::NoDomain { domid: 2 }), "{place}");
        assert_eq!(
            xen.domain(701),
            Err(Error::NoDomain { domid: 701 }),
            "{place}"
        );
    });
}

#[test]
fn operations_take_effect_on_every_release() {
    everywhere(|xen, machine, release, arch| {
        let place = format!("{release} {arch:?}");
        xen.pause(3).unwrap();
        assert!(machine.domains()[1].paused, "{place}");
        xen.unpause(3).unwrap();
        assert!(!machine.domains()[1].paused, "{place}");
        let counts = release >= at(4, 5, 0);
        assert_eq!(xen.unpause(3).is_err(), counts, "{place}");
        xen.set_max_memory(3, 65_536).unwrap();
        assert_eq!(machine.domains()[1].max_pages, 16_384, "{place}");
        assert_eq!(xen.affinity(3, 1, 12).unwrap(), [3, 11], "{place}");
        xen.set_affinity(3, 0, &[0, 9], 12).unwrap();
        assert_eq!(machine.domains()[1].affinity[0], [0, 9], "{place}");
        assert_eq!(xen.affinity(3, 0, 12).unwrap(), [0, 9], "{place}");
        assert!(
            matches!(xen.set_affinity(3, 0, &[12], 12), Err(Error::Range { .. })),
            "{place}"
        );
        let vcpu = xen.vcpu(3, 1).unwrap().unwrap();
        assert!(vcpu.online && vcpu.blocked && !vcpu.running, "{place}");
        assert_eq!(vcpu.cpu_time, 1_500_000_010, "{place}");
        assert_eq!(xen.vcpu(3, 2).unwrap(), None, "{place}");
        xen.destroy(700).unwrap();
        assert!(machine.domains()[3].dying, "{place}");
        assert_eq!(xen.pause(9), Err(Error::NoDomain { domid: 9 }), "{place}");
        assert!(xen.pause(0).is_err(), "{place}");
        assert!(
            matches!(xen.pause(70_000), Err(Error::Range { .. })),
            "{place}"
        );
    });
}

#[test]
fn the_machine_is_read_on_every_release() {
    everywhere(|xen, _, release, arch| {
        let place = format!("{release} {arch:?}");
        let info = xen.physical_info().unwrap();
        let counts = (info.cpus, info.nodes, info.cpu_khz);
        assert_eq!(counts, (12, 2, 2_400_000), "{place}");
        assert_eq!(info.cores_per_socket, 3, "{place}");
        assert_eq!(info.memory, 4 * PIECES * 4096, "{place}");
        assert_eq!(info.free, PIECES * 4096, "{place}");
        // ECX of leaf 1, with vmx, has another place from 4.7 on.
        let vmx = if release < at(4, 7, 0) { 4 } else { 1 };
        assert_eq!(info.hw_cap[vmx], 0xe3bd, "{place}");
        match xen.idle_times() {
            Ok(times) => {
                let wanted: Vec<u64> = (0..12).map(|cpu| 5_000_000_000 + cpu).collect();
                assert_eq!(times, wanted, "{place}");
            }
            Err(error) => assert!(release < at(3, 2, 0), "{place}: {error}"),
        }
    });
}

#[test]
fn nodes_are_told_as_far_as_the_release_does() {
    everywhere(|xen, _, release, arch| {
        let place = format!("{release} {arch:?}");
        let half = PIECES * 4096 / 2;
        if release < at(3, 2, 0) {
            assert!(xen.free_memory(None).is_err(), "{place}");
            assert!(xen.cpu_nodes().is_err(), "{place}");
            return;
        }
        assert_eq!(xen.free_memory(None).unwrap(), 2 * half, "{place}");
        assert_eq!(xen.free_memory(Some(1)).unwrap(), half, "{place}");
        assert_eq!(xen.free_memory(Some(2)).unwrap(), 0, "{place}");
        let nodes = xen.cpu_nodes().unwrap();
        assert_eq!(nodes.len(), 12, "{place}");
        assert_eq!((nodes[5], nodes[6]), ((5, 0), (6, 1)), "{place}");
        if release < at(4, 1, 0) {
            assert!(xen.cpu_topology().is_err(), "{place}");
            return;
        }
        let memory = xen.numa_memory().unwrap();
        assert_eq!(memory, [(4 * half, half); 2], "{place}");
        let cpus = xen.cpu_topology().unwrap();
        assert_eq!(cpus.len(), 12, "{place}");
        let seven = (cpus[7].cpu, cpus[7].core, cpus[7].socket, cpus[7].node);
        assert_eq!(seven, (7, 1, 2, 1), "{place}");
    });
}

#[test]
fn a_thousand_domains_are_one_call() {
    let machine = Shared::default();
    machine.all.lock().unwrap().extend((0..1000).map(domain));
    let release = at(4, 1, 6);
    let hypervisor = SimHypervisor::new(release, Arch::X86_64, Box::new(machine.clone())).unwrap();
    let hypervisor = Arc::new(hypervisor);
    let xen = Xen::open(Box::new(Counted(hypervisor.clone())), Arch::X86_64).unwrap();
    let before = hypervisor.calls();
    assert_eq!(xen.domains().unwrap().len(), 1000);
    assert_eq!(hypervisor.calls() - before, 1);
    machine.all.lock().unwrap().extend((1000..2100).map(domain));
    let before = hypervisor.calls();
    let all = xen.domains().unwrap();
    assert_eq!(all.len(), 2100);
    assert!(all.windows(2).all(|pair| pair[0].domid < pair[1].domid));
    assert_eq!(hypervisor.calls() - before, 3);
}

#[test]
fn a_list_that_grows_is_whole() {
    let machine = Shared::default();
    machine.all.lock().unwrap().extend((0..3).map(domain));
    let hypervisor = SimHypervisor::new(at(4, 17, 0), Arch::X86_64, Box::new(machine.clone()));
    let hypervisor = Arc::new(hypervisor.unwrap());
    let xen = Xen::open(Box::new(Counted(hypervisor.clone())), Arch::X86_64).unwrap();
    let listed = || {
        let before = hypervisor.calls();
        (xen.domains().unwrap().len(), hypervisor.calls() - before)
    };
    assert_eq!(listed(), (3, 1));
    machine.all.lock().unwrap().extend((3..30).map(domain));
    assert_eq!(listed(), (30, 1));
    machine.all.lock().unwrap().extend((30..500).map(domain));
    assert_eq!(listed(), (500, 2));
    assert_eq!(listed(), (500, 1));
}
