//! The simulated libxl as the process's client sees it: guests come, change and go, and
//! what goes wrong is told in libxl's words.
#![allow(clippy::unwrap_used)]

use std::os::fd::OwnedFd;
use std::time::Duration;
use virtxen_libxl::{Device, Error, Launch, Operation, Outcome, Worker};
use virtxen_sim::{Fault, Options, SimHost};

fn host(more: &str) -> (SimHost, Worker) {
    let uri = format!("sim:?release=4.17{more}");
    let mut options = Options::from_uri(&uri).unwrap();
    options.timing = virtxen_sim::state::Timing::instant();
    let host = SimHost::new(options);
    let sim = host.clone();
    // Before the first guest, as a host that is opened does.
    let _store = host.xenstore();
    let connect = move || sim.connect_libxl();
    (host, Worker::new(Launch::Stream(Box::new(connect))))
}

async fn call(worker: &Worker, operation: Operation) -> Result<Outcome, Error> {
    worker.call(operation, Vec::new(), |_| {}).await
}

async fn fails(worker: &Worker, operation: Operation) -> String {
    call(worker, operation).await.unwrap_err().to_string()
}

fn config(name: &str, disk: &str) -> String {
    format!(
        r#"{{"c_info": {{"type": "pv", "name": "{name}"}},
        "b_info": {{"max_vcpus": 2, "avail_vcpus": [0], "max_memkb": 65536,
            "target_memkb": 32768, "kernel": "/boot/vmlinuz", "type.pv": {{}}}},
        "disks": [{{"pdev_path": "{disk}", "vdev": "xvda", "format": "raw", "readwrite": 1}}],
        "nics": [{{"bridge": "br0", "nictype": "vif"}}],
        "vfbs": [{{"vnc": {{"enable": "True", "display": 7, "findunused": "False"}}}}],
        "on_reboot": "restart"}}"#
    )
}

fn create(name: &str, disk: &str) -> Operation {
    Operation::Create {
        config: config(name, disk),
        document: Some(format!("<domain>{name}</domain>")),
    }
}

async fn start(worker: &Worker, name: &str) -> u32 {
    match call(worker, create(name, "/srv/a.img")).await {
        Ok(Outcome::Started { domid }) => domid,
        other => panic!("{other:?}"),
    }
}

/// A node of the host's XenStore.
async fn node(host: &SimHost, path: &str) -> Option<String> {
    let xenstored = host.xenstore().clone();
    let connect = move || xenstored.connect();
    let memory = virtxen_xenstore::Memory::new("the simulated xenstored", connect);
    let store = virtxen_xenstore::Store::connect(memory).await.unwrap();
    store.read_text(path).await.unwrap()
}

#[tokio::test]
async fn a_guest_has_its_nodes_and_is_kept_when_it_has_shut_down() {
    let (host, worker) = host("");
    let domid = start(&worker, "web").await;
    let home = format!("/local/domain/{domid}");
    for (path, value) in [
        (format!("{home}/name"), "web"),
        (format!("{home}/memory/static-max"), "65536"),
        (format!("{home}/console/vnc-port"), "5907"),
        (format!("{home}/device/vbd/51712/state"), "4"),
        (
            format!("/local/domain/0/backend/qdisk/{domid}/51712/params"),
            "aio:/srv/a.img",
        ),
        (
            format!("/local/domain/0/backend/vif/{domid}/0/bridge"),
            "br0",
        ),
        (format!("/libxl/{domid}/type"), "pv"),
    ] {
        assert_eq!(node(&host, &path).await.as_deref(), Some(value), "{path}");
    }
    call(&worker, Operation::Unpause { domid }).await.unwrap();
    call(&worker, Operation::Shutdown { domid }).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    // It has shut down, and is there as long as nobody destroys it.
    assert_eq!(
        node(&host, &format!("{home}/name")).await.as_deref(),
        Some("web")
    );
    let kept = call(&worker, Operation::Document { domid }).await.unwrap();
    let text = Some("<domain>web</domain>".to_owned());
    assert_eq!(kept, Outcome::Document { text });
    call(&worker, Operation::Destroy { domid }).await.unwrap();
    for path in [home, format!("/libxl/{domid}")] {
        assert_eq!(node(&host, &path).await, None, "{path}");
    }
    let gone = fails(&worker, Operation::Destroy { domid }).await;
    assert!(gone.contains("does not exist"), "{gone}");
}

