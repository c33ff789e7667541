//! Sockets that are there already when the daemon starts: systemd's, or those of the
//! program that was replaced by this one; and that replacing.
//!
//! Both come as systemd hands them over: by `LISTEN_FDS`, their names in
//! `LISTEN_FDNAMES`.

use crate::error::{Error, Result};
use crate::listen::{Given, Service, Socket};
use command_fds::{CommandFdExt, FdMapping};
use listenfd::ListenFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// The first of the descriptors that are handed over.
const FIRST: i32 = 3;

/// What names of sockets begin with that the daemon made itself.
const OWN: &str = "virtxend-own-";

/// A socket that somebody made before.
pub(crate) struct Inherited {
    /// Who made it, and for what.
    pub(crate) origin: Origin,
    /// What clients of it get.
    pub(crate) service: Service,
    /// The socket.
    pub(crate) listener: Given,
}

/// Who made a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This daemon, and it takes the socket's file away.
    Own,
    /// Systemd, or somebody like it, under this name.
    Activation(String),
}

/// Takes what was handed over. It is to be called once, while there is one thread: the
/// environment is cleared, so that nobody else takes it.
///
/// # Errors
/// When something is no socket, or nobody knows what it is for.
pub(crate) fn take() -> Result<Vec<Inherited>> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut given = ListenFd::from_env();
    let mut sockets = Vec::new();
    for index in 0..given.len() {
        let name = names.next().unwrap_or_default();
        let failed = |cause| Error::Listen {
            place: format!("socket {index} ('{name}') of LISTEN_FDS"),
            cause,
        };
        let unix = given.take_unix_listener(index).ok().flatten();
        let listener = match unix {
            Some(unix) => Given::Unix(unix),
            None => {
                let tcp = given.take_tcp_listener(index).map_err(failed)?;
                let missing = || failed(std::io::ErrorKind::NotFound.into());
                Given::Tcp(tcp.ok_or_else(missing)?)
            }
        };
        let (origin, word) = match name.strip_prefix(OWN) {
            Some(word) => (Origin::Own, word),
            None => (Origin::Activation(name.to_owned()), name),
        };
        let service = service(word, &listener).ok_or_else(|| {
            failed(std::io::Error::other(
                "its name does not say what it is for",
            ))
        })?;
        sockets.push(Inherited {
            origin,
            service,
            listener,
        });
    }
    Ok(sockets)
}

/// What a socket is for, by the end of its name as libvirt's units have it
/// (`virtxend-ro.socket`), or by the one of its file.
fn service(name: &str, listener: &Given) -> Option<Service> {
    let name = name.strip_suffix(".socket").unwrap_or(name);
    let ending = name.rsplit_once('-').map_or(name, |(_, ending)| ending);
    let file = listener.path();
    let file = file.as_deref().and_then(Path::to_str).unwrap_or_default();
    Some(match (listener, ending) {
        (Given::Unix(_), "ro") => Service::ReadOnly,
        (Given::Unix(_), "admin") => Service::Admin,
        (Given::Unix(_), _) if file.ends_with("-ro") => Service::ReadOnly,
        (Given::Unix(_), _) if file.ends_with("-admin-sock") => Service::Admin,
        (Given::Unix(_), _) => Service::Full,
        (Given::Tcp(_), "tcp") => Service::Tcp,
        (Given::Tcp(_), "tls") => Service::Tls,
        (Given::Tcp(_), _) => return None,
    })
}

/// Whether a program is there and is a virtxend: what is asked before this one ends
/// for it.
pub(crate) async fn is_good(program: &Path) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null());
    let asked = tokio::task::spawn_blocking(move || command.output()).await;
    asked.is_ok_and(|output| {
        output
            .is_ok_and(|output| output.status.success() && output.stdout.starts_with(b"virtxend "))
    })
}

/// Makes this process run a program with the same words, and hands the sockets over.
/// It returns only when it failed, and then the process cannot go on: descriptors have
/// been moved.
pub(crate) fn replace(program: &Path, sockets: &[impl AsRef<Socket>]) -> Error {
    let failed = |cause: std::io::Error| Error::file(program, &cause);
    let mut mappings = Vec::new();
    let mut names = Vec::new();
    for (child_fd, socket) in (FIRST..).zip(sockets) {
        let socket = socket.as_ref();
        let parent_fd = match socket.descriptor().try_clone_to_owned() {
            Ok(descriptor) => descriptor,
            Err(cause) => return failed(cause),
        };
        mappings.push(FdMapping {
            parent_fd,
            child_fd,
        });
        names.push(match &socket.origin {
            Origin::Own => format!("{OWN}{}", socket.service.word()),
            Origin::Activation(name) => name.clone(),
        });
    }
    let mut command = Command::new(program);
    command
        .args(std::env::args_os().skip(1))
        .env("LISTEN_PID", std::process::id().to_string())
        .env("LISTEN_FDS", names.len().to_string())
        .env("LISTEN_FDNAMES", names.join(":"));
    match command.fd_mappings(mappings) {
        Ok(command) => failed(command.exec()),
        Err(cause) => failed(std::io::Error::other(cause)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_a_socket_is_for() {
        let folder = tempfile::tempdir().unwrap();
        let unix = |file: &str| {
            let bound = std::os::unix::net::UnixListener::bind(folder.path().join(file));
            Given::Unix(bound.unwrap())
        };
        let tcp = || Given::Tcp(std::net::TcpListener::bind("127.0.0.1:0").unwrap());
        for (name, listener, expected) in [
            ("virtxend.socket", unix("a"), Some(Service::Full)),
            ("virtxend-ro.socket", unix("b"), Some(Service::ReadOnly)),
            ("libvirtd-admin.socket", unix("c"), Some(Service::Admin)),
            ("unknown", unix("virtxend-sock"), Some(Service::Full)),
            ("", unix("virtxend-sock-ro"), Some(Service::ReadOnly)),
            ("connection", unix("x-admin-sock"), Some(Service::Admin)),
            ("libvirtd-tls.socket", tcp(), Some(Service::Tls)),
            ("virtxend-tcp.socket", tcp(), Some(Service::Tcp)),
            ("virtxend.socket", tcp(), None),
            ("full", unix("d"), Some(Service::Full)),
            ("admin", unix("e"), Some(Service::Admin)),
            ("tls", tcp(), Some(Service::Tls)),
        ] {
            assert_eq!(service(name, &listener), expected, "{name}");
        }
    }
}
