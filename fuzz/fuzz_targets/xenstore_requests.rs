//! The simulated xenstored's side of the protocol: each request that is a packet has
//! one reply with its number, whatever is in it, however the bytes are cut; what is
//! no packet ends the connection and leaves the store to others.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use virtxen_sim::xenstore::SimXenstore;
use virtxen_xenstore::wire::{Kind, MESSAGES, Packet};

/// Longer than any input needs.
const DEADLINE: Duration = Duration::from_secs(5);

/// A request: kind, transaction, what is in it.
type Request<'a> = (u8, u8, &'a [u8]);

fuzz_target!(|input: (u8, u8, Vec<Request<'_>>, &[u8])| {
    let (domid, piece, requests, rest) = input;
    let mut bytes = Vec::new();
    let mut count = 0;
    for (kind, transaction, payload) in requests {
        let packet = Packet {
            kind: MESSAGES[usize::from(kind) % MESSAGES.len()].0,
            request: count + 1,
            transaction: u32::from(transaction),
            payload: payload.to_vec(),
        };
        if packet.encode(&mut bytes).is_ok() {
            count += 1;
        }
    }
    bytes.extend(rest);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let talk = async {
        let store = SimXenstore::new((4, 21));
        store.introduce(1);
        store.write("/local/domain/1/name", "web");
        let replies = answers(&store, u32::from(domid % 3), usize::from(piece), &bytes).await;
        // All were answered, in order, before what is no request.
        let numbers: Vec<u32> = replies
            .iter()
            .filter(|packet| packet.kind != Kind::WatchEvent)
            .map(|packet| packet.request)
            .collect();
        if rest.is_empty() {
            assert_eq!(numbers, (1..=count).collect::<Vec<u32>>());
        }
        // Somebody else is served as before.
        let mut probe = Vec::new();
        let read = Packet {
            kind: Kind::Read,
            request: 7,
            transaction: 0,
            payload: b"/\0".to_vec(),
        };
        read.encode(&mut probe).expect("short");
        assert_eq!(answers(&store, 0, 0, &probe).await.len(), 1);
    };
    let ended = runtime.block_on(async { tokio::time::timeout(DEADLINE, talk).await });
    assert!(ended.is_ok(), "a request is never answered");
});

/// What a connection of this domain gets for the bytes, until it is silent.
async fn answers(store: &SimXenstore, domid: u32, piece: usize, bytes: &[u8]) -> Vec<Packet> {
    let stream = store.connect_as(domid);
    let (mut reader, mut writer) = tokio::io::split(stream);
    let send = async {
        for chunk in bytes.chunks(piece.max(1) * 16) {
            // The server may have ended the connection.
            if writer.write_all(chunk).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let receive = async {
        let mut received = Vec::new();
        // Time goes on only when nobody has anything to do: then no more will come.
        loop {
            let quiet = Duration::from_millis(1);
            match tokio::time::timeout(quiet, reader.read_buf(&mut received)).await {
                Ok(Ok(1..)) => {}
                _ => return received,
            }
        }
    };
    let ((), received) = tokio::join!(send, receive);
    let mut replies = Vec::new();
    let mut rest = received.as_slice();
    while let Some((packet, length)) = Packet::decode(rest).expect("a reply is a packet") {
        replies.push(packet);
        rest = &rest[length..];
    }
    assert!(rest.is_empty(), "half a reply");
    replies
}
