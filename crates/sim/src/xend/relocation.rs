//! What two XenDs say to each other when a domain moves, and the side that takes it.
//!
//! | from | bytes |
//! | --- | --- |
//! | the host that it leaves | `receive` and a line end |
//! | the host that it comes to | `(ready receive)` and a line end |
//! | the host that it leaves | `LinuxGuestRecord`, the length of the configuration as 32 bits in network order, the configuration |
//! | and then | its memory |
//!
//! The memory is a word here, which the other side confirms when the domain runs: a
//! real one is long enough for a broken connection to be noticed on its way.

use super::config::{Config, Words};
use super::operations::arrive;
use crate::state::SimHost;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use virtxen_formats::sxpr::{Limits, read_prefix};

const RECEIVE: &[u8] = b"receive\n";
const READY: &[u8] = b"(ready receive)\n";
const SIGNATURE: &[u8] = b"LinuxGuestRecord";
const MEMORY: &[u8] = b"memory\n";

/// Longest configuration that is taken.
const CONFIG_MAX: usize = 1 << 20;

/// Longest time for one domain, whatever the other side does.
const PATIENCE: Duration = Duration::from_secs(600);

/// How simulated hosts call themselves: all of them are on this machine.
const OWN_NAMES: [&str; 2] = ["vm", "localhost"];

impl SimHost {
    /// Takes domains of other simulated hosts on this TCP port of the machine's own
    /// address, as long as the runtime lives.
    ///
    /// # Errors
    /// When somebody else has the port.
    pub async fn take_domains(&self, port: u16) -> io::Result<()> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let host = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let host = host.clone();
                // What goes wrong is for the other side to notice.
                tokio::spawn(async move {
                    let taken = tokio::time::timeout(PATIENCE, take(&host, stream)).await;
                    if let Ok(Err(error)) = taken {
                        let line = format!("ERROR (XendDomain:1150) Restore failed: {error}");
                        host.xend().note(&line);
                    }
                });
            }
        });
        Ok(())
    }
}

/// Reaches the relocation server of another simulated host.
pub(super) async fn connect(destination: &str, port: u16) -> io::Result<TcpStream> {
    let address = match OWN_NAMES.contains(&destination) {
        true => "127.0.0.1",
        false => destination,
    };
    // On a thread of its own: a refusal needs no more of the runtime than that.
    let address = address.to_owned();
    let connect = move || std::net::TcpStream::connect((address.as_str(), port));
    let connected = tokio::task::spawn_blocking(connect).await;
    let stream = connected.map_err(io::Error::other)??;
    stream.set_nonblocking(true)?;
    TcpStream::from_std(stream)
}

/// Sends a domain, which takes so long. It runs on the other side when this is well.
pub(super) async fn send(stream: TcpStream, config: &str, time: Duration) -> io::Result<()> {
    let sent = tokio::time::timeout(PATIENCE, say(stream, config, time)).await;
    sent.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn say(mut stream: TcpStream, config: &str, time: Duration) -> io::Result<()> {
    stream.write_all(RECEIVE).await?;
    expect(&mut stream, READY).await?;
    let length = u32::try_from(config.len()).map_err(io::Error::other)?;
    let head = [SIGNATURE, &length.to_be_bytes()].concat();
    stream.write_all(&head).await?;
    stream.write_all(config.as_bytes()).await?;
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
    stream.write_all(MEMORY).await?;
    expect(&mut stream, MEMORY).await
}

async fn take(host: &SimHost, mut stream: TcpStream) -> io::Result<()> {
    expect(&mut stream, RECEIVE).await?;
    stream.write_all(READY).await?;
    expect(&mut stream, SIGNATURE).await?;
    let length = usize::try_from(stream.read_u32().await?).map_err(io::Error::other)?;
    if length > CONFIG_MAX {
        return Err(io::Error::other("the configuration is too long"));
    }
    let mut config = vec![0; length];
    stream.read_exact(&mut config).await?;
    let config = read_config(host, &config).map_err(io::Error::other)?;
    expect(&mut stream, MEMORY).await?;
    arrive(host, config).await.map_err(io::Error::other)?;
    stream.write_all(MEMORY).await
}

fn read_config(host: &SimHost, text: &[u8]) -> Result<Config, Words> {
    let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
    let (tree, _) = read_prefix(text, Limits::default()).map_err(|error| error.to_string())?;
    let mut state = host.state();
    let facts = state.facts;
    Config::read(&tree, &facts, &mut state.entropy)
}

/// Reads just these bytes.
async fn expect(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    let mut got = vec![0; bytes.len()];
    stream.read_exact(&mut got).await?;
    match got == bytes {
        true => Ok(()),
        false => Err(io::ErrorKind::InvalidData.into()),
    }
}
