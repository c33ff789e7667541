//! One connection to a process that calls libxl: the task that owns the stream, and the
//! calls that wait for their end on it. When there is one is decided in `worker`.

use crate::launch::Other;
use crate::protocol::{FromWorker, Library, Outcome, Progress, Request, RequestId};
use crate::{Error, Failure, FrameError, Frames, Operation, Result, descriptors, frame};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// How long a process has to say that it is there: it looks for a library only.
const READY_WAIT: Duration = Duration::from_secs(30);

/// How long a process that closed its stream has to end by itself.
const END_WAIT: Duration = Duration::from_secs(5);

const BUFFER: usize = 64 << 10;

/// A connection that is there.
#[derive(Clone)]
pub(crate) struct Link {
    library: Library,
    outgoing: mpsc::UnboundedSender<Outgoing>,
    waiting: Arc<Waiting>,
}

struct Outgoing {
    bytes: Vec<u8>,
    descriptors: Vec<OwnedFd>,
}

/// What a call hears.
pub(crate) enum Heard {
    Progress(Progress),
    End(Result<Outcome, Failure>),
}

#[derive(Default)]
struct Waiting {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: u64,
    calls: HashMap<RequestId, mpsc::UnboundedSender<Heard>>,
    /// What nobody waits for any more and has not ended yet, and what sets right that it
    /// was done, if it is done before it can be aborted.
    given_up: HashMap<RequestId, Option<Operation>>,
    /// Why there is nothing more to hear.
    ended: Option<Error>,
}

impl Link {
    /// Waits until the other side says that it is there. How it ends goes to `ended`.
    pub(crate) async fn open(
        stream: std::os::unix::net::UnixStream,
        other: Other,
        ended: impl FnOnce(String) + Send + 'static,
    ) -> Result<Self> {
        let (outgoing, requests) = mpsc::unbounded_channel();
        let (ready, is_ready) = oneshot::channel();
        let waiting = Arc::new(Waiting::default());
        let stream = match UnixStream::from_std(stream) {
            Ok(stream) => stream,
            Err(error) => {
                other.end(Duration::ZERO).await;
                return Err(broken(error));
            }
        };
        let task = Task {
            stream,
            frames: Frames::default(),
            ready: Some(ready),
            waiting: Arc::clone(&waiting),
            own: VecDeque::new(),
        };
        tokio::spawn(task.run(requests, other, ended));
        match is_ready.await {
            Ok(library) => Ok(Self {
                library: library?,
                outgoing,
                waiting,
            }),
            Err(_) => Err(waiting.error()),
        }
    }

    pub(crate) fn library(&self) -> &Library {
        &self.library
    }

    pub(crate) fn is_open(&self) -> bool {
        self.waiting.lock().ended.is_none()
    }

    /// Sends a request. Dropping what is returned before its end aborts it.
    pub(crate) fn ask(&self, operation: Operation, descriptors: Vec<OwnedFd>) -> Result<Asked> {
        let name = operation.name();
        let undo = undo_of(&operation);
        let (say, heard) = mpsc::unbounded_channel();
        let id = self.waiting.number();
        let bytes = frame(&Request { id, operation }).map_err(|error| Error::Request {
            operation: name,
            source: Arc::new(error),
        })?;
        self.waiting.enter(id, say)?;
        // Where the task is gone by now, the call was told so.
        let _ = self.outgoing.send(Outgoing { bytes, descriptors });
        Ok(Asked {
            link: self.clone(),
            id,
            heard,
            undo,
            over: false,
        })
    }

    /// Sends a request of whose end nobody wants to hear.
    fn tell(&self, operation: Operation) {
        let id = self.waiting.number();
        if let Ok(outgoing) = Outgoing::of(id, operation) {
            let _ = self.outgoing.send(outgoing);
        }
    }
}

impl Outgoing {
    fn of(id: RequestId, operation: Operation) -> Result<Self, FrameError> {
        Ok(Self {
            bytes: frame(&Request { id, operation })?,
            descriptors: Vec::new(),
        })
    }
}

