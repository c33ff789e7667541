//! Inactive domains on their route: XenD keeps them from Xen 3.0.4 on, before that
//! they are files of xm, without XenD libvirt's documents.
//!
//! What a file says and how it is changed is in `guest_files`.

use super::XenHost;
use crate::channels::Channel;
use crate::guest_files::{Defined, GuestFiles, Guests, Language};
use crate::{ConfigChange, DomainInfo, Error, Host, Result, Trace, VcpuInfo, XenVersion, XendHost};
use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use virtxen_formats::{Note, xm::Dialect};
use virtxen_guest::{Device, DomId, Guest, Uuid};

/// First release whose XenD keeps inactive domains.
const KEPT_BY_XEND: (u32, u32, u32) = (3, 0, 4);

/// Whether XenD of this release keeps inactive domains.
pub(super) fn kept_by_xend(version: &XenVersion) -> bool {
    let patch = version.extra.trim_start_matches('.');
    let digits = patch.split(|c: char| !c.is_ascii_digit()).next();
    let patch = digits.and_then(|digits| digits.parse().ok()).unwrap_or(0);
    (version.major, version.minor, patch) >= KEPT_BY_XEND
}

/// First release that is meant to be used without XenD.
const WITHOUT_XEND: (u32, u32) = (4, 2);

/// The folders of this host's files that can be inactive domains.
pub(super) struct Folders {
    /// Of xm's configurations.
    pub(super) xm: Channel<PathBuf>,
    /// Of libvirt's documents.
    pub(super) documents: Channel<PathBuf>,
}

/// The files that are inactive domains of this release, or why none are.
pub(super) fn files(
    folders: Folders,
    version: &XenVersion,
    has_xend: bool,
    trace: Option<&Trace>,
) -> Channel<GuestFiles> {
    let release = (version.major, version.minor);
    let (folder, language) = if *version == XenVersion::UNKNOWN {
        return Err("nobody tells which release of Xen this is".to_owned());
    } else if !kept_by_xend(version) {
        let format = version.config_format();
        let dialect = Dialect::of_release(format, version.major, version.minor);
        (folders.xm, Language::Xm(dialect))
    } else if has_xend {
        return Err("XenD keeps them".to_owned());
    } else if release < WITHOUT_XEND {
        return Err("XenD keeps them, which is not there".to_owned());
    } else {
        (folders.documents, Language::Document)
    };
    folder.map(|folder| GuestFiles::new(folder, language, trace))
}

impl XenHost {
    /// The files, if the operation is about inactive domains that are files.
    pub(super) fn guest_files(&self) -> Option<&GuestFiles> {
        self.guest_files.as_ref().ok()
    }

    /// Whether the files are libvirt's documents.
    pub(super) fn has_documents(&self) -> bool {
        let language = self.guest_files().map(GuestFiles::language);
        language == Some(Language::Document)
    }

    /// Reads the files that are there when the host is opened.
    pub(super) async fn glance_at_files(&self) {
        if let Some(files) = self.guest_files() {
            // What cannot be read is told by whoever needs it.
            let _ = files.glance().await;
        }
    }

    /// Says of active domains which of them have a file.
    pub(super) async fn mark_defined(&self, domains: &mut [DomainInfo]) {
        let Some(files) = self.guest_files() else {
            return;
        };
        // A folder that cannot be read tells nothing.
        let guests = files.glance().await;
        for domain in domains {
            domain.persistent = match &guests {
                // Domain-0 outlives everything.
                _ if domain.uuid == Uuid::ZERO => Some(true),
                Some(guests) => Some(guests.knows(&domain.name, domain.uuid)),
                None => None,
            };
        }
    }

    /// The active domains, then those files that are not active, by name.
    pub(super) async fn with_files(&self, mut active: Vec<DomainInfo>) -> Result<Vec<DomainInfo>> {
        let Some(files) = self.guest_files() else {
            return Ok(active);
        };
        let guests = files.look().await?;
        let inactive: Vec<DomainInfo> = inactive(&guests, &active)
            .map(|defined| defined.info())
            .collect();
        active.extend(inactive);
        Ok(active)
    }

