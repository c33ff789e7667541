//! A libxl context for one operation: allocated with a logger of its own, freed when the
//! operation is over.

use super::loaded::Loaded;
use super::logger::Logger;
use crate::{Failure, FailureKind, LogLevel, LogLine};
use std::ffi::{c_int, c_uint, c_void};
use std::ptr::{self, NonNull};

/// `libxl_ctx`, of which nothing is known.
#[repr(C)]
pub(super) struct Raw {
    _private: [u8; 0],
}

/// `libxl_childproc_hooks`
#[repr(C)]
struct ChildHooks {
    owner: c_int,
    fork: Option<extern "C" fn()>,
    reaped: Option<extern "C" fn()>,
}

/// `libxl_sigchld_owner_libxl_always_selective_reap`: libxl has the signal and reaps its
/// own children, context by context.
static SELECTIVE_REAP: ChildHooks = ChildHooks {
    owner: 3,
    fork: None,
    reaped: None,
};

/// What `libxl_ao_abort` returns while nothing is under way.
const NOT_FOUND: c_int = -23;

type AbortFn = unsafe extern "C" fn(*mut Raw, *const c_void) -> c_int;

/// A context.
pub(super) struct Context<'a> {
    pub(super) loaded: &'a Loaded,
    raw: NonNull<Raw>,
    logger: &'a Logger<'a>,
}

/// What another thread needs to abort.
struct Aborter {
    raw: NonNull<Raw>,
    abort: AbortFn,
}

// SAFETY: libxl's contexts may be used by several threads at once, and it is aborting
// from another thread that libxl_ao_abort is for.
unsafe impl Send for Aborter {}

impl Aborter {
    /// Whether there was something to abort.
    fn abort(&self) -> bool {
        // SAFETY: the context is there: it is freed after `Call::no_abort`, which waits
        // until this has returned. Without a `how`, the call that waits is meant, and
        // each context has at most one.
        let code = unsafe { (self.abort)(self.raw.as_ptr(), ptr::null()) };
        code != NOT_FOUND
    }
}

impl<'a> Context<'a> {
    /// Opens the hypervisor and XenStore.
    pub(super) fn open(loaded: &'a Loaded, logger: &'a Logger<'a>) -> Result<Self, Failure> {
        type Alloc = unsafe extern "C" fn(*mut *mut Raw, c_int, c_uint, *const Logger<'_>) -> c_int;
        type SetMode = unsafe extern "C" fn(*mut Raw, *const ChildHooks, *const c_void);
        // SAFETY: the type is that of every release.
        let alloc: Option<Alloc> = unsafe { loaded.symbol("ctx_alloc") };
        // SAFETY: as above.
        let set_mode: Option<SetMode> = unsafe { loaded.symbol("childproc_setmode") };
        let (Some(alloc), Some(set_mode)) = (alloc, set_mode) else {
            return Err(missing("ctx_alloc"));
        };
        let mut raw = ptr::null_mut();
        // SAFETY: the logger is borrowed for longer than the context lives; version and
        // flags are 0 in every release.
        let code = unsafe { alloc(&raw mut raw, 0, 0, logger) };
        let Some(raw) = NonNull::new(raw).filter(|_| code == 0) else {
            return Err(Failure::call("ctx_alloc", code, logger.lines()));
        };
        let context = Self {
            loaded,
            raw,
            logger,
        };
        // SAFETY: the context has no child yet, and the hooks are always there.
        unsafe { set_mode(context.raw(), &raw const SELECTIVE_REAP, ptr::null()) };
        // SAFETY: the type is that of every release that has the function.
        if let Some(abort) = unsafe { loaded.symbol("ao_abort") } {
            let aborter = Aborter { raw, abort };
            logger.call().on_abort(move || aborter.abort());
        }
        Ok(context)
    }

    pub(super) fn raw(&self) -> *mut Raw {
        self.raw.as_ptr()
    }

    pub(super) fn logger(&self) -> &Logger<'a> {
        self.logger
    }

    /// Whether whoever asked for the operation has given it up; then what follows is not
    /// aborted: it sets right what nobody waits for any more.
    pub(super) fn is_given_up(&self) -> bool {
        let call = self.logger.call();
        let given_up = call.is_aborted();
        if given_up {
            call.no_abort();
        }
        given_up
    }

    /// A failure with what was logged.
    pub(super) fn failure(&self, kind: FailureKind) -> Failure {
        let log = self.logger.lines();
        Failure { kind, log }
    }

    /// What a function returned. Some of them (`libxl_domain_setmaxmem` of 4.17) return 1
    /// where they do not know which of the negative codes it is.
    pub(super) fn check(&self, function: &str, code: c_int) -> Result<(), Failure> {
        match code {
            0 => Ok(()),
            code => Err(Failure::call(function, code, self.logger.lines())),
        }
    }

    /// Adds a line of ours to the log.
    pub(super) fn note(&self, level: LogLevel, text: String) {
        self.logger.push(LogLine { level, text });
    }
}

impl Drop for Context<'_> {
    fn drop(&mut self) {
        // Whoever aborts uses the context: not any more from here on.
        self.logger.call().no_abort();
        // SAFETY: the type is that of every release.
        let free = unsafe {
            self.loaded
                .symbol::<unsafe extern "C" fn(*mut Raw) -> c_int>("ctx_free")
        };
        if let Some(free) = free {
            // SAFETY: the context was allocated by this library, no call of it is under
            // way, and nothing uses it from here on.
            unsafe { free(self.raw()) };
        }
    }
}

/// A function that the library lacks.
pub(super) fn missing(function: &str) -> Failure {
    let function = function.to_owned();
    FailureKind::Missing { function }.into()
}
