//! Snapshots of domains on a simulated host: what is kept, what a domain is after going
//! back, and that nothing is left of one that failed.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::{Arc, Mutex};
use virtxen_driver::{
    DefineFlags, DomainKey, Driver, Error, Monitor, Options, SnapshotDeletion, SnapshotFlags,
    SnapshotRevert, State,
};
use virtxen_host::{Channels, Deadlines, DiskFile, DiskSnapshots, Folders};
use virtxen_sim::SimHost;
use virtxen_sim::state::Timing;

const GUEST: &str = "<domain type='xen'><name>web</name><memory unit='MiB'>64</memory>\
    <os><type>linux</type><kernel>/k</kernel></os><devices>\
    <disk type='file'><source file='/web.img'/><target dev='xvda'/></disk>\
    <disk type='file'><source file='/data.img'/><target dev='xvdb'/></disk>\
    <disk type='file'><source file='/tools.img'/><target dev='xvdc'/><readonly/></disk>\
    </devices></domain>";

/// Writes down what is done to disks; refuses what it is told to.
#[derive(Default)]
struct Disks {
    done: Mutex<Vec<String>>,
    broken: Mutex<Option<&'static str>>,
    /// None of them is there any more.
    gone: Mutex<bool>,
    /// A revert was cut short, which is put right once.
    cut_short: Mutex<bool>,
    /// Somebody tries to cancel this meanwhile.
    cancels: Mutex<Option<Monitor>>,
}

impl Disks {
    fn note(&self, what: &str, disk: &DiskFile, name: &str) -> virtxen_host::Result<()> {
        let path = disk.path.display().to_string();
        if let Some(monitor) = &*self.cancels.lock().unwrap() {
            assert!(!monitor.cancel());
        }
        if *self.broken.lock().unwrap() == Some(&*format!("{what} {path} {name}")) {
            return Err(virtxen_host::Error::Refused {
                operation: "snapshot of a disk",
                reason: format!("{path}: no space left"),
            });
        }
        let used = if disk.in_use { " in use" } else { "" };
        let line = format!("{what} {path} {name}{used}");
        self.done.lock().unwrap().push(line);
        Ok(())
    }

    /// What was done since this was asked last.
    fn done(&self) -> Vec<String> {
        std::mem::take(&mut *self.done.lock().unwrap())
    }
}

#[async_trait::async_trait]
impl DiskSnapshots for Disks {
    async fn take(&self, disk: &DiskFile, name: &str) -> virtxen_host::Result<()> {
        self.note("take", disk, name)
    }

    async fn revert(&self, disk: &DiskFile, name: &str) -> virtxen_host::Result<()> {
        self.note("revert", disk, name)
    }

    async fn remove(&self, disk: &DiskFile, name: &str) -> virtxen_host::Result<Option<String>> {
        self.note("remove", disk, name)?;
        let gone = self.gone.lock().unwrap();
        Ok(gone.then(|| format!("{} is gone", disk.path.display())))
    }

    async fn mend(&self, disk: &DiskFile, _: &[String]) -> virtxen_host::Result<Option<String>> {
        let cut_short = std::mem::take(&mut *self.cut_short.lock().unwrap());
        Ok(cut_short.then(|| format!("{} was mended", disk.path.display())))
    }
}

async fn web(root: &Path) -> (Driver, Arc<Disks>, DomainKey) {
    let options = virtxen_sim::Options::from_uri("sim:").unwrap();
    let sim = SimHost::new(virtxen_sim::Options {
        timing: Timing::instant(),
        ..options
    });
    let xend = sim.clone();
    let connect = move || std::future::ready(Ok(xend.connect()));
    let xend = virtxen_xend::Memory::new("memory", connect);
    let disks = Arc::new(Disks::default());
    let channels = Channels::new(Deadlines::default(), None)
        .xend(Ok(Box::new(xend)))
        .disks(Arc::clone(&disks) as Arc<dyn DiskSnapshots>);
    let options = Options {
        folders: Some(Folders::below(root)),
        ..Options::default()
    };
    let driver = Driver::open(Arc::new(channels.open().await.unwrap()), options);
    let defined = driver.define_xml(GUEST, DefineFlags::default()).await;
    let key = DomainKey::from(&defined.unwrap().domain);
    (driver, disks, key)
}

