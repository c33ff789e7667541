//! What the commands of one call share: the connection, made when the first command
//! needs it, and the way to speak. Opening the host of a URI is in `virtxen_connect`.

use crate::error::{Context, Error, Result};
use crate::options::Args;
use crate::output::{self, Printer};
use crate::password;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;
use virtxen_connect::{Opened, Uri};
use virtxen_driver::{Connection, Domain, Driver, ListFilter, Options};
use virtxen_host::{Host, Trace};

/// The words behind the header of a listing of a simulated host.
const SIMULATED: &str = "(simulated host)";

/// The longest wait for something that is only nice to have.
const GLANCE: Duration = Duration::from_millis(300);

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
    connection: OnceCell<Reached>,
}

/// Which host is meant.
pub(crate) enum Place {
    /// One that virtxen reaches itself.
    Host(Uri),
    /// One behind a daemon.
    Daemon(virtxen_remote::Uri),
}

impl Place {
    fn parse(text: &str) -> Result<Self> {
        if virtxen_remote::Uri::is_meant(text) {
            return Ok(Self::Daemon(virtxen_remote::Uri::parse(text)?));
        }
        Ok(Self::Host(Uri::parse(text)?))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(uri) => uri.fmt(f),
            Self::Daemon(uri) => uri.fmt(f),
        }
    }
}

/// A host that was reached.
pub(crate) struct Reached {
    /// The way to it.
    pub(crate) host: Box<dyn Connection>,
    /// Its URI.
    pub(crate) place: Place,
    /// What has to stay while it is used.
    _opened: Option<Opened>,
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

    /// The host that is meant, which may not have been reached yet.
    ///
    /// # Errors
    /// For a URI that virtxen does not know.
    pub(crate) fn place(&self) -> Result<Place> {
        match self
            .uri
            .clone()
            .or_else(|| std::env::var(virtxen_connect::VARIABLE).ok())
        {
            Some(text) if !text.is_empty() => Place::parse(&text),
            _ => Ok(Place::Host(Uri::default())),
        }
    }

    /// The connection; the first call makes it.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub(crate) async fn connection(&self) -> Result<&Reached> {
        self.connection
            .get_or_try_init(|| async {
                match self.place()? {
                    Place::Host(uri) => self.open(uri).await,
                    Place::Daemon(uri) => self.open_daemon(uri).await,
                }
            })
            .await
    }

    async fn open(&self, uri: Uri) -> Result<Reached> {
        let opened = virtxen_connect::open(&uri, self.trace()).await?;
        for warning in opened.host.warnings() {
            self.printer.warning(&warning);
        }
        let options = Options {
            folders: opened.folders.clone(),
            deadline: self.timeout,
            ..Options::default()
        };
        let driver = Driver::open(Arc::clone(&opened.host), options);
        let driver = driver.with_destinations(Arc::new(virtxen_remote::Daemons));
        if opened.host.is_simulated() && !self.trace {
            // No virtxend can reach this host, which goes with this program.
            driver.take_down_ended(|_| ());
        }
        Ok(Reached {
            host: Box::new(driver),
            place: Place::Host(uri),
            _opened: Some(opened),
        })
    }

    async fn open_daemon(&self, uri: virtxen_remote::Uri) -> Result<Reached> {
        if self.trace {
            let message = "--trace shows the channels of the host itself: there is a daemon in \
                           between";
            self.printer.warning(message);
        }
        Ok(Reached {
            host: Box::new(
                virtxen_remote::Remote::open(&uri, self.timeout, password::asker()).await?,
            ),
            place: Place::Daemon(uri),
            _opened: None,
        })
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

    /// The calls of the connection.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub(crate) async fn driver(&self) -> Result<&dyn Connection> {
        Ok(&*self.connection().await?.host)
    }

    /// The host itself, for what libvirt's protocol does not carry.
    ///
    /// # Errors
    /// When it cannot be reached, or a daemon is in between.
    pub(crate) async fn direct(&self, what: &str) -> Result<&Arc<dyn Host>> {
        let connection = self.connection().await?;
        connection.host.host().ok_or_else(|| {
            let reason = format!("{what} needs the host itself: connect with xen: on it");
            Error::Unsupported(reason)
        })
    }

    /// What stands behind the header of a listing: that the host is simulated.
    pub(crate) fn remark(&self) -> Option<&'static str> {
        self.is_simulated().then_some(SIMULATED)
    }

    /// Whether the host that was reached is simulated.
    pub(crate) fn is_simulated(&self) -> bool {
        self.connection
            .get()
            .is_some_and(|connection| connection.host.is_simulated())
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
        let driver = &self.connection.get()?.host;
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
