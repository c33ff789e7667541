//! One host, three channels: what XenD, xenstore and the hypervisor say of a
//! domain agrees through its life, on every release.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use virtxen_formats::sxpr::{Limits, Sxpr, read};
use virtxen_hypercall::{Arch, Domain, Xen};
use virtxen_sim::state::Timing;
use virtxen_sim::{Options, Release, SimHost};

fn host(release: Release, guests: usize) -> SimHost {
    SimHost::new(Options {
        release,
        guests,
        timing: Timing::instant(),
        ..Options::default()
    })
}

fn xen(host: &SimHost) -> Xen {
    Xen::open(
        Box::new(host.hypervisor(Arch::X86_64).unwrap()),
        Arch::X86_64,
    )
    .unwrap()
}

async fn ask(host: &SimHost, request: String) -> String {
    let mut stream = host.connect();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    // Some releases forget to close, so the reply says where it ends.
    while !is_whole(&reply) && stream.read_buf(&mut reply).await.unwrap() > 0 {}
    String::from_utf8(reply).unwrap()
}

fn is_whole(reply: &[u8]) -> bool {
    let reply = String::from_utf8_lossy(reply);
    let Some((head, body)) = reply.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.parse().unwrap());
    body.len() >= length
}

async fn post(host: &SimHost, place: &str, form: &str) -> String {
    let length = form.len();
    ask(
        host,
        format!(
            "POST /xend/{place} HTTP/1.1\r\nContent-Length: {length}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}"
        ),
    )
    .await
}

/// What XenD shows of a domain.
async fn detail(host: &SimHost, name: &str) -> Sxpr {
    let reply = ask(
        host,
        format!("GET /xend/domain/{name}?detail=1 HTTP/1.1\r\nAccept: application/sxp\r\n\r\n"),
    )
    .await;
    let body = reply.split_once("\r\n\r\n").unwrap().1;
    // 4.1 writes an empty atom behind the expression.
    let body = body.strip_suffix("''").unwrap_or(body);
    read(body, Limits::default()).unwrap_or_else(|error| panic!("{error}: {reply}"))
}

fn of(xen: &Xen, domid: u32) -> Option<Domain> {
    xen.domains()
        .unwrap()
        .into_iter()
        .find(|it| it.domid == domid)
}

/// Asserts that the three say the same of the guest `name`.
async fn agree(host: &SimHost, name: &str) -> u32 {
    let shown = detail(host, name).await;
    let number = |key: &str| shown.value(key).unwrap().parse::<f64>().unwrap();
    let domid = number("domid") as u32;
    let home = format!("/local/domain/{domid}");
    let store = host.xenstore();
    let text = |key: &str| store.read(&format!("{home}/{key}"));
    assert_eq!(text("name").as_deref(), Some(name));
    assert_eq!(text("domid").unwrap(), domid.to_string());
    assert_eq!(
        text("vm").unwrap(),
        format!("/vm/{}", shown.value("uuid").unwrap())
    );
    let there = of(&xen(host), domid).unwrap();
    let target: u64 = text("memory/target").unwrap().parse().unwrap();
    assert_eq!(there.pages * 4, target);
    let memory = number("memory") as u64;
    assert_eq!(target, memory * 1024);
    let state = shown.value("state").unwrap();
    assert_eq!(state.contains('p'), there.flags.paused, "{state}");
    assert_eq!(state.contains('s'), there.flags.shutdown, "{state}");
    for class in ["vbd", "vif"] {
        let devices = shown.children("device").filter(|device| {
            let node = device.rest().first().unwrap();
            node.as_list().unwrap()[0].as_atom() == Some(class)
        });
        for id in 0..devices.count() {
            if class == "vif" {
                let back = text(&format!("device/vif/{id}/backend")).unwrap();
                let mac = store.read(&format!("{back}/mac"));
                assert_eq!(text(&format!("device/vif/{id}/mac")), mac);
                assert_eq!(store.read(&format!("{back}/domain")).unwrap(), name);
            }
        }
    }
    domid
}

#[tokio::test]
async fn three_channels_agree_through_a_life() {
    for release in Release::ALL {
        let host = host(release, 3);
        let xen = xen(&host);
        let name = "pv1";
        let domid = agree(&host, name).await;
        let place = format!("domain/{name}");
        post(&host, &place, "op=pause").await;
        agree(&host, name).await;
        assert!(of(&xen, domid).unwrap().flags.paused);
        xen.unpause(domid).unwrap();
        agree(&host, name).await;
        post(&host, &place, "op=mem_target_set&target=6").await;
        agree(&host, name).await;
        host.xenstore()
            .write(&format!("/local/domain/{domid}/x"), "kept");
        if release > Release::V3_0_3 {
            post(&host, &place, "op=rename&name=other").await;
            agree(&host, "other").await;
        }
        xen.destroy(domid).unwrap();
        assert!(of(&xen, domid).is_none());
        assert_eq!(
            host.xenstore().read(&format!("/local/domain/{domid}")),
            None
        );
        let backs = format!("/local/domain/0/backend/vbd/{domid}/51712");
        assert_eq!(host.xenstore().read(&backs), None);
    }
    tokio::time::sleep(Duration::ZERO).await;
}

#[tokio::test]
async fn a_host_has_room_for_all_guests_that_it_starts_with() {
    // Before 3.0.4 XenD keeps no inactive guests: all of them hold memory.
    let host = host(Release::V3_0_3, 3000);
    assert_eq!(xen(&host).domains().unwrap().len(), 3001);
}
