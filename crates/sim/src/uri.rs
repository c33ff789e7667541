//! Options as a URI: `sim:?release=3.0.3&guests=5&fault=slow,500ms,op=create`.
//!
//! Every key is known or an error; a key may be repeated where a list makes sense.

use std::time::Duration;

use virtxen_hypercall::{Abi, Arch};

use crate::fault::Fault;
use crate::release::Release;
use crate::state::Options;

/// Guests that a host can have at its start.
const MAX_GUESTS: usize = 10_000;
/// Longest time that a key may name.
const MAX_TIME: Duration = Duration::from_secs(24 * 3600);
/// The keys, for error messages.
const KEYS: &str = "release, guests, nodes, scheduler, build, connect, shutdown, save, fault, \
                    hung-guest, dead-device, xm-dir, relocation";

/// Why a URI of a simulated host was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// The URI is of another kind.
    #[error("`{0}` is no URI of a simulated host: those are `sim:` and `sim:?key=value&…`")]
    Scheme(String),
    /// A key that a simulated host does not have.
    #[error("a simulated host has no option `{key}`: it has {KEYS}")]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// A key without `=value`.
    #[error("the option `{key}` has no value")]
    NoValue {
        /// The key.
        key: String,
    },
    /// A release that is not simulated.
    #[error(
        "no XenD of release `{release}` is simulated: there are {}, and without XenD 4.5 to 4.22",
        known_releases()
    )]
    UnknownRelease {
        /// The release as given.
        release: String,
    },
    /// A value that the key cannot have.
    #[error("`{value}` is no value for `{key}`: {expected}")]
    BadValue {
        /// The key.
        key: String,
        /// The value as given.
        value: String,
        /// What would be one.
        expected: &'static str,
    },
}

