//! `shell`: commands that somebody types, or those of a script.

use super::{Command, Group};
use crate::connect::Session;
use crate::document;
use crate::error::Result;
use crate::options::{Args, Kind, flag, optional};
use crate::output::Reply;
use crate::{run, script, shell};
use serde_json::json;
use std::io::IsTerminal;

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "shell",
    group: Group::Virtxen,
    summary: "run the commands of a file, or those that are typed",
    about: "All commands share one connection. On a terminal lines have a history and Tab \
            completes commands, options, domains and files; quit or Ctrl-D ends. Otherwise a \
            script is read from the file or standard input: each command is shown before it \
            runs, # begins a comment, and the first command that fails ends the script unless - \
            stands before it. 'cd FOLDER' changes the folder that files are looked for in.",
    options: &[
        optional("file", Kind::File, "a script, - for standard input"),
        flag("no-echo", "do not show the commands of a script"),
    ],
    run: |session, args| Box::pin(shell_command(session, args)),
}];

async fn shell_command(session: &Session, args: &Args) -> Result<Reply> {
    let file = args.text("file");
    if file.is_none() && std::io::stdin().is_terminal() && !session.printer.json {
        let exit = shell::interactive(session).await?;
        return Ok(Reply::new(json!({})).exit(exit));
    }
    let text = document::read(file.unwrap_or("-"))?;
    let lines = script::split(&text)?;
    // A script that runs a shell that runs a script needs its future on the heap.
    let outcome = Box::pin(run::run_all(session, &lines, !args.flag("no-echo"))).await;
    Ok(Reply::new(json!({ "commands": outcome.json })).exit(outcome.exit))
}
