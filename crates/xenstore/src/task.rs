//! The task that owns the connection of a [`Store`](crate::Store).
//!
//! It carries requests out and answers in, and connects anew when the connection
//! ends. It ends with the last handle of the store.

use crate::error::{Error, Result};
use crate::open::{Connector, Stream};
use crate::session::{Answer, Session, Ticket};
use crate::store::Command;
use crate::watch::Listener;
use crate::wire::Kind;
use std::collections::HashMap;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot};

/// How long the task waits for a new connection, and between tries while there
/// are watches to be set again.
const RECONNECT: Duration = Duration::from_secs(1);

/// Runs until the last [`Store`](crate::Store) is gone.
pub(crate) async fn run(
    connector: Box<dyn Connector>,
    stream: Box<dyn Stream>,
    mut queue: mpsc::UnboundedReceiver<Command>,
) {
    let mut watches = HashMap::new();
    let mut connection = Some(Connection::new(stream, 0));
    let mut number = 0;
    loop {
        let (ended, command) = match &mut connection {
            Some(live) => {
                let reason = live.serve(&mut queue, &mut watches).await;
                let Some(reason) = reason else { return };
                live.fail(&connector.address(), &reason);
                (true, None)
            }
            None if watches.is_empty() => (false, queue.recv().await),
            None => match tokio::time::timeout(RECONNECT, queue.recv()).await {
                Ok(command) => (false, command),
                Err(_) => (true, None),
            },
        };
        if !ended && command.is_none() {
            return;
        }
        number += 1;
        connection = None;
        match connect(connector.as_ref()).await {
            Ok(stream) => {
                let mut live = Connection::new(stream, number);
                for (token, (path, listener)) in &watches {
                    live.watch(path, token, Waiting::Renewal(token.clone()));
                    listener.resync();
                }
                if let Some(command) = command {
                    live.command(command, &mut watches);
                }
                connection = Some(live);
            }
            Err(reason) => {
                if let Some(command) = command {
                    let node = connector.address();
                    refuse(command, &Error::Disconnected { node, reason }, &mut watches);
                }
            }
        }
    }
}

type Watches = HashMap<String, (String, Listener)>;

enum Waiting {
    Call(oneshot::Sender<Result<(Vec<u8>, u64)>>),
    Watch(oneshot::Sender<Result<()>>),
    /// A watch, by its token, that is set again on a new connection.
    Renewal(String),
    Nobody,
}

struct Connection {
    number: u64,
    session: Session,
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
    waiting: HashMap<Ticket, Waiting>,
}

