//! The grammar of a command's options and the values that were given.
//!
//! One table entry says what a command takes; parsing, help, completion, the man
//! page and the documentation read the same entry. Splitting a line into words is
//! in `script`, what the commands are in `commands`.

use crate::error::{Error, Result};
use virtxen_guest::MemoryKib;

/// One option of a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opt {
    /// Name without dashes.
    pub(crate) name: &'static str,
    /// What it takes.
    pub(crate) kind: Kind,
    /// How it may be given.
    pub(crate) rule: Rule,
    /// One line for people.
    pub(crate) help: &'static str,
}

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing.
    Flag,
    /// A domain: name, number or UUID.
    Domain,
    /// A file name.
    File,
    /// The name of a command of virtxen.
    Command,
    /// A whole number.
    Number,
    /// An amount of memory, KiB without a unit.
    Size,
    /// Any text; the word stands for it in the synopsis.
    Text(&'static str),
    /// One of these words.
    Word(&'static [&'static str]),
}

/// How an option may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// It must be there, by name or by position.
    Required,
    /// By name or by position.
    Optional,
    /// By name only.
    Named,
    /// As often as wanted, by position or by name; comes last.
    Repeated,
    /// As `Repeated`, at least once.
    OneOrMore,
}

/// An option that takes nothing.
pub(crate) const fn flag(name: &'static str, help: &'static str) -> Opt {
    Opt {
        name,
        kind: Kind::Flag,
        rule: Rule::Named,
        help,
    }
}

/// An option that must be there, by name or by position.
pub(crate) const fn required(name: &'static str, kind: Kind, help: &'static str) -> Opt {
    Opt {
        name,
        kind,
        rule: Rule::Required,
        help,
    }
}

/// An option that may be there, by name or by position.
pub(crate) const fn optional(name: &'static str, kind: Kind, help: &'static str) -> Opt {
    Opt {
        name,
        kind,
        rule: Rule::Optional,
        help,
    }
}

/// An option that may be there, by name.
pub(crate) const fn named(name: &'static str, kind: Kind, help: &'static str) -> Opt {
    Opt {
        name,
        kind,
        rule: Rule::Named,
        help,
    }
}

/// An option that may be there several times.
pub(crate) const fn repeated(name: &'static str, kind: Kind, help: &'static str) -> Opt {
    Opt {
        name,
        kind,
        rule: Rule::Repeated,
        help,
    }
}

/// An option that is there once or more.
pub(crate) const fn one_or_more(name: &'static str, kind: Kind, help: &'static str) -> Opt {
    Opt {
        name,
        kind,
        rule: Rule::OneOrMore,
        help,
    }
}

/// The domain a command is about.
pub(crate) const DOMAIN: Opt =
    required("domain", Kind::Domain, "name, number or UUID of the domain");
/// Change the guest at its next start.
pub(crate) const CONFIG: Opt = flag("config", "change the definition: holds from the next start");
/// Change the running domain.
pub(crate) const LIVE: Opt = flag("live", "change the running domain");
/// Change what there is.
pub(crate) const CURRENT: Opt = flag(
    "current",
    "change the domain if it runs, else its definition (default)",
);
/// Change both.
pub(crate) const PERSISTENT: Opt = flag(
    "persistent",
    "change the definition, and the running domain if there is one",
);
/// Print instead of doing.
pub(crate) const PRINT_XML: Opt = flag("print-xml", "print the device's XML, change nothing");

impl Opt {
    /// Whether a bare word can be its value.
    pub(crate) fn is_positional(&self) -> bool {
        self.kind != Kind::Flag && self.rule != Rule::Named
    }

    /// Whether it may be given more than once.
    pub(crate) fn is_repeated(&self) -> bool {
        matches!(self.rule, Rule::Repeated | Rule::OneOrMore)
    }

    /// Whether the command needs it.
    pub(crate) fn is_required(&self) -> bool {
        matches!(self.rule, Rule::Required | Rule::OneOrMore)
    }

    /// What stands for its value, `None` for a flag.
    pub(crate) fn value_name(&self) -> Option<String> {
        match self.kind {
            Kind::Flag => None,
            Kind::Domain => Some("domain".to_owned()),
            Kind::File => Some("file".to_owned()),
            Kind::Command => Some("command".to_owned()),
            Kind::Number => Some("number".to_owned()),
            Kind::Size => Some("size".to_owned()),
            Kind::Text(word) => Some(word.to_owned()),
            Kind::Word(words) => Some(words.join("|")),
        }
    }

