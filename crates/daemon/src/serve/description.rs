//! Calls about what people and programs write on a domain (title, description,
//! metadata), and about what a domain does not have here: security labels, warnings.

use super::{Caller, lookup, wire};
use crate::error::Result;
use std::sync::Arc;
use virtxen_driver::{MetadataChange, MetadataKind};
use virtxen_rpc::calls::{
    DomainFlags, MetadataArguments, SecurityLabel, SecurityLabels, SetMetadataArguments,
};
use virtxen_rpc::xdr::List;
use virtxen_rpc::{Domain, RemoteError, code, origin};

super::rows! {
    DomainGetMetadata => metadata;
    DomainSetMetadata => set_metadata;
    DomainGetMessages => messages;
    DomainGetSecurityLabel => async |caller: Arc<Caller>, dom: Domain| {
        lookup::look(&caller, &dom).await.map(|_| SecurityLabel::default())
    };
    DomainGetSecurityLabelList => async |caller: Arc<Caller>, dom: Domain| {
        lookup::look(&caller, &dom).await.map(|_| SecurityLabels::default())
    };
}

/// `VIR_DOMAIN_MESSAGE_DEPRECATION`, `_TAINTING` and `_IOERRORS`: kinds of messages that
/// libvirt knows. Ours is another one and comes when none of them is asked for.
const KINDS: u32 = 0b111;

/// `REMOTE_DOMAIN_MESSAGES_MAX`
const MESSAGES_MAX: usize = 2048;

async fn messages(
    caller: Arc<Caller>,
    arguments: DomainFlags,
) -> Result<List<String, MESSAGES_MAX>> {
    wire::only("virDomainGetMessages", arguments.flags, KINDS)?;
    if arguments.flags != 0 {
        lookup::look(&caller, &arguments.dom).await?;
        return Ok(List::default());
    }
    let messages = caller.driver.messages(&wire::key(&arguments.dom)).await?;
    Ok(List(fitting(messages, MESSAGES_MAX)))
}

/// As many messages as a reply may have; the last one tells of those that are left out.
fn fitting(mut messages: Vec<String>, most: usize) -> Vec<String> {
    let kept = most.saturating_sub(1);
    if messages.len() > most {
        let more = messages.split_off(kept).len();
        messages.push(format!("{more} more messages do not fit into the reply"));
    }
    messages
}

async fn metadata(caller: Arc<Caller>, arguments: MetadataArguments) -> Result<String> {
    wire::only("virDomainGetMetadata", arguments.flags, wire::AFFECT)?;
    let affect = wire::affect(arguments.flags);
    let (key, kind) = (wire::key(&arguments.dom), kind(arguments.kind)?);
    let uri = arguments.uri.as_deref();
    Ok(caller.driver.metadata(&key, kind, uri, affect).await?)
}

async fn set_metadata(caller: Arc<Caller>, arguments: SetMetadataArguments) -> Result<()> {
    wire::only("virDomainSetMetadata", arguments.flags, wire::AFFECT)?;
    let affect = wire::affect(arguments.flags);
    let change = MetadataChange {
        kind: kind(arguments.kind)?,
        value: arguments.metadata,
        prefix: arguments.key,
        uri: arguments.uri,
    };
    let key = wire::key(&arguments.dom);
    Ok(caller.driver.set_metadata(&key, &change, affect).await?)
}

fn kind(number: i32) -> Result<MetadataKind> {
    MetadataKind::of_number(number).ok_or_else(|| {
        let message = format!("invalid argument: unknown metadata type {number}");
        RemoteError::new(code::INVALID_ARG, origin::DOMAIN, message).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_do_not_fit_are_counted() {
        let messages = |many: usize| (0..many).map(|it| it.to_string()).collect::<Vec<_>>();
        assert_eq!(fitting(messages(3), 3), ["0", "1", "2"]);
        assert_eq!(
            fitting(messages(5), 3),
            ["0", "1", "3 more messages do not fit into the reply"]
        );
    }
}
