//! The documents in files of saved domains: shown, changed, and a domain restored with
//! another one.
//!
//! Files are read and written in `store::image`, what a configuration means is in
//! `document`.

use crate::call::Call;
use crate::document;
use crate::store::blocking;
use crate::store::image::{read_head, write_head};
use crate::{DomainKey, Driver, Error, Monitor, Operation, Result, XmlFlags};
use std::path::{Path, PathBuf};
use virtxen_formats::image::{Head, Kind};
use virtxen_guest::Guest;
use virtxen_host::XenVersion;

/// What the files are for.
const SAVE_IMAGE: &str = "save-image";

impl Driver {
    /// The document of a saved domain's file.
    ///
    /// # Errors
    /// It is no such file, or another machine's.
    pub async fn image_xml(&self, file: &Path, secure: bool) -> Result<String> {
        self.check(Operation::SaveImageXml, None)?;
        self.show(file.to_owned(), secure).await
    }

    /// Changes the document in a saved domain's file.
    ///
    /// # Errors
    /// It is no such file; the document is of another domain than the one whose memory
    /// is in it.
    pub async fn define_image(&self, file: &Path, xml: &str) -> Result<()> {
        let call = Call::file(Operation::SaveImageDefine, file);
        self.rewrite(call, file.to_owned(), xml).await
    }

    /// The document of a domain's managed save.
    ///
    /// # Errors
    /// It has none.
    pub async fn managed_save_xml(&self, key: &DomainKey, secure: bool) -> Result<String> {
        let operation = match secure {
            true => Operation::XmlDescSecure,
            false => Operation::XmlDesc,
        };
        let domain = self.readable(operation, key).await?;
        let file = self.managed_file(&domain).await?;
        self.show(file, secure).await
    }

    /// Changes the document of a domain's managed save.
    ///
    /// # Errors
    /// As those of [`Driver::define_image`]; it has none.
    pub async fn define_managed_save(&self, key: &DomainKey, xml: &str) -> Result<()> {
        let (_, domain) = self.inner.look_up(key).await?;
        let file = self.managed_file(&domain).await?;
        let call = Call::domain(Operation::SaveImageDefine, key);
        self.rewrite(call, file, xml).await
    }

    /// As [`Driver::save`], with another document in the file.
    ///
    /// # Errors
    /// As those of [`Driver::save`] and [`Driver::define_image`]. When only the document
    /// is wrong the domain goes on.
    pub async fn save_as(
        &self,
        key: &DomainKey,
        file: &Path,
        xml: &str,
        monitor: &Monitor,
    ) -> Result<()> {
        // What is wrong is said while the domain runs.
        let (wanted, _) = document::parse_guest(xml)?;
        let running = self.guest(key, true).await?;
        same(file, &running, &wanted)?;
        self.save(key, file, monitor).await?;
        self.define_image(file, xml).await
    }

    /// As [`Driver::restore`], with another document than the file's, which stays as it
    /// is.
    ///
    /// # Errors
    /// As those of [`Driver::restore`] and [`Driver::define_image`].
    pub async fn restore_as(&self, file: &Path, xml: &str, monitor: &Monitor) -> Result<()> {
        let call = Call::file(Operation::Restore, file).watched(monitor);
        let (file, xml, version) = (file.to_owned(), xml.to_owned(), self.version());
        self.run(call, async move |work| {
            let mut copy = file.clone().into_os_string();
            copy.push(".changed");
            let copy = PathBuf::from(copy);
            let (to, path) = (copy.clone(), file);
            blocking(SAVE_IMAGE, move || {
                let head = changed(&path, &xml, &version)?;
                write_head(&path, &head, Some(&to))
            })
            .await?;
            let done = work.host.restore(&copy).await;
            // What is left of the copy is in nobody's way.
            let _ = std::fs::remove_file(&copy);
            Ok(done?)
        })
        .await
    }

    async fn managed_file(&self, domain: &crate::Domain) -> Result<PathBuf> {
        match self.inner.managed_save_of(domain).await? {
            Some(file) => Ok(file.path().to_owned()),
            None => Err(Error::Invalid {
                name: domain.name.clone(),
                operation: "managedsave-dumpxml",
                reason: "the domain has no managed save image".to_owned(),
            }),
        }
    }

    async fn show(&self, file: PathBuf, secure: bool) -> Result<String> {
        let version = self.version();
        let guest = blocking(SAVE_IMAGE, move || {
            of_head(&file, &read_head(&file)?, &version)
        })
        .await?;
        let flags = XmlFlags {
            secure,
            ..XmlFlags::default()
        };
        Ok(document::format_guest(guest, flags, &self.version()))
    }

    async fn rewrite(&self, call: Call, file: PathBuf, xml: &str) -> Result<()> {
        let (xml, version) = (xml.to_owned(), self.version());
        self.run(call, async move |_| {
            blocking(SAVE_IMAGE, move || {
                let head = changed(&file, &xml, &version)?;
                write_head(&file, &head, None)
            })
            .await
        })
        .await
    }
}

/// The head of a file with another document.
fn changed(file: &Path, xml: &str, version: &XenVersion) -> Result<Head> {
    let head = read_head(file)?;
    let before = of_head(file, &head, version)?;
    let (mut guest, _) = document::parse_guest(xml)?;
    same(file, &before, &guest)?;
    let text = match head.kind {
        Kind::Xend => {
            document::forget_run(&mut guest);
            document::complete(&mut guest, version);
            document::changed_config(&head.text, &guest, version)?
        }
        Kind::Libvirt(_) => {
            let flags = XmlFlags {
                secure: true,
                ..XmlFlags::default()
            };
            document::format_guest(guest, flags, version)
        }
    };
    Ok(Head { text, ..head })
}

fn of_head(file: &Path, head: &Head, version: &XenVersion) -> Result<Guest> {
    let wrong = |reason: String| Error::Image {
        path: file.to_owned(),
        reason,
    };
    match head.kind {
        Kind::Xend => document::of_config(&head.text, version).map_err(wrong),
        Kind::Libvirt(_) => match document::parse_guest(&head.text) {
            Ok((guest, _)) => Ok(guest),
            Err(error) => Err(wrong(error.to_string())),
        },
    }
}

/// Refuses a document with which the memory cannot go on.
fn same(file: &Path, before: &Guest, wanted: &Guest) -> Result<()> {
    let kinds = |guest: &Guest| (guest.devices.disks.len(), guest.devices.interfaces.len());
    let differs = [
        ("name", before.name != wanted.name),
        ("uuid", wanted.uuid.is_some() && before.uuid != wanted.uuid),
        ("os type", before.os.kind != wanted.os.kind),
        ("memory", before.memory != wanted.memory),
        ("vcpus", before.vcpus.max != wanted.vcpus.max),
        (
            "number of disks and interfaces",
            kinds(before) != kinds(wanted),
        ),
    ];
    match differs.iter().find(|(_, differs)| *differs) {
        None => Ok(()),
        Some((what, _)) => Err(Error::Config(format!(
            "{}: the document has another {what} than the domain whose memory is in the file",
            file.display()
        ))),
    }
}
