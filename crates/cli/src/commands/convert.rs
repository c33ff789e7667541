//! `convert`: files between libvirt's XML and Xen's languages, without a host.
//!
//! What the languages are is in `language`; here are files and folders of them.

use super::language::{self, Language, Release, WORDS};
use super::{Command, Group, check};
use crate::connect::Session;
use crate::document;
use crate::error::{Context, Error, Result};
use crate::exit::Exit;
use crate::options::{Args, Kind, flag, named, one_or_more};
use crate::output::Reply;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "convert",
    group: Group::Documents,
    summary: "convert files between libvirt's XML and Xen's languages",
    about: "What a file is, its text says, unless --from does. What the other language cannot \
            carry is a warning, with --strict an error. A folder stands for its files; with \
            one, --output names a folder too, and every file is reported: one that cannot be \
            converted does not stop the others. Needs no host, but for --check, which asks the \
            one that is connected to.",
    options: &[
        one_or_more(
            "file",
            Kind::File,
            "files or folders to convert, - for standard input",
        ),
        named(
            "from",
            Kind::Word(WORDS),
            "language of the files (default: what the text is)",
        ),
        named(
            "to",
            Kind::Word(WORDS),
            "language that is wanted (default: xml)",
        ),
        named(
            "release",
            Kind::Text("x.y.z"),
            "Xen release that wrote it or is to understand it (4.1; of libxl the newest)",
        ),
        named(
            "output",
            Kind::File,
            "write to this file or folder instead of standard output",
        ),
        flag(
            "check",
            "write nothing: say which guests the Xen here would run, and what it changes",
        ),
    ],
    run: |session, args| Box::pin(convert(session, args)),
}];

/// Most files of one folder.
const FILES_MAX: usize = 100_000;

/// What is converted to what.
struct Conversion<'a> {
    session: &'a Session,
    from: Option<Language>,
    to: Language,
    release: Release,
}

async fn convert(session: &Session, args: &Args) -> Result<Reply> {
    let conversion = Conversion {
        session,
        from: args.text("from").and_then(Language::from_word),
        to: args
            .text("to")
            .and_then(Language::from_word)
            .unwrap_or(Language::Xml),
        release: Release::read(args.text("release"))?,
    };
    let output = args.text("output").map(Path::new);
    let named: Vec<&str> = args.all("file").collect();
    if args.flag("check") {
        args.exclusive("check", "output")?;
        args.exclusive("check", "to")?;
        let files = match named.iter().any(|file| Path::new(file).is_dir()) {
            true => files_of(&named)?,
            false => named.iter().map(PathBuf::from).collect(),
        };
        let files: Vec<String> = files
            .iter()
            .map(|file| file.to_string_lossy().into_owned())
            .collect();
        let Conversion { from, release, .. } = &conversion;
        return check::check(session, &files, *from, release).await;
    }
    if named.iter().any(|file| Path::new(file).is_dir()) {
        let files = files_of(&named)?;
        return conversion.folder(&files, output);
    }
    let mut texts = Vec::new();
    let mut list = Vec::new();
    for file in named {
        for (name, text) in conversion.each(file)? {
            list.push(json!({ "file": file, "name": name, "text": text }));
            texts.push(text);
        }
    }
    let text = texts.join("");
    let reply = Reply::new(json!({ "documents": list }));
    match output {
        None => Ok(reply.text(text)),
        Some(path) => {
            write(path, &text)?;
            Ok(reply.note(format!("Written to {}", path.display())))
        }
    }
}

impl Conversion<'_> {
    /// The guests' names and their documents in the wanted language.
    fn each(&self, file: &str) -> Result<Vec<(String, String)>> {
        let failed = || format!("Failed to convert {file}");
        let source = document::read(file).context(failed)?;
        let guests = language::read(self.session, file, &source, self.from, &self.release);
        let written = guests.context(failed)?.into_iter().map(|guest| {
            let text = language::write(
                self.session,
                (file, &source),
                &guest,
                self.to,
                &self.release,
            );
            Ok((guest.name, text.context(failed)?))
        });
        written.collect()
    }

    /// Converts every file and reports on each.
    fn folder(&self, files: &[PathBuf], output: Option<&Path>) -> Result<Reply> {
        if let Some(folder) = output {
            let made = std::fs::create_dir_all(folder);
            made.map_err(|error| Error::file("create folder", folder, error))?;
        }
        let mut list: Vec<Value> = Vec::new();
        let mut text = String::new();
        let mut failed = 0_usize;
        for path in files {
            let file = path.to_string_lossy();
            let (report, entry) = match self.one_of_folder(path, output) {
                Ok((name, document, written)) => {
                    let place = written.map(|path| path.display().to_string());
                    if place.is_none() {
                        text.push_str(&document);
                    }
                    let report = place
                        .as_ref()
                        .map(|place| format!("{file}: {name}, {place}"));
                    let entry = json!({ "file": file, "name": name, "text": document,
                                        "output": place });
                    (report, entry)
                }
                Err(error) => {
                    failed += 1;
                    let why = error.messages().join(": ");
                    self.session.printer.warning(&format!("{file}: {why}"));
                    (None, json!({ "file": file, "error": why }))
                }
            };
            if let Some(line) = report {
                text.push_str(&line);
                text.push('\n');
            }
            list.push(entry);
        }
        let exit = if failed == 0 { Exit::Ok } else { Exit::Failed };
        let done = files.len() - failed;
        let reply = Reply::new(json!({ "documents": list, "converted": done, "failed": failed }));
        let reply = reply.text(text).exit(exit);
        Ok(reply.note(format!("{done} files converted, {failed} failed")))
    }

    fn one_of_folder(
        &self,
        path: &Path,
        output: Option<&Path>,
    ) -> Result<(String, String, Option<PathBuf>)> {
        let mut guests = self.each(&path.to_string_lossy())?;
        let several = guests.len() > 1;
        let (name, document) = match guests.pop() {
            Some(guest) if !several => guest,
            _ => {
                let reason = format!("{} has more than one guest", path.display());
                return Err(Error::Failed(reason));
            }
        };
        let Some(folder) = output else {
            return Ok((name, document, None));
        };
        // Files of xm often have no ending, and dots in their names.
        let mut target = path.file_name().unwrap_or_default().to_owned();
        for ending in [".cfg", ".xl", ".xm", ".xml", ".sxp", ".json", ".hvm", ".pv"] {
            let text = target.to_string_lossy().into_owned();
            if let Some(stem) = text.strip_suffix(ending).filter(|stem| !stem.is_empty()) {
                target = stem.into();
                break;
            }
        }
        target.push(".");
        target.push(self.to.extension());
        let target = folder.join(target);
        if target.exists() {
            let reason = format!("{} is there already", target.display());
            return Err(Error::Failed(reason));
        }
        write(&target, &document)?;
        Ok((name, document, Some(target)))
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|error| Error::file("write file", path, error))
}

/// The files that are named, folders replaced by theirs in order of name; hidden
/// files and folders inside are left out.
fn files_of(named: &[&str]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for name in named {
        let path = Path::new(name);
        if !path.is_dir() {
            files.push(path.to_owned());
            continue;
        }
        let failed = |error| Error::file("read folder", path, error);
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path).map_err(failed)?.take(FILES_MAX) {
            let entry = entry.map_err(failed)?;
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if !hidden && entry.path().is_file() {
                inside.push(entry.path());
            }
        }
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}
