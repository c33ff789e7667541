//! Every operation on every release and architecture of the table, against a
//! hypervisor that answers in the bytes of that release.

#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};
use virtxen_hypercall::abi::{Arch, Interfaces, table};
use virtxen_hypercall::{
    Errno, Error, Gate, Release, Request, SchedulerId, SchedulerParameters, Xen,
};
use virtxen_sim::hypervisor::{Change, Machine, MachineDomain, MachineFacts, SimHypervisor};

const PIECES: u64 = 262_144;

/// A machine of which the test keeps a handle.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<MachineDomain>>>);

impl Machine for Shared {
    fn facts(&self) -> MachineFacts {
        MachineFacts {
            cpus: 12,
            pages: (4 * PIECES, PIECES),
            cpu_khz: 2_400_000,
            capabilities: "xen-3.0-x86_64 hvm-3.0-x86_32".into(),
        }
    }

    fn idle_times(&self) -> Vec<u64> {
        (0..12).map(|cpu| 5_000_000_000 + cpu).collect()
    }

    fn domains(&self) -> Vec<MachineDomain> {
        self.0.lock().unwrap().clone()
    }

    fn change(&self, domid: u32, change: Change) -> Result<(), Errno> {
        let mut all = self.0.lock().unwrap();
        let domain = all
            .iter_mut()
            .find(|it| it.domid == domid)
            .ok_or(Errno::ESRCH)?;
        match change {
            Change::Pause => domain.paused = true,
            Change::Unpause => domain.paused = false,
            Change::Destroy => domain.dying = true,
            Change::MaxMemory(kib) => domain.max_pages = kib / 4,
            Change::Credit(weight, cap) => domain.credit = (weight, cap),
            Change::Affinity(vcpu, cpus) => {
                *domain.affinity.get_mut(vcpu as usize).ok_or(Errno::ESRCH)? = cpus;
            }
        }
        Ok(())
    }
}

/// A hypervisor that is shared with the test, so that its calls can be counted.
struct Counted(Arc<SimHypervisor>);

impl Gate for Counted {
    fn call(&self, request: &mut Request<'_>) -> Result<u64, Errno> {
        self.0.call(request)
    }
}

fn domain(domid: u32) -> MachineDomain {
    MachineDomain {
        domid,
        handle: [domid as u8; 16],
        hvm: domid % 2 == 1,
        blocked: true,
        pages: 16_384 + u64::from(domid),
        max_pages: 32_768,
        cpu_time: 1_000_000_007 * u64::from(domid),
        affinity: vec![(0..12).collect(), vec![3, 11]],
        online: 2,
        credit: (256, 0),
        ..MachineDomain::default()
    }
}

