//! Splitting a line into commands and a command into words, as virsh's users
//! write them. What the words mean is in `options`.

use crate::error::{Error, Result};

/// The most bytes that one line may have.
const MAX_LINE: usize = 1 << 20;

/// One command of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its name and what follows, quotes removed.
    pub(crate) words: Vec<String>,
    /// It began with `-`: the script goes on if it fails.
    pub(crate) may_fail: bool,
}

/// Splits text into commands at `;` and line ends. `#` at the start of a word
/// begins a comment; quotes are `'…'`, `"…"` with `\"`, and `\` for one character.
///
/// # Errors
/// [`Error::Usage`] for a quote that does not end or text beyond all measure.
pub(crate) fn split(text: &str) -> Result<Vec<Line>> {
    if text.len() > MAX_LINE {
        return Err(Error::usage("the line is longer than 1 MiB"));
    }
    let mut lines = Vec::new();
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&next) = chars.peek() {
        match next {
            ';' | '\n' => {
                chars.next();
                finish(&mut lines, &mut words);
            }
            '#' => while chars.next_if(|c| *c != '\n').is_some() {},
            c if c.is_whitespace() => {
                chars.next();
            }
            _ => words.push(word(&mut chars)?),
        }
    }
    finish(&mut lines, &mut words);
    Ok(lines)
}

/// Writes words so that [`split`] reads them back.
pub(crate) fn join(words: &[String]) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,+@%?&^~*".contains(c);
    let quoted: Vec<String> = words
        .iter()
        .map(|word| {
            if !word.is_empty() && word.chars().all(plain) {
                word.clone()
            } else {
                format!("'{}'", word.replace('\'', "'\\''"))
            }
        })
        .collect();
    quoted.join(" ")
}

fn finish(lines: &mut Vec<Line>, words: &mut Vec<String>) {
    let mut words = std::mem::take(words);
    let mut may_fail = false;
    if let Some(first) = words.first_mut()
        && let Some(rest) = first.strip_prefix('-')
        && !rest.starts_with('-')
    {
        may_fail = true;
        *first = rest.to_owned();
        if first.is_empty() {
            words.remove(0);
        }
    }
    if !words.is_empty() {
        lines.push(Line { words, may_fail });
    }
}

fn word(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String> {
    let mut word = String::new();
    while let Some(c) = chars.next_if(|c| !c.is_whitespace() && *c != ';') {
        match c {
            '\'' => loop {
                match chars.next() {
                    Some('\'') => break,
                    Some(c) => word.push(c),
                    None => return Err(Error::usage("missing ' at the end of the text")),
                }
            },
            '"' => loop {
                match chars.next() {
                    Some('"') => break,
                    Some('\\') => word.extend(chars.next()),
                    Some(c) => word.push(c),
                    None => return Err(Error::usage("missing \" at the end of the text")),
                }
            },
            '\\' => match chars.next() {
                Some(c) => word.push(c),
                None => return Err(Error::usage("dangling \\")),
            },
            c => word.push(c),
        }
    }
    Ok(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        split(text)
            .unwrap()
            .into_iter()
            .map(|line| line.words)
            .collect()
    }

    #[test]
    fn commands_end_at_semicolons_and_lines() {
        assert_eq!(
            words("define a.xml; start a;;\nlist # all\n# no"),
            [vec!["define", "a.xml"], vec!["start", "a"], vec!["list"]]
        );
    }

    #[test]
    fn quotes_keep_blanks_and_semicolons() {
        assert_eq!(
            words(r#"a 'b; c' "d \" e" f\ g h'i'j ''"#),
            [vec!["a", "b; c", "d \" e", "f g", "hij", ""]]
        );
        for open in ["'a", "\"a", "a\\"] {
            assert!(split(open).is_err(), "{open}");
        }
    }

    #[test]
    fn a_dash_lets_a_command_fail() {
        let lines = split("-destroy a; - list; start a").unwrap();
        let seen: Vec<_> = lines
            .iter()
            .map(|l| (l.may_fail, l.words.join(" ")))
            .collect();
        assert_eq!(
            seen,
            [
                (true, "destroy a".to_owned()),
                (true, "list".to_owned()),
                (false, "start a".to_owned())
            ]
        );
    }

    #[test]
    fn join_is_read_back() {
        let given: Vec<String> = ["a", "b c", "", "it's", "x;y"].map(str::to_owned).to_vec();
        assert_eq!(words(&join(&given)), [given]);
    }
}
