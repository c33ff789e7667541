//! Names and passwords: virsh with cyrus' SCRAM, and clients that do not know them.
//!
//! What needs virsh or cyrus' mechanism is skipped with a printed line where it is not
//! installed.
#![allow(clippy::unwrap_used)]

mod common;

use common::client::Client;
use common::pki::Authority;
use common::{Answer, Daemon, free_port, has_virsh};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use virtxen_driver::ListFilter;
use virtxen_remote::{Ask, Question, Remote, Uri};
use virtxen_rpc::calls::{
    AuthList, AuthSaslInit, AuthSaslStart, AuthSaslStep, ConnectGetHostname, ConnectOpen,
    OpenArguments, SaslStart, SaslStep,
};
use virtxen_rpc::xdr::ByteChars;
use virtxen_rpc::{RemoteError, code};

/// A folder with settings for sockets with passwords, and users.
struct People {
    folder: tempfile::TempDir,
}

impl People {
    fn new(names: &[(&str, &str)]) -> Self {
        let people = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for (name, password) in names {
            assert!(people.change("--add-user", name, password), "{name}");
        }
        people
    }

    fn settings(&self) -> String {
        let file = self.folder.path().join("users");
        format!(
            "auth_unix_rw = \"sasl\"\nsasl_users_file = \"{}\"\n",
            file.display()
        )
    }

    /// Has virtxend change the users.
    fn change(&self, option: &str, name: &str, password: &str) -> bool {
        let file = self.folder.path().join("conf");
        std::fs::write(&file, self.settings()).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_virtxend"))
            .args([option, name, "--config"])
            .arg(file)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = process.stdin.take().unwrap();
        // A user that goes needs none.
        let _ = writeln!(input, "{password}");
        process.wait().unwrap().success()
    }

    /// Where virsh finds a name and a password.
    fn credentials(&self, name: &str, password: &str) -> PathBuf {
        let file = self.folder.path().join("auth.conf");
        let text = format!(
            "[credentials-mine]\nauthname={name}\npassword={password}\n\
             [auth-libvirt-localhost]\ncredentials=mine\n\
             [auth-libvirt-default]\ncredentials=mine\n"
        );
        std::fs::write(&file, text).unwrap();
        file
    }
}

/// Whether virsh can use the mechanism.
fn has_scram() -> bool {
    let libraries = std::fs::read_dir("/usr/lib").unwrap().flatten();
    let found = libraries
        .map(|library| library.path().join("sasl2/libscram.so"))
        .any(|mechanism| mechanism.exists());
    if !found {
        println!("skipped: cyrus' SCRAM (libsasl2-modules) is not installed");
    }
    found && has_virsh()
}

#[test]
fn virsh_comes_in_with_a_password() {
    if !has_scram() {
        return;
    }
    let people = People::new(&[("ann", "a secret"), ("bob", "b")]);
    let authority = Authority::new(&people.folder.path().join("pki"));
    authority.server();
    authority.client("any", 7);
    let port = free_port();
    let settings = people.settings()
        + &authority.settings(port)
        + "auth_tls = \"sasl\"\nsasl_allowed_username_list = [ \"a*\" ]\n";
    let daemon = Daemon::start_set("sim:?guests=1", &settings, &["--listen"]);
    let pki = authority.folder().display();
    let tls = format!("xen+tls://localhost:{port}/system?pkipath={pki}");
    let unix = format!("xen+unix:///system?socket={}", daemon.socket().display());
    for uri in [&tls, &unix] {
        for (name, password, may) in [
            ("ann", "a secret", true),
            ("ann", "another", false),
            ("bob", "b", false),
            ("eve", "", false),
        ] {
            let mut virsh = daemon.virsh_at(uri);
            virsh.env("LIBVIRT_AUTH_FILE", people.credentials(name, password));
            let answer = Answer::of("list", &virsh.args(["list", "--name"]).output().unwrap());
            assert_eq!(answer.succeeded, may, "{name} {password}: {}", answer.text);
            if may {
                answer.has(&["Domain-0", "pv1"]);
            } else {
                answer.has(&["error: failed to connect to the hypervisor"]);
            }
        }
    }
}

/// What our own client sees of a host that wants a password.
async fn domains(uri: &str, ask: Option<Ask>) -> Result<usize, virtxen_driver::Error> {
    let remote = Remote::open(&Uri::parse(uri).unwrap(), None, ask).await?;
    let domains = virtxen_driver::Connection::list(&remote, &ListFilter::default()).await?;
    Ok(domains.len())
}

