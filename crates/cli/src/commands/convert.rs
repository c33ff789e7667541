//! `convert`: files between libvirt's XML and Xen's languages, without a host.

use super::native::losses;
use super::{Command, Group};
use crate::connect::Session;
use crate::document;
use crate::error::{Context, Error, Result};
use crate::options::{Args, Kind, named, one_or_more};
use crate::output::Reply;
use serde_json::json;
use virtxen_formats::sxpr::{self, ConfigVersion, Dialect, Runtime, Target};
use virtxen_guest::{FormatOptions, Guest, format_guest};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "convert",
    group: Group::Documents,
    summary: "convert files between libvirt's XML and Xen's languages",
    about: "What a file is, its text says. What the other language cannot carry is a warning, \
            with --strict an error. Needs no host.",
    options: &[
        one_or_more("file", Kind::File, "files to convert, - for standard input"),
        named(
            "to",
            Kind::Word(&["xml", "xen-sxpr"]),
            "language that is wanted (default: xml)",
        ),
        named(
            "release",
            Kind::Text("x.y.z"),
            "Xen release that is to understand it (4.1)",
        ),
        named(
            "output",
            Kind::File,
            "write to this file instead of standard output",
        ),
    ],
    run: |session, args| Box::pin(convert(session, args)),
}];

async fn convert(session: &Session, args: &Args) -> Result<Reply> {
    let dialect = dialect(args.text("release").unwrap_or("4.1"))?;
    let to_xml = args.text("to").unwrap_or("xml") == "xml";
    let mut texts = Vec::new();
    let mut list = Vec::new();
    for file in args.all("file") {
        let failed = || format!("Failed to convert {file}");
        let guest = read(session, file).context(failed)?;
        let text = if to_xml {
            format_guest(
                &guest,
                &FormatOptions {
                    secure: true,
                    ..FormatOptions::default()
                },
            )
        } else {
            to_sxpr(session, file, &guest, dialect).context(failed)?
        };
        list.push(json!({ "file": file, "name": guest.name, "text": text }));
        texts.push(text);
    }
    let text = texts.join("");
    let reply = Reply::new(json!({ "documents": list }));
    match args.text("output") {
        None => Ok(reply.text(text)),
        Some(file) => {
            let path = std::path::Path::new(file);
            std::fs::write(path, text).map_err(|error| Error::file("write file", path, error))?;
            Ok(reply.note(format!("Written to {file}")))
        }
    }
}

/// A guest from a file in whatever language.
fn read(session: &Session, file: &str) -> Result<Guest> {
    let text = document::read(file)?;
    if !text.trim_start().starts_with('(') {
        return document::guest(session, file, &text, session.strict);
    }
    let tree = sxpr::read(text.trim(), sxpr::Limits::default())
        .map_err(|error| Error::Failed(format!("{file}: {error}")))?;
    // A file says no version; the newest reads what the older ones write.
    let guest = sxpr::sxpr_to_guest(
        &tree,
        ConfigVersion::from_number(Some(4)),
        &Runtime::default(),
    )
    .map_err(|error| Error::Failed(format!("{file}: {error}")))?;
    let notes: Vec<String> = guest.notes.iter().map(ToString::to_string).collect();
    losses(session, file, &notes)?;
    Ok(guest.value)
}

fn to_sxpr(session: &Session, file: &str, guest: &Guest, dialect: Dialect) -> Result<String> {
    let converted = sxpr::guest_to_sxpr(guest, &Target::new(dialect))
        .map_err(|error| Error::Failed(error.to_string()))?;
    let notes: Vec<String> = converted.notes.iter().map(ToString::to_string).collect();
    losses(session, file, &notes)?;
    Ok(sxpr::write_request(&converted.value) + "\n")
}

/// What the XenD of a release understands.
fn dialect(release: &str) -> Result<Dialect> {
    let wrong = || {
        Error::usage(format!(
            "'{release}' is no Xen release with XenD: 3.0.1 to 4.4"
        ))
    };
    let mut parts = release.splitn(3, '.');
    let mut number = || parts.next().and_then(|part| part.parse::<u32>().ok());
    let (major, minor) = (number().ok_or_else(wrong)?, number().ok_or_else(wrong)?);
    let patch = number();
    let format = match (major, minor, patch.unwrap_or(0)) {
        (3, 0, 0..=2) => None,
        (3, 0, 3) => Some(2),
        (3, 0, 4) => Some(3),
        (3, 1.., _) | (4, 0..=4, _) => Some(4),
        _ => return Err(wrong()),
    };
    let extra = patch.map_or_else(String::new, |patch| format!(".{patch}"));
    Ok(Dialect::of_release(format, major, minor, &extra))
}
