//! Calls about devices: attaching, lists. Lists are read from the domain's document.

use crate::{Remote, wire};
use virtxen_driver::{
    Affect, BlockEntry, DomainKey, InterfaceEntry, Operation, Result, read_device,
};
use virtxen_guest::Problem;
use virtxen_rpc::calls::{
    DomainAttachDeviceFlags, DomainDetachDeviceFlags, DomainUpdateDeviceFlags, DomainXmlFlags,
};

impl Remote {
    pub(crate) async fn attach_device(
        &self,
        key: &DomainKey,
        xml: &str,
        affect: Affect,
    ) -> Result<()> {
        let arguments = self.device(key, xml, affect).await?;
        self.ask::<DomainAttachDeviceFlags>(Operation::AttachDevice, arguments)
            .await
    }

    pub(crate) async fn detach_device(
        &self,
        key: &DomainKey,
        xml: &str,
        affect: Affect,
    ) -> Result<()> {
        let arguments = self.device(key, xml, affect).await?;
        self.ask::<DomainDetachDeviceFlags>(Operation::DetachDevice, arguments)
            .await
    }

    pub(crate) async fn update_device(
        &self,
        key: &DomainKey,
        xml: &str,
        affect: Affect,
    ) -> Result<()> {
        let arguments = self.device(key, xml, affect).await?;
        self.ask::<DomainUpdateDeviceFlags>(Operation::UpdateDevice, arguments)
            .await
    }

    /// What is not understood of it. What the host would lose, the daemon does not
    /// tell.
    pub(crate) async fn device_losses(
        &self,
        _: &DomainKey,
        xml: &str,
        strict: bool,
    ) -> Result<Vec<Problem>> {
        Ok(read_device(xml, strict)?.1)
    }

    pub(crate) async fn block_list(
        &self,
        key: &DomainKey,
        inactive: bool,
    ) -> Result<Vec<BlockEntry>> {
        let guest = self.guest_of(key, false, inactive).await?;
        Ok(guest.devices.disks.iter().map(BlockEntry::from).collect())
    }

    pub(crate) async fn interface_list(
        &self,
        key: &DomainKey,
        inactive: bool,
    ) -> Result<Vec<InterfaceEntry>> {
        let guest = self.guest_of(key, false, inactive).await?;
        let interfaces = guest.devices.interfaces.iter();
        Ok(interfaces.map(InterfaceEntry::from).collect())
    }

    async fn device(&self, key: &DomainKey, xml: &str, affect: Affect) -> Result<DomainXmlFlags> {
        read_device(xml, false)?;
        Ok(DomainXmlFlags {
            dom: self.domain(key).await?,
            xml: xml.to_owned(),
            flags: wire::affect(affect),
        })
    }
}
