//! What must not hurt: clients that send nonsense, too little, nothing or too much,
//! and too many of them; and how the daemon begins and ends.
#![allow(clippy::unwrap_used)]

mod common;

use common::Daemon;
use common::client::Client;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::Stdio;
use std::time::Duration;
use virtxen_rpc::calls::{ConnectGetHostname, ConnectGetType};

/// The head of a call: program, version, procedure, kind, serial, status.
fn packet(length: u32, words: [u32; 6]) -> Vec<u8> {
    let words = std::iter::once(length).chain(words);
    words.flat_map(u32::to_be_bytes).collect()
}

const REMOTE: u32 = 0x2000_8086;

fn is_served(daemon: &Daemon) {
    let mut client = Client::open(daemon);
    assert_eq!(client.call::<ConnectGetType>(&()).unwrap(), "Xen");
}

/// What the daemon sends until it hangs up.
fn read_to_end(mut stream: UnixStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        result => drop(result.unwrap()),
    }
    bytes
}

#[test]
fn who_does_not_speak_the_protocol_is_sent_away() {
    let daemon = Daemon::start("sim:");
    for garbage in [
        b"GET / HTTP/1.1\r\nHost: xen\r\n\r\n".to_vec(),
        vec![0; 64],
        vec![0xff; 1 << 16],
        packet(27, [REMOTE, 1, 1, 0, 0, 0]),
        packet(u32::MAX, [REMOTE, 1, 1, 0, 0, 0]),
    ] {
        let mut stream = daemon.connect();
        // It may hang up before it has got everything.
        let _ = stream.write_all(&garbage);
        assert_eq!(read_to_end(stream), b"", "{:?}...", &garbage[..8]);
        is_served(&daemon);
    }
}

#[test]
fn a_call_of_an_unknown_program_is_answered() {
    let daemon = Daemon::start("sim:");
    let mut stream = daemon.connect();
    stream
        .write_all(&packet(28, [0x0690_0690, 1, 1, 0, 7, 0]))
        .unwrap();
    let mut head = [0; 28];
    stream.read_exact(&mut head).unwrap();
    let reply = packet(0, [0x0690_0690, 1, 1, 1, 7, 1]);
    assert_eq!(head[4..], reply[4..], "an error, with the call's number");
}

#[test]
fn who_says_half_a_word_or_does_not_listen_delays_nobody() {
    let daemon = Daemon::start("sim:?guests=20");
    let mut silent = daemon.connect();
    silent
        .write_all(&packet(28, [REMOTE, 1, 1, 0, 0, 0])[..9])
        .unwrap();
    let mut deaf = Client::open(&daemon);
    for _ in 0..1000 {
        deaf.session.call::<ConnectGetHostname>(&()).unwrap();
    }
    let mut stream = deaf.stream();
    stream
        .set_write_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    // It stops taking what it has no room to answer.
    let _ = stream.write_all(deaf.session.output());
    is_served(&daemon);
    silent.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(read_to_end(silent), b"");
    is_served(&daemon);
}

/// As many as the settings allow by default, or as the machine does.
#[test]
fn thousands_of_silent_clients_cost_nobody_anything() {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX).min(8192);
    let raised = Rlimit {
        current: Some(most),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    let count = 4990.min(usize::try_from(most).unwrap() - 300);
    let daemon = Daemon::start("sim:");
    let mut silent: Vec<UnixStream> = (0..count).map(|_| daemon.connect()).collect();
    for half in silent.iter_mut().step_by(2) {
        half.write_all(&packet(28, [REMOTE, 1, 1, 0, 0, 0])[..9])
            .unwrap();
    }
    is_served(&daemon);
    drop(silent);
    is_served(&daemon);
}

#[test]
fn too_many_clients_wait() {
    let daemon = Daemon::start_with("sim:", |command, folder| {
        let file = folder.join("virtxend.conf");
        std::fs::write(&file, "max_clients = 2\n").unwrap();
        command.arg("--config").arg(file);
    });
    let (first, second) = (Client::open(&daemon), Client::open(&daemon));
    let mut third = daemon.connect();
    third
        .write_all(&packet(28, [REMOTE, 1, 66, 0, 0, 0]))
        .unwrap();
    third
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let mut byte = [0];
    let waiting = third.read(&mut byte).unwrap_err();
    assert_eq!(waiting.kind(), ErrorKind::WouldBlock);
    drop(first);
    third
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    third.read_exact(&mut byte).unwrap();
    drop(second);
}

#[test]
fn systemd_is_told_and_a_signal_ends_it_without_a_trace() {
    let notified = tempfile::tempdir().unwrap();
    let place = notified.path().join("notify");
    let systemd = UnixDatagram::bind(&place).unwrap();
    systemd
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let mut daemon = Daemon::start_with("sim:", |command, _| {
        command.env("NOTIFY_SOCKET", &place);
    });
    let told = || {
        let mut bytes = [0; 64];
        let count = systemd.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    };
    assert_eq!(told(), "READY=1");
    let _client = Client::open(&daemon);
    kill_process(Pid::from_child(&daemon.process), Signal::TERM).unwrap();
    assert_eq!(told(), "STOPPING=1");
    assert!(daemon.process.wait().unwrap().success());
    assert!(!daemon.socket().exists(), "the socket is still there");
}

#[test]
fn without_clients_it_ends_after_its_time() {
    let mut daemon = Daemon::start_with("sim:", |command, _| {
        command.args(["--timeout", "1"]);
    });
    let client = Client::open(&daemon);
    std::thread::sleep(Duration::from_millis(1500));
    assert!(
        daemon.process.try_wait().unwrap().is_none(),
        "it has a client"
    );
    drop(client);
    assert!(daemon.process.wait().unwrap().success());
}

#[test]
fn settings_are_followed_or_warned_about() {
    let mut daemon = Daemon::start_with("sim:", |command, folder| {
        let file = folder.join("virtxend.conf");
        let text = "unix_sock_rw_perms = \"0640\"\nmdns_adv = 0\nshine = 1\n";
        std::fs::write(&file, text).unwrap();
        command.arg("--config").arg(file).stderr(Stdio::piped());
    });
    let mode = std::fs::metadata(daemon.socket()).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o640);
    kill_process(Pid::from_child(&daemon.process), Signal::TERM).unwrap();
    let mut said = String::new();
    let mut errors = daemon.process.stderr.take().unwrap();
    errors.read_to_string(&mut said).unwrap();
    for words in [
        "line 2: mdns_adv has no effect",
        "line 3: unknown key shine",
    ] {
        assert!(said.contains(words), "{said}");
    }
}
