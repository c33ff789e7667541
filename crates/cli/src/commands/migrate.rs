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
    about: "XenD moves it to the relocation server of the other XenD, which must allow it \
            (xend-relocation-server) and see the same disks. The destination is a host name, \
            HOST:PORT or xenmigr://HOST:PORT.",
    options: &[
        DOMAIN,
        required("desturi", Kind::Text("host"), "the other host"),
        flag("live", "the domain runs on meanwhile"),
        flag("undefinesource", "remove its definition here afterwards"),
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
