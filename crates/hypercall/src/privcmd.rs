//! Hypercalls through the kernel's privcmd node.
//!
//! Buffers are copied into memory where the hypervisor can reach it: pages of
//! `/dev/xen/hypercall` on Linux 4.18 and later, else locked anonymous pages. That of
//! the last call is kept for the next one, since mapping it costs more than a call.

use crate::error::{Error, Result};
use crate::gate::{Argument, Errno, Gate, Request};
use crate::pages::Pages;
use crate::version::XEN_VERSION;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags};
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode};
use std::ffi::c_void;
use std::ptr;
use std::sync::Mutex;

/// Where the node is; the second on kernels before 3.3.
const NODES: &[&str] = &["/dev/xen/privcmd", "/proc/xen/privcmd"];

/// Gives pages that are safe as hypercall buffers.
const BUFFER_NODE: &str = "/dev/xen/hypercall";

/// Alignment of each buffer in the mapping.
const ALIGNMENT: usize = 64;

/// Most bytes that stay mapped between calls: as many as a list of 1,024 domains takes.
const SPARE: usize = 256 << 10;

/// The kernel's way to the hypervisor.
pub struct Privcmd {
    node: OwnedFd,
    pages: Option<OwnedFd>,
    form: Form,
    spare: Mutex<Option<Pages>>,
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
                        spare: Mutex::default(),
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

    /// Memory for a call: that of an earlier one, or new.
    fn take(&self, length: usize) -> rustix::io::Result<Pages> {
        let spare = self.spare.lock().ok();
        let fits = |pages: &mut Pages| pages.length >= length;
        if let Some(pages) = spare.and_then(|mut spare| spare.take_if(fits)) {
            return Ok(pages);
        }
        // The node gives only so many pages at a time up to Linux 4.19.
        Pages::map(length, self.pages.as_ref()).or_else(|_| Pages::map(length, None))
    }

    /// Keeps the larger one of this and what another thread has kept meanwhile.
    fn keep(&self, pages: Pages) {
        let Ok(mut spare) = self.spare.lock() else {
            return;
        };
        let kept = spare.as_ref().map_or(0, |spare| spare.length);
        if (kept + 1..=SPARE).contains(&pages.length) {
            *spare = Some(pages);
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
        let mut pages = self.take(length.max(1)).map_err(errno)?;
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
        self.keep(pages);
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
        let gate = gate();
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
    fn pages_of_a_call_are_the_next_ones() {
        let gate = gate();
        let first = gate.take(5000).unwrap();
        let address = first.address;
        gate.keep(first);
        let small = gate.take(1).unwrap();
        assert_eq!((small.address, small.length), (address, 8192));
        // Of two the larger one stays, and none that is too large.
        gate.keep(Pages::map(1, None).unwrap());
        gate.keep(small);
        gate.keep(Pages::map(1, None).unwrap());
        gate.keep(Pages::map(SPARE + 1, None).unwrap());
        assert_eq!(gate.take(8192).unwrap().address, address);
    }

    /// Of a file that is no privcmd: a request is refused after it was built.
    fn gate() -> Privcmd {
        Privcmd {
            node: rustix::fs::open("/dev/null", OFlags::RDWR, Mode::empty()).unwrap(),
            pages: None,
            form: Form::Wide,
            spare: Mutex::default(),
        }
    }
}
