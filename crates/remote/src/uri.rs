//! URIs of daemons: where the daemon is, how to get there, and what to open.
//!
//! `virtxen+TRANSPORT://…` is ours; libvirt's `xen+TRANSPORT://…/system` means the
//! same.

use crate::{Error, Result};
use std::fmt;
use std::path::PathBuf;

/// The socket of the daemon for Xen.
const SOCKET: &str = "/run/libvirt/virtxend-sock";
/// libvirt's ports.
const TCP_PORT: u16 = 16509;
const TLS_PORT: u16 = 16514;

/// Which daemon is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uri {
    /// As it was written.
    text: String,
    /// How it is reached.
    pub transport: Transport,
    /// Nothing may be changed.
    pub read_only: bool,
    /// Who one is to a daemon that asks for a name; to ssh it is the transport's.
    pub user: Option<String>,
    /// The file with names and passwords, where it is not libvirt's.
    pub authfile: Option<PathBuf>,
}

/// How a daemon is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// A UNIX socket.
    Unix(PathBuf),
    /// TCP. Nobody on the way is kept from reading and changing what is said.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// TLS.
    Tls {
        /// Name or address, which the daemon's certificate has to be for.
        host: String,
        /// Port.
        port: u16,
        /// The folder of the certificates, where it is not libvirt's.
        pkipath: Option<PathBuf>,
        /// The daemon's certificate is not looked at.
        no_verify: bool,
    },
    /// A program on another host, started by ssh.
    Ssh {
        /// The user there, where it is not ssh's own choice.
        user: Option<String>,
        /// The host, as ssh knows it.
        host: String,
        /// The port of sshd.
        port: Option<u16>,
        /// The socket on that host.
        socket: PathBuf,
        /// ssh itself.
        command: String,
        /// File with the key.
        keyfile: Option<String>,
        /// The program that carries bytes to the socket, where it is not looked for.
        netcat: Option<String>,
        /// ssh asks for nothing.
        no_tty: bool,
    },
}

impl Uri {
    /// Whether a text is the URI of a daemon, right or wrong.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.split_once(':')
            .is_some_and(|(scheme, _)| transport_word(scheme).is_some())
    }

    /// Reads a URI.
    ///
    /// # Errors
    /// [`Error::Uri`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &str| Error::Uri(format!("'{text}': {what}"));
        let parts = Parts::split(text).map_err(|what| wrong(&what))?;
        let mut options = Options::read(parts.options).map_err(|what| wrong(&what))?;
        let read_only = options.flag("readonly").map_err(|what| wrong(&what))?;
        let transport = transport(&parts, read_only, &mut options).map_err(|what| wrong(&what))?;
        let authfile = options.take("authfile").map(PathBuf::from);
        if let Some((name, _)) = options.0.first() {
            return Err(wrong(&format!("{} has no option {name}", parts.word)));
        }
        let by_ssh = matches!(transport, Transport::Ssh { .. });
        Ok(Self {
            text: text.to_owned(),
            user: parts.user.filter(|_| !by_ssh).map(decode),
            transport,
            read_only,
            authfile,
        })
    }

    /// The host that it names; none for a socket of this machine.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        match &self.transport {
            Transport::Unix(_) => None,
            Transport::Tcp { host, .. }
            | Transport::Tls { host, .. }
            | Transport::Ssh { host, .. } => Some(host),
        }
    }

    /// The place for messages: a socket or a host.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.transport {
            Transport::Unix(path) => path.display().to_string(),
            Transport::Tcp { host, port } | Transport::Tls { host, port, .. } => {
                format!("{host} port {port}")
            }
            Transport::Ssh { host, socket, .. } => format!("{} on {host}", socket.display()),
        }
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn transport_word(scheme: &str) -> Option<&str> {
    let (driver, word) = scheme.split_once('+')?;
    ["virtxen", "xen"].contains(&driver).then_some(word)
}

/// A URI in its parts.
struct Parts<'a> {
    /// Ours, where the path names the socket.
    ours: bool,
    word: &'a str,
    user: Option<&'a str>,
    host: &'a str,
    port: Option<u16>,
    path: &'a str,
    options: &'a str,
}

impl<'a> Parts<'a> {
    fn split(text: &'a str) -> std::result::Result<Self, String> {
        let (scheme, rest) = text.split_once(':').ok_or("it has no transport")?;
        let word = transport_word(scheme).ok_or("it has no transport")?;
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let slash = rest.find('/').unwrap_or(rest.len());
        let (server, path) = rest.split_at(slash);
        let (user, server) = match server.rsplit_once('@') {
            Some((user, server)) => (Some(user), server),
            None => (None, server),
        };
        let (host, port) = match server.strip_prefix('[') {
            Some(inner) => inner
                .split_once(']')
                .map(|(host, port)| (host, port.strip_prefix(':')))
                .ok_or("the address has no ]")?,
            None => match server.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (server, None),
            },
        };
        let port = port.map(|port| port.parse().map_err(|_| format!("'{port}' is no port")));
        let odd = |word: &str| word.starts_with('-') || word.contains([' ', '\0', '\n']);
        if odd(host) || user.is_some_and(odd) {
            return Err("this is no name of a host".to_owned());
        }
        Ok(Self {
            ours: scheme.starts_with("virtxen"),
            word,
            user,
            host,
            port: port.transpose()?,
            path,
            options,
        })
    }

    /// The socket that the path names, where it does.
    fn socket(&self) -> Option<PathBuf> {
        let named = self.ours && !["", "/", "/system"].contains(&self.path);
        named.then(|| decode(self.path).into())
    }
}

