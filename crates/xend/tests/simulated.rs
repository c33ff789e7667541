//! The client against the simulated XenD of every release, and against its
//! faults: hung, slow, cut and garbled replies.

#![allow(clippy::unwrap_used)] // a failed test is what an unexpected reply should be

use std::time::Duration;
use virtxen_formats::sxpr::{Limits, Sxpr, read};
use virtxen_sim::state::Timing;
use virtxen_sim::{Fault, Options, Release, SimHost};
use virtxen_xend::{Client, Deadlines, Dump, Error, ListState, Memory, Reason, UnixSocket};

const CONFIG: &str = "(vm (name 'web')(uuid '00000000-1111-2222-3333-000000000001')\
    (memory 64)(maxmem 64)(vcpus 2)(on_poweroff 'destroy')(on_reboot 'restart')\
    (on_crash 'destroy')(image (linux (kernel '/boot/vmlinuz-xen')\
    (args 'root=/dev/xvda1 ro')))(device (vbd (dev 'xvda')(uname \
    'file:/var/lib/xen/images/web.img')(mode 'w'))))";

fn sim(release: Release) -> SimHost {
    SimHost::new(Options {
        release,
        timing: Timing::instant(),
        ..Options::default()
    })
}

async fn open(sim: &SimHost, deadlines: Deadlines) -> Client {
    let sim = sim.clone();
    let connector = Memory::new("sim:", move || {
        let stream = sim.connect();
        async move { Ok(stream) }
    });
    Client::open(connector, deadlines).await.unwrap()
}

fn hasty() -> Deadlines {
    let mut deadlines = Deadlines::default();
    deadlines.quick.first_byte = Duration::from_millis(200);
    deadlines.quick.whole = Duration::from_millis(400);
    deadlines
}

fn config() -> Sxpr {
    read(CONFIG, Limits::default()).unwrap()
}

#[tokio::test]
async fn every_operation_on_every_release() {
    for release in Release::ALL {
        let context = release.version();
        let client = open(&sim(release), Deadlines::default()).await;
        assert_eq!(client.release().to_string(), context);
        assert!(client.node().await.unwrap().total_memory > 0, "{context}");
        client.log().await.unwrap();
        client.dmesg().await.unwrap();
        let document = client.create(&config()).await.unwrap();
        assert_eq!(document.value("name"), Some("web"), "{context}");
        client.wait_for_devices("web").await.unwrap();
        client.unpause("web").await.unwrap();
        let names = client.names(ListState::All).await.unwrap();
        assert_eq!(names, ["Domain-0", "web"], "{context}");
        let uuid = document.value("uuid").unwrap();
        let by_uuid = client.detail(uuid).await;
        assert_eq!(by_uuid.is_ok(), client.habits().by_uuid, "{context}");
        client
            .detail(document.value("domid").unwrap())
            .await
            .unwrap();
        assert_eq!(client.vcpus("web").await.unwrap().len(), 2, "{context}");
        let disk = read(
            "(vbd (dev xvdb)(uname 'phy:/dev/vg/lv0')(mode r))",
            Limits::default(),
        );
        client.device_create("web", &disk.unwrap()).await.unwrap();
        let list = client.devices("web", "vbd").await.unwrap();
        assert_eq!(list.as_list().unwrap().len(), 2, "{context}");
        client
            .device_destroy("web", "vbd", "xvdb", false)
            .await
            .unwrap();
        client.mem_target_set("web", 48).await.unwrap();
        client.maxmem_set("web", 80).await.unwrap();
        client.set_vcpus("web", 1).await.unwrap();
        client.sysrq("web", b's').await.unwrap();
        client.rename("web", "www").await.unwrap();
        client.sedf("www").await.unwrap();
        let dumped = client.dump("www", "/var/tmp/core", Dump::default()).await;
        assert_eq!(dumped.is_ok(), release >= Release::V3_0_4, "{context}");
        client.shutdown("www", Reason::Poweroff).await.unwrap();
        for _ in 0..100 {
            if client.detail("www").await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let error = client.pause("www").await.unwrap_err();
        assert!(error.is_no_domain(), "{context}: {error}");
        kept(&client, context).await;
    }
}

async fn kept(client: &Client, context: &str) {
    if !client.habits().inactive {
        let error = client.new_domain(&config()).await.unwrap_err();
        assert!(error.to_string().contains(context), "{error}");
        return;
    }
    client.new_domain(&config()).await.unwrap();
    let halted = client.names(ListState::Halted).await.unwrap();
    assert_eq!(halted, ["web"], "{context}");
    let error = client.save("web", "/var/tmp/x").await.unwrap_err();
    assert!(
        matches!(error, Error::Inactive { .. }),
        "{context}: {error}"
    );
    client.start("web").await.unwrap();
    client.destroy("web").await.unwrap();
    client.delete("web").await.unwrap();
    let halted = client.names(ListState::Halted).await.unwrap();
    assert!(halted.is_empty(), "{context}: {halted:?}");
}

#[tokio::test]
async fn over_a_unix_socket_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("xend-socket");
    let (sim, socket) = (sim(Release::V4_1), path.clone());
    let server = tokio::spawn(async move {
        sim.serve_unix(&socket, std::future::pending())
            .await
            .unwrap();
    });
    while !path.exists() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let client = Client::open(UnixSocket::new(&path), Deadlines::default());
    let client = client.await.unwrap();
    client.create(&config()).await.unwrap();
    let names = client.names(ListState::All).await.unwrap();
    assert_eq!(names, ["Domain-0", "web"]);
    server.abort();
}

#[tokio::test]
async fn a_bad_day_of_xend_is_told_as_what_it_is() {
    let sim = sim(Release::V4_1);
    let client = open(&sim, hasty()).await;
    let told = async |fault: Fault| {
        sim.clear_faults();
        sim.inject(fault);
        client.names(ListState::All).await.unwrap_err()
    };
    let error = told(Fault::hang()).await;
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    let error = told(Fault::slow(Duration::from_secs(5))).await;
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    let error = told(Fault::cut_after(20)).await;
    assert!(matches!(error, Error::Reply { .. }), "{error}");
    let error = told(Fault::garbage(b"\0\xff<html>".to_vec())).await;
    assert!(matches!(error, Error::Reply { .. }), "{error}");
    sim.clear_faults();
    client.names(ListState::All).await.unwrap();
}

#[tokio::test]
async fn a_hung_create_stops_no_list() {
    let sim = sim(Release::V4_1);
    sim.inject(Fault::hang().for_op("create"));
    let mut deadlines = hasty();
    deadlines.slow.first_byte = Duration::from_millis(300);
    let client = open(&sim, deadlines).await;
    let config = config();
    let (created, listed) = tokio::join!(client.create(&config), async {
        tokio::time::timeout(Duration::from_millis(200), client.details()).await
    });
    assert!(matches!(created, Err(Error::Timeout { .. })));
    assert!(listed.unwrap().is_ok());
}
