//! Events between the two ends.
//! What is in each event is tested beside its type.

use super::*;

#[test]
fn events_reach_those_who_want_them() {
    let mut pair = Pair::opened(ServerSettings::default(), 11);
    let wants = |event_id, domain| DomainEventArguments { event_id, domain };
    let all = pair
        .ask::<ConnectDomainEventCallbackRegisterAny>(&wants(0, None))
        .unwrap();
    let one = pair
        .ask::<ConnectDomainEventCallbackRegisterAny>(&wants(0, Some(domain(7))))
        .unwrap();
    assert_ne!(all, one);
    for id in 1..=26 {
        assert!(
            pair.ask::<ConnectDomainEventCallbackRegisterAny>(&wants(id, None))
                .is_ok()
        );
    }
    for id in [-1, 27] {
        assert!(
            pair.ask::<ConnectDomainEventCallbackRegisterAny>(&wants(id, None))
                .is_err()
        );
    }
    let event = |byte| DomainEvent::Lifecycle {
        dom: domain(byte),
        event: 2,
        detail: 0,
    };
    assert_eq!(pair.server.send_event(&event(7)), Ok(2));
    assert_eq!(pair.server.send_event(&event(8)), Ok(1));
    assert_eq!(
        pair.client_gets(),
        [
            ClientEvent::Domain(all, event(7)),
            ClientEvent::Domain(one, event(7)),
            ClientEvent::Domain(all, event(8)),
        ]
    );
    assert_eq!(
        pair.ask::<ConnectDomainEventCallbackDeregisterAny>(&all),
        Ok(())
    );
    assert!(
        pair.ask::<ConnectDomainEventCallbackDeregisterAny>(&all)
            .is_err()
    );
    assert_eq!(pair.server.send_event(&event(8)), Ok(0));
    assert!(pair.server.wants_event(0, &[7; 16]));
    assert!(!pair.server.wants_event(0, &[8; 16]));

    let foreign = pair.server.new_callback().unwrap();
    pair.server
        .send_foreign_event(315, foreign, b"netw")
        .unwrap();
    let events = pair.client_gets();
    let [ClientEvent::Message(315, bytes)] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(bytes, &[&foreign.to_be_bytes()[..], b"netw"].concat());
}

/// Clients that do not know callbacks with numbers.
#[test]
fn events_registered_the_old_way_have_no_numbers() {
    let mut pair = Pair::opened(ServerSettings::default(), 64);
    assert_eq!(pair.ask::<ConnectDomainEventRegister>(&()), Ok(1));
    assert_eq!(pair.ask::<ConnectDomainEventRegisterAny>(&11), Ok(()));
    assert!(pair.ask::<ConnectDomainEventRegisterAny>(&11).is_err());
    let woke = DomainEvent::PMWakeup {
        reason: 1,
        dom: domain(3),
    };
    assert_eq!(pair.server.send_event(&woke), Ok(1));
    let message = ClientEvent::Message(269, to_bytes(&domain(3)).unwrap());
    assert_eq!(pair.client_gets(), [message]);
    assert_eq!(pair.ask::<ConnectDomainEventDeregister>(&()), Ok(0));
}

#[test]
fn those_who_do_not_read_are_left() {
    let settings = ServerSettings {
        max_queued: 1000,
        ..ServerSettings::default()
    };
    let mut pair = Pair::opened(settings, 1 << 20);
    let wants = DomainEventArguments::default();
    pair.ask::<ConnectDomainEventCallbackRegisterAny>(&wants)
        .unwrap();
    let event = DomainEvent::Lifecycle {
        dom: domain(1),
        event: 5,
        detail: 0,
    };
    let sent = (0..100).find_map(|_| pair.server.send_event(&event).err());
    assert!(
        matches!(sent, Some(crate::Error::SlowReader { .. })),
        "{sent:?}"
    );
    assert!(pair.server.output().len() < 1200);
}
