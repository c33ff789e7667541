//! xenstored's packets as bytes.
//!
//! A packet is four native-endian words (type, request id, transaction id,
//! length) and a payload of at most 4096 bytes. Numbers and limits are those of
//! Xen's `xs_wire.h` from 3.0.0 to 4.22; which message a xenstored knows depends
//! on its release, see [`MESSAGES`]. Nothing here knows a connection.

use crate::error::{Error, Result};

/// Length of a packet's header.
pub const HEADER: usize = 16;

/// Most bytes of a payload.
pub const PAYLOAD_MAX: usize = 4096;

/// Most bytes of an absolute path, without its final NUL.
pub const ABS_PATH_MAX: usize = 3072;

/// Most bytes of a path relative to the caller's home.
pub const REL_PATH_MAX: usize = 2048;

/// Defines the kinds of packet with their number, name and first release.
macro_rules! messages {
    ($($kind:ident $number:literal $name:literal $since:literal;)*) => {
        /// Kind of a packet.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind {
            $(#[doc = concat!("`", $name, "`, from Xen ", $since, " on.")] $kind = $number,)*
        }

        /// Every kind with its name and the Xen release that brought it.
        pub const MESSAGES: &[(Kind, &str, &str)] = &[$((Kind::$kind, $name, $since),)*];

        impl Kind {
            /// The kind with this number.
            #[must_use]
            pub const fn from_number(number: u32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$kind),)*
                    _ => None,
                }
            }

            /// The name in Xen's headers, without its prefix.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

messages! {
    Control 0 "CONTROL" "3.0.0";
    Directory 1 "DIRECTORY" "3.0.0";
    Read 2 "READ" "3.0.0";
    GetPerms 3 "GET_PERMS" "3.0.0";
    Watch 4 "WATCH" "3.0.0";
    Unwatch 5 "UNWATCH" "3.0.0";
    TransactionStart 6 "TRANSACTION_START" "3.0.0";
    TransactionEnd 7 "TRANSACTION_END" "3.0.0";
    Introduce 8 "INTRODUCE" "3.0.0";
    Release 9 "RELEASE" "3.0.0";
    GetDomainPath 10 "GET_DOMAIN_PATH" "3.0.0";
    Write 11 "WRITE" "3.0.0";
    Mkdir 12 "MKDIR" "3.0.0";
    Rm 13 "RM" "3.0.0";
    SetPerms 14 "SET_PERMS" "3.0.0";
    WatchEvent 15 "WATCH_EVENT" "3.0.0";
    Error 16 "ERROR" "3.0.0";
    IsDomainIntroduced 17 "IS_DOMAIN_INTRODUCED" "3.0.0";
    Resume 18 "RESUME" "3.1.0";
    SetTarget 19 "SET_TARGET" "3.3.0";
    Restrict 20 "RESTRICT" "4.1.0";
    ResetWatches 21 "RESET_WATCHES" "4.2.0";
    DirectoryPart 22 "DIRECTORY_PART" "4.9.0";
    GetFeature 23 "GET_FEATURE" "4.21.0";
    SetFeature 24 "SET_FEATURE" "4.21.0";
    GetQuota 25 "GET_QUOTA" "4.21.0";
    SetQuota 26 "SET_QUOTA" "4.21.0";
}

/// One packet in either direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// What it says.
    pub kind: Kind,
    /// Chosen by the sender of a request, repeated in its reply.
    pub request: u32,
    /// Transaction, 0 for none.
    pub transaction: u32,
    /// At most [`PAYLOAD_MAX`] bytes.
    pub payload: Vec<u8>,
}

impl Packet {
    /// Appends the packet to `out`.
    ///
    /// # Errors
    /// [`Error::Request`] when the payload is too long.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<()> {
        let length = u32::try_from(self.payload.len())
            .ok()
            .filter(|_| self.payload.len() <= PAYLOAD_MAX)
            .ok_or_else(|| Error::Request {
                operation: self.kind.name(),
                path: first_text(&self.payload),
                reason: "it is longer than xenstored's 4096 bytes",
            })?;
        for word in [self.kind as u32, self.request, self.transaction, length] {
            out.extend_from_slice(&word.to_ne_bytes());
        }
        out.extend_from_slice(&self.payload);
        Ok(())
    }

    /// Takes the first packet from `bytes`; `None` when it is not complete yet,
    /// else the packet and its length.
    ///
    /// # Errors
    /// [`Error::Protocol`] for an unknown kind or a payload over the limit.
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>> {
        let Some((header, rest)) = bytes.split_at_checked(HEADER) else {
            return Ok(None);
        };
        let mut words = header.chunks_exact(4).map(|word| {
            let mut raw = [0; 4];
            raw.copy_from_slice(word);
            u32::from_ne_bytes(raw)
        });
        let mut word = || words.next().unwrap_or_default();
        let (kind, request, transaction, length) = (word(), word(), word(), word());
        let kind = Kind::from_number(kind).ok_or(Error::Protocol("a packet of unknown kind"))?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > PAYLOAD_MAX {
            return Err(Error::Protocol("a packet of more than 4096 bytes"));
        }
        Ok(rest.get(..length).map(|payload| {
            (
                Self {
                    kind,
                    request,
                    transaction,
                    payload: payload.to_vec(),
                },
                HEADER + length,
            )
        }))
    }
}

