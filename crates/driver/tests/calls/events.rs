//! Events from calls of our own and from what others do to the host.

use crate::support::Scripted;
use std::time::Duration;
use virtxen_driver::{
    Delivery, DomainKey, EventKind, JobState, JobStats, Monitor, Operation, Reason, Subscription,
};
use virtxen_guest::DomId;
use virtxen_host::DomainState;

fn key(name: &str) -> DomainKey {
    DomainKey::Name(name.to_owned())
}

async fn next(events: &mut Subscription) -> (String, EventKind) {
    let soon = tokio::time::timeout(Duration::from_secs(10), events.next());
    match soon.await.expect("an event comes").unwrap() {
        Delivery::Event(event) => (event.name, event.kind),
        Delivery::Resync { missed } => panic!("{missed} events were dropped"),
    }
}

#[tokio::test(start_paused = true)]
async fn own_calls_are_reported_once_and_with_their_detail() {
    let host = Scripted::new();
    let driver = host.driver();
    let mut events = driver.subscribe().await.unwrap();
    driver.start(&key("old"), true).await.unwrap();
    driver.resume(&key("old")).await.unwrap();
    driver.destroy(&key("old")).await.unwrap();
    let monitor = Monitor::default();
    driver
        .save(&key("temp"), "/save/temp".as_ref(), &monitor)
        .await
        .unwrap();
    driver.undefine(&key("old")).await.unwrap();
    // The poller looks several times meanwhile.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut heard = Vec::new();
    while let Some(Delivery::Event(event)) = events.try_next() {
        heard.push((event.name, event.kind));
    }
    let memory = Some(128 << 20);
    let saved = JobStats {
        operation: Operation::Save,
        state: JobState::Completed,
        elapsed: Duration::ZERO,
        total: memory,
        done: memory,
    };
    let expected = [
        ("old", EventKind::StartedBooted),
        ("old", EventKind::SuspendedPaused),
        ("old", EventKind::ResumedUnpaused),
        ("old", EventKind::StoppedDestroyed),
        ("temp", EventKind::StoppedSaved),
        ("temp", EventKind::JobCompleted(saved)),
        ("old", EventKind::UndefinedRemoved),
    ];
    assert_eq!(heard, expected.map(|(name, kind)| (name.to_owned(), kind)));
}

#[tokio::test(start_paused = true)]
async fn what_happened_before_is_no_event() {
    let host = Scripted::new();
    let driver = host.driver();
    let all = driver.list(&virtxen_driver::ListFilter::default()).await;
    assert_eq!(all.unwrap().len(), 4);
    host.end("temp");
    let mut events = driver.subscribe().await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(events.try_next(), None);
}

#[tokio::test(start_paused = true)]
async fn what_others_do_is_seen() {
    let host = Scripted::new();
    let driver = host.driver();
    let mut events = driver.subscribe().await.unwrap();
    host.change("web", |info| info.state = DomainState::Paused);
    let paused = ("web".to_owned(), EventKind::SuspendedPaused);
    assert_eq!(next(&mut events).await, paused);
    assert_eq!(driver.find("web").await.unwrap().reason, Reason::User);
    host.end("temp");
    assert_eq!(
        next(&mut events).await,
        ("temp".to_owned(), EventKind::StoppedShutdown)
    );
    host.add("xms", Some(30), Some(false));
    assert_eq!(
        next(&mut events).await,
        ("xms".to_owned(), EventKind::StartedBooted)
    );
    host.change("xms", |info| info.domid = Some(DomId(31)));
    assert_eq!(next(&mut events).await.1, EventKind::StoppedShutdown);
    assert_eq!(next(&mut events).await.1, EventKind::StartedBooted);
}

#[tokio::test(start_paused = true)]
async fn polling_ends_with_the_last_subscriber_and_begins_again() {
    let host = Scripted::new();
    let driver = host.driver();
    drop(driver.subscribe().await.unwrap());
    tokio::time::sleep(Duration::from_secs(3)).await;
    host.calls();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(host.calls(), Vec::<String>::new());
    let mut events = driver.subscribe().await.unwrap();
    host.end("web");
    let stopped = ("web".to_owned(), EventKind::StoppedShutdown);
    assert_eq!(next(&mut events).await, stopped);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_guest_that_was_asked_is_a_shutdown() {
    let host = Scripted::new();
    let driver = host.driver();
    let mut events = driver.subscribe().await.unwrap();
    let web = key("web");
    driver
        .shutdown(&web, virtxen_driver::ShutdownMode::Any)
        .await
        .unwrap();
    assert!(driver.lookup(&web).await.unwrap().is_active());
    assert!(events.try_next().is_none(), "it has not ended yet");
    host.end("web");
    let stopped = ("web".to_owned(), EventKind::StoppedShutdown);
    assert_eq!(next(&mut events).await, stopped);
    let reason = driver.lookup(&web).await.unwrap().reason;
    assert_eq!(reason, Reason::Shutdown);
}
