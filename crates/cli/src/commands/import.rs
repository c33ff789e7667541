//! `import`: guests that others have made become defined: domains that xl started, as
//! the toolstack keeps them, and files of xl, xm, XenD and libxl.
//!
//! What the languages are is in `language`, what defining means is the driver's.

use super::language::{self, Language, Release, WORDS};
use super::{Command, Group};
use crate::connect::Session;
use crate::document;
use crate::error::{Context, Error, Result};
use crate::exit::Exit;
use crate::json;
use crate::options::{Args, Kind, flag, named, repeated};
use crate::output::Reply;
use serde_json::{Value, json};
use virtxen_driver::{
    Connection, DefineFlags, Domain, DomainKey, ListFilter, XmlFlags, read_guest,
};
use virtxen_guest::{FormatOptions, Guest, Uuid, format_guest};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "import",
    group: Group::Documents,
    summary: "take over domains that xl started, or files of xl: they become defined",
    about: "A running domain gets the definition that it runs with, and keeps its name and \
            UUID; it goes on running as it is, and 'undefine' takes nothing from it but the \
            definition. Until its next start the process of xl sees to its reboot and its end. \
            What of a configuration libvirt's XML has no words for is a warning, with --strict \
            an error. Nothing that is defined already is changed. With several, each is \
            reported; one that cannot be imported does not stop the others.",
    options: &[
        repeated(
            "source",
            Kind::Domain,
            "running domains: name, number or UUID; with --file files, - for standard input",
        ),
        flag("all", "every running domain that is not defined"),
        flag(
            "file",
            "what is named are files, of guests that need not run",
        ),
        named(
            "from",
            Kind::Word(WORDS),
            "language of the files (default: what the text is)",
        ),
        flag(
            "print",
            "print the XML that would be defined, change nothing",
        ),
    ],
    run: |session, args| Box::pin(import(session, args)),
}];

/// The first release whose files of names are xl's if nothing else shows: XenD and xm
/// are gone.
const FILES_OF_XL: (u32, u32) = (4, 5);

/// How guests are imported.
struct Import<'a> {
    session: &'a Session,
    driver: &'a dyn Connection,
    print: bool,
}

/// What came of one guest.
struct Imported {
    text: String,
    note: String,
    json: Value,
}

async fn import(session: &Session, args: &Args) -> Result<Reply> {
    args.exclusive("all", "file")?;
    args.exclusive("all", "source")?;
    let named: Vec<&str> = args.all("source").collect();
    if named.is_empty() && !args.flag("all") {
        let reason = "name the domains to import, or say --all";
        return Err(Error::usage(reason));
    }
    if args.flag("from") && !args.flag("file") {
        return Err(Error::usage("--from is about files: say --file"));
    }
    let import = Import {
        session,
        driver: session.driver().await?,
        print: args.flag("print"),
    };
    let mut report = Report::default();
    if args.flag("file") {
        let from = args.text("from").and_then(Language::from_word);
        for file in named {
            match import.guests_of(file, from) {
                Ok(guests) => {
                    for guest in guests {
                        report.add(file, import.file(file, guest).await);
                    }
                }
                Err(error) => report.add(file, Err(error)),
            }
        }
    } else if args.flag("all") {
        for domain in import.transient().await? {
            report.add(&domain.name, import.running(&domain).await);
        }
    } else {
        for name in named {
            let found = session.find(name).await;
            let imported = match found {
                Ok(domain) => import.running(&domain).await,
                Err(error) => Err(error),
            };
            report.add(name, imported);
        }
    }
    report.finish(session)
}

