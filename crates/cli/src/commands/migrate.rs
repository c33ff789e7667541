//! `migrate`: a domain to another host.

use super::{Command, Group};
use crate::connect::Session;
use crate::error::{Context, Result};
use crate::json;
use crate::options::{Args, DOMAIN, Kind, flag, required};
use crate::output::Reply;
use crate::progress;
use serde_json::json;
use virtxen_driver::{DomainKey, MigrateFlags, Monitor};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "migrate",
    group: Group::Moving,
    summary: "move a domain to another host",
    about: "The destination is the URI of the other host's daemon (xen+tcp://HOST/system, or \
            with tls or ssh), to which this host connects by itself, or for XenD a host name, \
            HOST:PORT or xenmigr://HOST:PORT: XenD moves it to the relocation server of the \
            other XenD, which must allow it (xend-relocation-server). Both hosts have to see \
            the same disks.",
    options: &[
        DOMAIN,
        required("desturi", Kind::Text("uri"), "the other host"),
        flag("live", "the domain runs on meanwhile"),
        flag("undefinesource", "remove its definition here afterwards"),
        flag("persistent", "define it there; needs the URI of a daemon"),
        flag(
            "p2p",
            "accepted for virsh's sake: with the URI of a daemon it is always so",
        ),
        flag(
            "tunnelled",
            "its memory goes through the connection to the daemon, no port is opened; not \
             with XenD",
        ),
        flag("verbose", "show progress (the default on a terminal)"),
    ],
    run: |session, args| Box::pin(migrate(session, args)),
}];

async fn migrate(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let to = args.required("desturi")?;
    let flags = MigrateFlags {
        live: args.flag("live"),
        undefine_source: args.flag("undefinesource"),
        persistent: args.flag("persistent"),
        tunnelled: args.flag("tunnelled"),
    };
    let monitor = Monitor::default();
    let driver = session.driver().await?;
    let key = DomainKey::from(&domain);
    let work = driver.migrate(&key, to, flags, &monitor);
    progress::watch(session, "Migration", &monitor, work)
        .await
        .context(|| format!("Failed to migrate domain '{}' to {to}", domain.name))?;
    let mut json = json::done(&domain, "migrate");
    if let Some(object) = json.as_object_mut() {
        object.insert("destination".to_owned(), json!(to));
    }
    Ok(Reply::new(json))
}
