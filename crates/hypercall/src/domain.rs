//! Domains: list, information, pause, unpause, destroy, memory limit, vcpu limit.
//!
//! Names, devices and why a domain is there are not the hypervisor's to know.

use crate::Xen;
use crate::abi::layout::Field;
use crate::abi::{Abi, Family, Layout};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::gate::Errno;
use std::sync::atomic::Ordering;

/// Domains that one call lists.
pub(crate) const BATCH: usize = 1024;

/// Room in a list for domains that are new since the last one. Room for all that could be
/// there would have to be cleared and copied for every look at a few.
const SPARE: usize = 32;

/// Most domains that Xen can have.
const DOMAINS_MAX: usize = 0x7ff0;

/// What the hypervisor knows of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Its number.
    pub domid: u32,
    /// What it is doing.
    pub flags: DomainFlags,
    /// Memory that it has, in pages of 4 KiB.
    pub pages: u64,
    /// Memory that it may have, in pages of 4 KiB.
    pub max_pages: u64,
    /// Processor time since its start, in nanoseconds.
    pub cpu_time: u64,
    /// Vcpus that are online.
    pub online_vcpus: u32,
    /// Highest vcpu; `None` when it has none.
    pub max_vcpu_id: Option<u32>,
    /// Its uuid.
    pub handle: [u8; 16],
    /// Its cpupool, from Xen 4.1 on.
    pub cpupool: Option<u32>,
}

/// What a domain is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DomainFlags {
    /// Being destroyed; from 3.2 on: destroyed and still referred to.
    pub dying: bool,
    /// Fully virtualized, which is told from 3.0.4 on.
    pub hvm: bool,
    /// It has shut down.
    pub shutdown: bool,
    /// Why it has shut down, a number of `SHUTDOWN_*`.
    pub shutdown_code: u8,
    /// Stopped by the toolstack.
    pub paused: bool,
    /// All its vcpus wait.
    pub blocked: bool,
    /// One of its vcpus is on a processor.
    pub running: bool,
}

/// An event of the machine that a domain is sent (`XEN_DOMCTL_SENDTRIGGER_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trigger {
    /// A non-maskable interrupt of one vcpu.
    Nmi,
    /// The ACPI power button of a fully virtualized domain.
    Power,
}

impl Trigger {
    /// Its number, the same on every release that has it.
    const fn number(self) -> u64 {
        match self {
            Self::Nmi => 0,
            Self::Power => 3,
        }
    }
}

/// The fields of a list element, found once for a whole list, or of the answer about one domain.
pub(crate) struct Element {
    layout: &'static Layout,
    fields: [&'static Field; 8],
    cpupool: Option<&'static Field>,
}

/// In the order of [`Element::fields`].
const NAMES: [&str; 8] = [
    "domain",
    "flags",
    "tot_pages",
    "max_pages",
    "cpu_time",
    "nr_online_vcpus",
    "max_vcpu_id",
    "handle",
];

impl Element {
    /// Of `getdomaininfo`.
    pub(crate) fn of_one(abi: &Abi) -> Option<Self> {
        let (_, layout) = abi.operation(abi.control(), "getdomaininfo").ok()?;
        Self::of(layout)
    }

    fn of(layout: &'static Layout) -> Option<Self> {
        let mut fields = [layout.field(NAMES[0])?; NAMES.len()];
        for (slot, name) in fields.iter_mut().zip(NAMES) {
            *slot = layout.field(name)?;
        }
        Some(Self {
            layout,
            fields,
            cpupool: layout.field("cpupool"),
        })
    }

