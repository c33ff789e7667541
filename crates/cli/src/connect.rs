//! Opening the host that a URI means, and what the commands of one call share:
//! the connection, made when the first command needs it, and the way to speak.

use crate::error::{Context, Error, Result};
use crate::options::Args;
use crate::output::{self, Printer};
use crate::uri::{self, Uri};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;
use virtxen_driver::{Domain, Driver, ListFilter, Options};
use virtxen_host::{
    Address, Arch, Channels, Deadlines, FileSource, Gate, Host, Machine, NodeFiles, Opening, Store,
    Trace,
};
use virtxen_sim::{Release, SimHost};

/// The words behind the header of a listing of a simulated host.
const SIMULATED: &str = "(simulated host)";

/// The longest wait for something that is only nice to have.
const GLANCE: Duration = Duration::from_millis(300);

/// What to do where there is no Xen.
const NO_XEN: &str = "\nName the host with --connect or VIRTXEN_DEFAULT_URI: \
     xend+unix:///path, xend+tcp://host:port. To try virtxen without Xen: --connect sim:";

/// What the commands of one call share.
pub(crate) struct Session {
    /// How results are printed.
    pub(crate) printer: Printer,
    /// Warnings about a document are errors.
    pub(crate) strict: bool,
    /// The longest time that an operation may take.
    pub(crate) timeout: Option<Duration>,
    /// Each request of a channel is printed, with its time.
    pub(crate) trace: bool,
    uri: Option<String>,
    connection: OnceCell<Connection>,
}

/// A host that was reached.
pub(crate) struct Connection {
    /// The way to it.
    pub(crate) driver: Driver,
    /// Its URI.
    pub(crate) uri: Uri,
    /// What it needs on the disk.
    _folder: Option<Folder>,
}

impl Session {
    /// A session whose host is named by `uri`, else by the environment, else the
    /// Xen host that virtxen runs on.
    pub(crate) fn new(printer: Printer, uri: Option<String>) -> Self {
        Self {
            printer,
            strict: false,
            timeout: None,
            trace: false,
            uri,
            connection: OnceCell::new(),
        }
    }

    /// The host's URI, which may not have been reached yet.
    ///
    /// # Errors
    /// For a URI that virtxen does not know.
    pub(crate) fn uri(&self) -> Result<Uri> {
        match self
            .uri
            .clone()
            .or_else(|| std::env::var(uri::VARIABLE).ok())
        {
            Some(text) if !text.is_empty() => Uri::parse(&text),
            _ => Ok(Uri::Xen { xm_dir: None }),
        }
    }

    /// The connection; the first call makes it.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub(crate) async fn connection(&self) -> Result<&Connection> {
        self.connection
            .get_or_try_init(|| async {
                let uri = self.uri()?;
                let (host, folder) = open(&uri, self.trace()).await?;
                for warning in host.warnings() {
                    self.printer.warning(&warning);
                }
                let options = Options {
                    deadline: self.timeout,
                    ..Options::default()
                };
                Ok(Connection {
                    driver: Driver::open(host, options),
                    uri,
                    _folder: folder,
                })
            })
            .await
    }

    /// Prints each request of a channel, if that is wanted.
    fn trace(&self) -> Option<Trace> {
        let begin = Instant::now();
        self.trace.then(|| {
            Trace::new(move |request| {
                let sent = begin.elapsed().saturating_sub(request.took);
                output::err(&format!(
                    "trace: {:>9.3} ms + {:>8.3} ms  {}  {}\n",
                    sent.as_secs_f64() * 1e3,
                    request.took.as_secs_f64() * 1e3,
                    request.channel,
                    request.what
                ));
            })
        })
    }

    /// The driver of the connection.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub(crate) async fn driver(&self) -> Result<&Driver> {
        Ok(&self.connection().await?.driver)
    }

    /// What stands behind the header of a listing: that the host is simulated.
    pub(crate) fn remark(&self) -> Option<&'static str> {
        self.is_simulated().then_some(SIMULATED)
    }

    /// Whether the host that was reached is simulated.
    pub(crate) fn is_simulated(&self) -> bool {
        self.connection
            .get()
            .is_some_and(|connection| connection.driver.host().is_simulated())
    }

    /// The domain that a command is about.
    ///
    /// # Errors
    /// When there is none of this name, number or UUID.
    pub(crate) async fn domain(&self, args: &Args) -> Result<Domain> {
        self.find(args.required("domain")?).await
    }

    /// The domain of a name, number or UUID.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) async fn find(&self, text: &str) -> Result<Domain> {
        let driver = self.driver().await?;
        driver
            .find(text)
            .await
            .context(|| format!("failed to get domain '{text}'"))
    }

    /// Names of the domains, if the connection is open and the host answers at once.
    pub(crate) async fn known_domains(&self) -> Option<Vec<String>> {
        let driver = &self.connection.get()?.driver;
        let everything = ListFilter::default();
        let domains = tokio::time::timeout(GLANCE, driver.list(&everything))
            .await
            .ok()?
            .ok()?;
        Some(domains.into_iter().map(|domain| domain.name).collect())
    }

    /// `object` with `"simulated": true` if the host is.
    pub(crate) fn marked(&self, mut object: serde_json::Value) -> serde_json::Value {
        if self.is_simulated()
            && let Some(object) = object.as_object_mut()
        {
            object.insert("simulated".to_owned(), serde_json::Value::Bool(true));
        }
        object
    }
}

