//! The notation of the table of procedures, and the words that its rows use.
//!
//! ```text
//! 160 low DomainAttachDeviceFlags writes [Domain: Write, Save if STORED] (DomainXmlFlags) -> ();
//! ```
//!
//! is number, priority, libvirt's function without `vir`, what a read-only
//! connection may do, the object and the permissions that are needed, for lists
//! and events (`| Domain Getattr`) the permission for each object, and the types.
//! Rows without types are procedures that we know by name only.

use crate::Result;
use crate::procedure::{Access, Priority, Procedure, When};
use crate::xdr::{Wire, from_bytes, to_bytes};

pub(super) const LOW: Priority = Priority::Low;
pub(super) const HIGH: Priority = Priority::High;

pub(super) const READS: Access = Access::Reads;
pub(super) const WRITES: Access = Access::Writes;
/// `VIR_DOMAIN_XML_SECURE` and its brothers for saved domains and snapshots.
pub(super) const READS_BUT_SECURE: Access = Access::ReadsBut(SECURE);
/// The same, and `VIR_DOMAIN_XML_MIGRATABLE`, which implies it.
pub(super) const READS_BUT_SECURE_OR_MIGRATABLE: Access = Access::ReadsBut(When::Any(1 | 8));
pub(super) const READS_BUT_GUEST: Access = Access::ReadsBut(GUEST);
pub(super) const READS_BUT_AGENT: Access = Access::ReadsBut(AGENT);

pub(super) const STORED: When = When::Stored;
pub(super) const SECURE: When = When::Any(1);
pub(super) const MIGRATABLE: When = When::Any(8);
/// `VIR_DOMAIN_VCPU_GUEST`.
pub(super) const GUEST: When = When::Any(8);
/// `VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT`.
pub(super) const AGENT: When = When::Source(1);
/// `VIR_DOMAIN_REBOOT_GUEST_AGENT`, `VIR_DOMAIN_SHUTDOWN_GUEST_AGENT`.
pub(super) const BY_AGENT: When = When::Any(2);
/// `VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE`.
pub(super) const QUIESCE_SNAPSHOT: When = When::Any(64);
/// `VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE`.
pub(super) const QUIESCE_CHECKPOINT: When = When::Any(2);

/// Reads a value and writes it again.
pub(super) fn recode<T: Wire>(bytes: &[u8]) -> Result<Vec<u8>> {
    to_bytes(&from_bytes::<T>(bytes)?)
}

/// The row of a number, found by the compiler: it does not compile without.
pub(super) const fn row(rows: &'static [Procedure], number: i32) -> &'static Procedure {
    let mut index = 0;
    while rows[index].number != number {
        index += 1;
    }
    &rows[index]
}

/// Rows of one group: a slice of them for the table, and a marker for each that has
/// types.
macro_rules! procedures {
    ($rows:ident: $group:ident {$(
        $number:literal $priority:ident $name:ident $access:ident
        [ $( $object:ident: $( $permission:ident $(if $when:ident)? ),+
             $(| $of:ident $each:ident)? )? ]
        $( ($arguments:ty) -> $reply:ty )? ;
    )*}) => {
        /// Rows of the table.
        pub(crate) static $rows: &[$crate::Procedure] = &[$(
            $crate::Procedure {
                number: $number,
                name: concat!("vir", stringify!($name)),
                group: $crate::Group::$group,
                priority: $crate::calls::table::$priority,
                access: $crate::calls::table::$access,
                acl: &[$($(
                    $crate::procedure::Rule {
                        object: $crate::procedure::Object::$object,
                        permission: $crate::procedure::Permission::$permission,
                        when: $crate::calls::table::procedures!(@when $($when)?),
                    },
                )+)?],
                filter: $crate::calls::table::procedures!(@filter $($($of $each)?)?),
                types: $crate::calls::table::procedures!(@types $($arguments, $reply)?),
            },
        )*];

        $(
            $crate::calls::table::procedures!(
                @marker $rows $number $name $(($arguments) $reply)?
            );
        )*
    };
    (@when) => { $crate::procedure::When::Always };
    (@when $when:ident) => { $crate::calls::table::$when };
    (@filter) => { None };
    (@filter $object:ident $permission:ident) => {
        Some($crate::procedure::Rule {
            object: $crate::procedure::Object::$object,
            permission: $crate::procedure::Permission::$permission,
            when: $crate::procedure::When::Always,
        })
    };
    (@types) => { None };
    (@types $arguments:ty, $reply:ty) => {
        Some($crate::procedure::Types {
            arguments: $crate::calls::table::recode::<$arguments>,
            reply: $crate::calls::table::recode::<$reply>,
            #[cfg(test)]
            samples: $crate::sample::samples::<$arguments, $reply>,
        })
    };
    (@marker $rows:ident $number:literal $name:ident) => {};
    (@marker $rows:ident $number:literal $name:ident ($arguments:ty) $reply:ty) => {
        #[doc = concat!("`vir", stringify!($name), "`, procedure ", stringify!($number), ".")]
        #[derive(Debug)]
        pub enum $name {}

        impl $crate::Call for $name {
            const PROCEDURE: &'static $crate::Procedure =
                $crate::calls::table::row($rows, $number);
            type Arguments = $arguments;
            type Reply = $reply;
        }
    };
}

pub(super) use procedures;
