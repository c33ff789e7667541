//! Events of domains that wait until it is known whether their client may see them,
//! in the order in which they happened.
//!
//! Who registered for what is known to `virtxen_rpc`.

use super::Rights;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use virtxen_guest::Uuid;
use virtxen_rpc::DomainEvent;

/// Events that may wait. polkit is slower than domains that come and go only when it
/// hangs.
const MOST: usize = 1024;

/// The event, if the client may see it.
type Check = Pin<Box<dyn Future<Output = Option<DomainEvent>> + Send>>;

/// Events that wait for a decision.
#[derive(Default)]
pub(crate) struct Events {
    waiting: VecDeque<DomainEvent>,
    check: Option<Check>,
}

impl Events {
    /// Puts an event behind those that wait. Those who are too many are left out.
    pub(crate) fn push(&mut self, event: DomainEvent) {
        if self.waiting.len() < MOST {
            self.waiting.push_back(event);
        }
    }

    /// The next event that the client may see. It may be given up and asked again.
    pub(crate) async fn next(&mut self, rights: &Arc<Rights>) -> DomainEvent {
        loop {
            if self.check.is_none() {
                let event = self.waiting.pop_front();
                self.check = event.map(|event| decide(Arc::clone(rights), event));
            }
            let seen = match &mut self.check {
                Some(check) => check.await,
                None => return std::future::pending().await,
            };
            self.check = None;
            if let Some(event) = seen {
                return event;
            }
        }
    }
}

fn decide(rights: Arc<Rights>, event: DomainEvent) -> Check {
    Box::pin(async move {
        let domain = event.domain();
        let seen = rights.sees(&domain.name, Uuid(domain.uuid)).await;
        seen.then_some(event)
    })
}
