//! A migration as libvirt's protocol has it: five calls in turn on the host that a
//! domain leaves (source) and the one that it comes to (destination).
//!
//! | call | on | does |
//! | --- | --- | --- |
//! | begin | source | says what is to come |
//! | prepare | destination | says whether it may come, and where to |
//! | perform | source | moves it, in `migrate` |
//! | finish | destination | finds it, renames and defines it |
//! | confirm | source | removes its definition |
//!
//! XenD moves a domain whole or not at all. Nothing that runs is ended here: when a
//! migration fails, the domain runs where XenD left it. Where libxl is the toolstack this
//! program moves it, by `streaming`.

use super::migrate::destination_of;
use super::streaming;
use super::underway::Incoming;
use crate::call::{Call, Work, allowed_now};
use crate::document;
use crate::driver::Inner;
use crate::{Domain, DomainKey, Driver, Error, EventKind, Operation, Result, State, XmlFlags};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Instant;
use virtxen_guest::{Guest, Uuid};
use virtxen_host::XenVersion;

/// Longest wait until a domain that has come is there, and one that went is gone.
const SETTLES: Duration = Duration::from_secs(60);
/// Time between two looks meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// Longest time to find out whether somebody listens.
const KNOCK: Duration = Duration::from_secs(3);

/// What the source says of a domain that is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    /// The domain, as libvirt's XML with its passwords.
    pub xml: String,
    /// What this host tells the destination of itself.
    pub cookie: String,
}

/// How the destination is to receive a domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// The name that the domain has there, if it is to have another one.
    pub name: Option<String>,
    /// It is to be defined there.
    pub persistent: bool,
    /// As what it is to be defined, if not as what came.
    pub persistent_xml: Option<String>,
}

impl Driver {
    /// Begins to move a domain away: what the destination has to know.
    ///
    /// # Errors
    /// The domain is not running.
    pub async fn migrate_begin(&self, key: &DomainKey) -> Result<Departure> {
        let operation = Operation::MigrateBegin;
        let domain = self.readable(operation, key).await?;
        allowed_now(operation, &domain)?;
        match self.inner.moving.is_conducted(domain.uuid) {
            true => Err(is_on_its_way(&domain)),
            false => self.departure(&domain).await,
        }
    }

    /// What the destination of a domain has to know.
    pub(super) async fn departure(&self, domain: &Domain) -> Result<Departure> {
        let operation = Operation::MigrateBegin;
        if domain.state == State::PmSuspended {
            // One that was sent looks as one that sleeps.
            return Err(match self.inner.moving.waits(domain.uuid) {
                Some(_) => is_on_its_way(domain),
                None => Error::State {
                    name: domain.name.clone(),
                    operation: operation.verb(),
                    state: domain.state,
                    needed: "awake",
                },
            });
        }
        let flags = XmlFlags {
            secure: true,
            ..XmlFlags::default()
        };
        let guest = self.inner.host.guest(&domain.name);
        let guest = self.read(operation, &domain.name, guest).await?;
        let mut guest = self.inner.store.complete(domain, guest, false).await;
        document::leave_out_foreign_inputs(&mut guest);
        self.inner.moving.begin(domain.uuid)?;
        let mut cookie = cookie(&self.version());
        if let Some(stream) = self.inner.host.stream_version() {
            let name = self.hostname().await?;
            cookie = streaming::cookie(&guest, &name, stream, &cookie);
        }
        Ok(Departure {
            xml: document::format_guest(guest, flags, &self.version()),
            cookie,
        })
    }

    /// Finds out whether a domain may come from another host, and where its XenD is to
    /// send it: `uri` if one was given.
    ///
    /// # Errors
    /// The document is wrong; name or uuid are taken; the domain runs here; it comes
    /// from a newer Xen; XenD takes no domains of other hosts.
    pub async fn migrate_prepare(
        &self,
        xml: &str,
        cookie: &str,
        uri: Option<&str>,
        arrival: &Arrival,
    ) -> Result<String> {
        let (guest, incoming) = self.may_come(xml, cookie, arrival).await?;
        let to = match self.inner.host.stream_version() {
            Some(version) => self.listen_for(guest, cookie, uri, version).await?,
            None => self.relocation(uri).await?,
        };
        self.expect(incoming);
        Ok(to)
    }

