//! One request and its reply over one connection, within its deadlines.
//!
//! Dropping the future closes the connection; nothing runs on behind it here,
//! though XenD may go on with what it was asked for.

use crate::error::{Error, Phase, Result};
use crate::reply::{Reply, ReplyError, ReplyLimits, ReplyReader};
use crate::request::Request;
use crate::transport::{Connector, Stream};
use std::future::Future;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How long an operation may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Until XenD begins to answer, from the request's last byte.
    pub first_byte: Duration,
    /// Until the reply is whole, from the request's last byte.
    pub whole: Duration,
}

/// Deadlines of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Until XenD accepts a connection.
    pub connect: Duration,
    /// Until XenD has taken a request.
    pub write: Duration,
    /// Questions and quick operations. XenD up to 4.0 answers none of them
    /// while it builds a domain.
    pub quick: Patience,
    /// Operations that wait for devices or build a domain. XenD itself waits
    /// 100 s for a device and, up to 3.3, minutes for memory.
    pub slow: Patience,
    /// Operations that move a domain's memory: save, restore, dump, migrate.
    pub transfer: Patience,
}

impl Default for Deadlines {
    fn default() -> Self {
        let patience = |seconds| Patience {
            first_byte: Duration::from_secs(seconds),
            whole: Duration::from_secs(seconds + 30),
        };
        Self {
            connect: Duration::from_secs(10),
            write: Duration::from_secs(10),
            quick: patience(30),
            slow: patience(300),
            transfer: patience(6 * 3600),
        }
    }
}

/// Which [`Patience`] an operation has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Questions and quick operations.
    Quick,
    /// Waits for devices or builds a domain.
    Slow,
    /// Moves a domain's memory.
    Transfer,
}

impl Deadlines {
    fn patience(&self, pace: Pace) -> Patience {
        match pace {
            Pace::Quick => self.quick,
            Pace::Slow => self.slow,
            Pace::Transfer => self.transfer,
        }
    }
}

/// Sends a request over a new connection and reads its reply.
///
/// # Errors
/// When XenD is not reached, a deadline passes, the connection breaks or what
/// comes is no reply.
pub async fn exchange(
    connector: &dyn Connector,
    operation: &'static str,
    request: &Request,
    pace: Pace,
    deadlines: &Deadlines,
    limits: ReplyLimits,
) -> Result<Reply> {
    let bytes = request
        .to_bytes()
        .map_err(|source| Error::TooLarge { operation, source })?;
    let connect = connector.connect();
    let mut stream = within(operation, Phase::Connect, deadlines.connect, connect)
        .await?
        .map_err(|source| Error::Connect {
            address: connector.address(),
            source,
        })?;
    let write = async {
        stream.write_all(&bytes).await?;
        stream.flush().await
    };
    let written = within(operation, Phase::Write, deadlines.write, write).await?;
    let mut reader = ReplyReader::new(request.method(), limits);
    if let Err(source) = written {
        // XenD refuses some requests before it has read them; its words may be
        // there already.
        let patience = Patience {
            first_byte: deadlines.write,
            whole: deadlines.write,
        };
        return receive(&mut *stream, operation, &mut reader, patience)
            .await
            .map_err(|_| Error::Broken { operation, source });
    }
    let patience = deadlines.patience(pace);
    receive(&mut *stream, operation, &mut reader, patience).await
}

async fn receive(
    stream: &mut dyn Stream,
    operation: &'static str,
    reader: &mut ReplyReader,
    patience: Patience,
) -> Result<Reply> {
    // Most replies are small; a full buffer makes way for a larger one.
    let mut buffer = vec![0; 4 << 10];
    let reply = async {
        let first = stream.read(&mut buffer);
        let mut read = within(operation, Phase::FirstByte, patience.first_byte, first).await?;
        loop {
            let count = read.map_err(|source| Error::Broken { operation, source })?;
            let failed = |source: ReplyError| Error::Reply { operation, source };
            if count == 0 {
                return reader.end().map_err(failed);
            }
            let bytes = buffer.get(..count).unwrap_or_default();
            if let Some(reply) = reader.feed(bytes).map_err(failed)? {
                return Ok(reply);
            }
            if count == buffer.len() {
                buffer.resize(64 << 10, 0);
            }
            read = stream.read(&mut buffer).await;
        }
    };
    within(operation, Phase::Whole, patience.whole, reply).await?
}

async fn within<F: Future>(
    operation: &'static str,
    phase: Phase,
    limit: Duration,
    future: F,
) -> Result<F::Output> {
    tokio::time::timeout(limit, future)
        .await
        .map_err(|_| Error::Timeout {
            operation,
            phase,
            limit,
        })
}
