//! Streams of one client, each joined with something of the host: a console, a domain that
//! comes, or a picture.
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

/// Bytes of a picture that are sent at once.
const PART: usize = 64 << 10;

/// What a stream is joined with. It ends when this is dropped.
pub(crate) enum Joined {
    /// Bytes both ways.
    Console(Console),
    /// Bytes from the client.
    Tunnel(Tunnel),
    /// Bytes for the client, in parts; none when all have been told of.
    Picture(Option<std::vec::IntoIter<Vec<u8>>>),
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
            // The stream is not for the client to write.
            Self::Picture(_) => false,
        }
    }

    fn poll(&mut self, context: &mut Context<'_>, ready: bool) -> Poll<News> {
        match self {
            Self::Console(console) => console.poll(context, ready),
            Self::Tunnel(tunnel) => tunnel.poll(context),
            Self::Picture(parts) => match parts.as_mut().filter(|_| ready) {
                Some(rest) => Poll::Ready(match rest.next() {
                    Some(part) => News::Shown(part),
                    None => {
                        *parts = None;
                        News::End
                    }
                }),
                None => Poll::Pending,
            },
        }
    }

    /// A picture that is sent.
    pub(crate) fn picture(bytes: &[u8]) -> Self {
        let parts = bytes.chunks(PART).map(<[u8]>::to_vec);
        Self::Picture(Some(parts.collect::<Vec<_>>().into_iter()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_sent_in_parts_when_the_client_is_ready() {
        let bytes = vec![7; PART + 1];
        let mut joined = Joined::picture(&bytes);
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(joined.poll(&mut context, false).is_pending());
        let mut sent = Vec::new();
        while let Poll::Ready(News::Shown(part)) = joined.poll(&mut context, true) {
            sent.extend(part);
        }
        assert_eq!(sent, bytes);
        assert!(
            joined.poll(&mut context, true).is_pending(),
            "its end was told"
        );
        assert!(!joined.take(vec![1]));
    }
}
