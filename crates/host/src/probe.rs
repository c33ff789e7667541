//! Finding the Xen host: what was looked for, what was there, and a host on it.
//!
//! What cannot be used yet is looked for all the same, so that the report says
//! what this host would offer.

use crate::{Error, Host, LocalLookup, Result, XendHost};
use std::path::PathBuf;
use virtxen_xend::transport::{DEFAULT_PORT, DEFAULT_SOCKET};
use virtxen_xend::{Client, Connector, Deadlines, TcpPort, UnixSocket};

/// Where a host is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The machine that this runs on.
    Local,
    /// A XenD's UNIX socket.
    XendUnix(PathBuf),
    /// A XenD's TCP port.
    XendTcp {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
    },
}

/// Something that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The channel that it would make.
    pub channel: &'static str,
    /// Where it was looked for.
    pub place: String,
    /// It was there.
    pub found: bool,
    /// What it means, for people.
    pub note: String,
}

/// Opens the host at an address.
///
/// # Errors
/// When there is none; for the local one with all that was looked for.
pub async fn open(address: &Address, deadlines: Deadlines) -> Result<Box<dyn Host>> {
    match address {
        Address::Local => open_local(deadlines).await,
        Address::XendUnix(path) => boxed(open_xend(UnixSocket::new(path), deadlines).await?),
        Address::XendTcp { host, port } => {
            boxed(open_xend(TcpPort::new(host, *port), deadlines).await?)
        }
    }
}

async fn open_local(deadlines: Deadlines) -> Result<Box<dyn Host>> {
    let findings = look();
    let socket = findings
        .iter()
        .any(|finding| finding.channel == XEND && finding.found);
    if socket {
        let host = open_xend(UnixSocket::new(DEFAULT_SOCKET), deadlines).await?;
        return boxed(host.with_lookup(LocalLookup::of_this_machine().await));
    }
    let xen = findings.iter().any(|finding| finding.found);
    // XenD can be told to serve TCP only; without Xen nobody does.
    if xen && let Ok(host) = open_xend(TcpPort::new("localhost", DEFAULT_PORT), deadlines).await {
        return boxed(host.with_lookup(LocalLookup::of_this_machine().await));
    }
    let looked: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let reason = if xen {
        "this is a Xen host, but no XenD serves it"
    } else {
        "this machine has no Xen"
    };
    Err(Error::Channel {
        channel: "xen".to_owned(),
        reason: format!("{reason}; looked for {}", looked.join(", ")),
        source: None,
    })
}

fn boxed(host: XendHost) -> Result<Box<dyn Host>> {
    Ok(Box::new(host))
}

async fn open_xend(connector: impl Connector + 'static, deadlines: Deadlines) -> Result<XendHost> {
    let address = connector.address();
    match Client::open(connector, deadlines).await {
        Ok(client) => Ok(XendHost::new(client)),
        Err(error) => Err(Error::Channel {
            channel: format!("XenD at {address}"),
            reason: error.to_string(),
            source: Some(Box::new(error)),
        }),
    }
}

const XEND: &str = "XenD";

/// Channels, where each is looked for, and what to say of it.
const PLACES: [(&str, &[&str], &str); 4] = [
    (
        XEND,
        &[DEFAULT_SOCKET],
        "(xend-unix-server yes) in xend-config.sxp makes it",
    ),
    (
        "XenStore",
        &[
            "/run/xenstored/socket",
            "/var/run/xenstored/socket",
            "/dev/xen/xenbus",
            "/proc/xen/xenbus",
        ],
        "consoles and VNC ports; watches are not used yet",
    ),
    (
        "hypercalls",
        &["/dev/xen/privcmd", "/proc/xen/privcmd"],
        "not used yet",
    ),
    (
        "libxl",
        &["/usr/sbin/xl", "/usr/lib/xen-common/bin/xl", "/sbin/xl"],
        "not used yet",
    ),
];

/// Looks for every channel of the local host.
#[must_use]
pub fn look() -> Vec<Finding> {
    PLACES
        .iter()
        .map(|(channel, places, note)| {
            let there = places.iter().find(|place| PathBuf::from(place).exists());
            Finding {
                channel,
                place: there.map_or_else(|| places.join(" or "), ToString::to_string),
                found: there.is_some(),
                note: (*note).to_owned(),
            }
        })
        .collect()
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let found = if self.found { "found" } else { "missing" };
        write!(f, "{} ({}: {found})", self.channel, self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn says_what_is_missing_where() {
        let path = PathBuf::from("/nonexistent/xend-socket");
        let address = Address::XendUnix(path);
        let Err(error) = open(&address, Deadlines::default()).await else {
            panic!("a host out of nothing")
        };
        let text = error.to_string();
        assert!(text.contains("/nonexistent/xend-socket"), "{text}");
    }

    #[test]
    fn every_channel_is_looked_for() {
        let findings = look();
        assert_eq!(findings.len(), PLACES.len());
        for finding in findings {
            assert!(finding.place.starts_with('/'), "{finding}");
        }
    }
}
