//! Moving a domain to another host: the side that it leaves.
//!
//! The side that it comes to, and what is said between them, is in `relocation`.

use super::{Words, number, text};
use crate::state::{Key, Life, SimHost};
use crate::xend::document::{self, Writer};
use crate::xend::form::Form;
use crate::xend::relocation;
use crate::xend::reply::{Reply, Status};

/// Where XenD takes domains of other hosts unless it is told otherwise.
const PORT: u16 = 8002;

/// `op=migrate` with `destination`, `live`, `port` and what the release adds.
pub(super) async fn migrate(host: &SimHost, key: Key, form: &Form) -> Reply {
    let moved = match leave(host, key, form) {
        Ok(leaving) => leaving.go(host, key).await,
        Err(words) => Err(words),
    };
    match moved {
        Ok(()) => Reply::Empty,
        Err(words) => Reply::Failed {
            words,
            status: Status::Okay,
        },
    }
}

/// A domain that is about to go.
struct Leaving {
    destination: String,
    port: u16,
    domid: u32,
    live: i64,
}

fn leave(host: &SimHost, key: Key, form: &Form) -> Result<Leaving, Words> {
    for name in host.facts().migrate_parameters {
        match *name {
            "live" | "port" | "node" | "ssl" => drop(number(form, name)?),
            _ => drop(text(form, name)?),
        }
    }
    let domid = super::domid(&host.state(), key);
    let domid = domid.ok_or_else(|| super::NOT_ACTIVE.to_owned())?;
    if domid == 0 {
        return Err("Cannot migrate privileged domain 0".to_owned());
    }
    let port = match number(form, "port")? {
        0 => PORT,
        port => u16::try_from(port).map_err(|_| host.facts().refused_connection.to_owned())?,
    };
    Ok(Leaving {
        destination: text(form, "destination")?.to_owned(),
        port,
        domid,
        live: number(form, "live")?,
    })
}

impl Leaving {
    /// The domain has another name while it is on its way, and runs on here when it
    /// does not arrive.
    async fn go(&self, host: &SimHost, key: Key) -> Result<(), Words> {
        let stream = relocation::connect(&self.destination, self.port).await;
        let refused = host.facts().refused_connection;
        let stream = stream.map_err(|error| match error.kind() {
            std::io::ErrorKind::ConnectionRefused => refused.to_owned(),
            _ => format!("can't connect: {error}"),
        })?;
        let name = host.state().get(key).map(|it| it.config.name.clone());
        let name = name.ok_or_else(|| super::NOT_ACTIVE.to_owned())?;
        let mut config = Writer::new(host.facts().empty);
        if let Some(domain) = host.state().get(key) {
            document::domain(&mut config, domain, host.facts());
        }
        let config = config.finish();
        host.state().rename(key, &format!("migrating-{name}"));
        let time = host.options().timing.save;
        if self.live == 0 {
            host.state().suspend(key);
        }
        let sent = relocation::send(stream, &config, time).await;
        let mut state = host.state();
        state.rename(key, &name);
        let active = state.get_mut(key).and_then(|domain| domain.active.as_mut());
        let Some(active) = active.filter(|active| active.domid == self.domid) else {
            return Err(format!("Domain '{name}' ended while it was moved"));
        };
        match sent {
            Ok(()) => {
                state.destroy(key);
                Ok(())
            }
            Err(_) => {
                active.set_life(Life::Running);
                let (domid, live) = (self.domid, self.live);
                Err(format!(
                    "/usr/lib/xen/bin/xc_save 25 {domid} 0 0 {live} failed"
                ))
            }
        }
    }
}
