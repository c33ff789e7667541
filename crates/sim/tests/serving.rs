//! The simulated XenD as a client sees it: connections, waiting, faults, the socket.
//! What XenD says in its replies is the recordings' test.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout};
use virtxen_sim::{Fault, Options, SimHost};

const NODE: &str = "GET /xend/node/ HTTP/1.1\r\n\r\n";
const ROOT: &str = "GET /xend/ HTTP/1.1\r\n\r\n";

fn host(uri: &str) -> SimHost {
    SimHost::new(Options::from_uri(uri).unwrap())
}

/// All bytes up to the end of the connection.
async fn ask(host: &SimHost, request: &str) -> Vec<u8> {
    ask_on(host.connect(), request).await
}

async fn ask_on(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> Vec<u8> {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.unwrap();
    reply
}

async fn never(host: &SimHost, request: &str) {
    let answer = timeout(Duration::from_secs(1000), ask(host, request));
    assert!(answer.await.is_err(), "the connection came to an end");
}

#[tokio::test(start_paused = true)]
async fn a_slow_xend_is_late_but_right() {
    let host = host("sim:?fault=slow,30s,op=node");
    let began = Instant::now();
    assert!(ask(&host, ROOT).await.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert!(ask(&host, NODE).await.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert_eq!(began.elapsed(), Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn a_hung_xend_keeps_the_connection_and_recovers_on_demand() {
    let host = host("sim:?release=4.1");
    host.inject(Fault::hang());
    never(&host, NODE).await;
    host.clear_faults();
    assert!(!ask(&host, NODE).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_reply_is_cut_where_it_was_ordered() {
    let host = host("sim:");
    let whole = ask(&host, NODE).await;
    host.inject(Fault::cut_after(100).for_op("node").nth(2));
    assert_eq!(ask(&host, NODE).await, whole);
    assert_eq!(ask(&host, NODE).await, whole[..100]);
    assert_eq!(ask(&host, NODE).await, whole);
}

#[tokio::test(start_paused = true)]
async fn garbage_replaces_the_reply() {
    let host = host("sim:");
    host.inject(Fault::garbage(&b"\xff\x00no HTTP"[..]).nth(1));
    assert_eq!(ask(&host, ROOT).await, b"\xff\x00no HTTP");
    assert!(ask(&host, ROOT).await.starts_with(b"HTTP/1.1"));
}

fn post(domain: &str, body: &str) -> String {
    format!(
        "POST /xend/domain/{domain} HTTP/1.1\r\nContent-Type: \
         application/x-www-form-urlencoded\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The first bytes of a reply, whose connection XenD may forget to close.
async fn begin(host: &SimHost, request: &str) -> String {
    let mut stream = host.connect();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = vec![0; 4096];
    let count = stream.read(&mut reply).await.unwrap();
    String::from_utf8_lossy(&reply[..count]).into_owned()
}

#[tokio::test(start_paused = true)]
async fn a_hung_guest_ignores_orders_until_it_is_destroyed() {
    let host = host("sim:?guests=2&hung-guest=pv1");
    let detail = |name: &str| format!("GET /xend/domain/{name} HTTP/1.1\r\n\r\n");
    for name in ["pv1", "pv2"] {
        let order = post(name, "op=shutdown&reason=poweroff");
        assert!(
            begin(&host, &order)
                .await
                .starts_with("HTTP/1.1 202 Accepted")
        );
    }
    tokio::time::sleep(Duration::from_secs(600)).await;
    let hung = begin(&host, &detail("pv1")).await;
    assert!(hung.contains("(status 2)"), "{hung}");
    let stopped = begin(&host, &detail("pv2")).await;
    assert!(!stopped.contains("(status 2)"), "{stopped}");
    let destroyed = begin(&host, &post("pv1", "op=destroy")).await;
    assert!(destroyed.starts_with("HTTP/1.1 202 Accepted"));
    let gone = begin(&host, &detail("pv1")).await;
    assert!(!gone.contains("(status 2)"), "{gone}");
}

#[tokio::test(start_paused = true)]
async fn a_dead_device_fails_when_xend_loses_patience() {
    let host = host("sim:?guests=1");
    host.kill_device("xvdz");
    let attach = |dev: &str| {
        let config = format!("(vbd (dev {dev})(uname phy:/dev/vg/{dev})(mode w))");
        post("pv1", &format!("op=device_create&config={config}"))
    };
    let began = Instant::now();
    let reply = begin(&host, &attach("xvdz")).await;
    assert!(reply.contains("could not be connected. Hotplug scripts not working."));
    assert!(began.elapsed() >= Duration::from_secs(90));
    let reply = begin(&host, &attach("xvdy")).await;
    assert!(reply.starts_with("HTTP/1.1 200 OK"), "{reply}");
}

#[tokio::test(start_paused = true)]
async fn old_releases_serve_one_connection_at_a_time() {
    let old = host("sim:?release=3.0.3");
    let idle = old.connect();
    // The idle client has to have its turn before the other comes.
    tokio::task::yield_now().await;
    never(&old, NODE).await;
    drop(idle);
    assert!(!ask(&old, NODE).await.is_empty());

    let newer = host("sim:?release=3.0.4");
    let _idle = newer.connect();
    assert!(!ask(&newer, NODE).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_body_shorter_than_its_length_is_waited_for() {
    let host = host("sim:?release=4.4");
    let request = "POST /xend/domain/Domain-0 HTTP/1.1\r\nContent-Type: \
        application/x-www-form-urlencoded\r\nContent-Length: 50\r\n\r\nop=pause";
    never(&host, request).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_request_is_answered_only_if_the_first_asked_for_it() {
    let host = host("sim:");
    let twice = format!("{ROOT}{ROOT}");
    let replies = |bytes: Vec<u8>| {
        String::from_utf8(bytes)
            .unwrap()
            .matches("HTTP/1.1")
            .count()
    };
    assert_eq!(replies(ask(&host, &twice).await), 1);
    let kept = ROOT.replace("\r\n\r\n", "\r\nConnection: Keep-Alive\r\n\r\n");
    assert_eq!(replies(ask(&host, &format!("{kept}{ROOT}")).await), 2);
}

#[tokio::test(start_paused = true)]
async fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let host = host("sim:");
    let request = "POST /xend/domain HTTP/1.1\r\nContent-Length: 10001\r\n\r\n";
    let reply = String::from_utf8(ask(&host, request).await).unwrap();
    assert!(reply.starts_with("HTTP/1.1 413 Request entity too large\r\nContent-length: 0\r\n"));
}

#[tokio::test]
async fn the_socket_serves_and_is_removed_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("xend-socket");
    // A socket file whose server is gone.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let host = host("sim:?release=3.1");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = {
        let (host, path) = (host.clone(), path.clone());
        tokio::spawn(async move { host.serve_unix(&path, async { drop(stopped.await) }).await })
    };
    let stream = loop {
        match tokio::net::UnixStream::connect(&path).await {
            Ok(stream) => break stream,
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    let reply = ask_on(stream, NODE).await;
    assert_eq!(reply, ask(&host, NODE).await);
    assert!(String::from_utf8(reply).unwrap().contains("(xen_minor 1)"));
    let taken = host.serve_unix(&path, std::future::ready(())).await;
    assert_eq!(taken.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    assert!(!path.exists());
}
