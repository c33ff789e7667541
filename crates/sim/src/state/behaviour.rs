//! What guests and files of the simulated host do, by their names.
//!
//! A simulator needs guests that misbehave on demand. The convention:
//!
//! | name | behaviour |
//! | --- | --- |
//! | guest `deaf…` | ignores orders to shut down or reboot |
//! | guest `nodriver…` | has no drivers for Xen that read orders (libxl) |
//! | guest `crash…` | crashes as soon as it runs |
//! | guest `slow…` | takes three seconds to build |
//! | guest `hvfail…` | the hypervisor refuses to create it |
//! | guest `buildfail…` | its kernel cannot be loaded |
//! | path with `nosuch` or `/no/` | does not exist |
//! | disk with `bootfail` | its boot loader finds nothing |
//! | disk or bridge with `hotplug-error` | its hotplug script fails |
//! | disk with `hotplug-busy` | is in use elsewhere |
//! | disk or bridge with `hotplug-never` | its back end never answers |
//! | disk with `noclose` | cannot be detached |
//! | file with `garbage` | is not what it should be |

/// Whether a path exists on the host.
pub(crate) fn exists(path: &str) -> bool {
    !path.contains("nosuch") && !path.starts_with("/no/") && !path.is_empty()
}

/// Ignores orders to shut down.
pub(crate) fn is_deaf(guest: &str) -> bool {
    guest.starts_with("deaf")
}

/// Has no drivers that would read an order.
pub(crate) fn has_no_drivers(guest: &str) -> bool {
    guest.starts_with("nodriver")
}

/// Crashes once it runs.
pub(crate) fn crashes(guest: &str) -> bool {
    guest.starts_with("crash")
}

/// Takes three seconds to build.
pub(crate) fn is_slow(guest: &str) -> bool {
    guest.starts_with("slow")
}

/// The hypervisor refuses it.
pub(crate) fn is_refused(guest: &str) -> bool {
    guest.starts_with("hvfail")
}

/// Its kernel cannot be loaded.
pub(crate) fn build_fails(guest: &str) -> bool {
    guest.starts_with("buildfail")
}

/// The back end of this disk does not let go.
pub(crate) fn never_closes(uname: &str) -> bool {
    uname.contains("noclose")
}

/// What becomes of a device when its back end connects it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hotplug {
    /// It works.
    Connects,
    /// The script fails.
    Fails,
    /// The file is in use.
    Busy,
    /// No answer.
    Never,
}

/// What becomes of a device with this disk or bridge.
pub(crate) fn hotplug(name: &str) -> Hotplug {
    if name.contains("hotplug-error") {
        Hotplug::Fails
    } else if name.contains("hotplug-busy") {
        Hotplug::Busy
    } else if name.contains("hotplug-never") {
        Hotplug::Never
    } else {
        Hotplug::Connects
    }
}
