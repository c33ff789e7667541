//! Failures as libxl tells them: a code below zero and the lines that it logged.

use virtxen_libxl::{Failure, LogLevel, LogLine};

/// libxl's codes.
pub(super) const FAIL: i32 = -3;
pub(super) const NO_MEMORY: i32 = -5;
pub(super) const INVALID: i32 = -6;
pub(super) const GUEST_TIMED_OUT: i32 = -8;
pub(super) const TIMED_OUT: i32 = -9;
pub(super) const NO_PV_DRIVERS: i32 = -10;
pub(super) const DEVICE_EXISTS: i32 = -17;
pub(super) const NO_DOMAIN: i32 = -21;
pub(super) const NOT_FOUND: i32 = -23;

/// What went wrong, before it is known of which function.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    code: i32,
    lines: Vec<LogLine>,
}

impl Wrong {
    /// An operation that failed, with one line.
    pub(super) fn failed(text: impl Into<String>) -> Self {
        Self::new(FAIL, text)
    }

    pub(super) fn new(code: i32, text: impl Into<String>) -> Self {
        let lines = vec![error(text)];
        Self { code, lines }
    }

    /// The same with what the caller says to it.
    pub(super) fn then(mut self, text: impl Into<String>) -> Self {
        self.lines.push(error(text));
        self
    }

    /// As the failure of a function.
    pub(super) fn in_call(self, function: &str) -> Failure {
        Failure::call(function, self.code, self.lines)
    }

    /// As the failure of the function that an operation calls first.
    pub(super) fn of(self, operation: &str) -> Failure {
        let function = match operation {
            "create" => "domain_create_new",
            "restore" => "domain_create_restore",
            "save" => "domain_suspend",
            "core dump" => "domain_core_dump",
            other => return self.in_call(&format!("domain_{}", other.replace(' ', "_"))),
        };
        self.in_call(function)
    }
}

pub(super) fn error(text: impl Into<String>) -> LogLine {
    LogLine {
        level: LogLevel::Error,
        text: text.into(),
    }
}
