//! A keyboard of a guest: that of its VNC server, with QEMU's message for keys by their
//! codes, which no layout changes. Nothing is looked at, and who may type is not decided
//! here.

use super::rfb::{greet, other};
use std::io::Result;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

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
