//! The emulator (QEMU) of a guest: whether it lives through the devices that it is given.
//! Which ones it needs is libxl's matter.

use super::Running;
use super::failure::unexpected;
use crate::{Error, Result};
use serde_json::Value;
use std::time::{Duration, Instant};
use virtxen_guest::{DomId, OsType};
use virtxen_libxl::{Device as Class, Operation, Outcome};

/// The first QEMU that ends itself when a back end of its older kind (`xen-backend`, for keyboards,
/// pointers and USB) comes while it runs: "Device 'xen-backend' does not support hotplugging".
/// libxl asks it all the same, for USB also of a guest that it starts. Seen with 10.0.13 of
/// Debian 13.
const ENDS: u32 = 10;

/// How long it is watched after a start; it ends within milliseconds.
const SETTLED: Duration = Duration::from_secs(1);

/// Time between two looks at it.
const PAUSE: Duration = Duration::from_millis(50);

/// Longest version that is told.
const VERSION_MAX: usize = 64;

const USE_EMULATED: &str = "an HVM guest can have an emulated USB controller (model='ehci')";
const USE_OWN: &str = "an HVM guest, and another one with a screen, has a keyboard and a mouse of \
    Xen's from its start on, and an HVM guest an emulated tablet by its definition (bus='usb')";

impl Running {
    /// Refuses a device that would end the guest's emulator.
    pub(super) async fn emulator_lives_through(
        &self,
        operation: &'static str,
        class: Class,
        config: &str,
    ) -> Result<()> {
        let instead = match class {
            Class::Keyboard => USE_OWN,
            Class::UsbController if is_pv_usb(&parsed(config)) => USE_EMULATED,
            // libxl makes it a controller if none has a port left.
            Class::UsbDevice if self.info.kind != OsType::Hvm => USE_EMULATED,
            _ => return Ok(()),
        };
        if !self.has_emulator().await? {
            return Ok(());
        }
        let refused = |reason: String| Error::Refused { operation, reason };
        let version = match self.emulator_version().await {
            Ok(version) => version,
            // A QEMU beside such an old Xen does not end itself.
            Err(Error::Unsupported { .. }) => return Ok(()),
            Err(error) => {
                let log = self.emulator_log();
                let reason = format!(
                    "a device model would serve it, which cannot be asked: {error}; {log} may say \
                     why"
                );
                return Err(refused(reason));
            }
        };
        match major(&version) {
            Some(major) if major < ENDS => Ok(()),
            _ => Err(refused(format!(
                "the guest's device model, QEMU {version}, would end itself if a device of this \
                 kind came while it runs, as each does from {ENDS}.0 on; {instead}"
            ))),
        }
    }

    /// Looks whether the emulator of a guest that has just been built lives with its PV USB
    /// controllers, which libxl adds last: without it the guest would not have them, nor disks
    /// and a screen that the emulator serves.
    pub(super) async fn emulator_lives(&self, operation: &'static str, config: &str) -> Result<()> {
        let inner = &self.libxl.inner;
        let (Some(facts), Some(files)) = (&inner.facts, &inner.files) else {
            return Ok(());
        };
        if !has_pv_usb(config) || !self.has_emulator().await.unwrap_or(false) {
            return Ok(());
        }
        let Ok(Some(pid)) = facts.emulator_process(DomId(self.domid)).await else {
            return Ok(());
        };
        let begin = Instant::now();
        while files.has_process(operation, pid).await.unwrap_or(true) {
            let lives = match self.emulator_version().await {
                Ok(version) => major(&version).is_some_and(|it| it < ENDS),
                Err(error) => matches!(error, Error::Unsupported { .. }),
            };
            if lives || begin.elapsed() >= SETTLED {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(Error::Refused {
            operation,
            reason: format!(
                "the guest's device model has ended itself, as QEMU from {ENDS}.0 on does when it \
                 gets a PV USB controller: take those out of the definition, with the devices on \
                 them; {USE_EMULATED}; {} may say more",
                self.emulator_log()
            ),
        })
    }

    async fn has_emulator(&self) -> Result<bool> {
        match &self.libxl.inner.facts {
            Some(facts) => facts.has_emulator(DomId(self.domid)).await,
            None => Ok(true),
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

    fn emulator_log(&self) -> String {
        format!("/var/log/xen/qemu-dm-{}.log", self.name())
    }
}

fn parsed(config: &str) -> Value {
    serde_json::from_str(config).unwrap_or_default()
}

fn has_pv_usb(config: &str) -> bool {
    let config = parsed(config);
    let controllers = config.get("usbctrls").and_then(Value::as_array);
    controllers.is_some_and(|list| list.iter().any(is_pv_usb))
}

/// Whether a controller is for the guest's drivers for Xen, and none that QEMU emulates.
fn is_pv_usb(controller: &Value) -> bool {
    controller.get("type").and_then(Value::as_str) != Some("devicemodel")
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
        let of = |list: &str| has_pv_usb(&format!(r#"{{"usbctrls":{list}}}"#));
        assert!(of(r#"[{"type":"devicemodel"},{"type":"qusb"}]"#));
        assert!(of("[{}]"));
        assert!(!of(r#"[{"type":"devicemodel"}]"#));
        assert!(!of("[]"));
        assert!(!has_pv_usb("{}"));
    }
}
