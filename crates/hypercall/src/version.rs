//! What the hypervisor says of itself, which needs no interface version.

use crate::abi::Release;
use crate::gate::{Argument, Errno, Gate, Request};

/// Number of the `xen_version` hypercall.
pub(crate) const XEN_VERSION: u32 = 17;

/// A hypervisor's version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Numbers, as far as the texts tell.
    pub release: Release,
    /// What follows the first two numbers: `.4-rc1`, `-unstable`.
    pub extra: String,
    /// Guest types: `xen-3.0-x86_64 hvm-3.0-x86_32 …`.
    pub capabilities: String,
}

impl Version {
    /// Asks the hypervisor.
    ///
    /// # Errors
    /// What the gate says.
    pub(crate) fn ask(gate: &dyn Gate) -> Result<Self, Errno> {
        let numbers = gate.call(&mut Request::new(
            XEN_VERSION,
            &[Argument::Value(0)],
            &mut [],
            &[],
        ))?;
        let extra = text(gate, 1, 16)?;
        // A caller may be denied this one by policy from 4.7 on.
        let capabilities = text(gate, 3, 1024).unwrap_or_default();
        let point = extra.strip_prefix('.').unwrap_or_default();
        let digits = point
            .split(|c: char| !c.is_ascii_digit())
            .next()
            .unwrap_or_default();
        let release = Release {
            major: u8::try_from(numbers >> 16 & 0xffff).unwrap_or(u8::MAX),
            minor: u8::try_from(numbers & 0xffff).unwrap_or(u8::MAX),
            point: digits.parse().unwrap_or(0),
        };
        Ok(Self {
            release,
            extra,
            capabilities,
        })
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}.{}{}",
            self.release.major, self.release.minor, self.extra
        )
    }
}

impl crate::Xen {
    /// The options with which Xen was started.
    ///
    /// # Errors
    /// What the gate says; a caller may be denied it by policy.
    pub fn command_line(&self) -> Result<String, Errno> {
        text(self.gate.as_ref(), 9, 1024)
    }
}

fn text(gate: &dyn Gate, command: u64, size: usize) -> Result<String, Errno> {
    let mut buffers = [vec![0; size]];
    let arguments = [Argument::Value(command), Argument::Buffer(0)];
    gate.call(&mut Request::new(
        XEN_VERSION,
        &arguments,
        &mut buffers,
        &[],
    ))?;
    let [bytes] = buffers;
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    Ok(
        String::from_utf8_lossy(bytes.get(..end).unwrap_or_default())
            .trim()
            .to_owned(),
    )
}
