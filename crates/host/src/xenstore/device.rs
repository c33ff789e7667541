//! Disks and interfaces of domains as XenStore has them.
//!
//! The folders of back ends are Domain-0's own and say what there is. Those of
//! front ends, which a guest can write on old releases, only tell of devices that
//! another domain serves.

use super::Facts;
use crate::Result;
use crate::files::device_name;
use std::collections::BTreeMap;
use virtxen_guest::DomId;

/// Classes of block back ends.
const BLOCK: [&str; 3] = ["vbd", "tap", "qdisk"];

/// Most devices of a class that a domain can have for us.
const DEVICES_MAX: usize = 4096;

/// Longest text that is taken.
const TEXT_MAX: usize = 4096;

/// A disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StoredDisk {
    /// Class of its back end: `vbd`, `tap`, `qdisk`.
    pub(crate) class: String,
    /// Its number.
    pub(crate) device: u32,
    /// Its name in the guest.
    pub(crate) target: Option<String>,
    /// File or block device.
    pub(crate) source: Option<String>,
    /// State of the back end.
    pub(crate) state: Option<u32>,
    /// The other domain that serves it.
    pub(crate) elsewhere: Option<u32>,
}

/// An interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StoredInterface {
    /// Its number.
    pub(crate) handle: u32,
    /// Its name on the host, where one was chosen.
    pub(crate) name: Option<String>,
    /// Its address.
    pub(crate) mac: Option<String>,
    /// The other domain that serves it.
    pub(crate) elsewhere: Option<u32>,
}

/// A device that some domain serves.
struct Place {
    /// Index of the domain among those that were asked for.
    index: usize,
    class: &'static str,
    device: u32,
    /// Its front end's folder if Domain-0 has no back end of it.
    front: Option<String>,
}

impl Facts {
    /// The disks of each domain, by number; three round trips for all.
    pub(crate) async fn disks(&self, domids: &[DomId]) -> Result<Vec<Vec<StoredDisk>>> {
        let places = self.places(domids, &BLOCK, "vbd").await?;
        let nodes = ["dev", "params", "type", "state"];
        let rows = self.rows(domids, &places, &nodes).await?;
        let mut disks: Vec<Vec<StoredDisk>> = vec![Vec::new(); domids.len()];
        for (place, row) in places.iter().zip(rows) {
            let [dev, params, kind, state] = row;
            let disk = StoredDisk {
                class: place.class.to_owned(),
                device: place.device,
                target: dev.map(|dev| target(&dev)).or(device_name(place.device)),
                source: params.map(|params| source(&params, kind.as_deref())),
                elsewhere: elsewhere(place, state.as_deref()),
                state: state
                    .filter(|_| place.front.is_none())
                    .and_then(|it| it.parse().ok()),
            };
            if let Some(of_domain) = disks.get_mut(place.index) {
                of_domain.push(disk);
            }
        }
        disks
            .iter_mut()
            .for_each(|it| it.sort_by_key(|disk| disk.device));
        Ok(disks)
    }

    /// The interfaces of each domain, by number; three round trips for all.
    pub(crate) async fn interfaces(&self, domids: &[DomId]) -> Result<Vec<Vec<StoredInterface>>> {
        let places = self.places(domids, &["vif"], "vif").await?;
        let nodes = ["vifname", "mac", "state"];
        let rows = self.rows(domids, &places, &nodes).await?;
        let mut interfaces: Vec<Vec<StoredInterface>> = vec![Vec::new(); domids.len()];
        for (place, row) in places.iter().zip(rows) {
            let [name, mac, state] = row;
            let interface = StoredInterface {
                handle: place.device,
                name,
                mac: mac.map(|mac| mac.to_ascii_lowercase()),
                elsewhere: elsewhere(place, state.as_deref()),
            };
            if let Some(of_domain) = interfaces.get_mut(place.index) {
                of_domain.push(interface);
            }
        }
        let by_handle = |it: &mut Vec<StoredInterface>| it.sort_by_key(|one| one.handle);
        interfaces.iter_mut().for_each(by_handle);
        Ok(interfaces)
    }

    /// Balloon target and limit of each domain, and what it says that it uses, in KiB.
    pub(crate) async fn balloons(&self, domids: &[DomId]) -> Result<Vec<[Option<u64>; 3]>> {
        let nodes = ["target", "static-max", "meminfo"];
        let path = |domid: &DomId| nodes.map(|it| format!("/local/domain/{domid}/memory/{it}"));
        let paths: Vec<String> = domids.iter().flat_map(path).collect();
        let values = self.read(&paths).await?;
        let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
        let pairs = values.chunks_exact(nodes.len());
        Ok(pairs
            .map(|pair| std::array::from_fn(|at| pair.get(at).and_then(number)))
            .collect())
    }

