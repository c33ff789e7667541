//! Calls about domains that were put away, and about the documents in files of saved
//! domains, which are the daemon's host's.

use crate::Remote;
use std::path::Path;
use virtxen_driver::{DomainKey, Monitor, Operation, Result, UndefineFlags};
use virtxen_rpc::calls::{
    DomainCreateWithFlags, DomainHasManagedSaveImage, DomainManagedSave,
    DomainManagedSaveDefineXML, DomainManagedSaveGetXMLDesc, DomainManagedSaveRemove,
    DomainRestoreFlags, DomainSaveFlags, DomainSaveImageDefineXML, DomainSaveImageGetXMLDesc,
    DomainUndefineFlags, ImageArguments, ImageXmlArguments, ManagedSaveXmlArguments, RestoreFlags,
    SaveFlags,
};

impl Remote {
    pub(crate) async fn start_anew(&self, key: &DomainKey, paused: bool) -> Result<()> {
        const FORCE_BOOT: u32 = 1 << 3;
        let flags = u32::from(paused) | FORCE_BOOT;
        let arguments = self.flags(key, flags).await?;
        self.ask::<DomainCreateWithFlags>(Operation::Start, arguments)
            .await
            .map(|_| ())
    }

    pub(crate) async fn undefine_with(&self, key: &DomainKey, flags: UndefineFlags) -> Result<()> {
        const SNAPSHOTS: u32 = 1 << 1;
        let saved = u32::from(flags.managed_save);
        let flags = match flags.snapshots {
            true => saved | SNAPSHOTS,
            false => saved,
        };
        let arguments = self.flags(key, flags).await?;
        self.ask::<DomainUndefineFlags>(Operation::Undefine, arguments)
            .await
    }

    pub(crate) async fn managed_save(&self, key: &DomainKey, monitor: &Monitor) -> Result<()> {
        let arguments = self.flags(key, 0).await?;
        let dom = arguments.dom.clone();
        let operation = Operation::Save;
        let work = self.ask::<DomainManagedSave>(operation, arguments);
        self.watched(operation, Some(dom), monitor, work).await
    }

    pub(crate) async fn has_managed_save(&self, key: &DomainKey) -> Result<bool> {
        let arguments = self.flags(key, 0).await?;
        let there = self.ask::<DomainHasManagedSaveImage>(Operation::Info, arguments);
        Ok(there.await? == 1)
    }

    pub(crate) async fn managed_save_remove(&self, key: &DomainKey) -> Result<()> {
        let arguments = self.flags(key, 0).await?;
        self.ask::<DomainManagedSaveRemove>(Operation::ManagedSaveRemove, arguments)
            .await
    }

    pub(crate) async fn managed_save_xml(&self, key: &DomainKey, secure: bool) -> Result<String> {
        let arguments = self.flags(key, u32::from(secure)).await?;
        self.ask::<DomainManagedSaveGetXMLDesc>(Operation::XmlDesc, arguments)
            .await
    }

    pub(crate) async fn define_managed_save(&self, key: &DomainKey, xml: &str) -> Result<()> {
        let arguments = ManagedSaveXmlArguments {
            dom: self.domain(key).await?,
            dxml: Some(xml.to_owned()),
            flags: 0,
        };
        self.ask::<DomainManagedSaveDefineXML>(Operation::SaveImageDefine, arguments)
            .await
    }

    pub(crate) async fn save_as(
        &self,
        key: &DomainKey,
        file: &Path,
        xml: &str,
        monitor: &Monitor,
    ) -> Result<()> {
        let dom = self.domain(key).await?;
        let arguments = SaveFlags {
            dom: dom.clone(),
            to: file.display().to_string(),
            dxml: Some(xml.to_owned()),
            flags: 0,
        };
        let operation = Operation::Save;
        let work = self.ask::<DomainSaveFlags>(operation, arguments);
        self.watched(operation, Some(dom), monitor, work).await
    }

    pub(crate) async fn restore_as(&self, file: &Path, xml: &str, monitor: &Monitor) -> Result<()> {
        let arguments = RestoreFlags {
            from: file.display().to_string(),
            dxml: Some(xml.to_owned()),
            flags: 0,
        };
        let operation = Operation::Restore;
        let work = self.ask::<DomainRestoreFlags>(operation, arguments);
        self.watched(operation, None, monitor, work).await
    }

    pub(crate) async fn image_xml(&self, file: &Path, secure: bool) -> Result<String> {
        let arguments = ImageArguments {
            file: file.display().to_string(),
            flags: u32::from(secure),
        };
        self.ask::<DomainSaveImageGetXMLDesc>(Operation::SaveImageXml, arguments)
            .await
    }

    pub(crate) async fn define_image(&self, file: &Path, xml: &str) -> Result<()> {
        let arguments = ImageXmlArguments {
            file: file.display().to_string(),
            dxml: xml.to_owned(),
            flags: 0,
        };
        self.ask::<DomainSaveImageDefineXML>(Operation::SaveImageDefine, arguments)
            .await
    }
}
