//! Moving a domain's memory: to a file, from a file, to another host.
//!
//! XenD sets the status of these before it runs them and never answers when an
//! inactive domain is meant, so that is found out first.

use crate::client::Client;
use crate::error::{Error, Result};
use crate::exchange::Pace;
use crate::release::DumpHabit;

/// How memory is dumped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dump {
    /// The guest runs on meanwhile.
    pub live: bool,
    /// The domain is destroyed afterwards.
    pub crash: bool,
    /// The domain is restarted afterwards, Xen 3.4 and later.
    pub reset: bool,
}

/// Where and how a domain is moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Migration {
    /// Host name or address.
    pub destination: String,
    /// Port of its relocation server, 0 for the destination's default.
    pub port: u16,
    /// The guest runs on meanwhile.
    pub live: bool,
}

impl Client {
    /// Writes a domain to a file on the host and ends it.
    ///
    /// # Errors
    /// When XenD refuses or the domain is not active.
    pub async fn save(&self, domain: &str, file: &str) -> Result<()> {
        self.active("save", domain).await?;
        let parameters = [("file", file)];
        let answer = self.order("save", domain, Pace::Transfer, "save", &parameters);
        answer.await.map(drop)
    }

    /// Starts a domain from a file on the host that [`Client::save`] wrote.
    ///
    /// # Errors
    /// When XenD refuses.
    pub async fn restore(&self, file: &str) -> Result<()> {
        let parameters = [("file", file)];
        let answer = self.order_host("restore", Pace::Transfer, "restore", &parameters);
        answer.await.map(drop)
    }

    /// Writes the memory of a domain to a file on the host. Xen 3.0.4 and later.
    ///
    /// # Errors
    /// When XenD refuses, the release cannot do it, or the domain is not active.
    pub async fn dump(&self, domain: &str, file: &str, mode: Dump) -> Result<()> {
        let habit = self.habits().dump;
        self.supported(habit != DumpHabit::No, "dump", "cannot dump a domain")?;
        self.supported(
            habit == DumpHabit::Reset || !mode.reset,
            "dump",
            "cannot restart a domain after a dump",
        )?;
        self.active("dump", domain).await?;
        let mut parameters = vec![
            ("file", file),
            ("live", flag(mode.live)),
            ("crash", flag(mode.crash)),
        ];
        if habit == DumpHabit::Reset {
            parameters.push(("reset", flag(mode.reset)));
        }
        let answer = self.order("dump", domain, Pace::Transfer, "dump", &parameters);
        answer.await.map(drop)
    }

    /// Moves a domain to the XenD of another host.
    ///
    /// # Errors
    /// When XenD refuses or the domain is not active.
    pub async fn migrate(&self, domain: &str, to: &Migration) -> Result<()> {
        self.active("migrate", domain).await?;
        let port = to.port.to_string();
        // The last three appeared with the releases; the others ignore them.
        let parameters = [
            ("destination", to.destination.as_str()),
            ("live", flag(to.live)),
            ("port", port.as_str()),
            ("resource", "0"),
            ("node", "-1"),
            ("ssl", "0"),
            ("change_home_server", "0"),
        ];
        let answer = self.order("migrate", domain, Pace::Transfer, "migrate", &parameters);
        answer.await.map(drop)
    }

    async fn active(&self, operation: &'static str, domain: &str) -> Result<()> {
        let document = self.detail(domain).await?;
        let domid = document.value("domid").unwrap_or_default();
        if domid.parse::<u32>().is_ok() {
            return Ok(());
        }
        Err(Error::Inactive { operation })
    }
}

fn flag(on: bool) -> &'static str {
    if on { "1" } else { "0" }
}
