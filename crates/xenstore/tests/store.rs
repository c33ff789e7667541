//! The client against the simulated xenstored: every call, many at once,
//! transactions that collide, watches that survive a restart.

#![allow(clippy::unwrap_used)]

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use virtxen_sim::xenstore::SimXenstore;
use virtxen_xenstore::{Connector, Error, Permission, Store, Stream, WatchEvent};

/// Connects to whichever xenstored is running now.
#[derive(Clone)]
struct Current(Arc<Mutex<SimXenstore>>);

#[async_trait::async_trait]
impl Connector for Current {
    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let server = self.0.lock().unwrap().clone();
        Ok(Box::new(server.connect()))
    }

    fn address(&self) -> String {
        "memory".into()
    }
}

/// Connections that can be cut, one after the other.
struct Cut(Mutex<Vec<tokio::io::DuplexStream>>);

#[async_trait::async_trait]
impl Connector for Cut {
    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let stream = self.0.lock().unwrap().pop();
        stream
            .map(|stream| Box::new(stream) as _)
            .ok_or(io::ErrorKind::NotConnected.into())
    }

    fn address(&self) -> String {
        "cut".into()
    }
}

async fn store(release: (u32, u32)) -> (Store, SimXenstore) {
    let server = SimXenstore::new(release);
    let current = Current(Arc::new(Mutex::new(server.clone())));
    (Store::connect(current).await.unwrap(), server)
}

#[tokio::test]
async fn nodes_come_and_go() {
    let (store, _) = store((4, 17)).await;
    store.write("/a/b/c", b"one\0two").await.unwrap();
    assert_eq!(store.read("/a/b/c").await.unwrap(), b"one\0two");
    store.mkdir("/a/b/d").await.unwrap();
    assert_eq!(store.directory("/a/b").await.unwrap(), ["c", "d"]);
    assert_eq!(store.directory("/a/b/d").await.unwrap(), [""; 0]);
    assert_eq!(store.read_text("/a/x").await.unwrap(), None);
    let rights = [
        Permission {
            domid: 0,
            read: false,
            write: false,
        },
        Permission {
            domid: 5,
            read: true,
            write: false,
        },
    ];
    store.set_permissions("/a/b", &rights).await.unwrap();
    assert_eq!(store.permissions("/a/b").await.unwrap(), rights);
    store.remove("/a/b").await.unwrap();
    assert_eq!(
        store.read("/a/b/c").await,
        Err(Error::NotFound {
            path: "/a/b/c".into()
        })
    );
    assert_eq!(store.domain_path(7).await.unwrap(), "/local/domain/7");
}

#[tokio::test]
async fn many_requests_are_in_flight_at_once() {
    let (store, server) = store((3, 0)).await;
    for domid in 0..1000 {
        server.write(
            &format!("/local/domain/{domid}/name"),
            &format!("guest{domid}"),
        );
    }
    let reads = (0..1000).map(|domid| {
        let store = store.clone();
        tokio::spawn(async move { store.read(&format!("/local/domain/{domid}/name")).await })
    });
    for (domid, read) in reads.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(
            read.await.unwrap().unwrap(),
            format!("guest{domid}").as_bytes()
        );
    }
}

#[tokio::test]
async fn big_directories_come_in_parts_where_xen_can() {
    let names: Vec<String> = (0..3000).map(|i| format!("node{i}")).collect();
    let (new, server) = store((4, 9)).await;
    names
        .iter()
        .for_each(|name| server.write(&format!("/big/{name}"), ""));
    assert_eq!(new.directory("/big").await.unwrap(), names);
    let (old, server) = store((4, 8)).await;
    names
        .iter()
        .for_each(|name| server.write(&format!("/big/{name}"), ""));
    assert_eq!(
        old.directory("/big").await,
        Err(Error::Unsupported {
            operation: "DIRECTORY_PART"
        })
    );
}

