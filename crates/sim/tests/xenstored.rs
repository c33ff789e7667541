//! The simulated xenstored on bytes: what is no request, clients who do not read,
//! and what single releases and guests may.
#![allow(clippy::unwrap_used)]

use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::timeout;
use virtxen_sim::xenstore::SimXenstore;
use virtxen_xenstore::wire::{HEADER, Kind, Packet};

fn request(kind: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in [kind, 7, 0, payload.len() as u32] {
        bytes.extend(word.to_ne_bytes());
    }
    bytes.extend(payload);
    bytes
}

/// The next packet but events; `None` at the end of the connection.
async fn reply(stream: &mut DuplexStream) -> Option<Packet> {
    loop {
        let mut bytes = vec![0; HEADER];
        stream.read_exact(&mut bytes).await.ok()?;
        let length = u32::from_ne_bytes(bytes[12..16].try_into().unwrap());
        bytes.resize(HEADER + length as usize, 0);
        stream.read_exact(&mut bytes[HEADER..]).await.ok()?;
        let (packet, _) = Packet::decode(&bytes).unwrap().unwrap();
        if packet.kind != Kind::WatchEvent {
            return Some(packet);
        }
    }
}

async fn ask(stream: &mut DuplexStream, kind: Kind, payload: &[u8]) -> String {
    let bytes = request(kind as u32, payload);
    stream.write_all(&bytes).await.unwrap();
    let packet = reply(stream).await.unwrap();
    String::from_utf8_lossy(&packet.payload).replace('\0', " ")
}

#[tokio::test]
async fn an_unknown_message_is_refused_and_a_long_one_ends_the_connection() {
    let server = SimXenstore::new((4, 17));
    let mut stream = server.connect();
    stream.write_all(&request(99, b"what?\0")).await.unwrap();
    let packet = reply(&mut stream).await.unwrap();
    assert_eq!((packet.kind, packet.request), (Kind::Error, 7));
    assert_eq!(packet.payload, b"ENOSYS\0");
    assert_eq!(ask(&mut stream, Kind::Mkdir, b"/a\0").await, "OK ");
    let mut long = request(Kind::Read as u32, b"");
    long[12..16].copy_from_slice(&4097_u32.to_ne_bytes());
    stream.write_all(&long).await.unwrap();
    assert_eq!(reply(&mut stream).await, None);
}

#[tokio::test]
async fn who_does_not_read_its_replies_is_not_served_on() {
    let server = SimXenstore::new((4, 17));
    let mut stream = server.connect();
    let many = request(Kind::Read as u32, b"/tool\0").repeat(10_000);
    let flood = async {
        for _ in 0..1000 {
            stream.write_all(&many).await.unwrap();
        }
    };
    assert!(timeout(Duration::from_millis(500), flood).await.is_err());
}

#[tokio::test]
async fn who_does_not_read_its_events_loses_its_connection() {
    let server = SimXenstore::new((4, 17));
    let mut stream = server.connect();
    assert_eq!(ask(&mut stream, Kind::Watch, b"/w\0t\0").await, "OK ");
    for number in 0..100_000 {
        server.write("/w", &number.to_string());
    }
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(reply(&mut stream).await, None);
}

#[tokio::test]
async fn restrict_is_there_from_4_1_to_4_8() {
    for (release, known) in [
        ((4, 0), false),
        ((4, 1), true),
        ((4, 8), true),
        ((4, 9), false),
    ] {
        let server = SimXenstore::new(release);
        server.introduce(3);
        let mut stream = server.connect();
        let told = ask(&mut stream, Kind::Restrict, b"3\0").await;
        assert_eq!(told, if known { "OK " } else { "ENOSYS " }, "{release:?}");
        let written = ask(&mut stream, Kind::Write, b"/tool/x\0y").await;
        assert_eq!(written, if known { "EACCES " } else { "OK " });
    }
}

#[tokio::test]
async fn messages_come_with_their_releases() {
    for (release, kind) in [
        ((3, 0), Kind::Resume),
        ((3, 2), Kind::SetTarget),
        ((4, 1), Kind::ResetWatches),
        ((4, 8), Kind::DirectoryPart),
    ] {
        let mut old = SimXenstore::new(release).connect();
        assert_eq!(ask(&mut old, kind, b"/\x000\0").await, "ENOSYS ");
        let mut new = SimXenstore::new((4, 9)).connect();
        assert_ne!(ask(&mut new, kind, b"/\x000\0").await, "ENOSYS ");
    }
}

#[tokio::test]
async fn a_guest_gives_no_node_away_and_hears_of_what_it_may_read() {
    let server = SimXenstore::new((4, 17));
    server.write("/local/domain/3/secret", "1");
    server.write("/local/domain/3/own", "1");
    let mut tools = server.connect();
    let own = b"/local/domain/3/own\0n3\0";
    assert_eq!(ask(&mut tools, Kind::SetPerms, own).await, "OK ");
    let mut guest = server.connect_as(3);
    let kept = ask(&mut guest, Kind::SetPerms, b"own\0n3\0b0\0").await;
    assert_eq!(kept, "OK ");
    let given = ask(&mut guest, Kind::SetPerms, b"own\0n0\0").await;
    assert_eq!(given, "EPERM ");
    assert_eq!(ask(&mut guest, Kind::Read, b"secret\0").await, "EACCES ");
    ask(&mut guest, Kind::Watch, b"secret\0s\0").await;
    ask(&mut guest, Kind::Watch, b"own\0o\0").await;
    ask(&mut guest, Kind::GetDomainPath, b"0\0").await;
    server.write("/local/domain/3/secret", "2");
    server.write("/local/domain/3/own", "2");
    let mut bytes = vec![0; 1024];
    let count = guest.read(&mut bytes).await.unwrap();
    let told = String::from_utf8_lossy(&bytes[..count]).into_owned();
    assert!(told.contains("own") && !told.contains("secret"), "{told}");
}
