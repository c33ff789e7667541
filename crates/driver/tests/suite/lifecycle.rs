//! Life cycle: create, start, pause, unpause, shut down, reboot, destroy, crash.

use crate::host::{GUEST, is_off, key, managed, until};
use virtxen_driver::{CreateFlags, DomainKey, Error, ListFilter, ShutdownMode, State};

#[tokio::test]
async fn a_guest_is_started_paused_and_ended() {
    for row in managed() {
        let driver = row.driver().await;
        let web = row.run(&driver, GUEST).await;
        let state = async || driver.lookup(&web).await.unwrap().state;
        assert!(matches!(state().await, State::Running | State::Blocked));
        driver.suspend(&web).await.unwrap();
        assert_eq!(state().await, State::Paused, "{row:?}");
        driver.suspend(&web).await.expect("paused is paused");
        driver.resume(&web).await.unwrap();
        assert_ne!(state().await, State::Paused, "{row:?}");
        driver.shutdown(&web, ShutdownMode::Any).await.unwrap();
        until(&driver, &web, is_off).await;
        let list = driver.list(&ListFilter::active()).await.unwrap();
        assert_eq!(list.len(), 1, "{row:?}");
        let error = driver.suspend(&web).await.unwrap_err();
        match row.inactive {
            true => assert!(matches!(error, Error::State { .. }), "{row:?}: {error}"),
            false => assert!(matches!(error, Error::NoDomain(_)), "{row:?}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_guest_is_created_paused_and_destroyed() {
    for row in managed() {
        let driver = row.driver().await;
        let flags = CreateFlags {
            paused: true,
            ..CreateFlags::default()
        };
        let created = driver.create_xml(GUEST, flags).await.unwrap().domain;
        assert_eq!(created.state, State::Paused, "{row:?}");
        assert_eq!(created.persistent, Some(false), "{row:?}");
        let again = driver.create_xml(GUEST, flags).await.unwrap_err();
        let is_there = matches!(again, Error::Exists { .. } | Error::State { .. });
        assert!(is_there, "{row:?}: {again}");
        driver.destroy(&key("web")).await.unwrap();
        let gone = driver.lookup(&DomainKey::from(&created)).await;
        assert!(matches!(gone, Err(Error::NoDomain(_))), "{row:?}");
    }
}

#[tokio::test]
async fn a_reboot_is_a_new_run_or_an_end() {
    for row in managed() {
        let driver = row.driver().await;
        let web = row.run(&driver, GUEST).await;
        let first = driver.lookup(&web).await.unwrap().id;
        driver.reboot(&web, ShutdownMode::Any).await.unwrap();
        // XenD ends a guest that reboots too soon after its start.
        until(&driver, &web, |domain| {
            domain.is_none_or(|domain| domain.id != first)
        })
        .await;
    }
}

/// What becomes of a guest that crashes is what its document says.
#[tokio::test]
async fn a_crash_is_handled_as_the_document_says() {
    for row in managed() {
        for (action, preserved) in [("destroy", false), ("preserve", true)] {
            let driver = row.driver().await;
            let policy = format!("</os><on_crash>{action}</on_crash>");
            let xml = GUEST.replace("web<", "crash1<").replace("</os>", &policy);
            let created = driver.create_xml(&xml, CreateFlags::default()).await;
            let crashed = key("crash1");
            if preserved {
                until(&driver, &crashed, |domain| {
                    domain.is_some_and(|domain| domain.state == State::Crashed)
                })
                .await;
                driver.destroy(&crashed).await.unwrap();
            }
            until(&driver, &crashed, |domain| domain.is_none()).await;
            // It may have been gone before the call could look at it.
            drop(created);
        }
    }
}