/// What sets right that an operation was done for nobody; of one that starts a guest it
/// depends on which.
fn undo_of(operation: &Operation) -> Option<Operation> {
    match *operation {
        Operation::Save { domid, .. } => Some(Operation::Resume {
            domid,
            cancel: true,
        }),
        _ => None,
    }
}

fn to_set_right(outcome: &Outcome, undo: Option<Operation>) -> Option<Operation> {
    match *outcome {
        Outcome::Started { domid } => Some(Operation::Destroy { domid }),
        _ => undo,
    }
}

/// A request that was sent.
pub(crate) struct Asked {
    link: Link,
    id: RequestId,
    heard: mpsc::UnboundedReceiver<Heard>,
    undo: Option<Operation>,
    over: bool,
}

impl Asked {
    /// What is heard next; after an end nothing.
    pub(crate) async fn next(&mut self) -> Result<Heard> {
        let heard = self.heard.recv().await;
        self.over = !matches!(heard, Some(Heard::Progress(_)));
        heard.ok_or_else(|| self.link.waiting.error())
    }
}

impl Asked {
    /// It had ended, and this was not listened to any more.
    fn set_right(&mut self, undo: Option<&Operation>) {
        while let Ok(heard) = self.heard.try_recv() {
            if let Heard::End(Ok(outcome)) = heard
                && let Some(operation) = to_set_right(&outcome, undo.cloned())
            {
                self.link.tell(operation);
            }
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.over {
            let undo = self.undo.take();
            if self.link.waiting.give_up(self.id, undo.clone()) {
                let request = self.id;
                self.link.tell(Operation::Abort { request });
            } else {
                self.set_right(undo.as_ref());
            }
        }
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self) -> Error {
        let ended = self.lock().ended.clone();
        ended.unwrap_or_else(|| Error::Ended {
            how: "nothing more was heard".to_owned(),
        })
    }

    fn number(&self) -> RequestId {
        let mut state = self.lock();
        state.last += 1;
        RequestId(state.last)
    }

    fn enter(&self, id: RequestId, say: mpsc::UnboundedSender<Heard>) -> Result<()> {
        let mut state = self.lock();
        match &state.ended {
            Some(error) => Err(error.clone()),
            None => {
                state.calls.insert(id, say);
                Ok(())
            }
        }
    }

    /// Nobody waits for a call any more. Whether it is under way; one that has ended
    /// unheard by now is set right as it is heard of.
    fn give_up(&self, id: RequestId, undo: Option<Operation>) -> bool {
        let mut state = self.lock();
        let under_way = state.calls.remove(&id).is_some();
        if under_way {
            state.given_up.insert(id, undo);
        }
        under_way
    }

    /// Tells a call. What is returned is to be done, since nobody heard of an end that
    /// somebody has to see to.
    fn say(&self, id: RequestId, heard: Heard) -> Option<Operation> {
        let mut state = self.lock();
        let Heard::End(result) = heard else {
            if let Some(call) = state.calls.get(&id) {
                let _ = call.send(heard);
            }
            return None;
        };
        if let Some(call) = state.calls.remove(&id) {
            let _ = call.send(Heard::End(result));
            return None;
        }
        let undo = state.given_up.remove(&id)?;
        to_set_right(&result.ok()?, undo)
    }

    /// Calls find out by their end of the channel.
    fn end(&self, error: Error) {
        let mut state = self.lock();
        state.ended = Some(error);
        state.calls.clear();
        state.given_up.clear();
    }
}

/// What owns the stream.
struct Task {
    stream: UnixStream,
    frames: Frames,
    ready: Option<oneshot::Sender<Result<Library>>>,
    waiting: Arc<Waiting>,
    /// What is sent without having been asked for.
    own: VecDeque<Outgoing>,
}

/// Why a task stopped that met no error.
enum Stop {
    /// Nobody can ask any more.
    Nobody,
    /// The other side has nothing to call.
    Unavailable,
    /// The other side closed the stream.
    Closed,
}

impl Task {
    async fn run(
        mut self,
        mut requests: mpsc::UnboundedReceiver<Outgoing>,
        other: Other,
        ended: impl FnOnce(String) + Send + 'static,
    ) {
        let result = self.carry(&mut requests).await;
        drop(self.stream);
        match result {
            // It ends what it does, and then itself.
            Ok(Stop::Nobody | Stop::Unavailable) => other.wait().await,
            Ok(Stop::Closed) => {
                let how = other.end(END_WAIT).await;
                self.waiting.end(Error::Ended { how: how.clone() });
                ended(how);
            }
            Err(error) => {
                ended(error.to_string());
                self.waiting.end(error);
                other.end(Duration::ZERO).await;
            }
        }
    }

