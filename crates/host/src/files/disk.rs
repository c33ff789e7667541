//! Counters of the kernel's block back ends, and the numbers that Xen calls disks
//! by.
//!
//! A back end is an entry `vbd-DOMID-NUMBER` of the kernel's bus, `tap-…` for the
//! blktap of old kernels; its folder `statistics` has a counter a file. Sectors are
//! of 512 bytes whatever the disk's own are: that is the unit of the protocol.

use super::{NodeFiles, unreadable};
use crate::xenstore::StoredDisk;
use crate::{DiskCounters, DiskStatistics, Result};
use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;

/// Where the bus is, newer kernels first.
const PLACES: [&str; 2] = ["/sys/bus/xen-backend/devices", "/sys/devices/xen-backend"];

/// Classes of back ends that the kernel counts for.
const COUNTED: [&str; 2] = ["vbd", "tap"];

/// Bytes of a sector.
const SECTOR: u64 = 512;

/// Longest counter.
const COUNTER_MAX: usize = 24;

impl NodeFiles {
    /// Disks of domains with their counters, in the order of the domains. `stored`
    /// are those that XenStore knows, in the same order; without it the kernel's
    /// list is all that is known.
    pub(crate) async fn disks(
        &self,
        domids: Vec<u32>,
        stored: Option<Vec<Vec<StoredDisk>>>,
    ) -> Result<Vec<Vec<DiskStatistics>>> {
        self.with("domblkstat", move |files| {
            let mut bus = None;
            let stored = match stored {
                Some(stored) => stored,
                None => bus.insert(Bus::list(files)?).disks(&domids),
            };
            let mut all = Vec::with_capacity(stored.len());
            for (domid, disks) in domids.iter().zip(stored) {
                let mut shown = Vec::with_capacity(disks.len());
                for disk in disks {
                    shown.push(statistics(files, &mut bus, *domid, disk)?);
                }
                all.push(shown);
            }
            Ok(all)
        })
        .await
    }
}

/// A disk with its counters. The list of all back ends, which is long on a host with many
/// domains, is read only for one whose counters are not where they are with most.
fn statistics(
    files: &NodeFiles,
    bus: &mut Option<Bus>,
    domid: u32,
    disk: StoredDisk,
) -> Result<DiskStatistics> {
    let name = |device| device_name(device).unwrap_or_else(|| device.to_string());
    let target = disk.target.clone().unwrap_or_else(|| name(disk.device));
    let counters = match usual(files, domid, &target, &disk) {
        Some(counters) => counters,
        None => {
            let bus = match bus {
                Some(bus) => bus,
                None => bus.insert(Bus::list(files)?),
            };
            bus.counters(files, domid, &target, &disk)
        }
    };
    Ok(DiskStatistics {
        counters,
        device: disk.device,
        target,
        source: disk.source,
    })
}

/// The counters of the back end that XenStore names, where newer kernels have them.
fn usual(
    files: &NodeFiles,
    domid: u32,
    target: &str,
    disk: &StoredDisk,
) -> Option<std::result::Result<DiskCounters, String>> {
    let class = COUNTED.into_iter().find(|class| *class == disk.class)?;
    let [place, _] = PLACES;
    if disk.elsewhere.is_some() {
        return None;
    }
    let folder = format!("{place}/{class}-{domid}-{}/statistics", disk.device);
    match read(files, &folder) {
        Ok(counters) if counters == DiskCounters::default() => None,
        Ok(counters) => Some(connected(target, disk, counters)),
        Err(error) => Some(Err(error)),
    }
}

/// The kernel's list of back ends.
struct Bus {
    place: &'static str,
    names: HashSet<String>,
}

