//! A client of libvirt's protocol that waits for each answer.

use super::Daemon;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Instant;
use virtxen_rpc::calls::{
    ConnectOpen, DomainLookupByName, DomainOpenConsole, OpenArguments, OpenDeviceArguments,
};
use virtxen_rpc::{
    Call, ClientEvent, ClientSession, Keepalive, RemoteError, Serial, StreamEvent, xdr,
};

/// A connection, and our end of the conversation on it.
pub(crate) struct Client<S = UnixStream> {
    pub(crate) session: ClientSession,
    stream: S,
}

impl Client {
    pub(crate) fn open(daemon: &Daemon) -> Self {
        let mut client = Self::on(daemon.connect());
        client
            .call::<ConnectOpen>(&OpenArguments::default())
            .unwrap();
        client
    }

    /// The socket, for those who want to misuse it.
    pub(crate) fn stream(&self) -> UnixStream {
        self.stream.try_clone().unwrap()
    }
}

impl<S: Read + Write> Client<S> {
    /// A client that has not opened anything yet.
    pub(crate) fn on(stream: S) -> Self {
        Self {
            session: ClientSession::new(Keepalive::default()),
            stream,
        }
    }

    /// Reads bytes that are not of the protocol.
    pub(crate) fn skip(&mut self, count: usize) {
        self.stream.read_exact(&mut vec![0; count]).unwrap();
    }

    pub(crate) fn call<C: Call>(
        &mut self,
        arguments: &C::Arguments,
    ) -> Result<C::Reply, RemoteError> {
        let serial = self.session.call::<C>(arguments).unwrap();
        self.reply(serial)
            .map(|bytes| xdr::from_bytes(&bytes).unwrap())
    }

    pub(crate) fn console(&mut self, name: &str, flags: u32) -> Result<Serial, RemoteError> {
        let dom = self.call::<DomainLookupByName>(&name.to_owned())?;
        let arguments = OpenDeviceArguments {
            dom,
            name: None,
            flags,
        };
        let serial = self
            .session
            .call_with_stream::<DomainOpenConsole>(&arguments)
            .unwrap();
        self.reply(serial).map(|_| serial)
    }

    fn reply(&mut self, serial: Serial) -> Result<Vec<u8>, RemoteError> {
        loop {
            if let ClientEvent::Reply(number, result) = self.event() {
                assert_eq!(number, serial);
                return result;
            }
        }
    }

    /// As [`Client::call`], with a daemon that may be gone.
    pub(crate) fn try_call<C: Call>(
        &mut self,
        arguments: &C::Arguments,
    ) -> std::io::Result<Result<C::Reply, RemoteError>> {
        let serial = self.session.call::<C>(arguments).unwrap();
        loop {
            if let ClientEvent::Reply(number, result) = self.next()? {
                assert_eq!(number, serial);
                return Ok(result.map(|bytes| xdr::from_bytes(&bytes).unwrap()));
            }
        }
    }

    /// What the guest writes until it has written `words`.
    pub(crate) fn shown(&mut self, stream: Serial, words: &str) {
        let mut text = Vec::new();
        while !String::from_utf8_lossy(&text).contains(words) {
            match self.stream_event(stream) {
                StreamEvent::Data(bytes) => text.extend(bytes),
                other => panic!("{other:?} after {}", String::from_utf8_lossy(&text)),
            }
        }
    }

    pub(crate) fn stream_event(&mut self, stream: Serial) -> StreamEvent {
        match self.event() {
            ClientEvent::Stream(serial, event) if serial == stream => event,
            other => panic!("{other:?}"),
        }
    }

    /// Whether a call is answered well; false also when the daemon hangs up.
    pub(crate) fn tries<C: Call>(&mut self, arguments: &C::Arguments) -> bool {
        self.session.call::<C>(arguments).unwrap();
        matches!(self.next(), Ok(ClientEvent::Reply(_, Ok(_))))
    }

    /// Sends what waits.
    pub(crate) fn send(&mut self) {
        self.try_send().unwrap();
    }

    fn try_send(&mut self) -> std::io::Result<()> {
        while !self.session.output().is_empty() {
            let count = self.stream.write(self.session.output())?;
            self.session.sent(count);
        }
        Ok(())
    }

    pub(crate) fn event(&mut self) -> ClientEvent {
        self.next().unwrap()
    }

    fn next(&mut self) -> std::io::Result<ClientEvent> {
        loop {
            self.try_send()?;
            if let Some(event) = self.session.next_event().unwrap() {
                return Ok(event);
            }
            let mut bytes = [0; 4096];
            let count = self.stream.read(&mut bytes)?;
            if count == 0 {
                return Err(std::io::Error::other("the daemon hung up"));
            }
            self.session.receive(&bytes[..count], Instant::now());
        }
    }
}
