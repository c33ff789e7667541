//! Connections to the simulated XenD: bytes in, bytes out, in memory or on a socket.
//!
//! How a request is read and written is in `http`, what it is answered with in
//! `dispatch`. Here are the habits of the connection: who waits for whom, what is
//! dropped, what is never closed, and the faults that strike a reply on its way.

use std::future::Future;
use std::io;
use std::path::Path;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::sync::OwnedMutexGuard;

use super::dispatch::{self, Answer};
use super::habits::Habits;
use super::http::{Progress, Request, read_request};
use crate::fault::FaultKind;
use crate::state::SimHost;

/// Bytes on their way in one direction of a connection in memory.
const IN_FLIGHT: usize = 64 * 1024;

impl SimHost {
    /// Opens a connection to XenD in memory. Must be called inside a tokio runtime,
    /// which then serves the connection; on a host without XenD it is closed at once.
    #[must_use]
    pub fn connect(&self) -> DuplexStream {
        let (client, server) = tokio::io::duplex(IN_FLIGHT);
        if self.has_xend() {
            tokio::spawn(connection(self.clone(), server));
        }
        client
    }

    /// The same, as a connection to a socket is: refused where there is no XenD.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] on a host without XenD.
    pub fn try_connect(&self) -> io::Result<DuplexStream> {
        if self.has_xend() {
            Ok(self.connect())
        } else {
            let words = format!("Xen {} has no XenD", self.xen());
            Err(io::Error::new(io::ErrorKind::NotFound, words))
        }
    }

    /// Serves XenD on a UNIX socket at `path` until `shutdown` is done, then removes
    /// the socket. A socket that nobody serves any more is replaced.
    ///
    /// # Errors
    /// When the socket cannot be made, above all when somebody serves it.
    pub async fn serve_unix(
        &self,
        path: &Path,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        drop(self.try_connect()?);
        let socket = crate::socket::listen(path).await?;
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => return Ok(()),
                stream = socket.accept() => drop(tokio::spawn(connection(self.clone(), stream))),
            }
        }
    }
}

/// Serves one connection to its end.
async fn connection<S>(host: SimHost, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let turn = if Habits::of(host.release()).serial {
        Some(host.xend().turn.clone().lock_owned().await)
    } else {
        None
    };
    let mut connection = Connection {
        host,
        stream,
        input: Vec::new(),
        turn,
    };
    // What goes wrong with a connection is the client's to notice.
    drop(connection.serve().await);
}

struct Connection<S> {
    host: SimHost,
    stream: S,
    input: Vec<u8>,
    /// The right to be served, in releases that serve one connection at a time.
    turn: Option<OwnedMutexGuard<()>>,
}

impl<S> Connection<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    async fn serve(&mut self) -> io::Result<()> {
        loop {
            let request = match self.read_request().await? {
                Ok(request) => request,
                Err(refusal) => {
                    self.stream.write_all(&refusal).await?;
                    return self.stream.shutdown().await;
                }
            };
            if dispatch::runs_in_thread(&request) {
                self.turn = None;
            }
            let struck = self.host.xend().faults().strike(&dispatch::kind(&request));
            if self.strike_before(&struck).await {
                return self.hold().await;
            }
            let Answer::Respond {
                response,
                left_open,
            } = dispatch::answer(&self.host, &request).await
            else {
                self.turn = None;
                return self.hold().await;
            };
            let reply = response.bytes(request.method == "HEAD", request.keep_alive);
            let (reply, cut) = strike_reply(&struck, reply);
            self.stream.write_all(&reply).await?;
            self.stream.flush().await?;
            if cut || !(request.keep_alive || left_open) {
                return self.stream.shutdown().await;
            }
            if left_open {
                self.turn = None;
                return self.hold().await;
            }
        }
    }

    /// The next request, or the bytes that refuse it.
    async fn read_request(&mut self) -> io::Result<Result<Request, Vec<u8>>> {
        let mut ended = false;
        loop {
            match read_request(&self.input, ended) {
                Progress::Request(request, used) => {
                    self.input.drain(..used);
                    return Ok(Ok(*request));
                }
                Progress::Refused(response) => return Ok(Err(response.bytes(false, false))),
                Progress::Incomplete => {
                    ended = self.stream.read_buf(&mut self.input).await? == 0;
                }
            }
        }
    }

    /// Faults that strike before anything is done; true when XenD hangs.
    async fn strike_before(&self, struck: &[FaultKind]) -> bool {
        for fault in struck {
            match fault {
                FaultKind::Slow(delay) => tokio::time::sleep(*delay).await,
                FaultKind::Hang | FaultKind::Stall => return true,
                FaultKind::Cut(_)
                | FaultKind::Garbage(_)
                | FaultKind::Fail(_)
                | FaultKind::Death => {}
            }
        }
        false
    }

    /// Keeps the connection until the client closes it; what it sends is lost.
    async fn hold(&mut self) -> io::Result<()> {
        let mut lost = [0; 1024];
        while self.stream.read(&mut lost).await? != 0 {}
        Ok(())
    }
}

/// The reply after the faults on its way, and whether it was cut.
fn strike_reply(struck: &[FaultKind], mut reply: Vec<u8>) -> (Vec<u8>, bool) {
    let mut cut = false;
    for fault in struck {
        match fault {
            FaultKind::Cut(after) => {
                reply.truncate(*after);
                cut = true;
            }
            FaultKind::Garbage(bytes) => {
                reply.clone_from(bytes);
                cut = true;
            }
            FaultKind::Death => {
                reply.clear();
                cut = true;
            }
            FaultKind::Slow(_) | FaultKind::Hang | FaultKind::Stall | FaultKind::Fail(_) => {}
        }
    }
    (reply, cut)
}
