//! Where USB devices of the host are: `/sys/bus/usb`. That a guest has one is not known here.

use super::NodeFiles;
use crate::{Error, Result};
use virtxen_guest::UsbSource;

const DEVICES: &str = "/sys/bus/usb/devices";

impl NodeFiles {
    /// A device that is named by its product, with the place where it is: the place that was
    /// said if it is there, else the only one of the product.
    pub(crate) async fn usb_place(
        &self,
        operation: &'static str,
        wanted: UsbSource,
    ) -> Result<UsbSource> {
        self.with(operation, move |files| {
            let mut found = files.usb_devices(operation)?;
            found.retain(|it| (it.vendor, it.product) == (wanted.vendor, wanted.product));
            let place = (wanted.bus, wanted.device);
            let there = found.iter().find(|it| (it.bus, it.device) == place);
            let reason = match (there, &*found) {
                (Some(one), _) | (None, [one]) => return Ok(*one),
                (None, []) => "is not there".to_owned(),
                (None, several) => {
                    let places: Vec<String> = several.iter().map(place_of).collect();
                    let places = places.join(", ");
                    format!("is there more than once: say which one by its address, of {places}")
                }
            };
            let (vendor, product) = (wanted.vendor.unwrap_or(0), wanted.product.unwrap_or(0));
            let reason = format!("USB device {vendor:04x}:{product:04x} {reason}");
            Err(Error::Refused { operation, reason })
        })
        .await
    }

    /// The devices of these names in sysfs; `None` where there is none.
    pub(crate) async fn usb_named(
        &self,
        operation: &'static str,
        names: Vec<String>,
    ) -> Result<Vec<Option<UsbSource>>> {
        self.with(operation, move |files| {
            let is_name = |name: &str| {
                let mut chars = name.chars();
                chars.all(|c| c.is_ascii_digit() || matches!(c, '-' | '.')) && !name.contains("..")
            };
            let device = |name: &String| is_name(name).then(|| files.usb_device(name));
            Ok(names.iter().map(|name| device(name).flatten()).collect())
        })
        .await
    }

    /// All devices; entries with a colon are their interfaces.
    fn usb_devices(&self, operation: &'static str) -> Result<Vec<UsbSource>> {
        let names = self.names(DEVICES).map_err(|error| Error::Refused {
            operation,
            reason: format!("no USB device is found by its product: {DEVICES}: {error}"),
        })?;
        let devices = names.iter().filter(|name| !name.contains(':'));
        Ok(devices.filter_map(|name| self.usb_device(name)).collect())
    }

    /// One that goes away meanwhile is none.
    fn usb_device(&self, name: &str) -> Option<UsbSource> {
        let file = |key: &str| self.text(&format!("{DEVICES}/{name}/{key}")).ok();
        let hex = |key: &str| u16::from_str_radix(file(key)?.trim(), 16).ok();
        let number = |key: &str| file(key)?.trim().parse().ok();
        Some(UsbSource {
            vendor: Some(hex("idVendor")?),
            product: Some(hex("idProduct")?),
            bus: Some(number("busnum")?),
            device: Some(number("devnum")?),
        })
    }
}

fn place_of(usb: &UsbSource) -> String {
    let (bus, device) = (usb.bus.unwrap_or(0), usb.device.unwrap_or(0));
    format!("bus {bus} device {device}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed test is what an unexpected answer should be

    use super::*;
    use std::path::Path;

    fn put(folder: &Path, name: &str, facts: [&str; 4]) {
        let folder = folder.join("sys/bus/usb/devices").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let keys = ["idVendor", "idProduct", "busnum", "devnum"];
        for (key, fact) in keys.into_iter().zip(facts) {
            std::fs::write(folder.join(key), format!("{fact}\n")).unwrap();
        }
    }

    fn product(vendor: u16, product: u16) -> UsbSource {
        UsbSource {
            vendor: Some(vendor),
            product: Some(product),
            ..UsbSource::default()
        }
    }

    #[tokio::test]
    async fn a_product_is_found_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "3-1", ["0627", "0001", "3", "2"]);
        put(folder.path(), "1-1", ["abcd", "0002", "1", "7"]);
        put(folder.path(), "1-2", ["abcd", "0002", "1", "8"]);
        std::fs::create_dir_all(folder.path().join("sys/bus/usb/devices/3-1:1.0")).unwrap();
        let files = NodeFiles::below(folder.path());
        let named = ["3-1", "3-9", "../devices/3-1"].map(str::to_owned);
        let named = files.usb_named("dumpxml", named.to_vec()).await.unwrap();
        assert!(named[0].is_some() && named[1..] == [None, None]);
        let one = files.usb_place("create", product(0x627, 1)).await.unwrap();
        assert_eq!((one.bus, one.device), (Some(3), Some(2)));
        let second = UsbSource {
            bus: Some(1),
            device: Some(8),
            ..product(0xabcd, 2)
        };
        assert_eq!(files.usb_place("create", second).await.unwrap(), second);
        let many = files.usb_place("create", product(0xabcd, 2)).await;
        let many = many.unwrap_err().to_string();
        assert!(many.contains("bus 1 device 8"), "{many}");
        let none = files.usb_place("create", product(1, 2)).await.unwrap_err();
        assert!(
            none.to_string().contains("0001:0002 is not there"),
            "{none}"
        );
    }
}
