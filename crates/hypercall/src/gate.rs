//! The way to the hypervisor: numbers and the caller's memory in, a number out.
//!
//! Requests hold addresses of buffers. Here a buffer is a vector and an address a
//! [`Pointer`] note beside the bytes; who makes the call puts real addresses in.

use std::fmt;

/// An error number of Xen, which are Linux's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub i32);

impl Errno {
    /// Operation not permitted.
    pub const EPERM: Self = Self(1);
    /// No such cpupool.
    pub const ENOENT: Self = Self(2);
    /// No such domain or vcpu.
    pub const ESRCH: Self = Self(3);
    /// Try again.
    pub const EAGAIN: Self = Self(11);
    /// Wrong interface version.
    pub const EACCES: Self = Self(13);
    /// A bad address.
    pub const EFAULT: Self = Self(14);
    /// In use.
    pub const EBUSY: Self = Self(16);
    /// There is one already.
    pub const EEXIST: Self = Self(17);
    /// No such processor, or not free.
    pub const ENODEV: Self = Self(19);
    /// The node knows no such request.
    pub const ENOTTY: Self = Self(25);
    /// A bad argument.
    pub const EINVAL: Self = Self(22);
    /// No such operation.
    pub const ENOSYS: Self = Self(38);
    /// An operation that is compiled out.
    pub const EOPNOTSUPP: Self = Self(95);
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::io::Error::from_raw_os_error(self.0).fmt(f)
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Errno({})", self.0)
    }
}

/// An argument of a hypercall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// A number.
    Value(u64),
    /// The address of the buffer with this index.
    Buffer(usize),
}

/// A place in a buffer that holds the address of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// Index of the buffer that holds the address.
    pub from: usize,
    /// Offset of the address in it.
    pub at: usize,
    /// Bytes of the address: 4 or 8.
    pub width: usize,
    /// Index of the buffer that is pointed at.
    pub to: usize,
}

/// A hypercall with the memory that it reads and writes. This crate alone makes one:
/// that its lengths and addresses are right is what the unsafe code relies on.
pub struct Request<'a> {
    number: u32,
    arguments: &'a [Argument],
    buffers: &'a mut [Vec<u8>],
    pointers: &'a [Pointer],
    is_ours: bool,
}

impl<'a> Request<'a> {
    pub(crate) fn new(
        number: u32,
        arguments: &'a [Argument],
        buffers: &'a mut [Vec<u8>],
        pointers: &'a [Pointer],
    ) -> Self {
        Self {
            number,
            arguments,
            buffers,
            pointers,
            is_ours: true,
        }
    }

    /// A request that another program made, for simulators: no hypervisor takes it.
    pub fn foreign(
        number: u32,
        arguments: &'a [Argument],
        buffers: &'a mut [Vec<u8>],
        pointers: &'a [Pointer],
    ) -> Self {
        Self {
            is_ours: false,
            ..Self::new(number, arguments, buffers, pointers)
        }
    }

    /// Number of the hypercall.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Its arguments.
    #[must_use]
    pub fn arguments(&self) -> &'a [Argument] {
        self.arguments
    }

    /// The memory that they mean.
    #[must_use]
    pub fn buffers(&self) -> &[Vec<u8>] {
        self.buffers
    }

    /// The places in it that hold addresses.
    #[must_use]
    pub fn pointers(&self) -> &'a [Pointer] {
        self.pointers
    }

    /// The memory, to write an answer: what was written to goes to no hypervisor.
    pub fn answer(&mut self) -> &mut [Vec<u8>] {
        self.is_ours = false;
        self.buffers
    }

    /// The memory for the hypervisor; `None` when somebody else has written to it.
    pub(crate) fn memory(&mut self) -> Option<&mut [Vec<u8>]> {
        self.is_ours.then_some(&mut *self.buffers)
    }
}

/// Makes hypercalls. A call may not block for long: none that virtxen makes does.
pub trait Gate: Send + Sync {
    /// Makes a hypercall; the request's memory holds what the hypervisor wrote.
    ///
    /// # Errors
    /// The hypervisor's error number.
    fn call(&self, request: &mut Request<'_>) -> Result<u64, Errno>;
}
