//! Conversions of documents, on one core, with nothing else in the process.
//!
//! Three journeys: XML to the model and back to XML, and the same by way of XenD's
//! language and of libxl's JSON as texts. The megabytes are those of the XML that goes
//! in.

use crate::Result;
use crate::documents::{Document, large, small};
use crate::measure::{Times, repeat, verdict};
use std::path::PathBuf;
use std::time::Duration;
use virtxen_formats::libxl;
use virtxen_formats::sxpr::{
    ConfigVersion, Limits, Runtime, Target, guest_to_sxpr, read, sxpr_to_guest, write_request,
};
use virtxen_guest::{FormatOptions, Guest, ParseOptions, format_guest, parse_guest};

/// Megabytes of XML per second, parsed and formatted.
const TARGET: f64 = 50.0;

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Folder of the small documents
    #[arg(long, default_value = "examples")]
    examples: PathBuf,
    /// Devices of the large guest
    #[arg(long, default_value_t = 200)]
    devices: usize,
    /// How long each journey is repeated
    #[arg(long, default_value_t = 2.0, value_name = "SECONDS")]
    seconds: f64,
}

pub(crate) fn measure(options: &Options) -> Result<()> {
    let span = Duration::try_from_secs_f64(options.seconds).unwrap_or_default();
    let small = small(&options.examples)?;
    let large = [large(options.devices)];
    println!(
        "{:<16}{:<20}{:>14}{:>9}",
        "documents", "journey", "documents/s", "MB/s"
    );
    let mut met = true;
    for (name, documents) in [("examples", small.as_slice()), ("large", &large)] {
        for journey in JOURNEYS {
            for document in documents {
                (journey.go)(document)?;
            }
            let times = repeat(span, || {
                for document in documents {
                    let arrived = (journey.go)(document);
                    std::hint::black_box(arrived.is_ok());
                }
            });
            let rate = Rate::new(documents, &times);
            println!(
                "{name:<16}{:<20}{:>14.0}{:>9.1}",
                journey.name, rate.documents, rate.megabytes
            );
            met &= !journey.has_target || rate.megabytes >= TARGET;
        }
    }
    println!(
        "target, {TARGET} MB/s for {}: {}",
        JOURNEYS[0].name,
        verdict(met)
    );
    Ok(())
}

struct Journey {
    name: &'static str,
    has_target: bool,
    go: fn(&Document) -> Result<String>,
}

const JOURNEYS: &[Journey] = &[
    Journey {
        name: "XML, XML",
        has_target: true,
        go: |document| Ok(format(&parse(document)?)),
    },
    Journey {
        name: "XML, sxpr, XML",
        has_target: false,
        go: |document| Ok(format(&through_sxpr(document, &parse(document)?)?)),
    },
    Journey {
        name: "XML, libxl, XML",
        has_target: false,
        go: |document| Ok(format(&through_libxl(document, &parse(document)?)?)),
    },
];

fn parse(document: &Document) -> Result<Guest> {
    let parsed = parse_guest(&document.xml, &ParseOptions::default());
    Ok(parsed.map_err(|problems| document.error(&problems))?.value)
}

fn format(guest: &Guest) -> String {
    format_guest(guest, &FormatOptions::default())
}

/// The guest after it was text in XenD's language.
fn through_sxpr(document: &Document, guest: &Guest) -> Result<Guest> {
    let version = ConfigVersion::Xen310;
    let target = Target::new(version);
    let tree = guest_to_sxpr(guest, &target).map_err(|error| document.error(&error))?;
    let text = write_request(&tree.value);
    let tree = read(&text, Limits::default()).map_err(|error| document.error(&error))?;
    let guest = sxpr_to_guest(&tree, version, &Runtime::default());
    Ok(guest.map_err(|error| document.error(&error))?.value)
}

/// The guest after it was text in libxl's JSON.
fn through_libxl(document: &Document, guest: &Guest) -> Result<Guest> {
    let target = libxl::Target::new(libxl::Release::NEWEST);
    let config = libxl::guest_to_libxl(guest, &target).map_err(|error| document.error(&error))?;
    let text = libxl::to_text(&config.value);
    let guest = libxl::text_to_guest(&text).map_err(|error| document.error(&error))?;
    Ok(guest.value)
}

/// What is done per second.
struct Rate {
    documents: f64,
    megabytes: f64,
}

impl Rate {
    fn new(documents: &[Document], times: &Times) -> Self {
        let seconds = times.median().as_secs_f64();
        let bytes: usize = documents.iter().map(|document| document.xml.len()).sum();
        Self {
            documents: documents.len() as f64 / seconds,
            megabytes: bytes as f64 / 1e6 / seconds,
        }
    }
}
