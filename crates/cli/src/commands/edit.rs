//! `edit`: a domain's definition in an editor. What was typed is checked before it
//! is used, and offered again when something is wrong.

use super::{Command, Group};
use crate::connect::Session;
use crate::document;
use crate::error::{Context, Error, Result};
use crate::json;
use crate::options::{Args, DOMAIN, flag};
use crate::output::{Reply, err};
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use virtxen_driver::{DefineFlags, DomainKey, XmlFlags};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "edit",
    group: Group::Documents,
    summary: "change the definition of a domain in an editor",
    about: "The editor is $VISUAL, $EDITOR or vi. A running domain is not changed before its \
            next start.",
    options: &[
        DOMAIN,
        flag(
            "skip-validate",
            "let elements pass that virtxen does not know",
        ),
    ],
    run: |session, args| Box::pin(edit(session, args)),
}];

/// What stands for the file in messages.
const EDITED: &str = "the edited XML";

async fn edit(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let driver = session.driver().await?;
    let flags = XmlFlags {
        inactive: true,
        secure: true,
        migratable: false,
    };
    let name = &domain.name;
    let before = driver
        .xml_desc(&DomainKey::from(&domain), flags)
        .await
        .context(|| format!("Failed to get the XML of domain '{name}'"))?;
    let strict = session.strict && !args.flag("skip-validate");
    let define = async |xml: &str| driver.define_xml(xml, DefineFlags { strict }).await;
    let made = in_editor(session, &before, define)
        .await
        .context(|| format!("Failed to edit domain '{name}'"))?;
    let Some(made) = made else {
        return Ok(Reply::new(json::done(&domain, "none"))
            .note(format!("Domain '{name}' XML configuration not changed.")));
    };
    document::warn(session, EDITED, &made.warnings);
    Ok(Reply::new(json::done(&domain, "edit"))
        .note(format!("Domain '{name}' XML configuration edited.")))
}

/// Shows a document in the editor until what was typed is taken, or given up; nothing if
/// it was not changed.
pub(super) async fn in_editor<T>(
    session: &Session,
    before: &str,
    take: impl AsyncFn(&str) -> virtxen_driver::Result<T>,
) -> Result<Option<T>> {
    let file = Scratch::new(before)?;
    loop {
        run_editor(&file.path)?;
        let xml = document::read(&file.path.to_string_lossy())?;
        if xml == before {
            return Ok(None);
        }
        let taken = take(&xml).await;
        match taken.map_err(|error| document::failed(EDITED, error)) {
            Ok(taken) => return Ok(Some(taken)),
            Err(error) if !again(session, &error)? => return Err(error),
            Err(_) => {}
        }
    }
}

/// Shows what is wrong and asks whether to go on; without a terminal never.
fn again(session: &Session, error: &Error) -> Result<bool> {
    if session.printer.json || !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    for message in error.messages() {
        err(&format!("error: {}\n", message.trim_end()));
    }
    loop {
        err("Edit again? [y,n]: ");
        let mut answer = String::new();
        let read = std::io::stdin()
            .lock()
            .read_line(&mut answer)
            .map_err(|source| Error::System {
                what: "cannot read the answer",
                source,
            })?;
        match answer.trim() {
            _ if read == 0 => return Ok(false),
            "y" | "Y" | "yes" => return Ok(true),
            "n" | "N" | "no" => return Ok(false),
            _ => {}
        }
    }
}

fn run_editor(file: &Path) -> Result<()> {
    let chosen = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    let editor = chosen
        .filter(|editor| !editor.trim().is_empty())
        .unwrap_or("vi".to_owned());
    // $EDITOR may have arguments, which only a shell takes apart as its users expect.
    let status = Process::new("/bin/sh")
        .arg("-c")
        .arg(format!("{editor} \"$1\""))
        .arg("virtxen-edit")
        .arg(file)
        .status()
        .map_err(|source| Error::System {
            what: "cannot start the editor",
            source,
        })?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed(format!(
        "the editor '{editor}' ended with {status}"
    )))
}

/// A file that only its owner can read; gone when this is dropped.
struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn new(text: &str) -> Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        let name = format!("virtxen-{}.xml", virtxen_guest::Uuid::random());
        let path = std::env::temp_dir().join(name);
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| Error::file("write file", &path, error))?;
        Ok(Self { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Somebody else may have removed it.
        let _ = std::fs::remove_file(&self.path);
    }
}