/// Runs `check` on each release and architecture of the table.
fn everywhere(check: impl Fn(&Xen, &Shared, Release, Arch)) {
    let mut count = 0;
    for row in table::RELEASES {
        for release in [row.releases.0, row.releases.1] {
            for arch in [Arch::X86_64, Arch::X86_32, Arch::Arm64] {
                let before_arm = release
                    < Release {
                        major: 4,
                        minor: 3,
                        point: 0,
                    };
                if release == Release::NEWEST || (arch == Arch::Arm64 && before_arm) {
                    continue;
                }
                let machine = Shared::default();
                machine.0.lock().unwrap().extend([0, 3, 4, 700].map(domain));
                let hypervisor = SimHypervisor::new(release, arch, Box::new(machine.clone()));
                let xen = Xen::open(Box::new(hypervisor.unwrap()), arch)
                    .unwrap_or_else(|error| panic!("{release} {arch:?}: {error}"));
                check(&xen, &machine, release, arch);
                count += 1;
            }
        }
    }
    assert!(count > 100, "only {count} hypervisors");
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
        machine.0.lock().unwrap()[2].shutdown = Some(3);
        machine.0.lock().unwrap()[2].blocked = false;
        let all = xen.domains().unwrap();
        let place = format!("{release} {arch:?}");
        assert_eq!(
            all.iter().map(|it| it.domid).collect::<Vec<_>>(),
            [0, 3, 4, 700],
            "{place}"
        );
        let tells_hvm = release
            >= Release {
                major: 3,
                minor: 0,
                point: 4,
            };
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
        let counts = release
            >= Release {
                major: 4,
                minor: 5,
                point: 0,
            };
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
fn schedulers_are_those_of_the_release() {
    everywhere(|xen, machine, release, arch| {
        let place = format!("{release} {arch:?}");
        let old = release
            < Release {
                major: 3,
                minor: 0,
                point: 3,
            };
        let scheduler = xen.scheduler().unwrap();
        assert_eq!(
            scheduler.name(),
            if old { "sedf" } else { "credit" },
            "{place}"
        );
        if old {
            return;
        }
        let wanted = SchedulerParameters::Credit {
            weight: 512,
            cap: 50,
        };
        xen.set_scheduler_parameters(4, &wanted).unwrap();
        assert_eq!(machine.domains()[2].credit, (512, 50), "{place}");
        assert_eq!(
            xen.scheduler_parameters(4, SchedulerId::Credit).unwrap(),
            wanted,
            "{place}"
        );
        let rtds = SchedulerParameters::Rtds {
            period: 1,
            budget: 1,
        };
        let told = xen.set_scheduler_parameters(4, &rtds).unwrap_err();
        let has_rtds = release
            >= Release {
                major: 4,
                minor: 5,
                point: 0,
            };
        assert_eq!(
            matches!(told, Error::Unsupported { .. }),
            !has_rtds,
            "{place}: {told}"
        );
    });
}

#[test]
fn the_machine_is_read_on_every_release() {
    everywhere(|xen, _, release, arch| {
        let place = format!("{release} {arch:?}");
        let info = xen.physical_info().unwrap();
        assert_eq!(
            (info.cpus, info.nodes, info.cpu_khz),
            (12, 1, 2_400_000),
            "{place}"
        );
        assert_eq!(info.memory, 4 * PIECES * 4096, "{place}");
        assert_eq!(info.free, PIECES * 4096, "{place}");
        let heap = release
            >= Release {
                major: 3,
                minor: 2,
                point: 0,
            };
        assert_eq!(xen.free_memory(None).is_ok(), heap, "{place}");
        match xen.idle_times() {
            Ok(idle) => {
                assert_eq!((idle.len(), idle[11]), (12, 5_000_000_011), "{place}");
            }
            Err(error) => assert!(!heap, "{place}: {error}"),
        }
        let topology = release
            >= Release {
                major: 4,
                minor: 1,
                point: 0,
            };
        match xen.cpu_topology() {
            Ok(cpus) => {
                assert_eq!(cpus.len(), 12, "{place}");
                assert_eq!(
                    (cpus[7].cpu, cpus[7].core, cpus[7].socket),
                    (7, 7, 0),
                    "{place}"
                );
            }
            Err(error) => assert!(!topology, "{place}: {error}"),
        }
    });
}

#[test]
fn a_thousand_domains_are_one_call() {
    let machine = Shared::default();
    machine.0.lock().unwrap().extend((0..1000).map(domain));
    let release = Release {
        major: 4,
        minor: 1,
        point: 6,
    };
    let hypervisor = SimHypervisor::new(release, Arch::X86_64, Box::new(machine.clone())).unwrap();
    let hypervisor = Arc::new(hypervisor);
    let xen = Xen::open(Box::new(Counted(hypervisor.clone())), Arch::X86_64).unwrap();
    let before = hypervisor.calls();
    assert_eq!(xen.domains().unwrap().len(), 1000);
    assert_eq!(hypervisor.calls() - before, 1);
    machine.0.lock().unwrap().extend((1000..2100).map(domain));
    let before = hypervisor.calls();
    let all = xen.domains().unwrap();
    assert_eq!(all.len(), 2100);
    assert!(all.windows(2).all(|pair| pair[0].domid < pair[1].domid));
    assert_eq!(hypervisor.calls() - before, 3);
}

#[test]
fn a_newer_xen_and_no_privilege_are_told_apart_where_xen_tells() {
    let release = Release {
        major: 4,
        minor: 22,
        point: 0,
    };
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
    let error = Xen::open(Box::new(make().unprivileged()), Arch::X86_64)
        .err()
        .unwrap();
    assert!(
        matches!(error, Error::UnknownAbi { .. } | Error::NotPermitted { .. }),
        "{error}"
    );
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
        assert!(matches!(xen.cpu_topology(), Err(Error::Answer { .. })));
        assert!(matches!(xen.numa_memory(), Err(Error::Answer { .. })));
        assert!(xen.physical_info().is_ok());
    }
}
