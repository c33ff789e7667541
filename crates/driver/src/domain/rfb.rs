//! The VNC server of a guest, in the protocol that RFC 6143 describes: where it is, and how
//! a connection begins. What is typed is in `keyboard`, what is shown in `screen`.

use std::io::{Error, ErrorKind, Result};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use virtxen_host::{Host, VncServer};

/// Longest name of a screen and longest reason that is read, in bytes.
const TEXT_MAX: u32 = 4096;

/// Security without a password.
const NO_PASSWORD: u8 = 1;

/// The server of a guest, if it has one on this machine: what is simulated has none, and of
/// another machine XenStore is not reached.
///
/// # Errors
/// The host's.
pub(super) async fn server(host: &dyn Host, name: &str) -> virtxen_host::Result<Option<VncServer>> {
    match !host.is_simulated() && host.xenstore().is_some() {
        true => host.vnc(name).await,
        false => Ok(None),
    }
}

/// Opens a connection.
///
/// # Errors
/// The machine's.
pub(super) async fn connect(server: &VncServer) -> Result<TcpStream> {
    TcpStream::connect((address_of(server), server.port)).await
}

/// What went wrong with a server.
pub(super) fn failed(server: &VncServer, error: &Error) -> String {
    let address = address_of(server);
    format!("the VNC server at {address}:{}: {error}", server.port)
}

/// Says hello, and learns how large the screen is.
///
/// # Errors
/// The connection's; a server that wants a password, or is none.
pub(super) async fn greet(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> Result<(u16, u16)> {
    let mut version = [0; 12];
    stream.read_exact(&mut version).await?;
    let minor = match &version {
        b"RFB 003.008\n" => 8,
        b"RFB 003.007\n" => 7,
        it if it.starts_with(b"RFB 003.") => 3,
        _ => return Err(other("no VNC server")),
    };
    stream
        .write_all(format!("RFB 003.00{minor}\n").as_bytes())
        .await?;
    let can = match minor {
        3 => stream.read_u32().await? == u32::from(NO_PASSWORD),
        _ => {
            let count = stream.read_u8().await?;
            let mut kinds = vec![0; usize::from(count)];
            stream.read_exact(&mut kinds).await?;
            if count == 0 {
                return Err(other(&text(stream).await?));
            }
            kinds.contains(&NO_PASSWORD)
        }
    };
    if !can {
        return Err(other("it wants a password"));
    }
    if minor > 3 {
        stream.write_u8(NO_PASSWORD).await?;
    }
    if minor > 7 && stream.read_u32().await? != 0 {
        return Err(other(&text(stream).await?));
    }
    // Others may go on to look at the screen.
    stream.write_u8(1).await?;
    let size = (stream.read_u16().await?, stream.read_u16().await?);
    let mut colours = [0; 16];
    stream.read_exact(&mut colours).await?;
    text(stream).await?;
    Ok(size)
}

async fn text(stream: &mut (impl AsyncRead + Unpin)) -> Result<String> {
    let length = stream.read_u32().await?;
    if length > TEXT_MAX {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    stream.read_exact(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

pub(super) fn other(reason: &str) -> Error {
    Error::other(reason.to_owned())
}

/// Where a server that listens everywhere is reached.
fn address_of(server: &VncServer) -> &str {
    match &*server.address {
        "" | "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_listens_everywhere_is_here() {
        for (listens, address) in [("", "127.0.0.1"), ("::", "::1"), ("10.0.0.7", "10.0.0.7")] {
            let server = VncServer {
                address: listens.to_owned(),
                port: 5900,
            };
            assert_eq!(address_of(&server), address);
        }
    }
}
