//! Cuts a stream of bytes into packets.
//!
//! Nothing here reads a socket, and nothing knows what a packet means. Both sides
//! of a connection use it.

use crate::packet::{
    DESCRIPTORS_MAX, HEADER_BYTES, Header, Kind, LENGTH_BYTES, PACKET_MAX, Packet,
};
use crate::xdr::{Reader, Wire};
use crate::{Error, Result};

/// Bytes that have come in and packets that are complete in them.
#[derive(Debug)]
pub struct Frames {
    /// What has come in and is not used yet starts at `used`.
    bytes: Vec<u8>,
    used: usize,
    /// Bytes to leave out before the next packet: each stands for a descriptor.
    skip: usize,
    limit: usize,
}

/// Bytes of memory that are kept for the next input. Thousands of clients may be
/// connected and silent.
const KEPT: usize = 4 << 10;

impl Default for Frames {
    fn default() -> Self {
        Self::new()
    }
}

impl Frames {
    /// A stream that has not begun.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            used: 0,
            skip: 0,
            limit: PACKET_MAX,
        }
    }

    /// Refuses packets of more bytes behind the length word: for those who have not
    /// said yet who they are.
    pub const fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Takes bytes as they came from the other side.
    pub fn receive(&mut self, bytes: &[u8]) {
        if self.used > 0 {
            self.bytes.drain(..self.used);
            self.used = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Bytes that wait for the rest of their packet, or to be asked for.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.bytes.len().saturating_sub(self.used)
    }

    /// The next packet, when it is complete.
    ///
    /// # Errors
    /// When the bytes are not a packet; nothing that follows can be trusted.
    pub fn next_packet(&mut self) -> Result<Option<Packet>> {
        let skipped = self.skip.min(self.waiting());
        self.used = self.used.saturating_add(skipped);
        self.skip = self.skip.saturating_sub(skipped);
        let (header, body, end) = match self.head()? {
            Some(head) if self.skip == 0 => head,
            _ => return Ok(None),
        };
        let payload = self.bytes.get(body..end).unwrap_or_default();
        let (payload, descriptors) = without_count(header.kind, payload)?;
        let packet = Packet {
            header,
            payload: payload.to_vec(),
            descriptors,
        };
        self.skip = descriptors;
        self.used = end;
        if self.waiting() == 0 {
            self.bytes.clear();
            self.bytes.shrink_to(KEPT);
            self.used = 0;
        }
        Ok(Some(packet))
    }

    /// Header, beginning of the payload and end of the packet. The length is
    /// checked as soon as it is there, the header as well.
    fn head(&self) -> Result<Option<(Header, usize, usize)>> {
        let unread = self.bytes.get(self.used..).unwrap_or_default();
        let mut input = Reader::new(unread);
        if input.left() < LENGTH_BYTES {
            return Ok(None);
        }
        let length = usize::try_from(u32::read(&mut input)?).unwrap_or(usize::MAX);
        let (least, most) = (LENGTH_BYTES + HEADER_BYTES, LENGTH_BYTES + self.limit);
        if length < least || length > most {
            return Err(Error::Length {
                length,
                least,
                most,
            });
        }
        if input.left() < HEADER_BYTES {
            return Ok(None);
        }
        let header = Header::read(&mut input)?;
        let whole = unread.len() >= length;
        let body = self.used.saturating_add(least);
        let end = self.used.saturating_add(length);
        Ok(whole.then_some((header, body, end)))
    }
}

/// The payload behind the count of file descriptors.
fn without_count(kind: Kind, payload: &[u8]) -> Result<(&[u8], usize)> {
    if !kind.has_descriptors() {
        return Ok((payload, 0));
    }
    let mut input = Reader::new(payload);
    let count = input
        .length(DESCRIPTORS_MAX, 0)
        .map_err(|error| error.inside("count of file descriptors"))?;
    Ok((input.take(input.left())?, count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Program, Status, write_packet};

    fn header(kind: Kind, serial: u32) -> Header {
        Header {
            program: Program::REMOTE,
            procedure: 1,
            kind,
            serial,
            status: Status::Ok,
        }
    }

    fn stream() -> Vec<u8> {
        let mut bytes = Vec::new();
        for (serial, payload) in [&b"name"[..], b"", b"a longer one"].iter().enumerate() {
            let serial = u32::try_from(serial).unwrap();
            write_packet(&header(Kind::Call, serial), &mut bytes, |output| {
                output.extend_from_slice(payload);
                Ok(())
            })
            .unwrap();
        }
        write_packet(
            &header(Kind::CallWithDescriptors, 3),
            &mut bytes,
            |output| {
                output.extend_from_slice(b"\0\0\0\x02rest");
                Ok(())
            },
        )
        .unwrap();
        bytes.extend_from_slice(b"..");
        write_packet(&header(Kind::Message, 4), &mut bytes, |_| Ok(())).unwrap();
        bytes
    }

    #[test]
    fn packets_are_the_same_however_they_are_cut() {
        let bytes = stream();
        for piece in 1..=bytes.len() {
            let mut frames = Frames::new();
            let mut packets = Vec::new();
            for chunk in bytes.chunks(piece) {
                frames.receive(chunk);
                while let Some(packet) = frames.next_packet().unwrap() {
                    packets.push(packet);
                }
            }
            let payloads: Vec<&[u8]> = packets.iter().map(|p| p.payload.as_slice()).collect();
            assert_eq!(payloads, [&b"name"[..], b"", b"a longer one", b"rest", b""]);
            let descriptors: Vec<usize> = packets.iter().map(|p| p.descriptors).collect();
            assert_eq!(descriptors, [0, 0, 0, 2, 0], "in pieces of {piece}");
            assert_eq!(frames.waiting(), 0);
        }
    }

    #[test]
    fn a_wrong_length_is_found_before_the_packet_is_there() {
        for length in [0u32, 27, 33_554_437, u32::MAX] {
            let mut frames = Frames::new();
            frames.receive(&length.to_be_bytes());
            assert!(frames.next_packet().is_err(), "{length}");
        }
        let mut frames = Frames::new();
        frames.receive(&33_554_436u32.to_be_bytes());
        assert_eq!(frames.next_packet(), Ok(None));
    }

    #[test]
    fn too_many_descriptors_are_refused() {
        let mut bytes = Vec::new();
        write_packet(
            &header(Kind::CallWithDescriptors, 0),
            &mut bytes,
            |output| 33u32.write(output),
        )
        .unwrap();
        let mut frames = Frames::new();
        frames.receive(&bytes);
        assert!(matches!(
            frames.next_packet(),
            Err(Error::TooLong { length: 33, .. })
        ));
    }
}
