//! Conversations by chance: whatever the two ends do, every call gets one reply, bytes
//! of streams keep their order, and in the end nothing is left over.
//!
//! What single steps do is tested in the other files.

use super::*;
use proptest::prelude::*;

/// What both ends remember of a conversation.
struct Talk {
    pair: Pair,
    calls: Vec<ServerCall>,
    /// Streams at the client, with the next byte it expects.
    reading: BTreeMap<StreamId, u8>,
    /// Streams at the server, with the next byte it sends.
    writing: BTreeMap<StreamId, u8>,
    parts: Vec<StreamId>,
    finishes: Vec<StreamId>,
    asked: usize,
    answered: usize,
}

impl Talk {
    fn new(piece: usize) -> Self {
        Self {
            pair: Pair::opened(ServerSettings::default(), piece),
            calls: Vec::new(),
            reading: BTreeMap::new(),
            writing: BTreeMap::new(),
            parts: Vec::new(),
            finishes: Vec::new(),
            asked: 0,
            answered: 0,
        }
    }

    /// One step: what, and of whom.
    fn step(&mut self, action: u8, which: u8) {
        let client = &mut self.pair.client;
        let stream = nth(self.reading.keys(), which).copied();
        let served = nth(self.writing.keys(), which).copied();
        match (action % 14, stream, served) {
            (0, ..) => {
                client.call::<DomainGetInfo>(&domain(which)).unwrap();
                self.asked += 1;
            }
            (1, ..) => {
                let arguments = OpenDeviceArguments::default();
                client
                    .call_with_stream::<DomainOpenConsole>(&arguments)
                    .unwrap();
                self.asked += 1;
            }
            (2, Some(id), _) => client.send_stream(id, &[which]).unwrap(),
            (3, Some(id), _) => client.send_hole(id, which.into()).unwrap(),
            (4, Some(id), _) => client.finish_stream(id).unwrap(),
            (5, Some(id), _) => client.abort_stream(id).unwrap(),
            (6, _, Some(id)) if self.pair.server.is_stream_ready(id) => {
                let next = self.writing.entry(id).or_default();
                self.pair.server.send_stream(id, &[*next]).unwrap();
                *next = next.wrapping_add(1);
            }
            (7, _, Some(id)) => {
                let error = RemoteError::protocol("by chance");
                self.pair.server.fail_stream(id, &error).unwrap();
                self.writing.remove(&id);
            }
            (8, ..) => self.answer(which),
            (9, ..) => self.use_part(which),
            (10, ..) => self.finish(which),
            (11, ..) => {
                let silence = Duration::from_secs(u64::from(which));
                client.start_keepalive(self.pair.now);
                client.tick(self.pair.now + silence).unwrap();
            }
            (12, ..) => self.hear_client(),
            _ => self.hear_server(),
        }
    }

    fn hear_client(&mut self) {
        let mut requests = self.pair.server_gets();
        requests.extend(self.pair.requests());
        for request in requests {
            match request {
                ServerRequest::Call(call) => self.calls.push(call),
                ServerRequest::Stream(id, StreamPart::Finish) => self.finishes.push(id),
                ServerRequest::Stream(id, StreamPart::Abort) => {
                    self.writing.remove(&id);
                }
                ServerRequest::Stream(id, _) => self.parts.push(id),
            }
        }
    }

    fn hear_server(&mut self) {
        for event in self.pair.client_gets() {
            match event {
                ClientEvent::Reply(serial, result) => {
                    self.answered += 1;
                    if result.is_ok_and(|bytes| bytes.is_empty()) {
                        self.reading.insert(serial, 0);
                    }
                }
                ClientEvent::Stream(id, StreamEvent::Data(bytes)) => {
                    let expected = self.reading.get_mut(&id).unwrap();
                    assert_eq!(bytes, [*expected]);
                    *expected = expected.wrapping_add(1);
                }
                ClientEvent::Stream(id, StreamEvent::Finished | StreamEvent::Failed(_)) => {
                    self.reading.remove(&id);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn answer(&mut self, which: u8) {
        let Some(index) = index(self.calls.len(), which) else {
            return;
        };
        let call = self.calls.swap_remove(index);
        let (streams, server) = (call.procedure().number == 201, &mut self.pair.server);
        let ticket = call.into_ticket();
        if which % 5 == 4 {
            let error = RemoteError::protocol("by chance");
            server.reply_bytes(ticket, Err(&error)).unwrap();
        } else if streams {
            let id = server
                .reply_with_stream::<DomainOpenConsole>(ticket, &(), streams::BOTH_WAYS)
                .unwrap();
            self.writing.insert(id, 0);
        } else {
            let info = DomainInfo::default();
            server.reply::<DomainGetInfo>(ticket, Ok(info)).unwrap();
        }
    }

    fn use_part(&mut self, which: u8) {
        if let Some(index) = index(self.parts.len(), which) {
            let id = self.parts.swap_remove(index);
            self.pair.server.stream_used(id);
        }
    }

    fn finish(&mut self, which: u8) {
        if let Some(index) = index(self.finishes.len(), which) {
            let id = self.finishes.swap_remove(index);
            self.writing.remove(&id);
            self.pair.server.finish_stream(id, Ok(())).unwrap();
        }
    }

    /// Everybody does what is left to do, and closes what is open.
    fn end(&mut self) {
        for _ in 0..1000 {
            let open: Vec<StreamId> = self.reading.keys().copied().collect();
            for id in open {
                self.pair.client.abort_stream(id).unwrap();
            }
            self.hear_client();
            while !self.calls.is_empty() {
                self.answer(0);
            }
            while !self.parts.is_empty() {
                self.use_part(0);
            }
            while !self.finishes.is_empty() {
                self.finish(0);
            }
            self.hear_server();
            if self.answered == self.asked && self.reading.is_empty() {
                break;
            }
        }
        self.hear_client();
    }
}

fn index(length: usize, which: u8) -> Option<usize> {
    usize::from(which).checked_rem(length)
}

fn nth<T>(mut all: impl ExactSizeIterator<Item = T>, which: u8) -> Option<T> {
    index(all.len(), which).and_then(|index| all.nth(index))
}

proptest! {
    #[test]
    fn nothing_is_left_over(
        piece in prop_oneof![1usize..40, Just(1 << 20)],
        steps in proptest::collection::vec(any::<(u8, u8)>(), 0..150),
    ) {
        let mut talk = Talk::new(piece);
        for (action, which) in steps {
            talk.step(action, which);
        }
        talk.end();
        prop_assert_eq!(talk.answered, talk.asked);
        prop_assert!(talk.reading.is_empty(), "{:?}", talk.reading);
        let server = &talk.pair.server;
        prop_assert_eq!(server.streams().count(), 0);
        prop_assert_eq!((server.running, server.unsent.len(), server.held.len()), (0, 0, 0));
        prop_assert!(server.wants_input());
        prop_assert_eq!(talk.pair.client.waiting().count(), 0);
    }
}
