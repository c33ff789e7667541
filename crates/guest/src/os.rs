//! What a guest boots: kind of guest, firmware, kernel, bootloader, boot devices.
//!
//! Which of it a host can do is not decided here.

use crate::Kept;
use crate::words::words;

/// Kind of guest and what it boots.
#[derive(Clone, Debug, PartialEq)]
pub struct Os {
    /// Kind of guest.
    pub kind: OsType,
    /// Processor as `uname -m` spells it: `i686`, `x86_64`, `ia64`, `aarch64`, …
    pub arch: Option<String>,
    /// Machine: `xenpv`, `xenfv`, `xenpvh`.
    pub machine: Option<String>,
    /// Firmware that the host is to choose.
    pub firmware: Option<Firmware>,
    /// Firmware file.
    pub loader: Option<Loader>,
    /// Kernel file of a direct boot.
    pub kernel: Option<String>,
    /// Initial RAM disk of a direct boot.
    pub initrd: Option<String>,
    /// Kernel command line, white space as given.
    pub cmdline: Option<String>,
    /// Root device of a direct boot, XenD's `(root …)`.
    pub root: Option<String>,
    /// Boot devices of an HVM guest, first one first.
    pub boot: Vec<BootDevice>,
    /// ACPI tables for the guest.
    pub acpi_tables: Vec<AcpiTable>,
    /// Program in Domain-0 that finds the kernel (`pygrub`); `Some("")` when the
    /// document asks for one without naming it.
    pub bootloader: Option<String>,
    /// Arguments of the bootloader.
    pub bootloader_args: Option<String>,
    /// Known parts without effect: `bootmenu`, `smbios`, `nvram`, …
    pub kept: Kept,
}

words! {
    /// Kind of guest. `linux` is an old word for [`OsType::Xen`] that libvirt still writes.
    OsType {
        /// Paravirtualized:
        Xen = "xen",
        /// Fully virtualized:
        Hvm = "hvm",
        /// Paravirtualized in a hardware container, Xen 4.10 and later:
        XenPvh = "xenpvh",
    }
}

words! {
    /// Firmware that the host is to choose.
    Firmware { Bios = "bios", Efi = "efi" }
}

words! {
    /// How a firmware file is mapped.
    LoaderType { Rom = "rom", Pflash = "pflash" }
}

words! {
    /// A device class to boot from.
    BootDevice {
        /// Floppy, Xen's `a`:
        Fd = "fd",
        /// First hard disk, Xen's `c`:
        Hd = "hd",
        /// CD-ROM, Xen's `d`:
        Cdrom = "cdrom",
        /// Network card, Xen's `n`:
        Network = "network",
    }
}

words! {
    /// Kind of an ACPI table.
    AcpiTableType { Raw = "raw", Rawset = "rawset", Slic = "slic", Msdm = "msdm" }
}

/// Firmware file: hvmloader, or an UEFI image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loader {
    /// Path; libvirt allows attributes without one.
    pub path: Option<String>,
    /// Whether the image is mapped read-only.
    pub readonly: Option<bool>,
    /// Whether secure boot is required.
    pub secure: Option<bool>,
    /// How it is mapped.
    pub kind: Option<LoaderType>,
}

/// An ACPI table for the guest.
#[derive(Clone, Debug, PartialEq)]
pub struct AcpiTable {
    /// Kind of table.
    pub kind: AcpiTableType,
    /// File with the table.
    pub path: String,
}

impl Os {
    /// An operating system of this kind with nothing said.
    #[must_use]
    pub fn new(kind: OsType) -> Self {
        Self {
            kind,
            arch: None,
            machine: None,
            firmware: None,
            loader: None,
            kernel: None,
            initrd: None,
            cmdline: None,
            root: None,
            boot: Vec::new(),
            acpi_tables: Vec::new(),
            bootloader: None,
            bootloader_args: None,
            kept: Kept::default(),
        }
    }
}

impl BootDevice {
    /// XenD's and xl's letter.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Fd => 'a',
            Self::Hd => 'c',
            Self::Cdrom => 'd',
            Self::Network => 'n',
        }
    }

    /// The device with XenD's letter.
    #[must_use]
    pub const fn from_letter(letter: char) -> Option<Self> {
        match letter {
            'a' => Some(Self::Fd),
            'c' => Some(Self::Hd),
            'd' => Some(Self::Cdrom),
            'n' => Some(Self::Network),
            _ => None,
        }
    }
}
