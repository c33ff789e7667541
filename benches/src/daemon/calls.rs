//! The calls that are measured, on a daemon with some domains, and how long they take.
//!
//! What the numbers are compared with is in the folder's root.

use super::client::Client;
use super::process::Process;
use super::room::Room;
use crate::measure::Times;
use crate::{Error, Result};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use virtxen_rpc::Domain;
use virtxen_rpc::calls::{
    ConnectGetHostname, ConnectListAllDomains, DomainDefineXML, DomainFlags, DomainGetInfo,
    DomainGetState, DomainGetXMLDesc, DomainLookupByID, DomainLookupByName, ListAll,
};

/// A daemon in some state, and a client.
pub(super) struct Scene<'a> {
    room: &'a Room,
    client: Client,
    process: Process,
    zero: Domain,
    defined: Vec<Domain>,
}

/// A call by name.
pub(super) struct NamedCall {
    pub(super) name: &'static str,
    make: fn(&mut Scene<'_>) -> Result<()>,
}

/// How long a call took, and what it cost the daemon.
pub(super) struct Measured {
    pub(super) median: Duration,
    pub(super) cpu: Duration,
}

pub(super) static LIST_ALL: NamedCall = NamedCall {
    name: "list",
    make: |scene| {
        let all = ListAll {
            need_results: 1,
            flags: 0,
        };
        scene.client.call::<ConnectListAllDomains>(&all).map(drop)
    },
};

/// What is asked besides, of Domain-0, which runs, and of a guest that does not.
pub(super) static CALLS: &[NamedCall] = &[
    NamedCall {
        name: "hostname",
        make: |scene| scene.client.call::<ConnectGetHostname>(&()).map(drop),
    },
    NamedCall {
        name: "look-up by name",
        make: |scene| {
            let name = scene.some().name;
            scene.client.call::<DomainLookupByName>(&name).map(drop)
        },
    },
    NamedCall {
        name: "state, inactive",
        make: |scene| {
            let dom = scene.some();
            let arguments = DomainFlags { dom, flags: 0 };
            scene.client.call::<DomainGetState>(&arguments).map(drop)
        },
    },
    NamedCall {
        name: "info, inactive",
        make: |scene| {
            let dom = scene.some();
            scene.client.call::<DomainGetInfo>(&dom).map(drop)
        },
    },
    NamedCall {
        name: "XMLDesc, inactive",
        make: |scene| {
            let dom = scene.some();
            let arguments = DomainFlags { dom, flags: 0 };
            scene.client.call::<DomainGetXMLDesc>(&arguments).map(drop)
        },
    },
    NamedCall {
        name: "info, running",
        make: |scene| {
            let dom = scene.zero.clone();
            scene.client.call::<DomainGetInfo>(&dom).map(drop)
        },
    },
    NamedCall {
        name: "XMLDesc, running",
        make: |scene| {
            let dom = scene.zero.clone();
            let arguments = DomainFlags { dom, flags: 0 };
            scene.client.call::<DomainGetXMLDesc>(&arguments).map(drop)
        },
    },
    NamedCall {
        name: "defineXML again",
        make: |scene| scene.define(0).map(drop),
    },
];

impl<'a> Scene<'a> {
    /// A daemon that has just been started, without defined domains.
    pub(super) fn new(room: &'a Room) -> Result<Self> {
        let (mut client, process) = room.open()?;
        let zero = client.call::<DomainLookupByID>(&0)?;
        Ok(Self {
            room,
            client,
            process,
            zero,
            defined: Vec::new(),
        })
    }

    /// Resident memory, MB.
    pub(super) fn resident(&mut self) -> Result<f64> {
        Ok(self.process.resident()? as f64 / 1024.0)
    }

    pub(super) fn threads(&mut self) -> Result<f64> {
        Ok(self.process.threads()? as f64)
    }

    /// Makes a call for so long.
    pub(super) fn repeat(&mut self, call: &NamedCall, span: Duration) -> Result<Measured> {
        (call.make)(self)?;
        self.measure(|scene, count, begin| {
            let wanted = count < 3 || begin.elapsed() < span;
            wanted.then(|| (call.make)(scene))
        })
    }

    /// Defines new domains until there are so many.
    pub(super) fn define_up_to(&mut self, wanted: usize) -> Result<Measured> {
        self.measure(|scene, _, _| {
            let number = scene.defined.len();
            (number < wanted).then(|| {
                let domain = scene.define(number)?;
                scene.defined.push(domain);
                Ok(())
            })
        })
    }

