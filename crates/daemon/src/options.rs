//! The command line of `virtxend`. Where libvirt's daemons have an option, it has
//! their name.

use crate::error::{Error, Result};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What `virtxend --help` says.
pub(crate) const HELP: &str = "\
virtxend: manages Xen guests for libvirt's clients.

Usage: virtxend [OPTIONS]

  -c, --connect URI     the host: xen: (this machine), xend+unix:///path,
                        xend+tcp://host:port, sim: (a simulated host)
  -s, --socket PATH     listen here instead of in /run/libvirt; clients that only
                        read come to PATH-ro
  -f, --config FILE     settings in the format of libvirt's daemons instead of
                        /etc/libvirt/virtxend.conf
  -o, --others FOLDER   where the sockets of libvirt's other daemons are, which
                        have networks, storage and the like: /run/libvirt; a
                        simulated host has none without it
  -r, --root DIR        libvirt's folders (etc/libvirt/libxl, ...) are below this one
                        instead of /; for tests and second daemons
  -l, --listen          listen for other machines too, as the settings say: TLS on
                        port 16514, TCP on port 16509
      --prometheus ADDRESS:PORT
                        let Prometheus read metrics there over HTTP; nobody has to
                        prove who he is
  -t, --timeout SECONDS end when there has been no client for so long
      --add-user NAME   add a user who may come with a password, or give one a new
                        password, which standard input has; then end
      --remove-user NAME
                        take a user away; then end
  -h, --help            this text
  -V, --version         the version
";

/// What becomes of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UserChange {
    /// There is one with this name and a new password.
    Add(String),
    /// There is none with this name.
    Remove(String),
}

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// The host's URI; none for this machine.
    pub(crate) connect: Option<String>,
    /// The socket; none for libvirt's places.
    pub(crate) socket: Option<PathBuf>,
    /// The configuration file; none for libvirt's, if it is there.
    pub(crate) config: Option<PathBuf>,
    /// The folder of other daemons' sockets; none for libvirt's, if the host is real.
    pub(crate) others: Option<PathBuf>,
    /// What libvirt's folders are below; none for the host's own.
    pub(crate) root: Option<PathBuf>,
    /// Whether to listen for other machines.
    pub(crate) listen: bool,
    /// Where Prometheus may ask; none for what the settings say.
    pub(crate) prometheus: Option<SocketAddr>,
    /// How long to go on without clients; none for ever.
    pub(crate) timeout: Option<Duration>,
    /// Only change who may come with a password.
    pub(crate) user: Option<UserChange>,
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
            let is_alone = given.is_none();
            let mut value = || {
                given.clone().or_else(|| words.next()).ok_or_else(|| {
                    Error::Usage(format!("{name} needs a value; see virtxend --help"))
                })
            };
            match name {
                "-c" | "--connect" => options.connect = Some(value()?),
                "-s" | "--socket" => options.socket = Some(value()?.into()),
                "-f" | "--config" => options.config = Some(value()?.into()),
                "-o" | "--others" => options.others = Some(value()?.into()),
                "-r" | "--root" => options.root = Some(value()?.into()),
                "--prometheus" => options.prometheus = Some(address(&value()?)?),
                "-t" | "--timeout" => options.timeout = Some(seconds(&value()?)?),
                "--add-user" => options.user = Some(UserChange::Add(value()?)),
                "--remove-user" => options.user = Some(UserChange::Remove(value()?)),
                "-l" | "--listen" if is_alone => options.listen = true,
                "-h" | "--help" if is_alone => options.help = true,
                "-V" | "--version" if is_alone => options.version = true,
                _ => {
                    let message = format!("unknown option '{word}'; see virtxend --help");
                    return Err(Error::Usage(message));
                }
            }
        }
        Ok(options)
    }
}

fn address(text: &str) -> Result<SocketAddr> {
    let address = text.parse();
    address.map_err(|_| Error::Usage(format!("--prometheus needs ADDRESS:PORT, not '{text}'")))
}

fn seconds(text: &str) -> Result<Duration> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0);
    let seconds: Option<u32> = seconds;
    seconds
        .map(|seconds| Duration::from_secs(seconds.into()))
        .ok_or_else(|| Error::Usage(format!("--timeout needs seconds from 1, not '{text}'")))
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
        for (words, named) in [
            (&["--dance"][..], "--dance"),
            (&["-s"], "-s"),
            (&["--help=x"], "--help=x"),
            (&["-t", "0"], "'0'"),
            (&["--prometheus", "9177"], "'9177'"),
        ] {
            let error = parse(words).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