/// Access that a node gives to a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The domain; in the first permission of a node, its owner.
    pub domid: u32,
    /// It may read; in the first permission: everybody else may.
    pub read: bool,
    /// It may write; in the first permission: everybody else may.
    pub write: bool,
}

impl Permission {
    /// As in a payload: `r5`, `b0`.
    #[must_use]
    pub fn encode(self) -> String {
        let letter = match (self.read, self.write) {
            (true, true) => 'b',
            (true, false) => 'r',
            (false, true) => 'w',
            (false, false) => 'n',
        };
        format!("{letter}{}", self.domid)
    }

    /// From a payload.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let domid = text.get(1..)?.parse().ok()?;
        let (read, write) = match text.as_bytes().first()? {
            b'b' => (true, true),
            b'r' => (true, false),
            b'w' => (false, true),
            b'n' => (false, false),
            _ => return None,
        };
        Some(Self { domid, read, write })
    }
}

/// Checks a path before it is sent: xenstored answers a bad one with a bare
/// EINVAL that names no reason.
///
/// # Errors
/// What is wrong with it.
pub fn check_path(path: &str) -> std::result::Result<(), &'static str> {
    let limit = if path.starts_with(['/', '@']) {
        ABS_PATH_MAX
    } else {
        REL_PATH_MAX
    };
    if path.is_empty() {
        Err("the path is empty")
    } else if path.len() > limit {
        Err("the path is too long")
    } else if path.len() > 1 && path.ends_with('/') {
        Err("the path ends in '/'")
    } else if path.contains("//") {
        Err("the path has an empty element")
    } else if !path
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-/_@".contains(&b))
    {
        Err("the path has a character other than A-Z a-z 0-9 - / _ @")
    } else {
        Ok(())
    }
}

/// The texts of a payload, each ended by NUL; the last one may lack it.
pub fn texts(payload: &[u8]) -> impl Iterator<Item = &[u8]> {
    let payload = payload.strip_suffix(&[0]).unwrap_or(payload);
    let none = payload.is_empty();
    payload.split(|b| *b == 0).filter(move |_| !none)
}

fn first_text(payload: &[u8]) -> String {
    texts(payload)
        .next()
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn kinds_are_numbered_without_gaps() {
        for (number, (kind, name, _)) in MESSAGES.iter().enumerate() {
            assert_eq!(*kind as usize, number, "{name}");
            assert_eq!(
                Kind::from_number(u32::try_from(number).unwrap()),
                Some(*kind)
            );
        }
        assert_eq!(Kind::from_number(27), None);
    }

    #[test]
    fn paths_are_checked_with_their_reason() {
        assert_eq!(check_path("/local/domain/0/name"), Ok(()));
        assert_eq!(check_path("@releaseDomain"), Ok(()));
        assert_eq!(check_path("/"), Ok(()));
        for bad in ["", "/a/", "/a//b", "/a b", "/é"] {
            assert!(check_path(bad).is_err(), "{bad}");
        }
        assert!(check_path(&format!("/{}", "a".repeat(ABS_PATH_MAX))).is_err());
        assert!(check_path(&"a".repeat(REL_PATH_MAX + 1)).is_err());
    }

    #[test]
    fn oversized_packets_are_refused_both_ways() {
        let mut packet = Packet {
            kind: Kind::Write,
            request: 1,
            transaction: 0,
            payload: vec![0; PAYLOAD_MAX],
        };
        let mut bytes = Vec::new();
        packet.encode(&mut bytes).unwrap();
        packet.payload.push(0);
        assert!(packet.encode(&mut Vec::new()).is_err());
        bytes[12..16].copy_from_slice(&4097_u32.to_ne_bytes());
        assert!(Packet::decode(&bytes).is_err());
        bytes[0..4].copy_from_slice(&99_u32.to_ne_bytes());
        assert!(Packet::decode(&bytes).is_err());
    }

    #[test]
    fn texts_of_payloads() {
        let all = |payload: &[u8]| texts(payload).map(<[u8]>::to_vec).collect::<Vec<_>>();
        assert_eq!(all(b""), Vec::<Vec<u8>>::new());
        assert_eq!(all(b"a\0b\0"), [b"a".to_vec(), b"b".to_vec()]);
        assert_eq!(all(b"a\0b"), [b"a".to_vec(), b"b".to_vec()]);
        assert_eq!(all(b"a\0\0"), [b"a".to_vec(), b"".to_vec()]);
    }

    proptest! {
        #[test]
        fn packets_survive(kind in 0_u32..27, request: u32, transaction: u32,
                           payload in proptest::collection::vec(any::<u8>(), 0..64)) {
            let kind = Kind::from_number(kind).unwrap();
            let packet = Packet { kind, request, transaction, payload };
            let mut bytes = Vec::new();
            packet.encode(&mut bytes).unwrap();
            for end in 0..bytes.len() {
                prop_assert_eq!(Packet::decode(&bytes[..end]).unwrap(), None);
            }
            let length = bytes.len();
            bytes.push(7);
            prop_assert_eq!(Packet::decode(&bytes).unwrap(), Some((packet, length)));
        }

        #[test]
        fn decoding_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            let _ = Packet::decode(&bytes);
        }
    }
}
