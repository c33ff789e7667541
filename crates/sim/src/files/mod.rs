//! The files of Domain-0's kernel that tell of devices, processors and memory, and by
//! which PCI devices change their drivers: the
//! text of `/sys` and `/proc` as the kernels of the releases write it.
//!
//! Counters grow with the time that a domain has run, at a rate of the device's
//! own; nothing is stored. Which devices there are is `state`'s.

mod device;
mod interface;
mod node;
mod pci;
mod snapshot;

pub(crate) use snapshot::DiskSnapshots;

use std::io;

use crate::libxl::emulator;
use crate::state::{SimHost, State};

/// Where the kernel lists back ends.
const BACKENDS: &str = "/sys/bus/xen-backend/devices";

impl SimHost {
    /// What is in a file of Domain-0's `/sys` or `/proc`.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] for one that is not simulated.
    pub fn read_file(&self, path: &str) -> io::Result<String> {
        let state = self.state();
        let text = match path {
            "/proc/net/dev" => Some(interface::counters(&state, &self.xen())),
            "/proc/stat" => Some(node::processors(&state)),
            "/proc/meminfo" => Some(node::memory(&state)),
            "/proc/net/arp" => Some(interface::neighbours(&state)),
            "/proc/uptime" => Some(node::uptime(&state)),
            _ => match under_backends(path) {
                Some((device, file)) => device::file(&state, &self.xen(), device, file),
                None => {
                    pci::file(&state, path).or_else(|| emulator::file(&state, &self.xen(), path))
                }
            },
        };
        text.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// What is in a folder of Domain-0's `/sys`.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] for one that is not simulated.
    pub fn list_folder(&self, path: &str) -> io::Result<Vec<String>> {
        let state = self.state();
        let names = if path == BACKENDS {
            Some(device::names(&state))
        } else {
            match under_backends(path) {
                Some((device, folder)) => device::folder(&state, &self.xen(), device, folder),
                None => pci::folder(&state, path),
            }
        };
        names.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The last name of what a link in Domain-0's `/sys` leads to.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] for one that is not simulated.
    pub fn read_link(&self, path: &str) -> io::Result<String> {
        let driver = pci::driver(&self.state(), path);
        driver.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Writes to a file of Domain-0's `/sys`.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] for one that is not simulated; what the kernel says to
    /// the text.
    pub fn write_file(&self, path: &str, text: &str) -> io::Result<()> {
        pci::write(&mut self.state(), &self.xen(), path, text.trim())
    }
}

/// Every disk is an image of 4 GiB, a quarter of which was written, with nothing but
/// zeros.
const DISK: (u64, u64) = (4 << 30, 1 << 30);

impl SimHost {
    /// Length and allocation of a disk's image, in bytes.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] for one that does not exist.
    pub fn disk_extent(&self, path: &str) -> io::Result<(u64, u64)> {
        match crate::state::behaviour::exists(path) {
            true => Ok(DISK),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// What is in a disk's image, at most so much.
    ///
    /// # Errors
    /// As [`SimHost::disk_extent`].
    pub fn read_disk(&self, path: &str, offset: u64, most: usize) -> io::Result<Vec<u8>> {
        let (length, _) = self.disk_extent(path)?;
        let left = usize::try_from(length.saturating_sub(offset)).unwrap_or(usize::MAX);
        Ok(vec![0; most.min(left)])
    }
}

impl State {
    /// How long each processor has been idle, in nanoseconds.
    pub(crate) fn idle_times(&self) -> Vec<u64> {
        node::idle_times(self)
    }
}

/// The back end that a path is in, and what of it.
fn under_backends(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix(BACKENDS)?.strip_prefix('/')?;
    Some(rest.split_once('/').unwrap_or((rest, "")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Release;
    use crate::state::{Options, Timing};

    fn host(release: Release, guests: usize) -> SimHost {
        SimHost::new(Options {
            release,
            guests,
            timing: Timing::instant(),
            ..Options::default()
        })
    }

    fn number(host: &SimHost, path: &str) -> u64 {
        host.read_file(path).unwrap().trim().parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn counters_advance_while_the_domain_runs() {
        let host = host(Release::V4_1, 1);
        let file = "/sys/bus/xen-backend/devices/vbd-1-51712/statistics/rd_req";
        assert_eq!(number(&host, file), 0);
        tokio::time::advance(std::time::Duration::from_secs(2)).await;
        let after = number(&host, file);
        assert_eq!(after, 2 * (200 + 51712 % 7));
        assert_eq!(number(&host, file), after, "only time lets it advance");
        let dev = host.read_file("/proc/net/dev").unwrap();
        assert!(dev.contains("vif1.0:  120000     200"), "{dev}");
        let idle = host.state().idle_times();
        assert_eq!(idle.len(), 4);
        assert!(idle.iter().all(|time| *time > 1_900_000_000), "{idle:?}");
    }

    #[tokio::test]
    async fn a_kernel_keeps_the_counters_of_its_time() {
        let of = |release| {
            let host = host(release, 1);
            host.list_folder("/sys/bus/xen-backend/devices/vbd-1-51712/statistics")
                .map(|names| names.join(" "))
                .map_err(|error| error.kind())
        };
        assert_eq!(of(Release::V3_0_1), Err(io::ErrorKind::NotFound));
        assert_eq!(of(Release::V3_0_3).unwrap(), "oo_req rd_req wr_req");
        let sectors = "oo_req rd_req rd_sect wr_req wr_sect";
        assert_eq!(of(Release::V3_1).unwrap(), sectors);
        assert_eq!(of(Release::V4_4).unwrap(), format!("br_req {sectors}"));
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_found() {
        let host = host(Release::V4_1, 1);
        for path in [
            "/etc/passwd",
            "/sys/bus/xen-backend/devices/vbd-9-1/statistics/rd_req",
            "/sys/bus/xen-backend/devices/vbd-1-51712/statistics/",
            "/sys/bus/xen-backend/devices/vif-1-0/statistics/rd_req",
        ] {
            let error = host.read_file(path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound, "{path}");
        }
        let names = host.list_folder(BACKENDS).unwrap();
        assert_eq!(names, ["vbd-1-51712", "vif-1-0"]);
    }
}
