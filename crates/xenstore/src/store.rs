//! A xenstored, shared by any number of callers.
//!
//! One task owns the connection and keeps many requests in flight. When the
//! connection ends, callers that wait get one clear error, the next call or the
//! next second connects anew, and watches are set again with a resync for their
//! listeners. What a watch tells is in `watch`.

use crate::error::{Error, Result};
use crate::open::Connector;
use crate::watch::Listener;
use crate::wire::{self, Kind, Permission};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// How long a call waits for its answer unless told otherwise.
const DEADLINE: Duration = Duration::from_secs(5);

/// How often a directory is read again because it changed between its parts.
const DIRECTORY_ATTEMPTS: u32 = 16;

/// Is told of each request: what was asked, with the error if it failed, and how
/// long the answer took.
pub type Observer = Arc<dyn Fn(&str, Duration) + Send + Sync>;

/// A xenstored. Clones share one connection.
#[derive(Clone)]
pub struct Store {
    pub(crate) commands: mpsc::UnboundedSender<Command>,
    deadline: Duration,
    node: Arc<str>,
    pub(crate) tokens: Arc<AtomicU64>,
    observer: Option<Observer>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let node = &self.node;
        f.debug_struct("Store")
            .field("node", node)
            .finish_non_exhaustive()
    }
}

/// What callers ask of the task that owns the connection.
#[derive(Debug)]
pub(crate) enum Command {
    /// Sends a request.
    Call {
        kind: Kind,
        /// Connection and number of the transaction.
        transaction: Option<(u64, u32)>,
        texts: Vec<Vec<u8>>,
        /// Gets the payload and the connection it came over.
        reply: oneshot::Sender<Result<(Vec<u8>, u64)>>,
    },
    /// Adds a watch; it outlives the connection.
    Watch {
        path: String,
        token: String,
        listener: Listener,
        reply: oneshot::Sender<Result<()>>,
    },
    /// Removes a watch.
    Unwatch { token: String },
}

