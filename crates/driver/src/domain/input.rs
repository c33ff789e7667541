//! What a guest is told by its keyboard or by an interrupt: magic keys and NMIs.
//!
//! Xen has no keyboard to type on: of libvirt's key codes only the chords of what
//! Linux calls SysRq reach a guest, through its Xen drivers.

use crate::call::Call;
use crate::{DomainKey, Driver, Error, Operation, Result};
use virtxen_host::Trigger;

/// Linux's codes of the keys that are letters and digits, in rows of a keyboard.
const ROWS: [(u32, &str); 4] = [
    (2, "1234567890"),
    (16, "qwertyuiop"),
    (30, "asdfghjkl"),
    (44, "zxcvbnm"),
];
const SYSRQ: u32 = 99;
/// Left and right Alt.
const ALT: [u32; 2] = [56, 100];

impl Driver {
    /// Presses keys, in Linux's codes: SysRq, one letter or digit, and Alt if you
    /// like.
    ///
    /// # Errors
    /// Other keys, which no channel of Xen carries; the domain is not running.
    pub async fn send_keys(&self, key: &DomainKey, codes: &[u32]) -> Result<()> {
        let pressed = magic_key(codes);
        let call = Call::domain(Operation::SendKey, key);
        self.change(call, async move |host, domain| {
            Ok(host.sysrq(&domain.name, pressed?).await?)
        })
        .await
    }

    /// Sends a guest a non-maskable interrupt.
    ///
    /// # Errors
    /// The domain is not running; the host has no hypercalls, or its Xen is older
    /// than 3.1.
    pub async fn inject_nmi(&self, key: &DomainKey) -> Result<()> {
        let call = Call::domain(Operation::InjectNmi, key);
        self.change(call, async move |host, domain| {
            Ok(host.trigger(&domain.name, Trigger::Nmi).await?)
        })
        .await
    }
}

/// The magic key of a chord.
fn magic_key(codes: &[u32]) -> Result<char> {
    let refused = || Error::Unsupported {
        operation: Operation::SendKey.verb(),
        reason: "a Xen guest can be sent magic keys only: SysRq with one letter or digit, \
                 such as KEY_LEFTALT KEY_SYSRQ KEY_S"
            .to_owned(),
    };
    let mut others = codes
        .iter()
        .filter(|code| **code != SYSRQ && !ALT.contains(code));
    match (codes.contains(&SYSRQ), others.next(), others.next()) {
        (true, Some(code), None) => character(*code).ok_or_else(refused),
        _ => Err(refused()),
    }
}

/// What is printed on a key.
fn character(code: u32) -> Option<char> {
    ROWS.iter().find_map(|(first, keys)| {
        let place = code.checked_sub(*first)?;
        keys.chars().nth(usize::try_from(place).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_chords_with_sysrq_are_keys() {
        for (codes, key) in [
            (&[56, 99, 31][..], Some('s')),
            (&[99, 48], Some('b')),
            (&[100, 99, 11], Some('0')),
            (&[99, 50], Some('m')),
            (&[29, 56, 111], None),
            (&[99], None),
            (&[99, 30, 31], None),
            (&[99, 57], None),
            (&[], None),
        ] {
            assert_eq!(magic_key(codes).ok(), key, "{codes:?}");
        }
        assert_eq!(magic_key(&[30]).unwrap_err().libvirt().code, 84);
    }
}
