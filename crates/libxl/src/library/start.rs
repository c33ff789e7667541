//! Starting a guest, new or from a stream: what has to be kept of it before it runs, and
//! what is left to do when it did not start.

use super::call::Arguments;
use super::context::Context;
use super::evidence;
use super::structure::Structure;
use super::toolstack::{need, one, store};
use crate::protocol::Outcome;
use crate::{Failure, FailureKind, Operation};
use serde_json::Value;
use std::os::fd::{AsFd, OwnedFd};

/// The form of a stream that `libxl_domain_restore_params` has by itself.
const STREAM_DEFAULT: u32 = 1;

/// Starts a guest, and keeps its document while it is still paused.
pub(super) fn start(
    context: &Context<'_>,
    operation: Operation,
    descriptors: Vec<OwnedFd>,
) -> Result<Outcome, Failure> {
    let (config, document, stream_version) = match operation {
        Operation::Create { config, document } => (config, document, None),
        Operation::Restore {
            config,
            document,
            stream_version,
        } => (config, document, Some(stream_version)),
        other => return Err(Failure::request(other.name())),
    };
    let there = leftovers(context, &config);
    let mut structure = Structure::read(context, "domain_config", &config)?;
    let mut domid = u32::MAX;
    let started = match stream_version {
        None => context.call(
            "domain_create_new",
            Arguments::Create(&mut structure, &mut domid),
        ),
        Some(version) => {
            let stream = one(descriptors)?;
            let parameters = match version {
                STREAM_DEFAULT => "{}".to_owned(),
                version => format!("{{\"stream_version\": {version}}}"),
            };
            let mut parameters = Structure::read(context, "domain_restore_params", &parameters)?;
            let arguments =
                Arguments::Restore(&mut structure, &mut domid, stream.as_fd(), &mut parameters);
            context.call("domain_create_restore", arguments)
        }
    };
    if let Err(failure) = started {
        let failure = explained(context, &config, failure);
        remove(context, &config, there.as_deref());
        return Err(failure);
    }
    let stored = document.map_or(Ok(()), |document| store(context, domid, &document));
    let kept = match stored {
        Ok(()) if context.is_given_up() => Err(FailureKind::Aborted.into()),
        stored => stored,
    };
    // Nobody waits for it, or nobody knows what it is meant to be.
    if kept.is_err() {
        let _ = context.call("domain_destroy", Arguments::Domain(domid));
    }
    kept.map(|()| Outcome::Started { domid })
}

/// Says what the programs said that libxl started, and how much memory was missing, if
/// that is why a guest did not start.
fn explained(context: &Context<'_>, config: &str, mut failure: Failure) -> Failure {
    evidence::gather(context, config);
    failure.log = context.logger().lines();
    if !failure.is_about_memory() {
        return failure;
    }
    let mut free = 0;
    let Ok(need) = need(context, config) else {
        return failure;
    };
    if context
        .call("get_free_memory", Arguments::Memory(&mut free))
        .is_err()
        || need <= free
    {
        return failure;
    }
    let kind = FailureKind::Memory {
        need_kib: need,
        free_kib: free,
    };
    Failure {
        kind,
        log: failure.log,
    }
}

/// Removes what libxl has left of a guest that did not start: one whose start was aborted
/// stays half built, since its removal is aborted as well.
fn remove(context: &Context<'_>, config: &str, there: Option<&[u32]>) {
    let Some(there) = there else {
        return;
    };
    for domid in leftovers(context, config).unwrap_or_default() {
        if !there.contains(&domid) {
            // Nor is this aborted.
            context.is_given_up();
            let _ = context.call("domain_destroy", Arguments::Domain(domid));
        }
    }
}

/// Domains that are there with a configuration's uuid, but those that are going. `None`
/// when that cannot be said.
fn leftovers(context: &Context<'_>, config: &str) -> Option<Vec<u32>> {
    let config: Value = serde_json::from_str(config).ok()?;
    let uuid = config.pointer("/c_info/uuid").and_then(Value::as_str)?;
    let domains = context.list("list_domain", "dominfo").ok()?;
    Some(with_uuid(&domains, uuid))
}

fn with_uuid(domains: &[String], uuid: &str) -> Vec<u32> {
    let domains = domains
        .iter()
        .filter_map(|text| serde_json::from_str::<Value>(text).ok());
    let it = domains.filter(|domain| {
        let its = domain.get("uuid").and_then(Value::as_str);
        let is_dying = domain
            .get("dying")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        its.is_some_and(|its| its.eq_ignore_ascii_case(uuid)) && !is_dying
    });
    let domid = it.filter_map(|domain| domain.get("domid").and_then(Value::as_u64));
    domid
        .filter_map(|domid| u32::try_from(domid).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_found_by_uuid() {
        let domains = [
            r#"{"uuid": "aa-BB", "domid": 3, "paused": true}"#,
            r#"{"uuid": "aa-bb", "domid": 4, "dying": true}"#,
            r#"{"uuid": "aa-cc", "domid": 5}"#,
            r#"{"domid": 0}"#,
            "",
        ];
        let domains = domains.map(ToOwned::to_owned);
        assert_eq!(with_uuid(&domains, "AA-bb"), [3]);
        assert!(with_uuid(&domains, "").is_empty());
    }
}
