//! Which channel serves each kind of operation, in words. The choice itself is
//! made once, in `xen`, when a host is opened.

use crate::guest_files::{GuestFiles, Language};
use crate::{Error, RouteReport};

/// Why there are no counters where only a XenD is reached.
pub(crate) const NO_COUNTERS: &str = "counters are in /sys and /proc of Domain-0: use the URI \
                                      xen: on the host itself";

/// Who keeps inactive guests on old releases.
const FILES_OF_XM: &str = "XenD before 3.0.4 keeps none, they are files of xm";

/// Who keeps inactive guests on new ones.
const DOCUMENTS: &str = "virtxen keeps them, as libvirt does; no XenD does here";

const OWN_TOOLSTACK: &str = "only the toolstack can do it";

/// How reports call the route of starting, stopping and all else that changes domains.
pub const LIFE_CYCLE: &str = "life cycle";

/// Operations that a toolstack has to do.
const TOOLSTACK: [&str; 3] = [LIFE_CYCLE, "devices", "save and migration"];

/// A route.
pub(crate) fn route(
    operation: &'static str,
    channel: Option<&str>,
    note: impl Into<String>,
) -> RouteReport {
    RouteReport {
        operation,
        channel: channel.map(str::to_owned),
        note: note.into(),
    }
}

/// The routes of a host that is reached through XenD only.
pub(crate) fn through_xend(
    name: &str,
    keeps_inactive: bool,
    has_xenstore: bool,
) -> Vec<RouteReport> {
    let name = Some(name);
    let why = "hypercalls with XenStore would be cheaper, on the host itself as root";
    let mut routes = vec![route("monitoring", name, why), route("machine", name, why)];
    routes.extend(toolstack(name.ok_or_else(String::new)));
    let keeper = name.filter(|_| keeps_inactive);
    routes.push(inactive(keeper, Err(FILES_OF_XM)));
    routes.push(consoles(has_xenstore));
    routes.push(route("counters", None, NO_COUNTERS));
    routes.push(route(
        "events",
        None,
        "XenD tells of nothing: the host is looked at again and again",
    ));
    routes
}

/// The routes of what a toolstack does: its name, or why there is none.
pub(crate) fn toolstack(name: std::result::Result<&str, String>) -> Vec<RouteReport> {
    let (name, note) = match name {
        Ok(name) => (Some(name), OWN_TOOLSTACK.to_owned()),
        Err(why) => (None, why),
    };
    let routes = TOOLSTACK.into_iter();
    routes
        .map(|operation| route(operation, name, note.as_str()))
        .collect()
}

/// The route to inactive guests: the XenD that keeps them, or the files that they are,
/// or why there are none.
pub(crate) fn inactive(
    xend: Option<&str>,
    files: std::result::Result<&GuestFiles, &str>,
) -> RouteReport {
    const OPERATION: &str = "inactive guests";
    match (xend, files) {
        (Some(_), _) => route(OPERATION, xend, "XenD keeps them"),
        (None, Ok(files)) => {
            let note = match files.language() {
                Language::Xm(_) => FILES_OF_XM,
                Language::Document => DOCUMENTS,
            };
            route(OPERATION, Some(&files.place()), note)
        }
        (None, Err(why)) => route(OPERATION, None, why),
    }
}

/// The route to terminals.
pub(crate) fn consoles(has_xenstore: bool) -> RouteReport {
    if has_xenstore {
        route("consoles", Some("XenStore"), "the only place that has them")
    } else {
        route(
            "consoles",
            None,
            "terminals are in XenStore, which can be asked on the host itself only",
        )
    }
}

/// Where the hosts themselves move domains.
pub(crate) fn no_streams() -> crate::Error {
    crate::Error::Unsupported {
        operation: "migrate",
        reason: "the hosts make the connection by themselves here".to_owned(),
    }
}

/// What only the hypervisor does, where it can.
pub(crate) fn no_soft_affinity() -> Error {
    Error::Unsupported {
        operation: "soft affinity",
        reason: "it needs hypercalls of Xen 4.5 or later, so root in Domain-0, and libvirt's \
                 documents of guests"
            .to_owned(),
    }
}

/// Where guests are not put to sleep.
pub(crate) fn no_sleep(name: &str, why: &str) -> Error {
    Error::Unsupported {
        operation: "dompmsuspend",
        reason: format!(
            "domain '{name}' cannot be put to sleep here, suspend pauses it: it needs libxl of \
             Xen 4.11 or later; {why}"
        ),
    }
}

/// What XenD alone cannot tell.
pub(crate) fn no_cpu_pools() -> Error {
    Error::Unsupported {
        operation: "cpupool",
        reason: "cpupools need hypercalls, so root in Domain-0".to_owned(),
    }
}

/// Why there is no toolstack.
pub(crate) fn no_toolstack(xend: &str, libxl: &str) -> String {
    format!("neither XenD nor libxl can be used (XenD: {xend}; libxl: {libxl})")
}

/// The refusal of an operation that only XenD does here.
pub(crate) fn no_xend<T>(
    operation: &'static str,
    xend: &str,
    libxl: &std::result::Result<T, String>,
) -> Error {
    let reason = match libxl {
        Ok(_) => format!("only XenD does it, which is not there ({xend})"),
        Err(libxl) => no_toolstack(xend, libxl),
    };
    Error::Unsupported { operation, reason }
}

/// Where libxl does what XenD did, nobody writes a log.
pub(crate) fn no_log() -> Error {
    Error::Unsupported {
        operation: "log",
        reason: "libxl keeps none: what it says is in the error of the operation that caused \
                 it; xl's logs are in /var/log/xen"
            .to_owned(),
    }
}
