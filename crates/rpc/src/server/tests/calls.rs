//! Calls and replies between the two ends, and their limits.
//! Who may call is in `opening`.

use super::*;

#[test]
fn replies_come_in_any_order() {
    let mut pair = Pair::opened(ServerSettings::default(), 5);
    for id in 0..4 {
        pair.client.call::<DomainLookupByID>(&id).unwrap();
    }
    for request in pair.server_gets().into_iter().rev() {
        let ServerRequest::Call(call) = request else {
            panic!("{request:?}");
        };
        let id = call.arguments::<DomainLookupByID>().unwrap();
        let found = u8::try_from(id).map(domain).unwrap();
        let result = if id == 2 {
            Err(RemoteError::new(code::NO_DOMAIN, 1, "Domain not found"))
        } else {
            Ok(found)
        };
        let ticket = call.into_ticket();
        pair.server
            .reply::<DomainLookupByID>(ticket, result)
            .unwrap();
    }
    let mut seen = Vec::new();
    for event in pair.client_gets() {
        let ClientEvent::Reply(serial, result) = event else {
            panic!("{event:?}");
        };
        seen.push(serial);
        match result {
            Ok(bytes) => {
                let found: Domain = from_bytes(&bytes).unwrap();
                assert_eq!(u32::try_from(found.id).unwrap() + 1, serial);
            }
            Err(error) => assert_eq!((error.code, serial), (code::NO_DOMAIN, 3)),
        }
    }
    assert_eq!(seen, [4, 3, 2, 1]);
    assert_eq!(pair.client.waiting().count(), 0);
}

#[test]
fn a_reply_that_does_not_fit_becomes_an_error() {
    let mut pair = Pair::opened(ServerSettings::default(), 1 << 20);
    pair.client.call::<ConnectListDomains>(&20_000).unwrap();
    let ticket = pair.one_call().into_ticket();
    let ids = List(vec![1; 16_385]);
    pair.server
        .reply::<ConnectListDomains>(ticket, Ok(ids))
        .unwrap();
    let events = pair.client_gets();
    let [ClientEvent::Reply(_, Err(error))] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(error.code, code::RPC);
    assert!(error.text().contains("16385"), "{}", error.text());
}

#[test]
fn wrong_arguments_are_told_with_their_place() {
    let mut pair = Pair::opened(ServerSettings::default(), 1 << 20);
    pair.client.call_bytes(24, b"not a uuid").unwrap();
    let call = pair.one_call();
    let error = call.arguments::<DomainLookupByUUID>().unwrap_err();
    assert_eq!(error.code, code::RPC);
    let params = vec![TypedParam::new("weight", 256u32)];
    let set = SetParamsFlags {
        params: List(params),
        ..SetParamsFlags::default()
    };
    let mut bytes = to_bytes(&set).unwrap();
    bytes[43] = 9;
    pair.server
        .reply::<DomainLookupByUUID>(call.into_ticket(), Err(error))
        .unwrap();
    pair.client_gets();
    pair.client.call_bytes(219, &bytes).unwrap();
    let error = pair
        .one_call()
        .arguments::<DomainSetSchedulerParametersFlags>();
    let text = error.unwrap_err().text().to_owned();
    assert!(text.starts_with("TypedParam."), "{text}");
}

#[test]
fn calls_beyond_the_limit_wait_but_signs_of_life_do_not() {
    for piece in PIECES {
        let mut pair = Pair::opened(ServerSettings::default(), *piece);
        for id in 0..30 {
            pair.client.call::<DomainLookupByID>(&id).unwrap();
        }
        pair.client.start_keepalive(pair.now);
        pair.client.tick(pair.now + Duration::from_secs(6)).unwrap();
        let mut running = pair.server_gets();
        assert_eq!(running.len(), 5, "in pieces of {piece}");
        assert!(!pair.server.wants_input(), "enough is held");
        assert!(pair.server.output().is_empty());
        let mut order = Vec::new();
        while let Some(request) = running.pop() {
            let ServerRequest::Call(call) = request else {
                panic!("{request:?}");
            };
            order.push(call.arguments::<DomainLookupByID>().unwrap());
            pair.server
                .reply::<DomainLookupByID>(call.into_ticket(), Ok(domain(1)))
                .unwrap();
            assert!(pair.requests().is_empty(), "the reply has not left");
            pair.client_gets();
            running.extend(pair.requests());
        }
        order.sort_unstable();
        assert_eq!(order, (0..30).collect::<Vec<i32>>());
        assert!(pair.server.wants_input());
    }
}

/// Clients give a server up that does not answer them while it does their calls.
#[test]
fn signs_of_life_are_answered_while_all_calls_run() {
    let mut pair = Pair::opened(ServerSettings::default(), 7);
    for _ in 0..9 {
        pair.client.call::<ConnectGetHostname>(&()).unwrap();
    }
    assert_eq!(pair.server_gets().len(), 5);
    pair.client.start_keepalive(pair.now);
    pair.client.tick(pair.now + Duration::from_secs(6)).unwrap();
    assert!(pair.server.wants_input());
    assert!(pair.server_gets().is_empty());
    assert_eq!(pair.server.output().len(), 28);
}

#[test]
fn a_packet_before_the_proof_is_small() {
    let settings = ServerSettings {
        auth: Auth::Sasl,
        ..ServerSettings::default()
    };
    let mut server = ServerSession::new(settings);
    let now = Instant::now();
    server.receive(&(2u32 << 20).to_be_bytes(), now);
    assert!(server.next_request(now).is_err());
}
