//! What tests of hosts share: a simulated host that waits for nothing, and the files of its
//! Domain-0. Channels are put together by each test.

#![allow(clippy::unwrap_used)] // a failed test is what an unexpected answer should be

use virtxen_host::FileSource;
use virtxen_sim::state::Timing;
use virtxen_sim::{Options, SimHost};

/// The files of a simulated Domain-0.
pub(crate) struct SimFiles(pub(crate) SimHost);

impl FileSource for SimFiles {
    fn read(&self, path: &str, _: usize) -> std::io::Result<Vec<u8>> {
        self.0.read_file(path).map(String::into_bytes)
    }

    fn list(&self, path: &str, _: usize) -> std::io::Result<Vec<String>> {
        self.0.list_folder(path)
    }

    fn link(&self, path: &str) -> std::io::Result<String> {
        self.0.read_link(path)
    }

    fn write(&self, path: &str, text: &str) -> std::io::Result<()> {
        self.0.write_file(path, text)
    }
}

pub(crate) fn sim(uri: &str) -> SimHost {
    SimHost::new(Options {
        timing: Timing::instant(),
        ..Options::from_uri(uri).unwrap()
    })
}
