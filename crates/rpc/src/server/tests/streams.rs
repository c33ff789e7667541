//! Streams between the two ends.
//! The calls that start them are ordinary ones.

use super::*;

fn console(pair: &mut Pair, options: StreamOptions) -> (u32, StreamId) {
    let arguments = OpenDeviceArguments {
        dom: domain(1),
        ..OpenDeviceArguments::default()
    };
    let serial = pair
        .client
        .call_with_stream::<DomainOpenConsole>(&arguments)
        .unwrap();
    let ticket = pair.one_call().into_ticket();
    let id = pair
        .server
        .reply_with_stream::<DomainOpenConsole>(ticket, &(), options)
        .unwrap();
    assert!(matches!(
        pair.client_gets()[..],
        [ClientEvent::Reply(_, Ok(_))]
    ));
    (serial, id)
}

pub(super) const BOTH_WAYS: StreamOptions = StreamOptions {
    client_writes: true,
    sparse: true,
};

fn part(pair: &mut Pair) -> StreamPart {
    match pair.server_gets().pop() {
        Some(ServerRequest::Stream(_, part)) => part,
        other => panic!("{other:?}"),
    }
}

#[test]
fn streams_carry_bytes_and_holes_both_ways() {
    for piece in PIECES {
        let mut pair = Pair::opened(ServerSettings::default(), *piece);
        let (serial, id) = console(&mut pair, BOTH_WAYS);
        pair.client.send_stream(serial, b"root\n").unwrap();
        assert_eq!(part(&mut pair), StreamPart::Data(b"root\n".to_vec()));
        pair.server.stream_used(id);
        pair.client.send_hole(serial, 4096).unwrap();
        assert_eq!(part(&mut pair), StreamPart::Hole(4096));
        pair.server.stream_used(id);

        assert!(pair.server.is_stream_ready(id));
        pair.server.send_stream(id, b"Password: ").unwrap();
        assert!(!pair.server.is_stream_ready(id), "until it has left");
        let data = StreamEvent::Data(b"Password: ".to_vec());
        assert_eq!(pair.client_gets(), [ClientEvent::Stream(serial, data)]);
        assert!(pair.server.is_stream_ready(id));
        pair.server.send_hole(id, 7).unwrap();
        pair.server.send_stream(id, b"").unwrap();
        assert_eq!(
            pair.client_gets(),
            [
                ClientEvent::Stream(serial, StreamEvent::Hole(7)),
                ClientEvent::Stream(serial, StreamEvent::End),
            ]
        );
        pair.client.finish_stream(serial).unwrap();
        assert_eq!(part(&mut pair), StreamPart::Finish);
        pair.client.send_stream(serial, b"after the end").unwrap();
        pair.client.finish_stream(serial).unwrap();
        assert!(pair.server_gets().is_empty(), "it has finished");
        pair.server.finish_stream(id, Ok(())).unwrap();
        let finished = ClientEvent::Stream(serial, StreamEvent::Finished);
        assert_eq!(pair.client_gets(), [finished]);
        assert_eq!(pair.server.streams().count(), 0);
        pair.server.send_stream(id, b"late").unwrap();
        assert!(pair.server.output().is_empty(), "a stream that is gone");
    }
}

#[test]
fn streams_end_badly_too() {
    let mut pair = Pair::opened(ServerSettings::default(), 64);
    let (serial, id) = console(&mut pair, BOTH_WAYS);
    pair.client.send_stream(serial, b"bytes").unwrap();
    pair.client.abort_stream(serial).unwrap();
    let requests = pair.server_gets();
    assert!(matches!(
        requests[..],
        [
            ServerRequest::Stream(_, StreamPart::Data(_)),
            ServerRequest::Stream(_, StreamPart::Abort)
        ]
    ));
    let finished = ClientEvent::Stream(serial, StreamEvent::Finished);
    assert_eq!(pair.client_gets(), [finished]);
    assert!(!pair.server.is_stream_ready(id));

    let (serial, id) = console(&mut pair, BOTH_WAYS);
    let error = RemoteError::new(code::OPERATION_FAILED, 1, "the console is gone");
    pair.server.fail_stream(id, &error).unwrap();
    let failed = ClientEvent::Stream(serial, StreamEvent::Failed(error));
    assert_eq!(pair.client_gets(), [failed]);

    let (serial, _) = console(&mut pair, StreamOptions::default());
    pair.client.send_stream(serial, b"bytes").unwrap();
    assert_eq!(part(&mut pair), StreamPart::Abort, "it was for reading");
    let events = pair.client_gets();
    assert!(matches!(
        events[..],
        [ClientEvent::Stream(_, StreamEvent::Failed(_))]
    ));
}
