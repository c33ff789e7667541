//! Schedulers with their parameters, cpupools and soft affinity: each on the releases
//! that have it, and refused on the others.

#![allow(clippy::unwrap_used)]

mod common;

use common::{at, everywhere, everywhere_with};
use virtxen_hypercall::{Errno, Error, SchedulerId, SchedulerParameters};
use virtxen_sim::hypervisor::Machine;

#[test]
fn credit_is_read_and_set() {
    everywhere(|xen, machine, release, arch| {
        let place = format!("{release} {arch:?}");
        let scheduler = xen.scheduler().unwrap();
        if release < at(3, 0, 3) {
            assert_eq!(scheduler.name(), "sedf", "{place}");
            return;
        }
        assert_eq!(scheduler.name(), "credit", "{place}");
        let (weight, cap) = (512, 50);
        let wanted = SchedulerParameters::Credit { weight, cap };
        xen.set_scheduler_parameters(4, &wanted).unwrap();
        let schedule = machine.domains()[2].schedule;
        assert_eq!(schedule.credit, (512, 50), "{place}");
        let read = xen.scheduler_parameters(4, SchedulerId::Credit).unwrap();
        assert_eq!(read, wanted, "{place}");
        let (period, budget) = (100, 100);
        let rtds = SchedulerParameters::Rtds { period, budget };
        let told = xen.set_scheduler_parameters(4, &rtds).unwrap_err();
        let missing = matches!(told, Error::Unsupported { .. });
        assert_eq!(missing, release < at(4, 5, 0), "{place}: {told}");
        assert!(xen.set_scheduler_parameters(9, &wanted).is_err(), "{place}");
    });
}

#[test]
fn sedf_is_read_and_set_also_by_dom0_op() {
    let until_4_5 = |release| (release < at(4, 6, 0)).then_some(4);
    everywhere_with(until_4_5, |xen, machine, release, arch| {
        let place = format!("{release} {arch:?}");
        assert_eq!(xen.scheduler().unwrap(), SchedulerId::Sedf, "{place}");
        let wanted = SchedulerParameters::Sedf {
            period: 20_000_000,
            slice: 5_000_000,
            latency: 7,
            extra_time: false,
            weight: 0,
        };
        xen.set_scheduler_parameters(4, &wanted).unwrap();
        let schedule = machine.domains()[2].schedule;
        assert_eq!(schedule.sedf, [20_000_000, 5_000_000, 7], "{place}");
        assert_eq!(schedule.extra, (false, 0), "{place}");
        let read = xen.scheduler_parameters(4, SchedulerId::Sedf).unwrap();
        assert_eq!(read, wanted, "{place}");
        // A slice longer than its period.
        let mut bad = wanted;
        if let SchedulerParameters::Sedf { slice, .. } = &mut bad {
            *slice = 30_000_000;
        }
        let refused = xen.set_scheduler_parameters(4, &bad).unwrap_err();
        let errno = Errno::EINVAL;
        assert!(matches!(refused, Error::Refused { errno: it, .. } if it == errno));
    });
}

#[test]
fn credit2_has_a_cap_from_4_10_on() {
    let from_4_1 = |release| (release >= at(4, 1, 0)).then_some(6);
    everywhere_with(from_4_1, |xen, machine, release, arch| {
        let place = format!("{release} {arch:?}");
        let scheduler = xen.scheduler_of(Some(0)).unwrap();
        assert_eq!(scheduler, SchedulerId::Credit2, "{place}");
        let cap = (release >= at(4, 10, 0)).then_some(40);
        let wanted = SchedulerParameters::Credit2 { weight: 300, cap };
        xen.set_scheduler_parameters(3, &wanted).unwrap();
        let credit = machine.domains()[1].schedule.credit;
        assert_eq!(credit, (300, cap.unwrap_or(0)), "{place}");
        let read = xen.scheduler_parameters(3, scheduler).unwrap();
        assert_eq!(read, wanted, "{place}");
        if cap.is_none() {
            let (weight, cap) = (300, Some(1));
            let capped = SchedulerParameters::Credit2 { weight, cap };
            let refused = xen.set_scheduler_parameters(3, &capped);
            assert!(matches!(refused, Err(Error::Unsupported { .. })), "{place}");
        }
    });
}

