//! The heads of files in which a domain was saved: XenD's record, and the header of
//! libvirt's driver for libxl. What follows a head is memory, which nobody here reads.
//!
//! Bytes in, values out. What the text of a head means is its language's.

/// Longest text of a head that is read, in bytes.
pub const TEXT_MAX: usize = 4 << 20;

/// Bytes from which the length of any head is known.
pub const BEGIN: usize = 64;

/// How XenD's files begin; the length of the configuration follows, the highest byte
/// first, then the configuration as an S-expression.
const RECORD: &[u8; 16] = b"LinuxGuestRecord";

/// How libvirt's files begin; a version and the length of the document follow in the
/// machine's byte order, then nothing up to 64 bytes, then the document and a zero.
const LIBVIRT: &[u8; 16] = b"libvirt-xml\n \0 \r";

/// The newest version of libvirt's header.
const VERSION: u32 = 2;

/// A head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Who wrote it.
    pub kind: Kind,
    /// The configuration: XenD's S-expression or libvirt's document.
    pub text: String,
}

/// Who wrote a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// XenD.
    Xend,
    /// libvirt's driver for libxl, with the header's version.
    Libvirt(u32),
}

/// Why a file has no head that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It begins with something else.
    #[error("it is no saved domain: it begins neither as XenD's nor as libvirt's files do")]
    Foreign,
    /// It ends within the head.
    #[error("it is not whole: {found} bytes of a head of {needed}")]
    Short {
        /// Bytes that are there.
        found: usize,
        /// Bytes that the head has.
        needed: usize,
    },
    /// Its text is longer than anything that is read.
    #[error("its configuration has {0} bytes, at most {TEXT_MAX} are read")]
    Long(u64),
    /// A header of a libvirt that is newer, or of a machine with another byte order.
    #[error("its header has version {0}, known are 1 and {VERSION}")]
    Version(u32),
    /// The text is not one.
    #[error("its configuration is not UTF-8")]
    Text,
}

impl Head {
    /// How many bytes the head has of a file that begins so; [`BEGIN`] bytes of it are
    /// needed, or all that there are.
    ///
    /// # Errors
    /// No head begins so.
    pub fn length(begin: &[u8]) -> Result<usize, Error> {
        let (_, before, text) = parts(begin)?;
        Ok(before + text)
    }

    /// Reads a head, of which all bytes are there.
    ///
    /// # Errors
    /// It is none.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let (kind, before, length) = parts(bytes)?;
        let short = || Error::Short {
            found: bytes.len(),
            needed: before + length,
        };
        let text = bytes.get(before..before + length).ok_or_else(short)?;
        let text = match kind {
            // The zero ends it, and whatever follows up to the length is nothing.
            Kind::Libvirt(_) => text.split(|byte| *byte == 0).next().unwrap_or_default(),
            Kind::Xend => text,
        };
        let text = std::str::from_utf8(text).map_err(|_| Error::Text)?;
        Ok(Self {
            kind,
            text: text.to_owned(),
        })
    }

    /// The head as bytes.
    ///
    /// # Errors
    /// [`Error::Long`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let zero = usize::from(self.kind != Kind::Xend);
        let length = self.text.len() + zero;
        let long = || Error::Long(length as u64);
        let number = u32::try_from(length).ok().filter(|_| length <= TEXT_MAX);
        let number = number.ok_or_else(long)?;
        let mut bytes = Vec::with_capacity(BEGIN + length);
        match self.kind {
            Kind::Xend => {
                bytes.extend(RECORD);
                bytes.extend(number.to_be_bytes());
            }
            Kind::Libvirt(version) => {
                bytes.extend(LIBVIRT);
                bytes.extend(version.to_ne_bytes());
                bytes.extend(number.to_ne_bytes());
                bytes.resize(BEGIN, 0);
            }
        }
        bytes.extend(self.text.as_bytes());
        bytes.extend(std::iter::repeat_n(0, zero));
        Ok(bytes)
    }
}

/// Kind, bytes before the text, bytes of the text.
fn parts(begin: &[u8]) -> Result<(Kind, usize, usize), Error> {
    let number = |at: usize| -> Result<[u8; 4], Error> {
        let bytes = begin.get(at..at + 4).and_then(|it| it.try_into().ok());
        bytes.ok_or(Error::Short {
            found: begin.len(),
            needed: BEGIN,
        })
    };
    let (kind, before, length) = if begin.starts_with(RECORD) {
        (Kind::Xend, 20, u32::from_be_bytes(number(16)?))
    } else if begin.starts_with(LIBVIRT) {
        let version = u32::from_ne_bytes(number(16)?);
        if !(1..=VERSION).contains(&version) {
            return Err(Error::Version(version));
        }
        let length = u32::from_ne_bytes(number(20)?);
        (Kind::Libvirt(version), BEGIN, length)
    } else {
        return Err(Error::Foreign);
    };
    match usize::try_from(length) {
        Ok(length) if length <= TEXT_MAX => Ok((kind, before, length)),
        _ => Err(Error::Long(length.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_back() {
        for kind in [Kind::Xend, Kind::Libvirt(1), Kind::Libvirt(2)] {
            let text = "(domain (name web))".to_owned();
            let head = Head { kind, text };
            let mut bytes = head.to_bytes().unwrap();
            let length = bytes.len();
            bytes.extend(b"memory");
            assert_eq!(Head::length(&bytes[..BEGIN.min(bytes.len())]), Ok(length));
            assert_eq!(Head::read(&bytes), Ok(head));
            assert!(matches!(
                Head::read(&bytes[..length - 1]),
                Err(Error::Short { .. })
            ));
        }
    }

    /// As libvirt's source lays it out.
    #[test]
    fn libvirts_header_has_its_layout() {
        let text = "<domain/>".to_owned();
        let head = Head {
            kind: Kind::Libvirt(2),
            text,
        };
        let bytes = head.to_bytes().unwrap();
        assert_eq!(bytes.len(), 64 + 10);
        assert_eq!(bytes.get(..12), Some(&b"libvirt-xml\n"[..]));
        assert_eq!(bytes.get(20..24), Some(&10u32.to_ne_bytes()[..]));
    }

    #[test]
    fn others_are_told_apart() {
        let long = [&RECORD[..], &[0xff; 4]].concat();
        let newer = [&LIBVIRT[..], &9u32.to_ne_bytes(), &[0; 40]].concat();
        for (bytes, wanted) in [
            (&b""[..], Error::Foreign),
            (b"LinuxGuest", Error::Foreign),
            (b"LibvirtQemudSave", Error::Foreign),
            (&long, Error::Long(u32::MAX.into())),
            (&newer, Error::Version(9)),
            (
                RECORD,
                Error::Short {
                    found: 16,
                    needed: BEGIN,
                },
            ),
        ] {
            assert_eq!(Head::length(bytes), Err(wanted));
        }
    }
}