#[tokio::test]
async fn what_cannot_be_started_says_why_and_leaves_nothing() {
    let (host, worker) = host("");
    for (operation, words) in [
        (create("web", "/no/a.img"), "failed to stat: /no/a.img"),
        (
            create("web", "/hotplug-error"),
            "exited with error status 1",
        ),
        (create("web", "/hotplug-never"), "backend did not answer"),
        (create("buildfail", "/a"), "Invalid kernel"),
        (create("hvfail", "/a"), "Cannot allocate memory"),
        (
            Operation::Create {
                config: "{]".to_owned(),
                document: None,
            },
            "invalid json",
        ),
    ] {
        let failed = fails(&worker, operation).await;
        assert!(failed.contains(words), "{failed}");
    }
    let second = start(&host_worker(&host), "b").await;
    assert_eq!(
        node(&host, &format!("/local/domain/{}/name", second - 1)).await,
        None
    );
}

/// Another process beside the first.
fn host_worker(host: &SimHost) -> Worker {
    host.clear_faults();
    let sim = host.clone();
    Worker::new(Launch::Stream(Box::new(move || sim.connect_libxl())))
}

#[tokio::test]
async fn devices_come_and_go() {
    let (host, worker) = host("");
    let domid = start(&worker, "web").await;
    call(&worker, Operation::Unpause { domid }).await.unwrap();
    let disk =
        |path: &str| format!(r#"{{"pdev_path": "{path}", "vdev": "xvdb", "format": "raw"}}"#);
    let attach = |config: String| Operation::Attach {
        domid,
        device: Device::Disk,
        config,
    };
    let detach = |config: String, force| Operation::Detach {
        domid,
        device: Device::Disk,
        config,
        force,
    };
    call(&worker, attach(disk("/srv/b.img"))).await.unwrap();
    let twice = fails(&worker, attach(disk("/srv/b.img"))).await;
    assert!(twice.contains("already exists"), "{twice}");
    let Outcome::Answer { text } = call(&worker, Operation::Configuration { domid })
        .await
        .unwrap()
    else {
        panic!("no configuration");
    };
    assert!(
        text.contains("/srv/b.img") && text.contains("00:16:3e"),
        "{text}"
    );
    call(&worker, detach(disk("/srv/b.img"), false))
        .await
        .unwrap();
    let path = format!("/local/domain/{domid}/device/vbd/51728");
    assert_eq!(node(&host, &path).await, None);
    assert!(
        fails(&worker, detach(disk("/srv/b.img"), true))
            .await
            .contains("not found")
    );
}

#[tokio::test]
async fn a_saved_guest_comes_back_from_its_stream_only() {
    let (_host, worker) = host("");
    let domid = start(&worker, "web").await;
    call(&worker, Operation::Unpause { domid }).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("web");
    let save = Operation::Save {
        domid,
        live: false,
        debug: false,
    };
    let file: OwnedFd = std::fs::File::create(&path).unwrap().into();
    worker.call(save, vec![file], |_| {}).await.unwrap();
    call(&worker, Operation::Destroy { domid }).await.unwrap();
    let restore = |stream_version| Operation::Restore {
        config: config("web", "/srv/a.img"),
        document: None,
        stream_version,
    };
    let open = |path: &std::path::Path| -> Vec<OwnedFd> {
        vec![std::fs::File::open(path).unwrap().into()]
    };
    let other = folder.path().join("other");
    std::fs::write(&other, "LinuxGuestRecord").unwrap();
    let refused = worker.call(restore(2), open(&other), |_| {}).await;
    assert!(refused.unwrap_err().to_string().contains("Invalid ident"));
    let came = worker.call(restore(2), open(&path), |_| {}).await.unwrap();
    assert!(matches!(came, Outcome::Started { .. }));
}

#[tokio::test]
async fn faults_strike_one_operation() {
    let (host, worker) = host("");
    host.inject(Fault::fail("no loop devices").for_op("create").nth(1));
    let failed = fails(&worker, create("web", "/a")).await;
    assert!(failed.contains("no loop devices"), "{failed}");
    let domid = start(&worker, "web").await;
    host.inject(Fault::hang().for_op("pause"));
    let hangs = call(&worker, Operation::Pause { domid });
    let hangs = tokio::time::timeout(Duration::from_millis(50), hangs).await;
    assert!(hangs.is_err(), "{hangs:?}");
    call(&worker, Operation::Unpause { domid }).await.unwrap();
    host.inject(Fault::death().for_op("destroy").nth(1));
    let died = call(&worker, Operation::Destroy { domid })
        .await
        .unwrap_err();
    assert!(!matches!(died, Error::Failed(_)), "{died}");
    // Another process takes its place.
    call(&worker, Operation::Destroy { domid }).await.unwrap();
}
