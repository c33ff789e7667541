//! How the daemon begins, changes and ends while clients are there: sockets from
//! systemd, settings that are read again, a program that is replaced, an end that
//! waits.
#![allow(clippy::unwrap_used)]

mod common;

use command_fds::{CommandFdExt, FdMapping};
use common::client::Client;
use common::pki::Authority;
use common::{Daemon, free_port, serve};
use rustix::process::{Pid, Signal, kill_process};
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};
use virtxen_rpc::calls::{
    ConnectNumOfDomains, ConnectOpen, ConnectRegisterCloseCallback, DomainGetState,
    DomainLookupByName, DomainSuspend, OpenArguments,
};
use virtxen_rpc::{ClientEvent, Domain, code};

/// `CONNECT_EVENT_CONNECTION_CLOSED`.
const CLOSED: i32 = 362;

fn signal(daemon: &Daemon, signal: Signal) {
    kill_process(Pid::from_child(&daemon.process), signal).unwrap();
}

fn open<S: std::io::Read + std::io::Write>(stream: S) -> Client<S> {
    let mut client = Client::on(stream);
    client
        .call::<ConnectOpen>(&OpenArguments::default())
        .unwrap();
    client
}

/// A daemon with sockets by name, as systemd starts it.
fn activated(folder: &Path, sockets: Vec<(&str, OwnedFd)>, settings: &str) -> Daemon {
    let count = sockets.len().to_string();
    let names: Vec<&str> = sockets.iter().map(|(name, _)| *name).collect();
    let file = folder.join("conf");
    std::fs::write(&file, settings).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_virtxend"));
    command
        .args(["--connect", "sim:?guests=1", "--config"])
        .arg(file)
        .env("LISTEN_FDS", count)
        .env("LISTEN_FDNAMES", names.join(":"))
        .stdin(Stdio::null());
    let mappings = (3..)
        .zip(sockets)
        .map(|(child_fd, (_, parent_fd))| FdMapping {
            parent_fd,
            child_fd,
        });
    command.fd_mappings(mappings.collect()).unwrap();
    Daemon::of(command.spawn().unwrap())
}

#[test]
fn sockets_of_systemd_are_used_and_left() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(&folder.path().join("pki"));
    authority.server();
    let [full, reads] = ["full", "reads"].map(|name| folder.path().join(name));
    let tls = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = tls.local_addr().unwrap().port();
    let sockets = vec![
        ("virtxend.socket", UnixListener::bind(&full).unwrap().into()),
        (
            "virtxend-ro.socket",
            UnixListener::bind(&reads).unwrap().into(),
        ),
        ("virtxend-tls.socket", tls.into()),
    ];
    let mut daemon = activated(folder.path(), sockets, &authority.settings(1));
    let suspend = |path: &Path| {
        let mut client = open(UnixStream::connect(path).unwrap());
        let domain: Domain = client
            .call::<DomainLookupByName>(&"pv1".to_owned())
            .unwrap();
        client.call::<DomainSuspend>(&domain)
    };
    assert_eq!(suspend(&reads).unwrap_err().code, code::OPERATION_DENIED);
    suspend(&full).unwrap();
    // No TLS: the daemon hangs up.
    let mut plain = TcpStream::connect(("127.0.0.1", port)).unwrap();
    std::io::Write::write_all(&mut plain, b"garbage that is no TLS").unwrap();
    let _ = plain.read_to_end(&mut Vec::new());
    signal(&daemon, Signal::TERM);
    assert!(daemon.process.wait().unwrap().success());
    assert!(full.exists() && reads.exists(), "they are systemd's");
}

#[test]
fn a_socket_without_a_known_name_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut daemon = activated(folder.path(), vec![("http", tcp.into())], "");
    assert!(!daemon.process.wait().unwrap().success());
}

