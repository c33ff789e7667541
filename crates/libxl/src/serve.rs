//! The server's half of the protocol: requests from a stream, each done in a thread of
//! its own by a [`Toolstack`], and what it says meanwhile. What an operation does is
//! not here.

use crate::descriptors;
use crate::protocol::{FromWorker, Library, Outcome, Progress, Request, RequestId};
use crate::{Failure, FrameError, Frames, Operation, frame};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Most requests at a time: each has a thread and, with libxl, a connection to
/// xenstored.
const REQUESTS_MAX: usize = 128;

/// Most descriptors that no request has claimed yet.
const UNCLAIMED_MAX: usize = 16;

const BUFFER: usize = 64 << 10;

/// How long operations have to end once nobody listens any more.
const END_WAIT: Duration = Duration::from_secs(60);

/// How long until aborting is tried again.
const ABORT_AGAIN: Duration = Duration::from_millis(100);

/// What can do operations: libxl, or what stands in for it.
pub trait Toolstack: Send + Sync + 'static {
    /// What it is.
    fn library(&self) -> Library;

    /// Does an operation, in a thread of its own, and waits until it is done. One that
    /// sets [`Call::on_abort`] takes it back before it returns.
    /// There are as many descriptors as [`Operation::descriptors`] says.
    ///
    /// # Errors
    /// Why it failed.
    fn perform(
        &self,
        operation: Operation,
        descriptors: Vec<OwnedFd>,
        call: &Call,
    ) -> Result<Outcome, Failure>;
}

/// A request while it is done.
pub struct Call {
    id: RequestId,
    said: Arc<Speaker>,
    abort: Mutex<Abort>,
    /// Of no use once nobody waits for it; what else was begun is better done.
    is_for_asker: bool,
}

#[derive(Default)]
struct Abort {
    wanted: bool,
    action: Option<Box<dyn Fn() -> bool + Send>>,
}

impl Call {
    /// Says how far it is.
    pub fn progress(&self, progress: Progress) {
        let id = self.id;
        self.said.say(&FromWorker::Progress { id, progress });
    }

    /// Whether whoever asked for it wants no more of it.
    #[must_use]
    pub fn is_aborted(&self) -> bool {
        lock(&self.abort).wanted
    }

    /// Sets what is done, in another thread, when it is aborted or was already. It
    /// returns whether there was something to abort: it is tried again for as long as
    /// there was not. It replaces what was set before.
    pub fn on_abort(&self, action: impl Fn() -> bool + Send + 'static) {
        lock(&self.abort).action = Some(Box::new(action));
    }

    /// It can no longer be aborted. What was set is not running when this returns.
    pub fn no_abort(&self) {
        lock(&self.abort).action = None;
    }

    fn abort(&self) -> bool {
        let mut abort = lock(&self.abort);
        abort.wanted = true;
        abort.action.as_ref().is_some_and(|action| action())
    }
}

/// Answers requests until the other side closes the stream; then what is under way has a
/// minute to end, and guests that are being started or written are given up.
///
/// # Errors
/// When the stream fails, or says what nobody means.
pub fn serve(stream: &UnixStream, toolstack: Arc<dyn Toolstack>) -> Result<(), FrameError> {
    stream.set_nonblocking(false)?;
    let said = Arc::new(Speaker {
        stream: Mutex::new(stream.try_clone()?),
    });
    said.say(&FromWorker::Ready {
        library: toolstack.library(),
    });
    let server = Server {
        toolstack,
        said,
        calls: Arc::default(),
    };
    let result = server.read(stream);
    server.end();
    let _ = stream.shutdown(Shutdown::Both);
    result
}

/// Tells the other side why nothing can be done.
///
/// # Errors
/// When the stream fails.
pub fn refuse(stream: &UnixStream, reason: &str) -> Result<(), FrameError> {
    stream.set_nonblocking(false)?;
    let reason = reason.to_owned();
    let bytes = frame(&FromWorker::Unavailable { reason })?;
    Ok(send_all(stream, &bytes)?)
}

struct Server {
    toolstack: Arc<dyn Toolstack>,
    said: Arc<Speaker>,
    calls: Arc<Calls>,
}

/// Requests under way.
#[derive(Default)]
struct Calls {
    all: Mutex<BTreeMap<RequestId, Arc<Call>>>,
    ended: Condvar,
}

impl Server {
    fn read(&self, stream: &UnixStream) -> Result<(), FrameError> {
        let mut frames = Frames::default();
        let mut buffer = vec![0; BUFFER];
        let (mut came, mut unclaimed) = (Vec::new(), VecDeque::new());
        loop {
            let count = descriptors::receive(stream, &mut buffer, &mut came)?;
            if count == 0 {
                return Ok(());
            }
            unclaimed.extend(came.drain(..));
            frames.push(buffer.get(..count).unwrap_or_default());
            while let Some(request) = frames.take::<Request>()? {
                let needed = request.operation.descriptors();
                let missing = needed > unclaimed.len();
                let claimed: Vec<OwnedFd> =
                    unclaimed.drain(..needed.min(unclaimed.len())).collect();
                if missing {
                    self.fail(request.id, "a descriptor is missing");
                } else {
                    self.begin(request, claimed);
                }
            }
            if unclaimed.len() > UNCLAIMED_MAX {
                return Err(FrameError::Descriptors);
            }
        }
    }