    fn read(&self, bytes: &[u8]) -> Option<Domain> {
        let [
            domain,
            flags,
            pages,
            max_pages,
            time,
            vcpus,
            max_vcpu,
            handle,
        ] = self.fields;
        let word = |field: &Field| field.get(bytes).and_then(|value| u32::try_from(value).ok());
        let max_vcpu = word(max_vcpu)?;
        let vcpus = word(vcpus)?;
        Some(Domain {
            domid: word(domain)?,
            flags: DomainFlags::from_word(word(flags)?),
            pages: pages.get(bytes)?,
            max_pages: max_pages.get(bytes)?,
            cpu_time: time.get(bytes)?,
            online_vcpus: vcpus,
            // Without vcpus the field is all ones, or unset before 4.3.4.
            max_vcpu_id: (max_vcpu != u32::MAX && max_vcpu < 0x1_0000).then_some(max_vcpu),
            handle: handle.bytes(bytes)?.try_into().ok()?,
            cpupool: self.cpupool.and_then(word),
        })
    }
}

impl DomainFlags {
    /// The bits that have not moved since 3.0.1; the others are not read.
    #[must_use]
    pub fn from_word(word: u32) -> Self {
        let bit = |bit: u32| word & bit != 0;
        Self {
            dying: bit(1),
            hvm: bit(2),
            shutdown: bit(4),
            shutdown_code: (word >> 16 & 0xff) as u8,
            paused: bit(8),
            blocked: bit(16),
            running: bit(32),
        }
    }
}

/// Reads a page of list elements as the hypervisor wrote it.
///
/// # Errors
/// [`Error::Answer`] when the bytes are fewer than the elements need.
pub fn decode_domains(abi: &Abi, bytes: &[u8], count: usize, out: &mut Vec<Domain>) -> Result<()> {
    const NAME: &str = "getdomaininfolist";
    let broken = |reason| Error::Answer {
        operation: NAME,
        reason,
    };
    let layout = abi
        .domain_element()
        .ok_or(broken("its element is not in the table"))?;
    let element = Element::of(layout).ok_or(broken("its element lacks a field"))?;
    let size = usize::from(element.layout.size);
    out.reserve(count.min(BATCH));
    for index in 0..count {
        let one = bytes.get(index * size..(index + 1) * size);
        let domain = one.and_then(|one| element.read(one));
        out.push(domain.ok_or(broken("more domains than were asked for"))?);
    }
    Ok(())
}

impl Xen {
    /// All domains, by number; one call for each 1024, and one more when there are suddenly
    /// many more than the last time.
    ///
    /// # Errors
    /// What the hypervisor says.
    pub fn domains(&self) -> Result<Vec<Domain>> {
        let mut domains: Vec<Domain> = Vec::new();
        let mut first = 0;
        let mut room = self.room.load(Ordering::Relaxed);
        loop {
            let page = self.domains_from(first, room)?;
            let full = page.len() == room;
            let mut next = first;
            for domain in &page {
                if domain.domid < next {
                    return Err(Error::Answer {
                        operation: "getdomaininfolist",
                        reason: "domains out of order",
                    });
                }
                next = domain.domid + 1;
            }
            domains.extend(page);
            if !full || domains.len() > DOMAINS_MAX {
                let room = (domains.len() + SPARE).min(BATCH);
                self.room.store(room, Ordering::Relaxed);
                return Ok(domains);
            }
            (first, room) = (next, BATCH);
        }
    }

    /// One domain.
    ///
    /// # Errors
    /// [`Error::NoDomain`].
    pub fn domain(&self, domid: u32) -> Result<Domain> {
        let mut call = Call::on_domain(&self.abi, "getdomaininfo", "getdomaininfo", domid)?;
        match call.send(self.gate.as_ref()) {
            Err(Error::Refused {
                errno: Errno::ESRCH,
                ..
            }) => {
                return Err(Error::NoDomain { domid });
            }
            result => result?,
        };
        let one = self.one.as_ref();
        let found = one.and_then(|element| element.read(call.union()));
        let found = found.ok_or_else(|| call.broken("it lacks a field"))?;
        // Before 4.18 the next domain is told where this one is missing.
        if found.domid == domid {
            Ok(found)
        } else {
            Err(Error::NoDomain { domid })
        }
    }

