//! Domains and documents: the XML of a domain, create and define from XML,
//! conversions of native configurations.
//!
//! Reading and writing documents is in `document`.

use crate::call::{Call, Work};
use crate::document;
use crate::events::EventKind;
use crate::{Domain, DomainKey, Driver, Error, Operation, Result};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use virtxen_formats::Note;
use virtxen_formats::capabilities::Arch;
use virtxen_guest::{Guest, OsType, Problem, Uuid};

/// Which XML of a domain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct XmlFlags {
    /// As it will be at its next start, not as it runs.
    pub inactive: bool,
    /// With passwords. Needs the permission `domain.read-secure`.
    pub secure: bool,
    /// Fit for another host: as it is defined, with passwords.
    pub migratable: bool,
}

/// How a document is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DefineFlags {
    /// What is unknown is an error, not a warning.
    pub strict: bool,
}

/// How a domain is created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CreateFlags {
    /// Its vcpus do not run yet.
    pub paused: bool,
    /// What is unknown in the document is an error, not a warning.
    pub strict: bool,
}

/// A domain that came from a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// The domain.
    pub domain: Domain,
    /// What of the document was not understood or has no effect.
    pub warnings: Vec<Problem>,
}

/// A converted configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// The text in the other language.
    pub text: String,
    /// What of the source was not understood or the other language cannot carry.
    pub warnings: Vec<Problem>,
}

/// A native configuration language, by libvirt's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NativeFormat {
    /// `xen-sxpr`: XenD's S-expressions.
    Sxpr,
    /// `xen-xm`: files of xm.
    Xm,
    /// `xen-xl`: files of xl.
    Xl,
    /// `xen-libxl`: libxl's configurations in JSON, which libvirt has no name for.
    Libxl,
}

impl FromStr for NativeFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "xen-sxpr" => Ok(Self::Sxpr),
            "xen-xm" => Ok(Self::Xm),
            "xen-xl" => Ok(Self::Xl),
            "xen-libxl" => Ok(Self::Libxl),
            _ => Err(Error::Argument(format!(
                "unknown configuration format '{text}': xen-xm, xen-xl, xen-libxl and xen-sxpr are known"
            ))),
        }
    }
}

impl fmt::Display for NativeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sxpr => f.pad("xen-sxpr"),
            Self::Xm => f.pad("xen-xm"),
            Self::Xl => f.pad("xen-xl"),
            Self::Libxl => f.pad("xen-libxl"),
        }
    }
}

/// A document that was taken.
struct Taken {
    /// What it says.
    guest: Guest,
    /// What the host is told of it.
    told: Guest,
    warnings: Vec<Problem>,
    uuid: Uuid,
}

impl Driver {
    /// A domain as libvirt's XML.
    ///
    /// # Errors
    /// No such domain; what the host says cannot be understood.
    pub async fn xml_desc(&self, key: &DomainKey, flags: XmlFlags) -> Result<String> {
        let secure = flags.secure || flags.migratable;
        let flags = XmlFlags { secure, ..flags };
        let operation = Self::reads(secure);
        let domain = self.readable(operation, key).await?;
        let defined = flags.inactive && domain.persistent == Some(true);
        let inner = &self.inner;
        inner.document_of(operation, domain, defined, flags).await
    }

    /// A domain as a guest, with or without passwords.
    ///
    /// # Errors
    /// No such domain; what the host says cannot be understood.
    pub async fn guest(&self, key: &DomainKey, secure: bool) -> Result<Guest> {
        let guest = self.guest_of(key, secure, false).await?;
        Ok(Arc::unwrap_or_clone(guest))
    }

    /// As [`Driver::guest`], but as the domain is defined, if it is.
    ///
    /// # Errors
    /// No such domain; what the host says cannot be understood.
    pub async fn defined_guest(&self, key: &DomainKey, secure: bool) -> Result<Guest> {
        let guest = self.guest_of(key, secure, true).await?;
        Ok(Arc::unwrap_or_clone(guest))
    }

