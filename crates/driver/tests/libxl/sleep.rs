//! Guests that sleep and are woken up.

use crate::machine::{Machine, key, machine};
use virtxen_driver::{Delivery, EventKind, Monitor, Reason, SleepTarget, State};

#[tokio::test]
async fn a_guest_sleeps_until_it_is_woken_up() {
    let machine = machine("4.17").await;
    let driver = &machine.driver;
    let web = key("web");
    machine.started("web", "").await;
    let early = driver.pm_wakeup(&web).await.unwrap_err().to_string();
    assert!(early.contains("pmsuspended"), "{early}");
    let mut events = driver.subscribe().await.unwrap();
    driver.pm_suspend(&web, SleepTarget::Memory).await.unwrap();
    assert_eq!(machine.state("web").await, State::PmSuspended);
    let again = driver.pm_suspend(&web, SleepTarget::Memory).await;
    assert!(again.is_err());

    let file = machine.root.path().join("web.save");
    let saved = driver.save(&web, &file, &Monitor::default()).await;
    let saved = saved.unwrap_err().to_string();
    assert!(saved.contains("pmsuspended"), "{saved}");
    assert!(!file.exists());

    driver.pm_wakeup(&web).await.unwrap();
    assert!(Machine::is_running(machine.state("web").await));
    let now = driver.lookup(&web).await.unwrap();
    assert_eq!(now.reason, Reason::Wakeup);
    let mut kinds = Vec::new();
    while let Some(Delivery::Event(event)) = events.try_next() {
        kinds.push(event.kind);
    }
    assert_eq!(
        kinds,
        [EventKind::PmSuspendedMemory, EventKind::StartedWakeup]
    );
}

#[tokio::test]
async fn who_cannot_sleep_says_so_and_runs_on() {
    let old = machine("4.10").await;
    old.started("web", "").await;
    let target = SleepTarget::Memory;
    let refused = old.driver.pm_suspend(&key("web"), target).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("not supported by this Xen"), "{refused}");

    let new = machine("4.17").await;
    new.started("deaf", "").await;
    let refused = new.driver.pm_suspend(&key("deaf"), target).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("didn't acknowledge"), "{refused}");
    let disk = new.driver.pm_suspend(&key("deaf"), SleepTarget::Disk).await;
    assert!(disk.unwrap_err().to_string().contains("'mem'"));
    for machine in [&old, &new] {
        let domains = machine.driver.list(&Default::default()).await.unwrap();
        let guests = domains.iter().filter(|it| !it.is_domain0());
        assert!(guests.into_iter().all(|it| Machine::is_running(it.state)));
    }
}
