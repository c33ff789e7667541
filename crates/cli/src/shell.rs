//! The interactive shell: a prompt, a history, completion. Scripts are run by
//! `run`; what Tab offers is in `complete`.

use crate::complete::Completer;
use crate::connect::Session;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::{run, script};
use rustyline::config::Configurer;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{CompletionType, Config, Editor};
use std::path::PathBuf;

/// The most lines of history.
const HISTORY: usize = 1000;

/// Reads and runs commands until `quit` or the end of the input.
///
/// # Errors
/// When the terminal cannot be used.
pub(crate) async fn interactive(session: &Session) -> Result<Exit> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .build();
    let mut editor: Editor<Completer, DefaultHistory> =
        Editor::with_config(config).map_err(|error| terminal(&error))?;
    // Lines that begin with a blank are kept out, as shells do.
    editor.set_history_ignore_space(true);
    editor
        .set_max_history_size(HISTORY)
        .map_err(|error| terminal(&error))?;
    editor.set_helper(Some(Completer::default()));
    let history = history_file();
    if let Some(file) = &history {
        // There is none at the first time.
        let _ = editor.load_history(file);
    }
    session
        .printer
        .out("Type 'help' for the commands, 'quit' to leave.\n\n");
    loop {
        refresh(session, &mut editor).await;
        match editor.readline("virtxen # ") {
            Ok(line) => {
                // A history that cannot grow is no reason to stop.
                let _ = editor.add_history_entry(line.as_str());
                if !run_line(session, &line).await {
                    break;
                }
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(terminal(&error)),
        }
    }
    if let Some(file) = &history {
        save_history(&mut editor, file);
    }
    Ok(Exit::Ok)
}

/// Runs what was typed; false when it was `quit`.
async fn run_line(session: &Session, line: &str) -> bool {
    let lines = match script::split(line) {
        Ok(lines) => lines,
        Err(error) => {
            session.printer.error(&error);
            return true;
        }
    };
    for line in lines {
        match line.words.first().map(String::as_str) {
            Some("quit" | "exit") => return false,
            _ => {
                let exit = Box::pin(run::single(session, &line)).await;
                if exit != Exit::Ok && !line.may_fail {
                    break;
                }
            }
        }
    }
    true
}

/// Tells the completion which domains there are now, if the host answers quickly.
async fn refresh(session: &Session, editor: &mut Editor<Completer, DefaultHistory>) {
    let Some(names) = session.known_domains().await else {
        return;
    };
    if let Some(helper) = editor.helper_mut() {
        helper.domains = names;
    }
}

/// `$XDG_STATE_HOME/virtxen/history`; none without a home.
fn history_file() -> Option<PathBuf> {
    let state = match std::env::var_os("XDG_STATE_HOME") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => PathBuf::from(std::env::var_os("HOME")?).join(".local/state"),
    };
    Some(state.join("virtxen/history"))
}

fn save_history(editor: &mut Editor<Completer, DefaultHistory>, file: &std::path::Path) {
    let saved = file
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .is_ok_and(|()| editor.save_history(file).is_ok());
    if !saved {
        crate::output::err(&format!(
            "warning: cannot write the history {}\n",
            file.display()
        ));
    }
}

fn terminal(error: &ReadlineError) -> Error {
    Error::Failed(format!("cannot use the terminal: {error}"))
}