#[tokio::test]
async fn our_own_client_comes_in_with_a_password() {
    let people = People::new(&[("ann", "a secret")]);
    let authority = Authority::new(&people.folder.path().join("pki"));
    authority.server();
    authority.client("any", 7);
    let port = free_port();
    let settings = people.settings() + &authority.settings(port) + "auth_tls = \"sasl\"\n";
    let daemon = Daemon::start_set("sim:?guests=1", &settings, &["--listen"]);
    let pki = authority.folder().display();
    let places = [
        format!("virtxen+tls://localhost:{port}/?pkipath={pki}&"),
        format!("virtxen+unix://{}?", daemon.socket().display()),
    ];
    for place in &places {
        for (name, password, may) in [
            ("ann", "a secret", true),
            ("ann", "another", false),
            ("eve", "", false),
        ] {
            let file = people.credentials(name, password);
            let uri = format!("{place}authfile={}", file.display());
            let seen = domains(&uri, None).await;
            match may {
                true => assert_eq!(seen.unwrap(), 2),
                false => {
                    let error = seen.unwrap_err();
                    assert_eq!(error.libvirt().code, code::AUTH_FAILED, "{error}");
                    assert!(
                        error.to_string().contains(&format!("user '{name}'")),
                        "{error}"
                    );
                }
            }
        }
        let empty = people.folder.path().join("empty");
        std::fs::write(&empty, "").unwrap();
        let uri = format!("{place}authfile={}", empty.display());
        let ask: Ask = Arc::new(|question| {
            Ok(match question {
                Question::User(_) => "ann",
                _ => "a secret",
            }
            .to_owned())
        });
        assert_eq!(
            domains(&uri, Some(ask)).await.unwrap(),
            2,
            "a person was asked"
        );
        let nobody = domains(&uri, None).await.unwrap_err();
        assert!(nobody.to_string().contains("auth.conf"), "{nobody}");
    }
}

/// A proof by our own client.
fn prove(client: &mut Client, name: &str, password: &str) -> Result<(), RemoteError> {
    let (prover, opening) = virtxen_sasl::Client::new(name, password, "random").unwrap();
    let start = SaslStart {
        mech: "SCRAM-SHA-256".to_owned(),
        nil: 0,
        data: ByteChars(opening),
    };
    let challenge = client.call::<AuthSaslStart>(&start)?;
    assert_eq!(challenge.complete, 0);
    let (prover, proof) = prover.answer(&challenge.data.0).unwrap();
    let step = SaslStep {
        nil: 0,
        data: ByteChars(proof),
    };
    let signature = client.call::<AuthSaslStep>(&step)?;
    assert_eq!(signature.complete, 1);
    prover.check(&signature.data.0).unwrap();
    Ok(())
}

#[test]
fn nothing_goes_without_a_proof_and_a_wrong_one_may_be_followed_by_a_right_one() {
    let people = People::new(&[("ann", "secret")]);
    let daemon = Daemon::start_set("sim:", &people.settings(), &[]);
    let mut client = Client::on(daemon.connect());
    assert_eq!(client.call::<AuthList>(&()).unwrap().0, [1]);
    assert_eq!(client.call::<AuthSaslInit>(&()).unwrap(), "SCRAM-SHA-256");
    let early = client.call::<ConnectOpen>(&OpenArguments::default());
    assert_eq!(early.unwrap_err().code, code::RPC);
    let early = SaslStep {
        nil: 1,
        data: ByteChars(Vec::new()),
    };
    assert!(client.call::<AuthSaslStep>(&early).is_err());
    for (name, password) in [("ann", "wrong"), ("eve", "secret")] {
        let error = prove(&mut client, name, password).unwrap_err();
        assert_eq!(error.code, code::AUTH_FAILED);
        assert!(client.call::<ConnectGetHostname>(&()).is_err());
    }
    prove(&mut client, "ann", "secret").unwrap();
    client
        .call::<ConnectOpen>(&OpenArguments::default())
        .unwrap();
    client.call::<ConnectGetHostname>(&()).unwrap();
    assert!(prove(&mut client, "ann", "secret").is_err(), "twice");
}

#[test]
fn users_are_added_and_removed_while_the_daemon_runs() {
    let people = People::new(&[]);
    let daemon = Daemon::start_set("sim:", &people.settings(), &[]);
    let may = |password| prove(&mut Client::on(daemon.connect()), "ann", password).is_ok();
    assert!(!may("one"));
    assert!(people.change("--add-user", "ann", "one") && may("one"));
    assert!(people.change("--add-user", "ann", "two") && may("two") && !may("one"));
    assert!(people.change("--remove-user", "ann", "") && !may("two"));
    assert!(!people.change("--remove-user", "ann", ""));
    assert!(!people.change("--add-user", "a:b", "x"));
}
