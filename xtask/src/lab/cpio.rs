//! Archives of the kind that Linux unpacks into its first file system: `cpio` in the form
//! "newc", not compressed, since unpacking costs more than loading under emulation.
//!
//! What is put into them is said in `initramfs`.

use std::io::{self, Write};

/// Kinds of entries, with their permissions.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Folder,
    Program,
    File,
    Link,
}

impl Kind {
    const fn mode(self) -> u32 {
        match self {
            Self::Folder => 0o040_755,
            Self::Program => 0o100_755,
            Self::File => 0o100_644,
            Self::Link => 0o120_777,
        }
    }
}

/// An archive that is being written.
pub(super) struct Archive<W> {
    out: W,
    entries: u32,
}

impl<W: Write> Archive<W> {
    pub(super) const fn new(out: W) -> Self {
        Self { out, entries: 0 }
    }

    /// Adds an entry; of a link `data` is where it leads.
    pub(super) fn add(&mut self, name: &str, kind: Kind, data: &[u8]) -> io::Result<()> {
        self.entry(name, kind.mode(), data)
    }

    /// Ends the archive.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.entry("TRAILER!!!", 0, &[])?;
        self.out.flush()
    }

    fn entry(&mut self, name: &str, mode: u32, data: &[u8]) -> io::Result<()> {
        let too_long = |_| io::Error::new(io::ErrorKind::InvalidInput, "4 GiB or more");
        let size = u32::try_from(data.len()).map_err(too_long)?;
        let length = u32::try_from(name.len() + 1).map_err(too_long)?;
        self.entries += 1;
        // inode, mode, owner, group, links, time, size, two devices of two numbers
        // each, length of the name, no checksum
        let fields = [self.entries, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, length, 0];
        let mut head = String::from("070701");
        for field in fields {
            head.push_str(&format!("{field:08X}"));
        }
        head.push_str(name);
        head.push('\0');
        self.padded(head.as_bytes())?;
        self.padded(data)
    }

    fn padded(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        let missing = bytes.len().next_multiple_of(4) - bytes.len();
        self.out.write_all(&[0; 4][..missing])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_begin_at_multiples_of_four() {
        let mut bytes = Vec::new();
        let mut archive = Archive::new(&mut bytes);
        archive.add("init", Kind::Program, b"#!x").unwrap();
        archive.add("bin/sh", Kind::Link, b"busybox").unwrap();
        archive.finish().unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let heads: Vec<usize> = text.match_indices("070701").map(|(at, _)| at).collect();
        assert_eq!(heads.len(), 3);
        assert!(heads.iter().all(|at| at % 4 == 0), "{heads:?}");
        assert!(text.contains("0000A1FF"), "the mode of a link: {text}");
        assert!(text.ends_with("TRAILER!!!\0\0\0\0"));
    }
}
