//! Which USB controllers and devices a guest of libxl has: what libxl notes of them, which no
//! guest can write. Where a device is on the host's buses is in `files`.

use super::Facts;
use crate::Result;
use virtxen_guest::DomId;

/// Most ports of a controller.
const PORTS_MAX: u32 = 31;

/// What libxl calls a controller that the emulator has: it has no back end.
const EMULATED: &str = "devicemodel";

/// A USB device at a port of a guest's controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredUsb {
    pub(crate) controller: u32,
    /// From 1 on.
    pub(crate) port: u32,
    /// The kernel's name for its place: `1-2.3`.
    pub(crate) name: String,
}

/// USB controllers of a guest, and what is at their ports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StoredBuses {
    pub(crate) controllers: Vec<u32>,
    pub(crate) devices: Vec<StoredUsb>,
}

impl Facts {
    /// The controllers of a guest and their devices; one round trip for a guest without.
    pub(crate) async fn usb(&self, domid: DomId) -> Result<StoredBuses> {
        let folder = format!("/libxl/{domid}/device/vusb");
        let names = self.directories(std::slice::from_ref(&folder)).await?;
        let names = names.into_iter().flatten();
        let controllers: Vec<u32> = names.filter_map(|it| it.parse().ok()).collect();
        let ways = controllers.iter().flat_map(|number| {
            let keys = ["type", "backend"];
            keys.map(|key| format!("{folder}/{number}/{key}"))
        });
        let ways = self.read(&ways.collect::<Vec<_>>()).await?;
        let homes = controllers.iter().zip(ways.chunks_exact(2));
        let homes: Vec<(u32, String)> = homes
            .filter_map(|(number, way)| match way {
                [Some(kind), _] if kind == EMULATED => {
                    Some((*number, format!("{folder}/{number}")))
                }
                [_, Some(backend)] => Some((*number, backend.clone())),
                _ => None,
            })
            .collect();
        let devices = self.at_ports(&homes).await?;
        Ok(StoredBuses {
            controllers,
            devices,
        })
    }

    async fn at_ports(&self, homes: &[(u32, String)]) -> Result<Vec<StoredUsb>> {
        let counts = homes.iter().map(|(_, home)| format!("{home}/num-ports"));
        let counts = self.read(&counts.collect::<Vec<_>>()).await?;
        let (mut places, mut paths) = (Vec::new(), Vec::new());
        for ((controller, home), count) in homes.iter().zip(counts) {
            let count: u32 = count.and_then(|it| it.parse().ok()).unwrap_or(0);
            for port in 1..=count.min(PORTS_MAX) {
                places.push((*controller, port));
                paths.push(format!("{home}/port/{port}"));
            }
        }
        let names = self.read(&paths).await?.into_iter();
        let devices = places.into_iter().zip(names);
        Ok(devices
            .filter_map(|((controller, port), name)| {
                let name = name.filter(|name| !name.is_empty())?;
                Some(StoredUsb {
                    controller,
                    port,
                    name,
                })
            })
            .collect())
    }
}
