//! One request: the envelope, an operation's fields, and the buffers that they
//! point at. Buffers are zeroed and as long as the hypervisor copies.

use crate::abi::layout::{Field, Layout};
use crate::abi::{Abi, Family};
use crate::error::{Error, Result};
use crate::gate::{Argument, Errno, Gate, Pointer, Request};

/// Bytes that the hypervisor copies in: every envelope has 128 bytes of union.
const UNION: usize = 128;

/// A request while it is put together, and its answer after [`Call::send`].
pub(crate) struct Call<'a> {
    abi: &'a Abi,
    family: Family,
    pub(crate) name: &'static str,
    layout: &'static Layout,
    /// Where the union begins.
    union_at: usize,
    buffers: Vec<Vec<u8>>,
    pointers: Vec<Pointer>,
}

impl<'a> Call<'a> {
    /// An operation of a family.
    pub(crate) fn new(abi: &'a Abi, family: Family, name: &'static str) -> Result<Self> {
        let (command, layout) = abi.operation(family, name)?;
        let version = abi.version(family).unwrap_or_default();
        let union_at = abi.union_offset(family);
        let mut envelope = vec![0; union_at + UNION];
        for (at, word) in [(0, command), (4, version)] {
            put(&mut envelope, at, 4, u64::from(word));
        }
        let (buffers, pointers) = (vec![envelope], Vec::new());
        Ok(Self {
            abi,
            family,
            name,
            layout,
            union_at,
            buffers,
            pointers,
        })
    }

    /// An operation on a domain: domctl, or its older form in dom0_op.
    pub(crate) fn on_domain(
        abi: &'a Abi,
        old: &'static str,
        new: &'static str,
        domid: u32,
    ) -> Result<Self> {
        let range = |call: &Self| {
            let release = abi.release.to_string();
            Error::Range {
                release,
                operation: call.name,
                what: format!("domain {domid}"),
            }
        };
        let family = abi.control();
        let is_old = family == Family::Dom0Op;
        let name = if is_old { old } else { new };
        let mut call = Self::new(abi, family, name)?;
        let domid16 = u16::try_from(domid).map_err(|_| range(&call))?;
        if is_old {
            call.set("domain", u64::from(domid16))?;
        } else if let Some(envelope) = call.buffers.first_mut() {
            put(envelope, 8, 2, u64::from(domid16));
        }
        Ok(call)
    }

    /// Another command with the same layout.
    pub(crate) fn set_command(&mut self, command: u32) {
        if let Some(envelope) = self.buffers.first_mut() {
            put(envelope, 0, 4, u64::from(command));
        }
    }

    /// Whether this release's layout has a field.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.layout.field(field).is_some()
    }

    /// Sets a field; a value that does not fit its width is an error.
    pub(crate) fn set(&mut self, field: &'static str, value: u64) -> Result<()> {
        let found = self.field(field)?;
        let fits = found.size >= 8 || value >> (8 * found.size) == 0;
        if !fits {
            return Err(Error::Range {
                release: self.abi.release.to_string(),
                operation: self.name,
                what: format!("{field} {value}"),
            });
        }
        let union_at = self.union_at;
        let written = self
            .buffers
            .first_mut()
            .and_then(|envelope| envelope.get_mut(union_at..))
            .is_some_and(|union| found.put(union, value));
        if written {
            Ok(())
        } else {
            Err(self.broken("a field outside the request"))
        }
    }

    /// Points a field at a new buffer of this content; gives its index.
    pub(crate) fn point(&mut self, field: &'static str, content: Vec<u8>) -> Result<usize> {
        let found = self.field(field)?;
        let to = self.buffers.len();
        self.buffers.push(content);
        self.pointers.push(Pointer {
            from: 0,
            at: self.union_at + usize::from(found.offset),
            width: usize::from(found.size),
            to,
        });
        Ok(to)
    }

    /// Makes the call.
    pub(crate) fn send(&mut self, gate: &dyn Gate) -> Result<u64> {
        self.attempt(gate).map_err(|errno| self.error(errno))
    }

    /// Makes the call; an error as the hypervisor has it. EAGAIN means once more on
    /// every release.
    pub(crate) fn attempt(&mut self, gate: &dyn Gate) -> std::result::Result<u64, Errno> {
        const ATTEMPTS: u32 = 10_000;
        let mut result = Err(Errno::EAGAIN);
        for _ in 0..ATTEMPTS {
            let arguments = [Argument::Buffer(0)];
            let number = self.family.number();
            let mut request = Request::new(number, &arguments, &mut self.buffers, &self.pointers);
            result = gate.call(&mut request);
            if result != Err(Errno::EAGAIN) {
                break;
            }
            std::thread::yield_now();
        }
        result
    }

    /// A field of the answer.
    pub(crate) fn get(&self, field: &'static str) -> Result<u64> {
        let found = self.field(field)?;
        found
            .get(self.union())
            .ok_or_else(|| self.broken("a field outside the answer"))
    }

    /// A field of the answer that not every release has.
    pub(crate) fn find(&self, field: &str) -> Option<u64> {
        self.layout.get(self.union(), field)
    }

    /// The operation's part of the answer.
    pub(crate) fn union(&self) -> &[u8] {
        self.buffers
            .first()
            .and_then(|envelope| envelope.get(self.union_at..))
            .unwrap_or_default()
    }

    /// A buffer after the call.
    pub(crate) fn buffer(&self, index: usize) -> &[u8] {
        self.buffers.get(index).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn broken(&self, reason: &'static str) -> Error {
        Error::Answer {
            operation: self.name,
            reason,
        }
    }

    pub(crate) fn unsupported(&self) -> Error {
        Error::Unsupported {
            release: self.abi.release.to_string(),
            operation: self.name,
        }
    }

    fn field(&self, name: &'static str) -> Result<&'static Field> {
        self.layout.field(name).ok_or_else(|| self.unsupported())
    }

    fn error(&self, errno: Errno) -> Error {
        match errno {
            Errno::EPERM | Errno::EACCES => Error::NotPermitted {
                operation: self.name,
            },
            Errno::ENOSYS | Errno::EOPNOTSUPP => self.unsupported(),
            errno => Error::Refused {
                operation: self.name,
                errno,
            },
        }
    }
}

fn put(bytes: &mut [u8], at: u16, width: u16, value: u64) {
    // The envelope is longer than its own words.
    let _ = Field {
        name: "",
        offset: at,
        size: width,
    }
    .put(bytes, value);
}
