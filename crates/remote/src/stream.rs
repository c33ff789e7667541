//! Streams of a connection: bytes both ways, as of a console.

use crate::client::Request;
use crate::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::{Notify, mpsc};
use virtxen_rpc::{Serial, StreamEvent};

/// Packets that may wait for a reader before no more are read.
const PACKETS: usize = 64;
/// Bytes that are sent at once.
const PART: usize = 64 << 10;
/// Who is at the other end.
const DAEMON: &str = "the daemon";
/// Zeros of a hole that are handed out at once.
const ZEROS: i64 = 64 << 10;

/// A client's end of a stream. Dropping it gives the stream up.
#[derive(Debug)]
pub struct Stream {
    serial: Serial,
    incoming: mpsc::UnboundedReceiver<Result<StreamEvent>>,
    requests: mpsc::Sender<Request>,
    waiting: Arc<Waiting>,
    over: bool,
}

/// The connection's end of a stream.
pub(crate) struct Incoming {
    sender: mpsc::UnboundedSender<Result<StreamEvent>>,
    waiting: Arc<Waiting>,
}

/// Packets that wait for a reader.
#[derive(Debug, Default)]
struct Waiting {
    count: AtomicUsize,
    taken: Notify,
}

impl Stream {
    /// A stream of a call that is being made.
    pub(crate) fn new(serial: Serial, requests: mpsc::Sender<Request>) -> (Self, Incoming) {
        let (sender, incoming) = mpsc::unbounded_channel();
        let waiting = Arc::new(Waiting::default());
        let stream = Self {
            serial,
            incoming,
            requests,
            waiting: Arc::clone(&waiting),
            over: false,
        };
        (stream, Incoming { sender, waiting })
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// When the daemon ends the stream with an error, or the connection is lost.
    pub async fn read(&mut self) -> Result<Option<Vec<u8>>> {
        while !self.over {
            let event = self.incoming.recv().await;
            if event.is_some() {
                self.waiting.count.fetch_sub(1, Ordering::Relaxed);
                self.waiting.taken.notify_one();
            }
            match event {
                Some(Ok(StreamEvent::Data(bytes))) => return Ok(Some(bytes)),
                Some(Ok(StreamEvent::Hole(length))) => {
                    let length = usize::try_from(length.clamp(0, ZEROS)).unwrap_or(0);
                    return Ok(Some(vec![0; length]));
                }
                Some(Ok(StreamEvent::Failed(error))) => {
                    self.over = true;
                    return Err(error.into());
                }
                Some(Err(error)) => {
                    self.over = true;
                    return Err(error);
                }
                Some(Ok(StreamEvent::End | StreamEvent::Finished)) | None => self.over = true,
            }
        }
        Ok(None)
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn write(&self, bytes: Vec<u8>) -> Result<()> {
        self.ask(Request::Send(self.serial, bytes)).await
    }

    /// Says that all is sent and read.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn finish(mut self) -> Result<()> {
        self.ask(Request::Finish(self.serial)).await?;
        while self.read().await?.is_some() {}
        Ok(())
    }

    /// Sends all that a reader has and says that it is all. A daemon that takes it slowly
    /// slows the reader down.
    ///
    /// # Errors
    /// When the daemon ends the stream before, and why; the reader's; when the connection
    /// is lost.
    pub async fn write_all(mut self, mut from: impl AsyncRead + Unpin) -> Result<()> {
        let mut buffer = vec![0; PART];
        loop {
            tokio::select! {
                biased;
                event = self.read() => {
                    if event?.is_none() {
                        return Err(lost(DAEMON, "it ended the stream"));
                    }
                }
                count = from.read(&mut buffer) => {
                    let count = count.map_err(|error| lost("the sender", &error.to_string()))?;
                    let bytes = buffer.get(..count).unwrap_or_default();
                    if bytes.is_empty() {
                        return self.finish().await;
                    }
                    self.write(bytes.to_vec()).await?;
                }
            }
        }
    }

    async fn ask(&self, request: Request) -> Result<()> {
        let sent = self.requests.send(request).await;
        sent.map_err(|_| lost(DAEMON, "it ended before the stream did"))
    }
}

fn lost(place: &str, reason: &str) -> Error {
    Error::Lost {
        place: place.to_owned(),
        reason: reason.to_owned(),
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if !self.over {
            // A connection that is full or gone needs no word about one stream.
            let _ = self.requests.try_send(Request::Abort(self.serial));
        }
    }
}

impl Incoming {
    /// Whether more may be read for it.
    pub(crate) fn has_room(&self) -> bool {
        self.sender.is_closed() || self.waiting.count.load(Ordering::Relaxed) < PACKETS
    }

    /// Waits until something was taken.
    pub(crate) async fn room(&self) {
        tokio::select! {
            () = self.waiting.taken.notified() => {}
            () = self.sender.closed() => {}
        }
    }

    /// Hands on what came.
    pub(crate) fn give(&self, event: StreamEvent) {
        self.put(Ok(event));
    }

    /// Says that the connection is lost.
    pub(crate) fn lose(self, error: Error) {
        self.put(Err(error));
    }

    fn put(&self, event: Result<StreamEvent>) {
        self.waiting.count.fetch_add(1, Ordering::Relaxed);
        // A reader that is gone has said so.
        let _ = self.sender.send(event);
    }
}
