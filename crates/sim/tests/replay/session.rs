//! One recording against one host, in time that costs none.
//!
//! The clock stands still while anything runs and jumps when all wait, so that the
//! recorder's waits (settling, time-outs, the age that a guest needs to reboot) pass
//! at once.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{sleep, timeout};
use virtxen_sim::{Options, Release, SimHost};

use crate::normal::normal;
use crate::recording::{Exchange, Recording};

/// What the recorder waited between requests, for things to settle.
const SETTLE: Duration = Duration::from_millis(1500);
/// What passes when it asked at once.
const AT_ONCE: Duration = Duration::from_millis(120);
/// Age of a guest before its reboot: XenD refuses to restart younger ones.
const AGE: Duration = Duration::from_secs(70);
/// From an order to reboot until the guest is there again.
const RESTART: Duration = Duration::from_secs(10);
/// When a reply no longer comes.
const NO_REPLY: Duration = Duration::from_secs(200);
/// When the recorder gave up.
const GAVE_UP: Duration = Duration::from_secs(6);

/// A request with both replies.
pub(crate) struct Outcome {
    /// `057-pv1-paused`.
    pub(crate) name: String,
    recorded: String,
    simulated: String,
}

impl Outcome {
    /// The replies are the same.
    pub(crate) fn matches(&self) -> bool {
        self.recorded == self.simulated
    }

    /// Prints the difference if it was asked for.
    pub(crate) fn show(&self, folder: &str) {
        let Ok(wanted) = std::env::var("VIRTXEN_REPLAY") else {
            return;
        };
        if format!("{folder}/{}", self.name).starts_with(&wanted) || wanted == "all" {
            println!("--- {folder}/{}", self.name);
            println!(
                "recorded:  {}",
                self.recorded.replace("\r\n", "\n           ")
            );
            println!(
                "simulated: {}",
                self.simulated.replace("\r\n", "\n           ")
            );
        }
    }
}

/// Sends every request in order.
pub(crate) fn replay(recording: &Recording) -> Vec<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut session = Session::new(recording);
        let mut outcomes = Vec::new();
        for (index, exchange) in recording.exchanges.iter().enumerate() {
            let simulated = session.send(recording, index).await;
            outcomes.push(Outcome {
                name: exchange.name.clone(),
                recorded: normal(&exchange.reply),
                simulated: normal(&simulated),
            });
        }
        outcomes
    })
}

struct Session {
    host: SimHost,
    /// The connection of the request before, which the next may want to use again.
    last: Option<DuplexStream>,
    /// A create that takes long, begun before requests that are listed before it.
    slow: Option<DuplexStream>,
}

impl Session {
    fn new(recording: &Recording) -> Self {
        let version = recording.folder.trim_end_matches("-extras");
        let options = Options {
            release: Release::parse(version).unwrap(),
            ..Options::default()
        };
        Self {
            host: SimHost::new(options),
            last: None,
            slow: None,
        }
    }

    async fn send(&mut self, recording: &Recording, index: usize) -> Vec<u8> {
        let exchange = &recording.exchanges[index];
        if exchange.name.contains("same-connection") {
            return self.send_again(exchange).await;
        }
        self.last = None;
        self.wait(exchange).await;
        if exchange.name.ends_with("list-after-restart") {
            self.host.restart_xend();
        }
        if exchange.name.contains("while-building") && self.slow.is_none() {
            let slow = recording.exchanges.iter().find(|one| is_slow_create(one));
            self.slow = Some(self.open(&slow.unwrap().request).await);
            sleep(Duration::from_millis(300)).await;
        }
        if is_slow_create(exchange)
            && let Some(slow) = self.slow.take()
        {
            return self.receive(slow, NO_REPLY).await;
        }
        let stream = self.open(&exchange.request).await;
        let patience = if exchange.reply.is_empty() {
            GAVE_UP
        } else {
            NO_REPLY
        };
        let reply = self.receive(stream, patience).await;
        if exchange.name.contains("while-building-itself") {
            self.slow = None;
        }
        reply
    }

    /// A second request on the connection of the one before.
    async fn send_again(&mut self, exchange: &Exchange) -> Vec<u8> {
        let Some(mut stream) = self.last.take() else {
            return Vec::new();
        };
        if stream.write_all(&exchange.request).await.is_err() {
            return Vec::new();
        }
        self.receive(stream, GAVE_UP).await
    }

    async fn wait(&mut self, exchange: &Exchange) {
        let name = exchange.name.split_once('-').map_or("", |(_, name)| name);
        sleep(match name {
            "reboot" => AGE,
            "list-after-reboot" => RESTART,
            _ if exchange.at_once || name.contains("while-building") => AT_ONCE,
            _ => SETTLE,
        })
        .await;
    }

    async fn open(&self, request: &[u8]) -> DuplexStream {
        let mut stream = self.host.connect();
        // XenD may have refused the rest of a long body.
        drop(timeout(GAVE_UP, stream.write_all(request)).await);
        stream
    }

    /// Reads one reply: to its length, or to the end, or until nobody waits longer.
    async fn receive(&mut self, mut stream: DuplexStream, patience: Duration) -> Vec<u8> {
        let mut reply = Vec::new();
        while !is_whole(&reply) {
            match timeout(patience, stream.read_buf(&mut reply)).await {
                Ok(Ok(count)) if count > 0 => {}
                _ => break,
            }
        }
        self.last = Some(stream);
        reply
    }
}

fn is_slow_create(exchange: &Exchange) -> bool {
    exchange.name.ends_with("slow-create")
}

fn is_whole(reply: &[u8]) -> bool {
    let text = String::from_utf8_lossy(reply);
    let Some((head, _)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-length: "))
        .and_then(|length| length.parse::<usize>().ok());
    length.is_some_and(|length| reply.len() >= head.len() + 4 + length)
}
