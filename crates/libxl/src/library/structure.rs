//! A structure of libxl, of whose layout nothing is known: the library initialises it,
//! fills it from JSON and says in JSON what is in it.

use super::compare;
use super::context::{Context, Raw, missing};
use super::loaded::Loaded;
use crate::{Failure, FailureKind};
use serde_json::Value;
use std::ffi::{CStr, CString, c_char, c_int, c_void};

/// Room for any structure: the largest of all releases has 1400 bytes.
const ROOM: usize = 64 << 10;

/// All that are used.
pub(super) const ALL: &[&str] = &[
    "domain_config",
    "domain_build_info",
    "domain_restore_params",
    "device_disk",
    "device_nic",
    "device_pci",
    "device_usbctrl",
    "device_usbdev",
    "device_vkb",
    "device_vfb",
    "dominfo",
];

type InitFn = unsafe extern "C" fn(*mut c_void);
type DisposeFn = unsafe extern "C" fn(*mut c_void);
type FromJsonFn = unsafe extern "C" fn(*mut Raw, *mut c_void, *const c_char) -> c_int;
type ToJsonFn = unsafe extern "C" fn(*mut Raw, *mut c_void) -> *mut c_char;

unsafe extern "C" {
    /// C's.
    pub(super) fn free(memory: *mut c_void);
}

/// Memory that any structure fits in, aligned for any.
#[repr(C, align(16))]
struct Room([u8; ROOM]);

/// A structure that was initialised.
pub(super) struct Structure<'a> {
    context: &'a Context<'a>,
    name: &'static str,
    room: Box<Room>,
}

impl<'a> Structure<'a> {
    /// One with defaults in it.
    pub(super) fn new(context: &'a Context<'a>, name: &'static str) -> Result<Self, Failure> {
        let init = format!("{name}_init");
        // Only what was measured is known to fit.
        let known = context.loaded.size_of(name);
        // SAFETY: the type is that of every release.
        let function: Option<InitFn> = unsafe { context.loaded.symbol(&init) };
        let (Some(_), Some(function)) = (known, function) else {
            return Err(missing(&init));
        };
        let mut room = Box::new(Room([0; ROOM]));
        // SAFETY: the structure was measured: it fits.
        unsafe { function(room.0.as_mut_ptr().cast()) };
        Ok(Self {
            context,
            name,
            room,
        })
    }

    /// One that says what a text says, no less.
    pub(super) fn read(
        context: &'a Context<'a>,
        name: &'static str,
        text: &str,
    ) -> Result<Self, Failure> {
        let given: Value = serde_json::from_str(text)
            .map_err(|error| Failure::request(format!("libxl_{name}: {error}")))?;
        let mut structure = Self::new(context, name)?;
        if structure.fill(text)? != 0 {
            let log = context.logger().lines();
            let mut reads = |value: &Value| {
                let attempt =
                    Self::new(context, name).and_then(|mut it| it.fill(&value.to_string()));
                attempt.is_ok_and(|code| code == 0)
            };
            let key = compare::unreadable(&given, &mut reads);
            let structure = name.to_owned();
            let kind = FailureKind::Configuration { structure, key };
            return Err(Failure { kind, log });
        }
        let back = structure.text()?;
        let back: Value = serde_json::from_str(&back).unwrap_or(Value::Null);
        match compare::dropped(&given, &back) {
            None => Ok(structure),
            Some(key) => Err(context.failure(FailureKind::Dropped {
                structure: name.to_owned(),
                key,
            })),
        }
    }

    /// Reads a text into it, and returns what libxl did.
    fn fill(&mut self, text: &str) -> Result<c_int, Failure> {
        let text = to_c(text)?;
        let function = format!("{}_from_json", self.name);
        // SAFETY: the type is that of every release.
        let from_json: Option<FromJsonFn> = unsafe { self.context.loaded.symbol(&function) };
        let from_json = from_json.ok_or_else(|| missing(&function))?;
        // SAFETY: the structure is of this type and was only initialised so far; reading
        // initialises it again, before which nothing of it needs to be freed.
        Ok(unsafe { from_json(self.context.raw(), self.pointer(), text.as_ptr()) })
    }

    /// What it is, without `libxl_`.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// What is in it, as JSON.
    pub(super) fn text(&mut self) -> Result<String, Failure> {
        let pointer = self.pointer();
        // SAFETY: the structure is of this type and initialised.
        unsafe { text_of(self.context, self.name, pointer) }
    }

    pub(super) fn pointer(&mut self) -> *mut c_void {
        self.room.0.as_mut_ptr().cast()
    }
}

impl Drop for Structure<'_> {
    fn drop(&mut self) {
        // SAFETY: the structure is of this type and initialised, and nothing uses it
        // from here on.
        unsafe { dispose(self.context.loaded, self.name, self.pointer()) };
    }
}

/// What is in a structure, as JSON.
///
/// # Safety
/// `pointer` is at an initialised structure of that name.
pub(super) unsafe fn text_of(
    context: &Context<'_>,
    name: &str,
    pointer: *mut c_void,
) -> Result<String, Failure> {
    let function = format!("{name}_to_json");
    // SAFETY: the type is that of every release.
    let to_json: Option<ToJsonFn> = unsafe { context.loaded.symbol(&function) };
    let to_json = to_json.ok_or_else(|| missing(&function))?;
    // SAFETY: the caller's.
    let text = unsafe { to_json(context.raw(), pointer) };
    // SAFETY: the text was made for us to free.
    let text = unsafe { take(text) };
    text.ok_or_else(|| context.failure(FailureKind::Call { function, code: -3 }))
}

/// Frees what a structure holds.
///
/// # Safety
/// `pointer` is at an initialised structure of that name, which is not used any more.
pub(super) unsafe fn dispose(loaded: &Loaded, name: &str, pointer: *mut c_void) {
    // SAFETY: the type is that of every release.
    let function: Option<DisposeFn> = unsafe { loaded.symbol(&format!("{name}_dispose")) };
    if let Some(function) = function {
        // SAFETY: the caller's.
        unsafe { function(pointer) };
    }
}

/// A text that libxl made, which is freed.
///
/// # Safety
/// `text` is null, or a text of C from `malloc` that nothing uses any more.
pub(super) unsafe fn take(text: *mut c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's.
    let ours = unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned();
    // SAFETY: the caller's.
    unsafe { free(text.cast()) };
    Some(ours)
}

/// A text for C.
pub(super) fn to_c(text: &str) -> Result<CString, Failure> {
    CString::new(text).map_err(|_| Failure::request("a text with a zero byte in it"))
}

/// Bytes of a structure: its initialiser begins by clearing them. `None` where the
/// library lacks it.
pub(super) fn measure(loaded: &Loaded, name: &str) -> Option<usize> {
    // SAFETY: the type is that of every release.
    let init: InitFn = unsafe { loaded.symbol(&format!("{name}_init")) }?;
    // With two patterns no default that is written behind the clearing looks like one.
    let ends = [0xa5, 0x5a].map(|pattern| {
        let mut room = Box::new(Room([pattern; ROOM]));
        // SAFETY: no release's structure is nearly as large as the room.
        unsafe { init(room.0.as_mut_ptr().cast()) };
        let last = room.0.iter().rposition(|byte| *byte != pattern);
        last.map_or(0, |last| last + 1)
    });
    ends.into_iter().max().filter(|size| *size > 0)
}
