//! Running commands: one that was named on the command line, or the commands of a
//! script. What a command does is its own; the loop of somebody who types is in
//! `shell`.

use crate::commands;
use crate::connect::Session;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::options::Args;
use crate::output::Reply;
use crate::script::{self, Line};
use serde_json::{Value, json};

/// Runs the words of the command line: one word is a script, as with virsh.
pub(crate) async fn command_line(session: &Session, words: &[String]) -> Exit {
    let lines = match words {
        [script] => script::split(script),
        words => Ok(vec![Line {
            words: words.to_vec(),
            may_fail: false,
        }]),
    };
    match lines {
        Ok(lines) if lines.len() == 1 => match lines.first() {
            Some(line) => single(session, line).await,
            None => Exit::Ok,
        },
        Ok(lines) => script(session, &lines, false).await.exit,
        Err(error) => report(session, &Err(error)),
    }
}

/// Runs one command and prints what it says.
pub(crate) async fn single(session: &Session, line: &Line) -> Exit {
    let result = words(session, &line.words).await;
    let exit = report(session, &result);
    if line.may_fail { Exit::Ok } else { exit }
}

/// What came of a script.
pub(crate) struct Outcome {
    /// The status: that of the command that stopped it.
    pub(crate) exit: Exit,
    /// Commands and their JSON documents; empty in text.
    pub(crate) json: Vec<Value>,
}

/// Runs commands until one fails; prints in text, and in JSON one document at the
/// end. `echo` prints each command before it runs.
pub(crate) async fn script(session: &Session, lines: &[Line], echo: bool) -> Outcome {
    let outcome = run_all(session, lines, echo).await;
    if session.printer.json {
        session
            .printer
            .document(&json!({ "commands": outcome.json }));
    }
    outcome
}

/// As `script`, but leaves the JSON document to the caller.
pub(crate) async fn run_all(session: &Session, lines: &[Line], echo: bool) -> Outcome {
    let printer = &session.printer;
    printer.collect();
    let mut outcome = Outcome {
        exit: Exit::Ok,
        json: Vec::new(),
    };
    for line in lines {
        let command = script::join(&line.words);
        if echo && !printer.json && !printer.quiet {
            printer.out(&format!("virtxen # {command}\n"));
        }
        let result = words(session, &line.words).await;
        if let Ok(reply) = &result {
            printer.reply(reply);
        } else if let Err(error) = &result {
            printer.error(error);
        }
        let exit = status(&result);
        if printer.json {
            let document = printer.to_json(&result);
            outcome
                .json
                .push(json!({ "command": command, "result": document }));
        }
        if exit == Exit::Interrupted || (exit != Exit::Ok && !line.may_fail) {
            outcome.exit = exit;
            break;
        }
    }
    outcome
}

/// Runs one command; Ctrl-C ends it.
pub(crate) async fn words(session: &Session, words: &[String]) -> Result<Reply> {
    let Some((name, rest)) = words.split_first() else {
        return Err(Error::usage("no command"));
    };
    let Some(command) = commands::find(name) else {
        return Err(Error::usage(format!("unknown command: '{name}'")));
    };
    if rest.iter().any(|word| word == "--help") {
        return Ok(commands::help_of(session, command));
    }
    let args = Args::parse(command.name, command.options, rest)?;
    tokio::select! {
        biased;
        result = (command.run)(session, &args) => result,
        _ = tokio::signal::ctrl_c() => Err(Error::Interrupted),
    }
}

/// Prints a result, in JSON as the only document.
pub(crate) fn report(session: &Session, result: &Result<Reply>) -> Exit {
    let printer = &session.printer;
    match result {
        Ok(reply) => printer.reply(reply),
        Err(error) => printer.error(error),
    }
    if printer.json {
        printer.document(&printer.to_json(result));
    }
    status(result)
}

fn status(result: &Result<Reply>) -> Exit {
    match result {
        Ok(reply) => reply.exit,
        Err(error) => error.exit(),
    }
}