    /// Devices by their back ends, and those front ends that have none here.
    async fn places(
        &self,
        domids: &[DomId],
        classes: &[&'static str],
        front: &'static str,
    ) -> Result<Vec<Place>> {
        let back = |domid: &DomId| {
            let path = move |class| format!("/local/domain/0/backend/{class}/{domid}");
            let fronts = format!("/local/domain/{domid}/device/{front}");
            classes.iter().map(path).chain([fronts]).collect::<Vec<_>>()
        };
        let folders: Vec<String> = domids.iter().flat_map(back).collect();
        let lists = self.directories(&folders).await?;
        let mut places = Vec::new();
        let rows = lists.chunks(classes.len() + 1);
        for ((index, domid), row) in domids.iter().enumerate().zip(rows) {
            let mut of_domain = BTreeMap::new();
            for (class, names) in classes.iter().copied().chain([front]).zip(row) {
                let devices = names.iter().take(DEVICES_MAX);
                for device in devices.filter_map(|name| name.parse::<u32>().ok()) {
                    // Front ends come last: a back end is in their place already.
                    of_domain.entry(device).or_insert(class);
                }
            }
            let backs = row.get(..classes.len()).unwrap_or_default();
            for (device, class) in of_domain {
                let name = device.to_string();
                let is_here = backs.iter().any(|names| names.contains(&name));
                let folder = || format!("/local/domain/{domid}/device/{front}/{device}");
                places.push(Place {
                    index,
                    class,
                    device,
                    front: (!is_here).then(folder),
                });
            }
        }
        Ok(places)
    }

    /// Nodes of each device; of a front end `backend-id` in place of the last one.
    async fn rows<const N: usize>(
        &self,
        domids: &[DomId],
        places: &[Place],
        nodes: &[&str; N],
    ) -> Result<Vec<[Option<String>; N]>> {
        let mut paths = Vec::with_capacity(places.len() * N);
        for place in places {
            let Some(domid) = domids.get(place.index) else {
                continue;
            };
            let (class, device) = (place.class, place.device);
            let back = format!("/local/domain/0/backend/{class}/{domid}/{device}");
            for (at, node) in nodes.iter().enumerate() {
                paths.push(match &place.front {
                    Some(front) if at + 1 == N => format!("{front}/backend-id"),
                    Some(front) => format!("{front}/{node}"),
                    None => format!("{back}/{node}"),
                });
            }
        }
        let values = self.read(&paths).await?;
        let taken = |value: &Option<String>| {
            let fits = |text: &&String| !text.is_empty() && text.len() <= TEXT_MAX;
            value.as_ref().filter(fits).cloned()
        };
        let rows = values.chunks_exact(N);
        Ok(rows
            .map(|row| std::array::from_fn(|at| row.get(at).and_then(taken)))
            .collect())
    }

    /// Names in folders, in one round trip; none in one that is not there.
    pub(super) async fn directories(&self, paths: &[String]) -> Result<Vec<Vec<String>>> {
        let lists = self.store().directories(paths).await;
        lists.map_err(|error| self.failed(error))
    }
}

/// Who serves a device that Domain-0 does not; unknown is as good as Domain-0.
fn elsewhere(place: &Place, backend_id: Option<&str>) -> Option<u32> {
    place.front.as_ref()?;
    backend_id?.parse().ok().filter(|domid| *domid != 0)
}

/// `hdc:cdrom` and `ioemu:hda` of old releases without their additions.
fn target(dev: &str) -> String {
    let dev = dev.strip_prefix("ioemu:").unwrap_or(dev);
    let dev = dev.split_once(':').map_or(dev, |(dev, _)| dev);
    dev.to_owned()
}

/// A path on the host: `params` have the format of the file before it with `tap`,
/// and of block devices under `/dev` the name only.
fn source(params: &str, kind: Option<&str>) -> String {
    let path = match params.find('/') {
        Some(at) if params.get(..at).is_some_and(|it| it.ends_with(':')) => params.get(at..),
        _ => None,
    };
    match path {
        Some(path) => path.to_owned(),
        None if kind == Some("phy") && !params.starts_with('/') => format!("/dev/{params}"),
        None => params.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_paths() {
        for (params, kind, path) in [
            ("/srv/a.img", Some("file"), "/srv/a.img"),
            ("aio:/srv/a.img", Some("tap"), "/srv/a.img"),
            ("tapdisk:vhd:/srv/a.vhd", Some("tap"), "/srv/a.vhd"),
            ("vg/root", Some("phy"), "/dev/vg/root"),
            ("/dev/vg/root", Some("phy"), "/dev/vg/root"),
            ("vg:x", None, "vg:x"),
        ] {
            assert_eq!(source(params, kind), path);
        }
        assert_eq!(target("hdc:cdrom"), "hdc");
        assert_eq!(target("ioemu:hda"), "hda");
    }
}