/// Starts to suspend a domain, which takes its time, and waits until the daemon does
/// it.
fn begin_to_suspend(daemon: &Daemon, client: &mut Client) -> virtxen_rpc::Serial {
    let domain: Domain = client
        .call::<DomainLookupByName>(&"pv1".to_owned())
        .unwrap();
    let serial = client.session.call::<DomainSuspend>(&domain).unwrap();
    client.send();
    let mut other = Client::open(daemon);
    let end = Instant::now() + Duration::from_secs(20);
    while other
        .call::<virtxen_rpc::calls::DomainGetControlInfo>(&virtxen_rpc::calls::DomainFlags {
            dom: domain.clone(),
            flags: 0,
        })
        .unwrap()
        .state
        == 0
    {
        assert!(Instant::now() < end, "the job does not begin");
    }
    serial
}

#[test]
fn an_end_waits_for_calls_and_tells_clients() {
    let mut daemon = Daemon::start("sim:?guests=1&fault=slow,1500ms,op=pause");
    let mut client = Client::open(&daemon);
    client.call::<ConnectRegisterCloseCallback>(&()).unwrap();
    let serial = begin_to_suspend(&daemon, &mut client);
    signal(&daemon, Signal::TERM);
    match client.event() {
        ClientEvent::Reply(number, result) => {
            assert_eq!(number, serial);
            result.unwrap();
        }
        other => panic!("{other:?}"),
    }
    match client.event() {
        ClientEvent::Message(CLOSED, reason) => assert_eq!(reason, [0, 0, 0, 1]),
        other => panic!("{other:?}"),
    }
    assert_eq!(client.stream().read(&mut [0]).unwrap(), 0, "it hangs up");
    assert!(daemon.process.wait().unwrap().success());
    assert!(!daemon.socket().exists());
}

#[test]
fn a_job_whose_client_left_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let xend = folder.path().join("xend");
    serve("sim:?guests=1&fault=slow,1500ms,op=pause", &xend);
    let mut daemon = Daemon::start(&format!("xend+unix://{}", xend.display()));
    let mut client = Client::open(&daemon);
    begin_to_suspend(&daemon, &mut client);
    drop(client);
    let asked = Instant::now();
    signal(&daemon, Signal::TERM);
    assert!(daemon.process.wait().unwrap().success());
    assert!(
        asked.elapsed() > Duration::from_millis(500),
        "{:?}",
        asked.elapsed()
    );
}

#[test]
fn patience_ends_with_its_time_or_a_second_signal() {
    for (settings, second, words) in [
        (
            "shutdown_timeout = 1\n",
            false,
            "not everything has ended in 1 s",
        ),
        ("", true, "a second signal"),
    ] {
        let host = "sim:?guests=1&fault=hang,op=pause";
        let mut daemon = Daemon::start_set(host, settings, &[]);
        let mut client = Client::open(&daemon);
        begin_to_suspend(&daemon, &mut client);
        signal(&daemon, Signal::TERM);
        if second {
            daemon.wait_until("it does not listen", |daemon| !daemon.socket().exists());
            signal(&daemon, Signal::TERM);
        }
        assert!(daemon.process.wait().unwrap().success());
        daemon.said(words);
        daemon.said("left alone: suspend of pv1");
    }
}

#[test]
fn settings_are_read_again() {
    let port = free_port();
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(&folder.path().join("pki"));
    authority.server();
    let settings = authority.settings(port) + "log_level = 2\n";
    let daemon = Daemon::start_set("sim:", &settings, &["--listen"]);
    let write = |more: &str| {
        std::fs::write(
            daemon.folder().join("virtxend.conf"),
            format!("{settings}{more}"),
        )
        .unwrap();
        signal(&daemon, Signal::HUP);
    };
    write("unix_sock_ro_perms = \"0600\"\nauth_unix_rw = \"sasl\"\n");
    daemon.said("unix_sock_ro_perms has changed");
    daemon.said("have been read again");
    let mut client = Client::on(daemon.connect());
    let refused = client.call::<ConnectOpen>(&OpenArguments::default());
    assert_eq!(
        refused.unwrap_err().code,
        code::RPC,
        "it has to prove something now"
    );
    write("auth_unix_rw = \"dance\"\n");
    daemon.said("stay as they are");
    std::fs::write(authority.folder().join("servercert.pem"), "").unwrap();
    write("auth_unix_rw = \"none\"\n");
    daemon.said("servercert.pem: it has none");
    authority.server();
    write("max_clients = 1\n");
    drop(client);
    let mut daemon = daemon;
    daemon.wait_until("nothing has to be proved again", |daemon| {
        Client::on(daemon.connect()).tries::<ConnectOpen>(&OpenArguments::default())
    });
}

