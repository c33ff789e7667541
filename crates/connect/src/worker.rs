//! The process that calls libxl: the program that connects, started once more with a
//! word of its own.
//!
//! When it is started, and what it is asked, is `host`'s and `libxl`'s.

use std::path::PathBuf;
use std::process::ExitCode;
use virtxen_host::LIBXL_WORKER;

/// This program, if it can be started again.
pub(crate) fn program() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    // Of a file that was replaced meanwhile the kernel still has the old one.
    Some(match own.exists() {
        true => own,
        false => PathBuf::from("/proc/self/exe"),
    })
}

/// Calls libxl for the process that has started this one to do so, and ends with it;
/// `None` in a process that was started for something else. A program calls it before
/// anything else, in particular before it starts threads.
#[must_use]
pub fn call_libxl() -> Option<ExitCode> {
    let first = std::env::args_os().nth(1);
    first.filter(|word| word == LIBXL_WORKER)?;
    Some(match virtxen_libxl::run(None) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{LIBXL_WORKER}: {error}");
            ExitCode::FAILURE
        }
    })
}