impl Bus {
    fn list(files: &NodeFiles) -> Result<Self> {
        let [place, old] = PLACES;
        for place in [place, old] {
            match files.names(place) {
                Ok(names) => {
                    let names = names.into_iter().collect();
                    return Ok(Self { place, names });
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(unreadable(place, error)),
            }
        }
        Err(unreadable(place, ErrorKind::NotFound.into()))
    }

    /// The disks that the kernel serves, for a host without XenStore.
    fn disks(&self, domids: &[u32]) -> Vec<Vec<StoredDisk>> {
        let mut found: HashMap<u32, Vec<StoredDisk>> = HashMap::new();
        for (class, domid, device) in self.names.iter().filter_map(|name| parse_name(name)) {
            found.entry(domid).or_default().push(StoredDisk {
                class: class.to_owned(),
                device,
                ..StoredDisk::default()
            });
        }
        let disks = |domid| {
            let mut disks = found.remove(domid).unwrap_or_default();
            disks.sort_unstable_by_key(|disk| disk.device);
            disks
        };
        domids.iter().map(disks).collect()
    }

    fn counters(
        &self,
        files: &NodeFiles,
        domid: u32,
        target: &str,
        disk: &StoredDisk,
    ) -> std::result::Result<DiskCounters, String> {
        if let Some(elsewhere) = disk.elsewhere {
            return Err(format!(
                "disk {target} is served by domain {elsewhere}: only its kernel has the counters"
            ));
        }
        let names = COUNTED.map(|class| format!("{class}-{domid}-{}", disk.device));
        let Some(name) = names.iter().find(|name| self.names.contains(*name)) else {
            let [name, _] = names;
            return Err(match disk.class.as_str() {
                "qdisk" => format!(
                    "disk {target} has no counters in {}: qemu serves it, not the kernel",
                    self.place
                ),
                _ => format!(
                    "disk {target} has no back end {}/{name}: the kernel does not serve it",
                    self.place
                ),
            });
        };
        let folder = format!("{}/{name}/statistics", self.place);
        let counters = read(files, &folder)?;
        if counters == DiskCounters::default() {
            return Err(format!(
                "disk {target}: {folder} is not there: kernels before that of Xen 3.0.3 do not count"
            ));
        }
        connected(target, disk, counters)
    }
}

/// Counters of a disk that is not connected and never was say nothing.
fn connected(
    target: &str,
    disk: &StoredDisk,
    counters: DiskCounters,
) -> std::result::Result<DiskCounters, String> {
    match disk.state {
        Some(state) if state != CONNECTED && is_idle(&counters) => Err(format!(
            "disk {target} is not connected: its back end is in state {state}, not {CONNECTED}"
        )),
        _ => Ok(counters),
    }
}

/// State of a back end that serves.
const CONNECTED: u32 = 4;

fn read(files: &NodeFiles, folder: &str) -> std::result::Result<DiskCounters, String> {
    let counter = |name: &str| {
        let path = format!("{folder}/{name}");
        match files.text(&path) {
            Ok(text) => match parse_counter(&text) {
                Some(count) => Ok(Some(count)),
                None => Err(format!("{path} is not a number")),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{path}: {error}")),
        }
    };
    let bytes = |sectors: Option<u64>| sectors.map(|count| count.saturating_mul(SECTOR));
    let flush_requests = match counter("f_req")? {
        None => counter("br_req")?,
        flushes => flushes,
    };
    Ok(DiskCounters {
        read_requests: counter("rd_req")?,
        read_bytes: bytes(counter("rd_sect")?),
        write_requests: counter("wr_req")?,
        write_bytes: bytes(counter("wr_sect")?),
        flush_requests,
        discard_requests: counter("ds_req")?,
        waits: counter("oo_req")?,
    })
}

/// Nothing went through it.
fn is_idle(counters: &DiskCounters) -> bool {
    let none = |count: Option<u64>| count.unwrap_or(0) == 0;
    none(counters.read_requests) && none(counters.write_requests)
}

/// A counter. Old kernels write 32 bits with a sign: a negative number is one that
/// is too large for it.
fn parse_counter(text: &str) -> Option<u64> {
    let text = text.trim();
    if text.len() > COUNTER_MAX {
        return None;
    }
    match text.parse::<u64>() {
        Ok(count) => Some(count),
        Err(_) => Some(u64::from(text.parse::<i32>().ok()?.cast_unsigned())),
    }
}

/// Class, domain and number of a disk's back end.
fn parse_name(name: &str) -> Option<(&str, u32, u32)> {
    let (class, rest) = name.split_once('-')?;
    let (domid, device) = rest.split_once('-')?;
    let counted = COUNTED.contains(&class);
    counted.then_some((class, domid.parse().ok()?, device.parse().ok()?))
}

/// Kinds of disks by the major numbers of their devices: name, bits of the number
/// that are the partition, disks of one major number, majors in order.
const KINDS: [(&str, u32, u32, &[u32]); 3] = [
    ("xvd", 4, 16, &[202]),
    ("hd", 6, 2, &[3, 22, 33, 34, 56, 57, 88, 89, 90, 91]),
    (
        "sd",
        4,
        16,
        &[
            8, 65, 66, 67, 68, 69, 70, 71, 128, 129, 130, 131, 132, 133, 134, 135,
        ],
    ),
];

/// Marks the numbers of disks beyond `xvdp`, or with many partitions.
const EXTENDED: u32 = 1 << 28;

/// Disks and partitions that an extended number has room for.
const EXTENDED_DISKS: u32 = 1 << 20;
const EXTENDED_PARTITIONS: u32 = 1 << 8;

/// The number of a disk or partition: 51712 is `xvda`. A number is its own name.
pub(crate) fn device_number(name: &str) -> Option<u32> {
    if let Ok(number) = name.parse() {
        return Some(number);
    }
    let (kind, disk, partition) = split(name)?;
    let (_, bits, disks, majors) = KINDS.iter().find(|(name, ..)| *name == kind)?;
    let index = usize::try_from(disk / disks).ok()?;
    if let Some(major) = majors.get(index)
        && partition < 1 << bits
    {
        return Some(major << 8 | (disk % disks) << bits | partition);
    }
    let fits = kind == "xvd" && disk < EXTENDED_DISKS && partition < EXTENDED_PARTITIONS;
    fits.then_some(EXTENDED | disk << 8 | partition)
}

/// The name of a disk or partition of this number, if it has one.
pub(crate) fn device_name(number: u32) -> Option<String> {
    if number & !(EXTENDED_DISKS * EXTENDED_PARTITIONS - 1) == EXTENDED {
        return Some(named("xvd", (number & !EXTENDED) >> 8, number & 0xff));
    }
    let (major, minor) = (number >> 8, number & 0xff);
    KINDS.iter().find_map(|(kind, bits, disks, majors)| {
        let index = majors.iter().position(|it| *it == major)?;
        let disk = minor >> bits;
        let known = disk < *disks;
        let disk = u32::try_from(index).ok()? * disks + disk;
        known.then(|| named(kind, disk, minor & ((1 << bits) - 1)))
    })
}

fn named(kind: &str, disk: u32, partition: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = disk + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'a' + u8::try_from(rest % 26).unwrap_or(0)));
        rest /= 26;
    }
    let letters: String = letters.into_iter().rev().collect();
    match partition {
        0 => format!("{kind}{letters}"),
        _ => format!("{kind}{letters}{partition}"),
    }
}

