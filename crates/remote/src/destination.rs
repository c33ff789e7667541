//! Daemons as destinations of migrations: libvirt's calls of its third version of the
//! protocol, with typed parameters, and the stream of a tunnel. The order of the calls is
//! the driver's.

use crate::credentials::Credentials;
use crate::open::open;
use crate::remote::deadline;
use crate::{Client, Error, Stream, Transport, Uri, wire};
use async_trait::async_trait;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::time::timeout;
use virtxen_driver::{Destination, Destinations, Finished, Offer, Operation, State, Tunnel};
use virtxen_guest::Uuid;
use virtxen_rpc::calls::migrate_flags::{
    LIVE, PEER2PEER, PERSIST_DEST, TUNNELLED, UNDEFINE_SOURCE,
};
use virtxen_rpc::calls::{
    ConnectSupportsFeature, Cookie, DomainFlags, DomainGetState, DomainMigrateFinish3Params,
    DomainMigratePrepare3Params, DomainMigratePrepareTunnel3Params, Finish3Params, Prepare3Params,
};
use virtxen_rpc::xdr::{List, Opaque};
use virtxen_rpc::{TypedParam, code};

/// `VIR_DRV_FEATURE_MIGRATION_PARAMS`.
const PARAMETERS: i32 = 13;

/// Longest time until a connection is open.
const OPEN: Duration = Duration::from_secs(30);

/// Reaches daemons for a program that nobody sits at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Daemons;

/// A connection to a destination.
struct Daemon {
    client: Client,
}

#[async_trait]
impl Destinations for Daemons {
    fn is_daemon(&self, destination: &str) -> bool {
        Uri::is_meant(destination)
    }

    async fn open(&self, uri: &str) -> virtxen_driver::Result<Box<dyn Destination>> {
        let uri = harmless(uri)?;
        let credentials = Credentials::new(None);
        let opened = timeout(OPEN, open(&uri, &credentials)).await;
        let opened = opened.unwrap_or_else(|_| {
            Err(Error::Connect {
                place: uri.place(),
                reason: format!("no answer within {} s", OPEN.as_secs()),
            })
        });
        let daemon = Daemon {
            client: opened?.client,
        };
        let limit = Operation::Lookup.row().deadline;
        let asked = daemon
            .client
            .call::<ConnectSupportsFeature>(PARAMETERS, limit);
        if asked.await? != 1 {
            return Err(virtxen_driver::Error::Unsupported {
                operation: Operation::Migrate.verb(),
                reason: format!(
                    "the daemon of {uri} takes no typed parameters of migrations: it is older \
                     than libvirt 1.1.0"
                ),
            });
        }
        Ok(Box::new(daemon))
    }
}

/// The URI, if it makes this program run and read nothing but ssh as it is set up. Those
/// who may migrate a domain may not do everything that this program may.
fn harmless(text: &str) -> crate::Result<Uri> {
    let mut uri = Uri::parse(text)?;
    if let Transport::Ssh {
        command,
        keyfile,
        netcat,
        no_tty,
        ..
    } = &mut uri.transport
    {
        if command != "ssh" || keyfile.is_some() || netcat.is_some() {
            return Err(Error::Uri(format!(
                "'{text}': command, keyfile and netcat are not for destinations of \
                 migrations: put what ssh needs into its configuration"
            )));
        }
        *no_tty = true;
    }
    if uri.read_only || uri.authfile.is_some() {
        return Err(Error::Uri(format!(
            "'{text}': readonly and authfile are not for destinations of migrations"
        )));
    }
    Ok(uri)
}

#[async_trait]
impl Destination for Daemon {
    async fn prepare(&self, offer: &Offer) -> virtxen_driver::Result<String> {
        let arguments = prepare_arguments(offer);
        let limit = deadline(Operation::MigratePrepare);
        let call = self
            .client
            .call::<DomainMigratePrepare3Params>(arguments, limit);
        // A destination that is told where to listen need not say it.
        let listens = call.await?.uri_out.or_else(|| offer.listen.clone());
        listens.ok_or_else(|| {
            virtxen_driver::Error::Argument("it does not say where it listens".to_owned())
        })
    }

    async fn prepare_tunnel(&self, offer: &Offer) -> virtxen_driver::Result<Box<dyn Tunnel>> {
        type Prepare = DomainMigratePrepareTunnel3Params;
        let arguments = prepare_arguments(offer);
        let limit = deadline(Operation::MigratePrepare);
        let call = self.client.call_with_stream::<Prepare>(arguments, limit);
        let (_, stream) = call.await?;
        Ok(Box::new(stream))
    }

