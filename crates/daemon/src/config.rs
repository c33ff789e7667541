//! The configuration file, `virtxend.conf`, in the format and with the keys of
//! libvirt's daemons.
//!
//! Nothing in it is left out silently: keys without an effect here are warned about,
//! and what would make the daemon safer than it is, is an error.

use crate::error::{Error, Result};
use std::path::Path;
use std::time::Duration;
use virtxen_rpc::Keepalive;

/// Where libvirt's daemon for Xen has its configuration.
pub(crate) const PLACE: &str = "/etc/libvirt/virtxend.conf";

/// Bytes of a file that are read.
const FILE_MAX: u64 = 1 << 20;

/// What can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// Who owns the sockets, besides the daemon's user.
    pub(crate) group: Option<String>,
    /// Mode of the sockets for those who may do all.
    pub(crate) mode: u32,
    /// Mode of the sockets for those who only read.
    pub(crate) read_only_mode: u32,
    /// Clients that are served at once.
    pub(crate) max_clients: usize,
    /// Calls of a client that run at once.
    pub(crate) max_calls: usize,
    /// Signs of life.
    pub(crate) keepalive: Keepalive,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            group: None,
            mode: 0o600,
            read_only_mode: 0o666,
            max_clients: 5000,
            max_calls: 5,
            keepalive: Keepalive::default(),
        }
    }
}

/// A value in the file. Lists are only looked at for whether they are empty.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    Number(i64),
    List(bool),
}

/// What there is to say about a line, and its number.
type Remark = (usize, String);

/// Puts a value in its place, or says what is wrong with it.
type Set = fn(&mut Config, &Value) -> std::result::Result<(), String>;

const KEYS: &[(&str, Set)] = &[
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
    ("auth_unix_rw", |_, value| without_auth(value)),
    ("auth_unix_ro", |_, value| without_auth(value)),
    ("access_drivers", |_, value| match value {
        Value::List(true) => Ok(()),
        _ => Err("virtxend has no access drivers yet: it must be empty".to_owned()),
    }),
];

