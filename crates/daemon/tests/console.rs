//! Consoles through the daemon: virsh in a terminal of its own, and clients that want
//! the same console.
//!
//! What needs virsh is skipped with a printed line where it is not installed.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Daemon, has_virsh};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::time::Instant;
use virtxen_rpc::calls::{
    ConnectOpen, DomainLookupByName, DomainOpenConsole, NodeGetInfo, OpenArguments,
    OpenDeviceArguments,
};
use virtxen_rpc::{
    Call, ClientEvent, ClientSession, Domain, Keepalive, RemoteError, Serial, StreamEvent, code,
    xdr,
};

/// `VIR_DOMAIN_CONSOLE_FORCE` and `_SAFE`.
const FORCE: u32 = 1;
const SAFE: u32 = 2;

/// A client of the protocol that waits for each answer.
struct Client {
    session: ClientSession,
    stream: UnixStream,
}

impl Client {
    fn open(daemon: &Daemon) -> Self {
        let mut client = Self {
            session: ClientSession::new(Keepalive::default()),
            stream: daemon.connect(),
        };
        client
            .call::<ConnectOpen>(&OpenArguments::default())
            .unwrap();
        client
    }

    fn call<C: Call>(&mut self, arguments: &C::Arguments) -> Result<C::Reply, RemoteError> {
        let serial = self.session.call::<C>(arguments).unwrap();
        self.reply(serial)
            .map(|bytes| xdr::from_bytes(&bytes).unwrap())
    }

    fn console(&mut self, name: &str, flags: u32) -> Result<Serial, RemoteError> {
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

    /// What the guest writes until it has written `words`.
    fn shown(&mut self, stream: Serial, words: &str) {
        let mut text = Vec::new();
        while !String::from_utf8_lossy(&text).contains(words) {
            match self.stream_event(stream) {
                StreamEvent::Data(bytes) => text.extend(bytes),
                other => panic!("{other:?} after {}", String::from_utf8_lossy(&text)),
            }
        }
    }

    fn stream_event(&mut self, stream: Serial) -> StreamEvent {
        match self.event() {
            ClientEvent::Stream(serial, event) if serial == stream => event,
            other => panic!("{other:?}"),
        }
    }

    fn event(&mut self) -> ClientEvent {
        loop {
            while !self.session.output().is_empty() {
                let count = self.stream.write(self.session.output()).unwrap();
                self.session.sent(count);
            }
            if let Some(event) = self.session.next_event().unwrap() {
                return event;
            }
            let mut bytes = [0; 4096];
            let count = self.stream.read(&mut bytes).unwrap();
            assert!(count > 0, "the daemon hung up");
            self.session.receive(&bytes[..count], Instant::now());
        }
    }
}

#[test]
fn bytes_go_both_ways_until_the_client_has_enough() {
    let daemon = Daemon::start("sim:?guests=1");
    let mut client = Client::open(&daemon);
    let console = client.console("pv1", 0).unwrap();
    client.session.send_stream(console, b"ada\n").unwrap();
    client.shown(console, "ada");
    client.session.finish_stream(console).unwrap();
    while client.stream_event(console) != StreamEvent::Finished {}
    let again = client.console("pv1", 0).unwrap();
    client.session.abort_stream(again).unwrap();
    while client.stream_event(again) != StreamEvent::Finished {}
    client.call::<NodeGetInfo>(&()).unwrap();
}

#[test]
fn a_console_is_one_clients_until_another_takes_it() {
    let daemon = Daemon::start("sim:?guests=1");
    let (mut first, mut second) = (Client::open(&daemon), Client::open(&daemon));
    let console = first.console("pv1", 0).unwrap();
    let refused = second.console("pv1", 0).unwrap_err();
    assert_eq!(refused.code, code::OPERATION_FAILED);
    let unsafe_here = second.console("pv1", SAFE).unwrap_err();
    assert_eq!(unsafe_here.code, code::ARGUMENT_UNSUPPORTED);
    let taken = second.console("pv1", FORCE).unwrap();
    loop {
        match first.stream_event(console) {
            StreamEvent::Data(_) => {}
            StreamEvent::Failed(error) => {
                assert_eq!(error.code, code::OPERATION_ABORTED);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    second.session.send_stream(taken, b"eve\n").unwrap();
    second.shown(taken, "eve");
    drop(second);
    // The daemon sees the end of a client soon, not at once.
    let end = Instant::now() + std::time::Duration::from_secs(60);
    while first.console("pv1", 0).is_err() {
        assert!(Instant::now() < end, "the console is still taken");
    }
}

#[test]
fn the_console_ends_with_the_guest() {
    let daemon = Daemon::start("sim:?guests=1");
    let mut client = Client::open(&daemon);
    let console = client.console("pv1", 0).unwrap();
    let dom: Domain = client
        .call::<DomainLookupByName>(&"pv1".to_owned())
        .unwrap();
    let destroyed = client
        .session
        .call::<virtxen_rpc::calls::DomainDestroy>(&dom)
        .unwrap();
    let (mut ended, mut replied) = (false, false);
    while !(ended && replied) {
        match client.event() {
            ClientEvent::Stream(serial, event) if serial == console => {
                ended |= event == StreamEvent::End;
            }
            ClientEvent::Reply(serial, result) if serial == destroyed => {
                result.unwrap();
                replied = true;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        client.console("pv1", 0).unwrap_err().code,
        code::OPERATION_INVALID
    );
}

/// A terminal: our end, and the one for a program.
fn terminal() -> (File, File) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let path = OsStr::from_bytes(name.as_bytes());
    let theirs = OpenOptions::new().read(true).write(true).open(path);
    (File::from(ours), theirs.unwrap())
}

fn read_until(terminal: &mut File, words: &str) -> String {
    let mut text = String::new();
    while !text.contains(words) {
        let mut bytes = [0; 1024];
        let count = terminal.read(&mut bytes).unwrap_or(0);
        assert!(count > 0, "no '{words}' in {text}");
        text.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    text
}

#[test]
fn virsh_joins_a_console() {
    if !has_virsh() {
        return;
    }
    let daemon = Daemon::start("sim:?guests=1");
    let (mut ours, theirs) = terminal();
    let mut virsh = daemon
        .virsh(false)
        .args(["console", "pv1"])
        .stdin(theirs.try_clone().unwrap())
        .stdout(theirs.try_clone().unwrap())
        .stderr(theirs)
        .spawn()
        .unwrap();
    read_until(&mut ours, "Escape character is ^]");
    ours.write_all(b"grace\n").unwrap();
    read_until(&mut ours, "grace");
    ours.write_all(b"\x1d").unwrap();
    assert!(virsh.wait().unwrap().success());
}
