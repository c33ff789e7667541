//! A folder of xm files, converted by the program: the whole process with reading
//! and writing every file.

use super::Options;
use crate::documents::small;
use crate::measure::{Times, verdict};
use crate::{Error, Result, program};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use virtxen_formats::sxpr::ConfigVersion;
use virtxen_formats::xm::{Bridges, guest_to_xm};
use virtxen_guest::{Guest, ParseOptions, Uuid, parse_guest};

/// All files.
const TARGET: Duration = Duration::from_secs(1);

pub(super) fn measure(options: &Options) -> Result<()> {
    let folder = tempfile::tempdir().map_err(|error| Error::file(Path::new("/tmp"), &error))?;
    let (from, to) = (folder.path().join("xm"), folder.path().join("xml"));
    write_files(options, &from)?;
    let virtxen = program(options.virtxen.as_deref())?;
    let mut times = Vec::new();
    for _ in 0..options.runs.max(1) {
        let mut command = Command::new(&virtxen);
        command.arg("convert").arg(&from).arg("--output").arg(&to);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let start = Instant::now();
        let status = command.stderr(Stdio::null()).status();
        times.push(start.elapsed());
        let status = status.map_err(Error::start(&command))?;
        let written = std::fs::read_dir(&to).map_or(0, Iterator::count);
        if !status.success() || written != options.files {
            eprintln!("{written} of {} files were written", options.files);
            return Err(Error::ended(&command, status));
        }
        std::fs::remove_dir_all(&to).map_err(|error| Error::file(&to, &error))?;
    }
    let median = Times::new(times).median();
    println!(
        "virtxen convert, {} xm files: median {:.0} ms, {:.0} files/s",
        options.files,
        median.as_secs_f64() * 1e3,
        options.files as f64 / median.as_secs_f64()
    );
    println!(
        "target, {} s for the whole process: {}",
        TARGET.as_secs(),
        verdict(median <= TARGET)
    );
    Ok(())
}

/// The guests of the examples in turn, each with a name and a uuid of its own.
fn write_files(options: &Options, folder: &Path) -> Result<()> {
    std::fs::create_dir(folder).map_err(|error| Error::file(folder, &error))?;
    let mut guests: Vec<Guest> = Vec::new();
    for document in small(&options.examples)? {
        let parsed = parse_guest(&document.xml, &ParseOptions::default());
        guests.push(parsed.map_err(|problems| document.error(&problems))?.value);
    }
    for (number, guest) in (0..options.files).zip(guests.iter().cycle()) {
        let mut guest = guest.clone();
        guest.name = format!("{}-{number}", guest.name);
        guest.uuid = Some(Uuid((number as u128 + 1).to_be_bytes()));
        let path = folder.join(&guest.name);
        let file = guest_to_xm(&guest, ConfigVersion::Xen310, &Bridges::default());
        let file = file.map_err(|error| Error::file(&path, &error))?.value;
        std::fs::write(&path, file.to_string()).map_err(|error| Error::file(&path, &error))?;
    }
    Ok(())
}
