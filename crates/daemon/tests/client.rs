//! Our own client at the daemon: certificates, and coming back after a loss. What
//! commands say through it is tested beside them.
#![allow(clippy::unwrap_used)]

mod common;

use common::pki::Authority;
use common::{Daemon, free_port};
use std::path::Path;
use virtxen_driver::{Connection, ListFilter};
use virtxen_remote::{Remote, Uri};

async fn open(uri: &str) -> virtxen_remote::Result<Remote> {
    Remote::open(&Uri::parse(uri).unwrap(), None, None).await
}

async fn names(remote: &dyn Connection) -> virtxen_driver::Result<Vec<String>> {
    let domains = remote.list(&ListFilter::default()).await?;
    Ok(domains.into_iter().map(|domain| domain.name).collect())
}

#[tokio::test]
async fn a_certificate_of_the_authority_opens_tls() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(&folder.path().join("pki"));
    authority.server();
    authority.client("ann", 7);
    let port = free_port();
    let _daemon = Daemon::start_set("sim:?guests=1", &authority.settings(port), &["--listen"]);
    let uri = |pki: &Path, options: &str| {
        let pki = pki.display();
        format!("virtxen+tls://localhost:{port}/?pkipath={pki}{options}")
    };
    let remote = open(&uri(authority.folder(), "")).await.unwrap();
    assert_eq!(names(&remote).await.unwrap(), ["Domain-0", "pv1"]);

    // Another authority: the daemon's certificate is nobody's, nor is ours for it.
    let other = Authority::new(&folder.path().join("other"));
    other.client("eve", 1);
    for (options, words) in [
        ("", "invalid peer certificate"),
        ("&no_verify=1", "does not take this client"),
    ] {
        let error = open(&uri(other.folder(), options)).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    let nowhere = open(&uri(Path::new("/nowhere"), "")).await.unwrap_err();
    assert!(
        nowhere.to_string().contains("/nowhere/cacert.pem"),
        "{nowhere}"
    );
}

#[tokio::test]
async fn a_lost_connection_is_told_and_made_anew() {
    let mut daemon = Daemon::start("sim:?guests=1");
    let socket = daemon.socket();
    let remote = open(&format!("virtxen+unix://{}", socket.display()))
        .await
        .unwrap();
    let mut events = remote.subscribe().await.unwrap();
    assert_eq!(names(&remote).await.unwrap(), ["Domain-0", "pv1"]);
    daemon.process.kill().unwrap();
    daemon.process.wait().unwrap();
    assert_eq!(
        events.next().await,
        None,
        "the end is told to who waits for events"
    );
    let error = names(&remote).await.unwrap_err();
    assert_eq!(error.libvirt().code, 5, "{error}");
    assert!(
        error.to_string().contains("is virtxend running?"),
        "{error}"
    );

    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_virtxend"));
    command.args(["--connect", "sim:?guests=2", "--socket"]);
    daemon.process = command.arg(&socket).spawn().unwrap();
    daemon.wait_until("the socket answers", |_| {
        std::os::unix::net::UnixStream::connect(&socket).is_ok()
    });
    assert_eq!(names(&remote).await.unwrap(), ["Domain-0", "pv1", "pv2"]);
}
