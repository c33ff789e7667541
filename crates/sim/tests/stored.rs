//! What xenstore's clients see of a simulated host: the nodes of a domain, the
//! events of its life, the console, and orders written for a guest.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::time::timeout;
use virtxen_hypercall::{Arch, Xen};
use virtxen_sim::{Options, Release, SimHost};
use virtxen_xenstore::{Memory, Store, Watch, WatchEvent};

fn host(uri: &str) -> SimHost {
    SimHost::new(Options::from_uri(uri).unwrap())
}

async fn client(host: &SimHost) -> Store {
    let store = host.xenstore().clone();
    Store::connect(Memory::new("the simulated one", move || store.connect()))
        .await
        .unwrap()
}

/// Waits until a watch tells of a path that ends so.
async fn told(watch: &mut Watch, end: &str) {
    let wait = async {
        while let Some(event) = watch.next().await {
            if matches!(&event, WatchEvent::Changed(path) if path.ends_with(end)) {
                return;
            }
        }
        panic!("the watch ended");
    };
    timeout(Duration::from_secs(600), wait).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_order_in_the_store_is_obeyed_and_the_end_is_told() {
    let host = host("sim:?guests=1&shutdown=5s");
    let store = client(&host).await;
    let mut ends = store.watch("@releaseDomain").await.unwrap();
    told(&mut ends, "@releaseDomain").await;
    let home = "/local/domain/1";
    store
        .write(&format!("{home}/memory/target"), b"3072")
        .await
        .unwrap();
    let xen = Xen::open(
        Box::new(host.hypervisor(Arch::X86_64).unwrap()),
        Arch::X86_64,
    )
    .unwrap();
    let pages = || {
        xen.domains()
            .unwrap()
            .iter()
            .find(|it| it.domid == 1)
            .map(|it| it.pages)
    };
    assert_eq!(pages(), Some(3 * 256));
    store
        .write(&format!("{home}/control/shutdown"), b"poweroff")
        .await
        .unwrap();
    let order = store.read_text(&format!("{home}/control/shutdown")).await;
    assert_eq!(order.unwrap().unwrap(), "");
    // Nobody asks XenD: the event comes by itself.
    told(&mut ends, "@releaseDomain").await;
    assert!(pages().is_some(), "the toolstack has not seen to it yet");
    told(&mut ends, "@releaseDomain").await;
    assert_eq!(pages(), None);
    assert_eq!(store.read_text(home).await.unwrap(), None);
    let backs = store.directory("/local/domain/0/backend/vbd/1").await;
    assert_eq!(backs.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn every_release_has_its_nodes() {
    for release in Release::ALL {
        let host = host(&format!("sim:?guests=3&release={}", release.version()));
        let store = client(&host).await;
        let text = async |path: &str| store.read_text(path).await.unwrap();
        let domains = store.directory("/local/domain").await.unwrap();
        assert_eq!(domains.len(), 4, "{release:?}");
        for domid in &domains {
            let home = format!("/local/domain/{domid}");
            assert_eq!(
                text(&format!("{home}/domid")).await.as_deref(),
                Some(domid.as_str())
            );
            let vm = text(&format!("{home}/vm")).await.unwrap();
            assert_eq!(
                text(&format!("{vm}/name")).await,
                text(&format!("{home}/name")).await
            );
        }
        let front = "/local/domain/1/device/vbd/51712";
        let back = text(&format!("{front}/backend")).await.unwrap();
        assert_eq!(back, "/local/domain/0/backend/vbd/1/51712");
        assert_eq!(
            text(&format!("{back}/frontend")).await.as_deref(),
            Some(front)
        );
        assert_eq!(text(&format!("{back}/dev")).await.as_deref(), Some("xvda"));
        let port = text("/local/domain/3/console/vnc-port").await;
        assert_eq!(port.as_deref(), Some("5903"), "{release:?}");
        let online = text(&format!("{back}/online")).await;
        assert_eq!(online.is_some(), release > Release::V3_0_1, "{release:?}");
        let owner = store.permissions("/local/domain/1").await.unwrap()[0].domid;
        assert_eq!(owner == 1, release < Release::V3_4, "{release:?}");
    }
}

#[tokio::test]
async fn a_console_opens_when_its_place_is_read() {
    let host = host("sim:?guests=2");
    let store = client(&host).await;
    let place = store
        .read_text("/local/domain/1/console/tty")
        .await
        .unwrap();
    let place = place.unwrap();
    assert!(std::path::Path::new(&place).exists(), "{place}");
    assert_eq!(
        host.console(1).unwrap().unwrap().display().to_string(),
        place
    );
}

#[tokio::test]
async fn a_xen_without_xend_is_watched_only() {
    let host = host("sim:?guests=4&release=4.17");
    assert!(host.try_connect().is_err());
    let xen = Xen::open(
        Box::new(host.hypervisor(Arch::X86_64).unwrap()),
        Arch::X86_64,
    )
    .unwrap();
    assert_eq!(
        xen.version()
            .to_string()
            .split('.')
            .take(2)
            .collect::<Vec<_>>(),
        ["4", "17"]
    );
    let store = client(&host).await;
    for domain in xen.domains().unwrap() {
        let name = format!("/local/domain/{}/name", domain.domid);
        assert!(store.read_text(&name).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn xens_own_tool_lists_the_store() {
    let version = Command::new("xenstore-ls")
        .arg("-h")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if version.is_err() {
        println!("skipped: no xenstore-ls here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let host = host("sim:?guests=3");
    let served = (host.xenstore().clone(), socket.clone());
    tokio::spawn(async move { served.0.serve_unix(&served.1).await });
    while !socket.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let listed = tokio::task::spawn_blocking(move || {
        let output = Command::new("timeout")
            .args(["10", "xenstore-ls", "-f"])
            .env("XENSTORED_PATH", socket)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    });
    let listed = listed.await.unwrap();
    for line in [
        "/local/domain/1/name = \"pv1\"",
        "/local/domain/3/name = \"hvm3\"",
        "/local/domain/0/backend/vif/1/0/mac = \"00:16:3e:00:00:01\"",
        "/vm/5a11ab1e-0000-4000-8000-000000000001/vcpus = \"1\"",
    ] {
        assert!(listed.contains(line), "{line} in {listed}");
    }
}
