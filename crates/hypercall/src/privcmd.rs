//! Hypercalls through the kernel's privcmd node.
//!
//! Buffers are copied into memory that is mapped for one call, where the
//! hypervisor can reach it: pages of `/dev/xen/hypercall` on Linux 4.18 and
//! later, else locked anonymous pages.

use crate::error::{Error, Result};
use crate::gate::{Argument, Errno, Gate, Request};
use crate::version::XEN_VERSION;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags};
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode};
use rustix::mm::{Advice, MapFlags, ProtFlags};
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
    form: Form,
}

/// The two forms of a request to the node. They differ on 32 bit only, where the
/// kernels of Xen 3.0.0 to 3.0.2 have words of 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Wide,
    Narrow,
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
                    let mut it = Self {
                        node,
                        pages: open(BUFFER_NODE).ok(),
                        form: Form::Wide,
                    };
                    it.form = it.find_form();
                    return Ok(it);
                }
                Err(error) => tried.push(format!("{path}: {error}")),
            }
        }
        Err(Error::Unreachable { tried })
    }

    /// Kernels that do not know the wide form say that the argument is wrong.
    fn find_form(&self) -> Form {
        if cfg!(target_pointer_width = "64") {
            return Form::Wide;
        }
        let version = [Argument::Value(0)];
        match self.call(&mut Request::new(XEN_VERSION, &version, &mut [], &[])) {
            Err(Errno::EINVAL | Errno::ENOTTY) => Form::Narrow,
            _ => Form::Wide,
        }
    }

    /// Makes the call.
    ///
    /// # Safety
    /// Addresses among the arguments, and in the memory that they point at, are of
    /// memory that the caller holds and that is as long as the operation reads and
    /// writes.
    unsafe fn pass(&self, hypercall: WideHypercall) -> rustix::io::Result<u64> {
        let node = self.node.as_fd();
        match self.form {
            // SAFETY: the struct is what its request's number says it is, and lives
            // through the call; the rest is the caller's to keep.
            Form::Wide => unsafe { rustix::ioctl::ioctl(node, hypercall) },
            // SAFETY: as above; addresses have 32 bits where this form is used.
            Form::Narrow => unsafe { rustix::ioctl::ioctl(node, NarrowHypercall::of(&hypercall)) },
        }
    }
}

