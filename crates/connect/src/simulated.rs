//! A simulated host behind the channels that a real one has: all of them, or each by
//! itself for who wants only some.
//!
//! How it answers is in `virtxen_sim`, which knows nothing of who asks.

use crate::{Error, Opened, Result};
use std::path::PathBuf;
use std::sync::Arc;
use virtxen_host::{
    Arch, Channels, Deadlines, DiskFile, DiskSnapshots, FileSource, Folders, Gate, Launch, Machine,
    NodeFiles, Store, Trace,
};
use virtxen_sim::{Release, SimHost};
use virtxen_xend::Connector;

/// A channel, or why it is missing.
type Channel<T> = std::result::Result<T, String>;
/// What a host's trait answers.
type HostResult<T> = virtxen_host::Result<T>;

/// A simulated host over the channels that a real one has.
pub(crate) async fn open(
    uri: &str,
    folders: Option<Folders>,
    trace: Option<Trace>,
) -> Result<Opened> {
    let sim = host(uri)?;
    let own = match folders {
        Some(_) => None,
        None => Some(Folder::new()?),
    };
    let own_folders = own.as_ref().map(|folder| Folders::below(&folder.path));
    let folders = folders.or(own_folders).unwrap_or_default();
    let xm_dir = match sim.options().xm_dir.clone() {
        // Where XenD keeps inactive guests nobody looks at files.
        None if sim.release() < Release::V3_0_4 => Some(made(folders.root().join("etc/xen"))?),
        given => given,
    };
    let relocation = sim.options().relocation;
    if let Some(port) = relocation {
        let taken = sim.take_domains(port).await;
        taken.map_err(|error| {
            let message = format!("Failed to take domains on port {port} of 127.0.0.1: {error}");
            Error::NoHost(message)
        })?;
    }
    let channels = Channels::new(Deadlines::default(), trace)
        .hypercalls(hypercalls(&sim), Some(Arch::X86_64))
        .xenstore(xenstore(&sim).await)
        .xend(match sim.has_xend() {
            true => Ok(xend(&sim)),
            false => Err("this release of Xen has none".to_owned()),
        })
        .libxl(libxl(&sim), "the simulated libxl")
        .machine(machine())
        .files(NodeFiles::new(
            "the simulated kernel",
            SimFiles(sim.clone()),
        ))
        .disks(Arc::new(SimDisks(sim.clone())))
        .xm_files(xm_dir.ok_or_else(|| "none is named".to_owned()))
        .documents(Ok(folders.documents()))
        .relocation(relocation)
        .kept(Arc::new(move |uuid| sim.is_managed(&uuid.to_string())))
        .simulated();
    let host = channels.open().await;
    let host =
        host.map_err(|error| Error::NoHost(format!("Failed to connect to {uri}\n{error}")))?;
    Ok(Opened {
        host: Arc::new(host),
        folders: Some(folders),
        _folder: own,
    })
}

/// The hypervisor of a simulated host; why there is none on a release that has no
/// simulated one.
///
/// # Errors
/// As said: in words, as [`Channels`] takes it.
pub fn hypercalls(sim: &SimHost) -> Channel<Box<dyn Gate>> {
    match sim.hypervisor(Arch::X86_64) {
        Some(gate) => Ok(Box::new(gate)),
        None => Err("this release is not simulated".to_owned()),
    }
}

/// A connection to the xenstored of a simulated host.
///
/// # Errors
/// Why it was not reached, in words.
pub async fn xenstore(sim: &SimHost) -> Channel<Store> {
    let xenstored = sim.xenstore().clone();
    let connect = move || xenstored.connect();
    let store = virtxen_xenstore::Memory::new("the simulated xenstored", connect);
    Store::connect(store)
        .await
        .map_err(|error| error.to_string())
}

/// What connects to the XenD of a simulated host.
#[must_use]
pub fn xend(sim: &SimHost) -> Box<dyn Connector> {
    let xend = sim.clone();
    let connect = move || std::future::ready(Ok(xend.connect()));
    Box::new(virtxen_xend::Memory::new("the simulated XenD", connect))
}

/// What starts the process that calls the libxl of a simulated host.
///
/// # Errors
/// Why there is none, in words.
pub fn libxl(sim: &SimHost) -> Channel<Launch> {
    if sim.has_xend() {
        return Err("this release of Xen has XenD".to_owned());
    }
    let sim = sim.clone();
    Ok(Launch::Stream(Box::new(move || sim.connect_libxl())))
}

/// The files of a simulated Domain-0's kernel.
struct SimFiles(SimHost);

impl FileSource for SimFiles {
    fn read(&self, path: &str, _: usize) -> std::io::Result<Vec<u8>> {
        self.0.read_file(path).map(String::into_bytes)
    }

    fn list(&self, path: &str, _: usize) -> std::io::Result<Vec<String>> {
        self.0.list_folder(path)
    }

    fn link(&self, path: &str) -> std::io::Result<String> {
        self.0.read_link(path)
    }

    fn write(&self, path: &str, text: &str) -> std::io::Result<()> {
        self.0.write_file(path, text)
    }

    fn extent(&self, path: &str) -> std::io::Result<(u64, u64)> {
        self.0.disk_extent(path)
    }

    fn read_at(&self, path: &str, offset: u64, most: usize) -> std::io::Result<Vec<u8>> {
        self.0.read_disk(path, offset, most)
    }
}

/// Snapshots of disks that no file is behind.
struct SimDisks(SimHost);

#[async_trait::async_trait]
impl DiskSnapshots for SimDisks {
    async fn take(&self, disk: &DiskFile, name: &str) -> HostResult<()> {
        told(disk, self.0.take_disk_snapshot(&disk.path, name))
    }

    async fn revert(&self, disk: &DiskFile, name: &str) -> HostResult<()> {
        told(disk, self.0.revert_disk_snapshot(&disk.path, name))
    }

    async fn remove(&self, disk: &DiskFile, name: &str) -> HostResult<Option<String>> {
        self.0.remove_disk_snapshot(&disk.path, name);
        Ok(None)
    }
}

/// What a simulated disk said, as a host says it.
fn told(disk: &DiskFile, said: std::result::Result<(), String>) -> HostResult<()> {
    said.map_err(|why| virtxen_host::Error::Refused {
        operation: "snapshot of a disk",
        reason: format!("{}: {why}", disk.path.display()),
    })
}

/// What the kernel of a simulated Domain-0 would say of itself.
pub fn machine() -> Machine {
    Machine {
        host_name: "vm".to_owned(),
        system: "Linux".to_owned(),
        kernel: "2.6.18-xen.host".to_owned(),
        machine: "x86_64".to_owned(),
    }
}

/// The simulated host of a URI.
///
/// # Errors
/// [`Error::Usage`] for an option or a release that does not exist.
pub fn host(uri: &str) -> Result<SimHost> {
    let options =
        virtxen_sim::Options::from_uri(uri).map_err(|error| Error::Usage(error.to_string()))?;
    Ok(SimHost::new(options))
}

/// A folder and those above it.
fn made(path: PathBuf) -> Result<PathBuf> {
    match std::fs::create_dir_all(&path) {
        Ok(()) => Ok(path),
        Err(source) => Err(Error::Folder { path, source }),
    }
}

/// A folder for the files of a simulated host, gone when this is dropped.
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new() -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let name = format!("virtxen-sim-{}", virtxen_guest::Uuid::random());
        let path = std::env::temp_dir().join(name);
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        match made {
            Ok(()) => Ok(Self { path }),
            Err(source) => Err(Error::Folder { path, source }),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Somebody else may have removed it.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
