//! The emulator (QEMU) of a guest that runs: whether it lives through a device that comes now.
//! What it serves from the guest's start on is libxl's matter.

use super::Running;
use super::failure::unexpected;
use crate::{Error, Result};
use serde_json::Value;
use virtxen_guest::DomId;
use virtxen_libxl::{Device as Class, Operation, Outcome};

/// The first QEMU that ends itself when a back end of its older kind (`xen-backend`, for keyboards,
/// pointers and USB) comes while it runs: "Device 'xen-backend' does not support hotplugging".
/// libxl asks it all the same. Seen with 10.0.13 of Debian 13.
const ENDS: u32 = 10;

/// Longest version that is told.
const VERSION_MAX: usize = 64;

impl Running {
    /// Refuses a device that would end the guest's emulator.
    pub(super) async fn emulator_lives_through(
        &self,
        operation: &'static str,
        class: Class,
        config: &str,
    ) -> Result<()> {
        if !is_older_kind(class, config) {
            return Ok(());
        }
        if let Some(facts) = &self.libxl.inner.facts
            && !facts.has_emulator(DomId(self.domid)).await?
        {
            return Ok(());
        }
        let refused = |reason: String| Error::Refused { operation, reason };
        let version = self.emulator_version().await.map_err(|error| {
            let log = format!("/var/log/xen/qemu-dm-{}.log", self.name());
            refused(format!(
                "a device model would serve it, which cannot be asked: {error}; {log} may say why"
            ))
        })?;
        match major(&version) {
            Some(major) if major < ENDS => Ok(()),
            _ => Err(refused(format!(
                "the guest's device model, QEMU {version}, would end itself if a device of this \
                 kind came while it runs, as each does from {ENDS}.0 on; add the device to the \
                 definition (--config), then shut the guest down and start it"
            ))),
        }
    }

    async fn emulator_version(&self) -> Result<String> {
        let domid = self.domid;
        let command = "info version".to_owned();
        match self.ask(Operation::Monitor { domid, command }).await? {
            Outcome::Answer { text } => Ok(text.trim().chars().take(VERSION_MAX).collect()),
            _ => Err(unexpected("monitor")),
        }
    }
}

/// Whether QEMU serves it by a back end of its older kind. Its own USB controllers are none.
fn is_older_kind(class: Class, config: &str) -> bool {
    match class {
        Class::Keyboard => true,
        Class::UsbController => {
            let config: Option<Value> = serde_json::from_str(config).ok();
            let kind = config.as_ref().and_then(|it| it.get("type")?.as_str());
            kind != Some("devicemodel")
        }
        _ => false,
    }
}

/// Of `10.0.13Debian 1:10.0.13+ds-0+deb13u1`.
fn major(version: &str) -> Option<u32> {
    version.split_once('.')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_begin_with_a_number() {
        assert_eq!(major("10.0.13Debian 1:10.0.13+ds-0+deb13u1"), Some(10));
        assert_eq!(major("7.2.22"), Some(7));
        assert_eq!(major("unknown command: 'info version'"), None);
        assert_eq!(major(""), None);
    }

    #[test]
    fn emulated_controllers_are_of_another_kind() {
        assert!(is_older_kind(Class::Keyboard, "{}"));
        assert!(is_older_kind(Class::UsbController, r#"{"type":"qusb"}"#));
        assert!(is_older_kind(Class::UsbController, "{}"));
        assert!(!is_older_kind(
            Class::UsbController,
            r#"{"type":"devicemodel"}"#
        ));
        assert!(!is_older_kind(Class::Disk, "{}"));
    }
}