impl Import<'_> {
    /// The running domains that are not defined.
    async fn transient(&self) -> Result<Vec<Domain>> {
        let all = self.driver.list(&ListFilter::default()).await;
        let mut domains = all.context(|| "Failed to list domains".to_owned())?;
        domains.retain(|it| it.is_active() && it.persistent != Some(true) && !it.is_domain0());
        Ok(domains)
    }

    async fn running(&self, domain: &Domain) -> Result<Imported> {
        let name = &domain.name;
        let failed = || format!("Failed to import domain '{name}'");
        self.importable(domain).await.context(failed)?;
        let key = DomainKey::from(domain);
        let xml = self.driver.xml_desc(&key, XML).await.context(failed)?;
        let lost = match self.driver.messages(&key).await {
            Ok(lost) => lost,
            // libvirtd before 7.1 has no messages.
            Err(error) => vec![format!("nobody tells what of it XML cannot say: {error}")],
        };
        self.tell(name, &lost).context(failed)?;
        self.define(name, &xml, lost).await.context(failed)
    }

    /// Whether a domain runs and is not defined.
    async fn importable(&self, domain: &Domain) -> Result<()> {
        if domain.is_domain0() {
            return Err(Error::Failed("it is the host itself".to_owned()));
        }
        if !domain.is_active() {
            return Err(Error::Failed("it is defined already".to_owned()));
        }
        if domain.persistent != Some(true) {
            return Ok(());
        }
        let xml = self.driver.xml_desc(&DomainKey::from(domain), XML).await?;
        let (defined, _) = read_guest(&xml, false)?;
        Err(Error::Failed(why_not(domain, &defined)))
    }

    /// The guests of a file, which say of themselves nothing of a run.
    fn guests_of(&self, file: &str, from: Option<Language>) -> Result<Vec<Guest>> {
        let failed = || format!("Failed to import {file}");
        let text = document::read(file).context(failed)?;
        let version = self.driver.version();
        let has_xl = (version.major, version.minor) >= FILES_OF_XL;
        let language = from.unwrap_or_else(|| match Language::of(file, &text) {
            Language::Xm if has_xl => Language::Xl,
            language => language,
        });
        let release = Release::read(None)?;
        language::read(self.session, file, &text, Some(language), &release).context(failed)
    }

    async fn file(&self, file: &str, guest: Guest) -> Result<Imported> {
        let name = &guest.name;
        let failed = || format!("Failed to import '{name}' from {file}");
        self.is_free(&guest).await.context(failed)?;
        let xml = format_guest(&guest, &WRITTEN);
        self.define(name, &xml, Vec::new()).await.context(failed)
    }

    /// Whether neither name nor uuid of a guest are known here.
    async fn is_free(&self, guest: &Guest) -> Result<()> {
        let uuid = guest.uuid.map(DomainKey::Uuid);
        for key in [Some(DomainKey::Name(guest.name.clone())), uuid] {
            let Some(key) = key else { continue };
            let found = match self.driver.lookup(&key).await {
                Ok(found) => found,
                Err(virtxen_driver::Error::NoDomain(_)) => continue,
                Err(error) => return Err(error.into()),
            };
            let name = &found.name;
            return Err(Error::Failed(match found.persistent {
                Some(false) => format!("'{name}' runs: 'import {name}' takes it over as it is"),
                _ => format!("'{name}' is defined already, with UUID {}", found.uuid),
            }));
        }
        Ok(())
    }

    /// Says what XML has no words for.
    fn tell(&self, name: &str, lost: &[String]) -> Result<()> {
        if self.session.strict && !lost.is_empty() {
            return Err(Error::Document {
                message: lost.join("\n"),
                lost: true,
                problems: lost.iter().map(|it| json!({ "message": it })).collect(),
            });
        }
        for line in lost {
            self.session.printer.warning(&format!("{name}: {line}"));
        }
        Ok(())
    }

    async fn define(&self, name: &str, xml: &str, lost: Vec<String>) -> Result<Imported> {
        if self.print {
            return Ok(Imported {
                text: xml.to_owned(),
                note: String::new(),
                json: json!({ "name": name, "xml": xml, "lost": lost, "imported": false }),
            });
        }
        let strict = self.session.strict;
        let made = self.driver.define_xml(xml, DefineFlags { strict }).await;
        let made = made.map_err(|error| document::failed(name, error))?;
        document::warn(self.session, name, &made.warnings);
        let mut json = json::domain(&made.domain);
        if let Some(object) = json.as_object_mut() {
            object.insert("lost".to_owned(), json!(lost));
            object.insert("imported".to_owned(), json!(true));
        }
        Ok(Imported {
            text: String::new(),
            note: format!("Domain '{name}' imported"),
            json,
        })
    }
}

