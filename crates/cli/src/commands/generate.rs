//! `generate`, for those who build virtxen: man page and command pages, written
//! from the table of commands.

use super::help::{GLOBALS, URIS};
use super::{Command, Group, of_group};
use crate::connect::Session;
use crate::error::{Error, Result};
use crate::exit;
use crate::options::{Args, Kind, required};
use crate::output::Reply;
use serde_json::json;
use std::path::Path;

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "generate",
    group: Group::Hidden,
    summary: "write the man page and the pages of the commands",
    about: "Writes man/virtxen.1 and commands/*.md below the folder.",
    options: &[required(
        "folder",
        Kind::File,
        "the folder, docs in the repository",
    )],
    run: |session, args| Box::pin(async { generate(session, args) }),
}];

fn generate(_: &Session, args: &Args) -> Result<Reply> {
    let folder = Path::new(args.required("folder")?);
    let mut files = vec![(folder.join("man/virtxen.1"), man())];
    files.push((folder.join("commands/README.md"), index()));
    for group in Group::SHOWN {
        files.push((
            folder.join(format!("commands/{}.md", group.page())),
            page(group),
        ));
    }
    let mut names = Vec::new();
    for (path, text) in files {
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(&path, text))
            .map_err(|error| Error::file("write file", &path, error))?;
        names.push(path.display().to_string());
    }
    let reply = Reply::new(json!({ "files": names }));
    Ok(names.iter().fold(reply, Reply::note))
}

fn index() -> String {
    let mut text =
        String::from("# Commands\n\nWritten by `cargo xtask gen` from the table of commands.\n\n");
    for group in Group::SHOWN {
        let names: Vec<String> = of_group(group).map(|c| format!("`{}`", c.name)).collect();
        text.push_str(&format!(
            "- [{}]({}.md): {}\n",
            group.title(),
            group.page(),
            names.join(", ")
        ));
    }
    text.push_str("\n## Options before the command\n\n| option | meaning |\n| --- | --- |\n");
    rows(&mut text, GLOBALS);
    text.push_str("\n## Hosts\n\n| URI | host |\n| --- | --- |\n");
    rows(&mut text, URIS);
    text.push_str("\n## Exit status\n\n| status | meaning |\n| --- | --- |\n");
    for (exit, help) in exit::TABLE {
        text.push_str(&format!("| {} | {help} |\n", exit.code()));
    }
    text
}

fn rows(text: &mut String, rows: &[(&str, &str)]) {
    for (word, help) in rows {
        text.push_str(&format!("| `{}` | {} |\n", cell(word), cell(help)));
    }
}

fn page(group: Group) -> String {
    let mut text = format!(
        "# {}\n\nWritten by `cargo xtask gen` from the table of commands.\n",
        group.title()
    );
    for command in of_group(group) {
        text.push_str(&section(command));
    }
    text
}

fn section(command: &Command) -> String {
    let mut text = format!(
        "\n## {}\n\n{}.\n\n```text\n{}```\n",
        command.name,
        capital(command.summary),
        super::help::wrap(&command.synopsis(), 0, 4)
    );
    if !command.about.is_empty() {
        text.push_str(&format!("\n{}\n", prose(command.about)));
    }
    if !command.options.is_empty() {
        text.push_str("\n| option | meaning |\n| --- | --- |\n");
        for option in command.options {
            text.push_str(&format!(
                "| `{}` | {} |\n",
                cell(&option.usage()),
                cell(option.help)
            ));
        }
    }
    text
}

/// Elements that a text names are no HTML.
fn prose(text: &str) -> String {
    text.replace('<', "\\<")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

fn man() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut text = format!(
        ".TH VIRTXEN 1 \"\" \"virtxen {version}\" \"User commands\"\n.SH NAME\nvirtxen \\- manage \
         Xen guests from libvirt's domain XML\n.SH SYNOPSIS\n.B virtxen\n[\\fIoptions\\fR] \
         \\fICOMMAND\\fR [\\fIcommand's options\\fR]\n.br\n.B virtxen\n[\\fIoptions\\fR] \
         '\\fICOMMAND\\fR; \\fICOMMAND\\fR; ...'\n.SH OPTIONS\n"
    );
    for (word, help) in GLOBALS {
        text.push_str(&format!(".TP\n.B {}\n{}\n", roff(word), roff(help)));
    }
    text.push_str(".SH HOSTS\n");
    for (word, help) in URIS {
        text.push_str(&format!(".TP\n.B {}\n{}\n", roff(word), roff(help)));
    }
    for group in Group::SHOWN {
        text.push_str(&format!(".SH {}\n", roff(&group.title().to_uppercase())));
        for command in of_group(group) {
            text.push_str(&man_command(command));
        }
    }
    text.push_str(".SH EXIT STATUS\n");
    for (exit, help) in exit::TABLE {
        text.push_str(&format!(".TP\n.B {}\n{}\n", exit.code(), roff(help)));
    }
    text.push_str(
        ".SH ENVIRONMENT\n.TP\n.B VIRTXEN_DEFAULT_URI\nthe host when \\-\\-connect is not given\n\
         .TP\n.B NO_COLOR\nno colour on a terminal\n.TP\n.B VISUAL, EDITOR\nthe editor of edit\n\
         .SH SEE ALSO\n.BR virsh (1)\n",
    );
    text
}

fn man_command(command: &Command) -> String {
    let mut text = format!(
        ".SS {}\n{}.\n",
        roff(command.name),
        roff(&capital(command.summary))
    );
    text.push_str(&format!(
        ".PP\n.nf\n{}.fi\n",
        roff(&super::help::wrap(&command.synopsis(), 0, 4))
    ));
    if !command.about.is_empty() {
        text.push_str(&format!(".PP\n{}\n", roff(command.about)));
    }
    for option in command.options {
        text.push_str(&format!(
            ".TP\n.B {}\n{}\n",
            roff(&option.usage()),
            roff(option.help)
        ));
    }
    text
}

/// Text as roff reads it: no dash becomes a hyphen, no line a request.
fn roff(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    let lines: Vec<String> = escaped
        .split('\n')
        .map(|line| {
            if line.starts_with(['.', '\'']) {
                format!("\\&{line}")
            } else {
                line.to_owned()
            }
        })
        .collect();
    lines.join("\n")
}
