//! What a running guest is told as a whole: reset, magic keys, interrupts, its power
//! button.

use crate::host::{ALL, GUEST, ROWS, driver, is_off, key, managed, until};
use std::time::Duration;
use virtxen_driver::{Affect, DomainKey, Error, ListFilter, ShutdownMode, State};

/// From this release on XenD can reset a domain.
const RESETS: (u32, u32) = (3, 3);
/// From this release on the hypervisor sends NMIs and presses power buttons.
const TRIGGERS: (u32, u32) = (3, 1);

fn version(release: &str) -> (u32, u32) {
    let mut numbers = release.split('.').map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

#[tokio::test]
async fn a_reset_is_a_new_run_of_the_same_guest() {
    for row in managed() {
        let driver = row.driver().await;
        let web = row.run(&driver, GUEST).await;
        let before = driver.lookup(&web).await.unwrap();
        let can = version(row.release) >= RESETS;
        row.expect("reset", can, driver.reset(&web).await);
        let after = driver.lookup(&web).await.unwrap();
        assert_eq!(after.id != before.id, can, "{row:?}");
        driver.destroy(&web).await.unwrap();
        assert!(driver.reset(&web).await.is_err(), "{row:?}");
    }
}

#[tokio::test]
async fn magic_keys_and_interrupts_reach_a_running_guest() {
    for row in ROWS {
        let driver = driver(&row.host(2), ALL).await;
        let guests = driver.list(&ListFilter::active()).await.unwrap();
        let guest = DomainKey::from(&guests[1]);
        let hold = Duration::ZERO;
        let magic = driver.send_keys(&guest, &[56, 99, 31], hold);
        magic.await.unwrap();
        let error = driver.send_keys(&guest, &[29, 46], hold).await.unwrap_err();
        assert_eq!(error.libvirt().code, 84, "{row:?}: {error}");
        let can = version(row.release) >= TRIGGERS;
        row.expect("inject-nmi", can, driver.inject_nmi(&guest).await);
        let own = driver.inject_nmi(&key("Domain-0")).await;
        assert!(matches!(own, Err(Error::Invalid { .. })), "{row:?}");
    }
}

#[tokio::test]
async fn a_power_button_is_pressed_where_there_is_one() {
    for row in ROWS {
        let driver = driver(&row.host(3), ALL).await;
        let guests = driver.list(&ListFilter::active()).await.unwrap();
        let press =
            async |guest: &DomainKey| driver.shutdown(guest, ShutdownMode::AcpiPowerButton).await;
        let (paravirt, full) = (&guests[1], &guests[3]);
        assert_eq!(
            (paravirt.os_type(), full.os_type()),
            ("xen", "hvm"),
            "{row:?}: {guests:?}"
        );
        let error = press(&DomainKey::from(paravirt)).await.unwrap_err();
        assert_eq!(error.libvirt().code, 84, "{row:?}: {error}");
        let full = DomainKey::from(full);
        if driver.lookup(&full).await.unwrap().state == State::Paused {
            driver.resume(&full).await.unwrap();
        }
        let can = version(row.release) >= TRIGGERS;
        row.expect("the power button", can, press(&full).await);
        if can {
            until(&driver, &full, is_off).await;
        }
    }
}

#[tokio::test]
async fn vcpus_are_plugged_one_by_one() {
    for row in managed() {
        let driver = row.driver().await;
        let xml = GUEST.replace("<vcpu current='1'>2<", "<vcpu>4<");
        let web = row.run(&driver, &xml).await;
        let online = async || {
            let vcpus = driver.vcpus(&web).await.unwrap();
            vcpus.iter().map(|vcpu| vcpu.online).collect::<Vec<_>>()
        };
        let plug = async |vcpus: &[u32], online| {
            driver.plug_vcpus(&web, vcpus, online, Affect::LIVE).await
        };
        plug(&[1, 3], false).await.unwrap();
        assert_eq!(online().await, [true, false, true, false], "{row:?}");
        plug(&[3], true).await.unwrap();
        assert_eq!(online().await, [true, false, true, true], "{row:?}");
        for (vcpus, online) in [(&[0][..], false), (&[4], true), (&[], true)] {
            assert!(plug(vcpus, online).await.is_err(), "{row:?}: {vcpus:?}");
        }
        let config = driver.plug_vcpus(&web, &[3], false, Affect::CONFIG).await;
        assert!(config.is_err(), "{row:?}: XenD has one configuration");
    }
}

/// XenD alone takes a number: the first vcpus are online.
#[tokio::test]
async fn without_xenstore_the_last_vcpus_are_plugged() {
    // Before, XenD takes the number for the maximum.
    for row in managed().filter(|row| version(row.release) >= (3, 4)) {
        let mix = crate::host::Mix {
            hypercalls: false,
            xenstore: false,
            ..ALL
        };
        let driver = driver(&row.host(0), mix).await;
        let xml = GUEST.replace("<vcpu current='1'>2<", "<vcpu>4<");
        let web = row.run(&driver, &xml).await;
        let plug = async |vcpus: &[u32], online| {
            driver.plug_vcpus(&web, vcpus, online, Affect::LIVE).await
        };
        plug(&[2, 3], false).await.unwrap();
        assert_eq!(driver.lookup(&web).await.unwrap().vcpus, 2, "{row:?}");
        plug(&[2], true).await.unwrap();
        assert_eq!(driver.lookup(&web).await.unwrap().vcpus, 3, "{row:?}");
        let error = plug(&[1], false).await.unwrap_err();
        assert_eq!(error.libvirt().code, 84, "{row:?}: {error}");
    }
}
