//! What was found and which way each operation goes, for people.
//! Nothing is asked here that might wait: what was last seen is told.

use super::{Monitoring, XenHost};
use crate::channels::Channel;
use crate::hypercall::HypercallMonitor;
use crate::{Finding, RouteReport, routes};

/// Most skipped files that a report names.
const FILES_TOLD: usize = 200;

impl XenHost {
    fn xend_name(&self) -> Option<String> {
        let connector = self.xend.connector.as_ref().ok()?;
        Some(match self.simulated {
            true => connector.address(),
            false => format!("XenD at {}", connector.address()),
        })
    }

    pub(super) fn report_routes(&self) -> Vec<RouteReport> {
        let xend = self.xend_name();
        let xend_name = xend.as_deref();
        let (monitoring, note) = match self.monitoring {
            Monitoring::Hypercalls if self.facts.is_some() => (
                Some("hypercalls"),
                "one call for 1024 domains, names from XenStore",
            ),
            Monitoring::Hypercalls => (
                Some("hypercalls"),
                "names are missing: they are in XenStore",
            ),
            Monitoring::XenStore => (
                Some("XenStore"),
                "states and times are missing: they need hypercalls, so root in Domain-0",
            ),
            Monitoring::Xend => (
                xend_name,
                "hypercalls with XenStore would be cheaper, on the host itself as root",
            ),
        };
        let machine = if self.hypercalls.is_ok() && self.machine.is_some() {
            routes::route("machine", Some("hypercalls"), "names and kernel from uname")
        } else {
            let why = match xend_name {
                Some(_) => "hypercalls would be cheaper, on the host itself as root",
                None => "it needs hypercalls, so root in Domain-0 with the module xen-privcmd",
            };
            routes::route("machine", xend_name, why)
        };
        let mut all = vec![routes::route("monitoring", monitoring, note), machine];
        let libxl = self.libxl_name();
        let toolstack = xend_name.or(libxl.as_deref());
        all.extend(routes::toolstack(
            toolstack.ok_or_else(|| self.why_no_toolstack()),
        ));
        let keeper = xend_name.filter(|_| self.keeps_inactive());
        all.push(routes::inactive(
            keeper,
            self.guest_files.as_ref().map_err(String::as_str),
        ));
        all.push(self.control_route(toolstack));
        all.push(routes::consoles(self.facts.is_some()));
        all.extend(self.counter_routes());
        all.push(self.event_route());
        all
    }

    fn libxl_name(&self) -> Option<String> {
        let libxl = self.libxl.as_ref().ok()?;
        Some(format!("libxl ({})", libxl.place()))
    }

    fn control_route(&self, toolstack: Option<&str>) -> RouteReport {
        let operation = "pause, destroy, limits, pinning, scheduler";
        match (toolstack, &self.hypercalls) {
            (Some(_), Ok(_)) => {
                let note = match &self.libxl {
                    Ok(_) => "pinning, schedulers and cpupools by hypercalls",
                    Err(_) => "credit2, RTDS and cpupools by hypercalls, which XenD does not know",
                };
                routes::route(operation, toolstack, note)
            }
            (Some(_), Err(_)) => routes::route(operation, toolstack, ""),
            (None, Ok(_)) => {
                let note = "what a toolstack keeps of a destroyed domain is left to it";
                routes::route(operation, Some("hypercalls"), note)
            }
            (None, Err(why)) => routes::route(operation, None, why.clone()),
        }
    }

    fn event_route(&self) -> RouteReport {
        let with_states = self.monitoring == Monitoring::Hypercalls;
        let hears = |it: &HypercallMonitor| it.hears_exceptions();
        let (channel, note): (_, String) = match (&self.store, self.hypercalls.as_ref().map(hears))
        {
            (Ok(_), _) if with_states => (
                Some("XenStore"),
                "three watches, and four looks a second for pauses while somebody listens".into(),
            ),
            (Ok(_), _) => (
                Some("XenStore"),
                "three watches; pauses and stops are told when the host is looked at again, \
                 hypercalls would show them at once"
                    .into(),
            ),
            (Err(_), Ok(true)) => (
                Some("hypercalls"),
                "the hypervisor's event for domains that end, and four looks a second for the \
                 rest while somebody listens; XenStore would tell of devices and names too"
                    .into(),
            ),
            (Err(_), Ok(false)) => (
                Some("hypercalls"),
                format!(
                    "four looks a second while somebody listens; the hypervisor's event for \
                     domains that end is missing: {}",
                    self.silent
                ),
            ),
            (Err(_), Err(_)) => (
                None,
                "nothing tells of changes: the host is looked at again and again; XenStore, \
                 for root in Domain-0, would tell"
                    .into(),
            ),
        };
        // Files tell only of themselves.
        let channel = match (channel, &self.guest_files) {
            (Some(channel), Ok(files)) => {
                Some(format!("{channel}, {}", files.language().channel()))
            }
            (channel, _) => channel.map(str::to_owned),
        };
        routes::route("events", channel.as_deref(), note)
    }