/// Opens the host of a URI.
async fn open(uri: &Uri, trace: Option<Trace>) -> Result<(Arc<dyn Host>, Option<Folder>)> {
    let (address, xm_dir) = match uri {
        Uri::Sim(uri) => return open_simulated(uri, trace).await,
        Uri::Xen { xm_dir } => (Address::Local, xm_dir.clone()),
        Uri::XenStore(path) => (Address::XenStore(path.clone()), None),
        Uri::XendUnix { socket, xm_dir } => (Address::XendUnix(socket.clone()), xm_dir.clone()),
        Uri::XendTcp { host, port } => {
            let (host, port) = (host.clone(), *port);
            (Address::XendTcp { host, port }, None)
        }
    };
    let opening = Opening {
        deadlines: Deadlines::default(),
        trace,
        xm_folder: xm_dir,
    };
    let host = virtxen_host::open_with(&address, opening)
        .await
        .map_err(|error| {
            let mut message = format!("Failed to connect to {uri}\n{error}");
            if matches!(uri, Uri::Xen { .. }) {
                message.push_str(NO_XEN);
            }
            Error::NoHost(message)
        })?;
    Ok((Arc::from(host), None))
}

/// A simulated host over the channels that a real one has.
async fn open_simulated(
    uri: &str,
    trace: Option<Trace>,
) -> Result<(Arc<dyn Host>, Option<Folder>)> {
    let sim = simulated(uri)?;
    let given = sim.options().xm_dir.clone();
    let own = match given {
        // Where XenD keeps inactive guests nobody looks at files.
        None if sim.release() < Release::V3_0_4 => Some(Folder::new()?),
        _ => None,
    };
    let xm_dir = given.or_else(|| own.as_ref().map(|folder| folder.path.clone()));
    let gate = sim.hypervisor(Arch::X86_64);
    let gate = gate.map(|gate| Box::new(gate) as Box<dyn Gate>);
    let gate = gate.ok_or_else(|| "this release is not simulated".to_owned());
    let xenstored = sim.xenstore().clone();
    let store =
        virtxen_xenstore::Memory::new("the simulated xenstored", move || xenstored.connect());
    let store = Store::connect(store)
        .await
        .map_err(|error| error.to_string());
    let xend = sim.clone();
    let connect = move || std::future::ready(Ok(xend.connect()));
    let xend = virtxen_xend::Memory::new("the simulated XenD", connect);
    let channels = Channels::new(Deadlines::default(), trace)
        .hypercalls(gate, Some(Arch::X86_64))
        .xenstore(store)
        .xend(Ok(Box::new(xend)))
        .machine(simulated_machine())
        .files(NodeFiles::new(
            "the simulated kernel",
            SimFiles(sim.clone()),
        ))
        .xm_files(xm_dir.ok_or_else(|| "none is named".to_owned()))
        .kept(Arc::new(move |uuid| sim.is_managed(&uuid.to_string())))
        .simulated();
    let host = channels.open().await;
    let host =
        host.map_err(|error| Error::NoHost(format!("Failed to connect to {uri}\n{error}")))?;
    Ok((Arc::new(host), own))
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
}

/// What the kernel of a simulated Domain-0 would say of itself.
fn simulated_machine() -> Machine {
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
pub(crate) fn simulated(uri: &str) -> Result<SimHost> {
    let options =
        virtxen_sim::Options::from_uri(uri).map_err(|error| Error::usage(error.to_string()))?;
    Ok(SimHost::new(options))
}

/// A folder for xm's files of a simulated host, gone when this is dropped.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new() -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let name = format!("virtxen-xm-{}", virtxen_guest::Uuid::random());
        let path = std::env::temp_dir().join(name);
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| Error::file("make folder", &path, error))?;
        Ok(Self { path })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Somebody else may have removed it.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