impl Connection {
    fn new(stream: Box<dyn Stream>, number: u64) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            number,
            session: Session::new(),
            reader,
            writer,
            waiting: HashMap::new(),
        }
    }

    /// Serves until the connection ends (the reason) or nobody is left (`None`).
    async fn serve(
        &mut self,
        queue: &mut mpsc::UnboundedReceiver<Command>,
        watches: &mut Watches,
    ) -> Option<String> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let has_outgoing = !self.session.outgoing().is_empty();
            let has_room = self.session.has_room();
            tokio::select! {
                command = queue.recv(), if has_room => self.command(command?, watches),
                sent = send(&mut self.writer, self.session.outgoing()), if has_outgoing => {
                    if let Err(error) = sent {
                        return Some(error.to_string());
                    }
                }
                read = self.reader.read(&mut buffer) => {
                    let received = match read {
                        Ok(0) => return Some("xenstored closed it".to_owned()),
                        Ok(length) => self.receive(buffer.get(..length).unwrap_or_default(), watches),
                        Err(error) => return Some(error.to_string()),
                    };
                    if let Err(error) = received {
                        return Some(error.to_string());
                    }
                }
            }
        }
    }

    fn command(&mut self, command: Command, watches: &mut Watches) {
        match command {
            Command::Call {
                kind,
                transaction,
                texts,
                reply,
            } => {
                if transaction.is_some_and(|(number, _)| number != self.number) {
                    // xenstored forgot the transaction with its connection.
                    let _ = reply.send(Err(Error::Conflict));
                    return;
                }
                let id = transaction.map_or(0, |(_, id)| id);
                let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
                match self.session.request(kind, id, &texts) {
                    Ok(ticket) => drop(self.waiting.insert(ticket, Waiting::Call(reply))),
                    Err(error) => drop(reply.send(Err(error))),
                }
            }
            Command::Watch {
                path,
                token,
                listener,
                reply,
            } => {
                self.watch(&path, &token, Waiting::Watch(reply));
                watches.insert(token, (path, listener));
            }
            Command::Unwatch { token } => {
                let Some((path, _)) = watches.remove(&token) else {
                    return;
                };
                let texts = [path.as_bytes(), token.as_bytes()];
                if let Ok(ticket) = self.session.request(Kind::Unwatch, 0, &texts) {
                    self.waiting.insert(ticket, Waiting::Nobody);
                }
            }
        }
    }

    fn watch(&mut self, path: &str, token: &str, waiting: Waiting) {
        let texts = [path.as_bytes(), token.as_bytes()];
        match (self.session.request(Kind::Watch, 0, &texts), waiting) {
            (Ok(ticket), waiting) => drop(self.waiting.insert(ticket, waiting)),
            (Err(error), Waiting::Watch(reply)) => drop(reply.send(Err(error))),
            // It was sent once: nothing is wrong with it.
            (Err(_), _) => {}
        }
    }

    fn receive(&mut self, bytes: &[u8], watches: &mut Watches) -> Result<()> {
        let Self {
            session,
            waiting,
            number,
            ..
        } = self;
        session.receive(bytes, |answer| match answer {
            Answer::Event { path, token } => {
                if let Some((_, listener)) = watches.get(&token) {
                    listener.event(path);
                }
            }
            // Who gave up waiting dropped the other end.
            Answer::Reply { ticket, result } => match waiting.remove(&ticket) {
                Some(Waiting::Call(reply)) => {
                    drop(reply.send(result.map(|payload| (payload, *number))));
                }
                Some(Waiting::Watch(reply)) => drop(reply.send(result.map(drop))),
                Some(Waiting::Renewal(token)) => {
                    if result.is_err() {
                        // Without its listener the watch is at its end, which is told.
                        watches.remove(&token);
                    }
                }
                Some(Waiting::Nobody) | None => {}
            },
        })
    }

    /// Tells everybody who waits that the connection is lost.
    fn fail(&mut self, node: &str, reason: &str) {
        let error = Error::Disconnected {
            node: node.to_owned(),
            reason: reason.to_owned(),
        };
        for (_, waiting) in self.waiting.drain() {
            match waiting {
                Waiting::Call(reply) => drop(reply.send(Err(error.clone()))),
                Waiting::Watch(reply) => drop(reply.send(Err(error.clone()))),
                Waiting::Renewal(_) | Waiting::Nobody => {}
            }
        }
    }
}

/// Sends what it can and takes that from `outgoing`; nothing is lost when the
/// future is dropped.
async fn send(writer: &mut WriteHalf<Box<dyn Stream>>, outgoing: &mut Vec<u8>) -> io::Result<()> {
    match writer.write(outgoing).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        sent => {
            outgoing.drain(..sent);
            Ok(())
        }
    }
}

async fn connect(connector: &dyn Connector) -> std::result::Result<Box<dyn Stream>, String> {
    match tokio::time::timeout(RECONNECT, connector.connect()).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no connection within 1 s".to_owned()),
    }
}

fn refuse(command: Command, error: &Error, watches: &mut Watches) {
    match command {
        Command::Call { reply, .. } => drop(reply.send(Err(error.clone()))),
        Command::Watch { reply, .. } => drop(reply.send(Err(error.clone()))),
        Command::Unwatch { token } => drop(watches.remove(&token)),
    }
}
