//! A simulated machine that a test keeps a handle of, and every release of the table
//! over it. What is asked of them is in the tests.

#![allow(clippy::unwrap_used, dead_code)] // each test program uses a part of it

use std::sync::{Arc, Mutex};
use virtxen_hypercall::abi::{Arch, table};
use virtxen_hypercall::{Errno, Release, Xen};
use virtxen_sim::hypervisor::{Change, Machine, MachineDomain, MachineFacts, SimHypervisor};

pub(crate) const PIECES: u64 = 262_144;

/// A machine of which the test keeps a handle: two NUMA nodes of two sockets of three
/// cores.
#[derive(Clone, Default)]
pub(crate) struct Shared {
    pub(crate) all: Arc<Mutex<Vec<MachineDomain>>>,
    /// Number of the scheduler that Xen was started with.
    pub(crate) scheduler: u32,
}

impl Machine for Shared {
    fn facts(&self) -> MachineFacts {
        MachineFacts {
            cpus: 12,
            cores: 3,
            nodes: 2,
            scheduler: self.scheduler,
            pages: (4 * PIECES, PIECES),
            cpu_khz: 2_400_000,
            capabilities: "xen-3.0-x86_64 hvm-3.0-x86_32".into(),
        }
    }

    fn idle_times(&self) -> Vec<u64> {
        (0..12).map(|cpu| 5_000_000_000 + cpu).collect()
    }

    fn domains(&self) -> Vec<MachineDomain> {
        self.all.lock().unwrap().clone()
    }

    fn change(&self, domid: u32, change: Change) -> Result<(), Errno> {
        let mut all = self.all.lock().unwrap();
        let domain = all
            .iter_mut()
            .find(|it| it.domid == domid)
            .ok_or(Errno::ESRCH)?;
        match change {
            Change::Pause => domain.paused = true,
            Change::Unpause => domain.paused = false,
            Change::Destroy | Change::PowerButton => domain.dying = true,
            Change::MaxMemory(kib) => domain.max_pages = kib / 4,
            Change::Schedule(schedule) => domain.schedule = schedule,
            Change::SoftAffinity(vcpu, cpus) => {
                let soft = &mut domain.soft_affinity;
                soft.resize(2, (0..12).collect());
                *soft.get_mut(vcpu as usize).ok_or(Errno::ESRCH)? = cpus;
            }
            Change::Affinity(vcpu, cpus) => {
                *domain.affinity.get_mut(vcpu as usize).ok_or(Errno::ESRCH)? = cpus;
            }
        }
        Ok(())
    }
}

pub(crate) fn domain(domid: u32) -> MachineDomain {
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
        ..MachineDomain::default()
    }
}

/// A release by its numbers.
pub(crate) fn at(major: u8, minor: u8, point: u8) -> Release {
    Release {
        major,
        minor,
        point,
    }
}

/// Runs `check` on each release and architecture of the table.
pub(crate) fn everywhere(check: impl Fn(&Xen, &Shared, Release, Arch)) {
    everywhere_with(
        |release| Some(if release < at(3, 0, 3) { 4 } else { 5 }),
        check,
    );
}

/// As [`everywhere`], where Xen was started with a scheduler of this number.
pub(crate) fn everywhere_with(
    scheduler: impl Fn(Release) -> Option<u32>,
    check: impl Fn(&Xen, &Shared, Release, Arch),
) {
    let mut count = 0;
    for row in table::RELEASES {
        for release in [row.releases.0, row.releases.1] {
            for arch in [Arch::X86_64, Arch::X86_32, Arch::Arm64] {
                let before_arm = arch == Arch::Arm64 && release < at(4, 3, 0);
                let Some(scheduler) = scheduler(release) else {
                    continue;
                };
                if release == Release::NEWEST || before_arm {
                    continue;
                }
                let machine = Shared {
                    scheduler,
                    ..Shared::default()
                };
                machine
                    .all
                    .lock()
                    .unwrap()
                    .extend([0, 3, 4, 700].map(domain));
                let hypervisor = SimHypervisor::new(release, arch, Box::new(machine.clone()));
                let xen = Xen::open(Box::new(hypervisor.unwrap()), arch)
                    .unwrap_or_else(|error| panic!("{release} {arch:?}: {error}"));
                check(&xen, &machine, release, arch);
                count += 1;
            }
        }
    }
    assert!(count > 8, "only {count} hypervisors");
}
