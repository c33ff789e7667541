//! Clients of libvirt, which are not ours, against a small server over
//! [`ServerSession`] on a UNIX socket. It knows two domains and sends events.
//!
//! Skipped with a printed line where virsh or python3-libvirt are not installed.

#![allow(clippy::unwrap_used)]

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use virtxen_rpc::calls::*;
use virtxen_rpc::server::{
    ServerCall, ServerRequest, ServerSession, ServerSettings, StreamOptions, StreamPart,
};
use virtxen_rpc::xdr::{CharArray, List};
use virtxen_rpc::{Call, Domain, DomainEvent, RemoteError, TypedParam, TypedValue, code, origin};

/// A server of one connection at a time; the socket is removed with the folder.
struct Server {
    folder: tempfile::TempDir,
}

impl Server {
    fn start(read_only: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("sock")).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                std::thread::spawn(move || serve(&stream.unwrap(), read_only));
            }
        });
        Self { folder }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("sock")
    }
}

/// The loop of a server: bytes in, requests to those who do them, bytes out.
fn serve(mut stream: &UnixStream, read_only: bool) {
    let mut session = ServerSession::new(ServerSettings {
        read_only,
        ..ServerSettings::default()
    });
    stream
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let mut bytes = vec![0; 1 << 16];
    while !session.is_finished() {
        match stream.read(&mut bytes) {
            Ok(0) => return,
            Ok(count) => session.receive(&bytes[..count], Instant::now()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let started = DomainEvent::Lifecycle {
                    dom: domain(1),
                    event: 2,
                    detail: 0,
                };
                session.send_event(&started).unwrap();
            }
            Err(_) => return,
        }
        loop {
            while let Some(request) = session.next_request(Instant::now()).unwrap() {
                perform(&mut session, request);
            }
            if session.output().is_empty() {
                break;
            }
            let Ok(count) = stream.write(session.output()) else {
                return;
            };
            session.sent(count);
        }
    }
}

fn perform(session: &mut ServerSession, request: ServerRequest) {
    match request {
        ServerRequest::Call(call) => answer(session, call),
        ServerRequest::Stream(id, StreamPart::Finish) => session.finish_stream(id, Ok(())).unwrap(),
        ServerRequest::Stream(id, _) => session.stream_used(id),
        other => panic!("{other:?}"),
    }
}

fn answer(session: &mut ServerSession, call: ServerCall) {
    match call.procedure().number {
        1 => reply::<ConnectOpen>(session, call, |_| Ok(())),
        3 => reply::<ConnectGetType>(session, call, |()| Ok("Xen".into())),
        4 => reply::<ConnectGetVersion>(session, call, |()| Ok(4_017_000)),
        6 => reply::<NodeGetInfo>(session, call, |()| Ok(node())),
        14 => reply::<DomainGetXMLDesc>(session, call, |_| Ok("<domain/>\n".into())),
        16 => reply::<DomainGetInfo>(session, call, |_| Ok(info())),
        23 => reply::<DomainLookupByName>(session, call, |name| find(&name)),
        57 => reply::<DomainGetSchedulerParameters>(session, call, |_| Ok(List(scheduling()))),
        56 => reply::<DomainGetSchedulerType>(session, call, |_| {
            Ok(SchedulerType {
                name: "credit".into(),
                nparams: 2,
            })
        }),
        59 => reply::<ConnectGetHostname>(session, call, |()| Ok("xenhost.example".into())),
        157 => reply::<ConnectGetLibVersion>(session, call, |()| Ok(9_000_000)),
        201 => {
            let ticket = call.into_ticket();
            let options = StreamOptions {
                client_writes: true,
                sparse: false,
            };
            let id = session
                .reply_with_stream::<DomainOpenConsole>(ticket, &(), options)
                .unwrap();
            session.send_stream(id, b"login: \n").unwrap();
            session.send_stream(id, b"").unwrap();
        }
        212 => reply::<DomainGetState>(session, call, |_| {
            Ok(DomainState {
                state: 1,
                reason: 1,
            })
        }),
        273 => reply::<ConnectListAllDomains>(session, call, |arguments| {
            let domains = vec![domain(0), domain(1)];
            Ok(Listed::answer(arguments.need_results, domains))
        }),
        344 => reply::<ConnectGetAllDomainStats>(session, call, |_| {
            Ok(List(vec![StatsRecord {
                dom: domain(1),
                params: List(statistics()),
            }]))
        }),
        _ => {
            let error = call.procedure().no_support();
            session
                .reply_bytes(call.into_ticket(), Err(&error))
                .unwrap();
        }
    }
}

fn reply<C: Call>(
    session: &mut ServerSession,
    call: ServerCall,
    act: impl FnOnce(C::Arguments) -> Result<C::Reply, RemoteError>,
) {
    let result = call.arguments::<C>().and_then(act);
    session.reply::<C>(call.into_ticket(), result).unwrap();
}

fn find(name: &str) -> Result<Domain, RemoteError> {
    [domain(0), domain(1)]
        .into_iter()
        .find(|domain| domain.name == name)
        .ok_or_else(|| {
            let message = format!("Domain not found: no domain with matching name '{name}'");
            RemoteError::new(code::NO_DOMAIN, origin::XEN, message)
        })
}

fn domain(id: u8) -> Domain {
    Domain {
        name: if id == 0 { "Domain-0" } else { "web" }.into(),
        uuid: [id; 16],
        id: id.into(),
    }
}

fn node() -> NodeInfo {
    NodeInfo {
        model: CharArray("x86_64".into()),
        memory: 8 << 20,
        cpus: 4,
        mhz: 2400,
        nodes: 1,
        sockets: 1,
        cores: 2,
        threads: 2,
    }
}

