//! The daemon's life: it listens until a signal says what is next. SIGHUP has it read
//! its settings again, SIGUSR2 replaces the program, SIGTERM and SIGINT end it.
//!
//! What a client does meanwhile is in `connection`.

use crate::clients::Daemon;
use crate::error::Result;
use crate::inherit;
use crate::listen::Socket;
use crate::notify::notify;
use crate::options::Options;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How often to look whether the last job has ended.
const LOOK: Duration = Duration::from_millis(20);

/// What happened to the daemon.
enum News {
    Reload,
    Replace,
    Stop,
}

/// The signals that are waited for. Before it is made they end the process.
pub(crate) struct Signals {
    hangup: Signal,
    replace: Signal,
    terminate: Signal,
    interrupt: Signal,
}

/// Lets clients in until the daemon has to end, or there is none for so long as the
/// options say.
///
/// # Errors
/// When the program cannot be replaced.
pub(crate) async fn live(
    daemon: &Arc<Daemon>,
    sockets: Vec<Socket>,
    options: &Options,
    mut signals: Signals,
    program: Option<PathBuf>,
) -> Result<()> {
    let sockets: Vec<Arc<Socket>> = sockets.into_iter().map(Arc::new).collect();
    let mut accepting = accept(daemon, &sockets);
    notify("READY=1");
    loop {
        let news = tokio::select! {
            news = signals.next() => news,
            () = daemon.idle(options.timeout) => News::Stop,
        };
        match (news, &program) {
            (News::Reload, _) => reload(daemon, options),
            (News::Replace, Some(program)) if inherit::is_good(program).await => {
                reloading();
                accepting.shutdown().await;
                end(daemon, &mut signals).await;
                return Err(inherit::replace(program, &sockets));
            }
            (News::Replace, _) => {
                tracing::warn!("it cannot be replaced: its program does not answer --version");
            }
            (News::Stop, _) => break,
        }
    }
    notify("STOPPING=1");
    accepting.shutdown().await;
    drop(sockets);
    end(daemon, &mut signals).await;
    Ok(())
}

fn accept(daemon: &Arc<Daemon>, sockets: &[Arc<Socket>]) -> JoinSet<()> {
    let mut accepting = JoinSet::new();
    for socket in sockets {
        accepting.spawn(Arc::clone(daemon).accept(Arc::clone(socket)));
    }
    accepting
}

/// Reads the settings again; those that are wrong change nothing.
fn reload(daemon: &Daemon, options: &Options) {
    reloading();
    match daemon.reload(options) {
        Ok(()) => tracing::info!("the settings have been read again"),
        Err(error) => tracing::warn!("the settings stay as they are: {error}"),
    }
    notify("READY=1");
}

/// Tells systemd that the daemon is busy with itself, and since when.
fn reloading() {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let microseconds = now.tv_sec * 1_000_000 + now.tv_nsec / 1000;
    notify(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}"));
}

/// Has clients leave when their calls have ended, and waits for them and for jobs whose
/// clients left before. A second signal and the settings end the patience.
async fn end(daemon: &Daemon, signals: &mut Signals) {
    let patience = daemon.patience();
    let deadline = Instant::now() + patience;
    let ended = async {
        daemon.send_away().await;
        while !daemon.jobs().is_empty() {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::select! {
        () = ended => return,
        () = tokio::time::sleep_until(deadline) => {
            tracing::warn!("not everything has ended in {} s", patience.as_secs());
        }
        _ = signals.stop() => tracing::warn!("a second signal ends it at once"),
    }
    for (domain, job) in daemon.jobs() {
        let verb = job.operation.verb();
        let seconds = job.started.elapsed().as_secs();
        tracing::warn!("left alone: {verb} of {domain}, since {seconds} s");
    }
}

impl Signals {
    /// Begins to wait for them.
    ///
    /// # Errors
    /// When the runtime cannot.
    pub(crate) fn new() -> Result<Self> {
        let wait = |kind| signal(kind).map_err(crate::error::Error::Start);
        Ok(Self {
            hangup: wait(SignalKind::hangup())?,
            replace: wait(SignalKind::user_defined2())?,
            terminate: wait(SignalKind::terminate())?,
            interrupt: wait(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> News {
        tokio::select! {
            _ = self.hangup.recv() => News::Reload,
            _ = self.replace.recv() => News::Replace,
            _ = self.terminate.recv() => News::Stop,
            _ = self.interrupt.recv() => News::Stop,
        }
    }

    /// Waits until the daemon is asked to end.
    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
