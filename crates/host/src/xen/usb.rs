//! USB devices of the host that a guest is to have by their product: libxl is told where
//! they are. How they are found is in `files`.

use super::XenHost;
use crate::{Result, foreign_devices};
use std::borrow::Cow;
use virtxen_guest::{Device, Guest, Hostdev, HostdevSource};

impl XenHost {
    /// A guest whose devices have places.
    pub(super) async fn placed<'a>(
        &self,
        operation: &'static str,
        guest: &'a Guest,
    ) -> Result<Cow<'a, Guest>> {
        if !guest.devices.hostdevs.iter().any(has_product) {
            return Ok(Cow::Borrowed(guest));
        }
        let mut guest = guest.clone();
        for hostdev in &mut guest.devices.hostdevs {
            self.place(operation, hostdev).await?;
        }
        Ok(Cow::Owned(guest))
    }

    /// A device with its place.
    pub(super) async fn placed_device(
        &self,
        operation: &'static str,
        device: &Device,
    ) -> Result<Device> {
        let mut device = device.clone();
        if let Device::Hostdev(hostdev) = &mut device {
            self.place(operation, hostdev).await?;
        }
        Ok(device)
    }

    async fn place(&self, operation: &'static str, hostdev: &mut Hostdev) -> Result<()> {
        if has_product(hostdev)
            && let HostdevSource::Usb(source) = &mut hostdev.source
        {
            let files = self.files.as_ref();
            let files = files.map_err(|_| foreign_devices(operation))?;
            *source = files.usb_place(operation, *source).await?;
        }
        Ok(())
    }
}

fn has_product(hostdev: &Hostdev) -> bool {
    matches!(&hostdev.source, HostdevSource::Usb(usb) if usb.product.is_some())
}
