//! `proxy`: bytes between standard input, standard output and the daemon's socket, for
//! those who come by ssh. What the bytes say is not looked at.

use super::{Command, Group};
use crate::connect::Session;
use crate::error::{Error, Result};
use crate::options::{Args, Kind, required};
use crate::output::Reply;
use std::path::Path;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;

/// Bytes that are carried at once.
const PART: usize = 64 << 10;

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "proxy",
    group: Group::Virtxen,
    summary: "carry bytes between standard input and output and a daemon's socket",
    about: "virtxen+ssh: starts it on the other host.",
    options: &[required(
        "socket",
        Kind::File,
        "the socket, such as /run/libvirt/virtxend-sock",
    )],
    run: |_: &Session, args| Box::pin(proxy(args)),
}];

async fn proxy(args: &Args) -> Result<Reply> {
    let path = Path::new(args.required("socket")?);
    let socket = UnixStream::connect(path)
        .await
        .map_err(|error| Error::file("connect to", path, error))?;
    let (from, to) = socket.into_split();
    let failed = |source| Error::System {
        what: "the connection to the daemon is lost",
        source,
    };
    // When either side ends there is nobody left to talk to.
    tokio::select! {
        ended = carry(tokio::io::stdin(), to) => ended.map_err(failed)?,
        ended = carry(from, tokio::io::stdout()) => ended.map_err(failed)?,
    }
    // Nothing is printed: standard output belongs to the protocol.
    Ok(Reply::silent())
}

/// Carries bytes to the end of one side, each part as soon as it is there.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
) -> std::io::Result<()> {
    let mut buffer = vec![0; PART];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(buffer.get(..count).unwrap_or_default())
            .await?;
        to.flush().await?;
    }
}
