//! What happens when a guest ends: `on_poweroff` and its sisters.

use super::section::Section;
use super::write::Writer;
use crate::convert::Notes;
use virtxen_guest::{Lifecycle, LifecycleAction};

/// libxl's words.
const WORDS: &[(LifecycleAction, &str)] = &[
    (LifecycleAction::Destroy, "destroy"),
    (LifecycleAction::Restart, "restart"),
    (LifecycleAction::RenameRestart, "restart_rename"),
    (LifecycleAction::Preserve, "preserve"),
    (LifecycleAction::CoredumpDestroy, "coredump_destroy"),
    (LifecycleAction::CoredumpRestart, "coredump_restart"),
];

/// Writes the actions.
pub(super) fn write(writer: &mut Writer<'_>) {
    let Lifecycle {
        on_poweroff,
        on_reboot,
        on_crash,
    } = writer.guest.lifecycle;
    for (key, action) in [
        ("on_poweroff", on_poweroff),
        ("on_reboot", on_reboot),
        ("on_crash", on_crash),
    ] {
        let known = WORDS.iter().find(|(known, _)| *known == action);
        writer.config.some(key, known.map(|(_, word)| *word));
    }
}

/// Reads the actions; libxl leaves out `destroy`.
pub(super) fn read(config: &mut Section<'_>, notes: &mut Notes) -> Lifecycle {
    let mut action = |key: &'static str| {
        let Some(word) = config.word(key, notes) else {
            return LifecycleAction::Destroy;
        };
        let known = WORDS.iter().find(|(_, known)| *known == word);
        known.map_or_else(
            || {
                let reason = format!("a document has no '{word}', destroy is read");
                notes.essential(config.place(key), reason);
                LifecycleAction::Destroy
            },
            |(action, _)| *action,
        )
    };
    Lifecycle {
        on_poweroff: action("on_poweroff"),
        on_reboot: action("on_reboot"),
        on_crash: action("on_crash"),
    }
}