impl Options {
    /// Reads `sim:` or `sim:?release=3.0.3&guests=5`. Keys:
    ///
    /// | key | value |
    /// |---|---|
    /// | `release` | the XenD that answers: `3.0.1` … `4.4`, also `4.1.6`; `4.5` … `4.22` have none |
    /// | `guests` | guests at the start, 0 to 10000 |
    /// | `nodes` | NUMA nodes of the machine: 1, 2 or 4 |
    /// | `scheduler` | scheduler that Xen was started with: `credit`, `credit2`, `rtds`, `sedf`, `null`, `arinc653` |
    /// | `build`, `connect`, `shutdown`, `save` | how long these take: `500ms`, `3s` |
    /// | `fault` | `slow,TIME`, `hang`, `stall`, `cut,BYTES`, `garbage`, `fail` or `death`, with `,op=NAME` and `,nth=N` |
    /// | `hung-guest` | name of a guest that ignores orders to shut down |
    /// | `dead-device` | device that never connects: `xvdb`, a MAC address |
    /// | `relocation` | TCP port of this machine where domains of other simulated hosts are taken |
    /// | `xm-dir` | folder of xm's files, which are inactive guests before 3.0.4 |
    ///
    /// Faults, guests and devices may be repeated.
    ///
    /// # Errors
    /// For another kind of URI, an unknown key or release, a value of the wrong kind.
    pub fn from_uri(uri: &str) -> Result<Self, UriError> {
        let rest = uri
            .strip_prefix("sim:")
            .ok_or_else(|| UriError::Scheme(uri.to_owned()))?;
        let rest = rest.trim_start_matches('/');
        let query = match rest.strip_prefix('?') {
            Some(query) => query,
            None if rest.is_empty() => "",
            None => return Err(UriError::Scheme(uri.to_owned())),
        };
        let mut options = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if value.is_empty() {
                let key = key.to_owned();
                return Err(UriError::NoValue { key });
            }
            options.set(key, value)?;
        }
        options.check_scheduler()?;
        Ok(options)
    }

    /// Which schedulers there are depends on the release, which may come later.
    fn check_scheduler(&self) -> Result<(), UriError> {
        let Some(name) = &self.scheduler else {
            return Ok(());
        };
        let release = self.xen();
        let release = (release.major, release.minor, release.point);
        match crate::hypervisor::scheduler::number(name, release) {
            Some(_) => Ok(()),
            None => Err(bad_value(
                "scheduler",
                name,
                "a scheduler of this release: sedf up to 4.5, credit from 3.0.3, credit2 and \
                 arinc653 from 4.1, rtds from 4.5, null from 4.9 on",
            )),
        }
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), UriError> {
        let bad = |expected| bad_value(key, value, expected);
        let time = || parse_time(value).ok_or_else(|| bad(A_TIME));
        match key {
            "release" => {
                self.without_xend = without_xend(value);
                self.release = match self.without_xend {
                    Some(_) => Release::V4_4,
                    None => Release::parse(value).ok_or_else(|| UriError::UnknownRelease {
                        release: value.to_owned(),
                    })?,
                };
            }
            "guests" => {
                let guests = value.parse().ok().filter(|count| *count <= MAX_GUESTS);
                self.guests = guests.ok_or_else(|| bad("a number up to 10000"))?;
            }
            "nodes" => {
                let nodes = value
                    .parse()
                    .ok()
                    .filter(|count| matches!(count, 1 | 2 | 4));
                self.nodes = nodes.ok_or_else(|| bad("1, 2 or 4"))?;
            }
            "scheduler" => self.scheduler = Some(value.to_owned()),
            "build" => self.timing.build = time()?,
            "connect" => self.timing.connect = time()?,
            "shutdown" => self.timing.shutdown = time()?,
            "save" => self.timing.save = time()?,
            "fault" => self.faults.push(parse_fault(value)?),
            "hung-guest" => self.hung_guests.push(value.to_owned()),
            "dead-device" => self.dead_devices.push(value.to_owned()),
            "relocation" => {
                let port = value.parse().ok().filter(|port| *port != 0);
                self.relocation = Some(port.ok_or_else(|| bad("a number from 1 to 65535"))?);
            }
            "xm-dir" if value.starts_with('/') => self.xm_dir = Some(value.into()),
            "xm-dir" => return Err(bad("the path of a folder, from / on")),
            _ => {
                let key = key.to_owned();
                return Err(UriError::UnknownKey { key });
            }
        }
        Ok(())
    }
}

/// A release of Xen after the last XenD whose hypervisor is known.
fn without_xend(text: &str) -> Option<virtxen_hypercall::Release> {
    let mut numbers = text.split('.').map(|number| number.parse::<u8>().ok());
    let release = virtxen_hypercall::Release {
        major: numbers.next()??,
        minor: numbers.next()??,
        point: numbers.next().unwrap_or(Some(0))?,
    };
    let newer = (release.major, release.minor) >= (4, 5) && numbers.next().is_none();
    let known = Abi::of_release(Arch::X86_64, release);
    known.filter(|_| newer).map(|_| release)
}

const A_TIME: &str = "a time such as `500ms` or `3s`, one day at most";
const A_FAULT: &str = "`slow,TIME`, `hang`, `stall`, `cut,BYTES`, `garbage`, `fail` or `death`, then \
                       `,op=NAME`, `,nth=N`";

fn parse_time(text: &str) -> Option<Duration> {
    let time = match text.strip_suffix("ms") {
        Some(number) => Duration::from_millis(number.parse().ok()?),
        None => Duration::from_secs(text.strip_suffix('s')?.parse().ok()?),
    };
    (time <= MAX_TIME).then_some(time)
}

