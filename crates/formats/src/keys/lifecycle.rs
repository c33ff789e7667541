//! What happens when a guest ends: `on_poweroff` and its sisters.

use super::{Dialect, Out, Settings};
use crate::convert::{Notes, excerpt};
use virtxen_guest::{Lifecycle, LifecycleAction};

/// Reads the actions. xl destroys a crashed guest that says nothing, xm starts it
/// again.
pub(super) fn read(file: &mut Settings<'_>, dialect: Dialect, notes: &mut Notes) -> Lifecycle {
    let crash = if dialect.xl {
        LifecycleAction::Destroy
    } else {
        LifecycleAction::Restart
    };
    let mut action = |name: &'static str, default: LifecycleAction| {
        let Some(word) = file.filled(name, notes) else {
            return default;
        };
        word.parse().unwrap_or_else(|_| {
            let reason = format!("'{}' is no action, {default} is taken", excerpt(&word));
            notes.essential_at(name, file.at(name), reason);
            default
        })
    };
    Lifecycle {
        on_poweroff: action("on_poweroff", LifecycleAction::Destroy),
        on_reboot: action("on_reboot", LifecycleAction::Restart),
        on_crash: action("on_crash", crash),
    }
}

/// Writes the actions.
pub(super) fn write(lifecycle: &Lifecycle, out: &mut Out) {
    out.text("on_poweroff", lifecycle.on_poweroff.as_str());
    out.text("on_reboot", lifecycle.on_reboot.as_str());
    out.text("on_crash", lifecycle.on_crash.as_str());
}
