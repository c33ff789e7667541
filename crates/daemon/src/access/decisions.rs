//! What was decided about a client a moment ago.

use super::About;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use virtxen_rpc::procedure::{Object, Permission};

/// How long a decision holds. A rule that is taken away holds so much longer.
const AGE: Duration = Duration::from_secs(5);
/// Decisions that are kept for a client.
const MOST: usize = 16_384;

/// Decisions about one client.
#[derive(Debug, Default)]
pub(super) struct Decisions(Mutex<HashMap<Key, (Instant, bool)>>);

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    object: Object,
    permission: Permission,
    domain: Option<(String, Option<[u8; 16]>)>,
}

impl Key {
    pub(super) fn new(object: Object, permission: Permission, about: Option<&About>) -> Self {
        let domain = about.map(|about| (about.name.clone(), about.uuid.map(|uuid| uuid.0)));
        Self {
            object,
            permission,
            domain,
        }
    }
}

impl Decisions {
    pub(super) fn get(&self, key: &Key) -> Option<bool> {
        let (when, decision) = self.lock().get(key).copied()?;
        (when.elapsed() < AGE).then_some(decision)
    }

    pub(super) fn put(&self, key: Key, decision: bool) {
        let mut decisions = self.lock();
        if decisions.len() >= MOST {
            decisions.retain(|_, (when, _)| when.elapsed() < AGE);
        }
        if decisions.len() >= MOST {
            decisions.clear();
        }
        decisions.insert(key, (Instant::now(), decision));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, (Instant, bool)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        let about = About {
            name: name.to_owned(),
            uuid: None,
        };
        Key::new(Object::Domain, Permission::Start, Some(&about))
    }

    #[tokio::test(start_paused = true)]
    async fn a_decision_holds_for_a_while() {
        let decisions = Decisions::default();
        decisions.put(key("web"), true);
        decisions.put(key("db"), false);
        assert_eq!(decisions.get(&key("web")), Some(true));
        assert_eq!(decisions.get(&key("db")), Some(false));
        assert_eq!(decisions.get(&key("mail")), None);
        tokio::time::advance(AGE).await;
        assert_eq!(decisions.get(&key("web")), None);
    }

    #[tokio::test]
    async fn their_number_is_bounded() {
        let decisions = Decisions::default();
        for number in 0..=MOST {
            decisions.put(key(&number.to_string()), true);
        }
        assert!(decisions.lock().len() <= MOST);
    }
}
