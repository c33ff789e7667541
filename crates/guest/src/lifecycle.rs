//! What happens when a guest ends.
//!
//! Who acts on it (XenD itself, or the driver on an event) is not said here.

use crate::words::words;

/// What happens when a guest ends, by how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    /// It powered off.
    pub on_poweroff: LifecycleAction,
    /// It asked for a reboot.
    pub on_reboot: LifecycleAction,
    /// It crashed.
    pub on_crash: LifecycleAction,
}

impl Default for Lifecycle {
    /// libvirt's defaults, which it also writes into every document.
    fn default() -> Self {
        Self {
            on_poweroff: LifecycleAction::Destroy,
            on_reboot: LifecycleAction::Restart,
            on_crash: LifecycleAction::Destroy,
        }
    }
}

words! {
    /// What happens.
    LifecycleAction {
        Destroy = "destroy",
        Restart = "restart",
        RenameRestart = "rename-restart",
        Preserve = "preserve",
        CoredumpDestroy = "coredump-destroy",
        CoredumpRestart = "coredump-restart",
    }
}

impl LifecycleAction {
    /// Whether the guest's memory is written to a file first.
    #[must_use]
    pub const fn dumps_core(self) -> bool {
        matches!(self, Self::CoredumpDestroy | Self::CoredumpRestart)
    }
}
