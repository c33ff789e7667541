//! Starting and stopping guests, and XenD's keeping of inactive ones.

use super::{XendHost, config};
use crate::{DomainInfo, Error, Result, ShutdownReason};
use virtxen_formats::sxpr::Sxpr;
use virtxen_guest::{Guest, Uuid};
use virtxen_xend::Reason;

const NO_INACTIVE: &str = "keeps no inactive domains; they are files of xm there";

impl XendHost {
    pub(super) async fn read_guest(&self, name: &str) -> Result<Guest> {
        let document = self.document(name).await?;
        self.to_guest(&document).await
    }

    /// A domain's document as a tree.
    pub(super) async fn document(&self, name: &str) -> Result<Sxpr> {
        let document = self.client.detail(name).await;
        let document = document.map_err(|error| self.failed(name, error))?;
        if document.value("name") == Some(name) {
            return Ok(document);
        }
        // XenD takes a number or a uuid in place of a name.
        Err(Error::NoDomain {
            name: name.to_owned(),
        })
    }

    pub(super) async fn create_domain(&self, guest: &Guest, paused: bool) -> Result<DomainInfo> {
        let guest = identified(guest);
        let name = &guest.name;
        let config = self.guest_config(&guest)?;
        let document = self.client.create(&config).await;
        let document = document.map_err(|error| self.failed(name, error))?;
        let ready = async {
            self.client.wait_for_devices(name).await?;
            if paused {
                return Ok(());
            }
            self.client.unpause(name).await
        };
        if let Err(error) = ready.await {
            return Err(self.unmake(name, &document, error).await);
        }
        self.info(name).await
    }

    /// Destroys a domain that was built and cannot be used; returns why.
    async fn unmake(&self, name: &str, document: &Sxpr, error: virtxen_xend::Error) -> Error {
        // By number, so that a namesake is never meant.
        let domid = document.value("domid").unwrap_or(name);
        let undone = self.client.destroy(domid).await;
        let error = self.failed(name, error);
        match (error, undone) {
            (Error::Refused { reason, .. }, Ok(())) => Error::Refused {
                operation: "create",
                reason,
            },
            (error, Ok(())) => error,
            (error, Err(left)) => Error::Refused {
                operation: "create",
                reason: format!("{error}; the domain is left paused: {left}"),
            },
        }
    }

    pub(super) async fn define_domain(&self, guest: &Guest) -> Result<()> {
        self.demand_inactive("define")?;
        let guest = identified(guest);
        let mut config = self.guest_config(&guest)?;
        // What a guest's document does not carry stays as it was.
        match self.document(&guest.name).await {
            Ok(old) if same_uuid(&old, guest.uuid) => {
                let start = self.autostart_of(&old);
                let stop = old.value("on_xend_stop").map(str::to_owned);
                for (key, value) in [("on_xend_start", start), ("on_xend_stop", stop)] {
                    if let Some(value) = value {
                        config::set(&mut config, key, &value);
                    }
                }
            }
            Ok(_) | Err(Error::NoDomain { .. }) => {}
            Err(error) => return Err(error),
        }
        self.keep(&guest.name, &config).await
    }

    /// Has XenD keep a configuration.
    pub(super) async fn keep(&self, name: &str, config: &Sxpr) -> Result<()> {
        let done = self.client.new_domain(config).await;
        done.map_err(|error| match error {
            virtxen_xend::Error::Refused { words, .. } => Error::Refused {
                operation: "define",
                reason: words,
            },
            other => self.failed(name, other),
        })
    }

    pub(super) async fn undefine_domain(&self, name: &str) -> Result<()> {
        self.demand_inactive("undefine")?;
        let done = self.client.delete(name).await;
        done.map_err(|error| self.failed(name, error))
    }

    /// XenD always lets the domain run; `paused` stops it at once, so that the
    /// guest has run for a moment.
    pub(super) async fn start_domain(&self, name: &str, paused: bool) -> Result<()> {
        self.demand_inactive("start")?;
        let done = self.client.start(name).await;
        done.map_err(|error| self.failed(name, error))?;
        if !paused {
            return Ok(());
        }
        let done = self.client.pause(name).await;
        done.map_err(|error| self.failed(name, error))
    }

    pub(super) async fn shut_down(&self, name: &str, reason: ShutdownReason) -> Result<()> {
        let reason = match reason {
            ShutdownReason::Poweroff => Reason::Poweroff,
            ShutdownReason::Reboot => Reason::Reboot,
            ShutdownReason::Halt => Reason::Halt,
        };
        let done = self.client.shutdown(name, reason).await;
        self.explained(name, "shutdown", done).await
    }

    pub(super) async fn press(&self, name: &str, key: char) -> Result<()> {
        let code = u8::try_from(key).map_err(|_| Error::Guest {
            reason: format!("there is no magic key '{key}'"),
        })?;
        let done = self.client.sysrq(name, code).await;
        self.explained(name, "send-key", done).await
    }

    pub(super) fn demand_inactive(&self, operation: &'static str) -> Result<()> {
        if self.client.habits().inactive {
            return Ok(());
        }
        Err(self.unsupported(operation, NO_INACTIVE))
    }
}

fn identified(guest: &Guest) -> Guest {
    let mut guest = guest.clone();
    guest.uuid.get_or_insert_with(Uuid::random);
    guest
}

fn same_uuid(document: &Sxpr, uuid: Option<Uuid>) -> bool {
    let theirs = document.value("uuid").and_then(|text| text.parse().ok());
    theirs.is_some() && theirs == uuid
}