    /// As [`Driver::guest`]; with `inactive` as it is defined, if it is.
    pub(super) async fn guest_of(
        &self,
        key: &DomainKey,
        secure: bool,
        inactive: bool,
    ) -> Result<Arc<Guest>> {
        let operation = Self::reads(secure);
        let domain = self.readable(operation, key).await?;
        let defined = inactive && domain.persistent == Some(true);
        self.inner.guest_of(operation, domain, defined).await
    }

    const fn reads(secure: bool) -> Operation {
        match secure {
            true => Operation::XmlDescSecure,
            false => Operation::XmlDesc,
        }
    }

    /// What there is to say of a domain beside its document: what the toolstack keeps of
    /// a running one that others have started and libvirt's XML has no words for.
    ///
    /// # Errors
    /// No such domain; what the host says cannot be understood.
    pub async fn messages(&self, key: &DomainKey) -> Result<Vec<String>> {
        let domain = self.readable(Operation::XmlDesc, key).await?;
        if !domain.is_active() {
            return Ok(Vec::new());
        }
        let answer = self.inner.host.unsaid(&domain.name);
        let notes = self.read(Operation::XmlDesc, &domain.name, answer).await?;
        Ok(notes.iter().map(Note::to_string).collect())
    }

    /// Starts a domain that is gone when it ends. A defined domain of the same name
    /// and uuid is started with this configuration.
    ///
    /// # Errors
    /// The document is wrong; name or uuid belong to another domain; the domain is
    /// active; the host cannot start it.
    pub async fn create_xml(&self, xml: &str, flags: CreateFlags) -> Result<Accepted> {
        let taken = self.accept(xml, flags.strict, Operation::Create).await?;
        let (guest, warnings, uuid) = (taken.guest, taken.warnings, taken.uuid);
        let told = taken.told;
        let call = Call::new_domain(Operation::Create, &guest.name, uuid);
        let paused = flags.paused;
        let inner = Arc::clone(&self.inner);
        let domain = self
            .run(call, async move |work: Work| {
                if let Some(before) = work.before.filter(Domain::is_active) {
                    return Err(Error::State {
                        name: before.name,
                        operation: Operation::Create.verb(),
                        state: before.state,
                        needed: "shut off",
                    });
                }
                let mut domain = Domain::from(work.host.create(&told, paused).await?);
                domain.persistent = domain.persistent.or(Some(false));
                inner.keep_run(&domain, guest).await?;
                Ok(domain)
            })
            .await?;
        Ok(Accepted { domain, warnings })
    }

    /// Adds a domain to the host's defined ones, or replaces the one with its name
    /// and uuid. Without a uuid one is generated.
    ///
    /// # Errors
    /// The document is wrong; name or uuid belong to another domain; the host has no
    /// place for inactive domains.
    pub async fn define_xml(&self, xml: &str, flags: DefineFlags) -> Result<Accepted> {
        let taken = self.accept(xml, flags.strict, Operation::Define).await?;
        let (guest, warnings, uuid) = (taken.guest, taken.warnings, taken.uuid);
        let told = taken.told;
        let call = Call::new_domain(Operation::Define, &guest.name, uuid);
        let inner = Arc::clone(&self.inner);
        let (domain, updated) = self
            .run(call, async move |work: Work| {
                inner.part_run(work.before.as_ref()).await?;
                work.host.define(&told).await?;
                inner.keep_definition(uuid, guest.clone()).await?;
                let mut domain = Domain::from(work.host.domain(&guest.name).await?);
                domain.persistent = Some(true);
                Ok((domain, work.before.is_some()))
            })
            .await?;
        // Where definitions are files the host tells of each change of one.
        if updated && !self.inner.host.keeps_config_apart() {
            self.inner
                .registry
                .report(&domain, EventKind::DefinedUpdated);
        }
        Ok(Accepted { domain, warnings })
    }

