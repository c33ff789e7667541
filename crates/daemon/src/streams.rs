//! Streams of one client, each joined with something of the host: a console, or a domain
//! that comes.
//!
//! How a stream looks to the client is `virtxen_rpc`'s; what is at its other end, the
//! business of `console` and `tunnel`.

use crate::console::{Console, News};
use crate::tunnel::Tunnel;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::{Context, Poll};
use virtxen_rpc::server::{ServerSession, StreamId, StreamPart};
use virtxen_rpc::{RemoteError, Result, code, origin};

/// What a stream is joined with. It ends when this is dropped.
pub(crate) enum Joined {
    /// Bytes both ways.
    Console(Console),
    /// Bytes from the client.
    Tunnel(Tunnel),
}

/// The streams of one client.
#[derive(Default)]
pub(crate) struct Streams {
    open: BTreeMap<StreamId, Joined>,
}

impl Joined {
    /// Takes bytes of the client. False when there are more than its session allows.
    fn take(&self, bytes: Vec<u8>) -> bool {
        match self {
            Self::Console(console) => console.type_in(bytes),
            Self::Tunnel(tunnel) => tunnel.take(bytes),
        }
    }

    fn poll(&mut self, context: &mut Context<'_>, ready: bool) -> Poll<News> {
        match self {
            Self::Console(console) => console.poll(context, ready),
            Self::Tunnel(tunnel) => tunnel.poll(context),
        }
    }
}

impl Streams {
    /// A stream that has started.
    pub(crate) fn join(&mut self, id: StreamId, joined: Joined) {
        self.open.insert(id, joined);
    }

    /// Something of the client for a stream.
    ///
    /// # Errors
    /// When it cannot be answered: close the connection.
    pub(crate) fn take_part(
        &mut self,
        session: &mut ServerSession,
        id: StreamId,
        part: StreamPart,
    ) -> Result<()> {
        match part {
            StreamPart::Data(bytes) => {
                if self.open.get(&id).is_some_and(|joined| joined.take(bytes)) {
                    return Ok(());
                }
                let message = "the stream takes nothing more";
                let error = RemoteError::new(code::OPERATION_FAILED, origin::STREAMS, message);
                self.pass_on(session, id, News::Lost(error))
            }
            StreamPart::Hole(_) => {
                session.stream_used(id);
                Ok(())
            }
            StreamPart::Finish => {
                if let Some(Joined::Tunnel(tunnel)) = self.open.remove(&id) {
                    tunnel.finish();
                }
                session.finish_stream(id, Ok(()))
            }
            StreamPart::Abort => {
                self.open.remove(&id);
                Ok(())
            }
        }
    }

    /// Something of a stream for its client.
    ///
    /// # Errors
    /// When it cannot be written: close the connection.
    pub(crate) fn pass_on(
        &mut self,
        session: &mut ServerSession,
        id: StreamId,
        news: News,
    ) -> Result<()> {
        match news {
            News::Shown(bytes) => session.send_stream(id, &bytes),
            News::End => session.send_stream(id, &[]),
            News::Used => {
                session.stream_used(id);
                Ok(())
            }
            News::Lost(error) => {
                self.open.remove(&id);
                session.fail_stream(id, &error)
            }
        }
    }

    /// The next thing that happens on a stream. What a guest writes waits until its client
    /// has got what came before.
    pub(crate) async fn next(&mut self, session: &ServerSession) -> (StreamId, News) {
        poll_fn(|context| {
            for (id, joined) in &mut self.open {
                if let Poll::Ready(news) = joined.poll(context, session.is_stream_ready(*id)) {
                    return Poll::Ready((*id, news));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Ends all of them.
    ///
    /// # Errors
    /// When that cannot be told: close the connection.
    pub(crate) fn end_all(&mut self, session: &mut ServerSession) -> Result<()> {
        let all: Vec<StreamId> = self.open.keys().copied().collect();
        for id in all {
            let error = RemoteError::new(code::OPERATION_ABORTED, origin::STREAMS, "virtxend ends");
            self.pass_on(session, id, News::Lost(error))?;
        }
        Ok(())
    }
}
