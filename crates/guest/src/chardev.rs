//! Character devices: serial and parallel ports, consoles, channels.
//!
//! All four are a [`Chardev`]; the list of [`Devices`](crate::Devices) that it is
//! in says which one.

use crate::words::words;
use crate::{DeviceInfo, Element};

/// A character device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chardev {
    /// The host's end.
    pub source: ChardevSource,
    /// The guest's end.
    pub target: ChardevTarget,
    /// Alias, address, known parts without effect.
    pub info: DeviceInfo,
}

/// The guest's end of a character device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChardevTarget {
    /// Kind of device: of consoles and channels, seldom of serial ports.
    pub kind: Option<ChardevTargetType>,
    /// Number of the port, from 0; `None` leaves it to the order.
    pub port: Option<u32>,
    /// Name of a channel.
    pub name: Option<String>,
}

words! {
    /// Kind of a character device in the guest.
    ChardevTargetType {
        /// Console on a serial port:
        Serial = "serial",
        /// Xen's console or channel:
        Xen = "xen",
        Uml = "uml",
        Virtio = "virtio",
        Lxc = "lxc",
        Openvz = "openvz",
        Sclp = "sclp",
        Sclplm = "sclplm",
        Guestfwd = "guestfwd",
        IsaSerial = "isa-serial",
        UsbSerial = "usb-serial",
        PciSerial = "pci-serial",
        SpaprVioSerial = "spapr-vio-serial",
        SystemSerial = "system-serial",
        SclpSerial = "sclp-serial",
        IsaDebug = "isa-debug",
    }
}

/// The host's end of a character device.
#[derive(Clone, Debug, PartialEq)]
pub enum ChardevSource {
    /// Nowhere.
    Null,
    /// A virtual console of the device model.
    Vc,
    /// A pseudo terminal.
    Pty {
        /// Its path, while the guest runs.
        path: Option<String>,
    },
    /// A character device of the host.
    Dev {
        /// Its path.
        path: String,
    },
    /// A file.
    File {
        /// Its path.
        path: String,
        /// Whether the file is continued.
        append: Option<bool>,
    },
    /// A named pipe.
    Pipe {
        /// Its path.
        path: String,
    },
    /// Standard input and output of the device model.
    Stdio,
    /// A TCP connection.
    Tcp {
        /// Who connects.
        mode: SocketMode,
        /// Host name or address; none means all when it listens.
        host: Option<String>,
        /// Port, a number or a service name.
        service: String,
        /// What is spoken.
        protocol: Option<TcpProtocol>,
    },
    /// UDP packets.
    Udp {
        /// Where packets go: host.
        connect_host: Option<String>,
        /// Where packets go: port.
        connect_service: Option<String>,
        /// Where packets are taken: address.
        bind_host: Option<String>,
        /// Where packets are taken: port.
        bind_service: Option<String>,
    },
    /// A UNIX socket.
    Unix {
        /// Who connects; libvirt reads none as `connect`.
        mode: Option<SocketMode>,
        /// Its path; libvirt generates one for channels.
        path: Option<String>,
    },
    /// Another type of libvirt (`spicevmc`, `spiceport`, `nmdm`, `dbus`, …).
    Other {
        /// The type.
        kind: String,
        /// The sources as they are written.
        sources: Vec<Element>,
    },
}

impl Default for ChardevSource {
    fn default() -> Self {
        Self::Pty { path: None }
    }
}

impl ChardevSource {
    /// libvirt's word for the type.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Null => "null",
            Self::Vc => "vc",
            Self::Pty { .. } => "pty",
            Self::Dev { .. } => "dev",
            Self::File { .. } => "file",
            Self::Pipe { .. } => "pipe",
            Self::Stdio => "stdio",
            Self::Tcp { .. } => "tcp",
            Self::Udp { .. } => "udp",
            Self::Unix { .. } => "unix",
            Self::Other { kind, .. } => kind,
        }
    }
}

words! {
    /// Who connects.
    SocketMode {
        /// The host's end connects:
        Connect = "connect",
        /// The host's end listens:
        Bind = "bind",
    }
}

words! {
    /// What is spoken over TCP.
    TcpProtocol { Raw = "raw", Telnet = "telnet", Telnets = "telnets", Tls = "tls" }
}