impl Store {
    /// A store over connections that `connector` makes; connects once to see that
    /// somebody is there. Has to be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub async fn connect(connector: impl Connector) -> Result<Self> {
        let node: Arc<str> = connector.address().into();
        let unreachable = |reason: String| Error::Unreachable {
            tried: vec![reason],
        };
        let stream = tokio::time::timeout(DEADLINE, connector.connect())
            .await
            .map_err(|_| unreachable(format!("{node}: no connection within 5 s")))?
            .map_err(|error| unreachable(format!("{node}: {error}")))?;
        let (commands, queue) = mpsc::unbounded_channel();
        tokio::spawn(crate::task::run(Box::new(connector), stream, queue));
        let tokens = Arc::new(AtomicU64::new(0));
        Ok(Self {
            commands,
            deadline: DEADLINE,
            node,
            tokens,
            observer: None,
        })
    }

    /// The same store, with each request reported to `observer`.
    #[must_use]
    pub fn with_observer(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The same store with another deadline for each call.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Socket or device of the xenstored.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    /// The value of a node.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Denied`] and what every call can meet.
    pub async fn read(&self, path: &str) -> Result<Vec<u8>> {
        self.call(Kind::Read, None, &[path.as_bytes()]).await
    }

    /// The value of a node as text; `None` when there is no such node.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn read_text(&self, path: &str) -> Result<Option<String>> {
        match self.read(path).await {
            Ok(value) => Ok(Some(String::from_utf8_lossy(&value).into_owned())),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The values of many nodes as text, in their order, all asked for at once;
    /// `None` where there is no such node. One deadline holds for all.
    ///
    /// # Errors
    /// As [`Store::read`], for the first node that fails.
    pub async fn read_texts(&self, paths: &[String]) -> Result<Vec<Option<String>>> {
        let values = self.ask_all(Kind::Read, paths).await?;
        let text = |value: Result<Vec<u8>>| match value {
            Ok(value) => Ok(Some(String::from_utf8_lossy(&value).into_owned())),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        };
        values.into_iter().map(text).collect()
    }

    /// Names of the nodes below each of these, in their order, all asked for at once;
    /// none where there is no such node. One deadline holds for all.
    ///
    /// # Errors
    /// As [`Store::directory`], for the first one that fails.
    pub async fn directories(&self, paths: &[String]) -> Result<Vec<Vec<String>>> {
        let mut lists = Vec::with_capacity(paths.len());
        let answers = self.ask_all(Kind::Directory, paths).await?;
        for (path, answer) in paths.iter().zip(answers) {
            lists.push(match answer {
                Ok(payload) => names(&payload),
                Err(Error::NotFound { .. }) => Vec::new(),
                Err(Error::Refused { errno, .. }) if errno == "E2BIG" => {
                    self.big_directory(path).await?
                }
                Err(error) => return Err(error),
            });
        }
        Ok(lists)
    }

    /// Asks the same of many nodes at once, before the first answer is read.
    async fn ask_all(&self, kind: Kind, paths: &[String]) -> Result<Vec<Result<Vec<u8>>>> {
        let begin = Instant::now();
        let limit = tokio::time::Instant::now() + self.deadline;
        let mut answers = Vec::with_capacity(paths.len());
        for path in paths {
            let (reply, answer) = oneshot::channel();
            self.send(Command::Call {
                kind,
                transaction: None,
                texts: vec![path.as_bytes().to_vec()],
                reply,
            })?;
            answers.push(answer);
        }
        let mut values = Vec::with_capacity(paths.len());
        for (path, answer) in paths.iter().zip(answers) {
            let answer = tokio::time::timeout_at(limit, answer).await;
            let result = self.answered(kind, path.as_bytes(), answer);
            self.observe(kind, path.as_bytes(), begin, &result);
            values.push(result.map(|(value, _)| value));
        }
        Ok(values)
    }

    /// Writes a node, making it and its parents where they are missing.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::Quota`] and what every call can meet.
    pub async fn write(&self, path: &str, value: &[u8]) -> Result<()> {
        self.call(Kind::Write, None, &[path.as_bytes(), value])
            .await
            .map(drop)
    }

    /// Makes a node with an empty value; one that exists stays as it is.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn mkdir(&self, path: &str) -> Result<()> {
        self.call(Kind::Mkdir, None, &[path.as_bytes()])
            .await
            .map(drop)
    }

    /// Removes a node and all below it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when also the parent is missing.
    pub async fn remove(&self, path: &str) -> Result<()> {
        self.call(Kind::Rm, None, &[path.as_bytes()])
            .await
            .map(drop)
    }

    /// Names of the nodes directly below one, sorted as xenstored has them.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn directory(&self, path: &str) -> Result<Vec<String>> {
        match self.call(Kind::Directory, None, &[path.as_bytes()]).await {
            Ok(payload) => Ok(names(&payload)),
            // Xen 4.9 and later; older ones cut no reply and so have no such node.
            Err(Error::Refused { errno, .. }) if errno == "E2BIG" => self.big_directory(path).await,
            Err(error) => Err(error),
        }
    }

    /// Permissions of a node: its owner first.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn permissions(&self, path: &str) -> Result<Vec<Permission>> {
        let payload = self.call(Kind::GetPerms, None, &[path.as_bytes()]).await?;
        names(&payload)
            .iter()
            .map(|text| Permission::decode(text).ok_or(Error::Protocol("a malformed permission")))
            .collect()
    }

    /// Sets the permissions of a node.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn set_permissions(&self, path: &str, permissions: &[Permission]) -> Result<()> {
        let encoded: Vec<String> = permissions.iter().map(|one| one.encode()).collect();
        let mut texts = vec![path.as_bytes()];
        texts.extend(encoded.iter().map(String::as_bytes));
        self.call(Kind::SetPerms, None, &texts).await.map(drop)
    }

    /// Home of a domain, `/local/domain/N`.
    ///
    /// # Errors
    /// What every call can meet.
    pub async fn domain_path(&self, domid: u32) -> Result<String> {
        let payload = self
            .call(Kind::GetDomainPath, None, &[domid.to_string().as_bytes()])
            .await?;
        names(&payload)
            .pop()
            .ok_or(Error::Protocol("a domain path that is empty"))
    }

    pub(crate) async fn call(
        &self,
        kind: Kind,
        transaction: Option<(u64, u32)>,
        texts: &[&[u8]],
    ) -> Result<Vec<u8>> {
        Ok(self.call_on(kind, transaction, texts).await?.0)
    }

    /// [`call`](Self::call) that also tells the connection.
    pub(crate) async fn call_on(
        &self,
        kind: Kind,
        transaction: Option<(u64, u32)>,
        texts: &[&[u8]],
    ) -> Result<(Vec<u8>, u64)> {
        let (reply, answer) = oneshot::channel();
        let owned = texts.iter().map(|text| text.to_vec()).collect();
        self.send(Command::Call {
            kind,
            transaction,
            texts: owned,
            reply,
        })?;
        self.wait(kind, texts.first().copied().unwrap_or_default(), answer)
            .await
    }

    pub(crate) fn send(&self, command: Command) -> Result<()> {
        self.commands.send(command).map_err(|_| self.ended())
    }

    pub(crate) async fn wait<T>(
        &self,
        kind: Kind,
        path: &[u8],
        answer: oneshot::Receiver<Result<T>>,
    ) -> Result<T> {
        let begin = Instant::now();
        let answer = tokio::time::timeout(self.deadline, answer).await;
        let result = self.answered(kind, path, answer);
        self.observe(kind, path, begin, &result);
        result
    }

    fn answered<T>(
        &self,
        kind: Kind,
        path: &[u8],
        answer: std::result::Result<
            std::result::Result<Result<T>, oneshot::error::RecvError>,
            tokio::time::error::Elapsed,
        >,
    ) -> Result<T> {
        match answer {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(self.ended()),
            Err(_) => Err(Error::Timeout {
                operation: kind.name(),
                path: String::from_utf8_lossy(path).into_owned(),
                limit: self.deadline,
            }),
        }
    }

    fn observe<T>(&self, kind: Kind, path: &[u8], begin: Instant, result: &Result<T>) {
        let Some(observer) = &self.observer else {
            return;
        };
        let mut what = format!("{} {}", kind.name(), String::from_utf8_lossy(path));
        if let Err(error) = result {
            what.push_str(&format!(": {error}"));
        }
        observer(&what, begin.elapsed());
    }

    fn ended(&self) -> Error {
        let reason = "the runtime that owned it has ended".to_owned();
        Error::Disconnected {
            node: self.node.to_string(),
            reason,
        }
    }

    /// A directory whose names do not fit in one packet, part by part. A part
    /// begins with a generation; when it changes, all begins anew.
    async fn big_directory(&self, path: &str) -> Result<Vec<String>> {
        let mut list: Vec<u8> = Vec::new();
        let mut generation: Option<Vec<u8>> = None;
        let mut attempts = 1;
        loop {
            let offset = list.len().to_string();
            let texts = [path.as_bytes(), offset.as_bytes()];
            let payload = self.call(Kind::DirectoryPart, None, &texts).await?;
            let end = payload.iter().position(|b| *b == 0);
            let (stamp, part) = end
                .and_then(|at| Some((payload.get(..at)?, payload.get(at + 1..)?)))
                .ok_or(Error::Protocol("a part of a directory without generation"))?;
            if generation.as_deref().is_some_and(|first| first != stamp) {
                attempts += 1;
                if attempts > DIRECTORY_ATTEMPTS {
                    return Err(Error::ConflictLimit {
                        attempts: DIRECTORY_ATTEMPTS,
                    });
                }
                generation = None;
                list.clear();
                continue;
            }
            generation = Some(stamp.to_vec());
            list.extend_from_slice(part);
            // An empty name ends the last part.
            if part.is_empty() || part == [0] || part.ends_with(&[0, 0]) {
                while list.last() == Some(&0) {
                    list.pop();
                }
                return Ok(names(&list));
            }
        }
    }
}

fn names(payload: &[u8]) -> Vec<String> {
    wire::texts(payload)
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .collect()
}
