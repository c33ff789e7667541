//! `domxml-from-native` and `domxml-to-native`: libvirt's names for conversions,
//! in terms of the host's release. Files without a host are `convert`'s.

use super::{Command, Group};
use crate::connect::Session;
use crate::document;
use crate::error::{Context, Error, Result};
use crate::options::{Args, Kind, named, required};
use crate::output::Reply;
use serde_json::json;
use virtxen_driver::{Converted, DomainKey, NativeFormat, XmlFlags};

const FORMAT: Kind = Kind::Word(&["xen-xm", "xen-xl", "xen-libxl", "xen-sxpr"]);

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "domxml-from-native",
        group: Group::Documents,
        summary: "convert a configuration of Xen's to XML",
        about: "",
        options: &[
            required("format", FORMAT, "language of the file"),
            required("config", Kind::File, "the file, - for standard input"),
        ],
        run: |session, args| Box::pin(from_native(session, args)),
    },
    Command {
        name: "domxml-to-native",
        group: Group::Documents,
        summary: "convert XML to a configuration of Xen's, for this host's release",
        about: "Either --domain or --xml names what is converted.",
        options: &[
            required("format", FORMAT, "language that is wanted"),
            named("domain", Kind::Domain, "a domain of the host"),
            named(
                "xml",
                Kind::File,
                "a file with a domain's XML, - for standard input",
            ),
        ],
        run: |session, args| Box::pin(to_native(session, args)),
    },
];

async fn from_native(session: &Session, args: &Args) -> Result<Reply> {
    let (format, file) = (format(args)?, args.required("config")?);
    let text = document::read(file)?;
    let driver = session.driver().await?;
    let failed = || format!("Failed to convert {file}");
    let converted = driver
        .xml_from_native(format, &text)
        .await
        .map_err(|error| document::failed(file, error))
        .context(failed)?;
    finish(session, file, converted).context(failed)
}

async fn to_native(session: &Session, args: &Args) -> Result<Reply> {
    let format = format(args)?;
    let driver = session.driver().await?;
    let (name, xml) = match (args.text("domain"), args.text("xml")) {
        (Some(_), None) => {
            let domain = session.domain(args).await?;
            let flags = XmlFlags {
                inactive: true,
                secure: true,
                migratable: false,
            };
            let xml = driver.xml_desc(&DomainKey::from(&domain), flags).await;
            (
                domain.name.clone(),
                xml.context(|| format!("Failed to read '{}'", domain.name))?,
            )
        }
        (None, Some(file)) => (file.to_owned(), document::read(file)?),
        _ => return Err(Error::usage("need either domain or domain XML")),
    };
    let failed = || format!("Failed to convert {name}");
    let converted = driver
        .xml_to_native(format, &xml)
        .await
        .map_err(|error| document::failed(&name, error))
        .context(failed)?;
    finish(session, &name, converted).context(failed)
}

fn format(args: &Args) -> Result<NativeFormat> {
    Ok(args.required("format")?.parse()?)
}

fn finish(session: &Session, name: &str, converted: Converted) -> Result<Reply> {
    document::warn_or_fail(session, name, converted.warnings)?;
    let text = converted.text;
    let end = if text.ends_with('\n') { "" } else { "\n" };
    Ok(Reply::new(json!({ "text": text })).text(format!("{text}{end}")))
}
