//! `schedinfo`: a domain's parameters under the host's scheduler.

use super::{Command, Group, affect};
use crate::connect::Session;
use crate::error::{Context, Error, Result};
use crate::options::{Args, CONFIG, CURRENT, DOMAIN, Kind, LIVE, named, repeated};
use crate::output::Reply;
use serde_json::{Map, Value, json};
use virtxen_driver::{DomainKey, TypedParameter, TypedValue};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "schedinfo",
    group: Group::Resources,
    summary: "show or set the scheduler parameters of a domain",
    about: "The credit schedulers have weight (a share, 256 is normal) and cap (percent of one \
            processor, 0 is no limit; credit2 has it from Xen 4.10 on). SEDF of old releases has \
            period, slice, latency (milliseconds), extratime and weight. RTDS has period and \
            budget (microseconds), which are ours: libvirt has no words for them. A domain in a \
            cpupool has the scheduler of that.",
    options: &[
        DOMAIN,
        named(
            "weight",
            Kind::Number,
            "share of the processors, credit schedulers",
        ),
        named(
            "cap",
            Kind::Number,
            "limit in percent of one processor, credit schedulers",
        ),
        CURRENT,
        CONFIG,
        LIVE,
        repeated(
            "set",
            Kind::Text("parameter=value"),
            "a parameter and its new value",
        ),
    ],
    run: |session, args| Box::pin(schedinfo(session, args)),
}];

async fn schedinfo(session: &Session, args: &Args) -> Result<Reply> {
    let changes = changes(args)?;
    let affect = affect(args)?;
    let domain = session.domain(args).await?;
    let key = DomainKey::from(&domain);
    let driver = session.driver().await?;
    if !changes.is_empty() {
        driver
            .set_scheduler(&key, &changes, affect)
            .await
            .context(|| format!("Failed to set the scheduler of domain '{}'", domain.name))?;
    }
    let (name, parameters) = driver
        .scheduler(&key)
        .await
        .context(|| format!("Failed to get the scheduler of domain '{}'", domain.name))?;
    let mut text = format!("{:<15}: {name}\n", "Scheduler");
    let mut values = Map::new();
    for parameter in &parameters {
        text.push_str(&format!("{:<15}: {}\n", parameter.name, parameter.value));
        values.insert(parameter.name.clone(), value_json(&parameter.value));
    }
    let json = json!({ "scheduler": name, "parameters": values });
    Ok(Reply::new(session.marked(json)).text(text))
}

fn changes(args: &Args) -> Result<Vec<TypedParameter>> {
    let mut changes = Vec::new();
    for name in ["weight", "cap"] {
        if let Some(value) = args.number::<u32>(name)? {
            changes.push(TypedParameter {
                name: name.to_owned(),
                value: TypedValue::UInt(value),
            });
        }
    }
    for word in args.all("set") {
        let number = |value: &str| value.parse::<u64>().ok();
        let (name, value) = word
            .split_once('=')
            .and_then(|(name, value)| Some((name, number(value)?)))
            .ok_or_else(|| Error::usage(format!("'{word}' is not of the form parameter=number")))?;
        changes.push(TypedParameter {
            name: name.to_owned(),
            value: TypedValue::ULLong(value),
        });
    }
    Ok(changes)
}

/// A value as JSON has it.
pub(super) fn value_json(value: &TypedValue) -> Value {
    match value {
        TypedValue::Int(value) => json!(value),
        TypedValue::UInt(value) => json!(value),
        TypedValue::LLong(value) => json!(value),
        TypedValue::ULLong(value) => json!(value),
        TypedValue::Double(value) => json!(value),
        TypedValue::Boolean(value) => json!(value),
        other => json!(other.to_string()),
    }
}