    /// As it stands in a synopsis: `<domain>`, `[--mode <text>]`, `[--all]`.
    pub(crate) fn synopsis(&self) -> String {
        match (self.rule, self.value_name()) {
            (_, None) => format!("[{}]", self.dashed()),
            (Rule::Required, _) => format!("<{}>", self.name),
            (Rule::Optional | Rule::Named, Some(value)) => {
                format!("[{} <{value}>]", self.dashed())
            }
            (Rule::Repeated, _) => format!("[<{}>]...", self.name),
            (Rule::OneOrMore, _) => format!("<{}>...", self.name),
        }
    }

    /// The name with its dashes.
    fn dashed(&self) -> String {
        match self.name.len() {
            1 => format!("-{}", self.name),
            _ => format!("--{}", self.name),
        }
    }

    /// As it stands in a list of options: `[--domain] <domain>`, `--all`.
    pub(crate) fn usage(&self) -> String {
        match self.value_name() {
            None => self.dashed(),
            Some(value) if self.is_positional() => format!("[{}] <{value}>", self.dashed()),
            Some(value) => format!("{} <{value}>", self.dashed()),
        }
    }
}

/// The values that were given to a command.
#[derive(Clone, Debug)]
pub(crate) struct Args {
    command: &'static str,
    given: Vec<(&'static str, String)>,
}

impl Args {
    /// Reads the words after the command's name.
    ///
    /// # Errors
    /// [`Error::Usage`] for what the table does not allow.
    pub(crate) fn parse(
        command: &'static str,
        options: &'static [Opt],
        words: &[String],
    ) -> Result<Self> {
        let mut args = Self {
            command,
            given: Vec::new(),
        };
        let mut words = words.iter();
        let mut only_values = false;
        while let Some(word) = words.next() {
            // Options with one letter may have one dash.
            let letter = word.strip_prefix('-').filter(|name| {
                name.len() == 1 && options.iter().any(|option| option.name == *name)
            });
            match word.strip_prefix("--").or(letter) {
                Some("") if !only_values => only_values = true,
                Some(name) if !only_values => args.take_named(options, name, &mut words)?,
                _ => args.take_positional(options, word)?,
            }
        }
        for option in options {
            if option.is_required() && !args.flag(option.name) {
                let name = option.name;
                return Err(Error::usage(format!(
                    "command '{command}' requires <{name}> option"
                )));
            }
        }
        Ok(args)
    }

    fn take_named<'a>(
        &mut self,
        options: &'static [Opt],
        word: &str,
        words: &mut impl Iterator<Item = &'a String>,
    ) -> Result<()> {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        let command = self.command;
        let Some(option) = options.iter().find(|option| option.name == name) else {
            return Err(Error::usage(format!(
                "command '{command}' doesn't support option --{name}"
            )));
        };
        let value = match (option.value_name(), value) {
            (None, None) => String::new(),
            (None, Some(_)) => {
                return Err(Error::usage(format!("option --{name} takes no value")));
            }
            (Some(_), Some(value)) => value.to_owned(),
            (Some(wanted), None) => words
                .next()
                .cloned()
                .ok_or_else(|| Error::usage(format!("expected syntax: --{name} <{wanted}>")))?,
        };
        self.store(option, value)
    }

    fn take_positional(&mut self, options: &'static [Opt], word: &str) -> Result<()> {
        let free = options.iter().find(|option| {
            option.is_positional() && (option.is_repeated() || !self.flag(option.name))
        });
        match free {
            Some(option) => self.store(option, word.to_owned()),
            None => Err(Error::usage(format!("unexpected data '{word}'"))),
        }
    }

    fn store(&mut self, option: &'static Opt, value: String) -> Result<()> {
        let name = option.name;
        if !option.is_repeated() && self.flag(name) {
            return Err(Error::usage(format!("option --{name} already seen")));
        }
        match option.kind {
            Kind::Number if value.parse::<u64>().is_err() => {
                return Err(Error::usage(format!(
                    "Numeric value '{value}' for <{name}> option is malformed or out of range"
                )));
            }
            Kind::Size => {
                size(name, &value)?;
            }
            Kind::Word(words) if !words.contains(&value.as_str()) => {
                return Err(Error::usage(format!(
                    "'{value}' is no value for option --{name}: {}",
                    words.join(", ")
                )));
            }
            _ => {}
        }
        self.given.push((name, value));
        Ok(())
    }

