//! The simulated xenstored answers as the real one does, byte for byte: the same
//! requests go to both, replies and events are compared.
//!
//! The real one is at the socket that `VIRTXEN_XENSTORED` names, which `cargo xtask
//! foreign` starts; without it these tests say so and pass. What a guest may do is
//! not here: all who come over the socket are Domain-0.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::HashMap;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use virtxen_sim::xenstore::SimXenstore;
use virtxen_xenstore::Stream;
use virtxen_xenstore::wire::{HEADER, Kind, Packet};

const LIMIT: Duration = Duration::from_secs(5);

/// Clients of each server.
const CLIENTS: usize = 2;

/// A request; transactions have letters, since each server numbers them as it likes.
#[derive(Clone, Debug)]
struct Step {
    client: usize,
    kind: Kind,
    transaction: Option<char>,
    payload: Vec<u8>,
}

/// What came of a step: the reply, and the events of every client.
#[derive(Debug, PartialEq)]
struct Outcome {
    reply: String,
    events: Vec<Vec<String>>,
}

struct Peer {
    stream: Box<dyn Stream>,
    next: u32,
    events: Vec<String>,
}

impl Peer {
    async fn ask(&mut self, kind: Kind, transaction: u32, payload: &[u8]) -> Packet {
        self.next += 1;
        let mut bytes = Vec::new();
        for word in [kind as u32, self.next, transaction, payload.len() as u32] {
            bytes.extend(word.to_ne_bytes());
        }
        bytes.extend(payload);
        self.stream.write_all(&bytes).await.unwrap();
        loop {
            let packet = timeout(LIMIT, self.packet()).await.unwrap();
            if packet.kind == Kind::WatchEvent {
                self.events.push(text(&packet.payload));
            } else {
                assert_eq!(packet.request, self.next);
                return packet;
            }
        }
    }

    async fn packet(&mut self) -> Packet {
        let mut bytes = vec![0; HEADER];
        self.stream.read_exact(&mut bytes).await.unwrap();
        let length = u32::from_ne_bytes(bytes[12..16].try_into().unwrap());
        bytes.resize(HEADER + length as usize, 0);
        self.stream.read_exact(&mut bytes[HEADER..]).await.unwrap();
        Packet::decode(&bytes).unwrap().unwrap().0
    }
}

/// A server and its clients.
struct Server {
    peers: Vec<Peer>,
    transactions: HashMap<char, u32>,
}

impl Server {
    fn new(streams: Vec<Box<dyn Stream>>) -> Self {
        let peer = |stream| Peer {
            stream,
            next: 0,
            events: Vec::new(),
        };
        Self {
            peers: streams.into_iter().map(peer).collect(),
            transactions: HashMap::new(),
        }
    }

    async fn step(&mut self, step: &Step) -> Outcome {
        let letter = step.transaction;
        let starts = step.kind == Kind::TransactionStart;
        let known = letter.and_then(|letter| self.transactions.get(&letter));
        let id = match letter {
            Some(_) if starts => 0,
            Some(_) => known.copied().unwrap_or(999_999),
            None => 0,
        };
        let peer = &mut self.peers[step.client];
        let reply = peer.ask(step.kind, id, &step.payload).await;
        let mut payload = reply.payload;
        if reply.kind == Kind::TransactionStart {
            let number = text(&payload).trim_end_matches("\\0").parse().unwrap();
            self.transactions.insert(letter.unwrap_or('?'), number);
            payload.clear();
        }
        if reply.kind == Kind::DirectoryPart {
            // It begins with a generation, which is each server's own.
            let end = payload.iter().position(|byte| *byte == 0).unwrap();
            payload.drain(..end);
        }
        let mut events = Vec::new();
        for peer in &mut self.peers {
            // What happened before is told before this is answered.
            peer.ask(Kind::GetDomainPath, 0, b"0\0").await;
            let mut told = std::mem::take(&mut peer.events);
            told.sort();
            events.push(told);
        }
        let reply = format!("{:?} {}", reply.kind, text(&payload));
        Outcome { reply, events }
    }
}

fn text(payload: &[u8]) -> String {
    payload
        .iter()
        .flat_map(|byte| std::ascii::escape_default(*byte))
        .map(char::from)
        .collect::<String>()
        .replace("\\x00", "\\0")
}

fn step(kind: Kind, payload: &[u8]) -> Step {
    Step {
        client: 0,
        kind,
        transaction: None,
        payload: payload.to_vec(),
    }
}

/// Both servers, the simulated one first; `None` where there is no real one.
async fn servers() -> Option<[Server; 2]> {
    let Some(real) = std::env::var_os("VIRTXEN_XENSTORED") else {
        println!("skipped: VIRTXEN_XENSTORED names no xenstored");
        return None;
    };
    let simulated = SimXenstore::new((4, 17));
    let mut streams: [Vec<Box<dyn Stream>>; 2] = Default::default();
    for _ in 0..CLIENTS {
        streams[0].push(Box::new(simulated.connect()));
        let real = tokio::net::UnixStream::connect(&real).await.unwrap();
        streams[1].push(Box::new(real));
    }
    let mut servers = streams.map(Server::new);
    for server in &mut servers {
        server.step(&step(Kind::Rm, b"/alike\0")).await;
    }
    Some(servers)
}

