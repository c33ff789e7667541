//! Events: each kind of change gives exactly its event, made by us or by others
//! over another connection to the same host.

use crate::devices::{DISK, INTERFACE};
use crate::host::{ALL, GUEST, Mix, ROWS, Row, driver, is_off, key, managed, until};
use std::path::Path;
use std::time::Duration;
use tokio::task::JoinSet;
use virtxen_driver::{
    Affect, CreateFlags, DefineFlags, Delivery, DomainKey, Driver, EventKind, ListFilter, Monitor,
    ShutdownMode, Subscription,
};
use virtxen_guest::MemoryKib;
use virtxen_sim::state::Timing;

/// Longer than a look for pauses and one for inactive guests take.
const QUIET: Duration = Duration::from_millis(350);

/// Who listens and who acts, and what they have in common.
struct Ears {
    context: String,
    events: Subscription,
}

impl Ears {
    /// Exactly these events came of what was done. That a long operation of our own
    /// has ended is another test's.
    async fn heard(&mut self, what: &str, expected: &[EventKind]) {
        let mut heard = Vec::new();
        let limit = Duration::from_secs(5);
        while heard.len() < expected.len() {
            match tokio::time::timeout(limit, self.events.next()).await {
                Ok(Some(Delivery::Event(event))) if is_job(&event.kind) => {}
                Ok(Some(Delivery::Event(event))) => heard.push(event.kind),
                other => panic!("{}: {what}: {heard:?}, then {other:?}", self.context),
            }
        }
        tokio::time::sleep(QUIET).await;
        while let Some(delivery) = self.events.try_next() {
            match delivery {
                Delivery::Event(event) if is_job(&event.kind) => {}
                Delivery::Event(event) => heard.push(event.kind),
                other => panic!("{}: {what}: {other:?}", self.context),
            }
        }
        assert_eq!(heard, expected, "{}: {what}", self.context);
    }
}

fn is_job(kind: &EventKind) -> bool {
    matches!(kind, EventKind::JobCompleted(_))
}

/// A host on which an end can be seen, as on a real one.
fn timing() -> Timing {
    Timing {
        reap: Duration::from_secs(1),
        save: Duration::from_secs(1),
        ..Timing::instant()
    }
}

#[tokio::test]
async fn each_change_is_its_event() {
    for beside in [false, true] {
        let mut all = JoinSet::new();
        managed().for_each(|row| drop(all.spawn(follow(row, beside))));
        while let Some(done) = all.join_next().await {
            done.unwrap();
        }
    }
}

/// A life, by the driver that listens or `beside` it.
async fn follow(row: Row, beside: bool) {
    let sim = row.host_with(2, timing());
    let ours = driver(&sim, ALL).await;
    let acts = match beside {
        true => driver(&sim, ALL).await,
        false => ours.clone(),
    };
    let mut ears = Ears {
        context: format!("{}, beside us: {beside}", row.release),
        events: ours.subscribe().await.unwrap(),
    };
    ears.heard("what was there", &[]).await;
    let web = begin(&row, &acts, &mut ears).await;
    change(&acts, &web, &mut ears).await;
    acts.shutdown(&web, ShutdownMode::Any).await.unwrap();
    ears.heard("shutdown", &[EventKind::StoppedShutdown]).await;
    again(&row, &acts, &mut ears).await;
    let (file, monitor) = (Path::new("/var/lib/xen/save/web"), Monitor::default());
    acts.save(&web, file, &monitor).await.unwrap();
    ears.heard("save", &[EventKind::StoppedSaved]).await;
    acts.restore(file, &monitor).await.unwrap();
    let restored = match beside {
        // A domain that others restore looks as one that they start.
        true => EventKind::StartedBooted,
        false => EventKind::StartedRestored,
    };
    ears.heard("restore", &[restored]).await;
    acts.destroy(&web).await.unwrap();
    ears.heard("destroy", &[EventKind::StoppedDestroyed]).await;
    if row.inactive {
        acts.rename(&web, "www").await.unwrap();
        let renamed = [EventKind::UndefinedRenamed, EventKind::DefinedRenamed];
        ears.heard("rename", &renamed).await;
        acts.undefine(&key("www")).await.unwrap();
        ears.heard("undefine", &[EventKind::UndefinedRemoved]).await;
    }
    crash(&acts, &mut ears).await;
    let there = acts.list(&ListFilter::default()).await.unwrap();
    let seen = ours.snapshot().unwrap();
    let names = |list: &[virtxen_driver::Domain]| {
        let names = list.iter().map(|it| (it.name.clone(), it.id));
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(&seen.domains), names(&there), "{}", ears.context);
}

async fn begin(row: &Row, acts: &Driver, ears: &mut Ears) -> DomainKey {
    if !row.inactive {
        let created = acts.create_xml(GUEST, CreateFlags::default()).await;
        ears.heard("create", &[EventKind::StartedBooted]).await;
        return DomainKey::from(&created.unwrap().domain);
    }
    let defined = acts.define_xml(GUEST, DefineFlags::default()).await;
    ears.heard("define", &[EventKind::DefinedAdded]).await;
    let web = DomainKey::from(&defined.unwrap().domain);
    acts.start(&web, false).await.unwrap();
    ears.heard("start", &[EventKind::StartedBooted]).await;
    web
}

async fn again(row: &Row, acts: &Driver, ears: &mut Ears) {
    until(acts, &key("web"), is_off).await;
    if row.inactive {
        acts.start(&key("web"), false).await.unwrap();
    } else {
        let created = acts.create_xml(GUEST, CreateFlags::default()).await;
        created.unwrap();
    }
    ears.heard("start again", &[EventKind::StartedBooted]).await;
}