    /// Whether the option was given.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.text(name).is_some()
    }

    /// The option's value.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.given
            .iter()
            .find(|(given, _)| *given == name)
            .map(|(_, value)| value.as_str())
    }

    /// The value of an option that must be there.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is not.
    pub(crate) fn required(&self, name: &str) -> Result<&str> {
        self.text(name).ok_or_else(|| {
            Error::usage(format!(
                "command '{}' requires <{name}> option",
                self.command
            ))
        })
    }

    /// All values of a repeated option.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.given
            .iter()
            .filter(move |(given, _)| *given == name)
            .map(|(_, value)| value.as_str())
    }

    /// The number that was given.
    ///
    /// # Errors
    /// [`Error::Usage`] when it does not fit.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>> {
        self.text(name)
            .map(|text| {
                text.parse().map_err(|_| {
                    Error::usage(format!(
                        "Numeric value '{text}' for <{name}> option is malformed or out of range"
                    ))
                })
            })
            .transpose()
    }

    /// The amount of memory that was given, KiB without a unit.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is none.
    pub(crate) fn size(&self, name: &str) -> Result<Option<MemoryKib>> {
        self.text(name).map(|text| size(name, text)).transpose()
    }

    /// Which of `--live`, `--config`, `--current` and `--persistent` were given.
    ///
    /// # Errors
    /// [`Error::Usage`] when they exclude each other.
    pub(crate) fn exclusive(&self, one: &str, other: &str) -> Result<()> {
        if self.flag(one) && self.flag(other) {
            return Err(Error::usage(format!(
                "Options --{one} and --{other} are mutually exclusive"
            )));
        }
        Ok(())
    }
}

/// Reads an amount of memory: `k`, `KiB` and nothing are KiB, `KB` is 1000 bytes, and so on.
fn size(name: &str, text: &str) -> Result<MemoryKib> {
    let wrong = || {
        Error::usage(format!(
            "Scaled numeric value '{text}' for <{name}> option is malformed or out of range"
        ))
    };
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let bytes: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "k" | "kib" => 1 << 10,
        "b" | "byte" | "bytes" => 1,
        "kb" => 1_000,
        "m" | "mib" => 1 << 20,
        "mb" => 1_000_000,
        "g" | "gib" => 1 << 30,
        "gb" => 1_000_000_000,
        "t" | "tib" => 1 << 40,
        "tb" => 1_000_000_000_000,
        _ => return Err(wrong()),
    };
    let bytes = number.checked_mul(bytes).ok_or_else(wrong)?;
    Ok(MemoryKib(bytes.div_ceil(1024)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &[Opt] = &[
        DOMAIN,
        optional("mode", Kind::Word(&["acpi", "agent"]), ""),
        named("size", Kind::Size, ""),
        flag("all", ""),
        repeated("set", Kind::Text("parameter=value"), ""),
    ];

    fn parse(line: &str) -> Result<Args> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Args::parse("try", OPTIONS, &words)
    }

    #[test]
    fn positions_and_names_mix() {
        let args = parse("--mode=acpi web --all a=1 b=2").unwrap();
        assert_eq!(args.text("domain"), Some("web"));
        assert_eq!(args.text("mode"), Some("acpi"));
        assert!(args.flag("all"));
        assert_eq!(args.all("set").collect::<Vec<_>>(), ["a=1", "b=2"]);
    }

    #[test]
    fn two_dashes_end_the_options() {
        assert_eq!(parse("-- --all").unwrap().text("domain"), Some("--all"));
    }

    #[test]
    fn wrong_use_is_named() {
        for (line, message) in [
            ("", "command 'try' requires <domain> option"),
            ("web --frob", "command 'try' doesn't support option --frob"),
            ("web --all=1", "option --all takes no value"),
            ("web --all --all", "option --all already seen"),
            ("web --size", "expected syntax: --size <size>"),
            (
                "web --mode x",
                "'x' is no value for option --mode: acpi, agent",
            ),
            (
                "web --size 1x",
                "Scaled numeric value '1x' for <size> option is malformed or out of range",
            ),
        ] {
            assert_eq!(parse(line).unwrap_err().to_string(), message, "{line}");
        }
    }

    #[test]
    fn sizes_have_units() {
        for (text, kib) in [("1024", 1024), ("1M", 1024), ("2GiB", 2 << 20), ("1kb", 1)] {
            assert_eq!(size("size", text).unwrap(), MemoryKib(kib), "{text}");
        }
        assert!(size("size", "99999999999T").is_err());
    }
}