#[test]
fn rtds_is_read_of_a_vcpu_where_the_domain_has_defaults_only() {
    let from_4_5 = |release| (release >= at(4, 5, 0)).then_some(8);
    everywhere_with(from_4_5, |xen, machine, release, arch| {
        let place = format!("{release} {arch:?}");
        let (period, budget) = (30_000, 7_000);
        let wanted = SchedulerParameters::Rtds { period, budget };
        xen.set_scheduler_parameters(3, &wanted).unwrap();
        let schedule = machine.domains()[1].schedule;
        assert_eq!(schedule.rtds, (30_000, 7_000), "{place}");
        let read = xen.scheduler_parameters(3, SchedulerId::Rtds).unwrap();
        assert_eq!(read, wanted, "{place}");
    });
}

#[test]
fn cpupools_live_from_4_1_on() {
    everywhere(|xen, _, release, arch| {
        let place = format!("{release} {arch:?}");
        if release < at(4, 1, 0) {
            let refused = xen.cpu_pools();
            assert!(matches!(refused, Err(Error::Unsupported { .. })), "{place}");
            return;
        }
        let first = xen.cpu_pools().unwrap();
        assert_eq!(first.len(), 1, "{place}");
        assert_eq!((first[0].id, first[0].domains), (0, 4), "{place}");
        assert_eq!(first[0].cpus, (0..12).collect::<Vec<_>>(), "{place}");
        let id = xen.create_cpu_pool(SchedulerId::Credit2).unwrap();
        let no_room = Error::NoCpuPool { id };
        assert_eq!(xen.move_to_cpu_pool(3, id), Err(no_room), "{place}");
        assert!(xen.add_to_cpu_pool(id, 11).is_err(), "{place}");
        xen.remove_from_cpu_pool(0, 11).unwrap();
        assert_eq!(xen.free_cpus().unwrap(), [11], "{place}");
        xen.add_to_cpu_pool(id, 11).unwrap();
        xen.move_to_cpu_pool(3, id).unwrap();
        let pool = xen.cpu_pool(id).unwrap();
        assert_eq!((pool.domains, &pool.cpus[..]), (1, &[11][..]), "{place}");
        assert_eq!(xen.domain(3).unwrap().cpupool, Some(id), "{place}");
        let scheduler = xen.scheduler_of(Some(id)).unwrap();
        assert_eq!(scheduler, SchedulerId::Credit2, "{place}");
        assert!(xen.scheduler_parameters(3, scheduler).is_ok(), "{place}");
        assert!(xen.remove_from_cpu_pool(id, 11).is_err(), "{place}");
        assert!(xen.destroy_cpu_pool(id).is_err(), "{place}");
        assert!(xen.move_to_cpu_pool(0, id).is_err(), "{place}");
        let nobody = Error::NoDomain { domid: 9 };
        assert_eq!(xen.move_to_cpu_pool(9, id), Err(nobody), "{place}");
        xen.move_to_cpu_pool(3, 0).unwrap();
        xen.remove_from_cpu_pool(id, 11).unwrap();
        xen.destroy_cpu_pool(id).unwrap();
        let gone = Error::NoCpuPool { id };
        assert_eq!(xen.destroy_cpu_pool(id), Err(gone), "{place}");
    });
}

#[test]
fn soft_affinity_is_there_from_4_5_on() {
    everywhere(|xen, machine, release, arch| {
        let place = format!("{release} {arch:?}");
        let set = xen.set_soft_affinity(3, 1, &[2, 9], 12);
        if release < at(4, 5, 0) {
            assert!(matches!(set, Err(Error::Unsupported { .. })), "{place}");
            return;
        }
        set.unwrap();
        assert_eq!(machine.domains()[1].soft_affinity[1], [2, 9], "{place}");
        assert_eq!(xen.soft_affinity(3, 1, 12).unwrap(), [2, 9], "{place}");
        assert_eq!(xen.affinity(3, 1, 12).unwrap(), [3, 11], "{place}");
        let range = xen.set_soft_affinity(3, 1, &[12], 12);
        assert!(matches!(range, Err(Error::Range { .. })), "{place}");
    });
}
