//! Guests that end, as their documents say.

use crate::machine::{Machine, guest, key, machine};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use virtxen_driver::{CreateFlags, Delivery, EventKind, ShutdownMode, State, TakenDown};
use virtxen_guest::LifecycleAction;
use virtxen_host::Ending;

pub(crate) async fn next(told: &mut UnboundedReceiver<TakenDown>) -> TakenDown {
    let soon = tokio::time::timeout(Duration::from_secs(20), told.recv());
    soon.await.expect("somebody sees to it").unwrap()
}

#[tokio::test]
async fn guests_end_as_their_documents_say() {
    for release in ["4.5", "4.12", "4.17"] {
        let machine = machine(release).await;
        let mut told = machine.keeper();
        let mut events = machine.driver.subscribe().await.unwrap();
        machine
            .started("web", "<on_poweroff>destroy</on_poweroff>")
            .await;
        machine
            .started("shop", "<on_reboot>restart</on_reboot>")
            .await;
        machine
            .started("crash", "<on_crash>coredump-destroy</on_crash>")
            .await;
        let crashed = next(&mut told).await;
        assert_eq!(
            (crashed.name.as_str(), crashed.ending),
            ("crash", Ending::Crashed)
        );
        let dump = crashed.dump.unwrap().unwrap();
        assert!(std::fs::read(&dump).unwrap().starts_with(b"\x7fELF"));
        assert!(dump.starts_with(machine.root.path()));
        assert_eq!(machine.state("crash").await, State::Shutoff);
        let any = ShutdownMode::Any;
        machine.driver.shutdown(&key("web"), any).await.unwrap();
        assert_eq!(
            next(&mut told).await.done.unwrap(),
            LifecycleAction::Destroy
        );
        assert_eq!(machine.state("web").await, State::Shutoff);
        let before = machine.driver.lookup(&key("shop")).await.unwrap();
        machine.driver.reboot(&key("shop"), any).await.unwrap();
        assert_eq!(
            next(&mut told).await.done.unwrap(),
            LifecycleAction::Restart
        );
        let after = machine.driver.lookup(&key("shop")).await.unwrap();
        assert_eq!(after.uuid, before.uuid);
        assert!(
            after.id > before.id && Machine::is_running(after.state),
            "{after:?}"
        );
        let mut heard = Vec::new();
        while let Some(Delivery::Event(event)) = events.try_next() {
            heard.push((event.name, event.kind));
        }
        for expected in [
            ("crash", EventKind::StoppedCrashed),
            ("web", EventKind::StoppedShutdown),
            ("shop", EventKind::StoppedShutdown),
            ("shop", EventKind::StartedBooted),
        ] {
            let (name, kind) = expected;
            assert!(
                heard.contains(&(name.to_owned(), kind.clone())),
                "{kind:?}: {heard:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_ended_while_nobody_looked_is_seen_to_at_the_start() {
    let machine = machine("4.17").await;
    machine.started("web", "").await;
    let any = ShutdownMode::Any;
    machine.driver.shutdown(&key("web"), any).await.unwrap();
    assert_eq!(machine.state("web").await, State::Shutdown);
    let mut told = machine.keeper();
    assert_eq!(next(&mut told).await.name, "web");
    assert_eq!(machine.state("web").await, State::Shutoff);
}

#[tokio::test]
async fn a_power_button_is_pressed_unless_drivers_were_meant() {
    let machine = machine("4.17").await;
    let xml =
        guest("nodrivers", "").replace("<type>linux</type><kernel>/k</kernel>", "<type>hvm</type>");
    let created = machine
        .driver
        .create_xml(&xml, CreateFlags::default())
        .await;
    created.unwrap();
    let shutdown = |mode| {
        let driver = machine.driver.clone();
        async move { driver.shutdown(&key("nodrivers"), mode).await }
    };
    let error = shutdown(ShutdownMode::Paravirt).await.unwrap_err();
    assert!(error.to_string().contains("no drivers for Xen"), "{error}");
    assert_eq!(error.libvirt().code, 84);
    assert!(Machine::is_running(machine.state("nodrivers").await));
    shutdown(ShutdownMode::Any).await.unwrap();
    assert_eq!(machine.state("nodrivers").await, State::Shutdown);
}