    pub(super) fn report_channels(&self) -> Vec<Finding> {
        let finding = |channel, found: Channel<(String, String)>| match found {
            Ok((place, note)) => Finding {
                channel,
                place,
                found: true,
                note,
            },
            Err(note) => Finding {
                channel,
                place: String::new(),
                found: false,
                note,
            },
        };
        let hypercalls = self.hypercalls.as_ref().map(|hypercalls| {
            let xen = hypercalls.xen();
            let note = format!("Xen {}, {}", xen.version(), xen.abi().interfaces);
            let place = match self.simulated {
                true => "the simulated hypervisor",
                false => "the kernel's privcmd",
            };
            (place.to_owned(), note)
        });
        let store = self
            .facts
            .as_ref()
            .map(|facts| facts.store().node().to_owned());
        let store = match (&self.store, store) {
            (Err(why), _) => Err(why.clone()),
            (Ok(_), node) => Ok((node.unwrap_or_default(), String::new())),
        };
        let xend = self.xend.connector.as_ref().map(|connector| {
            let note = match self.xend.opened.get() {
                Some(_) => "it answers",
                None => "not asked yet",
            };
            (connector.address(), note.to_owned())
        });
        let libxl = self.libxl.as_ref().map(|libxl| {
            let note = format!("of Xen {}, in a process of its own", libxl.release());
            (libxl.place(), note)
        });
        let files = self.files.as_ref();
        let files = files.map(|files| (files.place().to_owned(), String::new()));
        let mut all = vec![
            finding("hypercalls", hypercalls.map_err(Clone::clone)),
            finding("XenStore", store),
            finding("XenD", xend.map_err(Clone::clone)),
            finding("libxl", libxl.map_err(Clone::clone)),
            finding("files", files.map_err(Clone::clone)),
        ];
        all.extend(self.report_guest_files());
        all
    }

    /// The folder of inactive guests, and each file in it that is none.
    fn report_guest_files(&self) -> Vec<Finding> {
        let Some(files) = self.guest_files() else {
            return Vec::new();
        };
        let guests = files.last();
        let note = match &guests.unreadable {
            Some(why) => why.clone(),
            None => format!(
                "inactive guests: {} in files, {} names skipped",
                guests.by_name.len(),
                guests.skipped
            ),
        };
        let mut all = vec![Finding {
            channel: files.language().channel(),
            place: files.folder().display().to_string(),
            found: guests.unreadable.is_none(),
            note,
        }];
        // Those that may be meant as guests first.
        let (odd, usual): (Vec<_>, Vec<_>) =
            guests.notices.iter().partition(|notice| notice.unexpected);
        let told = odd.into_iter().chain(usual).take(FILES_TOLD);
        all.extend(told.map(|notice| Finding {
            channel: files.language().channel(),
            place: files.folder().join(&notice.file).display().to_string(),
            found: false,
            note: format!("skipped: {}", notice.reason),
        }));
        let more = guests.skipped.saturating_sub(FILES_TOLD);
        if more > 0 {
            all.push(Finding {
                channel: files.language().channel(),
                place: files.folder().display().to_string(),
                found: false,
                note: format!("{more} more names skipped"),
            });
        }
        all
    }

    /// What people should know of the files of inactive guests.
    pub(super) fn warn_of_files(&self) -> Option<String> {
        let files = self.guest_files()?;
        let guests = files.last();
        let folder = files.folder().display();
        if let Some(why) = &guests.unreadable {
            return Some(format!("inactive guests are not seen: {folder}: {why}"));
        }
        let odd = guests.notices.iter().find(|notice| notice.unexpected)?;
        let others = match guests.unexpected {
            1 => String::new(),
            count => format!(" (and {} more files)", count - 1),
        };
        Some(format!(
            "skipped {folder}/{}: {}{others}; 'virtxen doctor' lists all skipped files",
            odd.file, odd.reason
        ))
    }
}
