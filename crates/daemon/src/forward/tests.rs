//! Another daemon, played by a session of our own: what it is told, what becomes of
//! its answers, and what happens when it does not answer.

use super::{Forward, ForwardNews, Others};
use crate::auth::{Login, Method};
use crate::calls::Calls;
use crate::peer;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use virtxen_rpc::calls::{
    ConnectNetworkEventDeregisterAny, ConnectNetworkEventRegisterAny, ConnectNumOfNetworks,
    ConnectOpen, ConnectSetIdentity, IdentityArguments, NetworkCreateXML, NetworkEventArguments,
    NetworkLookupByName, OpenArguments,
};
use virtxen_rpc::server::{ServerCall, ServerRequest, ServerSession, ServerSettings};
use virtxen_rpc::{
    Call, ClientEvent, ClientSession, Group, Keepalive, RemoteError, TypedValue, code, xdr,
};

/// A daemon that tells what it was asked, and answers what a test wants.
struct Peer {
    session: ServerSession,
    stream: UnixStream,
    identity: IdentityArguments,
    opened: OpenArguments,
}

impl Peer {
    async fn accept(listener: &UnixListener) -> Self {
        let mut peer = Self {
            session: ServerSession::new(ServerSettings::default()),
            stream: listener.accept().await.unwrap().0,
            identity: IdentityArguments::default(),
            opened: OpenArguments::default(),
        };
        let open = peer.next_call().await;
        peer.opened = open.arguments::<ConnectOpen>().unwrap();
        peer.reply(open, Ok(&[])).await;
        let identity = peer.next_call().await;
        peer.identity = identity.arguments::<ConnectSetIdentity>().unwrap();
        peer.reply(identity, Ok(&[])).await;
        peer
    }

    async fn next_call(&mut self) -> ServerCall {
        loop {
            if let Some(ServerRequest::Call(call)) =
                self.session.next_request(Instant::now()).unwrap()
            {
                return call;
            }
            self.flush().await;
            let mut bytes = [0; 4096];
            let count = self.stream.read(&mut bytes).await.unwrap();
            assert!(count > 0, "hung up");
            self.session.receive(&bytes[..count], Instant::now());
        }
    }

    async fn reply(&mut self, call: ServerCall, result: Result<&[u8], &RemoteError>) {
        self.session
            .reply_bytes(call.into_ticket(), result)
            .unwrap();
        self.flush().await;
    }

    async fn flush(&mut self) {
        while !self.session.output().is_empty() {
            let count = self.stream.write(self.session.output()).await.unwrap();
            self.session.sent(count);
        }
    }
}

/// A client of ours, and the daemon's end of its connection.
struct Ours {
    client: ClientSession,
    server: ServerSession,
    forward: Forward,
}

impl Ours {
    fn new(folder: &Path) -> Self {
        let others = Others::new(Some(folder.to_owned()), Keepalive::default());
        let peer = peer::Peer::Unix {
            pid: Some(7),
            start: Some(4711),
            uid: 0,
            gid: 0,
        };
        let login = Login::new(Method::None, peer);
        let mut ours = Self {
            client: ClientSession::new(Keepalive::default()),
            server: ServerSession::new(ServerSettings::default()),
            forward: Forward::new(
                Arc::new(others),
                Arc::new(login),
                Arc::new(Calls::default()).client(),
            ),
        };
        ours.call::<ConnectOpen>(&OpenArguments::default());
        ours.event();
        ours
    }

    /// Makes a call. What comes back is to be done here; it is answered with nothing.
    fn call<C: Call>(&mut self, arguments: &C::Arguments) {
        self.client.call::<C>(arguments).unwrap();
        self.server.receive(self.client.output(), Instant::now());
        self.client.sent(usize::MAX);
        while let Some(request) = self.server.next_request(Instant::now()).unwrap() {
            let ServerRequest::Call(call) = request else {
                panic!("{request:?}");
            };
            if let Some(call) = self.forward.call(&mut self.server, call).unwrap() {
                self.server
                    .reply_bytes(call.into_ticket(), Ok(&[]))
                    .unwrap();
            }
        }
    }

