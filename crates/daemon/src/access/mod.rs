//! What one client may do: every call is checked here before it is done, and what a
//! client may not see is left out of lists and events.
//!
//! Which permissions a call needs is in `virtxen_rpc`'s table; polkit decides. A
//! decision is kept for a short time, so that a client that asks for the state of
//! each domain every second does not make polkit run its rules as often.

mod decisions;
mod events;
mod polkit;

pub(crate) use events::Events;
pub(crate) use polkit::{Polkit, Process, Verdict};

use crate::auth::Login;
use crate::error::Result;
use decisions::{Decisions, Key};
use std::sync::Arc;
use virtxen_driver::{Domain, DomainKey, Driver};
use virtxen_guest::{ParseOptions, Uuid};
use virtxen_rpc::calls::{
    DomainCreateXML, DomainDefineXML, DomainDefineXMLFlags, DomainLookupByID, DomainLookupByName,
    DomainLookupByUUID,
};
use virtxen_rpc::procedure::{Object, Permission};
use virtxen_rpc::xdr::{Reader, Wire, from_bytes};
use virtxen_rpc::{Arguments, Call, RemoteError, code, origin};

/// What libvirt's drivers for Xen call themselves.
const DRIVER: &str = "Xen";

/// Calls that find a domain: who may not see it is told so when it is found.
const LOOKUPS: [i32; 3] = [
    DomainLookupByID::PROCEDURE.number,
    DomainLookupByName::PROCEDURE.number,
    DomainLookupByUUID::PROCEDURE.number,
];

/// Calls about the domain in a document, which is their first argument.
const DOCUMENTS: [i32; 3] = [
    DomainCreateXML::PROCEDURE.number,
    DomainDefineXML::PROCEDURE.number,
    DomainDefineXMLFlags::PROCEDURE.number,
];

/// What one client may do.
#[derive(Debug)]
pub(crate) struct Rights {
    login: Arc<Login>,
    /// Who decides; none when everybody may do everything.
    polkit: Option<Arc<Polkit>>,
    decisions: Decisions,
}

/// The domain that a permission is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct About {
    name: String,
    uuid: Option<Uuid>,
}

impl Rights {
    pub(crate) fn new(login: Arc<Login>, polkit: Option<Arc<Polkit>>) -> Self {
        // polkit allows root everything without asking its rules.
        let polkit = polkit.filter(|_| !login.is_root());
        Self {
            login,
            polkit,
            decisions: Decisions::default(),
        }
    }

    /// Whether anything is checked.
    pub(crate) const fn are_checked(&self) -> bool {
        self.polkit.is_some()
    }

    /// Checks what can be checked before a call.
    ///
    /// # Errors
    /// Names the permission that is missing.
    pub(crate) async fn before<C: Call>(
        &self,
        driver: &Driver,
        payload: &[u8],
        arguments: &C::Arguments,
    ) -> Result<()> {
        let number = C::PROCEDURE.number;
        if !self.are_checked() {
            return Ok(());
        }
        let rules = C::PROCEDURE.permissions(arguments);
        let about_domain = rules.iter().any(|rule| rule.object == Object::Domain);
        let about = match arguments.domain() {
            _ if !about_domain || LOOKUPS.contains(&number) => Vec::new(),
            Some(domain) => {
                // Only the uuid of what a client sends is believed.
                let key = DomainKey::Uuid(Uuid(domain.uuid));
                vec![About::from(&driver.lookup(&key).await?)]
            }
            None if DOCUMENTS.contains(&number) => in_document(driver, payload).await?,
            None => Vec::new(),
        };
        for rule in rules {
            let (object, permission) = (rule.object, rule.permission);
            if object != Object::Domain || about.is_empty() && !LOOKUPS.contains(&number) {
                self.need(object, permission, None).await?;
                continue;
            }
            for about in &about {
                self.need(object, permission, Some(about)).await?;
            }
        }
        Ok(())
    }

    /// Checks what can only be checked when a call is done: whether the client may see
    /// what it has found.
    ///
    /// # Errors
    /// Names the permission that is missing.
    pub(crate) async fn after<C: Call>(&self, reply: &[u8]) -> Result<()> {
        if !self.are_checked() || !LOOKUPS.contains(&C::PROCEDURE.number) {
            return Ok(());
        }
        let found: virtxen_rpc::Domain = from_bytes(reply)?;
        let about = About {
            name: found.name,
            uuid: Some(Uuid(found.uuid)),
        };
        self.need(Object::Domain, Permission::Getattr, Some(&about))
            .await
    }