    /// The active domains, then those files of this name or uuid that are not active.
    pub(super) async fn namesakes_in_files(
        &self,
        files: &GuestFiles,
        name: &str,
        uuid: Uuid,
    ) -> Result<Vec<DomainInfo>> {
        let mut domains = self.active().await?;
        let guests = files.look().await?;
        let named = guests.by_name.get(name).cloned();
        let same = guests.of_uuid(uuid);
        let same = same.filter(|same| named.as_ref().is_none_or(|named| !Arc::ptr_eq(named, same)));
        let found = named.into_iter().chain(same);
        let found: Vec<_> = found.filter(|it| !is_active(it, &domains)).collect();
        domains.extend(found.iter().map(|it| it.info()));
        Ok(domains)
    }

    /// The guest of a name that is in a file and not active.
    pub(super) async fn in_file(&self, name: &str) -> Result<Option<Arc<Defined>>> {
        let Some(files) = self.guest_files() else {
            return Ok(None);
        };
        let guests = files.look().await?;
        let Some(defined) = guests.by_name.get(name) else {
            return Ok(None);
        };
        let active = self.active().await?;
        Ok((!is_active(defined, &active)).then(|| Arc::clone(defined)))
    }

    /// The domain of a name, active or in a file.
    pub(super) async fn active_or_in_file(&self, name: &str) -> Result<Option<DomainInfo>> {
        let mut active = self.active_of(name).await?;
        if active.is_empty() {
            // Only this name was asked for; it may be a file's that runs as another.
            active = self.active().await?;
        }
        if let Some(found) = active.iter().position(|domain| domain.name == name) {
            return Ok(Some(active.swap_remove(found)));
        }
        let Some(files) = self.guest_files() else {
            return Ok(None);
        };
        let defined = files.defined(name).await?;
        let defined = defined.filter(|defined| !is_active(defined, &active));
        Ok(defined.map(|defined| defined.info()))
    }

    /// The guest of a name that is in a file, active or not.
    pub(super) async fn file_of(
        &self,
        name: &str,
        operation: &'static str,
    ) -> Result<Arc<Defined>> {
        let files = self
            .guest_files()
            .ok_or_else(|| nowhere(operation, &self.guest_files))?;
        if let Some(defined) = files.defined(name).await? {
            return Ok(defined);
        }
        match self.active_domain(name).await? {
            Some(domain) => match files.last().of_uuid(domain.uuid) {
                Some(defined) => Ok(defined),
                None => Err(Error::State {
                    name: name.to_owned(),
                    operation,
                    state: "transient".to_owned(),
                    needed: "defined",
                }),
            },
            None => Err(super::no_domain(name)),
        }
    }

    /// Changes the file of a guest that is not active, else the domain.
    pub(super) async fn configure(&self, name: &str, change: ConfigChange) -> Result<()> {
        match (self.in_file(name).await?, self.guest_files()) {
            (Some(_), Some(files)) => {
                self.keeps(&change)?;
                files.change(name, &change).await
            }
            _ => self.change_active(name, change).await,
        }
    }

    /// XenD for what guests in files do not have while they are not active.
    pub(super) async fn xend_of_active(
        &self,
        name: &str,
        operation: &'static str,
    ) -> Result<&XendHost> {
        self.not_in_file(name, operation).await?;
        self.xend(operation).await
    }

    /// Refuses what guests in files do not have while they are not active.
    pub(super) async fn not_in_file(&self, name: &str, operation: &'static str) -> Result<()> {
        match self.in_file(name).await? {
            None => Ok(()),
            Some(_) => Err(Error::State {
                name: name.to_owned(),
                operation,
                state: "not active".to_owned(),
                needed: "active",
            }),
        }
    }

    /// Starts the guest of a file.
    pub(super) async fn start_file(&self, defined: &Defined, paused: bool) -> Result<()> {
        self.build(&defined.guest, paused).await.map(drop)
    }

