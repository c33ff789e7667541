//! Finding the Xen host: what was looked for, what was there, and a host on it.
//!
//! What cannot be used yet is looked for all the same, so that the report says
//! what this host would offer.

use crate::disk_snapshots::LocalDisks;
use crate::{
    Channels, Error, Finding, Folders, Host, Launch, Machine, NodeFiles, Result, Stream, Trace,
    XM_FOLDER, XenVersion,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use virtxen_guest::Uuid;
use virtxen_hypercall::evtchn::{DOMAIN_EXCEPTION, EventChannel};
use virtxen_hypercall::{Arch, Gate, Privcmd};
use virtxen_xend::transport::{DEFAULT_PORT, DEFAULT_SOCKET};
use virtxen_xend::{Connector, Deadlines, TcpPort, UnixSocket};

/// Where a host is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The machine that this runs on.
    Local,
    /// A xenstored's UNIX socket, or a xenbus node.
    XenStore(PathBuf),
    /// A XenD's UNIX socket.
    XendUnix(PathBuf),
    /// A XenD's TCP port.
    XendTcp {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
    },
}

/// Where XenD keeps inactive domains: `UUID/config.sxp` for each.
const DOMAINS: &str = "/var/lib/xend/domains";

/// Where Linux tells the hypervisor's version.
const VERSION: &str = "/sys/hypervisor/version";

/// How a host is opened.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    /// How long it may take to answer.
    pub deadlines: Deadlines,
    /// Where each request is reported.
    pub trace: Option<Trace>,
    /// The folder of xm's files, which are the inactive guests before Xen 3.0.4;
    /// `None` for [`XM_FOLDER`] on hosts of this machine.
    pub xm_folder: Option<PathBuf>,
    /// libvirt's folders, whose documents are the inactive guests where no XenD keeps
    /// them; `None` for those of this machine on its own host.
    pub folders: Option<Folders>,
    /// The program that calls libxl when it is started with [`LIBXL_WORKER`]; `None` for
    /// a host of which libxl is not to be called.
    pub libxl: Option<PathBuf>,
}

/// The word with which a program is started that is to call libxl.
pub const LIBXL_WORKER: &str = "libxl-worker";

/// Opens the host at an address.
///
/// # Errors
/// When there is none; for the local one with all that was looked for.
pub async fn open(address: &Address, deadlines: Deadlines) -> Result<Box<dyn Host>> {
    let opening = Opening {
        deadlines,
        ..Opening::default()
    };
    open_with(address, opening).await
}

/// As [`open`], with more to choose.
///
/// # Errors
/// As [`open`].
pub async fn open_with(address: &Address, opening: Opening) -> Result<Box<dyn Host>> {
    let (connector, of_machine): (Box<dyn Connector>, bool) = match address {
        Address::Local => return open_local(opening).await,
        Address::XenStore(path) => return open_xenstore(path, opening).await,
        Address::XendUnix(path) => (
            Box::new(UnixSocket::new(path)),
            path == Path::new(DEFAULT_SOCKET),
        ),
        Address::XendTcp { host, port } => (Box::new(TcpPort::new(host, *port)), false),
    };
    let folder = match opening.xm_folder {
        Some(folder) => Ok(folder),
        None if of_machine => Ok(PathBuf::from(XM_FOLDER)),
        None => Err("this XenD may be on another machine: name the folder with xm-dir".to_owned()),
    };
    let channels = Channels::new(opening.deadlines, opening.trace)
        .xend(Ok(connector))
        .xm_files(folder);
    Ok(Box::new(channels.open().await?))
}

/// A host of which only a xenstored is there. Whose it is, nobody tells: the
/// version of the Xen under this machine says nothing about it.
async fn open_xenstore(path: &Path, opening: Opening) -> Result<Box<dyn Host>> {
    let store = virtxen_xenstore::open(path).await;
    let store = store.map_err(|it| it.to_string());
    let mut channels = Channels::new(opening.deadlines, opening.trace).xenstore(store);
    if let Some(folders) = opening.folders {
        channels = channels.documents(Ok(folders.documents()));
    }
    Ok(Box::new(channels.open().await?))
}

