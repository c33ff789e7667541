//! The driver on releases without XenD, by the simulated libxl: ends of guests, files of
//! saved guests, and guests that move to another host.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use virtxen_driver::{
    Arrival, DefineFlags, Delivery, DomainKey, Driver, DumpFlags, EventKind, MigrateFlags, Monitor,
    Options, ShutdownMode, State, TakenDown,
};
use virtxen_guest::LifecycleAction;
use virtxen_host::{Arch, Channels, Deadlines, Ending, Folders, Launch, Store};
use virtxen_sim::state::Timing;
use virtxen_sim::{Fault, SimHost};

fn guest(name: &str, lifecycle: &str) -> String {
    format!(
        "<domain type='xen'><name>{name}</name><title>Shop</title>\
         <memory unit='MiB'>64</memory><os><type>linux</type><kernel>/k</kernel></os>{lifecycle}\
         <devices><disk type='file'><source file='/web.img'/><target dev='xvda'/></disk>\
         </devices></domain>"
    )
}

fn key(name: &str) -> DomainKey {
    DomainKey::Name(name.to_owned())
}

/// A host, a folder of its own and a driver.
struct Machine {
    sim: SimHost,
    root: tempfile::TempDir,
    driver: Driver,
}

async fn machine(release: &str) -> Machine {
    let options = virtxen_sim::Options::from_uri(&format!("sim:?release={release}")).unwrap();
    let sim = SimHost::new(virtxen_sim::Options {
        timing: Timing::instant(),
        ..options
    });
    let root = tempfile::tempdir().unwrap();
    let driver = driver(&sim, root.path()).await;
    Machine { sim, root, driver }
}

async fn driver(sim: &SimHost, root: &Path) -> Driver {
    let folders = Folders::below(root);
    let xenstored = sim.xenstore().clone();
    let connect = move || xenstored.connect();
    let store = Store::connect(virtxen_xenstore::Memory::new("memory", connect)).await;
    let library = sim.clone();
    let launch = Launch::Stream(Box::new(move || library.connect_libxl()));
    let channels = Channels::new(Deadlines::default(), None)
        .hypercalls(
            Ok(Box::new(sim.hypervisor(Arch::X86_64).unwrap())),
            Some(Arch::X86_64),
        )
        .xenstore(store.map_err(|error| error.to_string()))
        .libxl(Ok(launch), "the simulated libxl")
        .documents(Ok(folders.documents()))
        .machine(virtxen_host::Machine {
            host_name: "vm".to_owned(),
            system: "Linux".to_owned(),
            kernel: "6.1".to_owned(),
            machine: "x86_64".to_owned(),
        })
        .simulated();
    let options = Options {
        folders: Some(folders),
        ..Options::default()
    };
    Driver::open(Arc::new(channels.open().await.unwrap()), options)
}

impl Machine {
    async fn started(&self, name: &str, lifecycle: &str) {
        let flags = DefineFlags::default();
        let xml = guest(name, lifecycle);
        self.driver.define_xml(&xml, flags).await.unwrap();
        self.driver.start(&key(name), false).await.unwrap();
    }

    async fn state(&self, name: &str) -> State {
        let domain = self.driver.lookup(&key(name)).await;
        domain.map_or(State::NoState, |domain| domain.state)
    }

    fn keeper(&self) -> UnboundedReceiver<TakenDown> {
        let (tell, told) = unbounded_channel();
        self.driver.take_down_ended(move |it| drop(tell.send(it)));
        told
    }

    fn is_running(state: State) -> bool {
        matches!(state, State::Running | State::Blocked)
    }
}

async fn next(told: &mut UnboundedReceiver<TakenDown>) -> TakenDown {
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
async fn saved_guests_come_back_also_with_another_document() {
    let machine = machine("4.17").await;
    let (driver, monitor) = (&machine.driver, Monitor::default());
    let file = machine.root.path().join("web.save");
    machine.started("web", "").await;
    driver.save(&key("web"), &file, &monitor).await.unwrap();
    assert_eq!(machine.state("web").await, State::Shutoff);
    let bytes = std::fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"libvirt-xml\n \0 \r"));
    let xml = driver.image_xml(&file, false).await.unwrap();
    assert!(xml.contains("<title>Shop</title>"), "{xml}");
    let changed = xml.replace("Shop", "Stall");
    driver.define_image(&file, &changed).await.unwrap();
    driver.restore(&file, &monitor).await.unwrap();
    assert!(Machine::is_running(machine.state("web").await));
    let now = driver.guest(&key("web"), false).await.unwrap();
    assert_eq!(now.title.as_deref(), Some("Stall"));
    driver.destroy(&key("web")).await.unwrap();
    let third = xml.replace("Shop", "Market");
    driver.restore_as(&file, &third, &monitor).await.unwrap();
    let now = driver.guest(&key("web"), false).await.unwrap();
    assert_eq!(now.title.as_deref(), Some("Market"));
    driver.managed_save(&key("web"), &monitor).await.unwrap();
    assert!(driver.has_managed_save(&key("web")).await.unwrap());
    driver.start(&key("web"), false).await.unwrap();
    assert!(!driver.has_managed_save(&key("web")).await.unwrap());
    let core = machine.root.path().join("core");
    let flags = DumpFlags::default();
    driver
        .dump(&key("web"), &core, flags, &monitor)
        .await
        .unwrap();
    assert!(core.exists() && Machine::is_running(machine.state("web").await));
}

#[tokio::test]
async fn a_save_that_fails_leaves_the_guest_running() {
    let machine = machine("4.17").await;
    machine.started("web", "").await;
    let fault = Fault::fail("no space left").for_op("save").nth(1);
    machine.sim.inject(fault);
    let (file, monitor) = (machine.root.path().join("web.save"), Monitor::default());
    let failed = machine.driver.save(&key("web"), &file, &monitor).await;
    assert!(failed.unwrap_err().to_string().contains("no space left"));
    assert!(Machine::is_running(machine.state("web").await));
    assert!(!file.exists());
}

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
