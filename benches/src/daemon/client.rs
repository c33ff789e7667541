//! A client of libvirt's protocol that waits for each answer: the same one for every
//! daemon that is measured.
//!
//! What is asked and timed is in the other files of the folder.

use crate::{Error, Result};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};
use virtxen_rpc::calls::{AuthList, ConnectOpen, OpenArguments};
use virtxen_rpc::{Call, ClientEvent, ClientSession, Keepalive, xdr};

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection that has been opened.
pub(crate) struct Client {
    session: ClientSession,
    stream: UnixStream,
    buffer: Vec<u8>,
    /// Events that came.
    events: usize,
}

impl Client {
    /// Connects and opens.
    pub(crate) fn open(socket: &Path) -> Result<Self> {
        let failed = |error: std::io::Error| Error::file(socket, &error);
        let stream = UnixStream::connect(socket).map_err(failed)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        let mut client = Self {
            session: ClientSession::new(Keepalive::default()),
            stream,
            buffer: vec![0; 1 << 18],
            events: 0,
        };
        // As every client does: libvirtd lets root in without more, once it was asked how.
        client.call::<AuthList>(&())?;
        client.call::<ConnectOpen>(&OpenArguments {
            name: Some("xen:///system".to_owned()),
            flags: 0,
        })?;
        Ok(client)
    }

    /// The number of the process that answers.
    pub(crate) fn server(&self) -> Result<i32> {
        let peer = rustix::net::sockopt::socket_peercred(&self.stream);
        let peer = peer.map_err(|error| failure(&std::io::Error::from(error)))?;
        Ok(peer.pid.as_raw_nonzero().get())
    }

    /// Makes a call and waits for its reply.
    pub(crate) fn call<C: Call>(&mut self, arguments: &C::Arguments) -> Result<C::Reply> {
        self.session
            .call::<C>(arguments)
            .map_err(|error| failure(&error))?;
        while !self.session.output().is_empty() {
            let count = self.stream.write(self.session.output());
            self.session.sent(count.map_err(|error| failure(&error))?);
        }
        loop {
            let event = self.session.next_event().map_err(|error| failure(&error))?;
            match event {
                Some(ClientEvent::Reply(_, Ok(bytes))) => {
                    return xdr::from_bytes(&bytes).map_err(|error| failure(&error));
                }
                Some(ClientEvent::Reply(_, Err(error))) => return Err(failure(&error.text())),
                Some(_) => self.events += 1,
                None => self.receive()?,
            }
        }
    }

    /// Events that have been read so far, between replies.
    pub(crate) const fn events(&self) -> usize {
        self.events
    }

    /// Makes a call as far as the daemon takes it now, and reads nothing. False when it
    /// takes no more.
    pub(crate) fn send<C: Call>(&mut self, arguments: &C::Arguments) -> Result<bool> {
        let failed = |error: std::io::Error| failure(&error);
        self.session
            .call::<C>(arguments)
            .map_err(|error| failure(&error))?;
        self.stream.set_nonblocking(true).map_err(failed)?;
        while !self.session.output().is_empty() {
            match self.stream.write(self.session.output()) {
                Ok(count) => self.session.sent(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(true)
    }

    fn receive(&mut self) -> Result<()> {
        let count = self.stream.read(&mut self.buffer);
        match count.map_err(|error| failure(&error))? {
            0 => Err(failure(&"the daemon hung up")),
            count => {
                let bytes = self.buffer.get(..count).unwrap_or_default();
                self.session.receive(bytes, Instant::now());
                Ok(())
            }
        }
    }
}

fn failure(reason: &dyn std::fmt::Display) -> Error {
    Error::Document {
        name: "a call".to_owned(),
        reason: reason.to_string(),
    }
}
