//! Lines of libxl's log: level, and the text without the place in libxl's source.

use crate::{LogLevel, LogLine};

/// `XTL_INFO`, `XTL_WARN`, `XTL_ERROR`: less is for libxl's authors.
const INFO: i32 = 5;
const WARN: i32 = 7;
const ERROR: i32 = 8;

/// A line as `xentoollog_logger` gets it. `errno` is of C, or below zero.
pub(super) fn read(level: i32, errno: i32, context: Option<&str>, text: &str) -> LogLine {
    let level = match level {
        ERROR.. => LogLevel::Error,
        WARN.. => LogLevel::Warning,
        INFO.. => LogLevel::Info,
        _ => LogLevel::Debug,
    };
    let mut text = without_place(text.trim()).to_owned();
    if errno >= 0 {
        let error = std::io::Error::from_raw_os_error(errno).to_string();
        let words = error
            .split_once(" (os error")
            .map_or(error.as_str(), |it| it.0);
        text = format!("{text}: {words}");
    }
    match context {
        None | Some("libxl") => {}
        Some(context) => text = format!("{context}: {text}"),
    }
    LogLine { level, text }
}

/// Takes `libxl_create.c:123:function: Domain 5:` from the start.
fn without_place(text: &str) -> &str {
    let place = text.split_once(": ").filter(|(place, _)| {
        let file = place.split(':').next().unwrap_or_default();
        file.ends_with(".c") && !place.contains(' ')
    });
    let text = place.map_or(text, |(_, text)| text);
    let domain = text
        .strip_prefix("Domain ")
        .and_then(|rest| rest.split_once(':'));
    match domain {
        Some((domid, text)) if domid.bytes().all(|b| b.is_ascii_digit()) => text.trim_start(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_source_are_left_out() {
        for (text, expected) in [
            (
                "libxl_device.c:1109:device_backend_callback: Domain 7:unable to add device",
                "unable to add device",
            ),
            (
                "libxl_exec.c:117:libxl_report_child_exitstatus: /etc/x add [9] exited",
                "/etc/x add [9] exited",
            ),
            ("Domain 7:script: no bridge", "script: no bridge"),
            ("Domain web: no such name", "Domain web: no such name"),
            ("no colon at all\n", "no colon at all"),
            ("a text: with.c: colons", "a text: with.c: colons"),
            ("", ""),
        ] {
            assert_eq!(read(8, -1, Some("libxl"), text).text, expected);
        }
    }

    #[test]
    fn levels_and_errno_are_libxls() {
        let line = read(8, 2, Some("xc"), "opening the file");
        assert_eq!(line.text, "xc: opening the file: No such file or directory");
        let levels = [1, 4, 5, 6, 7, 8, 9].map(|level| read(level, -1, None, "x").level);
        use LogLevel::{Debug, Error, Info, Warning};
        assert_eq!(levels, [Debug, Debug, Info, Info, Warning, Error, Error]);
    }
}
