//! What is set while the daemon runs: the configuration and what was read because of
//! it.
//!
//! The keys of the file are in `config`.

use crate::auth::Method;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::listen::Service;
use crate::tls::Tls;
use crate::users::Users;
use std::sync::Arc;

/// What is set.
pub(crate) struct Settings {
    /// What the file says.
    pub(crate) config: Config,
    /// Keys and certificates, if somebody may come with TLS.
    tls: Option<Tls>,
    /// Those who may come with a password.
    pub(crate) users: Arc<Users>,
}

impl Settings {
    /// Reads what the configuration names, keys and certificates with `tls`.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub(crate) fn new(config: Config, tls: bool) -> Result<Self> {
        let tls = tls.then(|| Tls::load(&config)).transpose()?;
        let users = Users::new(&config.users, config.allowed_users.clone())?;
        Ok(Self {
            config,
            tls,
            users: Arc::new(users),
        })
    }

    /// What clients of a service have to prove.
    pub(crate) fn method(&self, service: Service) -> Method {
        match service {
            Service::Full => self.config.auth_unix_rw,
            Service::ReadOnly => self.config.auth_unix_ro,
            Service::Admin => Method::None,
            Service::Tcp => self.config.auth_tcp.unwrap_or(Method::None),
            Service::Tls => self.config.auth_tls,
        }
    }

    /// Whether nobody knows at first who a client of a service is.
    pub(crate) fn is_anonymous(&self, service: Service) -> bool {
        service == Service::Tls || self.method(service) != Method::None
    }

    /// Whether somebody may come with TLS.
    pub(crate) const fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// How clients come with TLS.
    ///
    /// # Errors
    /// When it was switched off while the socket was there.
    pub(crate) fn tls(&self) -> Result<&Tls> {
        let missing = || Error::Usage("TLS is switched off".to_owned());
        self.tls.as_ref().ok_or_else(missing)
    }
}
