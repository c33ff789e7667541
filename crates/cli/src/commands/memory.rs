//! `setmem` and `setmaxmem`: how much memory a domain has and may have.

use super::{Command, Group, affect};
use crate::connect::Session;
use crate::error::{Context, Error, Result};
use crate::json;
use crate::options::{Args, CONFIG, CURRENT, DOMAIN, Kind, LIVE, required};
use crate::output::Reply;
use serde_json::json;
use virtxen_driver::DomainKey;

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "setmem",
        group: Group::Resources,
        summary: "set the memory of a domain",
        about: "The guest's balloon driver gives memory back or takes it; it may take its time.",
        options: &[
            DOMAIN,
            required("size", Kind::Size, "KiB, or with a unit: 512M, 2GiB"),
            CONFIG,
            LIVE,
            CURRENT,
        ],
        run: |session, args| Box::pin(set(session, args, false)),
    },
    Command {
        name: "setmaxmem",
        group: Group::Resources,
        summary: "set the most memory that a domain may have",
        about: "",
        options: &[
            DOMAIN,
            required("size", Kind::Size, "KiB, or with a unit: 512M, 2GiB"),
            CONFIG,
            LIVE,
            CURRENT,
        ],
        run: |session, args| Box::pin(set(session, args, true)),
    },
];

async fn set(session: &Session, args: &Args, maximum: bool) -> Result<Reply> {
    let size = args
        .size("size")?
        .ok_or_else(|| Error::usage("the size is missing"))?;
    let affect = affect(args)?;
    let domain = session.domain(args).await?;
    let key = DomainKey::from(&domain);
    let driver = session.driver().await?;
    let (done, action) = if maximum {
        (driver.set_max_memory(&key, size, affect).await, "setmaxmem")
    } else {
        (driver.set_memory(&key, size, affect).await, "setmem")
    };
    done.context(|| format!("Failed to set the memory of domain '{}'", domain.name))?;
    let mut json = json::done(&domain, action);
    if let Some(object) = json.as_object_mut() {
        object.insert("memory_kib".to_owned(), json!(size.0));
    }
    Ok(Reply::new(json))
}
