//! Memory that the hypervisor reads and writes: mapped, locked, and no fork's.
//!
//! What is put into it is in `privcmd`.

use rustix::fd::OwnedFd;
use rustix::mm::{Advice, MapFlags, ProtFlags};
use std::ffi::c_void;
use std::ptr::{self, NonNull};

/// Memory that the hypervisor can reach while a call lasts.
pub(crate) struct Pages {
    /// Where it is for this process.
    pub(crate) address: usize,
    start: NonNull<c_void>,
    /// In bytes, of whole pages.
    pub(crate) length: usize,
}

// SAFETY: the mapping is the value's alone, and a thread may use one that another made.
unsafe impl Send for Pages {}

impl Pages {
    /// Zeroed memory of at least so many bytes: the driver's own if it is given the node
    /// of one (Linux 4.18), else locked memory of this process.
    ///
    /// # Errors
    /// The kernel's: no memory, or more of it locked than is allowed.
    pub(crate) fn map(length: usize, node: Option<&OwnedFd>) -> rustix::io::Result<Self> {
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
        // A fork during the call would move the page that the hypervisor writes to
        // into the child. Kernels before 2.6.16 have no such advice.
        // SAFETY: the advice changes what a fork does with this new mapping of ours.
        let _ = unsafe { rustix::mm::madvise(start.as_ptr(), length, Advice::LinuxDontFork) };
        Ok(Self {
            address: start.as_ptr() as usize,
            start,
            length,
        })
    }

    /// What the hypervisor has read or will read.
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the mapping is this long, readable, writable, initialized by the kernel,
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
    fn pages_are_zeroed_and_writable() {
        let mut pages = Pages::map(5000, None).unwrap();
        assert_eq!(pages.bytes().len() % 4096, 0);
        assert!(pages.bytes().iter().all(|b| *b == 0));
        pages.bytes()[4999] = 7;
        assert_eq!(pages.bytes()[4999], 7);
    }
}
