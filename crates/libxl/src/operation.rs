//! What libxl can be asked for. Configurations and devices are libxl's JSON as text;
//! a stream's descriptor travels beside the message.

use serde::{Deserialize, Serialize};

/// What libxl can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Operation {
    /// Starts a guest; it is paused. Ends with [`Started`](crate::Outcome::Started).
    Create {
        /// `libxl_domain_config`.
        config: String,
        /// What [`Operation::StoreDocument`] would store, stored before this ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        document: Option<String>,
    },
    /// Starts a guest from a stream, which comes with the message; it is paused. Ends
    /// with [`Started`](crate::Outcome::Started).
    Restore {
        /// `libxl_domain_config`.
        config: String,
        /// As for [`Operation::Create`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        document: Option<String>,
        /// Form of the stream: 2 is what Xen 4.6 and later write, 1 what earlier ones do.
        stream_version: u32,
    },
    /// Writes a guest to a stream, which comes with the message, and suspends it. The
    /// guest stays until it is destroyed or goes on by [`Operation::Resume`].
    Save {
        /// The guest.
        domid: u32,
        /// It goes on while most of it is written.
        live: bool,
        /// The stream is checked as it is written.
        #[serde(default)]
        debug: bool,
    },
    /// Lets a guest that was suspended go on.
    Resume {
        /// The guest.
        domid: u32,
        /// Its suspending is cancelled, which guests that know of it prefer; else it
        /// finds that it was moved.
        cancel: bool,
    },
    /// Suspends a guest without writing it; from Xen 4.11 on.
    Suspend {
        /// The guest.
        domid: u32,
    },
    /// Stops a guest's vcpus.
    Pause {
        /// The guest.
        domid: u32,
    },
    /// Starts a guest's vcpus.
    Unpause {
        /// The guest.
        domid: u32,
    },
    /// Asks a guest to power off, by its drivers for Xen.
    Shutdown {
        /// The guest.
        domid: u32,
    },
    /// Asks a guest to start again, by its drivers for Xen.
    Reboot {
        /// The guest.
        domid: u32,
    },
    /// Presses a button of a guest.
    Trigger {
        /// The guest.
        domid: u32,
        /// Which one.
        trigger: Trigger,
        /// Which vcpu is meant.
        vcpu: u32,
    },
    /// Sends Linux a system request.
    Sysrq {
        /// The guest.
        domid: u32,
        /// Which one: an ASCII character.
        key: char,
    },
    /// Ends a guest.
    Destroy {
        /// The guest.
        domid: u32,
    },
    /// Gives a guest another name.
    Rename {
        /// The guest.
        domid: u32,
        /// The name that it has.
        from: String,
        /// The name that it gets.
        to: String,
    },
    /// Writes a guest's memory to a file.
    CoreDump {
        /// The guest.
        domid: u32,
        /// The file's path.
        path: String,
    },
    /// Sets what a guest's balloon aims at.
    MemoryTarget {
        /// The guest.
        domid: u32,
        /// KiB.
        kib: u64,
        /// The hypervisor, too, gives it no more than that.
        enforce: bool,
    },
    /// Sets what a guest may have.
    MaxMemory {
        /// The guest.
        domid: u32,
        /// KiB.
        kib: u64,
    },
    /// Memory that a guest would need to start. Ends with
    /// [`Memory`](crate::Outcome::Memory).
    NeedMemory {
        /// `libxl_domain_config`.
        config: String,
    },
    /// Memory that no guest has. Ends with [`Memory`](crate::Outcome::Memory).
    FreeMemory,
    /// Sets which vcpus are online.
    Vcpus {
        /// The guest.
        domid: u32,
        /// Their numbers.
        online: Vec<u32>,
    },
    /// Adds a device to a guest that runs. Ends with [`Answer`](crate::Outcome::Answer):
    /// the device with what libxl chose for it.
    Attach {
        /// The guest.
        domid: u32,
        /// What it is.
        device: Device,
        /// libxl's JSON of it.
        config: String,
    },
    /// Takes a device away from a guest that runs.
    Detach {
        /// The guest.
        domid: u32,
        /// What it is.
        device: Device,
        /// libxl's JSON of it.
        config: String,
        /// Without asking the guest.
        force: bool,
    },
    /// The configuration of a guest that runs, as libxl keeps it. Ends with
    /// [`Answer`](crate::Outcome::Answer).
    Configuration {
        /// The guest.
        domid: u32,
    },
    /// libvirt's document of a guest that runs, kept by libxl until the guest is gone
    /// (its user data "libvirt-xml"). Ends with [`Document`](crate::Outcome::Document).
    Document {
        /// The guest.
        domid: u32,
    },
    /// Keeps libvirt's document of a guest that runs.
    StoreDocument {
        /// The guest.
        domid: u32,
        /// The document.
        text: String,
    },
    /// Gives a guest's emulator a command of its human monitor; from Xen 4.8 on. Ends
    /// with [`Answer`](crate::Outcome::Answer).
    Monitor {
        /// The guest.
        domid: u32,
        /// The line: `sendkey ctrl-alt-f1`, `screendump FILE`.
        command: String,
    },
    /// Takes a PCI device from the host's driver, so that guests can have it.
    PciAssignableAdd {
        /// `libxl_device_pci`.
        config: String,
        /// Which driver it has is remembered.
        rebind: bool,
    },
    /// Gives a PCI device back to the host.
    PciAssignableRemove {
        /// `libxl_device_pci`.
        config: String,
        /// To the driver that it had.
        rebind: bool,
    },
    /// PCI devices that guests can have. Ends with [`Devices`](crate::Outcome::Devices).
    PciAssignableList,
    /// Ends another request, if it can be ended; that one then fails as aborted, this
    /// one is done at once.
    Abort {
        /// Which one.
        request: crate::RequestId,
    },
}

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Device {
    /// `libxl_device_disk`
    Disk,
    /// `libxl_device_disk`, a medium for a drive that is there.
    Medium,
    /// `libxl_device_nic`
    Nic,
    /// `libxl_device_pci`
    Pci,
    /// `libxl_device_usbctrl`
    UsbController,
    /// `libxl_device_usbdev`
    UsbDevice,
    /// `libxl_device_vkb`
    Keyboard,
    /// `libxl_device_vfb`
    Framebuffer,
}

