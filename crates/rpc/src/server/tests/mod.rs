//! Both ends of a connection against each other, cut into pieces of every size, and
//! a server against clients that behave badly.
//!
//! Foreign clients are in the crate's `tests` folder.

mod calls;
mod chance;
mod events;
mod opening;
mod streams;

use super::*;
use crate::calls::*;
use crate::client::{ClientEvent, ClientSession, StreamEvent};
use crate::packet::{Header, Kind, Program, Status, write_packet};
use crate::xdr::{List, from_bytes, to_bytes};
use crate::{Call, Domain, DomainEvent, RemoteError, TypedParam, code};
use std::time::Duration;

/// A client and a server, with a wire between them.
struct Pair {
    client: ClientSession,
    server: ServerSession,
    piece: usize,
    now: Instant,
}

impl Pair {
    fn new(settings: ServerSettings, piece: usize) -> Self {
        Self {
            client: ClientSession::new(Keepalive::default()),
            server: ServerSession::new(settings),
            piece,
            now: Instant::now(),
        }
    }

    fn opened(settings: ServerSettings, piece: usize) -> Self {
        let mut pair = Self::new(settings, piece);
        pair.client.call::<ConnectOpen>(&open(0)).unwrap();
        let call = pair.one_call();
        pair.server
            .reply::<ConnectOpen>(call.into_ticket(), Ok(()))
            .unwrap();
        let events = pair.client_gets();
        assert!(matches!(events.as_slice(), [ClientEvent::Reply(_, Ok(_))]));
        pair
    }

    /// Carries bytes to the server; what it is asked for.
    fn server_gets(&mut self) -> Vec<ServerRequest> {
        let bytes = self.client.output().to_vec();
        self.client.sent(bytes.len());
        let mut requests = Vec::new();
        for piece in bytes.chunks(self.piece) {
            self.server.receive(piece, self.now);
            requests.extend(self.requests());
        }
        requests
    }

    fn requests(&mut self) -> Vec<ServerRequest> {
        let mut requests = Vec::new();
        while let Some(request) = self.server.next_request(self.now).unwrap() {
            requests.push(request);
        }
        requests
    }

    fn one_call(&mut self) -> ServerCall {
        match self.server_gets().pop() {
            Some(ServerRequest::Call(call)) => call,
            other => panic!("{other:?}"),
        }
    }

    /// Carries bytes to the client; what it gets.
    fn client_gets(&mut self) -> Vec<ClientEvent> {
        let mut events = Vec::new();
        while !self.server.output().is_empty() {
            let count = self.server.output().len().min(self.piece);
            let piece = self.server.output()[..count].to_vec();
            self.server.sent(count);
            self.client.receive(&piece, self.now);
            while let Some(event) = self.client.next_event().unwrap() {
                events.push(event);
            }
        }
        events
    }

    /// A call that the session answers itself.
    fn ask<C: Call>(
        &mut self,
        arguments: &C::Arguments,
    ) -> std::result::Result<C::Reply, RemoteError> {
        self.client.call::<C>(arguments).unwrap();
        let requests = self.server_gets();
        assert!(requests.is_empty(), "{requests:?}");
        match self.client_gets().pop() {
            Some(ClientEvent::Reply(_, Ok(bytes))) => Ok(from_bytes(&bytes).unwrap()),
            Some(ClientEvent::Reply(_, Err(error))) => Err(error),
            other => panic!("{other:?}"),
        }
    }
}

fn open(flags: u32) -> OpenArguments {
    OpenArguments {
        name: Some("xen:///system".into()),
        flags,
    }
}

fn domain(byte: u8) -> Domain {
    Domain {
        name: format!("dom{byte}"),
        uuid: [byte; 16],
        id: byte.into(),
    }
}

const PIECES: &[usize] = &[1, 2, 3, 5, 7, 16, 27, 28, 29, 64, 1 << 20];
