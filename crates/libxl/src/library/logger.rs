//! What libxl logs during one operation: C calls these functions, lines are kept, and
//! progress goes to whoever asked for the operation.

use super::context::Raw;
use super::line;
use super::loaded::Loaded;
use crate::serve::Call;
use crate::{LogLevel, LogLine, Progress};
use std::ffi::{CStr, c_char, c_int, c_ulong, c_void};
use std::sync::{Mutex, PoisonError};

/// Most lines that are kept, and most of those that are of use to libxl's authors only.
const LINES_MAX: usize = 1000;
const DEBUG_LINES_MAX: usize = 500;

/// Bytes of a line; the rest is cut.
const LINE_MAX: usize = 2048;

unsafe extern "C" {
    /// C's. `arguments` is its `va_list`, which the platforms' calling conventions pass
    /// as a pointer on both x86_64 and aarch64.
    fn vsnprintf(
        text: *mut c_char,
        size: usize,
        format: *const c_char,
        arguments: *mut c_void,
    ) -> c_int;
}

/// `xentoollog_logger`, and behind it what libxl does not look at.
#[repr(C)]
pub(super) struct Logger<'a> {
    message:
        extern "C" fn(*const Logger<'_>, c_int, c_int, *const c_char, *const c_char, *mut c_void),
    progress:
        extern "C" fn(*const Logger<'_>, *const c_char, *const c_char, c_int, c_ulong, c_ulong),
    destroy: extern "C" fn(*const Logger<'_>),
    call: &'a Call,
    event_free: Option<EventFree>,
    lines: Mutex<Vec<LogLine>>,
}

type EventFree = unsafe extern "C" fn(*mut Raw, *mut c_void);

/// `libxl_asyncprogress_how`
#[repr(C)]
pub(super) struct ProgressHow<'a> {
    callback: extern "C" fn(*mut Raw, *mut c_void, *const Logger<'_>),
    for_event: u64,
    for_callback: *const Logger<'a>,
}

/// Where `libxl_event` has its domain, in every release.
const EVENT_DOMID: usize = 16;

impl<'a> Logger<'a> {
    pub(super) fn new(loaded: &Loaded, call: &'a Call) -> Self {
        Self {
            message,
            progress,
            destroy,
            call,
            // SAFETY: the type is that of every release.
            event_free: unsafe { loaded.symbol("event_free") },
            lines: Mutex::default(),
        }
    }

    /// The operation that it belongs to.
    pub(super) fn call(&self) -> &'a Call {
        self.call
    }

    /// What was logged.
    pub(super) fn lines(&self) -> Vec<LogLine> {
        let lines = self.lines.lock();
        lines.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn push(&self, line: LogLine) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let most = match line.level {
            LogLevel::Debug => DEBUG_LINES_MAX,
            _ => LINES_MAX,
        };
        if lines.len() < most {
            lines.push(line);
        }
    }

    /// Has libxl say when a guest that is being started has a console. It is valid as
    /// long as the logger is.
    pub(super) fn on_console(&self) -> ProgressHow<'a> {
        ProgressHow {
            callback: console,
            for_event: 0,
            for_callback: self,
        }
    }
}

extern "C" fn message(
    logger: *const Logger<'_>,
    level: c_int,
    errno: c_int,
    context: *const c_char,
    format: *const c_char,
    arguments: *mut c_void,
) {
    let mut text = [0_u8; LINE_MAX];
    // SAFETY: the buffer is as long as is said; format and arguments are a pair that
    // libxl made, and are used once.
    unsafe { vsnprintf(text.as_mut_ptr().cast(), text.len(), format, arguments) };
    let text = CStr::from_bytes_until_nul(&text).unwrap_or_default();
    // SAFETY: libxl calls with the logger that its context was given, which outlives it.
    let logger = unsafe { &*logger };
    // SAFETY: a text of C or nothing, which stays while this call lasts.
    let context = unsafe { text_of(context) };
    logger.push(line::read(
        level,
        errno,
        context.as_deref(),
        &text.to_string_lossy(),
    ));
}

extern "C" fn progress(
    logger: *const Logger<'_>,
    _context: *const c_char,
    doing: *const c_char,
    _percent: c_int,
    done: c_ulong,
    total: c_ulong,
) {
    // SAFETY: libxl calls with the logger that its context was given, which outlives it.
    let logger = unsafe { &*logger };
    // SAFETY: a text of C or nothing, which stays while this call lasts.
    let doing = unsafe { text_of(doing) }.unwrap_or_default();
    logger.call.progress(Progress::Step { doing, done, total });
}

/// The logger belongs to the context's owner.
extern "C" fn destroy(_logger: *const Logger<'_>) {}

extern "C" fn console(context: *mut Raw, event: *mut c_void, logger: *const Logger<'_>) {
    // SAFETY: `for_callback` is the logger of the context, which outlives it.
    let logger = unsafe { &*logger };
    // SAFETY: libxl gives the callback an event of its own, whose domain is there in
    // every release, aligned.
    let domid = unsafe { event.cast::<u8>().add(EVENT_DOMID).cast::<u32>().read() };
    logger.call.progress(Progress::Console { domid });
    if let Some(free) = logger.event_free {
        // SAFETY: the event is the callback's to free, once, in the context that made it.
        unsafe { free(context, event) };
    }
}

/// # Safety
/// `text` is null or a text of C that stays while this lasts.
unsafe fn text_of(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's.
    let text = unsafe { CStr::from_ptr(text) };
    Some(text.to_string_lossy().into_owned())
}
