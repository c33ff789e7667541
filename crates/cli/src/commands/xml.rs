//! `dumpxml`: a domain as libvirt's XML.

use super::{Command, Group};
use crate::connect::Session;
use crate::error::{Context, Result};
use crate::options::{Args, DOMAIN, flag};
use crate::output::Reply;
use serde_json::json;
use virtxen_driver::{DomainKey, XmlFlags};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "dumpxml",
    group: Group::Documents,
    summary: "print a domain as XML",
    about: "",
    options: &[
        DOMAIN,
        flag("inactive", "as it will be at its next start"),
        flag("security-info", "with passwords"),
        flag("migratable", "fit for another host"),
    ],
    run: |session, args| Box::pin(dumpxml(session, args)),
}];

async fn dumpxml(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let flags = XmlFlags {
        inactive: args.flag("inactive"),
        secure: args.flag("security-info"),
        migratable: args.flag("migratable"),
    };
    let xml = session
        .driver()
        .await?
        .xml_desc(&DomainKey::from(&domain), flags)
        .await
        .context(|| format!("Failed to get the XML of domain '{}'", domain.name))?;
    let json = json!({ "domain": domain.name, "uuid": domain.uuid.to_string(), "xml": xml });
    Ok(Reply::new(session.marked(json)).text(xml))
}
