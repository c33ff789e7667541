//! libxl's functions by their parameters: one type of function pointer each, chosen by
//! the table of `signature`. All wait until they are done.

use super::bitmap::Bitmap;
use super::context::{Context, Raw, missing};
use super::logger::ProgressHow;
use super::structure::{self, Structure, free, take};
use crate::{Failure, Shape, shape_of};
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

/// Parameters behind the context, whichever the release has of them.
pub(super) enum Arguments<'a, 'b> {
    Domain(u32),
    Text(u32, &'a CStr),
    Names(u32, &'a CStr, &'a CStr),
    Char(u32, u8),
    Create(&'a mut Structure<'b>, &'a mut u32),
    Restore(
        &'a mut Structure<'b>,
        &'a mut u32,
        BorrowedFd<'a>,
        &'a mut Structure<'b>,
    ),
    Save(u32, BorrowedFd<'a>, c_int),
    Resume(u32, bool),
    /// Trigger, vcpu.
    Trigger(u32, u32, u32),
    /// KiB, whether it is enforced.
    Target(u32, u64, bool),
    Limit(u32, u64),
    Vcpus(u32, &'a mut Bitmap),
    /// A device, or a configuration that is filled.
    Structure(u32, &'a mut Structure<'b>),
    Monitor(u32, &'a CStr, &'a mut Option<String>),
    Memory(&'a mut u64),
    /// A configuration, or the part of it about building.
    Need(&'a mut Structure<'b>, &'a mut u64),
    Store(u32, &'a CStr, &'a [u8]),
    Retrieve(u32, &'a CStr, &'a mut Option<Vec<u8>>),
    Assign(&'a mut Structure<'b>, bool),
    /// By which text a device is known, and the device that is filled.
    Lookup(u32, &'a CStr, &'a mut Structure<'b>),
}

/// How to go on without waiting: never.
const WAIT: Ao = ptr::null();

/// No domain, where one is wanted for the log only.
const NO_DOMAIN: u32 = u32::MAX;

/// No stream back to where a guest comes from.
const NO_STREAM: c_int = -1;

type Ao = *const c_void;
type Any = *mut c_void;
type Text = *const c_char;
type TextOut = *mut *mut c_char;

/// Looks a function up with the parameters that are given, and calls it.
macro_rules! call {
    ($context:ident, $name:ident $(, $value:expr => $type:ty)*) => {{
        type Function = unsafe extern "C" fn(*mut Raw $(, $type)*) -> c_int;
        // SAFETY: these are the parameters of its shape, which the table has for this
        // function in the library's release.
        let function = unsafe { $context.loaded.symbol::<Function>($name) };
        let function = function.ok_or_else(|| missing($name))?;
        // SAFETY: the context is open; structures are of the type that the function
        // takes, which was looked at, and everything that is pointed at is borrowed
        // until the call is over: libxl keeps nothing of a call that it waited for.
        unsafe { function($context.raw() $(, $value)*) }
    }};
}

impl Context<'_> {
    /// Calls `libxl_NAME`.
    pub(super) fn call(
        &self,
        name: &'static str,
        arguments: Arguments<'_, '_>,
    ) -> Result<(), Failure> {
        use Arguments as A;
        let shape = shape_of(name, self.loaded.release()).ok_or_else(|| missing(name))?;
        let code = match arguments {
            A::Create(..) | A::Restore(..) => self.start(name, shape, arguments),
            A::Structure(..) | A::Need(..) | A::Assign(..) | A::Lookup(..) => {
                self.with_structure(name, shape, arguments)
            }
            A::Target(..) | A::Limit(..) | A::Vcpus(..) | A::Memory(..) => {
                self.resources(name, shape, arguments)
            }
            A::Monitor(..) | A::Store(..) | A::Retrieve(..) => self.texts(name, shape, arguments),
            _ => self.plain(name, shape, arguments),
        };
        self.check(name, code?)
    }

    fn plain(
        &self,
        name: &'static str,
        shape: Shape,
        arguments: Arguments<'_, '_>,
    ) -> Result<c_int, Failure> {
        use Arguments as A;
        Ok(match (shape, arguments) {
            (Shape::Domain, A::Domain(domid)) => call!(self, name, domid => u32),
            (Shape::DomainAo, A::Domain(domid)) => {
                call!(self, name, domid => u32, WAIT => Ao)
            }
            (Shape::DomainTextAo, A::Text(domid, text)) => {
                call!(self, name, domid => u32, text.as_ptr() => Text, WAIT => Ao)
            }
            (Shape::DomainNames, A::Names(domid, from, to)) => {
                call!(self, name, domid => u32, from.as_ptr() => Text, to.as_ptr() => Text)
            }
            (Shape::DomainChar, A::Char(domid, key)) => {
                call!(self, name, domid => u32, key as c_char => c_char)
            }
            (Shape::Save, A::Save(domid, stream, flags)) => {
                let stream = stream.as_raw_fd();
                call!(self, name, domid => u32, stream => c_int, flags => c_int, WAIT => Ao)
            }
            (Shape::Resume, A::Resume(domid, cancel)) => {
                call!(self, name, domid => u32, c_int::from(cancel) => c_int, WAIT => Ao)
            }
            (Shape::Trigger, A::Trigger(domid, trigger, vcpu)) => {
                call!(self, name, domid => u32, trigger => c_uint, vcpu => u32)
            }
            (Shape::TriggerAo, A::Trigger(domid, trigger, vcpu)) => {
                call!(self, name, domid => u32, trigger => c_uint, vcpu => u32, WAIT => Ao)
            }
            _ => return Err(mismatch(name)),
        })
    }

    /// Functions that start a guest.
    fn start(
        &self,
        name: &'static str,
        shape: Shape,
        arguments: Arguments<'_, '_>,
    ) -> Result<c_int, Failure> {
        use Arguments as A;
        let console = self.logger().on_console();
        let console: *const ProgressHow<'_> = &raw const console;
        Ok(match (shape, arguments) {
            (Shape::Create, A::Create(config, domid)) => {
                expect(name, config, "domain_config")?;
                let config = config.pointer();
                call!(
                    self, name, config => Any, domid => *mut u32, WAIT => Ao,
                    console => *const ProgressHow<'_>
                )
            }
            (Shape::Restore, A::Restore(config, domid, stream, parameters)) => {
                expect(name, config, "domain_config")?;
                expect(name, parameters, "domain_restore_params")?;
                let (config, parameters) = (config.pointer(), parameters.pointer());
                call!(
                    self, name, config => Any, domid => *mut u32, stream.as_raw_fd() => c_int,
                    parameters => Any, WAIT => Ao, console => *const ProgressHow<'_>
                )
            }
            (Shape::RestoreBack, A::Restore(config, domid, stream, parameters)) => {
                expect(name, config, "domain_config")?;
                expect(name, parameters, "domain_restore_params")?;
                let (config, parameters) = (config.pointer(), parameters.pointer());
                call!(
                    self, name, config => Any, domid => *mut u32, stream.as_raw_fd() => c_int,
                    NO_STREAM => c_int, parameters => Any, WAIT => Ao,
                    console => *const ProgressHow<'_>
                )
            }
            _ => return Err(mismatch(name)),
        })
    }

    /// Functions that take a device or a configuration.
    fn with_structure(
        &self,
        name: &'static str,
        shape: Shape,
        arguments: Arguments<'_, '_>,
    ) -> Result<c_int, Failure> {
        use Arguments as A;
        Ok(match (shape, arguments) {
            (Shape::Device, A::Structure(domid, device)) => {
                expect(name, device, device_of(name))?;
                call!(self, name, domid => u32, device.pointer() => Any, WAIT => Ao)
            }
            (Shape::DomainOut, A::Structure(domid, config)) => {
                expect(name, config, "domain_config")?;
                call!(self, name, domid => u32, config.pointer() => Any)
            }
            (Shape::DomainOutAo, A::Structure(domid, config)) => {
                expect(name, config, "domain_config")?;
                call!(self, name, domid => u32, config.pointer() => Any, WAIT => Ao)
            }
            (Shape::NeedBuild, A::Need(build, kib)) => {
                expect(name, build, "domain_build_info")?;
                call!(self, name, build.pointer() => Any, kib => *mut u64)
            }
            (Shape::NeedConfig, A::Need(config, kib)) => {
                expect(name, config, "domain_config")?;
                let config = config.pointer();
                call!(self, name, config => Any, NO_DOMAIN => u32, kib => *mut u64)
            }
            (Shape::Lookup, A::Lookup(domid, text, device)) => {
                expect(name, device, device_of(name))?;
                let (text, device) = (text.as_ptr(), device.pointer());
                call!(self, name, domid => u32, text => Text, device => Any)
            }
            (Shape::Assign, A::Assign(pci, rebind)) => {
                expect(name, pci, "device_pci")?;
                call!(self, name, pci.pointer() => Any, c_int::from(rebind) => c_int)
            }
            _ => return Err(mismatch(name)),
        })
    }

    /// Functions about memory and vcpus.
    fn resources(
        &self,
        name: &'static str,
        shape: Shape,
        arguments: Arguments<'_, '_>,
    ) -> Result<c_int, Failure> {
        use Arguments as A;
        let too_much = |_| Failure::request("more memory than this Xen can be told of");
        Ok(match (shape, arguments) {
            (Shape::Target32, A::Target(domid, kib, enforce)) => {
                let kib = i32::try_from(kib).map_err(too_much)?;
                let (relative, enforce) = (0, c_int::from(enforce));
                call!(self, name, domid => u32, kib => i32, relative => c_int, enforce => c_int)
            }
            (Shape::Target64, A::Target(domid, kib, enforce)) => {
                let kib = i64::try_from(kib).map_err(too_much)?;
                let (relative, enforce) = (0, c_int::from(enforce));
                call!(self, name, domid => u32, kib => i64, relative => c_int, enforce => c_int)
            }
            (Shape::Limit32, A::Limit(domid, kib)) => {
                let kib = u32::try_from(kib).map_err(too_much)?;
                call!(self, name, domid => u32, kib => u32)
            }
            (Shape::Limit64, A::Limit(domid, kib)) => {
                call!(self, name, domid => u32, kib => u64)
            }
            (Shape::Vcpus, A::Vcpus(domid, online)) => {
                call!(self, name, domid => u32, online.pointer() => Any)
            }
            (Shape::VcpusAo, A::Vcpus(domid, online)) => {
                call!(self, name, domid => u32, online.pointer() => Any, WAIT => Ao)
            }
            // Before 4.8 it writes the lower half only; the upper one is zero.
            (Shape::MemoryOut, A::Memory(kib)) => call!(self, name, kib => *mut u64),
            _ => return Err(mismatch(name)),
        })
    }

    /// Functions that give or take texts.
    fn texts(
        &self,
        name: &'static str,
        shape: Shape,
        arguments: Arguments<'_, '_>,
    ) -> Result<c_int, Failure> {
        use Arguments as A;
        let mut out: *mut c_char = ptr::null_mut();
        Ok(match (shape, arguments) {
            (Shape::Monitor, A::Monitor(domid, line, answer)) => {
                let line = line.as_ptr();
                let code = call!(self, name, domid => u32, line => Text, &raw mut out => TextOut);
                // SAFETY: libxl left it alone or made a text for us to free.
                *answer = unsafe { take(out) };
                code
            }
            (Shape::MonitorAo, A::Monitor(domid, line, answer)) => {
                let line = line.as_ptr();
                let code = call!(
                    self, name, domid => u32, line => Text, &raw mut out => TextOut, WAIT => Ao
                );
                // SAFETY: libxl left it alone or made a text for us to free.
                *answer = unsafe { take(out) };
                code
            }
            (Shape::Store, A::Store(domid, key, data)) => {
                let length = c_int::try_from(data.len())
                    .map_err(|_| Failure::request("more data than libxl keeps"))?;
                let (key, data) = (key.as_ptr(), data.as_ptr());
                call!(self, name, domid => u32, key => Text, data => *const u8, length => c_int)
            }
            (Shape::Retrieve, A::Retrieve(domid, key, data)) => {
                let mut length: c_int = 0;
                let key = key.as_ptr();
                let code = call!(
                    self, name, domid => u32, key => Text, &raw mut out => TextOut,
                    &raw mut length => *mut c_int
                );
                // SAFETY: libxl left it alone or made data of this length for us to free.
                *data = unsafe { take_data(out.cast(), length) };
                code
            }
            _ => return Err(mismatch(name)),
        })
    }

    /// Calls `libxl_NAME`, which returns an array of structures, each as JSON.
    pub(super) fn list(
        &self,
        name: &'static str,
        structure: &'static str,
    ) -> Result<Vec<String>, Failure> {
        type List = unsafe extern "C" fn(*mut Raw, *mut c_int) -> *mut u8;
        if shape_of(name, self.loaded.release()) != Some(Shape::List) {
            return Err(missing(name));
        }
        // SAFETY: this is its shape.
        let function: Option<List> = unsafe { self.loaded.symbol(name) };
        let size = self.loaded.size_of(structure);
        let (Some(function), Some(size)) = (function, size) else {
            return Err(missing(name));
        };
        let mut count: c_int = 0;
        // SAFETY: the context is open and the count is ours.
        let start = unsafe { function(self.raw(), &raw mut count) };
        let count = usize::try_from(count).unwrap_or(0);
        if start.is_null() {
            return Ok(Vec::new());
        }
        let mut texts = Vec::new();
        for index in 0..count {
            // SAFETY: the array has so many structures, of the size that was measured.
            let pointer: *mut c_void = unsafe { start.add(index * size) }.cast();
            // SAFETY: there is one, initialised.
            texts.push(unsafe { structure::text_of(self, structure, pointer) });
            // SAFETY: it is not used any more.
            unsafe { structure::dispose(self.loaded, structure, pointer) };
        }
        // SAFETY: the array was made for us to free, and nothing in it is used any more.
        unsafe { free(start.cast()) };
        texts.into_iter().collect()
    }
}

/// The structure that a function about devices takes.
fn device_of(name: &str) -> &str {
    match name {
        "cdrom_insert" => "device_disk",
        name if name.contains("_to_") => name.rsplit_once("_to_").map_or(name, |it| it.1),
        name => name.rsplit_once('_').map_or(name, |(device, _)| device),
    }
}

fn expect(name: &str, structure: &Structure<'_>, expected: &str) -> Result<(), Failure> {
    if structure.name() == expected {
        return Ok(());
    }
    Err(mismatch(name))
}

/// The table of functions and the operations disagree: a defect of ours.
fn mismatch(name: &str) -> Failure {
    Failure::request(format!("libxl_{name} has other parameters"))
}

/// # Safety
/// `data` is null, or this many bytes from `malloc` that nothing uses any more.
unsafe fn take_data(data: *mut u8, length: c_int) -> Option<Vec<u8>> {
    if data.is_null() {
        return None;
    }
    let length = usize::try_from(length).unwrap_or(0);
    // SAFETY: the caller's.
    let ours = unsafe { std::slice::from_raw_parts(data, length) }.to_vec();
    // SAFETY: the caller's.
    unsafe { free(data.cast()) };
    Some(ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_known_by_their_functions() {
        assert_eq!(device_of("device_usbctrl_remove"), "device_usbctrl");
        assert_eq!(device_of("cdrom_insert"), "device_disk");
        for function in crate::FUNCTIONS {
            let (_, shape) = function.shapes[0];
            if matches!(shape, Shape::Device | Shape::Lookup) {
                assert!(
                    structure::ALL.contains(&device_of(function.name)),
                    "{}",
                    function.name
                );
            }
        }
    }
}
