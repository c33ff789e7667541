//! What a Xen guest is: a typed model and libvirt's domain XML for it.
//!
//! Parse with positions, validate, format. Nothing here does I/O or knows how
//! a guest is started; conversions to Xen's own configuration languages are in
//! `virtxen-formats`.
#![forbid(unsafe_code)]

mod units;

pub use units::{DomId, MemoryKib, Uuid, UuidError};

/// What a guest is.
#[derive(Clone, Debug)]
pub struct Guest;

/// One device of a guest.
#[derive(Clone, Debug)]
pub struct Device;