    /// Whether a domain may come: as it is to be received, and what is noted of it.
    pub(super) async fn may_come(
        &self,
        xml: &str,
        cookie: &str,
        arrival: &Arrival,
    ) -> Result<(Guest, Incoming)> {
        let operation = Operation::MigratePrepare;
        self.check(operation, None)?;
        let (mut guest, _) = document::parse_guest(xml)?;
        let uuid = *guest.uuid.get_or_insert_with(Uuid::random);
        comes_from(cookie, &self.version())?;
        let wanted = arrival.name.as_ref().unwrap_or(&guest.name).clone();
        for name in [&guest.name, &wanted] {
            let there = self.inner.replaced(name, uuid).await;
            let there = match there {
                // Its definition may have its other name already.
                Err(Error::Exists { uuid: other, .. }) if other == uuid => continue,
                there => there?,
            };
            if let Some((_, domain)) = there.filter(|(_, domain)| domain.is_active()) {
                return Err(Error::State {
                    name: domain.name,
                    operation: operation.verb(),
                    state: domain.state,
                    needed: "shut off",
                });
            }
        }
        document::forget_run(&mut guest);
        wanted.clone_into(&mut guest.name);
        let incoming = Incoming {
            uuid,
            wanted,
            xml: xml.to_owned(),
        };
        Ok((guest, incoming))
    }

    /// Notes a domain that is to come.
    pub(super) fn expect(&self, incoming: Incoming) {
        self.inner.registry.expect(incoming.uuid);
        self.inner.moving.expect(incoming);
    }

    /// Receives a domain of this name that was moved here: gives it its name, defines
    /// it. When the migration was `cancelled` whatever runs here runs on.
    ///
    /// # Errors
    /// It did not come; it was cancelled; what the host says to name or definition,
    /// while the domain runs.
    pub async fn migrate_finish(
        &self,
        name: &str,
        arrival: &Arrival,
        cancelled: bool,
    ) -> Result<Domain> {
        let operation = Operation::MigrateFinish;
        self.check(operation, None)?;
        let incoming = self.inner.moving.arrived(name);
        if cancelled {
            if let Some(incoming) = incoming {
                self.refuse_arrival(incoming.uuid).await;
                self.inner.registry.end(operation, incoming.uuid, false);
            }
            return Err(Error::Cancelled {
                subject: name.to_owned(),
                operation: "migration",
            });
        }
        let key = match &incoming {
            Some(incoming) => DomainKey::Uuid(incoming.uuid),
            None => DomainKey::Name(name.to_owned()),
        };
        let streamed = self.inner.host.stream_version().is_some();
        if let Some(incoming) = incoming.as_ref().filter(|_| streamed) {
            let limit = self.inner.deadline(operation);
            let receiving = &self.inner.moving.receiving;
            if let Err(error) = receiving.arrived(incoming.uuid, limit).await {
                self.refuse_arrival(incoming.uuid).await;
                self.inner.registry.end(operation, incoming.uuid, false);
                return Err(error);
            }
        }
        self.settled(&key, |domain| {
            domain.is_some_and(|it| it.is_active() && (streamed || it.state != State::Paused))
        })
        .await?;
        // Its start is told before anything else is done to it.
        if self.inner.host.lists_active_apart() {
            self.inner.look_at_active().await?;
        } else {
            self.inner.look_at_all().await?;
        }
        let call = Call::domain(operation, &key).tells(EventKind::ResumedMigrated);
        let inner = Arc::clone(&self.inner);
        let (wanted, arrival) = (name.to_owned(), arrival.clone());
        let uuid = self
            .run(call, async move |work: Work| {
                let came = work.before.ok_or(Error::NoDomain(key))?;
                let mut settled = inner.settle_in(&came, incoming, &wanted, arrival).await;
                if streamed && settled.is_ok() {
                    settled = work.host.unpause(&wanted).await.map_err(Error::from);
                }
                if streamed && settled.is_err() {
                    // It goes on where it came from.
                    work.host.destroy(&wanted).await?;
                }
                settled.map(|()| came.uuid)
            })
            .await?;
        self.lookup(&DomainKey::Uuid(uuid)).await
    }

