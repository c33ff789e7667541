//! Events of the hypervisor through the kernel's evtchn node.
//!
//! The node is read and written in ports: one that was read tells nothing more
//! until it is written back. Waiting for it is the caller's, who has a runtime.

use crate::error::{Error, Result};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags};
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode};
use std::ffi::c_void;
use std::ptr;

/// Where the node is.
const NODE: &str = "/dev/xen/evtchn";

/// The event that a domain has shut down, crashed or gone, and from Xen 4.21 on
/// come; on every release. One program of a domain can listen to it, which is
/// xenstored where there is one.
pub const DOMAIN_EXCEPTION: u32 = 3;

/// Bytes of a port on the node.
pub const PORT_BYTES: usize = 4;

/// The kernel's way to one event.
pub struct EventChannel {
    node: OwnedFd,
    port: u32,
}

impl EventChannel {
    /// Listens to a virtual interrupt.
    ///
    /// # Errors
    /// [`Error::NoEvents`] without the node, or when somebody else listens.
    pub fn bind_virq(virq: u32) -> Result<Self> {
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let failed = |reason: String| Error::NoEvents { node: NODE, reason };
        let node = rustix::fs::open(NODE, flags, Mode::empty());
        let node = node.map_err(|error| failed(error.to_string()))?;
        // SAFETY: BindVirq's number is the one of this operation of the evtchn node, and
        // of no other device's; its argument is a number that lives through the call.
        let bound = unsafe { rustix::ioctl::ioctl(node.as_fd(), BindVirq { virq }) };
        match bound {
            Ok(port) => Ok(Self { node, port }),
            Err(rustix::io::Errno::EXIST | rustix::io::Errno::BUSY) => Err(failed(
                "another program listens already, as xenstored does".to_owned(),
            )),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    /// The node, which does not block, and the port that is read from it. Closing
    /// the node ends the listening.
    #[must_use]
    pub fn into_parts(self) -> (OwnedFd, u32) {
        (self.node, self.port)
    }
}

/// `IOCTL_EVTCHN_BIND_VIRQ`: a number in, the port as the result.
struct BindVirq {
    virq: u32,
}

// SAFETY: the opcode is IOCTL_EVTCHN_BIND_VIRQ, whose argument is one 32-bit number,
// which `as_ptr` points at for as long as the call lasts; the kernel writes nothing.
unsafe impl Ioctl for BindVirq {
    type Output = u32;

    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        0x0004_4500
    }

    fn as_ptr(&mut self) -> *mut c_void {
        ptr::from_mut(&mut self.virq).cast()
    }

    unsafe fn output_from_ptr(
        result: IoctlOutput,
        _: *mut c_void,
    ) -> rustix::io::Result<Self::Output> {
        u32::try_from(result).map_err(|_| rustix::io::Errno::INVAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_events_says_what_was_tried() {
        if let Err(error) = EventChannel::bind_virq(DOMAIN_EXCEPTION) {
            let text = error.to_string();
            assert!(text.contains("/dev/xen/evtchn: "), "{text}");
        }
    }
}
