//! `desc` and `metadata`: what people and programs write on a domain.

use super::{Command, Group, affect};
use crate::connect::Session;
use crate::error::{Context, Error, Result};
use crate::json;
use crate::options::{Args, DOMAIN, Kind, Opt, flag, named, optional, required};
use crate::output::Reply;
use serde_json::json;
use virtxen_driver::{Domain, DomainKey, MetadataChange, MetadataKind};

const CONFIG: Opt = flag("config", "of the definition");
const LIVE: Opt = flag("live", "of the running domain");
const CURRENT: Opt = flag("current", "of the running domain, if it runs (default)");

/// libvirt's number for what is not there.
const MISSING: i32 = 80;

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "desc",
        group: Group::Documents,
        summary: "show or set the description or the title of a domain",
        about: "Xen keeps no title, and before some release no description: virtxen keeps them \
                beside. An empty text removes it.",
        options: &[
            DOMAIN,
            optional("new-desc", Kind::Text("text"), "the new text"),
            flag("title", "the title instead of the description"),
            CONFIG,
            LIVE,
            CURRENT,
        ],
        run: |session, args| Box::pin(desc(session, args)),
    },
    Command {
        name: "metadata",
        group: Group::Documents,
        summary: "show, set or remove what a program keeps in a domain's document",
        about: "Each program has an element of its own there, found by its namespace.",
        options: &[
            DOMAIN,
            required("uri", Kind::Text("uri"), "the namespace"),
            named("set", Kind::Text("xml"), "the new element"),
            named("key", Kind::Text("prefix"), "prefix of the new element"),
            flag("remove", "remove the element"),
            CONFIG,
            LIVE,
            CURRENT,
        ],
        run: |session, args| Box::pin(metadata(session, args)),
    },
];

async fn desc(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let (kind, word) = match args.flag("title") {
        true => (MetadataKind::Title, "title"),
        false => (MetadataKind::Description, "description"),
    };
    let Some(text) = args.text("new-desc") else {
        let found = get(session, args, &domain, kind, None).await?;
        let shown = match &found {
            Some(text) => text.clone(),
            None => format!("No {word} for domain: {}", domain.name),
        };
        let json = json!({ "domain": domain.name, "uuid": domain.uuid.to_string(), word: found });
        return Ok(Reply::new(json).line(shown));
    };
    let change = MetadataChange {
        kind,
        value: Some(text.to_owned()),
        prefix: None,
        uri: None,
    };
    set(session, args, &domain, &change).await?;
    let what = if args.flag("title") {
        "title"
    } else {
        "description"
    };
    Ok(Reply::new(json::done(&domain, "desc")).note(format!("Domain {what} updated successfully")))
}

async fn metadata(session: &Session, args: &Args) -> Result<Reply> {
    args.exclusive("set", "remove")?;
    let domain = session.domain(args).await?;
    let uri = args.required("uri")?;
    let value = args.text("set").map(str::to_owned);
    if value.is_none() && !args.flag("remove") {
        let kind = MetadataKind::Element;
        let Some(found) = get(session, args, &domain, kind, Some(uri)).await? else {
            let name = &domain.name;
            return Err(Error::Failed(format!(
                "metadata not found: domain '{name}' has no element of '{uri}'"
            )));
        };
        let json = json!({
            "domain": domain.name, "uuid": domain.uuid.to_string(), "uri": uri, "element": found,
        });
        return Ok(Reply::new(json).line(found));
    }
    let said = match value {
        Some(_) => "Metadata modified",
        None => "Metadata removed",
    };
    let change = MetadataChange {
        kind: MetadataKind::Element,
        value,
        prefix: args.text("key").map(str::to_owned),
        uri: Some(uri.to_owned()),
    };
    set(session, args, &domain, &change).await?;
    Ok(Reply::new(json::done(&domain, "metadata")).note(said))
}

async fn get(
    session: &Session,
    args: &Args,
    domain: &Domain,
    kind: MetadataKind,
    uri: Option<&str>,
) -> Result<Option<String>> {
    let driver = session.driver().await?;
    let key = DomainKey::from(domain);
    match driver.metadata(&key, kind, uri, affect(args)?).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.libvirt().code == MISSING => Ok(None),
        Err(error) => Err(error).context(|| format!("Failed to get {kind} of '{}'", domain.name)),
    }
}

async fn set(
    session: &Session,
    args: &Args,
    domain: &Domain,
    change: &MetadataChange,
) -> Result<()> {
    let driver = session.driver().await?;
    let key = DomainKey::from(domain);
    driver
        .set_metadata(&key, change, affect(args)?)
        .await
        .context(|| format!("Failed to set {} of '{}'", change.kind, domain.name))
}
