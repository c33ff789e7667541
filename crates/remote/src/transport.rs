//! The ways to a daemon: UNIX sockets, TCP, TLS, ssh. What is said on them is not here.

use crate::{Error, Result, Transport, Uri, tls};
use std::path::Path;
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, Join, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Longest time for a connection to come about.
const CONNECT: Duration = Duration::from_secs(20);

/// Bytes both ways.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Connects to the daemon of a URI.
///
/// # Errors
/// Says what was tried, why it failed and what to do.
pub(crate) async fn connect(uri: &Uri) -> Result<Box<dyn Io>> {
    let failed = |reason: String| Error::Connect {
        place: uri.place(),
        reason,
    };
    let connecting = async {
        Ok(match &uri.transport {
            Transport::Unix(path) => unix(path).await.map_err(failed)?,
            Transport::Tcp { host, port } => Box::new(tcp(host, *port).await.map_err(failed)?),
            Transport::Tls {
                host,
                port,
                pkipath,
                no_verify,
            } => {
                let stream = tcp(host, *port).await.map_err(failed)?;
                let pkipath = pkipath.as_deref();
                let secured = tls::connect(stream, host, pkipath, *no_verify).await;
                Box::new(secured.map_err(failed)?)
            }
            Transport::Ssh { .. } => ssh(uri).map_err(failed)?,
        })
    };
    tokio::time::timeout(CONNECT, connecting)
        .await
        .map_err(|_| failed(format!("no answer within {} s", CONNECT.as_secs())))?
}

async fn unix(path: &Path) -> std::result::Result<Box<dyn Io>, String> {
    match UnixStream::connect(path).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => {
                format!("{error}: is virtxend running? (systemctl start virtxend.socket)")
            }
            std::io::ErrorKind::PermissionDenied => {
                format!("{error}: the socket's group may use it, everybody its -ro socket")
            }
            _ => error.to_string(),
        }),
    }
}

async fn tcp(host: &str, port: u16) -> std::result::Result<TcpStream, String> {
    let stream = TcpStream::connect((host, port)).await;
    let stream = stream.map_err(|error| error.to_string())?;
    // Calls are small and each is waited for.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// ssh and the bytes of the program that it runs. It ends with the connection.
struct Ssh {
    bytes: Join<ChildStdout, ChildStdin>,
    _child: Child,
}

/// Starts ssh. Whether it gets there shows in what it says and in the first answer.
fn ssh(uri: &Uri) -> std::result::Result<Box<dyn Io>, String> {
    let Transport::Ssh {
        user,
        host,
        port,
        socket,
        command,
        keyfile,
        netcat,
        no_tty,
    } = &uri.transport
    else {
        return Err("it is not reached by ssh".to_owned());
    };
    let mut ssh = Command::new(command);
    ssh.args(["-T", "-e", "none"]);
    if let Some(port) = port {
        ssh.arg("-p").arg(port.to_string());
    }
    if let Some(user) = user {
        ssh.arg("-l").arg(user);
    }
    if let Some(keyfile) = keyfile {
        ssh.arg("-i").arg(keyfile);
    }
    if *no_tty {
        ssh.args(["-o", "BatchMode=yes"]);
    }
    ssh.arg("--").arg(host);
    ssh.arg(there(socket, netcat.as_deref()));
    ssh.stdin(Stdio::piped()).stdout(Stdio::piped());
    ssh.kill_on_drop(true);
    let mut child = ssh
        .spawn()
        .map_err(|error| format!("cannot start {command}: {error}"))?;
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(format!("{command} has no input or output"));
    };
    Ok(Box::new(Ssh {
        bytes: tokio::io::join(stdout, stdin),
        _child: child,
    }))
}

/// What the other host's shell is to run: virtxen, which carries bytes to a socket,
/// or netcat where there is no virtxen.
fn there(socket: &Path, netcat: Option<&str>) -> String {
    let socket = quoted(&socket.display().to_string());
    match netcat {
        Some(netcat) => format!("exec {} -U {socket}", quoted(netcat)),
        None => {
            let script = format!(
                "if command -v virtxen >/dev/null 2>&1; then exec virtxen proxy {socket}; \
                 else exec nc -U {socket}; fi"
            );
            // The shell of the user there may be none that knows `if`.
            format!("sh -c {}", quoted(&script))
        }
    }
}

/// One word for a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

impl AsyncRead for Ssh {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.bytes).poll_read(context, buffer)
    }
}

impl AsyncWrite for Ssh {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.bytes).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.bytes).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.bytes).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_the_other_shell_whole() {
        assert_eq!(quoted("a'b c"), r"'a'\''b c'");
        assert_eq!(there("/a b".as_ref(), Some("nc")), "exec 'nc' -U '/a b'");
        let script = there("/run/s".as_ref(), None);
        assert!(
            script.contains(r"virtxen proxy '\''/run/s'\''; else"),
            "{script}"
        );
    }
}
