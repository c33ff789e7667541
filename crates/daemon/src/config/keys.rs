//! The keys of the configuration file: what each sets, and those that set nothing
//! here.

use super::Config;
use super::syntax::Value;
use crate::auth::Method;
use std::time::Duration;

/// Puts a value in its place, or says what is wrong with it.
pub(super) type Set = fn(&mut Config, &Value) -> Result<(), String>;

pub(super) const KEYS: &[(&str, Set)] = &[
    ("unix_sock_group", |config, value| {
        config.group = Some(text(value)?).filter(|group| !group.is_empty());
        Ok(())
    }),
    ("unix_sock_rw_perms", |config, value| {
        mode(value).map(|mode| config.mode = mode)
    }),
    ("unix_sock_ro_perms", |config, value| {
        mode(value).map(|mode| config.read_only_mode = mode)
    }),
    ("auth_unix_rw", |config, value| {
        method(value).map(|method| config.auth_unix_rw = method)
    }),
    ("auth_unix_ro", |config, value| {
        method(value).map(|method| config.auth_unix_ro = method)
    }),
    ("max_clients", |config, value| {
        count(value).map(|count| config.max_clients = count)
    }),
    ("max_client_requests", |config, value| {
        count(value).map(|count| config.max_calls = count)
    }),
    ("keepalive_interval", |config, value| {
        let seconds = u64::try_from(number(value)?).unwrap_or(0);
        config.keepalive.interval = Duration::from_secs(seconds.min(86_400));
        Ok(())
    }),
    ("keepalive_count", |config, value| {
        let count = u32::try_from(number(value)?);
        config.keepalive.count = count.map_err(|_| "a count is needed".to_owned())?;
        Ok(())
    }),
    ("access_drivers", |_, value| match value {
        Value::List(drivers) if drivers.is_empty() => Ok(()),
        _ => Err("virtxend has no access drivers yet: it must be empty".to_owned()),
    }),
];

/// Keys of libvirt's daemons for what is not here: TCP, TLS, the administration, logs
/// and workers.
pub(super) const WITHOUT_EFFECT: &[&str] = &[
    "admin_keepalive_count",
    "admin_keepalive_interval",
    "admin_max_client_requests",
    "admin_max_clients",
    "admin_max_queued_clients",
    "admin_max_workers",
    "admin_min_workers",
    "audit_level",
    "audit_logging",
    "auth_tcp",
    "auth_tls",
    "ca_file",
    "cert_file",
    "crl_file",
    "host_uuid",
    "host_uuid_source",
    "key_file",
    "listen_addr",
    "listen_tcp",
    "listen_tls",
    "log_filters",
    "log_level",
    "log_outputs",
    "max_anonymous_clients",
    "max_queued_clients",
    "max_requests",
    "max_workers",
    "mdns_adv",
    "mdns_name",
    "min_workers",
    "ovs_timeout",
    "prio_workers",
    "sasl_allowed_username_list",
    "tcp_min_ssf",
    "tcp_port",
    "tls_allowed_dn_list",
    "tls_no_sanity_certificate",
    "tls_no_verify_certificate",
    "tls_port",
    "tls_priority",
    "unix_sock_admin_perms",
    "unix_sock_dir",
];

fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        _ => Err("a text in quotes is needed".to_owned()),
    }
}

fn number(value: &Value) -> Result<i64, String> {
    match value {
        Value::Number(number) => Ok(*number),
        _ => Err("a number is needed".to_owned()),
    }
}

fn count(value: &Value) -> Result<usize, String> {
    match usize::try_from(number(value)?) {
        Ok(count @ 1..=1_000_000) => Ok(count),
        _ => Err("a number from 1 to 1000000 is needed".to_owned()),
    }
}

fn mode(value: &Value) -> Result<u32, String> {
    let mode = u32::from_str_radix(&text(value)?, 8).ok();
    let mode = mode.filter(|mode| *mode <= 0o777);
    mode.ok_or_else(|| "a mode such as \"0660\" is needed".to_owned())
}

fn method(value: &Value) -> Result<Method, String> {
    Method::parse(&text(value)?)
}
