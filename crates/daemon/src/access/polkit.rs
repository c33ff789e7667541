//! Asks polkit, over the system's D-Bus, whether a process may do something.
//!
//! What is asked and when is in `access` and `auth`; who decides is polkit's own
//! business: its rules, or a user at the screen.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;
use zbus::{Connection, Message, Variant};

const SERVICE: &str = "org.freedesktop.PolicyKit1";
const PATH: &str = "/org/freedesktop/PolicyKit1/Authority";
const INTERFACE: &str = "org.freedesktop.PolicyKit1.Authority";

/// How long polkit may take when only rules decide.
const RULES: Duration = Duration::from_secs(5);
/// How long when a user may have to type a password.
const USER: Duration = Duration::from_secs(120);

/// `AllowUserInteraction` of `CheckAuthorization`.
const INTERACTION: u32 = 1;

/// The way to polkit. It is made when it is needed, and again when it is lost.
#[derive(Debug, Default)]
pub(crate) struct Polkit {
    bus: Mutex<Option<Connection>>,
    asked: AtomicU64,
}

/// Whom polkit is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    /// When it started, in the kernel's ticks.
    pub(crate) start: u64,
    pub(crate) uid: u32,
}

/// What polkit says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    Denied,
    /// The user who was asked did not want to.
    Dismissed,
    /// A user would have to be asked, and no program is there that could.
    NoAgent,
}

impl Polkit {
    /// Whether the process may do the action. The details are for polkit's rules; a
    /// user is asked only when this is `interactive`.
    ///
    /// # Errors
    /// Why polkit cannot be asked or did not answer in time.
    pub(crate) async fn check(
        &self,
        process: Process,
        action: &str,
        details: &[(&str, &str)],
        interactive: bool,
    ) -> Result<Verdict, String> {
        let patience = if interactive { USER } else { RULES };
        let answer = async {
            let reply = match self.ask(process, action, details, interactive).await {
                // Its bus was restarted since the last time.
                Err(error) if is_lost(&error) => {
                    *self.bus.lock().await = None;
                    self.ask(process, action, details, interactive).await
                }
                reply => reply,
            };
            reply.map_err(|error| format!("polkit cannot be asked: {error}"))
        };
        match timeout(patience, answer).await {
            Ok(reply) => verdict(&reply?),
            Err(_) => Err(format!(
                "polkit did not answer within {} s",
                patience.as_secs()
            )),
        }
    }

    async fn ask(
        &self,
        process: Process,
        action: &str,
        details: &[(&str, &str)],
        interactive: bool,
    ) -> zbus::Result<Message> {
        let bus = self.bus().await?;
        let subject = HashMap::from([
            ("pid", Variant::from(process.pid.cast_unsigned())),
            ("start-time", Variant::from(process.start)),
            ("uid", Variant::from(process.uid.cast_signed())),
        ]);
        let details: HashMap<&str, &str> = details.iter().copied().collect();
        let flags = if interactive { INTERACTION } else { 0 };
        let id = format!("virtxend-{}", self.asked.fetch_add(1, Ordering::Relaxed));
        let mut question = Question {
            bus: bus.clone(),
            id: interactive.then_some(id),
        };
        let cancel = question.id.clone().unwrap_or_default();
        let arguments = (("unix-process", subject), action, details, flags, cancel);
        let reply = bus
            .call_method(
                Some(SERVICE),
                PATH,
                Some(INTERFACE),
                "CheckAuthorization",
                &arguments,
            )
            .await;
        question.id = None;
        reply
    }

    async fn bus(&self) -> zbus::Result<Connection> {
        let mut bus = self.bus.lock().await;
        if let Some(bus) = &*bus {
            return Ok(bus.clone());
        }
        Ok(bus.insert(Connection::system().await?).clone())
    }
}

/// A question that a user may be looking at. When nobody waits for the answer any
/// more, it is taken away from him.
struct Question {
    bus: Connection,
    /// None when it is answered.
    id: Option<String>,
}

impl Drop for Question {
    fn drop(&mut self) {
        let (Some(id), bus) = (self.id.take(), self.bus.clone()) else {
            return;
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            let cancel = bus.call_method(
                Some(SERVICE),
                PATH,
                Some(INTERFACE),
                "CancelCheckAuthorization",
                &id,
            );
            let _ = timeout(RULES, cancel).await;
        });
    }
}

fn is_lost(error: &zbus::Error) -> bool {
    matches!(error, zbus::Error::InputOutput(_))
}

/// The reply: whether it is allowed, whether a user would have to be asked, and
/// further words.
fn verdict(reply: &Message) -> Result<Verdict, String> {
    let body = reply.body();
    let read: zbus::Result<(bool, bool, HashMap<String, String>)> = body.deserialize();
    let (allowed, challenge, details) =
        read.map_err(|error| format!("polkit's answer is not understood: {error}"))?;
    Ok(match (allowed, challenge) {
        (true, _) => Verdict::Allowed,
        (false, _) if details.contains_key("polkit.dismissed") => Verdict::Dismissed,
        (false, true) => Verdict::NoAgent,
        (false, false) => Verdict::Denied,
    })
}