fn parse_fault(text: &str) -> Result<Fault, UriError> {
    let bad = || bad_value("fault", text, A_FAULT);
    let mut words = text.split(',');
    let mut fault = match words.next() {
        Some("slow") => Fault::slow(words.next().and_then(parse_time).ok_or_else(bad)?),
        Some("hang") => Fault::hang(),
        Some("stall") => Fault::stall(),
        Some("cut") => {
            let bytes = words.next().and_then(|word| word.parse().ok());
            Fault::cut_after(bytes.ok_or_else(bad)?)
        }
        Some("fail") => Fault::fail("this was asked to fail"),
        Some("death") => Fault::death(),
        Some("garbage") => Fault::garbage(&b"\x00\xffno HTTP at all\r\n"[..]),
        _ => return Err(bad()),
    };
    for word in words {
        fault = match word.split_once('=') {
            Some(("op", op)) if !op.is_empty() => fault.for_op(op),
            Some(("nth", number)) => fault.nth(number.parse().map_err(|_| bad())?),
            _ => return Err(bad()),
        };
    }
    Ok(fault)
}

fn bad_value(key: &str, value: &str, expected: &'static str) -> UriError {
    UriError::BadValue {
        key: key.to_owned(),
        value: value.to_owned(),
        expected,
    }
}

fn known_releases() -> String {
    let releases: Vec<&str> = Release::ALL.iter().map(|known| known.version()).collect();
    releases.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_key() {
        let options = Options::from_uri(
            "sim:?release=3.0.3&guests=7&build=3s&shutdown=250ms&fault=slow,1s,op=create,nth=2\
             &fault=cut,10&hung-guest=web&dead-device=xvdz&xm-dir=/srv/xen",
        )
        .unwrap();
        assert_eq!(options.release, Release::V3_0_3);
        assert_eq!(options.guests, 7);
        assert_eq!(options.timing.build, Duration::from_secs(3));
        assert_eq!(options.timing.shutdown, Duration::from_millis(250));
        let slow = Fault::slow(Duration::from_secs(1)).for_op("create").nth(2);
        assert_eq!(options.faults, [slow, Fault::cut_after(10)]);
        assert_eq!(options.hung_guests, ["web"]);
        assert_eq!(options.dead_devices, ["xvdz"]);
        assert_eq!(options.xm_dir, Some("/srv/xen".into()));
        assert_eq!(Options::from_uri("sim:").unwrap().release, Release::V4_1);
        assert!(Options::from_uri("sim:///").is_ok());
        let options = Options::from_uri("sim:?scheduler=rtds&release=4.17&nodes=4").unwrap();
        assert_eq!(options.nodes, 4);
        assert_eq!(options.scheduler.as_deref(), Some("rtds"));
        assert_eq!(Options::from_uri("sim:").unwrap().without_xend, None);
        for minor in 5..=22 {
            let options = Options::from_uri(&format!("sim:?release=4.{minor}")).unwrap();
            assert_eq!(options.without_xend.unwrap().minor, minor);
        }
        let options = Options::from_uri("sim:?release=4.17.3").unwrap();
        assert_eq!(options.without_xend.unwrap().to_string(), "4.17.3");
    }

    #[test]
    fn refuses_with_what_would_be_right() {
        let refused = |uri: &str| Options::from_uri(uri).unwrap_err().to_string();
        assert!(refused("xen:///").contains("sim:?key=value"));
        assert!(refused("sim:/path").contains("sim:?key=value"));
        assert!(refused("sim:?relase=4.1").contains("`relase`"));
        assert!(refused("sim:?release=4.99").contains("4.4.4"));
        assert!(refused("sim:?guests").contains("no value"));
        assert!(refused("sim:?guests=-1").contains("10000"));
        assert!(refused("sim:?nodes=3").contains("1, 2 or 4"));
        assert!(refused("sim:?scheduler=rtds").contains("from 4.5"));
        assert!(refused("sim:?scheduler=sedf&release=4.6").contains("up to 4.5"));
        assert!(refused("sim:?release=3.0.1&scheduler=credit").contains("3.0.3"));
        assert!(refused("sim:?build=3").contains("500ms"));
        assert!(refused("sim:?xm-dir=xen").contains("path"));
        assert!(refused("sim:?fault=explode").contains("garbage"));
        assert!(refused("sim:?fault=hang,op").contains("garbage"));
    }
}
