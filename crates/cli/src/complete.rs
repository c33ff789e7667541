//! Completion in the shell: commands, then options, domains, words and files as
//! the command's table entry says.

use crate::commands::{self, Command, Group};
use crate::options::{Kind, Opt};
use rustyline::completion::{Completer as Complete, FilenameCompleter, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

/// What Tab offers.
#[derive(Default)]
pub(crate) struct Completer {
    /// Names of the domains that there are.
    pub(crate) domains: Vec<String>,
    files: FilenameCompleter,
}

/// What can stand at a place.
#[derive(Debug, PartialEq)]
enum Offer {
    Words(Vec<String>),
    Files,
}

impl Complete for Completer {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = line.get(..at).unwrap_or(line);
        let begin = before.rfind([' ', '\t', ';']).map_or(0, |space| space + 1);
        let word = before.get(begin..).unwrap_or_default();
        match offer(before, &self.domains) {
            Offer::Files => self.files.complete(line, at, context),
            Offer::Words(words) => {
                let pairs = words
                    .into_iter()
                    .filter(|candidate| candidate.starts_with(word))
                    .map(|word| Pair {
                        display: word.clone(),
                        replacement: word + " ",
                    })
                    .collect();
                Ok((begin, pairs))
            }
        }
    }
}

impl Hinter for Completer {
    type Hint = String;
}

impl Highlighter for Completer {}
impl Validator for Completer {}
impl Helper for Completer {}

/// What can stand where the line ends.
fn offer(before: &str, domains: &[String]) -> Offer {
    let command = before.rsplit(';').next().unwrap_or_default();
    let mut words: Vec<&str> = command.split_whitespace().collect();
    let word = if command.ends_with(char::is_whitespace) {
        ""
    } else {
        words.pop().unwrap_or("")
    };
    let Some((name, given)) = words.split_first() else {
        let shown = commands::all().filter(|command| command.group != Group::Hidden);
        let mut names: Vec<String> = shown.map(|command| command.name.to_owned()).collect();
        names.push("quit".to_owned());
        return Offer::Words(names);
    };
    let Some(command) = commands::find(name.trim_start_matches('-')) else {
        return Offer::Files;
    };
    if word.starts_with('-') {
        let free = command.options.iter().filter(|option| {
            option.is_repeated() || !given.contains(&format!("--{}", option.name).as_str())
        });
        return Offer::Words(free.map(|option| format!("--{}", option.name)).collect());
    }
    match expected(command, given).map(|option| option.kind) {
        Some(Kind::Domain) => Offer::Words(domains.to_vec()),
        Some(Kind::Word(words)) => {
            Offer::Words(words.iter().map(|word| (*word).to_owned()).collect())
        }
        Some(Kind::Command) => Offer::Words(
            commands::all()
                .map(|command| command.name.to_owned())
                .collect(),
        ),
        _ => Offer::Files,
    }
}

/// The option whose value comes next.
fn expected(command: &Command, given: &[&str]) -> Option<&'static Opt> {
    let option = |word: &str| {
        command
            .options
            .iter()
            .find(|o| word.strip_prefix("--") == Some(o.name))
    };
    let mut free = command.options.iter().filter(|option| {
        option.is_positional()
            && !given
                .iter()
                .any(|w| w.strip_prefix("--") == Some(option.name))
    });
    let mut next = free.next();
    let mut words = given.iter().peekable();
    while let Some(word) = words.next() {
        match option(word) {
            Some(named) if named.kind == Kind::Flag => {}
            Some(named) => {
                if words.next().is_none() {
                    return Some(named);
                }
            }
            None if next.is_some_and(Opt::is_repeated) => {}
            None => next = free.next(),
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        match offer(line, &["web".to_owned(), "mail".to_owned()]) {
            Offer::Words(words) => words,
            Offer::Files => vec!["FILES".to_owned()],
        }
    }

    #[test]
    fn what_fits_is_offered() {
        assert!(words("sta").contains(&"start".to_owned()));
        assert!(words("list; ").contains(&"quit".to_owned()));
        assert_eq!(words("start "), ["web", "mail"]);
        assert_eq!(words("start --paused w"), ["web", "mail"]);
        assert_eq!(words("shutdown web "), ["paravirt", "acpi"]);
        assert_eq!(words("define "), ["FILES"]);
        assert!(words("list --").contains(&"--all".to_owned()));
        assert!(!words("list --all --").contains(&"--all".to_owned()));
        assert_eq!(words("event --domain "), ["web", "mail"]);
        assert_eq!(words("save web "), ["FILES"]);
    }
}