#[tokio::test]
async fn transactions_are_retried_when_they_collide() {
    let (store, server) = store((4, 4)).await;
    store.write("/n", b"0").await.unwrap();
    let tries = Arc::new(Mutex::new(0));
    let body = |transaction: virtxen_xenstore::Transaction| {
        let (server, tries) = (server.clone(), tries.clone());
        async move {
            let seen = transaction.read("/n").await?;
            let number = {
                let mut tries = tries.lock().unwrap();
                *tries += 1;
                *tries
            };
            if number < 3 {
                server.write("/n", &format!("{number}"));
            }
            transaction
                .write("/n", &[seen.as_slice(), b"+"].concat())
                .await
        }
    };
    store.transaction(body).await.unwrap();
    assert_eq!(*tries.lock().unwrap(), 3);
    assert_eq!(store.read("/n").await.unwrap(), b"2+");

    let always = |transaction: virtxen_xenstore::Transaction| {
        let server = server.clone();
        async move {
            transaction.read("/n").await?;
            server.write("/n", "again");
            transaction.write("/n", b"never").await
        }
    };
    assert_eq!(
        store.transaction(always).await,
        Err(Error::ConflictLimit { attempts: 16 })
    );
    assert_eq!(store.read("/n").await.unwrap(), b"again");
}

#[tokio::test]
async fn a_transaction_sees_the_same_twice() {
    let (store, server) = store((4, 17)).await;
    store.write("/n/old", b"0").await.unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let body = |transaction: virtxen_xenstore::Transaction| {
        let (server, seen) = (server.clone(), seen.clone());
        async move {
            let before = transaction.read("/n/old").await?;
            let is_first = seen.lock().unwrap().is_empty();
            if is_first {
                server.write("/n/old", "1");
            }
            let after = transaction.read("/n/old").await?;
            seen.lock().unwrap().push((before, after));
            Ok(())
        }
    };
    store.transaction(body).await.unwrap();
    let same = |value: &[u8]| (value.to_vec(), value.to_vec());
    assert_eq!(*seen.lock().unwrap(), [same(b"0"), same(b"1")]);
}

#[tokio::test]
async fn a_dump_has_all_nodes_in_their_order() {
    let (store, server) = store((4, 17)).await;
    for domid in 0..700 {
        server.write(&format!("/local/domain/{domid}/name"), "x");
    }
    server.write("/local/domain/5/data/y", "z");
    let entries = store.dump("/local").await.unwrap();
    assert_eq!(entries.len(), 2 + 2 * 700 + 2);
    assert_eq!(entries[0].path, "/local");
    let below = |index: usize| -> Vec<&str> {
        let children = entries[index].children.iter();
        children.map(|at| entries[*at].path.as_str()).collect()
    };
    assert_eq!(below(0), ["/local/domain"]);
    let homes = below(1);
    assert!((0..700).all(|n| homes[n] == format!("/local/domain/{n}")));
    let fifth = entries[1].children[5];
    assert_eq!(
        below(fifth),
        ["/local/domain/5/name", "/local/domain/5/data"]
    );
    assert_eq!(entries.last().unwrap().value.as_deref(), Some(&b"z"[..]));
    assert!(matches!(
        store.dump("/no").await,
        Err(Error::NotFound { .. })
    ));
}

#[tokio::test]
async fn watches_fire_for_what_is_below() {
    let (store, server) = store((4, 1)).await;
    let mut watch = store.watch("/w").await.unwrap();
    assert_eq!(watch.next().await, Some(WatchEvent::Changed("/w".into())));
    server.write("/other", "x");
    server.write("/w/a/b", "x");
    assert_eq!(
        watch.next().await,
        Some(WatchEvent::Changed("/w/a/b".into()))
    );
    server.remove("/w/a");
    assert_eq!(watch.next().await, Some(WatchEvent::Changed("/w/a".into())));
    let mut released = store.watch("@releaseDomain").await.unwrap();
    assert_eq!(
        released.next().await,
        Some(WatchEvent::Changed("@releaseDomain".into()))
    );
    server.release(3);
    assert_eq!(
        released.next().await,
        Some(WatchEvent::Changed("@releaseDomain".into()))
    );
}

#[tokio::test]
async fn a_slow_listener_is_told_to_read_all_again() {
    let (store, server) = store((4, 1)).await;
    let mut watch = store.watch("/w").await.unwrap();
    for i in 0..5000 {
        server.write("/w", &i.to_string());
    }
    // An answer comes after the events before it.
    store.read("/w").await.unwrap();
    assert_eq!(watch.next().await, Some(WatchEvent::Resync));
    server.write("/w", "after");
    assert_eq!(watch.next().await, Some(WatchEvent::Changed("/w".into())));
}

