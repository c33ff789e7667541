//! What monitoring needs of a domain's document, without building its tree.

use crate::{DomainInfo, DomainState, Error, Result};
use std::borrow::Cow;
use std::time::Duration;
use virtxen_formats::sxpr::Scanner;
use virtxen_guest::{DomId, MemoryKib, OsType, Uuid};

/// What a document says of its domain; `persistent` is left open for active ones.
pub(super) fn one(document: &str) -> Result<DomainInfo> {
    let mut scan = Scanner::new(document);
    let info = if scan.open() { domain(&mut scan) } else { None };
    info.ok_or_else(|| broken("a domain's document cannot be read"))
}

/// What a list of documents says of its domains.
pub(super) fn many(documents: &str) -> Result<Vec<DomainInfo>> {
    let mut scan = Scanner::new(documents);
    let mut infos = Vec::new();
    if !scan.open() {
        return Err(broken("the list of domains cannot be read"));
    }
    while scan.open() {
        let info = domain(&mut scan);
        infos.push(info.ok_or_else(|| broken("a domain in the list cannot be read"))?);
    }
    if scan.close() {
        Ok(infos)
    } else {
        Err(broken("the list of domains does not end"))
    }
}

fn broken(reason: &str) -> Error {
    Error::Channel {
        channel: "XenD".to_owned(),
        reason: reason.to_owned(),
        source: None,
    }
}

#[derive(Default)]
struct Words<'a> {
    name: Option<Cow<'a, str>>,
    domid: Option<u32>,
    uuid: Option<Uuid>,
    memory: u64,
    max_memory: u64,
    vcpus: u32,
    online: Option<u32>,
    available: Option<u64>,
    seconds: f64,
    state: Option<Cow<'a, str>>,
    hvm: bool,
}

/// Reads a domain whose list has been entered, and leaves it.
fn domain(scan: &mut Scanner<'_>) -> Option<DomainInfo> {
    if scan.atom()? != "domain" {
        return None;
    }
    let mut words = Words::default();
    loop {
        if scan.close() {
            return words.info();
        }
        if !scan.open() {
            // A value without a list; there are none in any release.
            scan.atom()?;
            continue;
        }
        if let Some(name) = scan.atom() {
            words.take(&name, scan);
        }
        if !scan.leave() {
            return None;
        }
    }
}

impl<'a> Words<'a> {
    fn take(&mut self, name: &str, scan: &mut Scanner<'a>) {
        match name {
            "name" => self.name = scan.atom(),
            "domid" => self.domid = number(scan),
            "uuid" => self.uuid = scan.atom().and_then(|text| text.parse().ok()),
            "memory" => self.memory = number(scan).unwrap_or(0),
            "maxmem" => self.max_memory = number(scan).unwrap_or(0),
            "vcpus" => self.vcpus = number(scan).unwrap_or(0),
            "online_vcpus" => self.online = number(scan),
            "vcpu_avail" => self.available = number(scan),
            "cpu_time" => self.seconds = number(scan).unwrap_or(0.0),
            "state" => self.state = scan.atom(),
            "image" => {
                let mut inner = scan.clone();
                let kind = inner.open().then(|| inner.atom()).flatten();
                self.hvm = matches!(kind.as_deref(), Some("hvm" | "vmx"));
            }
            _ => {}
        }
    }

    fn info(self) -> Option<DomainInfo> {
        let name = self.name?.into_owned();
        let online = match (self.online, self.available) {
            (Some(online), _) => online,
            // A bit for each vcpu.
            (None, Some(available)) => available.count_ones().min(self.vcpus),
            (None, None) => self.vcpus,
        };
        let memory = MemoryKib::from_mib(self.memory);
        let max_memory = MemoryKib::from_mib(self.max_memory);
        let active = self.domid.is_some();
        Some(DomainInfo {
            name,
            domid: self.domid.map(DomId),
            uuid: self.uuid?,
            state: if active {
                flags(self.state.as_deref().unwrap_or_default())
            } else {
                DomainState::Halted
            },
            memory,
            max_memory: if self.max_memory == 0 {
                memory
            } else {
                max_memory
            },
            vcpus: online,
            max_vcpus: self.vcpus.max(online),
            cpu_time: Duration::try_from_secs_f64(self.seconds).unwrap_or_default(),
            kind: match self.hvm {
                true => OsType::Hvm,
                false => OsType::Xen,
            },
            persistent: (!active).then_some(true),
        })
    }
}

fn number<N: std::str::FromStr>(scan: &mut Scanner<'_>) -> Option<N> {
    scan.atom()?.trim_end_matches('L').parse().ok()
}

/// `rbpscd`, a dash for each that is not. Right after a domain was made all are
/// dashes or, in some releases, question marks.
fn flags(state: &str) -> DomainState {
    [
        ('d', DomainState::Dying),
        ('c', DomainState::Crashed),
        ('s', DomainState::Shutdown),
        ('p', DomainState::Paused),
        ('r', DomainState::Running),
        ('b', DomainState::Blocked),
    ]
    .into_iter()
    .find(|(flag, _)| state.contains(*flag))
    .map_or(DomainState::NoState, |(_, state)| state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_active_and_inactive_domains() {
        let text = "((domain (domid 3) (name 'a b') (uuid 4dea22b3-1d52-d8f3-2516-782e98ab3fa0) \
                    (memory 64) (maxmem '128') (vcpus 2) (online_vcpus 1) (cpu_time 1.5) \
                    (state -b----) (image (hvm (kernel ) (state r-----)))) \
                    (domain (name c) (uuid 4dea22b3-1d52-d8f3-2516-782e98ab3fa1) (memory 64) \
                    (vcpus 4) (vcpu_avail 3) (status 0) (image (linux (args '(hvm')))))''";
        let infos = many(text).unwrap();
        let [first, second] = &infos[..] else {
            panic!("{infos:?}")
        };
        assert_eq!(first.name, "a b");
        assert_eq!(first.domid, Some(DomId(3)));
        assert_eq!(first.state, DomainState::Blocked);
        assert_eq!((first.vcpus, first.max_vcpus), (1, 2));
        assert_eq!(first.max_memory, MemoryKib::from_mib(128));
        assert_eq!(first.cpu_time, Duration::from_millis(1500));
        assert_eq!((first.kind, second.kind), (OsType::Hvm, OsType::Xen));
        assert_eq!((second.vcpus, second.max_vcpus), (2, 4));
        assert_eq!(second.state, DomainState::Halted);
        assert_eq!(second.persistent, Some(true));
        assert_eq!(second.max_memory, second.memory);
        assert_eq!(many("()").unwrap(), []);
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for text in [
            "",
            "(",
            "((domain (name a))",
            "((domain (name a)))",
            "((x))",
            "(Domain-0)",
        ] {
            assert!(many(text).is_err(), "{text}");
        }
        assert!(one("(domain (name 'a)").is_err());
    }

    #[test]
    fn the_worst_flag_counts() {
        assert_eq!(flags("------"), DomainState::NoState);
        assert_eq!(flags("??????"), DomainState::NoState);
        assert_eq!(flags("r-p---"), DomainState::Paused);
        assert_eq!(flags("---sc-"), DomainState::Crashed);
    }
}
