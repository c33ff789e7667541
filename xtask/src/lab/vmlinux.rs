//! The kernel that is packed inside a `bzImage`, which Xen and libxl take as it is:
//! unpacking one under emulation costs seconds at every start of a guest.
//!
//! The packers are programs of Debian (xz, lz4, zstd); no kernel of Debian's is packed otherwise.

use crate::{Error, Result};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// How packed data begin, and which program unpacks them.
const PACKERS: &[(&[u8], &str)] = &[
    (b"\xfd7zXZ\0", "xz"),
    (b"\x02\x21\x4c\x18", "lz4"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
];

/// The ELF file inside the `bzImage` at `path`.
pub(super) fn vmlinux(path: &Path) -> Result<Vec<u8>> {
    let image = std::fs::read(path).map_err(Error::file(path))?;
    let refuse = |why: &str| Error::Failed(format!("{}: {why}", path.display()));
    let packed = payload(&image).ok_or_else(|| refuse("no Linux kernel in a bzImage"))?;
    let packer = PACKERS.iter().find(|(magic, _)| packed.starts_with(magic));
    let (_, program) = packer.ok_or_else(|| refuse("packed in an unknown way"))?;
    let kernel = unpack(program, packed.to_vec())?;
    if kernel.starts_with(b"\x7fELF") {
        Ok(kernel)
    } else {
        Err(refuse("what it unpacks to is no ELF file"))
    }
}

/// The packed kernel, by the header of Linux's boot protocol (2.08 and later), without
/// the size of the unpacked one that follows it.
fn payload(image: &[u8]) -> Option<&[u8]> {
    let word = |at: usize| -> Option<usize> {
        let bytes = image.get(at..at + 4)?;
        usize::try_from(u32::from_le_bytes(bytes.try_into().ok()?)).ok()
    };
    if image.get(0x202..0x206)? != b"HdrS" {
        return None;
    }
    let sectors = match *image.get(0x1f1)? {
        0 => 4,
        sectors => usize::from(sectors),
    };
    let begin = ((sectors + 1) * 512).checked_add(word(0x248)?)?;
    let end = begin.checked_add(word(0x24c)?)?.checked_sub(4)?;
    image.get(begin..end)
}

/// What a packer's program makes of packed data.
pub(super) fn unpack(program: &'static str, packed: Vec<u8>) -> Result<Vec<u8>> {
    let start = |source| Error::Start {
        program: program.to_owned(),
        source,
        advice: "; it is in Debian",
    };
    let mut child = Command::new(program)
        .arg("-dc")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(start)?;
    let input = child.stdin.take();
    // A packer that has enough, or fails, closes its end: its status tells which.
    let writer = std::thread::spawn(move || input.map(|mut input| input.write_all(&packed)));
    let output = child.wait_with_output().map_err(start)?;
    let _ = writer.join();
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(Error::Ended {
        command: format!("{program} -dc"),
        status: output.status,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_is_where_the_header_says() {
        let mut image = vec![0; 2048];
        image[0x1f1] = 1;
        image[0x202..0x206].copy_from_slice(b"HdrS");
        image[0x248] = 16;
        image[0x24c] = 9;
        image[1040..1049].copy_from_slice(b"abxyz\x01\x02\x03\x04");
        assert_eq!(payload(&image), Some(&b"abxyz"[..]));
        image[0x24c..0x250].fill(0xff);
        assert_eq!(payload(&image), None);
        assert_eq!(payload(b"MZ"), None);
    }
}
