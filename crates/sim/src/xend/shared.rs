//! What all connections to one XenD share: its turn, its faults, its log.
//!
//! The domains and XenD's own lock on them are in `state`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::reply::Reply;
use crate::fault::Faults;

/// Lines of the log that are kept.
const LOG_LINES: usize = 2000;

/// The server's own state.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Held while a connection is served, by releases that serve one at a time.
    pub(crate) turn: Arc<tokio::sync::Mutex<()>>,
    faults: Mutex<Faults>,
    log: Mutex<VecDeque<String>>,
}

impl Shared {
    /// A server that has just started.
    pub(crate) fn new(faults: Faults) -> Self {
        let shared = Self {
            turn: Arc::default(),
            faults: Mutex::new(faults),
            log: Mutex::default(),
        };
        shared.note("INFO (SrvDaemon:332) Xend Daemon started");
        shared.note("INFO (SrvDaemon:336) Xend changeset: unavailable.");
        shared
    }

    /// The faults that are set.
    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes an operation and its end to the log.
    pub(crate) fn note_operation(&self, op: &str, reply: &Reply) {
        match reply {
            Reply::NoDomain { .. } | Reply::NotImplemented => {}
            Reply::Failed { words, .. } => {
                self.note(&format!("ERROR (SrvBase:88) Request {op} failed. {words}"));
            }
            _ => self.note(&format!("INFO (SrvBase:85) Request {op} done.")),
        }
    }

    /// Adds a line, beginning with its level, to the log.
    pub(crate) fn note(&self, line: &str) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() == LOG_LINES {
            log.pop_front();
        }
        let line = line.replace(['\r', '\n'], " ");
        log.push_back(format!("[{} 1] {line}\n", timestamp()));
    }

    /// The whole log.
    pub(crate) fn log_text(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().map(String::as_str).collect()
    }
}

/// The time of day (UTC) as the log has it: `2009-01-31 12:00:00`.
fn timestamp() -> String {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (year, month, day) = date_of(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// Year, month and day of a day counted from 1 January 1970.
fn date_of(days: u64) -> (u64, u64, u64) {
    // Years are counted from 1 March, so that a leap day is the last of its year,
    // in eras of 400 years, which all have as many days.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + next_year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_days_through_leap_years() {
        assert_eq!(date_of(0), (1970, 1, 1));
        assert_eq!(date_of(11_016), (2000, 2, 29));
        assert_eq!(date_of(14_275), (2009, 1, 31));
    }

    #[test]
    fn the_log_is_bounded_and_one_line_a_note() {
        let shared = Shared::new(Faults::default());
        for _ in 0..=LOG_LINES {
            shared.note("INFO (x:1) a\nb");
        }
        let text = shared.log_text();
        assert_eq!(text.lines().count(), LOG_LINES);
        assert!(text.lines().all(|line| line.ends_with("a b")));
    }
}
