//! `cpu-compare`, `cpu-baseline`, `cpu-models`: models of processors by libvirt's names.
//!
//! What a model is, is the driver's and the converters' business.

use super::{Command, Group};
use crate::connect::Session;
use crate::document;
use crate::error::{Context, Error, Result};
use crate::exit::Exit;
use crate::options::{Args, Kind, flag, one_or_more, required};
use crate::output::Reply;
use serde_json::json;
use virtxen_driver::CpuComparison;
use virtxen_guest::{Element, FormatOptions, ParseOptions, format_element, parse_element};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "cpu-compare",
        group: Group::Host,
        summary: "tell whether the host can run the processor of a document",
        about: "The document is a <cpu> element, or a domain or capabilities document that has \
                one. Ends with 1 if the host cannot run it.",
        options: &[
            required(
                "file",
                Kind::File,
                "file with the XML, - for standard input",
            ),
            flag("error", "say what the host lacks"),
        ],
        run: |session, args| Box::pin(compare(session, args)),
    },
    Command {
        name: "cpu-baseline",
        group: Group::Host,
        summary: "print the processor that several hosts can give a guest",
        about: "The files have <cpu> elements of hosts, or whole capabilities documents.",
        options: &[
            one_or_more(
                "file",
                Kind::File,
                "files with the XML, - for standard input",
            ),
            flag("features", "name the features of the model too"),
            flag(
                "migratable",
                "leave out features with which a guest stays on its host",
            ),
        ],
        run: |session, args| Box::pin(baseline(session, args)),
    },
    Command {
        name: "cpu-models",
        group: Group::Host,
        summary: "list the models of processors that have a name",
        about: "",
        options: &[required(
            "arch",
            Kind::Text("arch"),
            "architecture: x86_64, i686",
        )],
        run: |session, args| Box::pin(models(session, args)),
    },
];

/// Where documents have a processor of a host: the elements on the way to it.
const PLACES: [&[&str]; 3] = [
    &["cpu"],
    &["domain", "cpu"],
    &["capabilities", "host", "cpu"],
];

async fn compare(session: &Session, args: &Args) -> Result<Reply> {
    let file = args.required("file")?;
    let cpus = cpus(file)?;
    let [cpu] = cpus.as_slice() else {
        let why = format!("{file} has {} <cpu> elements, one is needed", cpus.len());
        return Err(Error::NotFound(why));
    };
    let driver = session.driver().await?;
    let compared = driver
        .compare_cpu(cpu, args.flag("error"))
        .await
        .context(|| format!("failed to compare host CPU with {file}"))?;
    let (word, sentence, exit) = match compared {
        CpuComparison::Incompatible => ("incompatible", "is incompatible with", Exit::Failed),
        CpuComparison::Identical => ("identical", "is identical to", Exit::Ok),
        CpuComparison::Superset => ("superset", "is a superset of", Exit::Ok),
    };
    let line = match compared {
        CpuComparison::Superset => format!("Host CPU {sentence} CPU described in {file}"),
        _ => format!("CPU described in {file} {sentence} host CPU"),
    };
    let json = session.marked(json!({ "file": file, "comparison": word }));
    Ok(Reply::new(json).line(line).exit(exit))
}

async fn baseline(session: &Session, args: &Args) -> Result<Reply> {
    let mut all = Vec::new();
    for file in args.all("file") {
        let found = cpus(file)?;
        if found.is_empty() {
            let why = format!("{file} has no <cpu> element of a host");
            return Err(Error::NotFound(why));
        }
        all.extend(found);
    }
    let driver = session.driver().await?;
    let xml = driver
        .baseline_cpu(&all, args.flag("features"), args.flag("migratable"))
        .await
        .context(|| "failed to find what the CPUs have in common".to_owned())?;
    Ok(Reply::new(session.marked(json!({ "xml": xml }))).text(xml))
}

async fn models(session: &Session, args: &Args) -> Result<Reply> {
    let driver = session.driver().await?;
    let models = driver
        .cpu_models(args.required("arch")?)
        .await
        .context(|| "failed to get CPU model names".to_owned())?;
    let text: String = models.iter().map(|model| format!("{model}\n")).collect();
    Ok(Reply::new(session.marked(json!({ "models": models }))).text(text))
}

/// The processors in a file, which may have several documents, each as a document.
fn cpus(file: &str) -> Result<Vec<String>> {
    let text = document::read(file)?;
    let declared = text.trim_start().strip_prefix("<?xml");
    let body = declared.and_then(|it| Some(it.split_once("?>")?.1));
    let body = body.unwrap_or(&text);
    let parsed = parse_element(&format!("<all>{body}</all>"), &ParseOptions::default());
    let all = parsed.map_err(|problems| Error::usage(format!("{file}: {problems}")))?;
    let mut found = Vec::new();
    for path in PLACES {
        let mut here: Vec<&Element> = vec![&all.value];
        for name in path {
            let inside = here.iter().flat_map(|it| it.elements());
            here = inside.filter(|it| it.name == *name).collect();
        }
        found.extend(
            here.iter()
                .map(|it| format_element(it, &FormatOptions::default())),
        );
    }
    Ok(found)
}
