//! Migrations that the source conducts, when the destination is lost at their end.

use crate::machine::{Machine, key, machine};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use virtxen_driver::{
    Arrival, Destination, Destinations, DomainKey, Driver, Error, Finished, Journey, MigrateFlags,
    Monitor, Offer, Result, State, Tunnel,
};
use virtxen_guest::Uuid;

/// What becomes of the destination when it is to finish.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Answers,
    /// It runs the guest, and its answer is lost.
    IsNotHeard,
    /// It is lost before it hears.
    DoesNotHear,
    /// It is lost for good.
    IsGone,
}

/// Another driver in the place of a daemon.
#[derive(Clone)]
struct Other {
    driver: Driver,
    end: End,
    uuid: Uuid,
}

fn lost() -> Error {
    Error::Argument("the connection is lost".to_owned())
}

#[async_trait]
impl Destinations for Other {
    fn is_daemon(&self, destination: &str) -> bool {
        destination == "other"
    }

    async fn open(&self, _: &str) -> Result<Box<dyn Destination>> {
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl Destination for Other {
    async fn prepare(&self, offer: &Offer) -> Result<String> {
        let Offer {
            xml,
            cookie,
            arrival,
            ..
        } = offer;
        let prepared = self.driver.migrate_prepare(xml, cookie, None, arrival);
        prepared.await
    }

    async fn prepare_tunnel(&self, _: &Offer) -> Result<Box<dyn Tunnel>> {
        Err(lost())
    }

    async fn finish(&self, offer: &Offer, cancelled: bool) -> Finished {
        assert!(!cancelled);
        if matches!(self.end, End::DoesNotHear | End::IsGone) {
            return Finished::Unknown(lost());
        }
        let finished = self
            .driver
            .migrate_finish("web", &offer.arrival, false)
            .await;
        match (finished, self.end) {
            (Ok(_), End::Answers) => Finished::Runs,
            (Ok(_), _) => Finished::Unknown(lost()),
            (Err(error), _) => Finished::Not(error),
        }
    }

    async fn state(&self, uuid: Uuid) -> Result<Option<State>> {
        assert_eq!(uuid, self.uuid);
        if self.end == End::IsNotHeard {
            let found = self.driver.lookup(&DomainKey::Uuid(uuid)).await?;
            return Ok(Some(found.state));
        }
        // Longer than anybody there is about to do anything.
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(600)).await;
        tokio::time::resume();
        match self.end {
            End::DoesNotHear => Ok(None),
            _ => Err(lost()),
        }
    }
}

#[tokio::test]
async fn nothing_is_guessed_when_the_destination_is_lost() {
    for (end, outcome) in [
        (End::Answers, ""),
        (End::IsNotHeard, ""),
        (End::DoesNotHear, "the connection is lost"),
        (End::IsGone, "is not known"),
    ] {
        let (from, to) = (machine("4.17").await, machine("4.17").await);
        from.started("web", "").await;
        let uuid = from.driver.lookup(&key("web")).await.unwrap().uuid;
        let other = Other {
            driver: to.driver.clone(),
            end,
            uuid,
        };
        let driver = from.driver.clone().with_destinations(Arc::new(other));
        let journey = Journey {
            flags: MigrateFlags {
                live: true,
                ..MigrateFlags::default()
            },
            arrival: Arrival::default(),
            listen: None,
        };
        let monitor = Monitor::default();
        let web = key("web");
        let moved = driver.migrate_to_daemon(&web, "other", journey, &monitor);
        let said = moved
            .await
            .err()
            .map_or_else(String::new, |it| it.to_string());
        assert!(
            said.contains(outcome) && said.is_empty() == outcome.is_empty(),
            "{end:?}: {said}"
        );
        let here = from.state("web").await;
        match end {
            End::Answers | End::IsNotHeard => {
                assert!(!Machine::is_running(here), "{end:?}");
                assert!(Machine::is_running(to.state("web").await), "{end:?}");
            }
            End::DoesNotHear => assert!(Machine::is_running(here), "{end:?}"),
            // It waits for somebody who knows.
            End::IsGone => assert_eq!(here, State::PmSuspended),
        }
    }
}
