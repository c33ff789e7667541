//! What happens when a guest ends: `(on_poweroff …)` and its sisters.

use super::Sxpr;
use super::section::Section;
use crate::convert::{Notes, excerpt};
use virtxen_guest::{Lifecycle, LifecycleAction};

/// Reads the actions; XenD's defaults are libvirt's.
pub(super) fn read(domain: &mut Section<'_>, notes: &mut Notes) -> Lifecycle {
    let defaults = Lifecycle::default();
    let mut action = |name: &str, default: LifecycleAction| {
        let Some(word) = domain.text(name) else {
            return default;
        };
        word.parse().unwrap_or_else(|_| {
            let path = format!("{}/{name}", domain.path());
            notes.essential(
                path,
                format!("'{}' is no action, {default} is taken", excerpt(word)),
            );
            default
        })
    };
    Lifecycle {
        on_poweroff: action("on_poweroff", defaults.on_poweroff),
        on_reboot: action("on_reboot", defaults.on_reboot),
        on_crash: action("on_crash", defaults.on_crash),
    }
}

/// Writes the actions.
pub(super) fn write(lifecycle: &Lifecycle, out: &mut Vec<Sxpr>) {
    for (name, action) in [
        ("on_poweroff", lifecycle.on_poweroff),
        ("on_reboot", lifecycle.on_reboot),
        ("on_crash", lifecycle.on_crash),
    ] {
        out.push(Sxpr::quoted_pair(name, action.as_str()));
    }
}
