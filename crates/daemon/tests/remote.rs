//! Other machines: who comes in and who does not, seen from virsh and from clients
//! that do it wrong.
//!
//! What needs virsh is skipped with a printed line where it is not installed.
#![allow(clippy::unwrap_used)]

mod common;

use common::client::Client;
use common::pki::Authority;
use common::{Answer, Daemon, free_port, has_virsh};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use virtxen_rpc::calls::{ConnectGetHostname, ConnectIsSecure, ConnectOpen, OpenArguments};

/// A daemon with TLS, its port, and the folder of its certificates.
struct Host {
    daemon: Daemon,
    port: u16,
    authority: Authority,
    _folder: tempfile::TempDir,
}

impl Host {
    /// With more settings, and a client's certificate of ann.
    fn start(settings: impl FnOnce(&Authority) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new(&folder.path().join("pki"));
        authority.server();
        authority.client("ann", 7);
        let port = free_port();
        let settings = authority.settings(port) + &settings(&authority);
        Self {
            daemon: Daemon::start_set("sim:?guests=1", &settings, &["--listen"]),
            port,
            authority,
            _folder: folder,
        }
    }

    /// What virsh with the certificate in a folder is told.
    fn ask(&self, pki: &Path) -> Answer {
        let port = self.port;
        let pki = pki.display();
        let uri = format!("xen+tls://localhost:{port}/system?pkipath={pki}");
        let mut command = self.daemon.virsh_at(&uri);
        let words = "list --name";
        Answer::of(words, &command.args(words.split(' ')).output().unwrap())
    }

    fn refuses(&self, pki: &Path, why: &str) {
        let answer = self.ask(pki);
        assert!(!answer.succeeded, "{}", answer.text);
        self.daemon.said(why);
        // It is still there for others.
        let mut client = Client::open(&self.daemon);
        client.call::<ConnectGetHostname>(&()).unwrap();
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).unwrap()
    }
}

#[test]
fn virsh_comes_in_with_a_certificate_of_the_authority() {
    if !has_virsh() {
        return;
    }
    let host = Host::start(|_| "tls_allowed_dn_list = [ \"C=GB,*,CN=ann\" ]\n".to_owned());
    let pki = host.authority.folder().to_owned();
    let answer = host.ask(&pki);
    answer.has(&["Domain-0", "pv1"]);
    host.authority.client("bob", 8);
    host.refuses(
        &pki,
        "tls_allowed_dn_list does not have 'C=GB,O=Hosts,CN=bob'",
    );
    for file in ["clientcert.pem", "clientkey.pem"] {
        std::fs::remove_file(pki.join(file)).unwrap();
    }
    host.refuses(&pki, "peer sent no certificates");
    let other = Authority::new(&pki.join("other"));
    other.client("ann", 7);
    // virsh looks at its own certificate before it comes.
    let both =
        ["cacert.pem", "other/cacert.pem"].map(|file| std::fs::read(pki.join(file)).unwrap());
    std::fs::write(pki.join("other/cacert.pem"), both.concat()).unwrap();
    host.refuses(other.folder(), "invalid peer certificate");
}

#[test]
fn a_certificate_that_was_taken_back_is_refused() {
    if !has_virsh() {
        return;
    }
    let host = Host::start(|authority| {
        authority.revoke(7);
        let folder = authority.folder().display();
        format!("crl_file = \"{folder}/cacrl.pem\"\n")
    });
    let clients = host.authority.folder().join("clients");
    std::fs::create_dir(&clients).unwrap();
    let copy = || {
        for file in ["cacert.pem", "clientcert.pem", "clientkey.pem"] {
            std::fs::copy(host.authority.folder().join(file), clients.join(file)).unwrap();
        }
    };
    copy();
    assert!(!host.ask(&clients).succeeded);
    host.authority.client("ann", 8);
    copy();
    assert!(host.ask(&clients).succeeded);
    host.daemon.said("Revoked");
}

