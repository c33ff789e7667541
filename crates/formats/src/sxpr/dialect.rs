//! Which XenD is spoken to: the version of its configuration format and the few
//! habits of single releases that the version does not tell.
//!
//! How the differences look is in the file of each device family.

use std::collections::BTreeMap;
use virtxen_guest::DomId;

/// Version of XenD's configuration format, `xend_config_format` of its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConfigVersion {
    /// 1, which XenD does not say: Xen 3.0.0 to 3.0.2.
    Xen302,
    /// 2: Xen 3.0.3.
    Xen303,
    /// 3: Xen 3.0.4.
    Xen304,
    /// 4: Xen 3.1 and later.
    Xen310,
}

impl ConfigVersion {
    /// From the number that XenD tells; none means 1, a higher one than known the
    /// highest known.
    #[must_use]
    pub const fn from_number(number: Option<u32>) -> Self {
        match number {
            None | Some(0 | 1) => Self::Xen302,
            Some(2) => Self::Xen303,
            Some(3) => Self::Xen304,
            Some(_) => Self::Xen310,
        }
    }

    /// XenD's number.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Xen302 => 1,
            Self::Xen303 => 2,
            Self::Xen304 => 3,
            Self::Xen310 => 4,
        }
    }
}

/// What one XenD understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Version of its configuration format.
    pub version: ConfigVersion,
    /// Fully virtualized guests are `(image (vmx …))`: Xen 3.0.0 and 3.0.1.
    pub vmx_image: bool,
    /// A fully virtualized guest has to say its `timer_mode`: 3.2.0 fails without.
    pub timer_mode: bool,
    /// XenD runs boot loaders: Xen 3.0.3 and later. Before, `xm` runs them and
    /// gives XenD the kernel that they found.
    pub boot_loader: bool,
    /// A fully virtualized guest can boot a kernel without its firmware: Xen 3.2 and
    /// later. Before, `(kernel …)` is the firmware and `(loader …)` means nothing.
    pub hvm_kernel: bool,
    /// The processors of each vcpu can be given: Xen 3.4 and later.
    pub vcpu_cpus: bool,
    /// Paravirtualized guests have their frame buffer as a device: from 3.0.4 on,
    /// and in Red Hat's 3.0.3.
    pub pv_framebuffer: bool,
}

impl From<ConfigVersion> for Dialect {
    /// What all releases with this version have in common.
    fn from(version: ConfigVersion) -> Self {
        Self {
            version,
            vmx_image: false,
            timer_mode: false,
            boot_loader: true,
            hvm_kernel: true,
            vcpu_cpus: false,
            pv_framebuffer: version >= ConfigVersion::Xen304,
        }
    }
}

impl Dialect {
    /// The dialect of a release: XenD's `xend_config_format`, `xen_major`,
    /// `xen_minor` and `xen_extra` (`.1`, `-rc2`).
    #[must_use]
    pub fn of_release(format: Option<u32>, major: u32, minor: u32, extra: &str) -> Self {
        let patch = extra.strip_prefix('.').and_then(|rest| {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            rest.get(..digits)?.parse::<u32>().ok()
        });
        let release = (major, minor);
        Self {
            vmx_image: release == (3, 0) && patch.unwrap_or(0) < 2 && format.is_none(),
            timer_mode: release >= (3, 2),
            boot_loader: format.is_some(),
            hvm_kernel: release >= (3, 2),
            vcpu_cpus: release >= (3, 4),
            ..Self::from(ConfigVersion::from_number(format))
        }
    }

    /// Red Hat's XenD 3.0.3, which has the frame buffer of 3.0.4.
    #[must_use]
    pub fn rhel5() -> Self {
        Self {
            pv_framebuffer: true,
            ..Self::from(ConfigVersion::Xen303)
        }
    }
}

/// For whom an expression is written.
#[derive(Clone, Debug)]
pub struct Target {
    /// What it understands.
    pub dialect: Dialect,
    /// Bridges of virtual networks by name: XenD knows bridges only.
    pub bridges: BTreeMap<String, String>,
}

impl Target {
    /// A XenD without virtual networks.
    #[must_use]
    pub fn new(dialect: impl Into<Dialect>) -> Self {
        Self {
            dialect: dialect.into(),
            bridges: BTreeMap::new(),
        }
    }
}

/// What XenStore knows of a running domain and XenD's expression does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runtime {
    /// Terminal of the console.
    pub tty: Option<String>,
    /// Port of the VNC server.
    pub vnc_port: Option<u16>,
}

/// Where an expression comes from, while it is read.
pub(super) struct Source<'a> {
    pub(super) version: ConfigVersion,
    pub(super) runtime: &'a Runtime,
    pub(super) hvm: bool,
    pub(super) domid: Option<DomId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_have_their_habits() {
        assert!(Dialect::of_release(None, 3, 0, ".1").vmx_image);
        assert!(!Dialect::of_release(None, 3, 0, ".2").vmx_image);
        assert!(!Dialect::of_release(Some(2), 3, 0, "-unstable").vmx_image);
        assert!(!Dialect::of_release(Some(4), 3, 1, ".0").timer_mode);
        assert!(Dialect::of_release(Some(4), 3, 2, ".0-rc6").timer_mode);
        assert!(Dialect::of_release(Some(4), 4, 1, ".6").vcpu_cpus);
    }
}
