//! A D-Bus of our own and a polkit on it that answers by a test's rules.

use std::collections::HashMap;
use std::future::poll_fn;
use std::path::Path;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use zbus::export::futures_core::Stream;
use zbus::{Connection, Message, MessageStream, OwnedVariant};

/// What polkit is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) action: String,
    pub(crate) details: HashMap<String, String>,
    /// Whether a user may be asked.
    pub(crate) interactive: bool,
}

impl Question {
    pub(crate) fn domain(&self) -> &str {
        self.details.get("domain_name").map_or("", String::as_str)
    }
}

/// What polkit answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    /// The user did not want to.
    Dismissed,
    /// A user would have to be asked.
    Challenge,
    /// Nothing, ever.
    Silence,
}

/// A bus and a polkit that end with their value.
pub(crate) struct Polkit {
    bus: Child,
    folder: tempfile::TempDir,
    asked: Arc<Mutex<Vec<Question>>>,
    cancelled: Arc<Mutex<Vec<String>>>,
}

type Subject = (String, HashMap<String, OwnedVariant>);
type Check = (Subject, String, HashMap<String, String>, u32, String);

impl Polkit {
    /// None, and a printed line, where there is no program for a bus.
    pub(crate) fn start(
        rules: impl Fn(&Question) -> Answer + Send + Sync + 'static,
    ) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let bus = start_bus(folder.path())?;
        let polkit = Self {
            bus,
            folder,
            asked: Arc::default(),
            cancelled: Arc::default(),
        };
        let (address, asked, cancelled) = (
            polkit.address(),
            Arc::clone(&polkit.asked),
            Arc::clone(&polkit.cancelled),
        );
        let (ready, wait) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let connection = own_name(&address).await;
                let mut messages = MessageStream::from(&connection);
                ready.send(()).unwrap();
                loop {
                    let next = poll_fn(|context| Pin::new(&mut messages).poll_next(context));
                    let Some(Ok(message)) = next.await else {
                        return;
                    };
                    answer(&connection, &message, &rules, &asked, &cancelled).await;
                }
            });
        });
        wait.recv().unwrap();
        Some(polkit)
    }

    /// For `DBUS_SYSTEM_BUS_ADDRESS`.
    pub(crate) fn address(&self) -> String {
        format!("unix:path={}", self.folder.path().join("bus").display())
    }

    pub(crate) fn asked(&self) -> Vec<Question> {
        self.asked.lock().unwrap().clone()
    }

    /// How many questions were taken back.
    pub(crate) fn cancelled(&self) -> usize {
        self.cancelled.lock().unwrap().len()
    }
}

impl Drop for Polkit {
    fn drop(&mut self) {
        let _ = self.bus.kill();
        let _ = self.bus.wait();
    }
}

fn start_bus(folder: &Path) -> Option<Child> {
    let config = format!(
        "<busconfig><type>custom</type><listen>unix:path={}</listen>\
         <policy context='default'><allow send_destination='*'/><allow receive_sender='*'/>\
         <allow own='*'/><allow user='*'/></policy></busconfig>",
        folder.join("bus").display()
    );
    std::fs::write(folder.join("bus.conf"), config).unwrap();
    let mut command = Command::new("dbus-daemon");
    command.arg("--nofork").arg("--config-file");
    command.arg(folder.join("bus.conf"));
    let command = command.stdin(Stdio::null()).stderr(Stdio::null());
    let Ok(bus) = command.spawn() else {
        println!("skipped: dbus-daemon is not installed");
        return None;
    };
    while std::os::unix::net::UnixStream::connect(folder.join("bus")).is_err() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    Some(bus)
}

async fn own_name(address: &str) -> Connection {
    let builder = zbus::connection::Builder::address(address);
    let connection = builder.build().await.unwrap();
    let bus = "org.freedesktop.DBus";
    let name = ("org.freedesktop.PolicyKit1", 4u32);
    let path = "/org/freedesktop/DBus";
    connection
        .call_method(Some(bus), path, Some(bus), "RequestName", &name)
        .await
        .unwrap();
    connection
}

async fn answer(
    connection: &Connection,
    message: &Message,
    rules: &impl Fn(&Question) -> Answer,
    asked: &Mutex<Vec<Question>>,
    cancelled: &Mutex<Vec<String>>,
) {
    let header = message.header();
    match header.member().map(zbus::names::MemberName::as_str) {
        Some("CancelCheckAuthorization") => {
            let id: String = message.body().deserialize().unwrap();
            cancelled.lock().unwrap().push(id);
            connection.reply(&header, &()).await.unwrap();
        }
        Some("CheckAuthorization") => {
            let (subject, action, details, flags, _): Check = message.body().deserialize().unwrap();
            assert_eq!(subject.0, "unix-process");
            assert!(subject.1.contains_key("start-time"));
            let question = Question {
                action,
                details,
                interactive: flags == 1,
            };
            let answer = rules(&question);
            asked.lock().unwrap().push(question);
            let mut words: HashMap<&str, &str> = HashMap::new();
            if answer == Answer::Dismissed {
                words.insert("polkit.dismissed", "true");
            }
            if answer != Answer::Silence {
                let allowed = answer == Answer::Yes;
                let challenge = answer == Answer::Challenge;
                let reply = ((allowed, challenge, words),);
                connection.reply(&header, &reply).await.unwrap();
            }
        }
        _ => {}
    }
}
