//! All procedures of libvirt 9.0's REMOTE program: one table, in files by what they
//! are about, with the types of those that somebody here serves or calls.
//!
//! Each procedure with types has a marker of libvirt's name, `DomainGetXMLDesc`,
//! that is a [`Call`](crate::Call). What calls do is not here.

pub mod auth;
pub mod checkpoint;
pub mod connect;
pub mod domain;
pub mod event;
pub mod interface;
pub mod network;
pub mod node;
pub mod node_device;
pub mod nwfilter;
pub mod secret;
pub mod snapshot;
pub mod storage;
mod table;

pub use auth::*;
pub use connect::*;
pub use domain::*;
pub use interface::*;
pub use network::*;
pub use node::*;
pub use node_device::*;
pub use nwfilter::*;
pub use secret::*;
pub use snapshot::*;
pub use storage::*;

use crate::objects::Domain;
use crate::procedure::Procedure;
use crate::xdr::{List, Reader, Wire, record};

/// Most domains in a list.
pub const DOMAINS_MAX: usize = 16_384;

record! {
    /// A domain, with flags.
    DomainFlags { dom: Domain, flags: u32 }
    /// A document, with flags.
    XmlFlags { xml: String, flags: u32 }
    /// Zeros in a stream, so many bytes.
    Hole { length: i64, flags: u32 }
    /// Arguments of the calls that list all of something.
    ListAll {
        /// 0 when only their number is wanted.
        need_results: i32,
        flags: u32,
    }
}

/// What there is, and how many; the first is empty when only the second was wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed<T, const MAX: usize> {
    /// The objects.
    pub items: List<T, MAX>,
    /// Their number.
    pub count: u32,
}

impl<T, const MAX: usize> Listed<T, MAX> {
    /// The answer when there is this; `need_results` is the argument of that name.
    #[must_use]
    pub fn answer(need_results: i32, items: Vec<T>) -> Self {
        let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
        let items = if need_results == 0 { Vec::new() } else { items };
        Self {
            items: List(items),
            count,
        }
    }
}

impl<T: Wire, const MAX: usize> Wire for Listed<T, MAX> {
    const LEAST: usize = 8;

    fn read(input: &mut Reader<'_>) -> crate::Result<Self> {
        Ok(Self {
            items: Wire::read(input).map_err(|error| error.inside("list"))?,
            count: Wire::read(input).map_err(|error| error.inside("list.count"))?,
        })
    }

    fn write(&self, output: &mut Vec<u8>) -> crate::Result<()> {
        self.items
            .write(output)
            .map_err(|error| error.inside("list"))?;
        self.count.write(output)
    }
}

#[cfg(test)]
impl<T: crate::sample::Sample, const MAX: usize> crate::sample::Sample for Listed<T, MAX> {
    fn sample(source: &mut crate::sample::Source) -> Self {
        Self {
            items: crate::sample::Sample::sample(source),
            count: crate::sample::Sample::sample(source),
        }
    }
}

/// The highest number of a procedure in libvirt 9.0.
const LAST: usize = 443;

static BY_NUMBER: [Option<&'static Procedure>; LAST + 1] = by_number(&[
    auth::ROWS,
    checkpoint::ROWS,
    connect::ROWS,
    event::ROWS,
    domain::block::ROWS,
    domain::device::ROWS,
    domain::guest::ROWS,
    domain::job::ROWS,
    domain::lifecycle::ROWS,
    domain::lookup::ROWS,
    domain::memory::ROWS,
    domain::migration::ROWS,
    domain::save::ROWS,
    domain::vcpu::ROWS,
    interface::ROWS,
    network::ROWS,
    node::ROWS,
    node_device::ROWS,
    nwfilter::ROWS,
    secret::ROWS,
    snapshot::ROWS,
    storage::ROWS,
]);

/// The procedure of a number, when libvirt 9.0 has it.
#[must_use]
pub fn procedure(number: i32) -> Option<&'static Procedure> {
    let index = usize::try_from(number).ok()?;
    BY_NUMBER.get(index).copied().flatten()
}

/// All procedures, in the order of their numbers.
pub fn procedures() -> impl Iterator<Item = &'static Procedure> {
    BY_NUMBER.iter().copied().flatten()
}

