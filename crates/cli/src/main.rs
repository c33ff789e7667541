//! virtxen, the command line: manages Xen guests from libvirt's domain XML.
//!
//! Here are the options that come before the command; commands are in `commands`,
//! what they ask a host is in `virtxen-driver`.
#![forbid(unsafe_code)]

mod color;
mod commands;
mod complete;
mod connect;
mod document;
mod error;
mod exit;
mod json;
mod options;
mod output;
mod password;
mod progress;
mod run;
mod script;
mod shell;
mod table;
mod terminal;
mod time;
mod usage;

use connect::Session;
use error::{Error, Result};
use exit::Exit;
use output::Printer;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    if let Some(exit) = virtxen_connect::call_libxl() {
        return exit;
    }
    let words: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            output::err(&format!("error: cannot start: {error}\n"));
            return ExitCode::from(Exit::Failed.code());
        }
    };
    let exit = runtime.block_on(start(words));
    // Somebody may still wait for a key in a thread of its own; and taking a large
    // simulated host apart would only take time.
    std::mem::forget(runtime);
    ExitCode::from(exit.code())
}

async fn start(words: Vec<String>) -> Exit {
    let json = words.iter().any(|word| word == "--json");
    let globals = match Globals::parse(words) {
        Ok(globals) => globals,
        Err(error) => {
            let session = Session::new(Printer::new(json, false), None);
            return run::report(&session, &Err(error));
        }
    };
    let mut session = Session::new(Printer::new(globals.json, globals.quiet), globals.connect);
    session.strict = globals.strict;
    session.trace = globals.trace;
    session.timeout = globals.timeout;
    if globals.command.is_empty() {
        let shell = ["shell".to_owned()];
        return run::command_line(&session, &shell).await;
    }
    run::command_line(&session, &globals.command).await
}

/// The options that come before the command.
#[derive(Debug, Default, PartialEq)]
struct Globals {
    connect: Option<String>,
    json: bool,
    strict: bool,
    trace: bool,
    quiet: bool,
    timeout: Option<Duration>,
    command: Vec<String>,
}

impl Globals {
    fn parse(words: Vec<String>) -> Result<Self> {
        let mut globals = Self::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (word.as_str(), None),
            };
            match name {
                "-c" | "--connect" => globals.connect = Some(given(name, value, &mut words)?),
                "-t" | "--timeout" => {
                    globals.timeout = Some(seconds(&given(name, value, &mut words)?)?);
                }
                _ if value.is_some() && name.starts_with('-') => {
                    return Err(Error::usage(format!(
                        "unsupported option '{word}'. See --help."
                    )));
                }
                "--json" => globals.json = true,
                "--strict" => globals.strict = true,
                "--trace" => globals.trace = true,
                "-q" | "--quiet" => globals.quiet = true,
                "-h" | "--help" => globals.command = vec!["help".to_owned()],
                "-v" | "-V" | "--version" => {
                    globals.command = vec!["version".to_owned(), "--program".to_owned()];
                }
                "--" => {
                    globals.command.extend(words.by_ref());
                }
                _ if name.starts_with('-') && name.len() > 1 && !name.contains(' ') => {
                    return Err(Error::usage(format!(
                        "unsupported option '{word}'. See --help."
                    )));
                }
                _ => {
                    if globals.command.is_empty() {
                        globals.command.push(word);
                    }
                    globals.command.extend(words.by_ref());
                }
            }
        }
        globals.take_trailing_json();
        Ok(globals)
    }

    /// `--json` is understood behind the command too: `virtxen list --json`.
    fn take_trailing_json(&mut self) {
        let before = self.command.len();
        self.command.retain(|word| word != "--json");
        self.json |= self.command.len() < before;
    }
}

fn given(
    name: &str,
    value: Option<String>,
    words: &mut impl Iterator<Item = String>,
) -> Result<String> {
    value
        .or_else(|| words.next())
        .ok_or_else(|| Error::usage(format!("option '{name}' requires an argument")))
}

fn seconds(text: &str) -> Result<Duration> {
    text.parse::<f64>()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|limit| !limit.is_zero())
        .ok_or_else(|| Error::usage(format!("'{text}' is no number of seconds")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Globals> {
        Globals::parse(
            line.split(' ')
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect(),
        )
    }

    #[test]
    fn options_before_the_command() {
        let globals = parse("-c sim: --timeout=2 -q list --all --json").unwrap();
        assert_eq!(globals.connect.as_deref(), Some("sim:"));
        assert_eq!(globals.timeout, Some(Duration::from_secs(2)));
        assert!(globals.quiet && globals.json && !globals.strict);
        assert_eq!(globals.command, ["list", "--all"]);
    }

    #[test]
    fn wrong_ones_are_named() {
        for (line, message) in [
            ("--frob list", "unsupported option '--frob'. See --help."),
            (
                "--json=1 list",
                "unsupported option '--json=1'. See --help.",
            ),
            ("-c", "option '-c' requires an argument"),
            ("-t x list", "'x' is no number of seconds"),
        ] {
            assert_eq!(parse(line).unwrap_err().to_string(), message);
        }
    }
}
