//! Whose file it is: xl's, or the xm's of one of XenD's configuration formats.
//!
//! How the differences look is in the file of each device family.

use crate::sxpr::ConfigVersion;

/// Which tool reads a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// It is xl, not xm.
    pub(crate) xl: bool,
    /// Version of the configuration format of xm's XenD.
    pub(crate) version: ConfigVersion,
    /// The names of Xen 4.2 and later, which libvirt's last xm files have too:
    /// `device_model_override`.
    pub(crate) newest: bool,
}

impl Dialect {
    /// xl's files.
    pub(crate) const XL: Self = Self {
        xl: true,
        version: ConfigVersion::Xen310,
        newest: true,
    };

    /// Name of the tool, for notes.
    pub(crate) fn tool(self) -> &'static str {
        if self.xl { "xl" } else { "xm" }
    }

    /// Whether it is xm before a version of XenD's configuration format.
    pub(crate) fn before(self, version: ConfigVersion) -> bool {
        !self.xl && self.version < version
    }
}

/// What a host gives its guests and a file does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Processor as `uname -m` spells it, if it is to stand in the document.
    pub arch: Option<String>,
    /// Firmware of fully virtualized guests, which xl's files do not name.
    pub loader: Option<String>,
    /// UEFI firmware, `bios = "ovmf"` in xl's files.
    pub ovmf: String,
}

impl Default for Host {
    /// Where Xen's own Makefiles put the firmware.
    fn default() -> Self {
        Self {
            arch: None,
            loader: Some("/usr/lib/xen/boot/hvmloader".to_owned()),
            ovmf: "/usr/lib/xen/boot/ovmf.bin".to_owned(),
        }
    }
}