    /// Calls in a second of so many clients, each of which asks one thing after the
    /// other.
    pub(super) fn rate(&mut self, clients: usize, span: Duration) -> Result<f64> {
        let (count, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
        let dom = self.some();
        let mut connections = Vec::new();
        for _ in 0..clients {
            connections.push(Client::open(&self.room.socket())?);
        }
        let begin = Instant::now();
        let done: Result<Vec<()>> = std::thread::scope(|scope| {
            let ask = |mut client: Client| {
                while !is_over.load(Ordering::Relaxed) {
                    client.call::<DomainGetInfo>(&dom)?;
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            };
            let threads: Vec<_> = connections
                .into_iter()
                .map(|client| scope.spawn(move || ask(client)))
                .collect();
            std::thread::sleep(span);
            is_over.store(true, Ordering::Relaxed);
            let broken = |_| Error::Document {
                name: "bench".to_owned(),
                reason: "a client broke".to_owned(),
            };
            let results = threads.into_iter();
            results
                .map(|thread| thread.join().map_err(broken)?)
                .collect()
        });
        done?;
        Ok(count.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64())
    }

    fn measure(
        &mut self,
        mut once: impl FnMut(&mut Self, usize, Instant) -> Option<Result<()>>,
    ) -> Result<Measured> {
        let (before, begin) = (self.process.cpu()?, Instant::now());
        let mut times = Vec::new();
        loop {
            let start = Instant::now();
            match once(self, times.len(), begin) {
                Some(done) => done?,
                None => break,
            }
            times.push(start.elapsed());
        }
        let count = u32::try_from(times.len().max(1)).unwrap_or(u32::MAX);
        Ok(Measured {
            cpu: self.process.cpu()?.saturating_sub(before) / count,
            median: Times::new(times).median(),
        })
    }

    /// A domain that is defined.
    fn some(&self) -> Domain {
        let middle = self.defined.get(self.defined.len() / 2);
        middle.unwrap_or(&self.zero).clone()
    }

    fn define(&mut self, number: usize) -> Result<Domain> {
        self.client.call::<DomainDefineXML>(&document(number))
    }
}

/// What libvirtd does with the file of a definition, and nothing else, on the disk of a room:
/// below this no daemon gets that keeps what it acknowledges.
pub(super) fn files_alone(room: &Room, count: usize) -> Result<Measured> {
    let folder = tempfile::tempdir_in(room.folder());
    let folder = folder.map_err(|error| Error::file(room.folder(), &error))?;
    let process = Process::own();
    let (before, mut times) = (process.cpu()?, Vec::new());
    for number in 0..count {
        let path = folder.path().join(format!("guest-{number:05}.xml"));
        let new = path.with_extension("xml.new");
        let text = document(number);
        let start = Instant::now();
        let written = File::create(&new)
            .and_then(|mut file| file.write_all(text.as_bytes()).and(file.sync_all()))
            .and_then(|()| std::fs::rename(&new, &path));
        written.map_err(|error| Error::file(&path, &error))?;
        times.push(start.elapsed());
    }
    let count = u32::try_from(count.max(1)).unwrap_or(u32::MAX);
    Ok(Measured {
        cpu: process.cpu()?.saturating_sub(before) / count,
        median: Times::new(times).median(),
    })
}

/// A guest as people define it: a disk or two, a network card, a console, a screen.
fn document(number: usize) -> String {
    let mut text = String::new();
    let _ = write!(
        text,
        "<domain type='xen'><name>guest-{number:05}</name>\
         <uuid>5eed0000-0000-4000-8000-0000000{number:05x}</uuid>\
         <memory unit='MiB'>512</memory><vcpu>2</vcpu>\
         <os><type>linux</type><kernel>/boot/vmlinuz</kernel><cmdline>root=/dev/xvda</cmdline></os>\
         <on_reboot>restart</on_reboot><devices>\
         <disk type='block' device='disk'><source dev='/dev/vg/guest-{number}'/>\
         <target dev='xvda' bus='xen'/></disk>\
         <disk type='file' device='disk'><source file='/srv/guest-{number}.img'/>\
         <target dev='xvdb' bus='xen'/></disk>\
         <interface type='bridge'><mac address='00:16:3e:00:{:02x}:{:02x}'/>\
         <source bridge='xenbr0'/></interface><console type='pty'/>\
         <graphics type='vnc' autoport='yes'/></devices></domain>",
        (number >> 8) & 255,
        number & 255
    );
    text
}
