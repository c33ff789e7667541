//! Events and reasons from pairs of looks.
//! No host is asked here: the looks are made by hand.

use super::*;
use crate::events::Delivery;
use virtxen_guest::{DomId, MemoryKib};
use virtxen_host::HostEvent;

fn domain(name: &str, id: Option<u32>, state: State) -> Domain {
    Domain {
        name: name.to_owned(),
        uuid: Uuid([name.len() as u8; 16]),
        id: id.map(DomId),
        state,
        reason: Reason::Unknown,
        persistent: id.is_none().then_some(true),
        kind: virtxen_guest::OsType::Xen,
        memory: MemoryKib::from_mib(128),
        max_memory: MemoryKib::from_mib(128),
        vcpus: 1,
        max_vcpus: 1,
        cpu_time: Duration::from_secs(5),
    }
}

fn registry() -> Registry {
    Registry::new(16)
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
    let registry = registry();
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
    let registry = registry();
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
    let registry = registry();
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
    let registry = registry();
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
    let registry = registry();
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
    let registry = registry();
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
    // Nobody preserved it: it is one event.
    assert_eq!(heard(&mut events), [EventKind::StoppedCrashed]);
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

#[tokio::test(start_paused = true)]
async fn a_crash_that_stays_is_told() {
    let registry = registry();
    let mut events = registry.subscribe();
    let see = |state| registry.see_active(registry.look(), vec![domain("web", Some(1), state)]);
    see(State::Running);
    see(State::Crashed);
    assert_eq!(heard(&mut events), []);
    tokio::time::sleep(Duration::from_secs(3)).await;
    see(State::Crashed);
    see(State::Crashed);
    assert_eq!(heard(&mut events), [EventKind::CrashedPanicked]);
}

#[tokio::test(start_paused = true)]
async fn a_domain_that_is_being_built_is_started_and_not_paused() {
    let registry = registry();
    let mut events = registry.subscribe();
    registry.see_active(registry.look(), vec![]);
    let mut built = domain("web", Some(1), State::Paused);
    built.cpu_time = Duration::ZERO;
    let mut nameless = built.clone();
    nameless.name = format!("Domain-{}", built.uuid);
    let see = |domain: &Domain| registry.see_active(registry.look(), vec![domain.clone()]);
    see(&nameless);
    assert_eq!(heard(&mut events), []);
    see(&built);
    see(&built);
    assert_eq!(heard(&mut events), [EventKind::StartedBooted]);
    see(&domain("web", Some(1), State::Blocked));
    assert_eq!(heard(&mut events), []);
    built.uuid = Uuid([9; 16]);
    see(&built);
    tokio::time::sleep(Duration::from_secs(3)).await;
    see(&built);
    let expected = [
        EventKind::StoppedShutdown,
        EventKind::StartedBooted,
        EventKind::SuspendedPaused,
    ];
    assert_eq!(heard(&mut events), expected);
}

#[test]
fn who_saw_the_end_says_why() {
    for (ending, kind) in [
        (Some(Ending::PoweredOff), EventKind::StoppedShutdown),
        (Some(Ending::Rebooted), EventKind::StoppedShutdown),
        (Some(Ending::Crashed), EventKind::StoppedCrashed),
        (Some(Ending::Suspended), EventKind::StoppedSaved),
        (Some(Ending::Moved), EventKind::StoppedMigrated),
        (Some(Ending::Destroyed), EventKind::StoppedDestroyed),
        (None, EventKind::StoppedShutdown),
    ] {
        let registry = registry();
        let mut events = registry.subscribe();
        let running = domain("web", Some(1), State::Running);
        registry.see_active(registry.look(), vec![running]);
        registry.learn(
            ending
                .map(|ending| (DomId(1), ending))
                .into_iter()
                .collect(),
        );
        registry.see_active(registry.look(), vec![]);
        assert_eq!(heard(&mut events), [kind], "{ending:?}");
    }
}

#[test]
fn looks_at_the_active_domains_follow_those_that_stay() {
    let registry = registry();
    let mut events = registry.subscribe();
    let mut kept = domain("web", Some(1), State::Running);
    kept.persistent = Some(true);
    let mut passes = domain("temp", Some(2), State::Running);
    passes.persistent = Some(false);
    registry.see_active(registry.look(), vec![kept.clone(), passes]);
    assert!(registry.snapshot().is_none(), "the inactive are not known");
    registry.see_active(registry.look(), vec![]);
    assert_eq!(heard(&mut events), vec![EventKind::StoppedShutdown; 2]);
    kept = kept.ended();
    // Those that were defined before are no event when they are first seen.
    let old = domain("other", None, State::Shutoff);
    registry.see_all(registry.look(), vec![kept, old]);
    assert_eq!(heard(&mut events), []);
    let snapshot = registry.snapshot().expect("all was seen");
    let names: Vec<_> = snapshot.domains.iter().map(|d| d.name.as_str()).collect();
    assert_eq!(names, ["other", "web"]);
}

#[test]
fn the_first_look_at_all_keeps_what_looks_at_the_active_ones_told() {
    let registry = registry();
    let mut events = registry.subscribe();
    let mut back = domain("web", Some(1), State::Running);
    back.persistent = Some(true);
    let ends = domain("mail", Some(2), State::Running);
    registry.see_active(registry.look(), vec![back.clone(), ends.clone()]);
    let revert = Operation::SnapshotRevert;
    registry.begin(revert, back.uuid, None);
    registry.see_one(registry.look(), back.uuid, Some(back.ended()));
    registry.end(revert, back.uuid, true);
    assert_eq!(heard(&mut events), [EventKind::StoppedFromSnapshot]);
    registry.see_all(registry.look(), vec![back.ended(), ends.ended()]);
    assert_eq!(heard(&mut events), [EventKind::StoppedShutdown]);
    let mut off = back.ended();
    registry.recall(&mut off);
    assert_eq!(off.reason, Reason::OffFromSnapshot);
}

#[test]
fn what_a_call_has_defined_is_no_news() {
    let registry = registry();
    let mut web = domain("web", None, State::Shutoff);
    web.persistent = Some(true);
    let (defined, undefined) = (HostEvent::Defined, HostEvent::Undefined);
    let redefined = HostEvent::Redefined("web".to_owned());
    let news = || {
        let all = [defined("web".to_owned()), undefined("web".to_owned())];
        let mut told = Vec::from(all.clone());
        told.push(redefined.clone());
        registry.keep_news(&mut told);
        assert!(told.contains(&redefined));
        (told.contains(&all[0]), told.contains(&all[1]))
    };
    assert_eq!(news(), (true, false));
    registry.see_one(registry.look(), web.uuid, Some(web.clone()));
    assert_eq!(news(), (false, true));
    registry.see_one(registry.look(), web.uuid, None);
    assert_eq!(news(), (true, false));
}

#[test]
fn the_first_look_does_not_swallow_what_is_being_started() {
    for before in [None, Some(domain("web", None, State::Shutoff))] {
        let registry = registry();
        let mut events = registry.subscribe();
        let web = domain("web", Some(1), State::Running);
        let operation = match before {
            None => Operation::Create,
            Some(_) => Operation::Start,
        };
        let before = before.map(|domain| (registry.look(), domain));
        registry.begin(operation, web.uuid, before);
        registry.note(registry.look(), &web);
        registry.see_all(registry.look(), vec![web.clone()]);
        registry.see_one(registry.look(), web.uuid, Some(web.clone()));
        registry.end(operation, web.uuid, true);
        assert_eq!(heard(&mut events), [EventKind::StartedBooted]);
        let mut seen = web;
        registry.recall(&mut seen);
        assert_eq!(seen.reason, Reason::Booted);
    }
}

#[test]
fn a_domain_that_was_being_built_when_it_was_seen_has_booted() {
    let registry = registry();
    registry.see_all(registry.look(), vec![]);
    let mut built = domain("web", Some(1), State::Paused);
    built.cpu_time = Duration::ZERO;
    registry.begin(Operation::Create, built.uuid, None);
    registry.see_active(registry.look(), vec![built.clone()]);
    let mut runs = domain("web", Some(1), State::Running);
    registry.see_one(registry.look(), built.uuid, Some(runs.clone()));
    registry.end(Operation::Create, built.uuid, true);
    registry.recall(&mut runs);
    assert_eq!(runs.reason, Reason::Booted);
}
