//! What was found and which way each operation goes, for people.

use super::{Monitoring, XenHost};
use crate::channels::Channel;
use crate::hypercall::HypercallMonitor;
use crate::{Finding, RouteReport, routes};

impl XenHost {
    fn xend_route(&self) -> Option<routes::XendRoute> {
        let connector = self.xend.connector.as_ref().ok()?;
        Some(routes::XendRoute {
            name: match self.simulated {
                true => connector.address(),
                false => format!("XenD at {}", connector.address()),
            },
            keeps_inactive: self.keeps_inactive(),
            has_xenstore: self.facts.is_some(),
        })
    }

    pub(super) fn report_routes(&self) -> Vec<RouteReport> {
        let xend = self.xend_route();
        let xend_name = xend.as_ref().map(|xend| xend.name.as_str());
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
            routes::route("machine", xend_name, "")
        };
        let mut all = vec![routes::route("monitoring", monitoring, note), machine];
        all.extend(routes::toolstack(xend.as_ref()));
        all.push(routes::consoles(self.facts.is_some()));
        all.extend(self.counter_routes());
        all.push(self.event_route());
        all
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
        routes::route("events", channel, note)
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
        let files = self.files.as_ref();
        let files = files.map(|files| (files.place().to_owned(), String::new()));
        vec![
            finding("hypercalls", hypercalls.map_err(Clone::clone)),
            finding("XenStore", store),
            finding("XenD", xend.map_err(Clone::clone)),
            finding("files", files.map_err(Clone::clone)),
        ]
    }
}