    /// The domains for which the client has a permission, one after the other: polkit
    /// decides no two at once.
    ///
    /// # Errors
    /// When polkit cannot be asked.
    pub(crate) async fn filter<T>(
        &self,
        permission: Permission,
        items: Vec<T>,
        domain: impl Fn(&T) -> &Domain,
    ) -> Result<Vec<T>> {
        if !self.are_checked() {
            return Ok(items);
        }
        let mut allowed = Vec::with_capacity(items.len());
        for item in items {
            let about = About::from(domain(&item));
            if self.has(Object::Domain, permission, Some(&about)).await? {
                allowed.push(item);
            }
        }
        Ok(allowed)
    }

    /// Whether the client may be told of something that happened to a domain.
    pub(crate) async fn sees(&self, name: &str, uuid: Uuid) -> bool {
        let about = About {
            name: name.to_owned(),
            uuid: Some(uuid),
        };
        let seen = self.has(Object::Domain, Permission::Getattr, Some(&about));
        seen.await.unwrap_or(false)
    }

    async fn need(
        &self,
        object: Object,
        permission: Permission,
        about: Option<&About>,
    ) -> Result<()> {
        if self.has(object, permission, about).await? {
            return Ok(());
        }
        let (object, word) = (object.word(), permission.word());
        let whose = about.map_or_else(String::new, |about| format!(" on domain '{}'", about.name));
        let action = action(object, word);
        let why = format!("polkit does not allow {object}:{word}{whose} ({action})");
        Err(denied(&why).into())
    }

    async fn has(
        &self,
        object: Object,
        permission: Permission,
        about: Option<&About>,
    ) -> std::result::Result<bool, RemoteError> {
        let Some(polkit) = &self.polkit else {
            return Ok(true);
        };
        let key = Key::new(object, permission, about);
        if let Some(decision) = self.decisions.get(&key) {
            return Ok(decision);
        }
        let process = self.login.process().map_err(|why| denied(&why))?;
        let action = action(object.word(), permission.word());
        let uuid = about.and_then(|about| about.uuid.map(|uuid| uuid.to_string()));
        let mut details = vec![("connect_driver", DRIVER)];
        if let Some(about) = about {
            details.push(("domain_name", &about.name));
        }
        if let Some(uuid) = &uuid {
            details.push(("domain_uuid", uuid));
        }
        let verdict = polkit.check(process, &action, &details, false).await;
        let allowed = verdict.map_err(|why| denied(&why))? == Verdict::Allowed;
        self.decisions.put(key, allowed);
        Ok(allowed)
    }
}

impl From<&Domain> for About {
    fn from(domain: &Domain) -> Self {
        Self {
            name: domain.name.clone(),
            uuid: Some(domain.uuid),
        }
    }
}

/// The domains that a document is about: those that have its uuid or name, because they
/// would be changed, else the new one. A document that cannot be read is the call's to
/// complain about.
async fn in_document(driver: &Driver, payload: &[u8]) -> Result<Vec<About>> {
    let xml = String::read(&mut Reader::new(payload))?;
    let Ok(parsed) = virtxen_guest::parse_guest(&xml, &ParseOptions::default()) else {
        return Ok(Vec::new());
    };
    let (name, uuid) = (parsed.value.name, parsed.value.uuid);
    let keys = [
        uuid.map(DomainKey::Uuid),
        Some(DomainKey::Name(name.clone())),
    ];
    let mut about: Vec<About> = Vec::new();
    for key in keys.iter().flatten() {
        match driver.lookup(key).await {
            Ok(domain) => about.push(About::from(&domain)),
            Err(error) if error.libvirt().code == code::NO_DOMAIN => {}
            Err(error) => return Err(error.into()),
        }
    }
    if about.is_empty() {
        about.push(About { name, uuid });
    }
    about.dedup();
    Ok(about)
}

/// The name of polkit's action for a permission.
fn action(object: &str, permission: &str) -> String {
    format!("org.libvirt.api.{object}.{permission}")
}

fn denied(why: &str) -> RemoteError {
    let message = format!("access denied: {why}");
    RemoteError::new(code::ACCESS_DENIED, origin::ACCESS, message)
}
