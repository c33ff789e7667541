//! The keys of the configuration file: what each sets, and those that set nothing
//! here.

use super::Config;
use super::syntax::Value;
use crate::auth::Method;
use std::path::PathBuf;
use std::time::Duration;

/// Puts a value in its place, or says what is wrong with it.
pub(super) type Set = fn(&mut Config, &Value) -> Result<(), String>;

pub(super) const KEYS: &[(&str, Set)] = &[
    ("unix_sock_group", |config, value| {
        config.group = Some(text(value)?).filter(|group| !group.is_empty());
        Ok(())
    }),
    ("unix_sock_rw_perms", |config, value| {
        mode(value).map(|mode| config.mode = Some(mode))
    }),
    ("unix_sock_ro_perms", |config, value| {
        mode(value).map(|mode| config.read_only_mode = mode)
    }),
    ("unix_sock_admin_perms", |config, value| {
        mode(value).map(|mode| config.admin_mode = mode)
    }),
    // Not libvirt's: its daemons do not wait.
    ("shutdown_timeout", |config, value| {
        let seconds = u64::try_from(number(value)?)
            .ok()
            .filter(|seconds| *seconds <= 86_400);
        let seconds = seconds.ok_or("seconds from 0 to 86400 are needed")?;
        config.patience = Duration::from_secs(seconds);
        Ok(())
    }),
    ("auth_unix_rw", |config, value| {
        method(value).map(|method| config.auth_unix_rw = method)
    }),
    ("auth_unix_ro", |config, value| {
        method(value).map(|method| config.auth_unix_ro = method)
    }),
    ("auth_tcp", |config, value| {
        remote_method(value).map(|method| config.auth_tcp = Some(method))
    }),
    ("auth_tls", |config, value| {
        remote_method(value).map(|method| config.auth_tls = method)
    }),
    ("unix_sock_dir", |config, value| {
        path(value).map(|path| config.folder = Some(path))
    }),
    ("listen_tcp", |config, value| {
        flag(value).map(|flag| config.listen_tcp = flag)
    }),
    ("listen_tls", |config, value| {
        flag(value).map(|flag| config.listen_tls = flag)
    }),
    ("listen_addr", |config, value| {
        config.listen_addr = Some(text(value)?).filter(|address| !address.is_empty());
        Ok(())
    }),
    ("tcp_port", |config, value| {
        port(value).map(|port| config.tcp_port = port)
    }),
    ("tls_port", |config, value| {
        port(value).map(|port| config.tls_port = port)
    }),
    ("key_file", |config, value| {
        path(value).map(|path| config.tls.key = path)
    }),
    ("cert_file", |config, value| {
        path(value).map(|path| config.tls.certificate = path)
    }),
    ("ca_file", |config, value| {
        path(value).map(|path| config.tls.authorities = path)
    }),
    ("crl_file", |config, value| {
        path(value).map(|path| config.tls.revoked = Some(path))
    }),
    ("tls_no_verify_certificate", |config, value| {
        flag(value).map(|flag| config.tls.verify = !flag)
    }),
    ("tls_no_sanity_certificate", |config, value| {
        flag(value).map(|flag| config.tls.sanity = !flag)
    }),
    ("tls_allowed_dn_list", |config, value| {
        list(value).map(|list| config.tls.names = Some(list))
    }),
    // Not libvirt's: SASL's own configuration says it there.
    ("sasl_users_file", |config, value| {
        path(value).map(|path| config.users = path)
    }),
    ("sasl_allowed_username_list", |config, value| {
        list(value).map(|list| config.allowed_users = Some(list))
    }),
    ("max_anonymous_clients", |config, value| {
        // libvirt's word for no limit of its own.
        config.max_anonymous = match number(value)? {
            0 => COUNT_MAX,
            _ => count(value)?,
        };
        Ok(())
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
    ("prometheus_listen", |config, value| {
        let text = text(value)?;
        let address = text.parse();
        config.prometheus = match text.as_str() {
            "" => None,
            _ => Some(address.map_err(|_| format!("'{text}' is no ADDRESS:PORT"))?),
        };
        Ok(())
    }),
    ("log_level", |config, value| {
        config.log.set_level(number(value)?)
    }),
    ("log_filters", |config, value| {
        config.log.set_filters(&text(value)?)
    }),
    ("log_outputs", |config, value| {
        config.log.set_outputs(&text(value)?)
    }),
    ("log_format", |config, value| {
        config.log.set_format(&text(value)?)
    }),
    ("access_drivers", |config, value| {
        let drivers = list(value)?;
        config.access_polkit = !drivers.is_empty();
        match drivers.iter().find(|driver| *driver != "polkit") {
            Some(other) => Err(format!("there is no driver '{other}', only \"polkit\"")),
            None => Ok(()),
        }
    }),
];

/// Most of anything that is counted.
const COUNT_MAX: usize = 1_000_000;

/// Keys of libvirt's daemons for what is not here: the administration, logs and
/// workers.
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
    "host_uuid",
    "host_uuid_source",
    "max_queued_clients",
    "max_requests",
    "max_workers",
    "mdns_adv",
    "mdns_name",
    "min_workers",
    "ovs_timeout",
    "prio_workers",
    "tcp_min_ssf",
    "tls_priority",
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

fn flag(value: &Value) -> Result<bool, String> {
    match number(value)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err("0 or 1 is needed".to_owned()),
    }
}

fn list(value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::List(list) => Ok(list.clone()),
        _ => Err("a list of texts in brackets is needed".to_owned()),
    }
}

/// An absolute path: the daemon's own folder is of no meaning to who writes settings.
fn path(value: &Value) -> Result<PathBuf, String> {
    let path = PathBuf::from(text(value)?);
    if path.is_absolute() {
        return Ok(path);
    }
    Err("a path that begins with / is needed".to_owned())
}

/// A port, in quotes as libvirt has it, or not.
fn port(value: &Value) -> Result<u16, String> {
    let port = match value {
        Value::Text(text) => text.parse().ok(),
        Value::Number(number) => u16::try_from(*number).ok(),
        Value::List(_) => None,
    };
    port.filter(|port| *port > 0)
        .ok_or_else(|| "the number of a port is needed, such as \"16514\"".to_owned())
}

fn count(value: &Value) -> Result<usize, String> {
    match usize::try_from(number(value)?) {
        Ok(count @ 1..=COUNT_MAX) => Ok(count),
        _ => Err("a number from 1 to 1000000 is needed".to_owned()),
    }
}

fn mode(value: &Value) -> Result<u32, String> {
    let mode = u32::from_str_radix(&text(value)?, 8).ok();
    let mode = mode.filter(|mode| *mode <= 0o777);
    mode.ok_or_else(|| "a mode such as \"0660\" is needed".to_owned())
}

/// What clients of other machines can prove.
fn remote_method(value: &Value) -> Result<Method, String> {
    match method(value)? {
        Method::Polkit => Err("polkit knows processes of this machine only".to_owned()),
        method => Ok(method),
    }
}

fn method(value: &Value) -> Result<Method, String> {
    Method::parse(&text(value)?)
}
