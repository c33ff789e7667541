//! The configuration file, `virtxend.conf`, in the format and with the keys of
//! libvirt's daemons.
//!
//! Nothing in it is left out silently: keys without an effect here are warned about,
//! and what would make the daemon safer than it is, is an error.

mod keys;
mod syntax;

use crate::auth::Method;
use crate::error::{Error, Result};
use crate::log::LogConfig;
use crate::tls::TlsConfig;
use crate::users;
use keys::{KEYS, WITHOUT_EFFECT};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use syntax::Remark;
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
    /// Mode of the sockets for those who may do all, if it is set.
    pub(crate) mode: Option<u32>,
    /// Mode of the sockets for those who only read.
    pub(crate) read_only_mode: u32,
    /// Mode of the sockets of the administration.
    pub(crate) admin_mode: u32,
    /// What those who may do all have to prove.
    pub(crate) auth_unix_rw: Method,
    /// What those who only read have to prove.
    pub(crate) auth_unix_ro: Method,
    /// Where the sockets are instead of in libvirt's folder.
    pub(crate) folder: Option<PathBuf>,
    /// Whether to listen for other machines in plain text, if at all.
    pub(crate) listen_tcp: bool,
    /// Whether to listen for other machines with TLS, if at all.
    pub(crate) listen_tls: bool,
    /// The one address to listen on.
    pub(crate) listen_addr: Option<String>,
    /// Ports.
    pub(crate) tcp_port: u16,
    pub(crate) tls_port: u16,
    /// What clients of TCP have to prove; it has to be said.
    pub(crate) auth_tcp: Option<Method>,
    /// What clients of TLS have to prove besides their certificate.
    pub(crate) auth_tls: Method,
    /// Keys and certificates.
    pub(crate) tls: TlsConfig,
    /// The file of those who may come with a password.
    pub(crate) users: PathBuf,
    /// Patterns of their names; none for all.
    pub(crate) allowed_users: Option<Vec<String>>,
    /// Where Prometheus may ask, if at all.
    pub(crate) prometheus: Option<SocketAddr>,
    /// What is logged, and where.
    pub(crate) log: LogConfig,
    /// Whether polkit decides what each client may do.
    pub(crate) access_polkit: bool,
    /// Clients that are served at once.
    pub(crate) max_clients: usize,
    /// Clients that have not proved yet who they are.
    pub(crate) max_anonymous: usize,
    /// Calls of a client that run at once.
    pub(crate) max_calls: usize,
    /// Signs of life.
    pub(crate) keepalive: Keepalive,
    /// How long calls may take when the daemon ends.
    pub(crate) patience: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            group: None,
            mode: None,
            read_only_mode: 0o666,
            admin_mode: 0o700,
            auth_unix_rw: Method::None,
            auth_unix_ro: Method::None,
            folder: None,
            listen_tcp: false,
            listen_tls: true,
            listen_addr: None,
            tcp_port: 16_509,
            tls_port: 16_514,
            auth_tcp: None,
            auth_tls: Method::None,
            tls: TlsConfig::default(),
            users: users::PLACE.into(),
            allowed_users: None,
            prometheus: None,
            log: LogConfig::default(),
            access_polkit: false,
            max_clients: 5000,
            max_anonymous: 20,
            max_calls: 5,
            keepalive: Keepalive::default(),
            patience: Duration::from_secs(30),
        }
    }
}

impl Config {
    /// Mode of the sockets for those who may do all. When they have to prove that they
    /// may, everybody can come and try.
    pub(crate) fn full_mode(&self) -> u32 {
        let default = match self.auth_unix_rw {
            Method::None => 0o600,
            _ => 0o666,
        };
        self.mode.unwrap_or(default)
    }

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

