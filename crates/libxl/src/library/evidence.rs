//! What programs that libxl started wrote to their own logs before they failed: their
//! last words say more than libxl does, which knows only that they are gone.

use super::context::Context;
use crate::LogLevel;
use serde_json::Value;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Where libxl has the device model's log, and how its name begins.
const MODEL_LOG: &str = "/var/log/xen/qemu-dm-";

/// What libxl says of a boot loader that failed; its log's path follows.
const LOADER_MARK: &str = "consult logfile ";

/// Bytes at the end of a log that are looked at.
const TAIL: u64 = 4096;

/// Adds the last words of a guest's device model and boot loader to the log of an
/// operation that failed, if it is they who failed.
pub(super) fn gather(context: &Context<'_>, config: &str) {
    let lines = context.logger().lines();
    let errors = || lines.iter().filter(|line| line.level >= LogLevel::Error);
    let loader = errors().find_map(|line| line.text.split_once(LOADER_MARK));
    if let Some(words) = loader.and_then(|(_, path)| last_words(Path::new(path.trim()))) {
        context.note(LogLevel::Error, format!("boot loader said: {words}"));
    }
    if errors().any(|line| line.text.contains("device model")) {
        let config: Value = serde_json::from_str(config).unwrap_or_default();
        let name = config.pointer("/c_info/name").and_then(Value::as_str);
        let log = name
            .filter(|name| !name.contains('/'))
            .map(|name| format!("{MODEL_LOG}{name}.log"));
        if let Some(words) = log.and_then(|log| last_words(Path::new(&log))) {
            context.note(LogLevel::Error, format!("device model said: {words}"));
        }
    }
}

/// The last line of a file that is not empty.
fn last_words(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))
        .ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.lines().rev().map(str::trim);
    lines.find(|line| !line.is_empty()).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts() {
        let folder = std::env::temp_dir().join(format!("virtxen-words-{}", std::process::id()));
        let lines = format!("{}\nthe last\n  \n", "x\n".repeat(9000));
        std::fs::write(&folder, lines).unwrap();
        assert_eq!(last_words(&folder).as_deref(), Some("the last"));
        std::fs::write(&folder, "").unwrap();
        assert_eq!(last_words(&folder), None);
        std::fs::remove_file(&folder).unwrap();
        assert_eq!(last_words(&folder), None);
    }
}
