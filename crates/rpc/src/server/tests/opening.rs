//! How connections are opened, and who may do what on them.
//! What calls return is in `calls`.

use super::*;

/// The opening of a connection as the notes have captured it.
#[test]
fn a_connection_is_opened_as_clients_do() {
    for piece in PIECES {
        let mut pair = Pair::new(ServerSettings::default(), *piece);
        assert_eq!(pair.ask::<AuthList>(&()), Ok(List(vec![0])));
        assert_eq!(pair.ask::<ConnectSupportsFeature>(&10), Ok(1));
        assert!(pair.server.deadline().is_some(), "it knows signs of life");
        let early = pair.ask::<ConnectSupportsFeature>(&14).unwrap_err();
        assert_eq!(early.code, code::INTERNAL_ERROR);
        assert!(pair.ask::<ConnectGetHostname>(&()).is_err(), "not open");

        pair.client.call::<ConnectOpen>(&open(0)).unwrap();
        let call = pair.one_call();
        let arguments = call.arguments::<ConnectOpen>().unwrap();
        assert_eq!(arguments.name.as_deref(), Some("xen:///system"));
        let ticket = call.into_ticket();
        pair.server.reply::<ConnectOpen>(ticket, Ok(())).unwrap();
        assert!(matches!(
            pair.client_gets()[..],
            [ClientEvent::Reply(2.., Ok(_))]
        ));
        assert!(pair.server.is_open() && !pair.server.is_read_only());

        for (feature, answer) in [
            (14, 1),
            (15, 1),
            (8, 1),
            (4, 1),
            (3, 0),
            (9, 1),
            (1, 1),
            (99, 0),
        ] {
            assert_eq!(pair.ask::<ConnectSupportsFeature>(&feature), Ok(answer));
        }
        assert_eq!(pair.ask::<ConnectIsSecure>(&()), Ok(1));
        assert_eq!(pair.ask::<ConnectRegisterCloseCallback>(&()), Ok(()));
        pair.server.send_closed(3).unwrap();
        let closed = ClientEvent::Message(362, vec![0, 0, 0, 3]);
        assert_eq!(pair.client_gets(), [closed]);
        assert_eq!(pair.ask::<ConnectUnregisterCloseCallback>(&()), Ok(()));
        assert!(!pair.server.is_finished());
        assert_eq!(pair.ask::<ConnectClose>(&()), Ok(()));
        assert!(pair.server.is_finished());
    }
}

#[test]
fn what_we_do_not_have_is_refused_so_that_clients_go_on() {
    let mut pair = Pair::opened(ServerSettings::default(), 1 << 20);
    for (procedure, code, text) in [
        (9999, 39, "unknown procedure: 9999"),
        (318, 39, "unknown procedure: 318"),
        (-1, 39, "unknown procedure: -1"),
        (
            411,
            3,
            "this function is not supported by the connection driver: virDomainCheckpointCreateXML",
        ),
    ] {
        pair.client.call_bytes(procedure, &[]).unwrap();
        assert!(pair.server_gets().is_empty());
        let events = pair.client_gets();
        let [ClientEvent::Reply(_, Err(error))] = events.as_slice() else {
            panic!("{events:?}");
        };
        assert_eq!((error.code, error.text()), (code, text));
    }
    let mut bytes = Vec::new();
    let header = Header {
        program: Program::QEMU,
        procedure: 1,
        kind: Kind::Call,
        serial: 77,
        status: Status::Ok,
    };
    write_packet(&header, &mut bytes, |_| Ok(())).unwrap();
    pair.server.receive(&bytes, pair.now);
    assert!(pair.requests().is_empty());
    let answer = String::from_utf8_lossy(pair.server.output()).into_owned();
    assert!(
        answer.contains("Cannot find program 536903815 version 1"),
        "{answer}"
    );
}

#[test]
fn a_read_only_connection_stays_one() {
    let socket = ServerSettings {
        read_only: true,
        ..ServerSettings::default()
    };
    let mut by_socket = Pair::opened(socket, 64);
    let mut by_flag = Pair::new(ServerSettings::default(), 64);
    by_flag.client.call::<ConnectOpen>(&open(1)).unwrap();
    let ticket = by_flag.one_call().into_ticket();
    by_flag.server.reply::<ConnectOpen>(ticket, Ok(())).unwrap();
    by_flag.client_gets();
    for pair in [&mut by_socket, &mut by_flag] {
        let refused = pair.ask::<DomainDestroy>(&domain(1)).unwrap_err();
        assert_eq!(refused.code, code::OPERATION_DENIED);
        let xml = DomainFlags {
            dom: domain(1),
            flags: 1,
        };
        pair.client.call::<DomainGetXMLDesc>(&xml).unwrap();
        let call = pair.one_call();
        let refused = call.arguments::<DomainGetXMLDesc>().unwrap_err();
        assert_eq!(refused.code, code::OPERATION_DENIED, "secrets");
    }
}

#[test]
fn nobody_calls_before_the_proof() {
    let settings = ServerSettings {
        auth: Auth::Polkit,
        ..ServerSettings::default()
    };
    let mut pair = Pair::new(settings, 9);
    assert_eq!(pair.ask::<AuthList>(&()), Ok(List(vec![2])));
    let refused = pair.ask::<ConnectGetHostname>(&()).unwrap_err();
    assert_eq!(refused.text(), "authentication required");
    pair.client.call::<AuthPolkit>(&()).unwrap();
    let ticket = pair.one_call().into_ticket();
    pair.server.authenticate();
    pair.server.reply::<AuthPolkit>(ticket, Ok(1)).unwrap();
    pair.client_gets();
    pair.client.call::<ConnectOpen>(&open(0)).unwrap();
    assert_eq!(pair.one_call().procedure().number, 1);
}
