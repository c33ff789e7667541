//! Commands that act on a running guest as a whole: reset, keys, interrupts.

use super::lifecycle::act;
use super::{Command, Group};
use crate::connect::Session;
use crate::error::{Error, Result};
use crate::options::{Args, DOMAIN, Kind, named, one_or_more, required};
use crate::output::Reply;
use std::time::Duration;
use virtxen_driver::SleepTarget;

/// Linux's codes of the keys that a magic key can be made of, apart from letters and
/// digits.
const NAMES: [(&str, u32); 3] = [
    ("KEY_LEFTALT", 56),
    ("KEY_SYSRQ", 99),
    ("KEY_RIGHTALT", 100),
];
/// Letters and digits from the code of the first of each row of a keyboard on.
const ROWS: [(u32, &str); 4] = [
    (2, "1234567890"),
    (16, "QWERTYUIOP"),
    (30, "ASDFGHJKL"),
    (44, "ZXCVBNM"),
];

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "reset",
        group: Group::Lifecycle,
        summary: "end a domain at once and start it again",
        about: "As if its reset button were pressed: data that the guest has not written are \
                lost. XenD can do it from Xen 3.3 on.",
        options: &[DOMAIN],
        run: |session, args| {
            Box::pin(act(
                session,
                args,
                "reset",
                "was reset",
                async |driver, key| driver.reset(key).await,
            ))
        },
    },
    Command {
        name: "dompmsuspend",
        group: Group::Lifecycle,
        summary: "put a guest to sleep",
        about: "The guest suspends itself by its drivers for Xen, and keeps its memory, until \
                dompmwakeup. It needs Xen 4.11 or later. To stop its vcpus without its doing, \
                use suspend.",
        options: &[
            DOMAIN,
            required(
                "target",
                Kind::Word(&["mem", "disk", "hybrid"]),
                "what becomes of its memory: with Xen it stays (mem)",
            ),
        ],
        run: |session, args| Box::pin(sleep(session, args)),
    },
    Command {
        name: "dompmwakeup",
        group: Group::Lifecycle,
        summary: "wake up a guest that sleeps",
        about: "",
        options: &[DOMAIN],
        run: |session, args| {
            Box::pin(act(
                session,
                args,
                "dompmwakeup",
                "was woken up",
                async |driver, key| driver.pm_wakeup(key).await,
            ))
        },
    },
    Command {
        name: "send-key",
        group: Group::Lifecycle,
        summary: "press keys of a domain",
        about: "Keys are given by name or by Linux's number. Xen carries magic keys, what Linux \
                calls SysRq: KEY_LEFTALT KEY_SYSRQ and one letter or digit, such as KEY_S. \
                Others are typed at the guest's VNC server, if it has one on the host and \
                without a password.",
        options: &[
            DOMAIN,
            named(
                "codeset",
                Kind::Word(&["linux"]),
                "whose numbers of keys these are",
            ),
            named(
                "holdtime",
                Kind::Number,
                "milliseconds for which they are held",
            ),
            one_or_more("keycode", Kind::Text("key"), "the keys of the chord"),
        ],
        run: |session, args| Box::pin(send_key(session, args)),
    },
    Command {
        name: "inject-nmi",
        group: Group::Lifecycle,
        summary: "send a non-maskable interrupt to a domain",
        about: "Many kernels write what they are doing to their console then. It needs \
                hypercalls, so root in Domain-0, and Xen 3.1 or later.",
        options: &[DOMAIN],
        run: |session, args| {
            Box::pin(act(
                session,
                args,
                "inject-nmi",
                "was sent an NMI",
                async |driver, key| driver.inject_nmi(key).await,
            ))
        },
    },
];

async fn sleep(session: &Session, args: &Args) -> Result<Reply> {
    let target = match args.required("target")? {
        "disk" => SleepTarget::Disk,
        "hybrid" => SleepTarget::Hybrid,
        _ => SleepTarget::Memory,
    };
    act(
        session,
        args,
        "dompmsuspend",
        "sleeps",
        async |driver, key| driver.pm_suspend(key, target).await,
    )
    .await
}

async fn send_key(session: &Session, args: &Args) -> Result<Reply> {
    let hold = Duration::from_millis(args.number("holdtime")?.unwrap_or(0));
    let codes: Vec<u32> = args.all("keycode").map(code).collect::<Result<_>>()?;
    act(
        session,
        args,
        "send-key",
        "was sent the key",
        async |driver, key| driver.send_keys(key, &codes, hold).await,
    )
    .await
}

/// The number of a key.
fn code(key: &str) -> Result<u32> {
    let name = key.to_ascii_uppercase();
    let named = NAMES.iter().find(|(known, _)| *known == name);
    let printed = || {
        let letter = name.strip_prefix("KEY_")?;
        ROWS.iter().find_map(|(first, keys)| {
            let place = keys.find(letter).filter(|_| letter.len() == 1)?;
            Some(first + u32::try_from(place).ok()?)
        })
    };
    key.parse()
        .ok()
        .or(named.map(|(_, code)| *code))
        .or_else(printed)
        .ok_or_else(|| Error::usage(format!("unknown key '{key}': KEY_SYSRQ, KEY_A, 99, …")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_names_and_numbers() {
        for (key, number) in [
            ("KEY_SYSRQ", 99),
            ("key_s", 31),
            ("KEY_0", 11),
            ("KEY_M", 50),
            ("56", 56),
        ] {
            assert_eq!(code(key).unwrap(), number, "{key}");
        }
        for key in ["KEY_", "KEY_AB", "S", "", "-1"] {
            assert!(code(key).is_err(), "{key}");
        }
    }
}
