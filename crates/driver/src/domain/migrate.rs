//! Moving a domain to another host.
//!
//! XenD on both sides moves the data, and this side asks and waits; with libxl this side sends
//! it, by `streaming`. What libvirt's protocol has around it is in `moving`, and who makes
//! these calls of it between daemons in `peer`.

use super::moving::Arrival;
use super::peer::Journey;
use crate::call::Call;
use crate::driver::Inner;
use crate::{Domain, DomainKey, Driver, Error, Monitor, Operation, Result};
use virtxen_host::{Host, MigrateOptions};

/// How a domain is moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MigrateFlags {
    /// The guest runs on meanwhile.
    pub live: bool,
    /// It is removed from this host's defined domains afterwards; in a migration that
    /// [`Driver::migrate_begin`] began, by [`Driver::migrate_confirm`].
    pub undefine_source: bool,
    /// It is defined at the destination; between daemons only.
    pub persistent: bool,
    /// Its memory goes through the connection of the two daemons.
    pub tunnelled: bool,
}

impl Driver {
    /// Moves a domain to `destination`: the URI of a daemon, or for XenD `host`,
    /// `host:port` or `xenmigr://host[:port]/`, whose port is that of the relocation
    /// server there.
    ///
    /// # Errors
    /// The destination cannot be read; the domain is not running; what the host says.
    pub async fn migrate(
        &self,
        key: &DomainKey,
        destination: &str,
        flags: MigrateFlags,
        monitor: &Monitor,
    ) -> Result<()> {
        let destinations = self.session.destinations.as_ref();
        if destinations.is_some_and(|it| it.is_daemon(destination)) {
            let arrival = Arrival {
                persistent: flags.persistent,
                ..Arrival::default()
            };
            let journey = Journey {
                flags,
                arrival,
                listen: None,
            };
            return self
                .migrate_to_daemon(key, destination, journey, monitor)
                .await;
        }
        if flags.tunnelled || flags.persistent {
            return Err(no_daemon(destination));
        }
        self.migrate_directly(key, destination, flags, monitor)
            .await
    }

    /// Moves a domain to `destination`, which is no daemon: to XenD, or where a
    /// destination has said that it listens.
    ///
    /// # Errors
    /// As [`migrate`](Self::migrate); it is to be persistent and
    /// [`migrate_begin`](Self::migrate_begin) did not begin it, so that nobody would define
    /// it there.
    pub async fn migrate_directly(
        &self,
        key: &DomainKey,
        destination: &str,
        flags: MigrateFlags,
        monitor: &Monitor,
    ) -> Result<()> {
        let (host_name, port) = destination_of(destination)?;
        let options = MigrateOptions {
            host: host_name,
            port,
            live: flags.live,
        };
        let call = Call::domain(Operation::Migrate, key).watched(monitor);
        let inner = std::sync::Arc::clone(&self.inner);
        let nobody = no_daemon(destination);
        self.change(call, async move |host, domain| {
            if flags.persistent && !inner.moving.has_begun(domain.uuid) {
                return Err(nobody);
            }
            inner.send_away(&*host, &domain, &options).await?;
            // Of a migration that was begun by libvirt's protocol the source is told
            // to confirm it, when the other side has the domain.
            if flags.undefine_source && !inner.moving.has_begun(domain.uuid) {
                match host.undefine(&domain.name).await {
                    // A transient domain is gone already.
                    Err(virtxen_host::Error::NoDomain { .. }) => {}
                    other => other?,
                }
                inner.store.undefine(domain.uuid).await?;
            }
            Ok(())
        })
        .await
    }
}

impl Inner {
    /// Sends a domain, or has XenD send it. What libxl has sent stays here, suspended,
    /// until the migration is confirmed.
    pub(super) async fn send_away(
        &self,
        host: &dyn Host,
        domain: &Domain,
        to: &MigrateOptions,
    ) -> Result<()> {
        if host.stream_version().is_some() && self.moving.has_begun(domain.uuid) {
            return self.stream_to(host, domain, to).await;
        }
        Ok(host.migrate(&domain.name, to).await?)
    }
}

fn no_daemon(destination: &str) -> Error {
    Error::Argument(format!(
        "destination '{destination}': --tunnelled and --persistent need the URI of the daemon \
         there"
    ))
}

/// Host and port of a destination.
pub(super) fn destination_of(text: &str) -> Result<(String, Option<u16>)> {
    let refused = |reason: &str| {
        Err(Error::Argument(format!(
            "destination '{text}': {reason}; write HOST, HOST:PORT or xenmigr://HOST[:PORT]/"
        )))
    };
    let rest = match text.split_once("://") {
        Some(("xenmigr" | "tcp", rest)) => rest.trim_end_matches('/'),
        Some(_) => return refused("only xenmigr: can be used with XenD"),
        None => text,
    };
    let (host, port) = match rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, port)) => (host, Some(port.strip_prefix(':').unwrap_or_default())),
        // More than one colon: an IPv6 address without port.
        None => match rest.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (rest, None),
        },
    };
    if host.is_empty() || host.contains(['/', ' ', '?', '#']) {
        return refused("there is no host name in it");
    }
    match port.map(str::parse) {
        None => Ok((host.to_owned(), None)),
        Some(Ok(port)) if port != 0 => Ok((host.to_owned(), Some(port))),
        Some(_) => refused("the port is not a number from 1 to 65535"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_read_as_libvirt_writes_them() {
        for (text, host, port) in [
            ("beta", "beta", None),
            ("beta:8003", "beta", Some(8003)),
            ("xenmigr://beta/", "beta", None),
            (
                "xenmigr://beta.example.org:8002/",
                "beta.example.org",
                Some(8002),
            ),
            ("[fe80::1]:8002", "fe80::1", Some(8002)),
            ("fe80::1", "fe80::1", None),
        ] {
            assert_eq!(
                destination_of(text).unwrap(),
                (host.to_owned(), port),
                "{text}"
            );
        }
        for bad in [
            "",
            ":8002",
            "beta:",
            "beta:0",
            "beta:x",
            "qemu+ssh://beta/system",
            "[fe80::1]8",
        ] {
            assert_eq!(destination_of(bad).unwrap_err().libvirt().code, 8, "{bad}");
        }
    }
}
