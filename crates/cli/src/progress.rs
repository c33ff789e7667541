//! Progress of a long operation on standard error, and Ctrl-C during one. How far
//! it is, the driver tells.

use crate::connect::Session;
use crate::error::{Error, Result};
use crate::output::err;
use std::future::Future;
use std::io::IsTerminal;
use virtxen_driver::{Monitor, Progress};

/// Waits for an operation that `monitor` watches, shows its progress on a terminal
/// and cancels it on Ctrl-C.
///
/// # Errors
/// Those of the operation; [`Error::Interrupted`] after Ctrl-C.
pub(crate) async fn watch<T>(
    session: &Session,
    what: &str,
    monitor: &Monitor,
    work: impl Future<Output = virtxen_driver::Result<T>>,
) -> Result<T> {
    let shown = !session.printer.quiet && std::io::stderr().is_terminal();
    let mut progress = monitor.progress();
    let cancel = OnDrop(monitor);
    let mut work = std::pin::pin!(work);
    let result = loop {
        tokio::select! {
            biased;
            result = &mut work => break result.map_err(Error::from),
            Ok(()) = progress.changed() => {
                if shown {
                    let now = *progress.borrow_and_update();
                    err(&format!("\r{}", line(what, now)));
                }
            }
        }
    };
    if shown {
        // Clears the line: the result comes next.
        err("\r\x1b[K");
    }
    std::mem::forget(cancel);
    result
}

/// Cancels an operation whose wait is given up.
struct OnDrop<'a>(&'a Monitor);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

fn line(what: &str, progress: Progress) -> String {
    let seconds = progress.elapsed.as_secs();
    match progress.fraction {
        Some(share) => format!(
            "{what}: [{:3.0} %] {seconds} s",
            (share * 100.0).clamp(0.0, 100.0)
        ),
        None => format!("{what}: {seconds} s"),
    }
}