    /// libvirt's XML of a native configuration of this host's release.
    ///
    /// # Errors
    /// The text cannot be read.
    pub async fn xml_from_native(&self, format: NativeFormat, text: &str) -> Result<Converted> {
        self.check(Operation::FromNative, None)?;
        document::from_native(format, text, &self.version())
    }

    /// The native configuration of libvirt's XML.
    ///
    /// # Errors
    /// The document is wrong, or the language cannot carry something essential.
    pub async fn xml_to_native(&self, format: NativeFormat, xml: &str) -> Result<Converted> {
        self.check(Operation::ToNative, None)?;
        document::to_native(format, xml, &self.version())
    }

    /// Reads a document, asks the host what of it is lost, completes it: defaults,
    /// uuid.
    async fn accept(&self, xml: &str, strict: bool, operation: Operation) -> Result<Taken> {
        let (mut guest, warnings) = document::parse_guest(xml)?;
        let warnings = document::settled(warnings, &self.version())?;
        self.runs(&guest).await?;
        let host = &self.inner.host;
        // A document that is kept as it is has its networks when it is started.
        let is_kept = operation == Operation::Define && host.keeps_documents();
        let bridged = match is_kept {
            true => guest.clone(),
            false => self.on_bridges(&guest).await?,
        };
        let losses = match operation {
            Operation::Define => host.definition_losses(&bridged).await?,
            _ => host.losses(&bridged).await?,
        };
        let losses = match self.inner.store.is_there() {
            true => losses.into_iter().filter(has_effect).collect(),
            false => losses,
        };
        let warnings = document::tolerable(xml, warnings, losses, strict)?;
        document::forget_run(&mut guest);
        document::complete(&mut guest, &self.version());
        let uuid = *guest.uuid.get_or_insert_with(Uuid::random);
        let mut told = guest.clone();
        let interfaces = told.devices.interfaces.iter_mut();
        for (interface, bridged) in interfaces.zip(bridged.devices.interfaces) {
            interface.source = bridged.source;
        }
        Ok(Taken {
            guest,
            told,
            warnings,
            uuid,
        })
    }

    /// A host that does not say what it runs is believed to run it.
    async fn runs(&self, guest: &Guest) -> Result<()> {
        if guest.os.kind != OsType::Hvm && guest.os.arch.is_none() {
            return Ok(());
        }
        let types = self.inner.host.guest_types().await?;
        if types.is_empty() {
            return Ok(());
        }
        if let Some(arch) = &guest.os.arch {
            runs_arch(arch, &types)?;
        }
        if guest.os.kind != OsType::Hvm || types.iter().any(|name| name.starts_with("hvm-")) {
            return Ok(());
        }
        Err(Error::GuestType("hvm"))
    }
}

/// Whether one of the host's guest types, as `xen-3.0-x86_32p`, is of an architecture.
fn runs_arch(arch: &str, types: &[String]) -> Result<()> {
    let of = |name: &String| Arch::from_name(name.rsplit('-').next()?.trim_end_matches(['p', 'b']));
    let known: BTreeSet<&str> = types.iter().filter_map(of).map(Arch::name).collect();
    let wanted = Arch::from_name(arch);
    if known.is_empty() || wanted.is_some_and(|arch| known.contains(arch.name())) {
        return Ok(());
    }
    Err(Error::Arch {
        arch: arch.to_owned(),
        known: known.into_iter().collect::<Vec<_>>().join(", "),
    })
}

/// Whether something that the host loses is more than a word for people and programs,
/// which is kept beside it.
fn has_effect(note: &Note) -> bool {
    const WORDS: [&str; 3] = ["title", "description", "metadata"];
    let element = note.path.strip_prefix("/domain/").unwrap_or_default();
    !WORDS.contains(&element.split(['/', '[']).next().unwrap_or_default())
}