/// Kind, index of the disk and partition of a name.
fn split(name: &str) -> Option<(&'static str, u32, u32)> {
    let mut kinds = KINDS.iter().map(|(kind, ..)| *kind);
    let kind = kinds.find(|kind| name.starts_with(kind))?;
    let rest = name.strip_prefix(kind)?;
    let end = rest.find(|c: char| c.is_ascii_digit());
    let (letters, digits) = rest.split_at(end.unwrap_or(rest.len()));
    if letters.is_empty() || letters.len() > 4 || !letters.bytes().all(|b| b.is_ascii_lowercase()) {
        return None;
    }
    let letter = |b: u8| u32::from(b - b'a') + 1;
    let disk = letters.bytes().fold(0, |disk, b| disk * 26 + letter(b));
    let partition = if digits.is_empty() {
        0
    } else {
        digits.parse().ok()?
    };
    Some((kind, disk - 1, partition))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_belong_together() {
        for (name, number) in [
            ("xvda", 51712),
            ("xvda1", 51713),
            ("xvdp", 51952),
            ("xvdq", 1 << 28 | 16 << 8),
            ("xvdaa", 1 << 28 | 26 << 8),
            ("hda", 768),
            ("hdb", 832),
            ("hdc", 5632),
            ("hdd", 5696),
            ("sda", 2048),
            ("sda1", 2049),
            ("sdq", 65 << 8),
        ] {
            assert_eq!(device_number(name), Some(number), "{name}");
            assert_eq!(device_name(number).as_deref(), Some(name), "{number}");
        }
        assert_eq!(device_number("51712"), Some(51712));
        // A partition beyond the bits of the old numbers.
        assert_eq!(device_number("xvda16"), Some(1 << 28 | 16));
        for name in [
            "",
            "xvd",
            "vda",
            "xvdA",
            "hdzzz",
            "sda16",
            "xvdaaaaaa",
            "xvda99999999999",
        ] {
            assert_eq!(device_number(name), None, "{name}");
        }
        for number in [0, u32::MAX, 1 << 29, 202 << 20] {
            assert_eq!(device_name(number), None, "{number}");
        }
    }

    #[test]
    fn counters_are_numbers_of_some_width() {
        for (text, count) in [
            ("17\n", Some(17)),
            ("18446744073709551615", Some(u64::MAX)),
            ("-1\n", Some(u64::from(u32::MAX))),
            ("", None),
            ("\0\0", None),
            ("1e9", None),
            ("99999999999999999999", None),
            ("-99999999999", None),
        ] {
            assert_eq!(parse_counter(text), count, "{text:?}");
        }
        assert_eq!(parse_counter(&"0".repeat(1 << 20)), None);
    }
}
