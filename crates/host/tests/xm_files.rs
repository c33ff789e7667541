//! Inactive guests as files of xm: what happens beside us is seen and told, folders
//! of any kind are read within bounds.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::Duration;
use virtxen_guest::{MemoryKib, ParseOptions, parse_device, parse_guest};
use virtxen_host::{
    Channels, ConfigChange, Deadlines, Error, Host, HostEvent, HostEvents, XenHost,
};
use virtxen_sim::state::Timing;
use virtxen_sim::{Options, Release, SimHost};

const GUEST: &str = include_str!("../../../examples/paravirt-kernel.xml");

async fn host(release: Release, folder: &Path) -> XenHost {
    let sim = SimHost::new(Options {
        release,
        timing: Timing::instant(),
        ..Options::default()
    });
    let xend = move || std::future::ready(Ok(sim.connect()));
    let xend = virtxen_xend::Memory::new("memory", xend);
    let channels = Channels::new(Deadlines::default(), None)
        .xend(Ok(Box::new(xend)))
        .xm_files(Ok(folder.to_owned()));
    channels.open().await.unwrap()
}

fn write(folder: &Path, file: &str, name: &str, memory: u32) {
    let text = format!("# {file}\nname = '{name}'\nkernel = '/boot/vmlinuz'\nmemory = {memory}\n");
    std::fs::write(folder.join(file), text).unwrap();
}

async fn expect(events: &mut HostEvents, wanted: HostEvent) {
    let next = tokio::time::timeout(Duration::from_secs(10), events.next()).await;
    assert_eq!(next.unwrap(), Some(wanted));
}

#[tokio::test]
async fn what_others_do_to_files_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(path, "old", "old", 64);
    let host = host(Release::V3_0_3, path).await;
    let mut events = host.events().await.unwrap();
    write(path, "web.cfg", "web", 64);
    expect(&mut events, HostEvent::Defined("web".into())).await;
    assert_eq!(host.inactive().await.unwrap(), ["old", "web"]);
    // As an editor does it, within the same second and with the same size.
    write(path, ".web.tmp", "web", 65);
    std::fs::rename(path.join(".web.tmp"), path.join("web.cfg")).unwrap();
    expect(&mut events, HostEvent::Redefined("web".into())).await;
    let web = host.domain("web").await.unwrap();
    assert_eq!(web.memory, MemoryKib::from_mib(65));
    std::fs::remove_file(path.join("web.cfg")).unwrap();
    expect(&mut events, HostEvent::Undefined("web".into())).await;
    let gone = host.domain("web").await;
    assert!(matches!(gone, Err(Error::NoDomain { .. })));
    // A folder that goes and comes again.
    std::fs::remove_dir_all(path).unwrap();
    expect(&mut events, HostEvent::Undefined("old".into())).await;
    std::fs::create_dir(path).unwrap();
    write(path, "new", "new", 64);
    expect(&mut events, HostEvent::Defined("new".into())).await;
}

#[tokio::test]
async fn running_and_defined_are_changed_apart() {
    for release in [Release::V3_0_1, Release::V3_0_3] {
        let folder = tempfile::tempdir().unwrap();
        let host = host(release, folder.path()).await;
        let guest = parse_guest(GUEST, &ParseOptions::default()).unwrap().value;
        let name = guest.name.as_str();
        host.define(&guest).await.unwrap();
        host.start(name, false).await.unwrap();
        let info = host.domain(name).await.unwrap();
        assert!(info.domid.is_some() && info.persistent == Some(true));
        assert_eq!(info.uuid, guest.uuid.unwrap());
        let disk = "<disk type='file' device='disk'><source file='/srv/more.img'/>\
                    <target dev='xvdf' bus='xen'/></disk>";
        let disk = parse_device(disk, &ParseOptions::default()).unwrap().value;
        let change = ConfigChange::Attach(disk.clone());
        host.change_config(name, &change).await.unwrap();
        let disks = |guest: virtxen_guest::Guest| guest.devices.disks.len();
        let (runs, defined) = (host.guest(name).await, host.defined(name).await);
        assert_eq!(disks(defined.unwrap()), disks(runs.unwrap()) + 1);
        assert!(host.change_config(name, &change).await.is_err());
        host.destroy(name).await.unwrap();
        assert_eq!(host.inactive().await.unwrap(), [name]);
        let paused = host.pause(name).await;
        assert!(matches!(paused, Err(Error::State { .. })), "{paused:?}");
        host.detach(name, &disk).await.unwrap();
        host.pin_vcpu(name, 0, &[1]).await.unwrap();
        assert_eq!(host.vcpus(name).await.unwrap()[0].affinity, [1]);
        host.undefine(name).await.unwrap();
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 0, "{}", release.version());
    }
}

#[tokio::test]
async fn a_guest_is_in_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(path, "a-copy", "web", 32);
    write(path, "web", "web", 64);
    let host = host(Release::V3_0_3, path).await;
    assert_eq!(host.inactive().await.unwrap(), ["web"]);
    // The file that is called as the guest is the one.
    let web = host.domain("web").await.unwrap();
    assert_eq!(web.memory, MemoryKib::from_mib(64));
    let channels = host.channels();
    let notice = channels.iter().find(|it| it.place.ends_with("/a-copy"));
    assert!(notice.unwrap().note.contains("in the file 'web'"));
    assert!(host.warnings().iter().any(|it| it.contains("a-copy")));
    host.undefine("web").await.unwrap();
    assert!(path.join("a-copy").exists() && !path.join("web").exists());
    assert_eq!(
        host.domain("web").await.unwrap().memory,
        MemoryKib::from_mib(32)
    );
}

#[tokio::test]
async fn links_are_read_and_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::create_dir(path.join("vm")).unwrap();
    write(&path.join("vm"), "web", "web", 64);
    std::os::unix::fs::symlink("vm/web", path.join("web")).unwrap();
    let host = host(Release::V3_0_3, path).await;
    host.start("web", false).await.unwrap();
    host.destroy("web").await.unwrap();
    for refused in [
        host.set_memory("web", MemoryKib::from_mib(32)).await,
        host.undefine("web").await,
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("symbolic link"), "{error}");
    }
    assert!(path.join("web").is_symlink());
}

/// More than the kernel keeps events for, so that some are lost.
#[tokio::test]
async fn ten_thousand_files_are_read_after_lost_events() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let host = host(Release::V3_0_3, path).await;
    assert!(host.inactive().await.unwrap().is_empty());
    for number in 0..10_000 {
        let name = format!("vm{number}");
        write(path, &name, &name, 64);
    }
    assert_eq!(host.inactive().await.unwrap().len(), 10_000);
    assert_eq!(host.all_domains().await.unwrap().len(), 10_001);
    for number in 0..9_999 {
        std::fs::remove_file(path.join(format!("vm{number}"))).unwrap();
    }
    assert_eq!(host.inactive().await.unwrap(), ["vm9999"]);
}
