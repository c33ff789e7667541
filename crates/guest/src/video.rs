//! Graphics cards.
//!
//! XenD has no setting for them; xl knows `std`, `cirrus` and `qxl`.

use crate::DeviceInfo;
use crate::words::words;

/// A graphics card.
#[derive(Clone, Debug, PartialEq)]
pub struct Video {
    /// Model.
    pub model: VideoModel,
    /// Memory in KiB.
    pub vram: Option<u32>,
    /// Number of screens.
    pub heads: Option<u32>,
    /// Whether it is the first one.
    pub primary: Option<bool>,
    /// Alias, address, known parts without effect.
    pub info: DeviceInfo,
}

words! {
    /// Model of a graphics card.
    VideoModel {
        Default = "default",
        Vga = "vga",
        Cirrus = "cirrus",
        Vmvga = "vmvga",
        Xen = "xen",
        Vbox = "vbox",
        Qxl = "qxl",
        Parallels = "parallels",
        Virtio = "virtio",
        Gop = "gop",
        None = "none",
        Bochs = "bochs",
        Ramfb = "ramfb",
        /// Intel's card, shared (Qubes OS; not in libvirt's schema):
        Xengt = "xengt",
    }
}

impl Video {
    /// A card of this model with nothing else said.
    #[must_use]
    pub fn new(model: VideoModel) -> Self {
        Self {
            model,
            vram: None,
            heads: None,
            primary: None,
            info: DeviceInfo::default(),
        }
    }
}
