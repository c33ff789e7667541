//! Bytes of a client of libvirt: however they are cut, a server's session asks for
//! the same and says the same; and a client's session takes any answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::time::Instant;
use virtxen_rpc::calls::{ConnectListAllDomains, DomainOpenConsole};
use virtxen_rpc::server::{
    ServerRequest, ServerSession, ServerSettings, StreamOptions, StreamPart,
};
use virtxen_rpc::{ClientSession, Keepalive};

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, bytes) = input;
    let whole = serve(bytes, bytes.len().max(1));
    let pieces = serve(bytes, usize::from(piece).max(1));
    assert_eq!(whole, pieces, "in pieces of {piece}");
    ask(bytes, usize::from(piece).max(1));
});

/// All that a server answers, and whether it took all bytes.
fn serve(bytes: &[u8], piece: usize) -> (Vec<u8>, bool) {
    let now = Instant::now();
    let mut session = ServerSession::new(ServerSettings::default());
    let mut output = Vec::new();
    for chunk in bytes.chunks(piece) {
        session.receive(chunk, now);
        loop {
            let request = session.next_request(now);
            let said = session.output().len();
            output.extend_from_slice(session.output());
            session.sent(said);
            match request {
                Ok(Some(request)) => answer(&mut session, request),
                Ok(None) if said == 0 => break,
                Ok(None) => {}
                Err(_) => return (output, false),
            }
        }
    }
    (output, true)
}

/// Answers as a server does that can open a connection and consoles.
fn answer(session: &mut ServerSession, request: ServerRequest) {
    let answered = match request {
        ServerRequest::Call(call) if call.procedure().number == 1 => {
            session.reply_bytes(call.into_ticket(), Ok(&[]))
        }
        ServerRequest::Call(call) if call.procedure().number == 201 => {
            let options = StreamOptions {
                client_writes: true,
                sparse: true,
            };
            session
                .reply_with_stream::<DomainOpenConsole>(call.into_ticket(), &(), options)
                .map(|_| ())
        }
        ServerRequest::Call(call) => {
            let error = call.procedure().no_support();
            session.reply_bytes(call.into_ticket(), Err(&error))
        }
        ServerRequest::Stream(id, StreamPart::Finish) => session.finish_stream(id, Ok(())),
        ServerRequest::Stream(id, _) => {
            session.stream_used(id);
            Ok(())
        }
        _ => Ok(()),
    };
    assert!(answered.is_ok(), "{answered:?}");
}

/// A client that waits for two replies, one of them with a stream.
fn ask(bytes: &[u8], piece: usize) {
    let mut session = ClientSession::new(Keepalive::default());
    let console = session.call_with_stream::<DomainOpenConsole>(&Default::default());
    let list = session.call::<ConnectListAllDomains>(&Default::default());
    assert!(console.is_ok() && list.is_ok());
    for chunk in bytes.chunks(piece) {
        session.receive(chunk, Instant::now());
        loop {
            match session.next_event() {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}