    /// Takes one piece of news from other daemons.
    async fn hear(&mut self) -> Option<ServerCall> {
        let news = self.forward.next().await;
        self.forward.tell(&mut self.server, news).unwrap()
    }

    /// What the client gets.
    fn event(&mut self) -> ClientEvent {
        self.client.receive(self.server.output(), Instant::now());
        self.server.sent(usize::MAX);
        self.client.next_event().unwrap().unwrap()
    }

    fn reply(&mut self) -> Result<Vec<u8>, RemoteError> {
        match self.event() {
            ClientEvent::Reply(_, reply) => reply,
            other => panic!("{other:?}"),
        }
    }
}

fn listen(folder: &Path) -> UnixListener {
    UnixListener::bind(folder.join("virtnetworkd-sock")).unwrap()
}

#[tokio::test]
async fn a_call_is_made_as_the_client_and_its_answer_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    let listener = listen(folder.path());
    let mut ours = Ours::new(folder.path());
    ours.call::<NetworkLookupByName>(&"blue".to_owned());
    ours.call::<NetworkLookupByName>(&"green".to_owned());
    let mut peer = Peer::accept(&listener).await;
    assert_eq!(peer.opened.name.as_deref(), Some("network:///system"));
    let value = |name: &str| {
        let mut params = peer.identity.params.iter();
        params.find_map(|param| (param.field == name).then(|| param.value.clone()))
    };
    assert_eq!(value("unix-user-id"), Some(TypedValue::ULLong(0)));
    assert_eq!(value("process-time"), Some(TypedValue::ULLong(4711)));

    let first = peer.next_call().await;
    let name = first.arguments::<NetworkLookupByName>().unwrap();
    assert_eq!(name, "blue");
    peer.reply(first, Ok(b"any bytes at all")).await;
    assert!(ours.hear().await.is_none());
    assert_eq!(ours.reply(), Ok(b"any bytes at all".to_vec()));

    let mut error = RemoteError::new(code::NO_NETWORK, 19, "no such network");
    error.str3 = Some("third".into());
    error.int1 = 7;
    let second = peer.next_call().await;
    peer.reply(second, Err(&error)).await;
    ours.hear().await;
    assert_eq!(ours.reply(), Err(error));
}

#[tokio::test]
async fn callbacks_have_a_number_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let listener = listen(folder.path());
    let mut ours = Ours::new(folder.path());
    let wanted = NetworkEventArguments::default();
    ours.call::<ConnectNetworkEventRegisterAny>(&wanted);
    let mut peer = Peer::accept(&listener).await;
    let call = peer.next_call().await;
    peer.reply(call, Ok(&77i32.to_be_bytes())).await;
    ours.hear().await;
    let number: i32 = xdr::from_bytes(&ours.reply().unwrap()).unwrap();
    assert_ne!(number, 77);

    for callback in [76, 77] {
        peer.session
            .send_foreign_event(315, callback, b"what happened")
            .unwrap();
        peer.flush().await;
        ours.hear().await;
    }
    let message = [&number.to_be_bytes()[..], b"what happened"].concat();
    assert_eq!(ours.event(), ClientEvent::Message(315, message));

    ours.call::<ConnectNetworkEventDeregisterAny>(&(number + 1));
    assert_eq!(ours.reply().unwrap_err().code, code::INVALID_ARG);
    ours.call::<ConnectNetworkEventDeregisterAny>(&number);
    let call = peer.next_call().await;
    let theirs = call.arguments::<ConnectNetworkEventDeregisterAny>();
    assert_eq!(theirs, Ok(77));
    peer.reply(call, Ok(&[])).await;
    ours.hear().await;
    assert_eq!(ours.reply(), Ok(Vec::new()));
    ours.call::<ConnectNetworkEventDeregisterAny>(&number);
    assert_eq!(ours.reply().unwrap_err().code, code::INVALID_ARG);
}