    async fn finish(&self, offer: &Offer, cancelled: bool) -> Finished {
        let mut params = vec![TypedParam::new("destination_name", offer.wanted())];
        persistent(offer, &mut params);
        let arguments = Finish3Params {
            params: List(params),
            cookie_in: Cookie::default(),
            flags: flags(offer),
            cancelled: i32::from(cancelled),
        };
        let limit = deadline(Operation::MigrateFinish);
        // What is lost before it is asked runs nothing.
        let was_lost = self.client.is_lost();
        let call = self
            .client
            .call::<DomainMigrateFinish3Params>(arguments, limit);
        match call.await {
            Ok(_) => Finished::Runs,
            Err(Error::Daemon(error)) if error.code != code::OPERATION_TIMEOUT => {
                Finished::Not(Error::Daemon(error).into())
            }
            Err(error) if was_lost => Finished::Not(error.into()),
            Err(error) => Finished::Unknown(error.into()),
        }
    }

    async fn state(&self, uuid: Uuid) -> virtxen_driver::Result<Option<State>> {
        let arguments = DomainFlags {
            dom: wire::domain(uuid),
            flags: 0,
        };
        let limit = Operation::Lookup.row().deadline;
        match self.client.call::<DomainGetState>(arguments, limit).await {
            Ok(found) => Ok(Some(State::from_number(found.state))),
            Err(Error::Daemon(error)) if error.code == code::NO_DOMAIN => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[async_trait]
impl Tunnel for Stream {
    async fn carry(self: Box<Self>, from: UnixStream) -> virtxen_driver::Result<()> {
        Ok((*self).write_all(from).await?)
    }
}

fn prepare_arguments(offer: &Offer) -> Prepare3Params {
    let mut params = vec![TypedParam::new("destination_xml", offer.xml.as_str())];
    if let Some(name) = &offer.arrival.name {
        params.push(TypedParam::new("destination_name", name.as_str()));
    }
    if let Some(uri) = &offer.listen {
        params.push(TypedParam::new("migrate_uri", uri.as_str()));
    }
    persistent(offer, &mut params);
    Prepare3Params {
        params: List(params),
        cookie_in: Opaque(offer.cookie.clone().into_bytes()),
        flags: flags(offer),
    }
}

/// As what it is to be defined, which libvirt's driver for libxl does not know.
fn persistent(offer: &Offer, params: &mut Vec<TypedParam>) {
    if let Some(xml) = &offer.arrival.persistent_xml {
        params.push(TypedParam::new("persistent_xml", xml.as_str()));
    }
}

fn flags(offer: &Offer) -> u32 {
    wire::bits(&[
        (true, PEER2PEER),
        (offer.live, LIVE),
        (offer.tunnelled, TUNNELLED),
        (offer.arrival.persistent, PERSIST_DEST),
        (offer.undefine_source, UNDEFINE_SOURCE),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_makes_nobody_run_what_a_client_names() {
        for text in [
            "xen+ssh://host/system?command=/tmp/x",
            "xen+ssh://host/system?netcat=/tmp/x",
            "xen+ssh://host/system?keyfile=/root/key",
            "xen+tcp://host/system?authfile=/etc/shadow",
            "xen+tcp://host/system?readonly=1",
            "xenmigr://host",
        ] {
            assert!(matches!(harmless(text), Err(Error::Uri(_))), "{text}");
        }
        let Transport::Ssh { no_tty, .. } = harmless("xen+ssh://host/system").unwrap().transport
        else {
            panic!("not ssh");
        };
        assert!(no_tty, "nobody is there to type");
        assert!(harmless("xen+tcp://10.0.0.2:16509/system").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_destination_that_says_nothing_is_not_waited_for() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("xen+tcp://{}/system", listener.local_addr().unwrap());
        let Err(error) = Daemons.open(&uri).await else {
            panic!("nobody was reached");
        };
        let text = error.to_string();
        assert!(
            text.contains("Failed to connect") && text.contains("no answer"),
            "{text}"
        );
    }

    #[test]
    fn a_destination_hears_what_libvirts_would() {
        let offer = Offer {
            name: "web".to_owned(),
            xml: "<domain/>".to_owned(),
            live: true,
            tunnelled: true,
            ..Offer::default()
        };
        let arguments = prepare_arguments(&offer);
        assert_eq!(arguments.flags, 7);
        let fields: Vec<&str> = arguments
            .params
            .0
            .iter()
            .map(|it| it.field.as_str())
            .collect();
        assert_eq!(fields, ["destination_xml"]);
        assert_eq!(offer.wanted(), "web");
    }
}
