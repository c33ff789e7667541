//! The command line of `virtxend`. Where libvirt's daemons have an option, it has
//! their name.

use crate::error::{Error, Result};
use std::path::PathBuf;

/// What `virtxend --help` says.
pub(crate) const HELP: &str = "\
virtxend: manages Xen guests for libvirt's clients.

Usage: virtxend [OPTIONS]

  -c, --connect URI     the host: xen: (this machine), xend+unix:///path,
                        xend+tcp://host:port, sim: (a simulated host)
  -s, --socket PATH     listen here instead of in /run/libvirt; clients that only
                        read come to PATH-ro
  -h, --help            this text
  -V, --version         the version
";

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// The host's URI; none for this machine.
    pub(crate) connect: Option<String>,
    /// The socket; none for libvirt's places.
    pub(crate) socket: Option<PathBuf>,
    /// Only say what the options are.
    pub(crate) help: bool,
    /// Only say the version.
    pub(crate) version: bool,
}

impl Options {
    /// Reads the words behind the program's name.
    ///
    /// # Errors
    /// Names the word that is not understood.
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut options = Self::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let (name, given) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (word.as_str(), None),
            };
            let mut value = || {
                given.clone().or_else(|| words.next()).ok_or_else(|| {
                    Error::Usage(format!("{name} needs a value; see virtxend --help"))
                })
            };
            match name {
                "-c" | "--connect" => options.connect = Some(value()?),
                "-s" | "--socket" => options.socket = Some(value()?.into()),
                "-h" | "--help" => options.help = true,
                "-V" | "--version" => options.version = true,
                _ => {
                    let message = format!("unknown option '{word}'; see virtxend --help");
                    return Err(Error::Usage(message));
                }
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Options> {
        Options::parse(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn values_come_behind_a_space_or_a_sign() {
        let options = parse(&["-c", "sim:?guests=2", "--socket=/tmp/s"]).unwrap();
        assert_eq!(options.connect.as_deref(), Some("sim:?guests=2"));
        assert_eq!(options.socket, Some("/tmp/s".into()));
        assert_eq!(parse(&["--connect=sim:?guests=2"]).unwrap().socket, None);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (words, named) in [(&["--dance"][..], "--dance"), (&["-s"], "-s")] {
            let error = parse(words).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