/// Keys of libvirt's daemons for what is not here: TCP, TLS, the administration, logs
/// and workers.
const WITHOUT_EFFECT: &[&str] = &[
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

impl Config {
    /// Reads a file, and says what in it has no effect.
    ///
    /// # Errors
    /// Names the file, the line and what is wrong there.
    pub(crate) fn load(path: &Path) -> Result<(Self, Vec<String>)> {
        let name = path.display();
        let failed = |message: String| Error::Usage(format!("{name}: {message}"));
        let length = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?;
        if length.len() > FILE_MAX {
            return Err(failed(format!("it is longer than {FILE_MAX} bytes")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        let (config, warnings) = Self::parse(&text)
            .map_err(|(line, message)| failed(format!("line {line}: {message}")))?;
        let place = |(line, message)| format!("{name}: line {line}: {message}");
        Ok((config, warnings.into_iter().map(place).collect()))
    }

    /// The configuration and warnings, or an error, each with its line.
    fn parse(file: &str) -> std::result::Result<(Self, Vec<Remark>), Remark> {
        let mut config = Self::default();
        let mut warnings = Vec::new();
        for (line, statement) in statements(file) {
            let at = |message: String| (line, message);
            let (key, value) = statement
                .split_once('=')
                .ok_or_else(|| at("'key = value' is needed".to_owned()))?;
            let (key, value) = (key.trim(), parse_value(value.trim()).map_err(at)?);
            match KEYS.iter().find(|(name, _)| *name == key) {
                Some((_, set)) => set(&mut config, &value)
                    .map_err(|message| (line, format!("{key}: {message}")))?,
                None if WITHOUT_EFFECT.contains(&key) => {
                    warnings.push((line, format!("{key} has no effect in virtxend")));
                }
                None => warnings.push((line, format!("unknown key {key}"))),
            }
        }
        Ok((config, warnings))
    }
}

/// Lines without comments, those of a list joined, with the number of the first.
fn statements(file: &str) -> Vec<(usize, String)> {
    let mut statements: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (number, line) in (1..).zip(file.lines()) {
        let line = without_comment(line).trim();
        if line.is_empty() {
            continue;
        }
        match statements.last_mut().filter(|_| open) {
            Some((_, statement)) => statement.push_str(line),
            None => {
                let value = line.split_once('=').map_or("", |(_, value)| value.trim());
                open = value.starts_with('[');
                statements.push((number, line.to_owned()));
            }
        }
        open &= !line.ends_with(']');
    }
    statements
}

fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (place, character) in line.char_indices() {
        match (quote, character) {
            (None, '#') => return line.get(..place).unwrap_or_default(),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    line
}

fn parse_value(value: &str) -> std::result::Result<Value, String> {
    let inside = |open: char, close: char| {
        let inner = value.strip_prefix(open)?;
        inner.strip_suffix(close)
    };
    if let Some(text) = inside('"', '"').or_else(|| inside('\'', '\'')) {
        return Ok(Value::Text(text.to_owned()));
    }
    if let Some(list) = inside('[', ']') {
        return Ok(Value::List(list.trim().is_empty()));
    }
    let number = value.parse().map(Value::Number);
    number.map_err(|_| format!("{value} is no number, text in quotes or list"))
}

fn text(value: &Value) -> std::result::Result<String, String> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        _ => Err("a text in quotes is needed".to_owned()),
    }
}

fn number(value: &Value) -> std::result::Result<i64, String> {
    match value {
        Value::Number(number) => Ok(*number),
        _ => Err("a number is needed".to_owned()),
    }
}

fn count(value: &Value) -> std::result::Result<usize, String> {
    match usize::try_from(number(value)?) {
        Ok(count @ 1..=1_000_000) => Ok(count),
        _ => Err("a number from 1 to 1000000 is needed".to_owned()),
    }
}

fn mode(value: &Value) -> std::result::Result<u32, String> {
    let mode = u32::from_str_radix(&text(value)?, 8).ok();
    let mode = mode.filter(|mode| *mode <= 0o777);
    mode.ok_or_else(|| "a mode such as \"0660\" is needed".to_owned())
}

fn without_auth(value: &Value) -> std::result::Result<(), String> {
    match text(value)?.as_str() {
        "none" => Ok(()),
        other => Err(format!(
            "virtxend does not know '{other}' yet, only \"none\": \
             who may connect is said by the modes and the group of the sockets"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_their_effect_or_a_warning() {
        let file = "# comment\n\nunix_sock_group = \"xen # admins\"  # who\n\
                    unix_sock_rw_perms = '0770'\nmax_clients=7\nkeepalive_interval = -1\n\
                    access_drivers = [\n]\nlisten_tls = 0\nshine = 1\n";
        let (config, warnings) = Config::parse(file).unwrap();
        assert_eq!(config.group.as_deref(), Some("xen # admins"));
        assert_eq!((config.mode, config.max_clients), (0o770, 7));
        assert_eq!(config.keepalive.interval, Duration::ZERO);
        let expected = [
            (9, "listen_tls has no effect in virtxend"),
            (10, "unknown key shine"),
        ];
        assert_eq!(
            warnings,
            expected.map(|(line, text)| (line, text.to_owned()))
        );
    }

    #[test]
    fn what_would_be_less_safe_than_it_says_is_an_error() {
        for (file, words) in [
            ("auth_unix_rw = \"polkit\"", "only \"none\""),
            ("access_drivers = [ \"polkit\" ]", "must be empty"),
            ("unix_sock_ro_perms = \"rw\"", "a mode"),
            ("max_clients = 0", "from 1"),
            ("max_clients", "key = value"),
            ("max_clients = many", "no number"),
        ] {
            let (line, message) = Config::parse(file).unwrap_err();
            assert!(line == 1 && message.contains(words), "{message}");
        }
    }
}
