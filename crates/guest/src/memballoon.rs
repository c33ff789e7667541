//! The device that gives memory back to the host.
//!
//! How much memory it holds is monitoring, not configuration.

use crate::DeviceInfo;
use crate::words::words;

/// The balloon of a guest.
#[derive(Clone, Debug, PartialEq)]
pub struct Memballoon {
    /// Model; Xen's guests have `xen`.
    pub model: MemballoonModel,
    /// Alias, address, known parts without effect.
    pub info: DeviceInfo,
}

words! {
    /// Model of a balloon.
    MemballoonModel {
        Virtio = "virtio",
        Xen = "xen",
        None = "none",
        VirtioTransitional = "virtio-transitional",
        VirtioNonTransitional = "virtio-non-transitional",
    }
}

impl Memballoon {
    /// A balloon of this model.
    #[must_use]
    pub fn new(model: MemballoonModel) -> Self {
        Self {
            model,
            info: DeviceInfo::default(),
        }
    }
}