    /// Ends a migration on the source: when it went well, removes the definition if
    /// that was asked for. When it was `cancelled`, XenD lets the domain run on.
    ///
    /// # Errors
    /// The domain still runs here.
    pub async fn migrate_confirm(
        &self,
        key: &DomainKey,
        undefine: bool,
        cancelled: bool,
    ) -> Result<()> {
        let operation = Operation::MigrateConfirm;
        let domain = match self.readable(operation, key).await {
            Ok(domain) => domain,
            // It was transient.
            Err(Error::NoDomain(_)) if !cancelled => {
                if let DomainKey::Uuid(uuid) = key {
                    self.inner.moving.end(*uuid);
                    self.inner.store.forget_sending(*uuid).await?;
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.inner.moving.end(domain.uuid);
        if self.inner.host.stream_version().is_some() && domain.is_active() {
            self.let_go_or_on(&domain, cancelled).await?;
            self.inner.store.forget_sending(domain.uuid).await?;
        }
        if cancelled {
            return Ok(());
        }
        let gone = |domain: Option<&Domain>| domain.is_none_or(|domain| !domain.is_active());
        let Some(rest) = self.settled(key, gone).await? else {
            return Ok(());
        };
        match undefine {
            true => self.undefine(&DomainKey::from(&rest)).await,
            false => Ok(()),
        }
    }

    /// A domain that was sent is suspended: it goes on, or is gone when the other side
    /// has it.
    async fn let_go_or_on(&self, domain: &Domain, cancelled: bool) -> Result<()> {
        let key = DomainKey::Uuid(domain.uuid);
        let sent = domain.state == State::PmSuspended;
        let call = Call::domain(Operation::MigrateConfirm, &key);
        self.change(call, async move |host, domain| {
            match (cancelled, sent) {
                (true, true) => host.take_back(&domain.name).await?,
                (true, false) => {}
                (false, true) => host.destroy(&domain.name).await?,
                // Nobody has sent it.
                (false, false) => {
                    return Err(Error::State {
                        name: domain.name,
                        operation: Operation::MigrateConfirm.verb(),
                        state: domain.state,
                        needed: "suspended",
                    });
                }
            }
            Ok(())
        })
        .await
    }

    /// A domain that was to come and does not, or not whole.
    async fn refuse_arrival(&self, uuid: Uuid) {
        if self.inner.host.stream_version().is_none() {
            return;
        }
        self.inner.moving.receiving.give_up(uuid);
        let call = Call::domain(Operation::MigrateFinish, &DomainKey::Uuid(uuid));
        // What did not come needs no end.
        let _ = self
            .change(call, async move |host, domain| match domain.is_active() {
                true => Ok(host.destroy(&domain.name).await?),
                false => Ok(()),
            })
            .await;
    }

    /// Where XenD takes domains of other hosts: `uri` if one was given. Where that can
    /// be seen, somebody has to listen there.
    ///
    /// # Errors
    /// Nobody does; the URI cannot be read.
    pub async fn relocation(&self, uri: Option<&str>) -> Result<String> {
        self.check(Operation::MigratePrepare, None)?;
        if let Some(uri) = uri {
            destination_of(uri)?;
            return Ok(uri.to_owned());
        }
        let name = self.hostname().await?;
        let Some(port) = self.inner.host.relocation_port() else {
            return Ok(format!("xenmigr://{name}/"));
        };
        for address in ["127.0.0.1", name.as_str()] {
            let knock = TcpStream::connect((address, port));
            if let Ok(Ok(_)) = tokio::time::timeout(KNOCK, knock).await {
                return Ok(format!("xenmigr://{name}:{port}/"));
            }
        }
        Err(Error::Unsupported {
            operation: Operation::MigratePrepare.verb(),
            reason: format!(
                "nobody takes domains on port {port} of {name}: XenD there needs \
                 (xend-relocation-server yes) and this host in \
                 xend-relocation-hosts-allow"
            ),
        })
    }

    /// Waits until a domain is as wanted.
    async fn settled(
        &self,
        key: &DomainKey,
        wanted: impl Fn(Option<&Domain>) -> bool,
    ) -> Result<Option<Domain>> {
        let end = Instant::now() + SETTLES;
        loop {
            let (found, error) = match self.inner.look_up(key).await {
                Ok((_, domain)) => (Some(domain), None),
                Err(Error::NoDomain(key)) => (None, Some(Error::NoDomain(key))),
                Err(error) => return Err(error),
            };
            if wanted(found.as_ref()) {
                return Ok(found);
            }
            if Instant::now() >= end {
                let subject = key.to_string();
                return Err(error.unwrap_or(Error::Timeout {
                    channel: None,
                    subject,
                    operation: Operation::Migrate.verb(),
                    limit: SETTLES,
                }));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Inner {
    /// Gives a domain that has come the name that it is to have, and keeps what is to
    /// be known of it.
    async fn settle_in(
        &self,
        came: &Domain,
        incoming: Option<Incoming>,
        wanted: &str,
        arrival: Arrival,
    ) -> Result<()> {
        let host = &self.host;
        if incoming.is_some() && came.name != wanted {
            host.rename(&came.name, wanted).await?;
        }
        let domain = Domain::from(host.domain(wanted).await?);
        let came_as = incoming.map(|incoming| incoming.xml);
        if let Some(xml) = &came_as {
            let (mut guest, _) = document::parse_guest(xml)?;
            wanted.clone_into(&mut guest.name);
            self.keep_run(&domain, guest).await?;
        }
        if !arrival.persistent {
            return Ok(());
        }
        let mut guest = match arrival.persistent_xml.or(came_as) {
            Some(xml) => document::parse_guest(&xml)?.0,
            None => host.guest(wanted).await?,
        };
        wanted.clone_into(&mut guest.name);
        guest.uuid = Some(came.uuid);
        document::forget_run(&mut guest);
        host.define(&guest).await?;
        self.keep_definition(came.uuid, guest).await
    }
}

pub(super) fn is_on_its_way(domain: &Domain) -> Error {
    Error::Invalid {
        name: domain.name.clone(),
        operation: Operation::MigrateBegin.verb(),
        reason: "it is on its way to another host already".to_owned(),
    }
}

/// What stands before the version in what a source says of itself.
const VERSION: &str = "virtxen-migration xen=";

fn cookie(version: &XenVersion) -> String {
    format!("{VERSION}{version}")
}

/// Refuses a domain of a newer Xen, whose memory an older one may not understand. Of
/// a source that does not tell nothing is known.
fn comes_from(cookie: &str, own: &XenVersion) -> Result<()> {
    let told = cookie.split_once(VERSION).map(|(_, rest)| {
        let version = rest.split_whitespace().next().unwrap_or_default();
        let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
        (numbers.next().flatten(), numbers.next().flatten())
    });
    match told {
        Some((Some(major), Some(minor)))
            if *own != XenVersion::UNKNOWN && (major, minor) > (own.major, own.minor) =>
        {
            Err(Error::Unsupported {
                operation: Operation::MigratePrepare.verb(),
                reason: format!(
                    "the domain comes from Xen {major}.{minor}, this host has Xen {own}"
                ),
            })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_xen_sends_nothing_to_an_older_one() {
        let version = |major, minor| XenVersion {
            major,
            minor,
            extra: ".1".to_owned(),
        };
        let from = |major, minor| comes_from(&cookie(&version(major, minor)), &version(4, 1));
        assert!(from(4, 1).is_ok() && from(3, 4).is_ok());
        assert_eq!(from(4, 2).unwrap_err().libvirt().code, 84);
        for other in [
            "",
            "<libxl-migration/>",
            "virtxen-migration xen=of unknown version",
        ] {
            assert!(comes_from(other, &version(3, 0)).is_ok(), "{other}");
        }
    }
}