async fn take(
    driver: &Driver,
    key: &DomainKey,
    xml: &str,
    flags: SnapshotFlags,
) -> Result<String, Error> {
    driver
        .snapshot_create(key, xml, flags, &Monitor::default())
        .await
}

fn named(name: &str) -> String {
    format!("<domainsnapshot><name>{name}</name></domainsnapshot>")
}

async fn names(driver: &Driver, key: &DomainKey) -> Vec<String> {
    let entries = driver.snapshots(key).await.unwrap();
    entries.into_iter().map(|entry| entry.name).collect()
}

async fn state(driver: &Driver, key: &DomainKey) -> State {
    driver.lookup(key).await.unwrap().state
}

#[tokio::test]
async fn a_domain_goes_back_to_what_it_was() {
    let root = tempfile::tempdir().unwrap();
    let (driver, disks, key) = web(root.path()).await;
    let (none, monitor) = (SnapshotFlags::default(), Monitor::default());
    take(&driver, &key, &named("off"), none).await.unwrap();
    assert_eq!(disks.done(), ["take /web.img off", "take /data.img off"]);
    driver.start(&key, false).await.unwrap();
    let xml = "<domainsnapshot><name>on</name><disks><disk name='xvdb' snapshot='no'/></disks>\
               </domainsnapshot>";
    take(&driver, &key, xml, none).await.unwrap();
    assert_eq!(disks.done(), ["take /web.img on"]);
    assert_ne!(state(&driver, &key).await, State::Shutoff);
    assert!(!driver.has_managed_save(&key).await.unwrap());

    // The definition goes back, too.
    let larger = GUEST.replace("64", "128").replace(
        "<name>",
        &format!(
            "<uuid>{}</uuid><name>",
            driver.lookup(&key).await.unwrap().uuid
        ),
    );
    driver.destroy(&key).await.unwrap();
    driver
        .define_xml(&larger, DefineFlags::default())
        .await
        .unwrap();
    let flags = SnapshotRevert::default();
    driver
        .snapshot_revert(&key, "off", flags, &monitor)
        .await
        .unwrap();
    assert_eq!(
        disks.done(),
        ["revert /web.img off", "revert /data.img off"]
    );
    assert_eq!(state(&driver, &key).await, State::Shutoff);
    assert_eq!(driver.lookup(&key).await.unwrap().max_memory.0, 64 << 10);

    // Again and again, and from a domain that runs.
    for paused in [false, true] {
        let flags = SnapshotRevert {
            paused,
            ..SnapshotRevert::default()
        };
        driver
            .snapshot_revert(&key, "on", flags, &monitor)
            .await
            .unwrap();
        assert_eq!(disks.done(), ["revert /web.img on"]);
        assert_eq!(state(&driver, &key).await == State::Paused, paused);
    }
    let entries = driver.snapshots(&key).await.unwrap();
    let told: Vec<_> = entries
        .iter()
        .map(|it| (&*it.name, it.parent.as_deref(), it.current))
        .collect();
    assert_eq!(told, [("off", None, false), ("on", Some("off"), true)]);
    let error = driver.rename(&key, "www").await.unwrap_err();
    assert!(
        matches!(error, Error::State { .. } | Error::Invalid { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn nothing_is_left_of_one_that_failed() {
    let root = tempfile::tempdir().unwrap();
    let (driver, disks, key) = web(root.path()).await;
    driver.start(&key, false).await.unwrap();
    *disks.broken.lock().unwrap() = Some("take /data.img on");
    let flags = SnapshotFlags::default();
    let error = take(&driver, &key, &named("on"), flags).await.unwrap_err();
    assert!(error.to_string().contains("no space left"), "{error}");
    assert_eq!(disks.done(), ["take /web.img on", "remove /web.img on"]);
    assert!(names(&driver, &key).await.is_empty());
    assert_ne!(state(&driver, &key).await, State::Shutoff);
    assert!(!driver.has_managed_save(&key).await.unwrap());
    let folder = Folders::below(root.path()).snapshots(false).join("web");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_with_its_place() {
    let root = tempfile::tempdir().unwrap();
    let (driver, disks, key) = web(root.path()).await;
    let none = SnapshotFlags::default();
    for (inside, why) in [
        ("<memory snapshot='internal'/>", "does not run"),
        (
            "<memory snapshot='external' file='/m'/>",
            "virtxen's folder",
        ),
        ("<disks><disk name='xvdz'/></disks>", "no disk 'xvdz'"),
        (
            "<disks><disk name='xvda' snapshot='external'/></disks>",
            "overlay",
        ),
        ("<name>../x</name>", "cannot be called"),
        ("<state>flying</state>", "line 1"),
    ] {
        let xml = format!("<domainsnapshot>{inside}</domainsnapshot>");
        let error = take(&driver, &key, &xml, none)
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(why), "{inside}: {error}");
    }
    assert!(disks.done().is_empty());
    let error = driver.snapshot_xml(&key, "none", false).await.unwrap_err();
    assert_eq!(error.libvirt().code, 72);
}

#[tokio::test]
async fn children_of_what_is_removed_have_its_parent() {
    let root = tempfile::tempdir().unwrap();
    let (driver, disks, key) = web(root.path()).await;
    let (none, monitor) = (SnapshotFlags::default(), Monitor::default());
    for name in ["a", "b", "c"] {
        take(&driver, &key, &named(name), none).await.unwrap();
    }
    disks.done();
    let only = SnapshotDeletion::default();
    driver
        .snapshot_delete(&key, "b", only, &monitor)
        .await
        .unwrap();
    assert_eq!(disks.done(), ["remove /web.img b", "remove /data.img b"]);
    let entries = driver.snapshots(&key).await.unwrap();
    assert_eq!(entries[1].parent.as_deref(), Some("a"));
    // A document can be put back; it is not taken again.
    let xml = driver.snapshot_xml(&key, "c", true).await.unwrap();
    let metadata = SnapshotDeletion {
        metadata_only: true,
        ..only
    };
    driver
        .snapshot_delete(&key, "c", metadata, &monitor)
        .await
        .unwrap();
    let again = SnapshotFlags {
        redefine: true,
        current: true,
        ..none
    };
    take(&driver, &key, &xml, again).await.unwrap();
    assert!(disks.done().is_empty());
    let tree = SnapshotDeletion {
        children: true,
        ..only
    };
    // A disk that is gone keeps nobody from it, and is told.
    *disks.gone.lock().unwrap() = true;
    let warnings = driver
        .snapshot_delete(&key, "a", tree, &monitor)
        .await
        .unwrap();
    assert_eq!(warnings.len(), 4);
    assert_eq!(warnings[3], "snapshot 'a': /data.img is gone");
    assert!(names(&driver, &key).await.is_empty());
    assert_eq!(disks.done().len(), 4);
}

#[tokio::test]
async fn disks_of_a_running_guest_are_kept_while_it_stands_still() {
    let root = tempfile::tempdir().unwrap();
    let (driver, disks, key) = web(root.path()).await;
    driver.start(&key, false).await.unwrap();
    let before = driver.lookup(&key).await.unwrap().id;
    let flags = SnapshotFlags {
        disk_only: true,
        ..SnapshotFlags::default()
    };
    take(&driver, &key, &named("disks"), flags).await.unwrap();
    let told = ["take /web.img disks in use", "take /data.img disks in use"];
    assert_eq!(disks.done(), told);
    let domain = driver.lookup(&key).await.unwrap();
    assert_eq!(domain.id, before);
    assert_ne!(domain.state, State::Paused);
    let halt = SnapshotFlags {
        halt: true,
        ..SnapshotFlags::default()
    };
    take(&driver, &key, &named("last"), halt).await.unwrap();
    assert_eq!(state(&driver, &key).await, State::Shutoff);
    assert!(!driver.has_managed_save(&key).await.unwrap());
}

#[tokio::test]
async fn what_is_half_done_is_not_cancelled() {
    let root = tempfile::tempdir().unwrap();
    let (driver, disks, key) = web(root.path()).await;
    driver.start(&key, false).await.unwrap();
    let watched = || {
        let monitor = Monitor::default();
        *disks.cancels.lock().unwrap() = Some(monitor.clone());
        monitor
    };
    let (flags, on, no) = (SnapshotFlags::default(), named("on"), named("no"));
    let monitor = watched();
    let taken = driver.snapshot_create(&key, &on, flags, &monitor).await;
    assert_eq!(taken.unwrap(), "on");
    let (back, monitor) = (SnapshotRevert::default(), watched());
    let reverted = driver.snapshot_revert(&key, "on", back, &monitor).await;
    reverted.unwrap();
    assert_ne!(state(&driver, &key).await, State::Shutoff);
    let (all, monitor) = (SnapshotDeletion::default(), watched());
    let deleted = driver.snapshot_delete(&key, "on", all, &monitor).await;
    deleted.unwrap();
    let cancelled = Monitor::default();
    assert!(cancelled.cancel());
    let taken = driver.snapshot_create(&key, &no, flags, &cancelled).await;
    assert_eq!(taken.unwrap_err().libvirt().code, 78);
    assert!(names(&driver, &key).await.is_empty());
    assert_ne!(state(&driver, &key).await, State::Shutoff);
}

#[tokio::test]
async fn what_is_left_when_one_cannot_be_removed_is_a_tree() {
    let root = tempfile::tempdir().unwrap();
    let (driver, disks, key) = web(root.path()).await;
    for name in ["a", "b", "c"] {
        let taken = take(&driver, &key, &named(name), SnapshotFlags::default()).await;
        taken.unwrap();
    }
    *disks.broken.lock().unwrap() = Some("remove /web.img a");
    let flags = SnapshotDeletion {
        children: true,
        ..SnapshotDeletion::default()
    };
    let monitor = Monitor::default();
    let error = driver.snapshot_delete(&key, "a", flags, &monitor).await;
    assert!(error.unwrap_err().to_string().contains("no space left"));
    let entries = driver.snapshots(&key).await.unwrap();
    let told: Vec<_> = entries.iter().map(|it| (&*it.name, it.current)).collect();
    assert_eq!(told, [("a", true)]);
}

#[tokio::test]
async fn passwords_are_for_those_who_may_see_them() {
    let root = tempfile::tempdir().unwrap();
    let (driver, _, key) = web(root.path()).await;
    let uuid = driver.lookup(&key).await.unwrap().uuid;
    let locked = GUEST
        .replace("<name>", &format!("<uuid>{uuid}</uuid><name>"))
        .replace(
            "</devices>",
            "<graphics type='vnc' passwd='open'/></devices>",
        );
    let defined = driver.define_xml(&locked, DefineFlags::default()).await;
    defined.unwrap();
    driver.start(&key, false).await.unwrap();
    let taken = take(&driver, &key, &named("on"), SnapshotFlags::default()).await;
    taken.unwrap();
    for (secure, shown) in [(false, 0), (true, 2)] {
        let xml = driver.snapshot_xml(&key, "on", secure).await.unwrap();
        assert_eq!(xml.matches("<graphics").count(), 2, "{xml}");
        assert_eq!(xml.matches("passwd='open'").count(), shown, "{xml}");
    }
}

#[tokio::test]
async fn a_revert_that_was_cut_short_is_told() {
    let root = tempfile::tempdir().unwrap();
    let (driver, disks, key) = web(root.path()).await;
    let (none, monitor) = (SnapshotFlags::default(), Monitor::default());
    let cut_short = || *disks.cut_short.lock().unwrap() = true;
    cut_short();
    let first = take(&driver, &key, &named("off"), none).await;
    let why = first.unwrap_err().to_string();
    assert!(
        why.contains("/web.img was mended: ask for it again"),
        "{why}"
    );
    assert!(disks.done().is_empty());
    take(&driver, &key, &named("off"), none).await.unwrap();
    cut_short();
    let back = driver.snapshot_revert(&key, "off", SnapshotRevert::default(), &monitor);
    assert_eq!(back.await.unwrap(), ["/web.img was mended"]);
    cut_short();
    let gone = driver.snapshot_delete(&key, "off", SnapshotDeletion::default(), &monitor);
    assert_eq!(gone.await.unwrap(), ["snapshot 'off': /web.img was mended"]);
}
