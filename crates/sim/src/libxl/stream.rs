//! The stream of a guest that is saved or moved: libxl's head and records, with little
//! memory in it.
//!
//! | part | bytes |
//! | --- | --- |
//! | head | `LibxlFmt`, version and options as 32 bits, the highest byte first |
//! | records | kind and length as 32 bits, the lowest byte first, the contents, nothing up to 8 bytes |
//! | end | a record of kind 0 without contents |

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;

/// How a stream begins.
const MAGIC: &[u8; 8] = b"LibxlFmt";
/// Version of the form that Xen 4.6 and later write.
const VERSION: u32 = 2;
/// Kinds of records.
const END: u32 = 0;
const MEMORY: u32 = 1;
/// Longest record that is taken.
const RECORD_MAX: u32 = 64 << 20;

/// The head of a stream.
pub(super) fn head() -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_be_bytes());
    bytes.extend(0_u32.to_be_bytes());
    bytes
}

/// Memory: so many bytes of it.
pub(super) fn memory(bytes: usize) -> Vec<u8> {
    record(MEMORY, &vec![0x5a; bytes])
}

/// The end of a stream.
pub(super) fn end() -> Vec<u8> {
    record(END, &[])
}

fn record(kind: u32, contents: &[u8]) -> Vec<u8> {
    let length = u32::try_from(contents.len()).unwrap_or(RECORD_MAX);
    let mut bytes = kind.to_le_bytes().to_vec();
    bytes.extend(length.to_le_bytes());
    bytes.extend(contents);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

/// Writes a part of a stream.
///
/// # Errors
/// In libxl's words.
pub(super) async fn write(stream: &OwnedFd, bytes: Vec<u8>) -> Result<(), String> {
    let file = stream.try_clone().map_err(|error| error.to_string())?;
    let write = move || File::from(file).write_all(&bytes);
    let written = tokio::task::spawn_blocking(write).await;
    let written = written.map_err(|error| error.to_string())?;
    written.map_err(|error| format!("unable to write to stream: {error}"))
}

/// Reads a stream to its end.
///
/// # Errors
/// In libxl's words: another form, or one that is cut.
pub(super) async fn read(stream: OwnedFd, version: u32) -> Result<(), String> {
    let read = tokio::task::spawn_blocking(move || read_all(&mut File::from(stream), version));
    read.await.unwrap_or_else(|error| Err(error.to_string()))
}

fn read_all(stream: &mut impl Read, version: u32) -> Result<(), String> {
    let cut = |_| "unexpected eof on stream".to_owned();
    let mut head = [0; 16];
    stream.read_exact(&mut head).map_err(cut)?;
    if !head.starts_with(MAGIC) {
        let [a, b, c, d, e, f, g, h, ..] = head;
        let ident = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        let wanted = u64::from_be_bytes(*MAGIC);
        return Err(format!(
            "Invalid ident: expected {wanted:#018x}, got {ident:#018x}"
        ));
    }
    if version != VERSION {
        return Err(format!(
            "Unexpected Version: expected {version}, got {VERSION}"
        ));
    }
    loop {
        let mut begin = [0; 8];
        stream.read_exact(&mut begin).map_err(cut)?;
        let [a, b, c, d, e, f, g, h] = begin;
        let kind = u32::from_le_bytes([a, b, c, d]);
        let length = u32::from_le_bytes([e, f, g, h]);
        if length > RECORD_MAX || kind > MEMORY {
            return Err(format!("Unknown record type {kind:#x}, length {length}"));
        }
        let rest = u64::from(length.next_multiple_of(8));
        let skipped = std::io::copy(&mut stream.by_ref().take(rest), &mut std::io::sink());
        if skipped.map_err(|error| error.to_string())? != rest {
            return Err("unexpected eof on stream".to_owned());
        }
        if kind == END {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Vec<u8> {
        [head(), memory(100), memory(3), end()].concat()
    }

    #[test]
    fn a_stream_is_read_to_its_end_and_no_further() {
        let bytes = [whole(), b"next".to_vec()].concat();
        let mut rest = &bytes[..];
        read_all(&mut rest, VERSION).unwrap();
        assert_eq!(rest, b"next");
    }

    #[test]
    fn others_and_cut_streams_are_refused() {
        let bytes = whole();
        for cut in [0, 8, 16, 20, 60, bytes.len() - 8] {
            assert!(read_all(&mut &bytes[..cut], VERSION).is_err(), "{cut}");
        }
        let other = read_all(&mut &b"LinuxGuestRecord"[..], VERSION).unwrap_err();
        assert!(other.contains("got 0x4c696e7578477565"), "{other}");
        assert!(read_all(&mut &bytes[..], 1).is_err());
        let long = [head(), vec![0xff; 8]].concat();
        assert!(read_all(&mut &long[..], VERSION).is_err());
    }
}