/// A client's end of TLS, with ann's certificate.
fn tls(host: &Host) -> StreamOwned<ClientConnection, TcpStream> {
    let file = |name| host.authority.folder().join(name);
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(file("cacert.pem")).unwrap();
    roots.add(authority).unwrap();
    let chain = vec![CertificateDer::from_pem_file(file("clientcert.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(file("clientkey.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let session = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(session, host.connect())
}

#[test]
fn a_byte_tells_that_the_certificate_is_good_and_then_it_is_the_protocol() {
    let host = Host::start(|_| String::new());
    let mut stream = tls(&host);
    let mut byte = [0];
    stream.read_exact(&mut byte).unwrap();
    assert_eq!(byte, [1]);
    let mut client = Client::on(stream);
    client
        .call::<ConnectOpen>(&OpenArguments::default())
        .unwrap();
    assert_eq!(client.call::<ConnectIsSecure>(&()).unwrap(), 1);
}

#[test]
fn garbage_before_and_inside_tls_hurts_nobody() {
    let host = Host::start(|_| String::new());
    let _silent = host.connect();
    let mut plain = host.connect();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    // An alert may come before the end.
    let _ = plain.read_to_end(&mut Vec::new());
    host.daemon.said("TLS: ");
    let mut inside = tls(&host);
    inside.read_exact(&mut [0]).unwrap();
    inside.write_all(&[0xff; 100]).unwrap();
    inside.flush().unwrap();
    let _ = inside.read_to_end(&mut Vec::new());
    host.daemon.said("a packet cannot have");
    let mut half = tls(&host);
    half.read_exact(&mut [0]).unwrap();
    half.write_all(&28u32.to_be_bytes()).unwrap();
    let mut client = Client::on(tls(&host));
    client.skip(1);
    client
        .call::<ConnectOpen>(&OpenArguments::default())
        .unwrap();
}

#[test]
fn a_daemon_whose_certificate_nobody_would_take_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(&folder.path().join("pki"));
    authority.client("ann", 7);
    let file = |name| authority.folder().join(name);
    for (from, to) in [
        ("clientcert.pem", "servercert.pem"),
        ("clientkey.pem", "serverkey.pem"),
    ] {
        std::fs::copy(file(from), file(to)).unwrap();
    }
    let said = start_in_vain(&authority.settings(free_port()));
    for words in ["servercert.pem", "tls_no_sanity_certificate"] {
        assert!(said.contains(words), "{said}");
    }
}

/// What a daemon says that does not start.
fn start_in_vain(settings: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("virtxend.conf");
    std::fs::write(&file, settings).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_virtxend"))
        .args(["--connect", "sim:", "--listen", "--socket"])
        .arg(folder.path().join("sock"))
        .arg("--config")
        .arg(&file)
        .output()
        .unwrap();
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn plain_text_has_to_be_asked_for() {
    let port = free_port();
    let settings = format!(
        "listen_tls = 0\nlisten_tcp = 1\ntcp_port = \"{port}\"\nlisten_addr = \"127.0.0.1\"\n"
    );
    let said = start_in_vain(&settings);
    assert!(said.contains("is not encrypted"), "{said}");
    let settings = settings + "auth_tcp = \"none\"\n";
    let daemon = Daemon::start_set("sim:", &settings, &["--listen"]);
    let mut client = Client::on(TcpStream::connect(("127.0.0.1", port)).unwrap());
    client
        .call::<ConnectOpen>(&OpenArguments::default())
        .unwrap();
    assert_eq!(client.call::<ConnectIsSecure>(&()).unwrap(), 0);
    if has_virsh() {
        let mut virsh = daemon.virsh_at(&format!("xen+tcp://localhost:{port}/system"));
        let output = virsh.args(["list", "--name"]).output().unwrap();
        Answer::of("list", &output).has(&["Domain-0"]);
    }
}

/// As many as may be silent are silent; the rest is served when their time is over.
#[test]
fn silent_handshakes_hold_up_tls_for_a_while_and_nobody_else() {
    let host = Host::start(|_| "max_anonymous_clients = 3\n".to_owned());
    let mut silent: Vec<TcpStream> = (0..5).map(|_| host.connect()).collect();
    // One of them says a byte at a time.
    let mut slow = silent[0].try_clone().unwrap();
    let slow = std::thread::spawn(move || {
        for byte in [0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3].iter().cycle() {
            if slow.write_all(&[*byte]).is_err() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
    });
    let mut local = Client::open(&host.daemon);
    local.call::<ConnectGetHostname>(&()).unwrap();
    let mut late = Client::on(tls(&host));
    late.skip(1);
    late.call::<ConnectOpen>(&OpenArguments::default()).unwrap();
    host.daemon.said("TLS was not set up in 10 s");
    // Those who were silent are gone.
    let _ = silent[0].read_to_end(&mut Vec::new());
    slow.join().unwrap();
}