#[tokio::test]
async fn who_is_not_there_is_done_without() {
    let folder = tempfile::tempdir().unwrap();
    let mut ours = Ours::new(folder.path());
    ours.call::<ConnectNumOfNetworks>(&());
    let call = ours.hear().await.unwrap();
    assert_eq!(call.procedure().group, Group::Network);
    ours.server
        .reply_bytes(call.into_ticket(), Ok(&[]))
        .unwrap();
    ours.reply().unwrap();
    ours.call::<ConnectNetworkEventRegisterAny>(&NetworkEventArguments::default());
    assert!(ours.hear().await.is_none(), "it is answered here");
    let number = xdr::from_bytes(&ours.reply().unwrap()).unwrap();
    ours.call::<ConnectNetworkEventDeregisterAny>(&number);
    assert_eq!(ours.reply(), Ok(Vec::new()));

    // It comes later: the next call is its.
    let listener = listen(folder.path());
    ours.call::<ConnectNumOfNetworks>(&());
    Peer::accept(&listener).await;
}

#[tokio::test]
async fn a_daemon_that_died_is_an_error_and_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let listener = listen(folder.path());
    let mut ours = Ours::new(folder.path());
    ours.call::<ConnectNumOfNetworks>(&());
    let mut peer = Peer::accept(&listener).await;
    let _ = peer.next_call().await;
    drop(peer);
    ours.hear().await;
    let error = ours.reply().unwrap_err();
    assert_eq!((error.code, error.domain), (code::SYSTEM_ERROR, 19));
    assert!(error.text().contains("virtnetworkd"), "{}", error.text());
    let lost = ours.forward.next().await;
    assert!(matches!(lost, (Group::Network, ForwardNews::Lost(_))));

    ours.call::<ConnectNumOfNetworks>(&());
    Peer::accept(&listener).await;

    drop(listener);
    let mut ours = Ours::new(folder.path());
    ours.call::<ConnectNumOfNetworks>(&());
    ours.hear().await;
    let error = ours.reply().unwrap_err();
    assert!(error.text().contains("cannot connect"), "{}", error.text());
}

#[tokio::test]
async fn without_its_identity_nothing_is_done_for_a_client() {
    let folder = tempfile::tempdir().unwrap();
    let listener = listen(folder.path());
    let mut ours = Ours::new(folder.path());
    ours.call::<ConnectNumOfNetworks>(&());
    let mut peer = Peer {
        session: ServerSession::new(ServerSettings::default()),
        stream: listener.accept().await.unwrap().0,
        identity: IdentityArguments::default(),
        opened: OpenArguments::default(),
    };
    let open = peer.next_call().await;
    peer.reply(open, Ok(&[])).await;
    let identity = peer.next_call().await;
    let denied = RemoteError::new(code::ACCESS_DENIED, 55, "access denied");
    peer.reply(identity, Err(&denied)).await;
    ours.hear().await;
    assert_eq!(ours.reply(), Err(denied));
}

/// Time runs by itself while everybody waits.
#[tokio::test(start_paused = true)]
async fn a_daemon_that_hangs_is_left_after_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let listener = listen(folder.path());
    let mut ours = Ours::new(folder.path());
    ours.call::<ConnectNumOfNetworks>(&());
    ours.hear().await;
    let error = ours.reply().unwrap_err();
    assert_eq!(error.code, code::OPERATION_TIMEOUT);
    assert!(error.text().contains("within 10 s"), "{}", error.text());

    // The connection that was not taken, and the next one.
    drop(listener.accept().await);
    ours.call::<ConnectNumOfNetworks>(&());
    ours.call::<NetworkCreateXML>(&"<network/>".to_owned());
    let _peer = Peer::accept(&listener).await;
    let begin = tokio::time::Instant::now();
    for _ in 0..2 {
        ours.hear().await;
        let error = ours.reply().unwrap_err();
        assert_eq!(error.code, code::OPERATION_TIMEOUT);
    }
    assert_eq!(begin.elapsed().as_secs(), 30);
}
