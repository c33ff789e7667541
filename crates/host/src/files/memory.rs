//! `/proc/meminfo`: what Domain-0's kernel has in buffers and keeps of files. The
//! rest of the file is about Domain-0's memory, not the machine's.

use super::NodeFiles;
use crate::Result;
use virtxen_guest::MemoryKib;

/// The file.
const PATH: &str = "/proc/meminfo";

/// Lines that are looked at.
const LINES_MAX: usize = 1000;

/// Memory that Domain-0's kernel would give back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Caches {
    pub(crate) buffers: Option<MemoryKib>,
    pub(crate) cached: Option<MemoryKib>,
}

impl NodeFiles {
    /// Domain-0's caches.
    pub(crate) async fn caches(&self) -> Result<Caches> {
        self.with("nodememstats", |files| Ok(parse(&files.needed(PATH)?)))
            .await
    }
}

fn parse(text: &str) -> Caches {
    let mut caches = Caches::default();
    for line in text.lines().take(LINES_MAX) {
        let Some((name, rest)) = line.split_once(':') else {
            continue;
        };
        let number = rest.split_ascii_whitespace().next();
        let kib = number.and_then(|number| number.parse().ok()).map(MemoryKib);
        match name {
            "Buffers" => caches.buffers = kib,
            "Cached" => caches.cached = kib,
            _ => {}
        }
    }
    caches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_lines_count() {
        let caches = parse("MemTotal: 1 kB\nBuffers:   48832 kB\nSwapCached: 7 kB\nCached:x\n");
        assert_eq!(caches.buffers, Some(MemoryKib(48832)));
        assert_eq!(caches.cached, None);
        assert_eq!(parse("::::\n\u{fffd}"), Caches::default());
    }
}