/// Why a running domain is not imported beside what is defined.
fn why_not(running: &Domain, defined: &Guest) -> String {
    let (name, uuid) = (&defined.name, defined.uuid.unwrap_or(Uuid::ZERO));
    let own = running.uuid;
    match (uuid == own, *name == running.name) {
        (true, true) => "it is defined already".to_owned(),
        (true, false) => format!("it is defined already, as '{name}'"),
        (false, _) => {
            format!("another guest '{name}' is defined, with UUID {uuid}; this one has {own}")
        }
    }
}

/// A document for a definition.
const XML: XmlFlags = XmlFlags {
    inactive: true,
    secure: true,
    migratable: false,
};
const WRITTEN: FormatOptions = FormatOptions {
    inactive: true,
    secure: true,
    migratable: false,
};

/// What came of all that was named.
#[derive(Default)]
struct Report {
    text: String,
    notes: Vec<String>,
    guests: Vec<Value>,
    failures: Vec<(String, Error)>,
}

impl Report {
    fn add(&mut self, source: &str, imported: Result<Imported>) {
        match imported {
            Ok(imported) => {
                self.text.push_str(&imported.text);
                self.notes.push(imported.note);
                self.guests.push(imported.json);
            }
            Err(error) => self.failures.push((source.to_owned(), error)),
        }
    }

    fn finish(mut self, session: &Session) -> Result<Reply> {
        if self.guests.is_empty()
            && self.failures.len() == 1
            && let Some((_, error)) = self.failures.pop()
        {
            return Err(error);
        }
        let (done, failed) = (self.guests.len(), self.failures.len());
        for (source, error) in self.failures {
            let why = error.messages().join(": ");
            session.printer.warning(&why);
            self.guests
                .push(json!({ "source": source, "imported": false, "error": why }));
        }
        let json = json!({ "domains": self.guests, "imported": done, "failed": failed });
        let mut reply = Reply::new(session.marked(json)).text(self.text);
        for note in self.notes.iter().filter(|note| !note.is_empty()) {
            reply = reply.note(note);
        }
        if done + failed == 0 {
            reply = reply.note("No domain runs that is not defined");
        }
        if failed > 0 {
            reply = reply.note(format!("{done} imported, {failed} failed"));
        }
        let exit = if failed == 0 { Exit::Ok } else { Exit::Failed };
        Ok(reply.exit(exit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtxen_guest::{DomId, MemoryKib, OsType};

    #[test]
    fn what_is_defined_already_is_named() {
        let running = Domain {
            name: "web".to_owned(),
            uuid: Uuid([7; 16]),
            id: Some(DomId(3)),
            state: virtxen_driver::State::Running,
            reason: virtxen_driver::Reason::Unknown,
            persistent: Some(true),
            kind: OsType::Xen,
            memory: MemoryKib(65536),
            max_memory: MemoryKib(65536),
            vcpus: 1,
            max_vcpus: 1,
            cpu_time: std::time::Duration::ZERO,
        };
        let said = |name: &str, uuid| {
            let mut defined = Guest::new(name);
            defined.uuid = Some(Uuid([uuid; 16]));
            why_not(&running, &defined)
        };
        assert_eq!(said("web", 7), "it is defined already");
        assert_eq!(said("shop", 7), "it is defined already, as 'shop'");
        let other = said("web", 8);
        assert!(
            other.starts_with("another guest 'web' is defined"),
            "{other}"
        );
        assert!(
            other.contains("08080808-") && other.contains("07070707-"),
            "{other}"
        );
    }
}