/// A button of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Trigger {
    /// Power off, by ACPI.
    Power,
    /// Sleep, by ACPI.
    Sleep,
    /// A non-maskable interrupt.
    Nmi,
    /// INIT of a processor.
    Init,
    /// Reset.
    Reset,
    /// Wakes a guest that sleeps.
    S3Resume,
}

impl Operation {
    /// How many descriptors come with it.
    #[must_use]
    pub const fn descriptors(&self) -> usize {
        match self {
            Self::Restore { .. } | Self::Save { .. } => 1,
            _ => 0,
        }
    }

    /// What it is in a sentence: "the process ended while *creating a guest*".
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Restore { .. } => "restore",
            Self::Save { .. } => "save",
            Self::Resume { .. } => "resume",
            Self::Suspend { .. } => "suspend",
            Self::Pause { .. } => "pause",
            Self::Unpause { .. } => "unpause",
            Self::Shutdown { .. } => "shutdown",
            Self::Reboot { .. } => "reboot",
            Self::Trigger { .. } => "trigger",
            Self::Sysrq { .. } => "sysrq",
            Self::Destroy { .. } => "destroy",
            Self::Rename { .. } => "rename",
            Self::CoreDump { .. } => "core dump",
            Self::MemoryTarget { .. } => "memory target",
            Self::MaxMemory { .. } => "maximum memory",
            Self::NeedMemory { .. } => "needed memory",
            Self::FreeMemory => "free memory",
            Self::Vcpus { .. } => "vcpus",
            Self::Attach { .. } => "attach",
            Self::Detach { .. } => "detach",
            Self::Configuration { .. } => "configuration",
            Self::Document { .. } => "document",
            Self::StoreDocument { .. } => "store document",
            Self::Monitor { .. } => "monitor",
            Self::PciAssignableAdd { .. } => "take a PCI device",
            Self::PciAssignableRemove { .. } => "give a PCI device back",
            Self::PciAssignableList => "assignable PCI devices",
            Self::Abort { .. } => "abort",
        }
    }
}
