//! Connection URIs: which host is meant. Opening it is in `connect`.

use crate::error::{Error, Result};
use std::fmt;
use std::path::PathBuf;

/// The variable that names the host when `--connect` does not.
pub(crate) const VARIABLE: &str = "VIRTXEN_DEFAULT_URI";

/// The socket of XenD where nobody chose another one.
pub(crate) const XEND_SOCKET: &str = "/var/lib/xend/xend-socket";

/// Which host is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Uri {
    /// The Xen host that virtxen runs on.
    Xen,
    /// Only a xenstored, on a UNIX socket.
    XenStore(PathBuf),
    /// XenD on a UNIX socket.
    XendUnix(PathBuf),
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
    pub(crate) fn parse(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some(("xen", rest)) => xen(text, rest),
            Some(("xend+unix", rest)) => unix(text, rest),
            Some(("xend+tcp", rest)) => tcp(text, rest),
            Some(("sim", rest)) => Ok(sim(rest)),
            _ => Err(unknown(text)),
        }
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Xen => f.write_str("xen:///system"),
            Self::XenStore(path) => write!(f, "xen:///system?xenstore={}", path.display()),
            Self::XendUnix(path) => write!(f, "xend+unix://{}", path.display()),
            Self::XendTcp { host, port } if host.contains(':') => {
                write!(f, "xend+tcp://[{host}]:{port}")
            }
            Self::XendTcp { host, port } => write!(f, "xend+tcp://{host}:{port}"),
            Self::Sim(uri) => f.write_str(uri),
        }
    }
}

fn xen(text: &str, rest: &str) -> Result<Uri> {
    let (place, option) = match rest.split_once('?') {
        Some((place, option)) => (place, Some(option)),
        None => (rest, None),
    };
    let is_place = ["", "/", "//", "///", "/system", "///system"].contains(&place);
    match option.map(|option| option.strip_prefix("xenstore=")) {
        None if is_place => Ok(Uri::Xen),
        Some(Some(path)) if is_place && path.starts_with('/') => {
            Ok(Uri::XenStore(PathBuf::from(path)))
        }
        Some(_) if is_place => Err(Error::usage(format!(
            "'{text}': the one option of xen: is xenstore=/path, the socket of a xenstored"
        ))),
        _ => Err(unknown(text)),
    }
}

fn unix(text: &str, rest: &str) -> Result<Uri> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    match path {
        "" | "/" => Ok(Uri::XendUnix(PathBuf::from(XEND_SOCKET))),
        _ if path.starts_with('/') => Ok(Uri::XendUnix(PathBuf::from(path))),
        _ => Err(Error::usage(format!(
            "'{text}': the path of the socket must begin with /"
        ))),
    }
}

fn tcp(text: &str, rest: &str) -> Result<Uri> {
    let wrong = || Error::usage(format!("'{text}' is not of the form xend+tcp://host:port"));
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
    Error::usage(format!(
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
        ] {
            assert!(Uri::parse(text).is_err(), "{text}");
        }
    }
}