fn info() -> DomainInfo {
    DomainInfo {
        state: 1,
        max_mem: 2 << 20,
        memory: 1 << 20,
        nr_virt_cpu: 2,
        cpu_time: 1_500_000_000,
    }
}

fn scheduling() -> Vec<TypedParam> {
    vec![
        TypedParam::new("weight", 256u32),
        TypedParam::new("cap", 0u32),
    ]
}

/// One of each type.
fn statistics() -> Vec<TypedParam> {
    vec![
        TypedParam::new("state.state", 1i32),
        TypedParam::new("cpu.time", 15u64),
        TypedParam::new("a.uint", 16u32),
        TypedParam::new("a.llong", -17i64),
        TypedParam::new("a.double", 0.5),
        TypedParam::new("a.boolean", true),
        TypedParam::new("net.0.name", TypedValue::String("vif1.0".into())),
    ]
}

fn virsh(socket: &Path, arguments: &[&str]) -> Option<Output> {
    let uri = format!("xen+unix:///system?socket={}", socket.display());
    let output = Command::new("virsh")
        .args(["-c", &uri])
        .args(arguments)
        .env("LC_ALL", "C")
        .output();
    match output {
        Ok(output) => Some(output),
        Err(_) => {
            println!("skipped: virsh is not installed");
            None
        }
    }
}

/// What virsh prints, when it is there and succeeds.
fn said(socket: &Path, arguments: &[&str]) -> Option<String> {
    let output = virsh(socket, arguments)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {text}{errors}");
    Some(text)
}

/// What virsh complains of, when it is there and fails.
fn refused(socket: &Path, arguments: &[&str]) -> Option<String> {
    let output = virsh(socket, arguments)?;
    assert!(!output.status.success(), "{arguments:?}");
    Some(String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn virsh_asks_and_understands() {
    let server = Server::start(false);
    let socket = server.socket();
    for (arguments, expected) in [
        (&["hostname"][..], &["xenhost.example"][..]),
        (&["uri"], &["xen"]),
        (&["version"], &["Running hypervisor: Xen 4.17.0"]),
        (&["nodeinfo"], &["x86_64", "2400 MHz", "8388608 KiB"]),
        (&["list"], &["Domain-0   running", "web        running"]),
        (&["domstate", "web"], &["running"]),
        (&["dumpxml", "web"], &["<domain/>"]),
        (&["schedinfo", "web"], &["weight         : 256"]),
        (
            &["domstats"],
            &[
                "Domain: 'web'",
                "state.state=1",
                "cpu.time=15",
                "a.uint=16",
                "a.llong=-17",
                "a.double=0.500000",
                "a.boolean=yes",
                "net.0.name=vif1.0",
            ],
        ),
        (
            &["event", "--event", "lifecycle", "--timeout", "5"],
            &["event 'lifecycle' for domain 'web': Started Booted"],
        ),
    ] {
        let Some(text) = said(&socket, arguments) else {
            return;
        };
        for words in expected {
            assert!(
                text.contains(words),
                "{arguments:?}: no '{words}' in {text}"
            );
        }
    }
}

#[test]
fn virsh_is_told_what_is_wrong() {
    let server = Server::start(false);
    let socket = server.socket();
    let Some(missing) = refused(&socket, &["domstate", "nobody"]) else {
        return;
    };
    assert!(
        missing.contains("failed to get domain 'nobody'"),
        "{missing}"
    );
    let unsupported = refused(&socket, &["reset", "web"]).unwrap();
    assert!(
        unsupported
            .contains("this function is not supported by the connection driver: virDomainReset"),
        "{unsupported}"
    );
    let snapshot = refused(&socket, &["snapshot-create", "web"]).unwrap();
    assert!(
        snapshot.contains("virDomainSnapshotCreateXML"),
        "{snapshot}"
    );
}

#[test]
fn virsh_may_only_read() {
    let server = Server::start(true);
    let Some(refusal) = refused(&server.socket(), &["destroy", "web"]) else {
        return;
    };
    assert!(
        refusal.contains("operation forbidden: read only access prevents virDomainDestroy"),
        "{refusal}"
    );
}

/// libvirt's binding for Python, with an event loop in a thread.
#[test]
fn python_understands_what_virsh_does_not_ask() {
    let server = Server::start(false);
    let uri = format!("xen+unix:///system?socket={}", server.socket().display());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign.py");
    // Debian's package is for its own interpreter, whatever else is in the path.
    let python = "/usr/bin/python3";
    let known = Command::new(python).args(["-c", "import libvirt"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        println!("skipped: python3-libvirt is not installed");
        return;
    }
    let output = Command::new(python).arg(script).arg(&uri).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    for line in [
        "type Xen",
        "secure 1 0",
        "node ['x86_64', 8192, 4, 2400, 1, 1, 2, 2]",
        "domains ['Domain-0', 'web']",
        "web 01010101-0101-0101-0101-010101010101 1 [1, 2097152, 1048576, 2, 1500000000]",
        "schedule [('cap', 0), ('weight', 256)]",
        "stats web [('a.boolean', True), ('a.double', 0.5), ('a.llong', -17), ('a.uint', 16), \
         ('cpu.time', 15), ('net.0.name', 'vif1.0'), ('state.state', 1)]",
        "error 42 1 Domain not found: no domain with matching name 'nobody'",
        "error 3 20 this function is not supported by the connection driver: virDomainReset",
        "event ('web', 2, 0)",
        "console b'login: \\n'",
    ] {
        assert!(
            text.lines().any(|said| said == line),
            "no '{line}' in:\n{text}"
        );
    }
}
