//! Vcpus: how many are online, where they may run, their share.

use crate::host::{GUEST, managed};
use virtxen_driver::{Affect, TypedParameter, TypedValue};

#[tokio::test]
async fn vcpus_are_plugged_within_the_maximum() {
    for row in managed() {
        let driver = row.driver().await;
        let web = row.run(&driver, GUEST).await;
        driver.set_vcpus(&web, 2, Affect::CURRENT).await.unwrap();
        let counts = driver.vcpu_counts(&web, Affect::CURRENT).await.unwrap();
        assert_eq!((counts.current, counts.maximum), (2, 2), "{row:?}");
        let vcpus = driver.vcpus(&web).await.unwrap();
        assert!(vcpus.iter().all(|vcpu| vcpu.online), "{row:?}: {vcpus:?}");
        for count in [0, 3] {
            let refused = driver.set_vcpus(&web, count, Affect::CURRENT).await;
            assert!(refused.is_err(), "{row:?}: {count}");
        }
    }
}

#[tokio::test]
async fn vcpus_are_pinned() {
    for row in managed() {
        let driver = row.driver().await;
        let web = row.run(&driver, GUEST).await;
        let current = Affect::CURRENT;
        let pinned = driver.pin_vcpu(&web, 0, &[1, 3], current).await;
        row.expect("vcpupin", row.pins, pinned);
        if row.pins {
            let vcpus = driver.vcpus(&web).await.unwrap();
            assert_eq!(vcpus[0].affinity, [1, 3], "{row:?}");
        }
        for (vcpu, cpus) in [(7, &[0][..]), (0, &[99]), (0, &[])] {
            let refused = driver.pin_vcpu(&web, vcpu, cpus, current).await;
            assert!(refused.is_err(), "{row:?}: {vcpu} {cpus:?}");
        }
    }
}

#[tokio::test]
async fn a_share_is_set_under_the_credit_scheduler() {
    for row in managed() {
        let driver = row.driver().await;
        let web = row.run(&driver, GUEST).await;
        let (name, _) = driver.scheduler(&web).await.unwrap();
        if row.release == "3.0.1" {
            assert_eq!(name, "sedf", "{row:?}");
            continue;
        }
        assert_eq!(name, "credit", "{row:?}");
        let weight = TypedParameter {
            name: "weight".into(),
            value: TypedValue::UInt(512),
        };
        let weight = std::slice::from_ref(&weight);
        let set = driver.set_scheduler(&web, weight, Affect::CURRENT).await;
        set.unwrap();
        let (_, parameters) = driver.scheduler(&web).await.unwrap();
        assert_eq!(parameters[0], weight[0], "{row:?}");
    }
}