#[tokio::test]
async fn guests_may_what_their_permissions_say() {
    let server = SimXenstore::new((4, 4));
    server.write("/local/domain/3/name", "guest");
    let guest = server.connect_as(3);
    let store = Store::connect(Cut(Mutex::new(vec![guest]))).await.unwrap();
    let denied = store.write("/local/domain/3/name", b"other").await;
    assert!(
        matches!(
            denied,
            Err(Error::Denied {
                operation: "WRITE",
                ..
            })
        ),
        "{denied:?}"
    );
    let rights = [Permission {
        domid: 3,
        read: false,
        write: false,
    }];
    let dom0 = Store::connect(Cut(Mutex::new(vec![server.connect()])))
        .await
        .unwrap();
    dom0.set_permissions("/local/domain/3", &rights)
        .await
        .unwrap();
    store.write("data/x", b"1").await.unwrap();
    assert_eq!(dom0.read("/local/domain/3/data/x").await.unwrap(), b"1");
    let mut failed = None;
    for i in 0..1001 {
        failed = store.write(&format!("data/{i}"), b"").await.err();
    }
    assert!(matches!(failed, Some(Error::Quota { .. })), "{failed:?}");
}

#[tokio::test]
async fn callers_get_one_clear_error_when_the_connection_ends() {
    let (near, far) = tokio::io::duplex(1024);
    let store = Store::connect(Cut(Mutex::new(vec![near]))).await.unwrap();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.read("/a").await }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    drop(far);
    let error = waiting.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_xenstored_meets_the_deadline() {
    let (near, _far) = tokio::io::duplex(1024);
    let store = Store::connect(Cut(Mutex::new(vec![near]))).await.unwrap();
    let store = store.with_deadline(Duration::from_millis(200));
    let error = store.read("/a").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "xenstored did not answer READ of /a within 0.2 s"
    );
}

#[tokio::test]
async fn watches_come_back_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let start = |server: SimXenstore| {
        let socket = socket.clone();
        tokio::spawn(async move { server.serve_unix(&socket).await })
    };
    let first = SimXenstore::new((4, 4));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    // A runtime of its own ends with all its connections, as a process does.
    runtime.spawn({
        let (first, socket) = (first.clone(), socket.clone());
        async move { first.serve_unix(&socket).await }
    });
    while !socket.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let store = virtxen_xenstore::open(&socket).await.unwrap();
    let mut watch = store.watch("/w").await.unwrap();
    assert_eq!(watch.next().await, Some(WatchEvent::Changed("/w".into())));
    runtime.shutdown_background();
    // Unless the dropped server has done it.
    let _ = std::fs::remove_file(&socket);
    let second = SimXenstore::new((4, 4));
    start(second.clone());
    assert_eq!(watch.next().await, Some(WatchEvent::Resync));
    while watch.next().await != Some(WatchEvent::Changed("/w".into())) {}
    second.write("/w/x", "1");
    assert_eq!(watch.next().await, Some(WatchEvent::Changed("/w/x".into())));
    assert_eq!(store.read("/w/x").await.unwrap(), b"1");
}

#[tokio::test]
async fn a_watch_that_is_refused_after_a_restart_ends() {
    let (first, mut before) = tokio::io::duplex(1024);
    let (second, mut after) = tokio::io::duplex(1024);
    let streams = Cut(Mutex::new(vec![second, first]));
    let store = Store::connect(streams).await.unwrap();
    let (watch, ()) = tokio::join!(store.watch("/w"), answer(&mut before, 4, b"OK\0"));
    let mut watch = watch.unwrap();
    drop(before);
    answer(&mut after, 16, b"E2BIG\0").await;
    assert_eq!(watch.next().await, Some(WatchEvent::Resync));
    assert_eq!(watch.next().await, None);
}

/// Reads one request as xenstored does and answers it: number of the message, payload.
async fn answer(stream: &mut tokio::io::DuplexStream, kind: u32, payload: &[u8]) {
    let mut header = [0; 16];
    stream.read_exact(&mut header).await.unwrap();
    let length = u32::from_le_bytes(header[12..].try_into().unwrap());
    let mut body = vec![0; length as usize];
    stream.read_exact(&mut body).await.unwrap();
    header[..4].copy_from_slice(&kind.to_le_bytes());
    header[12..].copy_from_slice(&u32::try_from(payload.len()).unwrap().to_le_bytes());
    stream.write_all(&header).await.unwrap();
    stream.write_all(payload).await.unwrap();
}
