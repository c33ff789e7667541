//! Packets: a length word, six words of header, and the payload.
//!
//! How packets come out of a stream of bytes is in [`frames`](crate::frames), what
//! is in their payloads in the modules of the calls.

use crate::xdr::{Reader, Wire};
use crate::{Error, Result};

/// Bytes of the length word.
pub const LENGTH_BYTES: usize = 4;
/// Bytes of the header.
pub const HEADER_BYTES: usize = 24;
/// Most bytes of a packet behind its length word.
pub const PACKET_MAX: usize = 33_554_432;
/// Most bytes of a payload.
pub const PAYLOAD_MAX: usize = PACKET_MAX - HEADER_BYTES;
/// Bytes of a stream's packet that every release of libvirt takes.
pub const STREAM_PAYLOAD: usize = 262_120;
/// Most file descriptors with a packet.
pub const DESCRIPTORS_MAX: usize = 32;

/// What a packet is part of: a program and its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Program {
    /// The number of the program.
    pub number: u32,
    /// Its version.
    pub version: u32,
}

impl Program {
    /// libvirt's calls.
    pub const REMOTE: Self = Self::first(0x2000_8086);
    /// Calls that only the QEMU driver has.
    pub const QEMU: Self = Self::first(0x2000_8087);
    /// Calls that only the LXC driver has.
    pub const LXC: Self = Self::first(0x2000_8088);
    /// Signs of life.
    pub const KEEPALIVE: Self = Self::first(0x6b65_6570);

    const fn first(number: u32) -> Self {
        Self { number, version: 1 }
    }
}

/// What a packet does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Asks for a call.
    Call,
    /// Answers a call.
    Reply,
    /// Tells without an answer: events, signs of life.
    Message,
    /// Carries a part of a stream.
    Stream,
    /// Asks for a call; file descriptors come after it.
    CallWithDescriptors,
    /// Answers a call; file descriptors come after it.
    ReplyWithDescriptors,
    /// Stands for zeros in a stream.
    StreamHole,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Call,
        Self::Reply,
        Self::Message,
        Self::Stream,
        Self::CallWithDescriptors,
        Self::ReplyWithDescriptors,
        Self::StreamHole,
    ];

    /// Whether file descriptors come after the packet.
    #[must_use]
    pub const fn has_descriptors(self) -> bool {
        matches!(self, Self::CallWithDescriptors | Self::ReplyWithDescriptors)
    }
}

/// How it stands with what a packet is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Well, and done.
    Ok,
    /// Failed; the payload says why.
    Error,
    /// More of the stream follows.
    Continue,
}

impl Status {
    const ALL: [Self; 3] = [Self::Ok, Self::Error, Self::Continue];
}

/// The words before the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The program that the procedure is part of.
    pub program: Program,
    /// The procedure's number.
    pub procedure: i32,
    /// What the packet does.
    pub kind: Kind,
    /// Joins a call, its reply and its stream.
    pub serial: u32,
    /// How it stands.
    pub status: Status,
}

impl Wire for Header {
    const LEAST: usize = HEADER_BYTES;

    fn read(input: &mut Reader<'_>) -> Result<Self> {
        let program = Program {
            number: u32::read(input)?,
            version: u32::read(input)?,
        };
        let procedure = i32::read(input)?;
        let kind = choice(input, &Kind::ALL, "header.type", "a type from 0 to 6")?;
        let serial = u32::read(input)?;
        let status = choice(input, &Status::ALL, "header.status", "a status from 0 to 2")?;
        Ok(Self {
            program,
            procedure,
            kind,
            serial,
            status,
        })
    }

    fn write(&self, output: &mut Vec<u8>) -> Result<()> {
        self.program.number.write(output)?;
        self.program.version.write(output)?;
        self.procedure.write(output)?;
        (self.kind as u32).write(output)?;
        self.serial.write(output)?;
        (self.status as u32).write(output)
    }
}

fn choice<T: Copy>(
    input: &mut Reader<'_>,
    all: &[T],
    field: &'static str,
    expected: &'static str,
) -> Result<T> {
    let offset = input.offset();
    let value = u32::read(input)?;
    let index = usize::try_from(value).unwrap_or(usize::MAX);
    all.get(index).copied().ok_or(Error::Value {
        field,
        offset,
        value: value.into(),
        expected,
    })
}

/// A whole packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The words before the payload.
    pub header: Header,
    /// What the procedure says it is; a stream's bytes.
    pub payload: Vec<u8>,
    /// File descriptors that came after the packet. They are not kept: reading
    /// them as plain bytes makes the kernel close them.
    pub descriptors: usize,
}

/// Appends a packet whose payload `fill` writes. When it fails nothing has been
/// appended.
///
/// # Errors
/// When the payload cannot be written or is longer than a packet may be.
pub fn write_packet(
    header: &Header,
    output: &mut Vec<u8>,
    fill: impl FnOnce(&mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    let start = output.len();
    let written = write_parts(header, output, fill);
    if written.is_err() {
        output.truncate(start);
    }
    written
}

fn write_parts(
    header: &Header,
    output: &mut Vec<u8>,
    fill: impl FnOnce(&mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    let start = output.len();
    0u32.write(output)?;
    header.write(output)?;
    fill(output)?;
    let length = output.len().saturating_sub(start);
    let most = LENGTH_BYTES + PACKET_MAX;
    let word = u32::try_from(length).ok().filter(|_| length <= most);
    let word = word.ok_or(Error::Length {
        length,
        least: LENGTH_BYTES + HEADER_BYTES,
        most,
    })?;
    let place = output.get_mut(start..start.saturating_add(LENGTH_BYTES));
    if let Some(place) = place {
        place.copy_from_slice(&word.to_be_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_written_as_captured() {
        let header = Header {
            program: Program::REMOTE,
            procedure: 66,
            kind: Kind::Call,
            serial: 0,
            status: Status::Ok,
        };
        let mut output = vec![7];
        write_packet(&header, &mut output, |_| Ok(())).unwrap();
        assert_eq!(
            output,
            b"\x07\0\0\0\x1c\x20\0\x80\x86\0\0\0\x01\0\0\0\x42\0\0\0\0\0\0\0\0\0\0\0\0"
        );
        let failed = write_packet(&header, &mut output, |output| {
            output.push(1);
            "a\0b".to_owned().write(output)
        });
        assert!(failed.is_err());
        assert_eq!(output.len(), 29, "nothing is left of a packet that failed");
    }
}