/// Changes of a running domain.
async fn change(acts: &Driver, web: &DomainKey, ears: &mut Ears) {
    let current = Affect::CURRENT;
    acts.suspend(web).await.unwrap();
    ears.heard("pause", &[EventKind::SuspendedPaused]).await;
    acts.resume(web).await.unwrap();
    ears.heard("unpause", &[EventKind::ResumedUnpaused]).await;
    acts.attach_device(web, DISK, current).await.unwrap();
    let added = EventKind::DeviceAdded("xvdb".into());
    ears.heard("attach disk", &[added]).await;
    acts.detach_device(web, DISK, current).await.unwrap();
    let removed = EventKind::DeviceRemoved("xvdb".into());
    ears.heard("detach disk", &[removed]).await;
    let domid = acts.lookup(web).await.unwrap().id.unwrap();
    let end = format!("vif{domid}.0");
    acts.attach_device(web, INTERFACE, current).await.unwrap();
    let added = EventKind::DeviceAdded(end.clone());
    ears.heard("attach interface", &[added]).await;
    acts.detach_device(web, INTERFACE, current).await.unwrap();
    let removed = EventKind::DeviceRemoved(end);
    ears.heard("detach interface", &[removed]).await;
    let target = MemoryKib::from_mib(100);
    acts.set_memory(web, target, current).await.unwrap();
    let balloon = EventKind::BalloonChange(target);
    ears.heard("set memory", &[balloon]).await;
    acts.set_vcpus(web, 2, current).await.unwrap();
    ears.heard("set vcpus", &[]).await;
}

/// A crash is an end, or stays to be looked at.
async fn crash(acts: &Driver, ears: &mut Ears) {
    for (action, end) in [
        ("destroy", EventKind::StoppedCrashed),
        ("preserve", EventKind::CrashedPanicked),
    ] {
        let policy = format!("</os><on_crash>{action}</on_crash>");
        let xml = GUEST.replace("web<", "crash1<").replace("</os>", &policy);
        // It may be gone before the call has looked at it.
        drop(acts.create_xml(&xml, CreateFlags::default()).await);
        ears.heard(action, &[EventKind::StartedBooted, end]).await;
    }
    acts.destroy(&key("crash1")).await.unwrap();
    let context = ears.context.clone();
    match tokio::time::timeout(Duration::from_secs(5), ears.events.next()).await {
        Ok(Some(Delivery::Event(event))) => {
            let (word, _) = event.kind.words().unwrap_or_default();
            assert_eq!(word, "Stopped", "{context}");
        }
        other => panic!("{context}: {other:?}"),
    }
}

/// Whatever is lost in a flood, what is there is seen, and told once.
#[tokio::test]
async fn after_a_flood_the_state_is_true() {
    let row = ROWS.iter().find(|row| row.release == "4.1").unwrap();
    let sim = row.host_with(2, timing());
    let (ours, theirs) = (driver(&sim, ALL).await, driver(&sim, ALL).await);
    let mut ears = Ears {
        context: "flood".to_owned(),
        events: ours.subscribe().await.unwrap(),
    };
    ears.heard("what was there", &[]).await;
    let flood = || {
        for number in 0..20_000 {
            let path = format!("/local/domain/1/data/{}", number % 50);
            sim.xenstore().write(&path, "flood");
        }
    };
    flood();
    let web = row.run(&theirs, GUEST).await;
    flood();
    theirs.suspend(&web).await.unwrap();
    flood();
    let mut heard = Vec::new();
    while heard.last() != Some(&EventKind::SuspendedPaused) {
        let next = tokio::time::timeout(Duration::from_secs(10), ears.events.next());
        match next.await.unwrap_or_else(|_| panic!("only {heard:?}")) {
            Some(Delivery::Event(event)) => heard.push(event.kind),
            other => panic!("{other:?}"),
        }
    }
    heard.retain(|kind| *kind != EventKind::DefinedAdded);
    let expected = [EventKind::StartedBooted, EventKind::SuspendedPaused];
    assert_eq!(heard, expected);
    theirs.destroy(&web).await.unwrap();
    ears.heard("destroy", &[EventKind::StoppedDestroyed]).await;
}

/// Who has only a part of the channels hears what that part tells.
#[tokio::test]
async fn every_mix_with_a_channel_tells_starts_and_ends() {
    let row = ROWS.iter().find(|row| row.release == "4.1").unwrap();
    for bits in 1_u32..8 {
        let mix = Mix {
            hypercalls: bits & 1 != 0,
            xenstore: bits & 2 != 0,
            xend: bits & 4 != 0,
        };
        let sim = row.host_with(2, timing());
        let (ours, theirs) = (driver(&sim, mix).await, driver(&sim, ALL).await);
        let mut ears = Ears {
            context: format!("{mix:?}"),
            events: ours.subscribe().await.unwrap(),
        };
        ears.heard("what was there", &[]).await;
        let flags = CreateFlags::default();
        theirs.create_xml(GUEST, flags).await.unwrap();
        ears.heard("create", &[EventKind::StartedBooted]).await;
        if mix.hypercalls || mix.xend {
            theirs.suspend(&key("web")).await.unwrap();
            ears.heard("pause", &[EventKind::SuspendedPaused]).await;
        }
        theirs.destroy(&key("web")).await.unwrap();
        let stopped = match mix.hypercalls {
            true => EventKind::StoppedDestroyed,
            // Only hypercalls show why a domain has ended.
            false => EventKind::StoppedShutdown,
        };
        ears.heard("destroy", &[stopped]).await;
    }
}
