//! Hypercalls through the kernel's privcmd node. The only unsafe code of the crate.
//!
//! Buffers are copied into memory that is mapped for one call, where the
//! hypervisor can reach it: pages of `/dev/xen/hypercall` on Linux 4.18 and
//! later, else locked anonymous pages.

use crate::error::{Error, Result};
use crate::gate::{Argument, Errno, Gate, Pointer};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags};
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode};
use rustix::mm::{MapFlags, ProtFlags};
use std::ffi::c_void;
use std::ptr::{self, NonNull};

/// Where the node is; the second on kernels before 3.3.
const NODES: &[&str] = &["/dev/xen/privcmd", "/proc/xen/privcmd"];

/// Gives pages that are safe as hypercall buffers.
const BUFFER_NODE: &str = "/dev/xen/hypercall";

/// Alignment of each buffer in the mapping.
const ALIGNMENT: usize = 64;

/// The kernel's way to the hypervisor.
pub struct Privcmd {
    node: OwnedFd,
    pages: Option<OwnedFd>,
}

impl Privcmd {
    /// Opens the node.
    ///
    /// # Errors
    /// [`Error::Unreachable`] with the reason for each place.
    pub fn open() -> Result<Self> {
        let open = |path| rustix::fs::open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty());
        let mut tried = Vec::new();
        for path in NODES {
            match open(*path) {
                Ok(node) => {
                    return Ok(Self {
                        node,
                        pages: open(BUFFER_NODE).ok(),
                    });
                }
                Err(error) => tried.push(format!("{path}: {error}")),
            }
        }
        Err(Error::Unreachable { tried })
    }
}

impl Gate for Privcmd {
    fn call(
        &self,
        number: u32,
        arguments: &[Argument],
        buffers: &mut [Vec<u8>],
        pointers: &[Pointer],
    ) -> Result<u64, Errno> {
        let mut starts = Vec::with_capacity(buffers.len());
        let mut length = 0_usize;
        for buffer in buffers.iter() {
            starts.push(length);
            length += buffer.len().next_multiple_of(ALIGNMENT);
        }
        let errno = |error: rustix::io::Errno| Errno(error.raw_os_error());
        let mut pages = Pages::map(length.max(1), self.pages.as_ref()).map_err(errno)?;
        let address = |index: usize| {
            let start = starts.get(index).ok_or(Errno::EFAULT)?;
            Ok((pages.address + start) as u64)
        };
        let mut all = vec![0; length];
        for (buffer, start) in buffers.iter().zip(&starts) {
            all.get_mut(*start..start + buffer.len())
                .ok_or(Errno::EFAULT)?
                .copy_from_slice(buffer);
        }
        for pointer in pointers {
            let at = starts.get(pointer.from).ok_or(Errno::EFAULT)? + pointer.at;
            let target = all.get_mut(at..at + pointer.width).ok_or(Errno::EFAULT)?;
            let bytes = address(pointer.to)?.to_le_bytes();
            target.copy_from_slice(bytes.get(..pointer.width).ok_or(Errno::EFAULT)?);
        }
        let mut request = Request {
            op: u64::from(number),
            arguments: [0; 5],
        };
        for (slot, argument) in request.arguments.iter_mut().zip(arguments) {
            *slot = match *argument {
                Argument::Value(value) => value,
                Argument::Buffer(index) => address(index)?,
            };
        }
        pages
            .bytes()
            .get_mut(..length)
            .ok_or(Errno::EFAULT)?
            .copy_from_slice(&all);
        // SAFETY: the request's addresses are inside `pages`, which stay mapped and
        // locked until after the call, and each buffer is as long as the layout of
        // its operation says, so the hypervisor reads and writes only there.
        let result = unsafe { rustix::ioctl::ioctl(self.node.as_fd(), request) }.map_err(errno)?;
        let after = pages.bytes();
        for (buffer, start) in buffers.iter_mut().zip(&starts) {
            let end = start + buffer.len();
            buffer.copy_from_slice(after.get(*start..end).ok_or(Errno::EFAULT)?);
        }
        Ok(result)
    }
}

/// `struct privcmd_hypercall`; the same bytes on 32 and 64 bit from the kernels of
/// Xen 3.0.3 on.
#[repr(C)]
struct Request {
    op: u64,
    arguments: [u64; 5],
}

const _: () = assert!(size_of::<Request>() == 48);

// SAFETY: the opcode is IOCTL_PRIVCMD_HYPERCALL, whose argument is this struct; the
// kernel reads it and writes nothing to it, and returns what the hypervisor does.
unsafe impl Ioctl for Request {
    type Output = u64;

    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        0x0030_5000
    }

    fn as_ptr(&mut self) -> *mut c_void {
        ptr::from_mut(self).cast()
    }

    unsafe fn output_from_ptr(
        result: IoctlOutput,
        _: *mut c_void,
    ) -> rustix::io::Result<Self::Output> {
        Ok(u64::try_from(result).unwrap_or(0))
    }
}

/// Memory that the hypervisor can reach while a call lasts.
struct Pages {
    address: usize,
    start: NonNull<c_void>,
    length: usize,
}

impl Pages {
    fn map(length: usize, node: Option<&OwnedFd>) -> rustix::io::Result<Self> {
        let length = length.next_multiple_of(rustix::param::page_size());
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address that the kernel chooses aliases nothing.
        let start = unsafe {
            match node {
                Some(node) => {
                    let flags = MapFlags::SHARED | MapFlags::LOCKED;
                    rustix::mm::mmap(ptr::null_mut(), length, access, flags, node, 0)?
                }
                None => {
                    let flags = MapFlags::PRIVATE | MapFlags::LOCKED | MapFlags::POPULATE;
                    rustix::mm::mmap_anonymous(ptr::null_mut(), length, access, flags)?
                }
            }
        };
        let start = NonNull::new(start).ok_or(rustix::io::Errno::NOMEM)?;
        Ok(Self {
            address: start.as_ptr() as usize,
            start,
            length,
        })
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the mapping is this long, readable, writable, zeroed by the kernel,
        // lives as long as self, and is reached through self only; the hypervisor
        // writes to it only inside a call, while no slice of it exists.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr().cast(), self.length) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping was made with this address and length, and no slice of
        // it outlives self.
        let unmapped = unsafe { rustix::mm::munmap(self.start.as_ptr(), self.length) };
        debug_assert!(unmapped.is_ok(), "a mapping of our own can be removed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_xen_says_what_was_tried() {
        if let Err(Error::Unreachable { tried }) = Privcmd::open() {
            assert_eq!(tried.len(), NODES.len());
            assert!(tried[0].starts_with("/dev/xen/privcmd: "), "{tried:?}");
        }
    }

    #[test]
    fn pages_are_zeroed_and_writable() {
        let mut pages = Pages::map(5000, None).unwrap();
        assert_eq!(pages.bytes().len() % 4096, 0);
        assert!(pages.bytes().iter().all(|b| *b == 0));
        pages.bytes()[4999] = 7;
        assert_eq!(pages.bytes()[4999], 7);
    }
}
