//! One request as the hypervisor finds it in the caller's memory.
//!
//! Fields are read and written by the layout of the release; a pointer is
//! followed only where the caller really put an address.

use virtxen_hypercall::abi::Family;
use virtxen_hypercall::abi::layout::{Field, Layout};
use virtxen_hypercall::{Abi, Errno, Pointer};

/// Bytes of an operation in every envelope.
const UNION: usize = 128;

/// A request in the caller's memory.
pub(super) struct Page<'a> {
    buffers: &'a mut [Vec<u8>],
    pointers: &'a [Pointer],
    union_at: usize,
    layout: &'static Layout,
}

static NOTHING: Layout = Layout {
    size: 0,
    fields: &[],
};

impl<'a> Page<'a> {
    /// The request in the first buffer, which has to be as long as Xen copies.
    pub(super) fn new(
        abi: &Abi,
        family: Family,
        buffers: &'a mut [Vec<u8>],
        pointers: &'a [Pointer],
    ) -> Result<Self, Errno> {
        let union_at = abi.union_offset(family);
        let length = buffers.first().map_or(0, Vec::len);
        if length < union_at + UNION {
            return Err(Errno::EFAULT);
        }
        Ok(Self {
            buffers,
            pointers,
            union_at,
            layout: &NOTHING,
        })
    }

    /// Reads and writes by this layout from now on.
    pub(super) fn set_layout(&mut self, layout: &'static Layout) {
        self.layout = layout;
    }

    /// A word of the envelope.
    pub(super) fn word(&self, at: u16) -> Result<u32, Errno> {
        self.envelope(at, 4)
    }

    /// The domain of a domctl.
    pub(super) fn envelope_domain(&self) -> Result<u32, Errno> {
        self.envelope(8, 2)
    }

    /// A field of the request.
    pub(super) fn get(&self, field: &str) -> Result<u64, Errno> {
        let bytes = self.buffers.first().and_then(|it| it.get(self.union_at..));
        bytes
            .and_then(|bytes| self.layout.get(bytes, field))
            .ok_or(Errno::EINVAL)
    }

    /// Writes a field of the answer; one that the layout lacks is not told.
    pub(super) fn put(&mut self, field: &str, value: u64) {
        let Some(found) = self.layout.field(field) else {
            return;
        };
        let union_at = self.union_at;
        if let Some(bytes) = self
            .buffers
            .first_mut()
            .and_then(|it| it.get_mut(union_at..))
        {
            let _ = found.put(bytes, value);
        }
    }

    /// Writes bytes at a field of the answer.
    pub(super) fn put_bytes(&mut self, field: &str, value: &[u8]) {
        let Some(found) = self.layout.field(field) else {
            return;
        };
        let start = self.union_at + usize::from(found.offset);
        let target = self
            .buffers
            .first_mut()
            .and_then(|it| it.get_mut(start..start + value.len()));
        if let Some(target) = target {
            target.copy_from_slice(value);
        }
    }

    /// The buffer that a field points at.
    pub(super) fn follow(&mut self, field: &str) -> Result<&mut [u8], Errno> {
        let found = self.layout.field(field).ok_or(Errno::EINVAL)?;
        let at = self.union_at + usize::from(found.offset);
        let width = usize::from(found.size);
        let pointer = self
            .pointers
            .iter()
            .find(|it| it.from == 0 && it.at == at && it.width == width)
            .ok_or(Errno::EFAULT)?;
        self.buffers
            .get_mut(pointer.to)
            .map(Vec::as_mut_slice)
            .ok_or(Errno::EFAULT)
    }

    fn envelope(&self, offset: u16, size: u16) -> Result<u32, Errno> {
        let bytes = self.buffers.first().ok_or(Errno::EFAULT)?;
        let value = Field {
            name: "",
            offset,
            size,
        }
        .get(bytes)
        .ok_or(Errno::EFAULT)?;
        u32::try_from(value).map_err(|_| Errno::EFAULT)
    }
}
