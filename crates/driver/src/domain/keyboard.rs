//! A keyboard of a guest: that of its VNC server, in the protocol that RFC 6143 describes,
//! with QEMU's message for keys by their codes, which no layout changes. Nothing is looked
//! at, and who may type is not decided here.

use std::io::{Error, ErrorKind, Result};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest name of a screen and longest reason that is read, in bytes.
const TEXT_MAX: u32 = 4096;

/// Security without a password.
const NO_PASSWORD: u8 = 1;

/// Client messages.
const SET_ENCODINGS: u8 = 2;
const QEMU: u8 = 255;

/// QEMU's pseudo-encoding: a server that has the message for codes tells it as a
/// rectangle.
const KEY_CODES: i32 = -258;

/// Linux's codes of keys that a keyboard of a PC sends behind 0xe0, which is 0x80 here, and
/// of SysRq, whose number is its own. Up to 88 both numbers are the same.
const EXTENDED: [(u32, u32); 17] = [
    (96, 0x9c),
    (97, 0x9d),
    (98, 0xb5),
    (99, 0x54),
    (100, 0xb8),
    (102, 0xc7),
    (103, 0xc8),
    (104, 0xc9),
    (105, 0xcb),
    (106, 0xcd),
    (107, 0xcf),
    (108, 0xd0),
    (109, 0xd1),
    (110, 0xd2),
    (111, 0xd3),
    (125, 0xdb),
    (127, 0xdd),
];

/// The number that a PC's keyboard has for Linux's code of a key.
pub(super) fn scan_code(code: u32) -> Option<u32> {
    match code {
        1..=88 => Some(code),
        _ => EXTENDED.iter().find(|(it, _)| *it == code).map(|it| it.1),
    }
}

/// Presses keys in turn, by a PC's numbers, and lets go of them after `hold`.
///
/// # Errors
/// The connection's; a server that wants a password or takes no codes.
pub(super) async fn press(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    keys: &[u32],
    hold: Duration,
) -> Result<()> {
    greet(stream).await?;
    let mut message = vec![SET_ENCODINGS, 0, 0, 1];
    message.extend(KEY_CODES.to_be_bytes());
    stream.write_all(&message).await?;
    takes_codes(stream).await?;
    for key in keys {
        stream.write_all(&event(*key, true)).await?;
    }
    tokio::time::sleep(hold).await;
    for key in keys.iter().rev() {
        stream.write_all(&event(*key, false)).await?;
    }
    // A server forgets what it has not read yet when the connection is closed at once.
    stream.shutdown().await?;
    let mut rest = [0; 512];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

/// Version, security and the screen, of which nothing is wanted.
async fn greet(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Result<()> {
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
    let mut size_and_colours = [0; 20];
    stream.read_exact(&mut size_and_colours).await?;
    text(stream).await.map(drop)
}

/// Waits for the rectangle by which a server tells that it takes codes.
async fn takes_codes(stream: &mut (impl AsyncRead + Unpin)) -> Result<()> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let mut rectangle = [0; 12];
    stream.read_exact(&mut rectangle).await?;
    match (head, rectangle) {
        ([0, _, _, 1], [.., a, b, c, d]) if i32::from_be_bytes([a, b, c, d]) == KEY_CODES => Ok(()),
        _ => Err(other("it takes no keys by their codes")),
    }
}

/// A key that goes down or up. No symbol of a layout goes with it.
fn event(key: u32, down: bool) -> Vec<u8> {
    let mut message = vec![QEMU, 0, 0, u8::from(down), 0, 0, 0, 0];
    message.extend(key.to_be_bytes());
    message
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

fn other(reason: &str) -> Error {
    Error::other(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that says this, and all that was said to it.
    async fn told(said: &[u8], keys: &[u32]) -> (Result<()>, Vec<u8>) {
        let (mut ours, mut theirs) = tokio::io::duplex(4096);
        theirs.write_all(said).await.unwrap();
        let serve = async {
            let mut all = Vec::new();
            let (mut reader, mut writer) = tokio::io::split(theirs);
            writer.shutdown().await.unwrap();
            reader.read_to_end(&mut all).await.unwrap();
            all
        };
        let press = async {
            let done = press(&mut ours, keys, Duration::ZERO).await;
            drop(ours);
            done
        };
        tokio::join!(press, serve)
    }

    fn screen(rectangle: i32) -> Vec<u8> {
        let mut said = b"RFB 003.008\n\x02\x02\x01\0\0\0\0".to_vec();
        said.extend([0; 20]);
        said.extend(b"\0\0\0\x02hi");
        said.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        said.extend(rectangle.to_be_bytes());
        said
    }

    #[tokio::test]
    async fn keys_go_down_and_up_again() {
        let (done, said) = told(&screen(KEY_CODES), &[0x1d, 0xd3]).await;
        done.unwrap();
        let keys = [
            event(0x1d, true),
            event(0xd3, true),
            event(0xd3, false),
            event(0x1d, false),
        ];
        let expected = [
            &b"RFB 003.008\n\x01\x01\x02\0\0\x01\xff\xff\xfe\xfe"[..],
            &keys.concat(),
        ];
        assert_eq!(said, expected.concat());
    }

    #[tokio::test]
    async fn who_cannot_be_typed_at_says_why() {
        for (said, why) in [
            (b"RFB 003.008\n\x01\x02".to_vec(), "it wants a password"),
            (b"RFB 003.003\n\0\0\0\x02".to_vec(), "it wants a password"),
            (b"RFB 003.008\n\0\0\0\0\x04busy".to_vec(), "busy"),
            (b"SSH-2.0-OpenSSH".to_vec(), "no VNC server"),
            (screen(0), "it takes no keys by their codes"),
            (b"RFB".to_vec(), "early eof"),
        ] {
            let (done, _) = told(&said, &[30]).await;
            assert_eq!(done.unwrap_err().to_string(), why);
        }
    }

    #[test]
    fn codes_of_keys_are_those_of_a_pc() {
        assert_eq!(scan_code(30), Some(0x1e));
        assert_eq!(scan_code(111), Some(0xd3));
        for none in [0, 89, 240, u32::MAX] {
            assert_eq!(scan_code(none), None);
        }
    }
}
