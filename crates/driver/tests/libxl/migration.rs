//! Guests that move to another host.

use crate::machine::{Machine, driver, key, machine};
use virtxen_driver::{Arrival, Delivery, DomainKey, EventKind, MigrateFlags, Monitor, State};
use virtxen_host::Folders;
use virtxen_sim::Fault;

/// Moves `web` as a client of both daemons does; what each side says at the end.
async fn migrate(from: &Machine, to: &Machine, arrival: &Arrival) -> Result<(), String> {
    let text = |error: virtxen_driver::Error| error.to_string();
    let departure = from.driver.migrate_begin(&key("web")).await.map_err(text)?;
    let (xml, cookie) = (&departure.xml, &departure.cookie);
    let prepared = to.driver.migrate_prepare(xml, cookie, None, arrival).await;
    let uri = prepared.map_err(text)?;
    let uuid = DomainKey::Uuid(from.driver.lookup(&key("web")).await.map_err(text)?.uuid);
    let flags = MigrateFlags {
        live: true,
        undefine_source: true,
        ..MigrateFlags::default()
    };
    let monitor = Monitor::default();
    let sent = from.driver.migrate(&uuid, &uri, flags, &monitor).await;
    let name = arrival.name.as_deref().unwrap_or("web");
    let finished = to.driver.migrate_finish(name, arrival, sent.is_err()).await;
    let cancelled = finished.is_err();
    let confirmed = from.driver.migrate_confirm(&uuid, true, cancelled).await;
    sent.map_err(text)?;
    finished.map_err(text)?;
    confirmed.map_err(text)
}

#[tokio::test]
async fn a_guest_moves_to_another_host() {
    let (from, to) = (machine("4.16").await, machine("4.17").await);
    from.started("web", "").await;
    let mut left = from.driver.subscribe().await.unwrap();
    let mut came = to.driver.subscribe().await.unwrap();
    let arrival = Arrival {
        name: Some("shop".to_owned()),
        persistent: true,
        persistent_xml: None,
    };
    migrate(&from, &to, &arrival).await.unwrap();
    assert_eq!(from.state("web").await, State::NoState);
    assert!(Machine::is_running(to.state("shop").await));
    let there = to.driver.defined_guest(&key("shop"), false).await.unwrap();
    assert_eq!(there.title.as_deref(), Some("Shop"));
    let heard = |events: &mut virtxen_driver::Subscription| {
        let mut kinds = Vec::new();
        while let Some(Delivery::Event(event)) = events.try_next() {
            kinds.push(event.kind);
        }
        kinds
    };
    let (left, came) = (heard(&mut left), heard(&mut came));
    assert!(left.contains(&EventKind::StoppedMigrated), "{left:?}");
    assert!(came.contains(&EventKind::StartedMigrated), "{came:?}");
    assert!(came.contains(&EventKind::ResumedMigrated), "{came:?}");
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_guest_on_one_side() {
    let faults = [
        (Some(("save", Fault::fail("the stream broke"))), None),
        (Some(("save", Fault::death())), None),
        (None, Some(("restore", Fault::fail("no memory")))),
        (None, Some(("restore", Fault::death()))),
        (None, Some(("unpause", Fault::fail("it does not go on")))),
        (Some(("destroy", Fault::fail("it does not go"))), None),
    ];
    for (source, destination) in faults {
        let (from, to) = (machine("4.17").await, machine("4.17").await);
        from.started("web", "").await;
        let what = format!("{source:?} {destination:?}");
        for (machine, fault) in [(&from, source), (&to, destination)] {
            if let Some((op, fault)) = fault {
                machine.sim.inject(fault.for_op(op).nth(1));
            }
        }
        let moved = migrate(&from, &to, &Arrival::default()).await;
        let moved = moved.unwrap_err();
        // It had begun.
        assert!(!moved.contains("not possible"), "{what}: {moved}");
        let here = Machine::is_running(from.state("web").await);
        let there = Machine::is_running(to.state("web").await);
        assert!(here != there, "{what}: here {here}, there {there}: {moved}");
    }
}

/// Sends `web`, and nobody finishes or confirms it.
async fn sent(from: &Machine, to: &Machine) {
    from.started("web", "").await;
    let departure = from.driver.migrate_begin(&key("web")).await.unwrap();
    let arrival = Arrival::default();
    let prepared = to
        .driver
        .migrate_prepare(&departure.xml, &departure.cookie, None, &arrival);
    let uri = prepared.await.unwrap();
    let (flags, monitor) = (MigrateFlags::default(), Monitor::default());
    let web = key("web");
    let sent = from.driver.migrate(&web, &uri, flags, &monitor).await;
    sent.unwrap();
}

#[tokio::test]
async fn a_guest_that_was_sent_waits_for_who_knows_the_other_host() {
    let (mut from, to) = (machine("4.17").await, machine("4.17").await);
    sent(&from, &to).await;
    let early = from.driver.resume(&key("web")).await.unwrap_err();
    assert!(early.to_string().contains("may be about to run"), "{early}");
    // The next program.
    from.driver = driver(&from.sim, from.root.path()).await;
    let told = from.driver.settle_interrupted().await.unwrap();
    assert_eq!(told.len(), 1);
    assert!(matches!(told[0].goes_on, Ok(false)), "{}", told[0]);
    assert_eq!(from.state("web").await, State::PmSuspended);
    from.driver.resume(&key("web")).await.unwrap();
    assert!(Machine::is_running(from.state("web").await));
    assert!(from.driver.settle_interrupted().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_guest_that_was_being_sent_goes_on() {
    let (mut from, to) = (machine("4.17").await, machine("4.17").await);
    sent(&from, &to).await;
    let folder = Folders::below(from.root.path()).run(true);
    let uuid = from.driver.lookup(&key("web")).await.unwrap().uuid;
    let note = folder.join("virtxend-sending").join(uuid.to_string());
    let text = std::fs::read_to_string(&note).unwrap();
    // As it is until nobody has been told that all was sent.
    std::fs::write(&note, text.replace("sent", "sending")).unwrap();
    from.driver = driver(&from.sim, from.root.path()).await;
    let told = from.driver.settle_interrupted().await.unwrap();
    assert!(matches!(told[0].goes_on, Ok(true)), "{}", told[0]);
    assert!(Machine::is_running(from.state("web").await));
    assert!(!note.exists());
    // A note of a run that is over means nothing.
    std::fs::write(&note, text).unwrap();
    from.driver.destroy(&key("web")).await.unwrap();
    assert!(from.driver.settle_interrupted().await.unwrap().is_empty());
    assert!(!note.exists());
}
