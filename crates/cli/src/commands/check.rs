//! `convert --check`: whether the Xen that runs here would run guests of files, and what of
//! them it would not carry. Nothing is written and nothing is started.

use super::language::{self, Language, Release};
use crate::connect::Session;
use crate::document;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::Reply;
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::Arc;
use virtxen_driver::Error;
use virtxen_guest::{Guest, OsType};
use virtxen_host::Host;

/// What is said of the files together.
#[derive(Default)]
struct Report {
    text: String,
    guests: Vec<Value>,
    refused: usize,
}

/// Judges the guests of these files by the host.
pub(super) async fn check(
    session: &Session,
    files: &[String],
    from: Option<Language>,
    release: &Release,
) -> Result<Reply> {
    let host = session.direct("a check of what this Xen runs").await?;
    let types = host.guest_types().await.map_err(Error::from)?;
    let mut report = Report::default();
    for file in files {
        match read(session, file, from, release) {
            Ok(guests) => {
                for guest in guests {
                    report.judge(host, &types, file, &guest).await?;
                }
            }
            Err(error) => report.unreadable(file, &error),
        }
    }
    let exit = match report.refused {
        0 => Exit::Ok,
        _ => Exit::Failed,
    };
    let version = host.version().to_string();
    let json = json!({ "xen": version, "guests": report.guests, "refused": report.refused });
    Ok(Reply::new(session.marked(json))
        .text(report.text)
        .exit(exit))
}

fn read(
    session: &Session,
    file: &str,
    from: Option<Language>,
    release: &Release,
) -> Result<Vec<Guest>> {
    let source = document::read(file)?;
    language::read(session, file, &source, from, release)
}

impl Report {
    /// One file that cannot be read does not stop the others.
    fn unreadable(&mut self, file: &str, error: &crate::error::Error) {
        let why = error.messages().join(": ");
        // A String takes everything.
        let _ = writeln!(self.text, "{file}: cannot be read\n  cannot   {why}");
        self.refused += 1;
        self.guests
            .push(json!({ "file": file, "runs": false, "cannot": [why], "changed": [] }));
    }

    async fn judge(
        &mut self,
        host: &Arc<dyn Host>,
        types: &[String],
        file: &str,
        guest: &Guest,
    ) -> Result<()> {
        let notes = host.losses(guest).await.map_err(Error::from)?;
        let (cannot, changed): (Vec<_>, Vec<_>) = notes.iter().partition(|note| note.essential);
        let mut cannot: Vec<String> = cannot.iter().map(ToString::to_string).collect();
        let changed: Vec<String> = changed.iter().map(ToString::to_string).collect();
        let runs = |kind: &str| types.is_empty() || types.iter().any(|it| it.starts_with(kind));
        if guest.os.kind == OsType::Hvm && !runs("hvm-") {
            cannot.push("/domain/os/type: this host runs no fully virtualized guests".to_owned());
        }
        let verdict = match (cannot.is_empty(), changed.is_empty()) {
            (true, true) => "runs as it is",
            (true, false) => "runs, with changes",
            (false, _) => "cannot run",
        };
        // A String takes everything.
        let _ = writeln!(self.text, "{file}: {}: {verdict}", guest.name);
        for line in &cannot {
            let _ = writeln!(self.text, "  cannot   {line}");
        }
        for line in &changed {
            let _ = writeln!(self.text, "  changed  {line}");
        }
        self.refused += usize::from(!cannot.is_empty());
        self.guests.push(json!({
            "file": file,
            "name": guest.name,
            "runs": cannot.is_empty(),
            "cannot": cannot,
            "changed": changed,
        }));
        Ok(())
    }
}