    /// Keys that have another value in `new` and hold only for a daemon that starts.
    pub(crate) fn fixed_until_restart(&self, new: &Self) -> Vec<&'static str> {
        let keys = [
            ("unix_sock_group", self.group != new.group),
            ("unix_sock_rw_perms", self.full_mode() != new.full_mode()),
            (
                "unix_sock_ro_perms",
                self.read_only_mode != new.read_only_mode,
            ),
            ("unix_sock_admin_perms", self.admin_mode != new.admin_mode),
            ("unix_sock_dir", self.folder != new.folder),
            ("listen_tcp", self.listen_tcp != new.listen_tcp),
            ("listen_tls", self.listen_tls != new.listen_tls),
            ("listen_addr", self.listen_addr != new.listen_addr),
            ("tcp_port", self.tcp_port != new.tcp_port),
            ("tls_port", self.tls_port != new.tls_port),
            ("prometheus_listen", self.prometheus != new.prometheus),
            ("log_…", self.log != new.log),
        ];
        let changed = keys.into_iter().filter(|(_, changed)| *changed);
        changed.map(|(key, _)| key).collect()
    }

    /// The configuration and warnings, or an error, each with its line.
    fn parse(file: &str) -> std::result::Result<(Self, Vec<Remark>), Remark> {
        let mut config = Self::default();
        let mut warnings = Vec::new();
        for (line, key, value) in syntax::parse(file)? {
            let key = key.as_str();
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever adds a key says in the package's file what it does.
    #[test]
    fn the_packages_file_has_every_key() {
        let file = include_str!("../../../../packaging/virtxend.conf");
        let is_key = |line: &&str| {
            let name = line.split_once(" = ").map(|(name, _)| name);
            name.is_some_and(|name| !name.is_empty() && !name.contains(' '))
        };
        let lines: Vec<&str> = file
            .lines()
            .filter_map(|line| line.strip_prefix('#'))
            .filter(is_key)
            .collect();
        let names: Vec<&str> = lines
            .iter()
            .filter_map(|line| line.split_once(" = ").map(|(name, _)| name))
            .collect();
        for (key, _) in KEYS {
            assert_eq!(names.iter().filter(|name| *name == key).count(), 1, "{key}");
        }
        assert_eq!(names.len(), KEYS.len(), "a key that nobody knows");
        // As it is it sets nothing, and every example would do.
        assert_eq!(
            Config::parse(file).unwrap(),
            (Config::default(), Vec::new())
        );
        let (_, warnings) = Config::parse(&lines.join("\n")).unwrap();
        assert_eq!(warnings, []);
    }

    #[test]
    fn keys_have_their_effect_or_a_warning() {
        let file = "# comment\n\nunix_sock_group = \"xen # admins\"  # who\n\
                    unix_sock_rw_perms = '0770'\nmax_clients=7\nkeepalive_interval = -1\n\
                    access_drivers = [\n]\nmdns_adv = 0\nshine = 1\n";
        let (config, warnings) = Config::parse(file).unwrap();
        assert_eq!(config.group.as_deref(), Some("xen # admins"));
        assert_eq!((config.full_mode(), config.max_clients), (0o770, 7));
        assert_eq!(config.keepalive.interval, Duration::ZERO);
        let expected = [
            (9, "mdns_adv has no effect in virtxend"),
            (10, "unknown key shine"),
        ];
        assert_eq!(
            warnings,
            expected.map(|(line, text)| (line, text.to_owned()))
        );
    }

    #[test]
    fn who_has_to_prove_something_can_come_and_try() {
        let mode = |file| Config::parse(file).unwrap().0.full_mode();
        assert_eq!(mode(""), 0o600);
        assert_eq!(mode("auth_unix_rw = \"polkit\"\n"), 0o666);
        let both = "auth_unix_rw = \"polkit\"\nunix_sock_rw_perms = \"0660\"\n";
        assert_eq!(mode(both), 0o660);
    }

    #[test]
    fn what_would_be_less_safe_than_it_says_is_an_error() {
        for (file, words) in [
            ("auth_unix_rw = \"dance\"", "only \"none\""),
            (
                "access_drivers = [ \"polkit\", \"nop\" ]",
                "no driver 'nop'",
            ),
            ("auth_tls = \"polkit\"", "of this machine"),
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
