//! Domains that come through a client's connection: the parts of its stream go to who
//! receives the domain, in their order, each when the one before it was taken.
//!
//! How a stream looks to the client is `virtxen_rpc`'s; what becomes of the domain, the
//! driver's.

use crate::console::News;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use virtxen_driver::Mouth;
use virtxen_rpc::{RemoteError, code, origin};

/// Parts that may wait to be taken; the client's session lets fewer through.
const PARTS: usize = 64;
/// How long a part may wait. Its client cannot hang up meanwhile, and is not looked after.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long to wait for why no more is taken.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A stream that brings a domain. Who drops it gives the domain up.
pub(crate) struct Tunnel {
    parts: mpsc::Sender<Vec<u8>>,
    notes: mpsc::UnboundedReceiver<Result<(), RemoteError>>,
    tasks: JoinSet<()>,
}

impl Tunnel {
    /// A stream into a mouth.
    pub(crate) fn new(mouth: Mouth) -> Self {
        let (parts, taken) = mpsc::channel(PARTS);
        let (note, notes) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(carry(mouth, taken, note));
        Self {
            parts,
            notes,
            tasks,
        }
    }

    /// Hands on a part. False when more come than the session allows.
    pub(crate) fn take(&self, bytes: Vec<u8>) -> bool {
        // Why nothing is taken any more is among the notes.
        !matches!(self.parts.try_send(bytes), Err(TrySendError::Full(_)))
    }

    /// The client has sent all: what waits is still handed on.
    pub(crate) fn finish(mut self) {
        self.tasks.detach_all();
    }

    /// What there is for the client.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<News> {
        match self.notes.poll_recv(context) {
            Poll::Ready(Some(Ok(()))) => Poll::Ready(News::Used),
            Poll::Ready(Some(Err(error))) => Poll::Ready(News::Lost(error)),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

async fn carry(
    mouth: Mouth,
    mut parts: mpsc::Receiver<Vec<u8>>,
    note: mpsc::UnboundedSender<Result<(), RemoteError>>,
) {
    let Mouth {
        mut stream,
        mut refused,
    } = mouth;
    let mut may_be_refused = true;
    loop {
        let result = tokio::select! {
            biased;
            why = &mut refused, if may_be_refused => {
                may_be_refused = false;
                match why {
                    Ok(why) => Err(why),
                    // All has come.
                    Err(_) => continue,
                }
            }
            part = parts.recv() => match part {
                Some(part) => write(&mut stream, &part).await,
                None => return,
            },
        };
        let result = match result {
            Err(what) if may_be_refused => Err(last_words(&mut refused).await.unwrap_or(what)),
            result => result,
        };
        let failed = result.is_err();
        let result = result
            .map_err(|message| RemoteError::new(code::OPERATION_FAILED, origin::LIBXL, message));
        // Nobody listens any more once the client has sent all.
        let _ = note.send(result);
        if failed {
            return;
        }
    }
}

async fn write(stream: &mut UnixStream, part: &[u8]) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, stream.write_all(part)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("the domain's memory is not taken: {error}")),
        Err(_) => Err(format!(
            "the domain's memory was not taken within {} s",
            PATIENCE.as_secs()
        )),
    }
}

async fn last_words(refused: &mut oneshot::Receiver<String>) -> Option<String> {
    let waited = tokio::time::timeout(LAST_WORDS, refused).await;
    waited.ok()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::AsyncReadExt;

    fn tunnel() -> (Tunnel, UnixStream, oneshot::Sender<String>) {
        let (stream, inside) = UnixStream::pair().unwrap();
        let (tell, refused) = oneshot::channel();
        (Tunnel::new(Mouth { stream, refused }), inside, tell)
    }

    #[tokio::test]
    async fn what_was_sent_before_the_end_is_taken() {
        let (mut tunnel, mut inside, _tell) = tunnel();
        // More than a pair of sockets holds.
        for part in 0..PARTS {
            assert!(tunnel.take(vec![part as u8; 64 << 10]));
        }
        let used = poll_fn(|context| tunnel.poll(context)).await;
        assert!(matches!(used, News::Used));
        tunnel.finish();
        let mut all = Vec::new();
        inside.read_to_end(&mut all).await.unwrap();
        assert_eq!(all.len(), PARTS * (64 << 10));
        assert_eq!(all.last(), Some(&(PARTS as u8 - 1)));
    }

    #[tokio::test]
    async fn a_client_that_goes_away_takes_its_domain_along() {
        let (tunnel, mut inside, _tell) = tunnel();
        drop(tunnel);
        assert_eq!(inside.read(&mut [0; 8]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_client_hears_why_no_more_is_taken() {
        for is_late in [false, true] {
            let (mut tunnel, inside, tell) = tunnel();
            drop(inside);
            assert!(tunnel.take(b"memory".to_vec()));
            if is_late {
                // Writing has failed, and the reason is waited for.
                let early = tokio::time::timeout(Duration::from_millis(50), async {
                    poll_fn(|context| tunnel.poll(context)).await
                });
                assert!(early.await.is_err(), "no reason was waited for");
            }
            tell.send("no memory for it".to_owned()).unwrap();
            let News::Lost(error) = poll_fn(|context| tunnel.poll(context)).await else {
                panic!("it goes on");
            };
            assert!(error.text().contains("no memory for it"));
        }
    }
}