/// What stands behind the question mark.
struct Options(Vec<(String, String)>);

impl Options {
    fn read(text: &str) -> std::result::Result<Self, String> {
        let options = text.split(['&', ';']).filter(|option| !option.is_empty());
        let pair = |option: &str| -> std::result::Result<_, String> {
            let (name, value) = option
                .split_once('=')
                .ok_or_else(|| format!("option {option} has no value"))?;
            Ok((decode(name), decode(value)))
        };
        Ok(Self(
            options.map(pair).collect::<std::result::Result<_, _>>()?,
        ))
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(option, _)| option == name)?;
        Some(self.0.remove(at).1)
    }

    fn flag(&mut self, name: &str) -> std::result::Result<bool, String> {
        match self.take(name).as_deref() {
            None | Some("0") => Ok(false),
            Some("1") => Ok(true),
            Some(other) => Err(format!("{name} is 0 or 1, not {other}")),
        }
    }
}

fn transport(
    parts: &Parts<'_>,
    read_only: bool,
    options: &mut Options,
) -> std::result::Result<Transport, String> {
    let default = || match read_only {
        true => PathBuf::from(format!("{SOCKET}-ro")),
        false => PathBuf::from(SOCKET),
    };
    let socket = |options: &mut Options| {
        let named = options.take("socket").map(PathBuf::from);
        named.or_else(|| parts.socket()).unwrap_or_else(default)
    };
    let host = || match parts.host {
        "" => Err("the host is missing".to_owned()),
        host => Ok(host.to_owned()),
    };
    match parts.word {
        "unix" if !parts.host.is_empty() => {
            Err("the path of the socket begins behind three slashes".to_owned())
        }
        "unix" => Ok(Transport::Unix(socket(options))),
        "tcp" => Ok(Transport::Tcp {
            host: host()?,
            port: parts.port.unwrap_or(TCP_PORT),
        }),
        "tls" => Ok(Transport::Tls {
            host: host()?,
            port: parts.port.unwrap_or(TLS_PORT),
            pkipath: options.take("pkipath").map(PathBuf::from),
            no_verify: options.flag("no_verify")?,
        }),
        "ssh" => Ok(Transport::Ssh {
            user: parts.user.map(decode),
            host: host()?,
            port: parts.port,
            socket: socket(options),
            command: options.take("command").unwrap_or_else(|| "ssh".to_owned()),
            keyfile: options.take("keyfile"),
            netcat: options.take("netcat"),
            no_tty: options.flag("no_tty")?,
        }),
        other => Err(format!(
            "the transport is unix, tcp, tls or ssh, not {other}"
        )),
    }
}

/// Replaces `%2F` and its like.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = match code {
            Some(_) => tail.get(2..).unwrap_or_default(),
            None => tail,
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transport(text: &str) -> Transport {
        Uri::parse(text).unwrap().transport
    }

    #[test]
    fn sockets_are_found() {
        let unix = |path: &str| Transport::Unix(path.into());
        for (text, path) in [
            ("virtxen+unix:///run/v", "/run/v"),
            ("virtxen+unix:///", SOCKET),
            ("virtxen+unix:", SOCKET),
            (
                "virtxen+unix:///?readonly=1",
                "/run/libvirt/virtxend-sock-ro",
            ),
            ("virtxen+unix:///a%20b", "/a b"),
            ("xen+unix:///system", SOCKET),
            ("xen+unix:///system?socket=/tmp/s", "/tmp/s"),
        ] {
            assert_eq!(transport(text), unix(path), "{text}");
        }
        assert!(
            Uri::parse("virtxen+unix:///s?readonly=1")
                .unwrap()
                .read_only
        );
    }

    #[test]
    fn hosts_have_names_addresses_and_ports() {
        let Transport::Tls {
            host,
            port,
            pkipath,
            ..
        } = transport("virtxen+tls://xen1/?pkipath=/p")
        else {
            panic!("not TLS");
        };
        assert_eq!(
            (host.as_str(), port, pkipath),
            ("xen1", 16514, Some("/p".into()))
        );
        let tcp = |host: &str, port| Transport::Tcp {
            host: host.to_owned(),
            port,
        };
        assert_eq!(transport("virtxen+tcp://[::1]:7"), tcp("::1", 7));
        assert_eq!(transport("xen+tcp://a/system"), tcp("a", 16509));
        let Transport::Ssh {
            user, host, port, ..
        } = transport("virtxen+ssh://root@xen1:22/")
        else {
            panic!("not ssh");
        };
        assert_eq!((user.as_deref(), host.as_str()), (Some("root"), "xen1"));
        assert_eq!(port, Some(22));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, words) in [
            ("virtxen+smoke://a", "unix, tcp, tls or ssh"),
            ("virtxen+tls:///", "host is missing"),
            ("virtxen+unix://host/path", "three slashes"),
            ("virtxen+tcp://a:b/", "'b' is no port"),
            ("virtxen+tcp://a/?shine=1", "no option shine"),
            ("virtxen+unix:///?readonly=yes", "0 or 1"),
            ("virtxen+ssh://-oProxyCommand=x/", "no name of a host"),
        ] {
            assert!(Uri::is_meant(text));
            let error = Uri::parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        assert!(!Uri::is_meant("xen:///system") && !Uri::is_meant("xend+unix:///x"));
    }
}