async fn open_local(opening: Opening) -> Result<Box<dyn Host>> {
    let gate = match Privcmd::open() {
        Ok(gate) => Ok(Box::new(gate) as Box<dyn Gate>),
        Err(error) => Err(error.to_string()),
    };
    let store = virtxen_xenstore::open_first(virtxen_xenstore::DEFAULT_NODES).await;
    let store = store.map_err(|error| error.to_string());
    // With a xenstored the event is its own, and it tells more.
    let exceptions = match &store {
        Ok(_) => Err("XenStore tells".to_owned()),
        Err(_) => domain_exceptions(),
    };
    let is_xen = gate.is_ok() || store.is_ok() || Path::new(VERSION).exists();
    let (libxl, library) = find_libxl(opening.libxl);
    let folder = opening.xm_folder.unwrap_or_else(|| XM_FOLDER.into());
    let documents = opening.folders.unwrap_or_default().documents();
    let mut channels = Channels::new(opening.deadlines, opening.trace)
        .hypercalls(gate, Arch::native())
        .xenstore(store)
        .exceptions(exceptions)
        .xend(find_xend(is_xen).await)
        .libxl(libxl, library)
        .machine(Machine::local())
        .files(NodeFiles::local())
        .disks(Arc::new(LocalDisks))
        .version(kernel_version())
        .xm_files(Ok(folder))
        .documents(Ok(documents));
    if Path::new(DOMAINS).is_dir() {
        channels = channels.kept(Arc::new(|uuid| Some(is_kept(Path::new(DOMAINS), uuid))));
    }
    match channels.open().await {
        Ok(host) => Ok(Box::new(host)),
        Err(error) if is_xen => Err(error),
        Err(_) => {
            let looked: Vec<String> = look().iter().map(ToString::to_string).collect();
            Err(Error::Channel {
                channel: "xen".to_owned(),
                reason: format!("this machine has no Xen; looked for {}", looked.join(", ")),
                source: None,
            })
        }
    }
}

/// The kernel's node of the event that a domain has ended.
fn domain_exceptions() -> std::result::Result<Box<dyn Stream>, String> {
    let event = EventChannel::bind_virq(DOMAIN_EXCEPTION).map_err(|error| error.to_string())?;
    let (node, _) = event.into_parts();
    let stream = virtxen_xenstore::device_stream(node).map_err(|error| error.to_string())?;
    Ok(Box::new(stream))
}

/// The way to the XenD of this machine. Connects, and asks nothing.
async fn find_xend(is_xen: bool) -> std::result::Result<Box<dyn Connector>, String> {
    let socket = UnixSocket::new(DEFAULT_SOCKET);
    let Err(error) = socket.connect().await else {
        return Ok(Box::new(socket));
    };
    let hint = "(xend-unix-server yes) in xend-config.sxp makes it";
    let why = format!("{DEFAULT_SOCKET}: {error}; {hint}");
    // XenD can be told to serve TCP only; without Xen nobody does.
    if !is_xen {
        return Err(why);
    }
    let port = TcpPort::new("localhost", DEFAULT_PORT);
    match port.connect().await {
        Ok(_) => Ok(Box::new(port)),
        Err(error) => Err(format!("{why}; localhost:{DEFAULT_PORT}: {error}")),
    }
}

/// How libxl of the Xen that runs is called, and its file.
fn find_libxl(program: Option<PathBuf>) -> (std::result::Result<Launch, String>, String) {
    let file = match virtxen_libxl::find() {
        Ok((file, _)) => file.display().to_string(),
        Err(error) => return (Err(error.to_string()), String::new()),
    };
    let launch = program.ok_or_else(|| "nobody is named who calls it".to_owned());
    let launch = launch.map(|program| Launch::Program {
        program,
        arguments: vec![LIBXL_WORKER.into()],
    });
    (launch, file)
}

