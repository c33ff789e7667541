//! Events and reasons from pairs of looks.
//! No host is asked here: the looks are made by hand.

use super::*;
use crate::events::Delivery;
use virtxen_guest::{DomId, MemoryKib};

fn domain(name: &str, id: Option<u32>, state: State) -> Domain {
    Domain {
        name: name.to_owned(),
        uuid: Uuid([name.len() as u8; 16]),
        id: id.map(DomId),
        state,
        reason: Reason::Unknown,
        persistent: id.is_none().then_some(true),
        hvm: false,
        memory: MemoryKib::from_mib(128),
        max_memory: MemoryKib::from_mib(128),
        vcpus: 1,
        max_vcpus: 1,
        cpu_time: Duration::ZERO,
    }
}

fn heard(subscription: &mut Subscription) -> Vec<EventKind> {
    std::iter::from_fn(|| subscription.try_next())
        .map(|delivery| match delivery {
            Delivery::Event(event) => event.kind,
            Delivery::Resync { .. } => panic!("the queue is too short for the test"),
        })
        .collect()
}

#[test]
fn what_is_there_at_first_is_no_event() {
    let registry = Registry::new(16);
    let mut events = registry.subscribe();
    assert!(registry.snapshot().is_none());
    registry.see_all(
        registry.look(),
        vec![domain("web", Some(1), State::Running)],
    );
    assert_eq!(heard(&mut events), []);
    registry.see_all(registry.look(), vec![domain("web", Some(1), State::Paused)]);
    assert_eq!(heard(&mut events), [EventKind::SuspendedPaused]);
}

#[test]
fn what_changed_before_the_first_look_at_all_is_no_event() {
    let registry = Registry::new(16);
    let mut events = registry.subscribe();
    registry.note(registry.look(), &domain("web", Some(1), State::Running));
    registry.note(registry.look(), &domain("mail", Some(2), State::Running));
    let all = registry.look();
    registry.note(registry.look(), &domain("later", Some(3), State::Running));
    registry.see_all(all, vec![domain("web", Some(1), State::Paused)]);
    assert_eq!(heard(&mut events), []);
    let snapshot = registry.snapshot().expect("all was seen");
    let names: Vec<_> = snapshot.domains.iter().map(|d| d.name.as_str()).collect();
    assert_eq!(names, ["web", "later"]);
    assert_eq!(snapshot.domains[0].state, State::Paused);
}

#[test]
fn a_reboot_is_a_stop_and_a_start() {
    let registry = Registry::new(16);
    let mut events = registry.subscribe();
    registry.see_all(
        registry.look(),
        vec![domain("web", Some(1), State::Running)],
    );
    registry.see_all(
        registry.look(),
        vec![domain("web", Some(2), State::Running)],
    );
    assert_eq!(
        heard(&mut events),
        [EventKind::StoppedShutdown, EventKind::StartedBooted]
    );
}

#[test]
fn an_operation_gives_its_detail_and_is_reported_once() {
    let registry = Registry::new(16);
    let mut events = registry.subscribe();
    let before = domain("web", Some(1), State::Running);
    registry.see_all(registry.look(), vec![before.clone()]);
    let stale = registry.look();
    registry.begin(
        Operation::Destroy,
        before.uuid,
        Some((registry.look(), before.clone())),
    );
    // The poller sees it before the call does.
    registry.see_all(registry.look(), vec![domain("web", None, State::Shutoff)]);
    let now = domain("web", None, State::Shutoff);
    registry.see_one(registry.look(), before.uuid, Some(now));
    registry.end(Operation::Destroy, before.uuid, true);
    // An older look arrives late.
    registry.see_all(stale, vec![before]);
    assert_eq!(heard(&mut events), [EventKind::StoppedDestroyed]);
    let snapshot = registry.snapshot().expect("all was seen");
    assert_eq!(snapshot.domains[0].reason, Reason::Destroyed);
}

#[test]
fn a_start_knows_that_the_domain_stays_defined() {
    let registry = Registry::new(16);
    let mut events = registry.subscribe();
    registry.see_all(registry.look(), vec![domain("web", None, State::Shutoff)]);
    registry.see_all(
        registry.look(),
        vec![domain("web", Some(4), State::Blocked)],
    );
    registry.see_all(registry.look(), vec![domain("web", None, State::Shutoff)]);
    registry.see_all(registry.look(), vec![]);
    assert_eq!(
        heard(&mut events),
        [
            EventKind::StartedBooted,
            EventKind::StoppedShutdown,
            EventKind::UndefinedRemoved
        ]
    );
}

#[test]
fn a_crash_and_a_rename_are_seen() {
    let registry = Registry::new(16);
    let mut events = registry.subscribe();
    registry.see_all(
        registry.look(),
        vec![domain("web", Some(1), State::Running)],
    );
    registry.see_all(
        registry.look(),
        vec![domain("web", Some(1), State::Crashed)],
    );
    registry.see_all(registry.look(), vec![]);
    assert_eq!(
        heard(&mut events),
        [EventKind::CrashedPanicked, EventKind::StoppedCrashed]
    );
    registry.see_all(registry.look(), vec![domain("web", None, State::Shutoff)]);
    let mut renamed = domain("web", None, State::Shutoff);
    renamed.name = "www2".into();
    registry.see_all(registry.look(), vec![renamed]);
    assert_eq!(
        heard(&mut events),
        [
            EventKind::DefinedAdded,
            EventKind::UndefinedRenamed,
            EventKind::DefinedRenamed
        ]
    );
}
