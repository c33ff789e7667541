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
    /// No such domain or vcpu.
    pub const ESRCH: Self = Self(3);
    /// Try again.
    pub const EAGAIN: Self = Self(11);
    /// Wrong interface version.
    pub const EACCES: Self = Self(13);
    /// A bad address.
    pub const EFAULT: Self = Self(14);
    /// A bad argument.
    pub const EINVAL: Self = Self(22);
    /// No such operation.
    pub const ENOSYS: Self = Self(38);
    /// An operation that is compiled out.
    pub const EOPNOTSUPP: Self = Self(95);
    /// More pauses than can be counted.
    pub const EUSERS: Self = Self(87);
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

/// Makes hypercalls. A call may not block for long: none that virtxen makes does.
pub trait Gate: Send + Sync {
    /// Calls hypercall `number`; `buffers` hold what the hypervisor wrote after it.
    ///
    /// # Errors
    /// The hypervisor's error number.
    fn call(
        &self,
        number: u32,
        arguments: &[Argument],
        buffers: &mut [Vec<u8>],
        pointers: &[Pointer],
    ) -> Result<u64, Errno>;
}