/// Does a step on both; what they said where they disagree.
async fn compare(step: &Step, [simulated, real]: &mut [Server; 2]) -> Result<(), String> {
    let (simulated, real) = (simulated.step(step).await, real.step(step).await);
    if simulated == real {
        return Ok(());
    }
    let payload = text(&step.payload);
    Err(format!(
        "client {}, {:?} {payload} in {:?}:\n  simulated {simulated:?}\n  real      {real:?}",
        step.client, step.kind, step.transaction
    ))
}

/// Does all steps on both.
async fn agree(steps: &[Step]) {
    let Some(mut servers) = servers().await else {
        return;
    };
    let mut differences = Vec::new();
    for step in steps {
        differences.extend(compare(step, &mut servers).await.err());
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[tokio::test]
async fn on_nodes() {
    let long = [b"/alike/v\0".as_slice(), &[b'x'; 4087]].concat();
    let deep = format!("/alike/{}\0", "d/".repeat(50) + "e");
    agree(&[
        step(Kind::Read, b"/alike\0"),
        step(Kind::Rm, b"/alike/x/y\0"),
        step(Kind::Write, b"/alike/a/b\0one\0two"),
        step(Kind::Read, b"/alike/a/b\0"),
        step(Kind::Read, b"/alike/a\0"),
        step(Kind::Write, b"/alike/a/empty\0"),
        step(Kind::Mkdir, b"/alike/a/b\0"),
        step(Kind::Mkdir, b"/alike/a/c/d\0"),
        step(Kind::Read, b"/alike/a/b\0"),
        step(Kind::Directory, b"/alike/a\0"),
        step(Kind::Directory, b"/alike/a/b\0"),
        step(Kind::Rm, b"/alike/a/b\0"),
        step(Kind::Rm, b"/alike/a/b\0"),
        step(Kind::Write, b"/alike/a/b\0again"),
        step(Kind::Directory, b"/alike/a\0"),
        step(Kind::Rm, b"/alike/a/q/r\0"),
        step(Kind::Rm, b"/\0"),
        step(Kind::Write, &long),
        step(Kind::Read, b"/alike/v\0"),
        step(Kind::Write, deep.as_bytes()),
        step(Kind::Directory, b"/alike/d/d/d\0"),
    ])
    .await;
}

#[tokio::test]
async fn on_permissions() {
    agree(&[
        step(Kind::Write, b"/alike/p\0x"),
        step(Kind::GetPerms, b"/alike/p\0"),
        step(Kind::SetPerms, b"/alike/p\0b3\0r5\0n7\0w9\0"),
        step(Kind::GetPerms, b"/alike/p\0"),
        step(Kind::Write, b"/alike/p/child/below\0x"),
        step(Kind::GetPerms, b"/alike/p/child/below\0"),
        step(Kind::SetPerms, b"/alike/p\0"),
        step(Kind::SetPerms, b"/alike/p\0x3\0"),
        step(Kind::SetPerms, b"/alike/p\0r\0"),
        step(Kind::SetPerms, b"/alike/p\0r5x\0"),
        step(Kind::SetPerms, b"/alike/q\0r5\0"),
        step(Kind::GetPerms, b"/alike/q\0"),
    ])
    .await;
}

/// A single path without its NUL is not among these: xenstored 4.17 takes whatever
/// error it had before for the reply, and ends when there was none.
#[tokio::test]
async fn on_what_is_wrong() {
    agree(&[
        step(Kind::Read, b"/alike/\0"),
        step(Kind::Read, b"/alike//x\0"),
        step(Kind::Read, b"/al ike\0"),
        step(Kind::Read, b"/al\xffike\0"),
        step(Kind::Read, b"\0"),
        step(Kind::Write, b"/alike/w"),
        step(Kind::Write, b"/alike/w\0"),
        step(Kind::Write, b""),
        step(Kind::Mkdir, b"/alike/m/\0"),
        step(Kind::Directory, b"@releaseDomain\0"),
        step(Kind::Watch, b"/alike\0"),
        step(Kind::Watch, b"/alike/\0t\0"),
        step(Kind::Watch, b"@nobody\0t\0"),
        step(Kind::Unwatch, b"/alike\0t\0"),
        step(Kind::GetDomainPath, b"x\0"),
        step(Kind::GetDomainPath, b"7\0"),
        step(Kind::IsDomainIntroduced, b"0\0"),
        step(Kind::IsDomainIntroduced, b"77\0"),
        step(Kind::Release, b"77\0"),
        step(Kind::Release, b"x\0"),
        step(Kind::Resume, b"77\0"),
        step(Kind::SetTarget, b"77\x001\0"),
        step(Kind::Introduce, b"1\0"),
        step(Kind::Restrict, b"1\0"),
        step(Kind::GetFeature, b""),
        step(Kind::SetQuota, b""),
        step(Kind::Error, b""),
        step(Kind::WatchEvent, b""),
        step(Kind::TransactionEnd, b"T\0"),
        step(Kind::TransactionStart, b""),
    ])
    .await;
}

#[tokio::test]
async fn on_big_directories() {
    let mut steps = Vec::new();
    for number in 0..300 {
        let path = format!("/alike/big/a-name-of-some-length-{number}\0");
        steps.push(step(Kind::Mkdir, path.as_bytes()));
    }
    steps.push(step(Kind::Directory, b"/alike/big\0"));
    for offset in ["0", "25", "4060", "100000", "-1", "x"] {
        let payload = format!("/alike/big\0{offset}\0");
        steps.push(step(Kind::DirectoryPart, payload.as_bytes()));
    }
    steps.push(step(Kind::DirectoryPart, b"/alike/big\0"));
    steps.push(step(Kind::DirectoryPart, b"/alike/none\x000\0"));
    agree(&steps).await;
}

#[tokio::test]
async fn on_introduced_domains() {
    let watch = |client, payload: &[u8]| Step {
        client,
        ..step(Kind::Watch, payload)
    };
    agree(&[
        watch(1, b"@introduceDomain\0in\0"),
        watch(1, b"@releaseDomain\0out\0"),
        step(Kind::Introduce, b"1\x001\x001\0"),
        step(Kind::IsDomainIntroduced, b"1\0"),
        step(Kind::Introduce, b"1\x001\x001\0"),
        step(Kind::SetTarget, b"1\x000\0"),
        step(Kind::Resume, b"1\0"),
        step(Kind::Release, b"1\0"),
        step(Kind::IsDomainIntroduced, b"1\0"),
        step(Kind::Release, b"1\0"),
        Step {
            client: 1,
            ..step(Kind::ResetWatches, b"\0")
        },
        step(Kind::Introduce, b"1\x001\x001\0"),
        step(Kind::Release, b"1\0"),
    ])
    .await;
}

/// Nodes that all steps are about.
fn path() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("/alike".to_owned()),
        "/alike/[abc]".prop_map(|path| path),
        "/alike/[ab]/[ab]".prop_map(|path| path),
        "/alike/[ab]/[ab]/[ab]".prop_map(|path| path),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![
        4 => Just((Kind::Write, "\0value")),
        2 => Just((Kind::Write, "\0")),
        3 => Just((Kind::Mkdir, "\0")),
        2 => Just((Kind::Rm, "\0")),
        2 => Just((Kind::Read, "\0")),
        2 => Just((Kind::Directory, "\0")),
        1 => Just((Kind::GetPerms, "\0")),
        1 => Just((Kind::SetPerms, "\0n0\0r3\0")),
        2 => Just((Kind::Watch, "\0one\0")),
        1 => Just((Kind::Watch, "\0two\0")),
        1 => Just((Kind::Unwatch, "\0one\0")),
        3 => Just((Kind::TransactionStart, "")),
        2 => Just((Kind::TransactionEnd, "T")),
        1 => Just((Kind::TransactionEnd, "F")),
    ];
    let letter = prop_oneof![3 => Just(None), 4 => "[xy]".prop_map(|it| it.chars().next())];
    (0..CLIENTS, kind, letter, path()).prop_map(|(client, (kind, rest), letter, path)| {
        // A connection has its own transactions.
        let own = letter.map(|letter: char| {
            if client == 0 {
                letter
            } else {
                letter.to_ascii_uppercase()
            }
        });
        let (transaction, payload) = match kind {
            Kind::TransactionStart => (own.or(Some('z')), "\0".to_owned()),
            Kind::TransactionEnd => (own, format!("{rest}\0")),
            Kind::Watch | Kind::Unwatch => (None, path + rest),
            _ => (own, path + rest),
        };
        Step {
            client,
            kind,
            transaction,
            payload: payload.into_bytes(),
        }
    })
}

#[test]
fn on_whatever_comes() {
    if std::env::var_os("VIRTXEN_XENSTORED").is_none() {
        println!("skipped: VIRTXEN_XENSTORED names no xenstored");
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let cases = std::env::var("PROPTEST_CASES").ok();
    let config = Config {
        cases: cases.map_or(200, |cases| cases.parse().unwrap()),
        failure_persistence: None,
        ..Config::default()
    };
    let sequences = proptest::collection::vec(any_step(), 1..60);
    // The same sequences each time; PROPTEST_CASES asks for more of them.
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, random)
        .run(&sequences, |steps| {
            runtime.block_on(async {
                let mut servers = servers().await.unwrap();
                for (index, step) in steps.iter().enumerate() {
                    let same = compare(step, &mut servers).await;
                    same.map_err(|it| TestCaseError::fail(format!("step {index}, {it}")))?;
                }
                Ok(())
            })
        })
        .unwrap();
}
