//! `validate`: everything that is wrong with domain documents, with places.

use super::{Command, Group};
use crate::connect::Session;
use crate::document;
use crate::error::Result;
use crate::exit::Exit;
use crate::options::{Args, Kind, one_or_more};
use crate::output::Reply;
use serde_json::json;
use virtxen_guest::{ParseOptions, Severity, parse_guest};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "validate",
    group: Group::Documents,
    summary: "show everything that is wrong with files of domain XML",
    about: "Each problem has its line, column and a mark under the place. With --strict, \
            elements that virtxen does not know are errors. Needs no host; ends with 1 if a \
            file has an error.",
    options: &[one_or_more(
        "file",
        Kind::File,
        "files with a domain's XML, - for standard input",
    )],
    run: |session, args| Box::pin(validate(session, args)),
}];

async fn validate(session: &Session, args: &Args) -> Result<Reply> {
    let options = ParseOptions {
        strict: session.strict,
        ..ParseOptions::default()
    };
    let mut text = String::new();
    let mut files = Vec::new();
    let mut exit = Exit::Ok;
    for file in args.all("file") {
        let xml = document::read(file)?;
        let problems = match parse_guest(&xml, &options) {
            Ok(parsed) => parsed.warnings,
            Err(problems) => problems.problems,
        };
        let valid = problems
            .iter()
            .all(|problem| problem.severity != Severity::Error);
        if !valid {
            exit = Exit::Failed;
        }
        text.push_str(&format!(
            "{file}: {}\n",
            if valid { "valid" } else { "invalid" }
        ));
        for problem in &problems {
            text.push_str(&problem.render());
        }
        let list: Vec<_> = problems.iter().map(document::problem_json).collect();
        files.push(json!({ "file": file, "valid": valid, "problems": list }));
    }
    Ok(Reply::new(json!({ "files": files })).text(text).exit(exit))
}