    /// Whether the guest of a file is started with the host.
    pub(super) async fn starts_file(&self, files: &GuestFiles, name: &str) -> Result<bool> {
        match self.file_of(name, "autostart").await {
            Ok(defined) => files.autostart(&defined.guest.name).await,
            // A domain that is in no file is not started again.
            Err(Error::State { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The guest as it is now; for an inactive domain as it is defined.
    pub(super) async fn read_guest(&self, name: &str) -> Result<Guest> {
        if let Some(defined) = self.in_file(name).await? {
            return Ok(defined.guest.clone());
        }
        if let Ok(libxl) = &self.libxl {
            let domain = self.running(libxl, name, "dumpxml").await?;
            // Of Domain-0 there is no configuration.
            if domain.number() != DomId(0) {
                return domain.guest().await;
            }
        }
        match self.guest_without_toolstack(name).await? {
            Some(guest) => Ok(guest),
            None => self.xend("dumpxml").await?.guest(name).await,
        }
    }

    /// What is known of a running guest where no toolstack can be asked: what it is
    /// defined as, if it is, with its number and what the hypervisor says of its size.
    async fn guest_without_toolstack(&self, name: &str) -> Result<Option<Guest>> {
        let (false, Some(files)) = (self.has_xend(), self.guest_files()) else {
            return Ok(None);
        };
        let guests = files.look().await?;
        let Some(domain) = self.active_domain(name).await? else {
            return Ok(None);
        };
        let defined = guests.of_uuid(domain.uuid);
        let defined = defined.or_else(|| guests.by_name.get(name).cloned());
        let guest = match defined {
            Some(defined) => defined.guest.clone(),
            None => undefined(&domain),
        };
        Ok(Some(Guest {
            id: domain.domid,
            name: domain.name,
            uuid: Some(domain.uuid),
            memory: domain.max_memory,
            current_memory: Some(domain.memory),
            ..guest
        }))
    }

    /// Vcpus of a guest that is not active.
    pub(super) async fn vcpus_in_file(&self, defined: &Defined) -> Result<Vec<VcpuInfo>> {
        let cpus = self.node().await?.topology.cpus;
        Ok(defined.vcpus(cpus))
    }

    /// What the toolstack, which is to have it, does not carry of a device.
    pub(super) async fn losses_of_device(&self, device: &Device, hvm: bool) -> Result<Vec<Note>> {
        if let Ok(libxl) = &self.libxl {
            return libxl.device_losses(device, hvm);
        }
        if self.has_documents() {
            return Ok(Vec::new());
        }
        let xend = self.xend("attach-device").await?;
        xend.device_losses(device, hvm).await
    }

    /// What neither a file nor XenD, which is to start it, carry of a guest.
    pub(super) async fn losses_in_file(&self, guest: &Guest) -> Result<Vec<Note>> {
        let mut notes = match self.has_xend() {
            true => self.losses(guest).await?,
            // What the toolstack does not carry is said when it is to start the guest.
            false => Vec::new(),
        };
        if let Some(files) = self.guest_files() {
            let known: HashSet<String> = notes.iter().map(|note| note.path.clone()).collect();
            let mut more = files.losses(guest)?;
            more.retain(|note| !known.contains(&note.path));
            notes.extend(more);
        }
        Ok(notes)
    }
}

/// A domain that somebody else started, or Domain-0: its kind and its vcpus are known.
fn undefined(domain: &DomainInfo) -> Guest {
    let mut guest = Guest::new(domain.name.as_str());
    guest.os.kind = domain.kind;
    guest.vcpus.max = domain.max_vcpus;
    guest.vcpus.current = (domain.vcpus < domain.max_vcpus).then_some(domain.vcpus);
    guest
}

/// Why nothing keeps inactive domains.
pub(super) fn nowhere(operation: &'static str, files: &Channel<GuestFiles>) -> Error {
    let why = files.as_ref().err().map_or("", String::as_str);
    Error::Unsupported {
        operation,
        reason: format!("inactive guests have no place here: {why}"),
    }
}

/// Whether an active domain is the guest of a file.
fn is_active(defined: &Defined, active: &[DomainInfo]) -> bool {
    let Guest { name, uuid, .. } = &defined.guest;
    let mut active = active.iter();
    active.any(|domain| domain.name == *name || Some(domain.uuid) == *uuid)
}

/// The guests of the files that no active domain is.
fn inactive<'a>(
    guests: &'a Guests,
    active: &'a [DomainInfo],
) -> impl Iterator<Item = &'a Arc<Defined>> {
    // Small where many guests are looked up in them, so no hashing.
    let names: BTreeSet<&str> = active.iter().map(|domain| domain.name.as_str()).collect();
    let uuids: BTreeSet<Uuid> = active.iter().map(|domain| domain.uuid).collect();
    guests.by_name.values().filter(move |defined| {
        let uuid = defined.guest.uuid;
        !names.contains(defined.guest.name.as_str())
            && !uuid.is_some_and(|uuid| uuids.contains(&uuid))
    })
}