/// Runs in the compiler, which refuses a number out of range.
const fn by_number(slices: &[&'static [Procedure]]) -> [Option<&'static Procedure>; LAST + 1] {
    let mut all = [None; LAST + 1];
    let mut slice = 0;
    while slice < slices.len() {
        let mut row = 0;
        while row < slices[slice].len() {
            all[slices[slice][row].number as usize] = Some(&slices[slice][row]);
            row += 1;
        }
        slice += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Call;
    use crate::procedure::{Access, Group, Object, Permission, Priority, Rule, When};
    use crate::sample::Source;
    use proptest::prelude::*;

    #[test]
    fn the_table_is_whole() {
        let numbers: Vec<i32> = procedures().map(|row| row.number).collect();
        assert_eq!(numbers, (1..=443).collect::<Vec<i32>>());
        let high = procedures().filter(|row| row.priority == Priority::High);
        assert_eq!(high.count(), 184, "as the notes count them");
        for row in procedures() {
            let served = row.types.is_some();
            assert!(!served || row.group != Group::Event, "{}", row.name);
        }
    }

    #[test]
    fn rows_say_what_libvirt_says() {
        let row = procedure(160).unwrap();
        assert_eq!(row.name, "virDomainAttachDeviceFlags");
        assert_eq!(row.access, Access::Writes);
        let xml = |flags| DomainXmlFlags {
            flags,
            ..DomainXmlFlags::default()
        };
        let words = |flags| -> Vec<&str> {
            let rules = row.permissions(&xml(flags)).into_iter();
            rules.map(|rule| rule.permission.word()).collect()
        };
        assert_eq!(words(1), ["write"], "the running domain");
        assert_eq!(words(2), ["write", "save"], "the stored one");
        assert_eq!(words(0), ["write", "save"], "whichever there is");
        let stats = ConnectGetAllDomainStats::PROCEDURE;
        assert_eq!(stats.number, 344);
        assert_eq!(
            stats.filter,
            Some(Rule {
                object: Object::Domain,
                permission: Permission::Read,
                when: When::Always
            })
        );
    }

    /// Access checks look there. Calls that find or make a domain have none yet.
    #[test]
    fn arguments_say_which_domain_they_are_about() {
        use crate::Arguments;
        let domain = Domain::default();
        let flags = DomainFlags::default();
        assert_eq!(domain.domain(), Some(&domain));
        assert_eq!(flags.domain(), Some(&flags.dom));
        assert_eq!("web".to_owned().domain(), None);
    }

    #[test]
    fn a_read_only_connection_reads() {
        let with = |flags| DomainFlags {
            flags,
            ..DomainFlags::default()
        };
        let xml = DomainGetXMLDesc::PROCEDURE;
        assert!(xml.check_read_only(&with(2)).is_ok());
        for secret in [1, 8, 9] {
            assert!(xml.check_read_only(&with(secret)).is_err());
        }
        let error = DomainDestroy::PROCEDURE
            .check_read_only(&Domain::default())
            .unwrap_err();
        assert_eq!(error.code, crate::code::OPERATION_DENIED);
        assert_eq!(
            error.text(),
            "operation forbidden: read only access prevents virDomainDestroy"
        );
        let addresses = |source| AddressesArguments {
            source,
            ..AddressesArguments::default()
        };
        let row = DomainInterfaceAddresses::PROCEDURE;
        assert!(row.check_read_only(&addresses(0)).is_ok());
        assert!(row.check_read_only(&addresses(1)).is_err());
    }

    proptest! {
        /// Every type of every procedure: what was written is read, and written the
        /// same. A byte less or more is refused.
        #[test]
        fn every_type_is_read_as_it_was_written(
            numbers in proptest::collection::vec(any::<u64>(), 0..200),
        ) {
            for row in procedures() {
                let Some(types) = row.types else { continue };
                let (arguments, reply) = (types.samples)(&mut Source::new(numbers.clone()));
                for (bytes, recode) in [(arguments, types.arguments), (reply, types.reply)] {
                    prop_assert_eq!(recode(&bytes), Ok(bytes.clone()), "{}", row.name);
                    if let Some((_, short)) = bytes.split_last() {
                        prop_assert!(recode(short).is_err(), "{}", row.name);
                    }
                    let mut long = bytes;
                    long.push(0);
                    prop_assert!(recode(&long).is_err(), "{}", row.name);
                }
            }
        }

        /// Any bytes: an error, or a value that is written and read again.
        #[test]
        fn no_bytes_are_too_hostile(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for row in procedures() {
                let Some(types) = row.types else { continue };
                for recode in [types.arguments, types.reply] {
                    if let Ok(written) = recode(&bytes) {
                        prop_assert_eq!(recode(&written), Ok(written), "{}", row.name);
                    }
                }
            }
        }
    }
}