    /// Stops the vcpus of a domain. From Xen 4.5 on pauses are counted.
    ///
    /// # Errors
    /// [`Error::NoDomain`], and what the hypervisor says.
    pub fn pause(&self, domid: u32) -> Result<()> {
        self.simple(domid, "pausedomain")
    }

    /// Lets the vcpus of a domain run on. From Xen 4.5 on it is an error when the
    /// domain is not paused.
    ///
    /// # Errors
    /// [`Error::NoDomain`], and what the hypervisor says.
    pub fn unpause(&self, domid: u32) -> Result<()> {
        self.simple(domid, "unpausedomain")
    }

    /// Ends a domain; its resources are given back later on old releases.
    ///
    /// # Errors
    /// [`Error::NoDomain`], and what the hypervisor says.
    pub fn destroy(&self, domid: u32) -> Result<()> {
        self.simple(domid, "destroydomain")
    }

    /// Sets the most memory that a domain may have, in KiB.
    ///
    /// # Errors
    /// [`Error::NoDomain`], and what the hypervisor says.
    pub fn set_max_memory(&self, domid: u32, kib: u64) -> Result<()> {
        let mut call = Call::on_domain(&self.abi, "setdomainmaxmem", "max_mem", domid)?;
        call.set("max_memkb", kib)?;
        self.send_to(domid, &mut call)
    }

    /// Sets the number of vcpus that a domain may have. From Xen 4.12 on it is
    /// the number that it was created with, or an error.
    ///
    /// # Errors
    /// [`Error::NoDomain`], and what the hypervisor says.
    pub fn set_max_vcpus(&self, domid: u32, count: u32) -> Result<()> {
        let mut call = Call::on_domain(&self.abi, "max_vcpus", "max_vcpus", domid)?;
        call.set("max", u64::from(count))?;
        self.send_to(domid, &mut call)
    }

    /// Sends a domain an event of the machine, by one of its vcpus. From Xen 3.1 on.
    ///
    /// # Errors
    /// [`Error::Unsupported`] on older ones, [`Error::NoDomain`] also without such a
    /// vcpu, and what the hypervisor says, above all of a power button that a
    /// paravirtualized domain does not have.
    pub fn send_trigger(&self, domid: u32, trigger: Trigger, vcpu: u32) -> Result<()> {
        let mut call = Call::on_domain(&self.abi, "sendtrigger", "sendtrigger", domid)?;
        call.set("trigger", trigger.number())?;
        call.set("vcpu", u64::from(vcpu))?;
        self.send_to(domid, &mut call)
    }

    /// Sends an operation on a domain.
    pub(crate) fn send_to(&self, domid: u32, call: &mut Call<'_>) -> Result<()> {
        match call.send(self.gate.as_ref()) {
            Err(Error::Refused {
                errno: Errno::ESRCH,
                ..
            }) => Err(Error::NoDomain { domid }),
            result => result.map(drop),
        }
    }

    fn simple(&self, domid: u32, name: &'static str) -> Result<()> {
        self.send_to(domid, &mut Call::on_domain(&self.abi, name, name, domid)?)
    }

    fn domains_from(&self, first: u32, count: usize) -> Result<Vec<Domain>> {
        let is_old = self.abi.control() == Family::Dom0Op;
        let family = if is_old {
            Family::Dom0Op
        } else {
            Family::Sysctl
        };
        let mut call = Call::new(&self.abi, family, "getdomaininfolist")?;
        let size = self
            .abi
            .domain_element()
            .map_or(0, |layout| usize::from(layout.size));
        call.set("first_domain", u64::from(first))?;
        call.set("max_domains", count as u64)?;
        let buffer = call.point("buffer", vec![0; size * count])?;
        call.send(self.gate.as_ref())?;
        let written = usize::try_from(call.get("num_domains")?).unwrap_or(usize::MAX);
        if written > count {
            return Err(call.broken("more domains than were asked for"));
        }
        let mut domains = Vec::new();
        decode_domains(&self.abi, call.buffer(buffer), written, &mut domains)?;
        Ok(domains)
    }
}
