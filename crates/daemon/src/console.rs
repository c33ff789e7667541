//! Consoles of guests: one client at a time has a guest's terminal, and its bytes go
//! both ways between the terminal and the client's stream.
//!
//! How a stream looks to the client is `virtxen_rpc`'s; which terminal it is, the
//! driver's.

use rustix::fs::OFlags;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use virtxen_rpc::{RemoteError, code, origin};

/// Bytes that are read from a terminal at once.
const READ: usize = 16 << 10;
/// Parts from a client that may wait for the terminal; its session lets fewer through.
const PARTS: usize = 64;
/// How long a guest may leave what was typed unread. Without a limit a client could
/// not even hang up, because that waits behind what it typed.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who has which terminal, of all clients of the daemon.
#[derive(Debug, Default)]
pub(crate) struct Consoles {
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// The number of the claim, and how to take the terminal away.
    claims: HashMap<PathBuf, (u64, oneshot::Sender<()>)>,
    last: u64,
}

/// The right to a terminal, until it is dropped.
#[derive(Debug)]
struct Claim {
    consoles: Arc<Consoles>,
    tty: PathBuf,
    number: u64,
}

/// A terminal that is joined with a stream. Both parts end when it is dropped.
pub(crate) struct Console {
    /// What the guest writes; closed when it is gone.
    shown: mpsc::Receiver<Vec<u8>>,
    /// Whether the end of that has been told.
    ended: bool,
    /// What the client types.
    typed: mpsc::Sender<Vec<u8>>,
    /// What has become of it.
    notes: mpsc::UnboundedReceiver<Result<(), RemoteError>>,
    _tasks: JoinSet<()>,
    _claim: Claim,
}

/// Something for the client of a console.
pub(crate) enum News {
    /// The guest wrote something.
    Shown(Vec<u8>),
    /// The guest is gone.
    End,
    /// A part that the client typed has gone to the guest.
    Used,
    /// The console is lost.
    Lost(RemoteError),
}

impl Console {
    /// Opens a terminal for a client, and with `force` takes it from the one who has
    /// it.
    ///
    /// # Errors
    /// Another client has it; it is not on this machine, or no terminal.
    pub(crate) fn open(
        tty: &Path,
        consoles: &Arc<Consoles>,
        force: bool,
    ) -> Result<Self, RemoteError> {
        let (claim, taken) = consoles.claim(tty, force)?;
        let failed = |error: io::Error| {
            let message = format!("cannot open the console {}: {error}", tty.display());
            RemoteError::new(code::SYSTEM_ERROR, origin::LIBXL, message)
        };
        let file = terminal(tty).map_err(failed)?;
        let copy = file.try_clone().map_err(failed)?;
        // A pipe's ends wait for a terminal as well as for a pipe.
        let reader = Receiver::from_file_unchecked(copy).map_err(failed)?;
        let writer = Sender::from_file_unchecked(file).map_err(failed)?;
        let (show, shown) = mpsc::channel(1);
        let (typed, to_type) = mpsc::channel(PARTS);
        let (note, notes) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(read(reader, show, taken, note.clone()));
        tasks.spawn(write(writer, to_type, note));
        Ok(Self {
            shown,
            ended: false,
            typed,
            notes,
            _tasks: tasks,
            _claim: claim,
        })
    }

    /// Hands on what the client typed. False when it types faster than its session
    /// allows.
    pub(crate) fn type_in(&self, bytes: Vec<u8>) -> bool {
        self.typed.try_send(bytes).is_ok()
    }

    /// What there is for the client; what the guest wrote only when the client is
    /// `ready` for it.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>, ready: bool) -> Poll<News> {
        match self.notes.poll_recv(context) {
            Poll::Ready(Some(Ok(()))) => return Poll::Ready(News::Used),
            Poll::Ready(Some(Err(error))) => return Poll::Ready(News::Lost(error)),
            Poll::Ready(None) | Poll::Pending => {}
        }
        if self.ended || !ready {
            return Poll::Pending;
        }
        self.shown.poll_recv(context).map(|shown| match shown {
            Some(bytes) => News::Shown(bytes),
            None => {
                self.ended = true;
                News::End
            }
        })
    }
}

impl Consoles {
    fn claim(
        self: &Arc<Self>,
        tty: &Path,
        force: bool,
    ) -> Result<(Claim, oneshot::Receiver<()>), RemoteError> {
        let mut open = self.open();
        if open.claims.contains_key(tty) && !force {
            let message = "operation failed: Active console session exists for this domain";
            return Err(RemoteError::new(
                code::OPERATION_FAILED,
                origin::LIBXL,
                message,
            ));
        }
        open.last = open.last.wrapping_add(1);
        let number = open.last;
        let (take, taken) = oneshot::channel();
        if let Some((_, take)) = open.claims.insert(tty.to_owned(), (number, take)) {
            // Whoever had it may be gone already.
            let _ = take.send(());
        }
        let claim = Claim {
            consoles: Arc::clone(self),
            tty: tty.to_owned(),
            number,
        };
        Ok((claim, taken))
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut open = self.consoles.open();
        let ours = open.claims.get(&self.tty);
        if ours.is_some_and(|(number, _)| *number == self.number) {
            open.claims.remove(&self.tty);
        }
    }
}

/// Opens a terminal so that nothing waits for it, and lets all bytes through as they
/// are. Anything but a terminal is refused before it is opened.
fn terminal(tty: &Path) -> io::Result<File> {
    if !std::fs::metadata(tty)?.file_type().is_char_device() {
        return Err(io::Error::other("it is no terminal"));
    }
    let flags = (OFlags::NOCTTY | OFlags::NONBLOCK).bits();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(i32::try_from(flags).unwrap_or(0))
        .open(tty)?;
    let mut modes = tcgetattr(&file)?;
    modes.make_raw();
    tcsetattr(&file, OptionalActions::Now, &modes)?;
    Ok(file)
}

/// Reads until the guest is gone, the client is, or another one takes the terminal.
async fn read(
    mut terminal: Receiver,
    show: mpsc::Sender<Vec<u8>>,
    mut taken: oneshot::Receiver<()>,
    note: mpsc::UnboundedSender<Result<(), RemoteError>>,
) {
    let mut buffer = vec![0; READ];
    loop {
        let step = async {
            // No more is read before the client has got what there is.
            let room = show.reserve().await.ok()?;
            // A terminal whose other end is closed reads as an error.
            let count = terminal
                .read(&mut buffer)
                .await
                .ok()
                .filter(|count| *count > 0)?;
            room.send(buffer.get(..count)?.to_vec());
            Some(())
        };
        tokio::select! {
            step = step => if step.is_none() {
                return;
            },
            Ok(()) = &mut taken => {
                let message = "the console was opened by another client";
                let error = RemoteError::new(code::OPERATION_ABORTED, origin::STREAMS, message);
                let _ = note.send(Err(error));
                return;
            }
        }
    }
}

/// Writes what the client types, each part within its time.
async fn write(
    mut terminal: Sender,
    mut typed: mpsc::Receiver<Vec<u8>>,
    note: mpsc::UnboundedSender<Result<(), RemoteError>>,
) {
    while let Some(part) = typed.recv().await {
        let written = tokio::time::timeout(PATIENCE, terminal.write_all(&part)).await;
        let result = match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("cannot write to the console: {error}")),
            Err(_) => Err("the guest does not read its console".to_owned()),
        };
        let failed = result.is_err();
        let result = result
            .map_err(|message| RemoteError::new(code::OPERATION_FAILED, origin::STREAMS, message));
        if note.send(result).is_err() || failed {
            return;
        }
    }
}