    async fn carry(&mut self, requests: &mut mpsc::UnboundedReceiver<Outgoing>) -> Result<Stop> {
        let deadline = Instant::now() + READY_WAIT;
        let mut buffer = vec![0; BUFFER];
        let mut sending = None;
        loop {
            sending = sending.or_else(|| self.own.pop_front());
            let interest = match sending {
                Some(_) => Interest::READABLE | Interest::WRITABLE,
                None => Interest::READABLE,
            };
            tokio::select! {
                next = requests.recv(), if sending.is_none() => match next {
                    Some(next) => sending = Some(next),
                    None => return Ok(Stop::Nobody),
                },
                ready = self.stream.ready(interest) => {
                    let ready = ready.map_err(broken)?;
                    if ready.is_writable() {
                        self.write(&mut sending).map_err(broken)?;
                    }
                    if ready.is_readable()
                        && let Some(stop) = self.read(&mut buffer)?
                    {
                        return Ok(stop);
                    }
                }
                () = tokio::time::sleep_until(deadline), if self.ready.is_some() => {
                    let seconds = READY_WAIT.as_secs();
                    return Err(Error::Silent { seconds });
                }
            }
        }
    }

    fn write(&self, sending: &mut Option<Outgoing>) -> io::Result<()> {
        let Some(outgoing) = sending else {
            return Ok(());
        };
        let beside: Vec<BorrowedFd<'_>> = outgoing.descriptors.iter().map(AsFd::as_fd).collect();
        let sent = self.stream.try_io(Interest::WRITABLE, || {
            descriptors::send(&self.stream, &outgoing.bytes, &beside)
        });
        match sent {
            Ok(count) => {
                outgoing.bytes.drain(..count);
                outgoing.descriptors.clear();
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // What it said before it went is still to be read.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => outgoing.bytes.clear(),
            Err(error) => return Err(error),
        }
        if outgoing.bytes.is_empty() {
            *sending = None;
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<Option<Stop>> {
        match self.stream.try_read(buffer) {
            Ok(0) => return Ok(Some(Stop::Closed)),
            Ok(count) => self.frames.push(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                return Ok(Some(Stop::Closed));
            }
            Err(error) => return Err(broken(error)),
        }
        while let Some(message) = self.frames.take().map_err(broken)? {
            if let Some(stop) = self.hear(message) {
                return Ok(Some(stop));
            }
        }
        Ok(None)
    }

    fn hear(&mut self, message: FromWorker) -> Option<Stop> {
        let answer_ready = |ready: Option<oneshot::Sender<_>>, answer| {
            if let Some(ready) = ready {
                let _ = ready.send(answer);
            }
        };
        match message {
            FromWorker::Ready { library } => answer_ready(self.ready.take(), Ok(library)),
            FromWorker::Unavailable { reason } => {
                let error = Error::Unavailable { reason };
                self.waiting.end(error.clone());
                answer_ready(self.ready.take(), Err(error));
                return Some(Stop::Unavailable);
            }
            FromWorker::Progress { id, progress } => self.say(id, Heard::Progress(progress)),
            FromWorker::Done { id, outcome } => self.say(id, Heard::End(Ok(outcome))),
            FromWorker::Failed { id, failure } => self.say(id, Heard::End(Err(failure))),
        }
        None
    }

    fn say(&mut self, id: RequestId, heard: Heard) {
        if let Some(operation) = self.waiting.say(id, heard) {
            let id = self.waiting.number();
            self.own.extend(Outgoing::of(id, operation));
        }
    }
}

/// A stream that cannot be trusted any more, with the cause in one line.
fn broken(error: impl std::error::Error) -> Error {
    let mut how = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        how = format!("{how}: {error}");
        cause = error.source();
    }
    Error::Ended { how }
}
