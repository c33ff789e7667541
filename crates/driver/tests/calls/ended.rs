//! What becomes of guests that have shut down, where nobody else takes them down.

use crate::support::Scripted;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use virtxen_driver::{Delivery, Driver, EventKind, TakenDown};
use virtxen_guest::LifecycleAction;
use virtxen_host::{Ending, Folders};

use LifecycleAction::{
    CoredumpDestroy, CoredumpRestart, Destroy, Preserve, RenameRestart, Restart,
};

/// A driver that sees to guests that have ended, and what it tells.
fn keeper(host: &Arc<Scripted>, root: &std::path::Path) -> (Driver, UnboundedReceiver<TakenDown>) {
    host.ended.lock().unwrap().get_or_insert_default();
    let driver = host.driver_with(Some(Folders::below(root)));
    let (tell, told) = unbounded_channel();
    driver.take_down_ended(move |it| drop(tell.send(it)));
    (driver, told)
}

async fn next(told: &mut UnboundedReceiver<TakenDown>) -> TakenDown {
    let soon = tokio::time::timeout(Duration::from_secs(20), told.recv());
    soon.await.expect("somebody sees to it").unwrap()
}

fn set(host: &Scripted, name: &str, ending: Ending, action: LifecycleAction) {
    let mut guests = host.guests.lock().unwrap();
    let lifecycle = &mut guests.get_mut(name).unwrap().lifecycle;
    // Those that are not meant would be noticed.
    lifecycle.on_poweroff = Preserve;
    lifecycle.on_reboot = Preserve;
    lifecycle.on_crash = Preserve;
    match ending {
        Ending::Crashed => lifecycle.on_crash = action,
        Ending::Rebooted => lifecycle.on_reboot = action,
        _ => lifecycle.on_poweroff = action,
    }
}

#[tokio::test(start_paused = true)]
async fn each_action_follows_each_way_to_end() {
    let stopped = |ending| match ending {
        Ending::Crashed => EventKind::StoppedCrashed,
        _ => EventKind::StoppedShutdown,
    };
    for ending in [Ending::PoweredOff, Ending::Rebooted, Ending::Crashed] {
        for (action, done) in [
            (Destroy, &["destroy temp"][..]),
            (Restart, &["destroy temp", "create temp"]),
            (RenameRestart, &["destroy temp", "create temp"]),
            (CoredumpDestroy, &["dump temp", "destroy temp"]),
            (
                CoredumpRestart,
                &["dump temp", "destroy temp", "create temp"],
            ),
            (Preserve, &[]),
        ] {
            let (host, root) = (Scripted::new(), tempfile::tempdir().unwrap());
            set(&host, "temp", ending, action);
            let (driver, mut told) = keeper(&host, root.path());
            let mut events = driver.subscribe().await.unwrap();
            host.shuts_down("temp", ending);
            let it = next(&mut told).await;
            assert_eq!(it.done.unwrap(), action);
            assert_eq!(it.dump.is_some(), action.dumps_core());
            let asked = |call: &String| {
                let verb = call.split(' ').next().unwrap_or_default();
                matches!(verb, "destroy" | "create" | "dump" | "pause")
            };
            let calls: Vec<String> = host.calls().into_iter().filter(asked).collect();
            let verbs: Vec<String> = calls
                .iter()
                .map(|call| call.split(' ').take(2).collect::<Vec<_>>().join(" "))
                .collect();
            assert_eq!(verbs, done, "{ending:?} {action:?}");
            // The poller looks several times meanwhile.
            tokio::time::sleep(Duration::from_secs(10)).await;
            let mut heard = Vec::new();
            while let Some(Delivery::Event(event)) = events.try_next() {
                heard.push(event.kind);
            }
            let expected = match action {
                Preserve if ending == Ending::Crashed => vec![EventKind::CrashedPanicked],
                Preserve => Vec::new(),
                Restart | RenameRestart | CoredumpRestart => {
                    vec![stopped(ending), EventKind::StartedBooted]
                }
                _ => vec![stopped(ending)],
            };
            assert_eq!(heard, expected, "{ending:?} {action:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_suspended_guest_and_one_that_others_have_started_are_left_alone() {
    let (host, root) = (Scripted::new(), tempfile::tempdir().unwrap());
    let (_driver, mut told) = keeper(&host, root.path());
    host.shuts_down("web", Ending::Suspended);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(told.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn one_program_at_a_time_sees_to_them() {
    let (host, root) = (Scripted::new(), tempfile::tempdir().unwrap());
    let (first, mut first_told) = keeper(&host, root.path());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (second, mut second_told) = keeper(&host, root.path());
    assert!(second.is_taken_down());
    host.shuts_down("temp", Ending::PoweredOff);
    next(&mut first_told).await;
    assert!(second_told.try_recv().is_err());
    drop(first);
    // What ended while nobody looked is seen to as well.
    host.shuts_down("web", Ending::PoweredOff);
    assert_eq!(next(&mut second_told).await.name, "web");
    assert!(first_told.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_reboots_for_ever_is_stopped() {
    let (host, root) = (Scripted::new(), tempfile::tempdir().unwrap());
    set(&host, "temp", Ending::Rebooted, Restart);
    let (_driver, mut told) = keeper(&host, root.path());
    for times in 1..=6 {
        host.shuts_down("temp", Ending::Rebooted);
        let it = next(&mut told).await;
        assert_eq!(it.too_often, times == 6, "{it}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stuck_end_holds_up_no_other() {
    let (host, root) = (Scripted::new(), tempfile::tempdir().unwrap());
    set(&host, "temp", Ending::PoweredOff, CoredumpDestroy);
    host.slow("dump", Duration::from_secs(3000));
    let (driver, mut told) = keeper(&host, root.path());
    host.shuts_down("temp", Ending::PoweredOff);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(driver.job("temp").unwrap().operation.verb(), "take-down");
    host.shuts_down("web", Ending::PoweredOff);
    assert_eq!(next(&mut told).await.name, "web");
}
