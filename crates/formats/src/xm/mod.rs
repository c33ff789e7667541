//! xm's configuration files, which are inactive guests before Xen 3.0.4.
//!
//! What xm's names have in common with xl's is in `keys`; here are whole files for
//! the versions of XenD's configuration format, and disks.

pub(crate) mod disk;

pub use crate::keys::{Bridges, Host};

use crate::config::Document;
use crate::convert::{Converted, Error, Note};
use crate::keys;
use crate::sxpr::ConfigVersion;
use virtxen_guest::Guest;

/// For which xm a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect(keys::Dialect);

impl Dialect {
    /// As libvirt's last xm files are: the names that Xen 4.2 has for xl too.
    pub const NEWEST: Self = Self(keys::Dialect {
        xl: false,
        version: ConfigVersion::Xen310,
        newest: true,
    });

    /// What the xm of a release reads: its XenD's `xend_config_format`, `xen_major`
    /// and `xen_minor`.
    #[must_use]
    pub fn of_release(format: Option<u32>, major: u32, minor: u32) -> Self {
        if (major, minor) >= (4, 2) {
            Self::NEWEST
        } else {
            ConfigVersion::from_number(format).into()
        }
    }
}

impl From<ConfigVersion> for Dialect {
    fn from(version: ConfigVersion) -> Self {
        Self(keys::Dialect {
            xl: false,
            version,
            newest: false,
        })
    }
}

/// A guest of an xm file.
///
/// # Errors
/// When it has no name, or an address or identifier that is none. Everything else
/// that is not understood becomes a note.
pub fn xm_to_guest(
    document: &Document,
    dialect: impl Into<Dialect>,
    host: &Host,
) -> Result<Converted<Guest>, Error> {
    keys::read(document, dialect.into().0, host)
}

/// The file with which `xm create` starts the guest.
///
/// # Errors
/// When the guest has no name or an interface is on a network without a known
/// bridge. What xm cannot carry becomes a note.
pub fn guest_to_xm(
    guest: &Guest,
    dialect: impl Into<Dialect>,
    bridges: &Bridges,
) -> Result<Converted<Document>, Error> {
    let written = keys::write(guest, dialect.into().0, bridges)?;
    Ok(Converted {
        value: written.value.document(),
        notes: written.notes,
    })
}

/// Changes a file that was read to be the guest's, and tells what it does not say.
/// What has not changed stays as it is written, with comments and unknown names.
///
/// # Errors
/// As [`xm_to_guest`] and [`guest_to_xm`]; then the file stays as it is.
pub fn apply(
    document: &mut Document,
    guest: &Guest,
    dialect: impl Into<Dialect>,
    bridges: &Bridges,
) -> Result<Vec<Note>, Error> {
    keys::apply(document, guest, dialect.into().0, bridges)
}
