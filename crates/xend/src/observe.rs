//! Reports each request to a XenD with its time, read from the bytes that pass.
//! Nothing is changed on the way.

use crate::transport::{Connector, Stream, Warning};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Is told of each request: its first line with the operation and the status of
/// the reply, and how long it took until the connection was given up.
pub type Observer = Arc<dyn Fn(&str, Duration) + Send + Sync>;

/// Bytes of a line that are reported.
const LINE: usize = 200;

/// A way to a XenD that reports what passes.
pub struct Observed<C> {
    connector: C,
    observer: Observer,
}

impl<C: Connector> Observed<C> {
    /// Reports requests over `connector` to `observer`.
    pub fn new(connector: C, observer: Observer) -> Self {
        Self {
            connector,
            observer,
        }
    }
}

#[async_trait::async_trait]
impl<C: Connector> Connector for Observed<C> {
    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let begin = Instant::now();
        match self.connector.connect().await {
            Ok(inner) => Ok(Box::new(Watched {
                inner,
                begin,
                request: String::new(),
                status: String::new(),
                observer: Arc::clone(&self.observer),
            })),
            Err(error) => {
                (self.observer)(&format!("connect: {error}"), begin.elapsed());
                Err(error)
            }
        }
    }

    fn address(&self) -> String {
        self.connector.address()
    }

    fn warnings(&self) -> Vec<Warning> {
        self.connector.warnings()
    }
}

/// A connection, which carries one request.
struct Watched {
    inner: Box<dyn Stream>,
    begin: Instant,
    request: String,
    status: String,
    observer: Observer,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        if self.status.is_empty() {
            let line = first_line(buffer.filled().get(before..).unwrap_or_default());
            // What follows the version.
            let status = line.split_once(' ').map_or("", |(_, status)| status);
            status.clone_into(&mut self.status);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(context, bytes))?;
        if self.request.is_empty() {
            self.request = describe(bytes);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let status = if self.status.is_empty() {
            "no reply"
        } else {
            &self.status
        };
        let what = format!("{}: {status}", self.request);
        (self.observer)(&what, self.begin.elapsed());
    }
}

/// Method and path, and the operation that a form names.
fn describe(request: &[u8]) -> String {
    let line = first_line(request);
    let line = line.split(" HTTP/").next().unwrap_or_default();
    let text = String::from_utf8_lossy(request);
    let form = text.split_once("\r\n\r\n").map_or("", |(_, form)| form);
    match form.split('&').find(|pair| pair.starts_with("op=")) {
        Some(operation) => format!("{line} {operation}"),
        None => line.to_owned(),
    }
}

fn first_line(bytes: &[u8]) -> String {
    let line = bytes.split(|byte| *byte == b'\r' || *byte == b'\n').next();
    let line = line.unwrap_or_default();
    String::from_utf8_lossy(line.get(..LINE).unwrap_or(line)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_its_line_and_operation() {
        let get = b"GET /xend/domain/?detail=1 HTTP/1.1\r\nHost: localhost\r\n\r\n";
        assert_eq!(describe(get), "GET /xend/domain/?detail=1");
        let post = b"POST /xend/domain/web HTTP/1.1\r\nHost: x\r\n\r\nop=pause&a=b";
        assert_eq!(describe(post), "POST /xend/domain/web op=pause");
        assert_eq!(describe(b""), "");
    }
}
