//! Connection URIs: which host is meant. Opening it is in the crate's root.

use crate::{Error, Result};
use std::fmt;
use std::path::{Path, PathBuf};

/// The variable that names the host when `--connect` does not.
pub const VARIABLE: &str = "VIRTXEN_DEFAULT_URI";

/// The socket of XenD where nobody chose another one.
const XEND_SOCKET: &str = "/var/lib/xend/xend-socket";

/// Which host is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uri {
    /// The Xen host that virtxen runs on.
    Xen {
        /// The folder of xm's files, where it is not the usual one.
        xm_dir: Option<PathBuf>,
    },
    /// Only a xenstored, on a UNIX socket.
    XenStore(PathBuf),
    /// XenD on a UNIX socket.
    XendUnix {
        /// The socket.
        socket: PathBuf,
        /// The folder of xm's files, if it is known.
        xm_dir: Option<PathBuf>,
    },
    /// XenD on a TCP port.
    XendTcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A host in memory: the whole URI, options included.
    Sim(String),
}

impl Uri {
    /// Reads a URI.
    ///
    /// # Errors
    /// [`Error::Usage`] for one that virtxen does not know.
    pub fn parse(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some(("xen", rest)) => xen(text, rest),
            Some(("xend+unix", rest)) => unix(text, rest),
            Some(("xend+tcp", rest)) => tcp(text, rest),
            Some(("sim", rest)) => Ok(sim(rest)),
            _ => Err(unknown(text)),
        }
    }
}

impl Uri {
    /// Whether it names this machine's own host.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Self::Xen { .. } => true,
            Self::XendUnix { socket, .. } => socket == Path::new(XEND_SOCKET),
            _ => false,
        }
    }
}

impl Default for Uri {
    fn default() -> Self {
        Self::Xen { xm_dir: None }
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Xen { xm_dir } => {
                f.write_str("xen:///system")?;
                write_option(f, "xm-dir", xm_dir.as_deref())
            }
            Self::XenStore(path) => {
                f.write_str("xen:///system")?;
                write_option(f, "xenstore", Some(path))
            }
            Self::XendUnix { socket, xm_dir } => {
                write!(f, "xend+unix://{}", socket.display())?;
                write_option(f, "xm-dir", xm_dir.as_deref())
            }
            Self::XendTcp { host, port } if host.contains(':') => {
                write!(f, "xend+tcp://[{host}]:{port}")
            }
            Self::XendTcp { host, port } => write!(f, "xend+tcp://{host}:{port}"),
            Self::Sim(uri) => f.write_str(uri),
        }
    }
}

fn xen(text: &str, rest: &str) -> Result<Uri> {
    let (place, option) = option(text, rest, &["xenstore", "xm-dir"])?;
    if !["", "/", "//", "///", "/system", "///system"].contains(&place) {
        return Err(unknown(text));
    }
    Ok(match option {
        Some(("xenstore", path)) => Uri::XenStore(path),
        other => Uri::Xen {
            xm_dir: other.map(|(_, path)| path),
        },
    })
}

/// What stands before the option, and the option, which has a path.
fn option<'a>(
    text: &str,
    rest: &'a str,
    known: &[&str],
) -> Result<(&'a str, Option<(&'a str, PathBuf)>)> {
    let Some((place, option)) = rest.split_once('?') else {
        return Ok((rest, None));
    };
    match option.split_once('=') {
        Some((name, path)) if known.contains(&name) && path.starts_with('/') => {
            Ok((place, Some((name, PathBuf::from(path)))))
        }
        _ => Err(Error::Usage(format!(
            "'{text}': there may be one option, {}=/path",
            known.join("=/path or ")
        ))),
    }
}

fn write_option(f: &mut fmt::Formatter<'_>, name: &str, path: Option<&Path>) -> fmt::Result {
    match path {
        Some(path) => write!(f, "?{name}={}", path.display()),
        None => Ok(()),
    }
}

fn unix(text: &str, rest: &str) -> Result<Uri> {
    let (rest, option) = option(text, rest, &["xm-dir"])?;
    let xm_dir = option.map(|(_, path)| path);
    let path = rest.strip_prefix("//").unwrap_or(rest);
    match path {
        "" | "/" => Ok(Uri::XendUnix {
            socket: PathBuf::from(XEND_SOCKET),
            xm_dir,
        }),
        _ if path.starts_with('/') => Ok(Uri::XendUnix {
            socket: PathBuf::from(path),
            xm_dir,
        }),
        _ => Err(Error::Usage(format!(
            "'{text}': the path of the socket must begin with /"
        ))),
    }
}

fn tcp(text: &str, rest: &str) -> Result<Uri> {
    let wrong = || Error::Usage(format!("'{text}' is not of the form xend+tcp://host:port"));
    let place = rest
        .strip_prefix("//")
        .ok_or_else(wrong)?
        .trim_end_matches('/');
    let (host, port) = match place.strip_prefix('[') {
        Some(inner) => {
            let (host, port) = inner.split_once(']').ok_or_else(wrong)?;
            (host, port.strip_prefix(':'))
        }
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let port = match port {
        Some(port) => port.parse().map_err(|_| wrong())?,
        None => 8000,
    };
    if host.is_empty() || host.contains(['/', '@', '?', '#', ' ']) {
        return Err(wrong());
    }
    Ok(Uri::XendTcp {
        host: host.to_owned(),
        port,
    })
}

/// The options are the simulator's; here only the form is brought into line.
fn sim(rest: &str) -> Uri {
    Uri::Sim(format!("sim:{}", rest.trim_start_matches('/')))
}

fn unknown(text: &str) -> Error {
    Error::Usage(format!(
        "'{text}' is no URI that virtxen knows: xen:, xend+unix:///path, xend+tcp://host:port, sim:"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written() {
        for (text, written) in [
            ("xen:", "xen:///system"),
            ("xen:///", "xen:///system"),
            ("xen:///system", "xen:///system"),
            ("xen:?xenstore=/run/s", "xen:///system?xenstore=/run/s"),
            ("xend+unix:///run/xend", "xend+unix:///run/xend"),
            ("xend+unix:", "xend+unix:///var/lib/xend/xend-socket"),
            ("xen:?xm-dir=/srv/xen", "xen:///system?xm-dir=/srv/xen"),
            (
                "xend+unix:///run/xend?xm-dir=/srv/xen",
                "xend+unix:///run/xend?xm-dir=/srv/xen",
            ),
            ("xend+tcp://old:8000", "xend+tcp://old:8000"),
            ("xend+tcp://old", "xend+tcp://old:8000"),
            ("xend+tcp://[::1]:99", "xend+tcp://[::1]:99"),
            ("sim:", "sim:"),
            (
                "sim:///?guests=2&release=3.0.3",
                "sim:?guests=2&release=3.0.3",
            ),
        ] {
            assert_eq!(Uri::parse(text).unwrap().to_string(), written, "{text}");
        }
    }

    #[test]
    fn others_are_refused() {
        for text in [
            "",
            "qemu:///system",
            "xen+ssh://a/",
            "xen:///session",
            "xen:?xenstore=s",
            "xen:?socket=/run/s",
            "xend+tcp:",
            "xend+tcp://:1",
            "xend+tcp://a:b",
            "xend+unix:a",
            "xen:?xm-dir=relative",
            "xen:?xm=/etc/xen",
        ] {
            assert!(Uri::parse(text).is_err(), "{text}");
        }
    }
}