impl Gate for Privcmd {
    fn call(&self, request: &mut Request<'_>) -> Result<u64, Errno> {
        let (number, arguments, pointers) =
            (request.number(), request.arguments(), request.pointers());
        let buffers = request.memory().ok_or(Errno::EFAULT)?;
        let mut starts = Vec::with_capacity(buffers.len());
        let mut length = 0_usize;
        for buffer in buffers.iter() {
            starts.push(length);
            length += buffer.len().next_multiple_of(ALIGNMENT);
        }
        let errno = |error: rustix::io::Errno| Errno(error.raw_os_error());
        // The node gives only so many pages at a time up to Linux 4.19.
        let length_mapped = length.max(1);
        let mut pages = Pages::map(length_mapped, self.pages.as_ref())
            .or_else(|_| Pages::map(length_mapped, None))
            .map_err(errno)?;
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
            let start = starts.get(pointer.from).ok_or(Errno::EFAULT)?;
            let room = buffers.get(pointer.from).map_or(0, Vec::len);
            let end = pointer.at.checked_add(pointer.width);
            let end = end.filter(|end| *end <= room).ok_or(Errno::EFAULT)?;
            let target = all.get_mut(start + pointer.at..start + end);
            let target = target.ok_or(Errno::EFAULT)?;
            let bytes = address(pointer.to)?.to_le_bytes();
            target.copy_from_slice(bytes.get(..pointer.width).ok_or(Errno::EFAULT)?);
        }
        let mut hypercall = WideHypercall {
            op: u64::from(number),
            arguments: [0; 5],
        };
        for (slot, argument) in hypercall.arguments.iter_mut().zip(arguments) {
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
        // SAFETY: the addresses are inside `pages`, which stay mapped and locked until
        // after the call. The request was made by this crate and by nobody else written
        // to, so each buffer is as long as the layout of its operation says, and holds
        // no address but those that were put in above.
        let result = unsafe { self.pass(hypercall) }.map_err(errno)?;
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
struct WideHypercall {
    op: u64,
    arguments: [u64; 5],
}

/// `struct privcmd_hypercall` of 32-bit kernels before them.
#[repr(C)]
struct NarrowHypercall {
    op: u32,
    arguments: [u32; 5],
}

impl NarrowHypercall {
    /// Addresses and numbers of a 32-bit caller fit.
    fn of(wide: &WideHypercall) -> Self {
        Self {
            op: wide.op as u32,
            arguments: wide.arguments.map(|argument| argument as u32),
        }
    }
}

/// IOCTL_PRIVCMD_HYPERCALL for an argument of this size, which is part of its number.
const fn opcode(size: usize) -> Opcode {
    (size as Opcode) << 16 | (b'P' as Opcode) << 8
}

const _: () = assert!(opcode(size_of::<WideHypercall>()) == 0x0030_5000);
const _: () = assert!(opcode(size_of::<NarrowHypercall>()) == 0x0018_5000);

macro_rules! hypercall_request {
    ($request:ident) => {
        // SAFETY: the opcode is IOCTL_PRIVCMD_HYPERCALL with the size of this struct,
        // which has the layout of its argument (repr(C), no padding); the kernel
        // reads it and writes nothing to it, and returns what the hypervisor does.
        unsafe impl Ioctl for $request {
            type Output = u64;

            const IS_MUTATING: bool = false;

            fn opcode(&self) -> Opcode {
                opcode(size_of::<Self>())
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
    };
}

hypercall_request!(WideHypercall);
hypercall_request!(NarrowHypercall);

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
    use crate::gate::Pointer;

    #[test]
    fn a_host_without_xen_says_what_was_tried() {
        if let Err(Error::Unreachable { tried }) = Privcmd::open() {
            assert_eq!(tried.len(), NODES.len());
            assert!(tried[0].starts_with("/dev/xen/privcmd: "), "{tried:?}");
        }
    }

    #[test]
    fn a_narrow_request_has_the_same_numbers() {
        let wide = WideHypercall {
            op: 35,
            arguments: [0xffff_f000, 2, 3, 4, 5],
        };
        let narrow = NarrowHypercall::of(&wide);
        assert_eq!(narrow.op, 35);
        assert_eq!(narrow.arguments, [0xffff_f000, 2, 3, 4, 5]);
    }

    #[test]
    fn pointers_are_checked_before_a_call() {
        // Any file that is no privcmd: the request is refused after it was built.
        let node = rustix::fs::open("/dev/null", OFlags::RDWR, Mode::empty()).unwrap();
        let gate = Privcmd {
            node,
            pages: None,
            form: Form::Wide,
        };
        let mut buffers = [vec![1; 100], vec![2; 5000]];
        let good = Pointer {
            from: 0,
            at: 8,
            width: 8,
            to: 1,
        };
        let call = |buffers: &mut [Vec<u8>], pointer| {
            gate.call(&mut Request::new(
                35,
                &[Argument::Buffer(0)],
                buffers,
                &[pointer],
            ))
        };
        assert_eq!(call(&mut buffers, good), Err(Errno::ENOTTY));
        for bad in [
            Pointer { at: 96, ..good },
            Pointer { at: 6000, ..good },
            Pointer { to: 2, ..good },
            Pointer { from: 9, ..good },
            Pointer { width: 16, ..good },
            Pointer {
                at: usize::MAX - 4,
                ..good
            },
        ] {
            assert_eq!(call(&mut buffers, bad), Err(Errno::EFAULT), "{bad:?}");
        }
        assert_eq!(buffers, [vec![1; 100], vec![2; 5000]]);
        // Nothing that others made or wrote to gets as far as the node.
        let mut foreign = Request::foreign(17, &[], &mut [], &[]);
        assert_eq!(gate.call(&mut foreign), Err(Errno::EFAULT));
        let mut written = Request::new(17, &[], &mut [], &[]);
        written.answer();
        assert_eq!(gate.call(&mut written), Err(Errno::EFAULT));
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