#[test]
fn a_replaced_program_refuses_nobody_and_keeps_the_guests() {
    let folder = tempfile::tempdir().unwrap();
    let xend = folder.path().join("xend");
    serve("sim:?guests=2", &xend);
    let daemon = Daemon::start_set(&format!("xend+unix://{}", xend.display()), "", &[]);
    let running = Arc::new(AtomicBool::new(true));
    let served = Arc::new(AtomicU32::new(0));
    let visitor = std::thread::spawn({
        let (running, served) = (Arc::clone(&running), Arc::clone(&served));
        let path = daemon.socket();
        move || {
            while running.load(Ordering::Relaxed) {
                // It is never refused; one that comes as the daemon ends may be sent away.
                let stream = UnixStream::connect(&path).unwrap();
                let mut client = Client::on(stream);
                if client.tries::<ConnectOpen>(&OpenArguments::default()) {
                    served.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    });
    let process = std::fs::read_link(format!("/proc/{}/exe", daemon.process.id())).unwrap();
    for _ in 0..3 {
        let mut client = Client::open(&daemon);
        client.call::<ConnectRegisterCloseCallback>(&()).unwrap();
        signal(&daemon, Signal::USR2);
        assert!(matches!(client.event(), ClientEvent::Message(CLOSED, _)));
        assert_eq!(client.stream().read(&mut [0]).unwrap(), 0);
        let before = served.load(Ordering::Relaxed);
        let end = Instant::now() + Duration::from_secs(60);
        while served.load(Ordering::Relaxed) < before + 20 {
            let log = || std::fs::read_to_string(daemon.folder().join("log"));
            assert!(Instant::now() < end, "nobody is served: {:?}", log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    running.store(false, Ordering::Relaxed);
    visitor.join().unwrap();
    assert_eq!(
        std::fs::read_link(format!("/proc/{}/exe", daemon.process.id())).unwrap(),
        process
    );
    let mut client = Client::open(&daemon);
    assert_eq!(client.call::<ConnectNumOfDomains>(&()).unwrap(), 3);
    let domain = client
        .call::<DomainLookupByName>(&"pv2".to_owned())
        .unwrap();
    let arguments = virtxen_rpc::calls::DomainFlags {
        dom: domain,
        flags: 0,
    };
    client.call::<DomainGetState>(&arguments).unwrap();
    signal(&daemon, Signal::TERM);
    let mut daemon = daemon;
    assert!(daemon.process.wait().unwrap().success());
    assert!(!daemon.socket().exists(), "the socket is still its own");
}

#[test]
fn the_administration_is_refused_with_words() {
    let mut daemon = Daemon::start("sim:");
    let socket = daemon.folder().join("sock-admin");
    daemon.wait_until("the administration's socket answers", |_| {
        UnixStream::connect(&socket).is_ok()
    });
    let mut client = Client::on(UnixStream::connect(&socket).unwrap());
    let refused = client.call::<ConnectOpen>(&OpenArguments::default());
    assert_eq!(refused.unwrap_err().code, code::OPERATION_UNSUPPORTED);
    let mut command = Command::new("virt-admin");
    let uri = format!("virtxend:///system?socket={}", socket.display());
    let Ok(output) = command.args(["-c", &uri, "srv-list"]).output() else {
        println!("skipped: virt-admin is not installed");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("virtxend has no administration"), "{said}");
}