/// Whether XenD keeps the configuration of a domain in this folder.
fn is_kept(folder: &Path, uuid: Uuid) -> bool {
    folder.join(uuid.to_string()).join("config.sxp").exists()
}

/// What the kernel says of the hypervisor.
fn kernel_version() -> Option<XenVersion> {
    let text = |name: &str| std::fs::read_to_string(format!("{VERSION}/{name}")).ok();
    let number = |name: &str| text(name)?.trim().parse().ok();
    Some(XenVersion {
        major: number("major")?,
        minor: number("minor")?,
        extra: text("extra").unwrap_or_default().trim().to_owned(),
    })
}

/// Channels, where each is looked for, and what to say of it.
const PLACES: [(&str, &[&str], &str); 6] = [
    (
        "XenD",
        &[DEFAULT_SOCKET],
        "life cycle, devices, inactive guests, until Xen 4.4; \
         (xend-unix-server yes) in xend-config.sxp makes it",
    ),
    (
        "XenStore",
        virtxen_xenstore::DEFAULT_NODES,
        "names, consoles, events; for root in Domain-0",
    ),
    (
        "hypercalls",
        &["/dev/xen/privcmd", "/proc/xen/privcmd"],
        "monitoring; for root in Domain-0, with the module xen-privcmd",
    ),
    (
        "files",
        &["/sys/bus/xen-backend", "/sys/devices/xen-backend"],
        "counters of disks and interfaces; the kernel of Domain-0 has them",
    ),
    (
        "XM files",
        &[XM_FOLDER],
        "inactive guests before Xen 3.0.4; another folder with ?xm-dir=PATH",
    ),
    (
        "documents",
        &["/etc/libvirt/libxl"],
        "inactive guests from Xen 4.2 on, where no XenD keeps them; made with the first guest",
    ),
];

/// What to say of libxl, whose file is called after the release.
const LIBXL: &str = "life cycle, devices, save from Xen 4.5 on, where no XenD is; \
                     its package is called libxenmisc, xen-libs or xen-runtime";

/// Looks for every channel of the local host.
#[must_use]
pub fn look() -> Vec<Finding> {
    let places = PLACES.iter().map(|(channel, places, note)| {
        let there = places.iter().find(|place| Path::new(place).exists());
        Finding {
            channel,
            place: there.map_or_else(|| places.join(" or "), ToString::to_string),
            found: there.is_some(),
            note: (*note).to_owned(),
        }
    });
    let library = virtxen_libxl::find();
    let libxl = Finding {
        channel: "libxl",
        found: library.is_ok(),
        place: match library {
            Ok((file, _)) => file.display().to_string(),
            Err(_) => "/usr/lib/libxenlight.so.4.N and other folders".to_owned(),
        },
        note: LIBXL.to_owned(),
    };
    places.chain([libxl]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn says_what_is_missing_where() {
        let path = PathBuf::from("/nonexistent/xend-socket");
        let address = Address::XendUnix(path);
        let Err(error) = open(&address, Deadlines::default()).await else {
            panic!("a host out of nothing")
        };
        let text = error.to_string();
        assert!(text.contains("/nonexistent/xend-socket"), "{text}");
    }

    #[test]
    fn every_channel_is_looked_for() {
        let findings = look();
        assert_eq!(findings.len(), PLACES.len() + 1);
        for finding in findings {
            assert!(finding.place.starts_with('/'), "{finding}");
        }
    }

    #[test]
    fn a_kept_domain_has_its_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_kept(folder.path(), Uuid::ZERO));
        let kept = folder.path().join(Uuid::ZERO.to_string());
        std::fs::create_dir(&kept).unwrap();
        std::fs::write(kept.join("config.sxp"), "(domain)").unwrap();
        assert!(is_kept(folder.path(), Uuid::ZERO));
    }
}