    fn begin(&self, request: Request, descriptors: Vec<OwnedFd>) {
        let id = request.id;
        if let Operation::Abort { request } = request.operation {
            self.abort(request);
            let outcome = Outcome::Done;
            return self.said.say(&FromWorker::Done { id, outcome });
        }
        let call = Arc::new(Call {
            id,
            said: Arc::clone(&self.said),
            abort: Mutex::default(),
            is_for_asker: matches!(
                request.operation,
                Operation::Create { .. }
                    | Operation::Restore { .. }
                    | Operation::Save { .. }
                    | Operation::CoreDump { .. }
            ),
        });
        let mut calls = lock(&self.calls.all);
        if calls.contains_key(&id) {
            drop(calls);
            return self.fail(id, "another request has this number");
        }
        if calls.len() >= REQUESTS_MAX {
            drop(calls);
            return self.fail(
                id,
                &format!("{REQUESTS_MAX} operations are under way already"),
            );
        }
        calls.insert(id, Arc::clone(&call));
        drop(calls);
        let toolstack = Arc::clone(&self.toolstack);
        let ending = Ending {
            calls: Arc::clone(&self.calls),
            said: Arc::clone(&self.said),
            id,
            result: None,
        };
        let work = move || {
            let result = toolstack.perform(request.operation, descriptors, &call);
            call.no_abort();
            ending.with(result);
        };
        let thread = std::thread::Builder::new().name(format!("request {}", id.0));
        // Without a thread the work is dropped, and with it what says that it ended.
        let _ = thread.spawn(work);
    }

    /// An operation may be between two of its steps, so that there is nothing to abort
    /// at this moment.
    fn abort(&self, id: RequestId) {
        let calls = Arc::clone(&self.calls);
        let again = move || {
            loop {
                let call = lock(&calls.all).get(&id).cloned();
                if call.is_none_or(|call| call.abort()) {
                    return;
                }
                std::thread::sleep(ABORT_AGAIN);
            }
        };
        let thread = std::thread::Builder::new().name(format!("abort {}", id.0));
        let _ = thread.spawn(again);
    }

    fn fail(&self, id: RequestId, reason: &str) {
        let failure = Failure::request(reason);
        self.said.say(&FromWorker::Failed { id, failure });
    }

    /// What is under way ends before the process does: a guest that is half built
    /// would stay.
    fn end(&self) {
        let of_no_use: Vec<RequestId> = {
            let all = lock(&self.calls.all);
            let all = all.iter().filter(|(_, call)| call.is_for_asker);
            all.map(|(id, _)| *id).collect()
        };
        for id in of_no_use {
            self.abort(id);
        }
        let calls = lock(&self.calls.all);
        let wait = self
            .calls
            .ended
            .wait_timeout_while(calls, END_WAIT, |calls| !calls.is_empty());
        drop(wait);
    }
}

/// Takes a request off the list and says how it ended, also when its thread ended
/// badly or there was none.
struct Ending {
    calls: Arc<Calls>,
    said: Arc<Speaker>,
    id: RequestId,
    result: Option<Result<Outcome, Failure>>,
}

impl Ending {
    fn with(mut self, result: Result<Outcome, Failure>) {
        self.result = Some(result);
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let id = self.id;
        let result = self.result.take();
        let nothing = || Err(Failure::request("its thread ended without a result"));
        let message = match result.unwrap_or_else(nothing) {
            Ok(outcome) => FromWorker::Done { id, outcome },
            Err(failure) => FromWorker::Failed { id, failure },
        };
        // First: whoever hears of the end may ask for the next.
        lock(&self.calls.all).remove(&id);
        self.said.say(&message);
        self.calls.ended.notify_all();
    }
}

/// The stream's other direction.
struct Speaker {
    stream: Mutex<UnixStream>,
}

impl Speaker {
    /// Whoever went away misses it: the reader finds out.
    fn say(&self, message: &FromWorker) {
        let bytes = frame(message).or_else(|error| match message {
            FromWorker::Done { id, .. } | FromWorker::Failed { id, .. } => {
                let failure = Failure::request(format!("the answer: {error}"));
                frame(&FromWorker::Failed { id: *id, failure })
            }
            _ => Err(error),
        });
        if let Ok(bytes) = bytes {
            let _ = send_all(&lock(&self.stream), &bytes);
        }
    }
}

fn send_all(stream: &UnixStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = descriptors::send(stream, bytes, &[])?;
        bytes = bytes.get(count..).unwrap_or_default();
    }
    Ok(())
}

/// What a thread that ended badly left is whole: each change is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
