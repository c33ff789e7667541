//! What a guest is told by its keyboard or by an interrupt: keys and NMIs.
//!
//! The chords of what Linux calls SysRq reach a guest through its Xen drivers; other keys
//! are typed at its VNC server, by `keyboard`, if it has one on this machine.

use super::{keyboard, rfb};
use crate::call::Call;
use crate::{DomainKey, Driver, Error, Operation, Result};
use std::time::Duration;
use virtxen_host::{Host, Trigger};

/// How long typing may take, beside the time that keys are held.
const TYPING: Duration = Duration::from_secs(10);

/// Longest time that keys are held: shorter than the call may take.
const HOLD_MAX: Duration = Duration::from_secs(30);

/// Linux's codes of the keys that are letters and digits, in rows of a keyboard.
const ROWS: [(u32, &str); 4] = [
    (2, "1234567890"),
    (16, "qwertyuiop"),
    (30, "asdfghjkl"),
    (44, "zxcvbnm"),
];
const SYSRQ: u32 = 99;

/// Why a guest without a screen is sent no other keys.
const ONLY_MAGIC: &str = "a Xen guest can be sent magic keys only: SysRq with one letter or digit, \
    such as KEY_LEFTALT KEY_SYSRQ KEY_S; others where it has a VNC server on this machine";

/// Left and right Alt.
const ALT: [u32; 2] = [56, 100];

impl Driver {
    /// Presses keys, in Linux's codes: SysRq, one letter or digit, and Alt if you like;
    /// of a guest with a VNC server without a password other ones too, which are held for
    /// some time.
    ///
    /// # Errors
    /// Other keys of a guest without such a server, or of one on another machine; the
    /// domain is not running; they are to be held too long.
    pub async fn send_keys(&self, key: &DomainKey, codes: &[u32], hold: Duration) -> Result<()> {
        let (pressed, codes) = (magic_key(codes), codes.to_vec());
        let call = Call::domain(Operation::SendKey, key);
        self.change(call, async move |host, domain| match pressed {
            Some(key) => Ok(host.sysrq(&domain.name, key).await?),
            None => type_keys(&*host, &domain.name, &codes, hold).await,
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

/// Types at the VNC server of a guest.
async fn type_keys(host: &dyn Host, name: &str, codes: &[u32], hold: Duration) -> Result<()> {
    if hold > HOLD_MAX {
        let most = HOLD_MAX.as_secs();
        let why = format!("keys are held for {most} s at most");
        return Err(Error::Argument(why));
    }
    let unsupported = |reason: String| Error::Unsupported {
        operation: Operation::SendKey.verb(),
        reason,
    };
    let server = rfb::server(host, name).await?;
    let Some(server) = server else {
        return Err(unsupported(ONLY_MAGIC.to_owned()));
    };
    let keys: Option<Vec<u32>> = codes.iter().map(|it| keyboard::scan_code(*it)).collect();
    let Some(keys) = keys else {
        let why = format!("a PC's keyboard has not all of the keys {codes:?}");
        return Err(unsupported(why));
    };
    let typing = async {
        let mut stream = rfb::connect(&server).await?;
        keyboard::press(&mut stream, &keys, hold).await
    };
    let typed = match tokio::time::timeout(TYPING + hold, typing).await {
        Ok(typed) => typed,
        Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
    };
    typed.map_err(|error| unsupported(rfb::failed(&server, &error)))
}

/// The magic key of a chord, if it is one.
fn magic_key(codes: &[u32]) -> Option<char> {
    let mut others = codes
        .iter()
        .filter(|code| **code != SYSRQ && !ALT.contains(code));
    match (codes.contains(&SYSRQ), others.next(), others.next()) {
        (true, Some(code), None) => character(*code),
        _ => None,
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
            assert_eq!(magic_key(codes), key, "{codes:?}");
        }
    }
}
