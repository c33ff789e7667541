//! Which interface versions the running hypervisor takes.
//!
//! Only calls that read are used. A wrong version changes nothing: it is compared
//! before the command. The answers mean: EACCES wrong version, ENOSYS no such
//! hypercall, EPERM not privileged. Up to 3.3 privilege is looked at first, from 4.0
//! on the version, so a right version is found to be right or ends in EPERM.

use crate::abi::{Abi, Arch, Family, Interfaces, table};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::gate::{Errno, Gate};
use crate::version::Version;

/// Longest element that any release writes, and room beyond.
const ELEMENT_ROOM: usize = 256;

/// What is asked while versions are tried.
const NAME: &str = "finding the interface version";

/// The one version of dom0_op that releases had.
const DOM0_OP_VERSION: u32 = 0x0300_0000;

/// Finds the versions, newest first except that those of the release that the
/// hypervisor names come first.
pub(crate) fn probe(gate: &dyn Gate, arch: Arch) -> Result<(Abi, Version)> {
    let version = Version::ask(gate).map_err(|errno| match errno {
        Errno::EPERM | Errno::EACCES => Error::NotPermitted {
            operation: "xen_version",
        },
        errno => Error::Refused {
            operation: "xen_version",
            errno,
        },
    })?;
    let release = version.release;
    let abi = |interfaces| Abi {
        arch,
        interfaces,
        release,
    };
    let expected = Abi::of_release(arch, release);
    let expect = |family| expected.as_ref().and_then(|abi| abi.version(family));

    let sysctls = candidates(expect(Family::Sysctl), |row| row.sysctl);
    let taken = first_taken(&sysctls, |sysctl| {
        ask_sysctl(gate, &abi(Interfaces::Control { sysctl, domctl: 0 }))
    })?;
    let sysctl = match taken {
        Taken::Version(sysctl) => sysctl,
        Taken::Missing => return old(gate, abi(Interfaces::Dom0Op(DOM0_OP_VERSION)), version),
        Taken::None => return Err(unknown(&version, "sysctl", &sysctls)),
    };
    let domctls = candidates(expect(Family::Domctl), |row| row.domctl);
    let taken = first_taken(&domctls, |domctl| {
        let abi = abi(Interfaces::Control { sysctl, domctl });
        Ok(Call::on_domain(&abi, "getdomaininfo", "getdomaininfo", 0)?.attempt(gate))
    })?;
    match taken {
        Taken::Version(domctl) => Ok((abi(Interfaces::Control { sysctl, domctl }), version)),
        Taken::Missing | Taken::None => Err(unknown(&version, "domctl", &domctls)),
    }
}

/// A hypervisor without sysctl: it is an old one, or one that was built without.
fn old(gate: &dyn Gate, abi: Abi, version: Version) -> Result<(Abi, Version)> {
    let taken = first_taken(&[DOM0_OP_VERSION], |_| {
        Ok(Call::on_domain(&abi, "getdomaininfo", "getdomaininfo", 0)?.attempt(gate))
    })?;
    match taken {
        Taken::Version(_) => Ok((abi, version)),
        Taken::Missing | Taken::None => Err(Error::UnknownAbi {
            release: version.to_string(),
            reason: "it has neither sysctl nor the dom0_op of old releases".to_owned(),
        }),
    }
}

/// A list of one domain: a call that only reads and that every release has.
fn ask_sysctl(gate: &dyn Gate, abi: &Abi) -> Result<std::result::Result<u64, Errno>> {
    let mut call = Call::new(abi, Family::Sysctl, "getdomaininfolist")?;
    call.set("max_domains", 1)?;
    call.point("buffer", vec![0; ELEMENT_ROOM])?;
    Ok(call.attempt(gate))
}

enum Taken {
    Version(u32),
    /// The hypercall does not exist.
    Missing,
    /// No version was right.
    None,
}

fn first_taken(
    versions: &[u32],
    ask: impl Fn(u32) -> Result<std::result::Result<u64, Errno>>,
) -> Result<Taken> {
    for version in versions {
        match ask(*version)? {
            Ok(_) => return Ok(Taken::Version(*version)),
            Err(Errno::EACCES) => {}
            Err(Errno::ENOSYS | Errno::EOPNOTSUPP) => return Ok(Taken::Missing),
            Err(Errno::EPERM) => return Err(Error::NotPermitted { operation: NAME }),
            Err(errno) => {
                return Err(Error::Refused {
                    operation: NAME,
                    errno,
                });
            }
        }
    }
    Ok(Taken::None)
}

fn candidates(
    expected: Option<u32>,
    of: impl Fn(&crate::abi::layout::ReleaseRow) -> Option<u32>,
) -> Vec<u32> {
    let mut all: Vec<u32> = expected.into_iter().collect();
    for version in table::RELEASES.iter().rev().filter_map(of) {
        if !all.contains(&version) {
            all.push(version);
        }
    }
    all
}

fn unknown(version: &Version, interface: &str, tried: &[u32]) -> Error {
    let newest = tried.iter().max().copied().unwrap_or_default();
    Error::UnknownAbi {
        release: version.to_string(),
        reason: format!("it takes none of the {interface} versions up to {newest}"),
    }
}
