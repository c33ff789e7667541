//! Several requests that take effect together or not at all.
//!
//! xenstored ends a transaction with EAGAIN when somebody changed what it read;
//! it is then done again from the start, a bounded number of times.

use crate::error::{Error, Result};
use crate::store::Store;
use crate::wire::Kind;
use std::future::Future;

/// How often a transaction is tried.
const ATTEMPTS: u32 = 16;

/// A transaction that is open. Clones are the same transaction.
#[derive(Clone, Debug)]
pub struct Transaction {
    store: Store,
    /// Connection and number.
    id: (u64, u32),
}

impl Transaction {
    /// The value of a node.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn read(&self, path: &str) -> Result<Vec<u8>> {
        self.store
            .call(Kind::Read, Some(self.id), &[path.as_bytes()])
            .await
    }

    /// Writes a node.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write(&self, path: &str, value: &[u8]) -> Result<()> {
        self.store
            .call(Kind::Write, Some(self.id), &[path.as_bytes(), value])
            .await
            .map(drop)
    }

    /// Removes a node and all below it.
    ///
    /// # Errors
    /// As [`Store::remove`].
    pub async fn remove(&self, path: &str) -> Result<()> {
        self.store
            .call(Kind::Rm, Some(self.id), &[path.as_bytes()])
            .await
            .map(drop)
    }

    async fn end(&self, commit: bool) -> Result<()> {
        let verdict: &[u8] = if commit { b"T" } else { b"F" };
        self.store
            .call(Kind::TransactionEnd, Some(self.id), &[verdict])
            .await
            .map(drop)
    }
}

impl Store {
    /// Runs `body` in a transaction and commits it; on an error of `body` nothing
    /// takes effect. `body` runs again when the transaction collides.
    ///
    /// # Errors
    /// What `body` returns, [`Error::ConflictLimit`], and what every call can meet.
    pub async fn transaction<T, F, R>(&self, body: F) -> Result<T>
    where
        F: Fn(Transaction) -> R + Send,
        R: Future<Output = Result<T>> + Send,
    {
        for _ in 0..ATTEMPTS {
            let (payload, connection) = self.call_on(Kind::TransactionStart, None, &[b""]).await?;
            let number = std::str::from_utf8(payload.strip_suffix(&[0]).unwrap_or(&payload))
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or(Error::Protocol("a transaction without number"))?;
            let transaction = Transaction {
                store: self.clone(),
                id: (connection, number),
            };
            let ended = match body(transaction.clone()).await {
                Ok(value) => transaction.end(true).await.map(|()| value),
                Err(error) => {
                    // The body's error is the one to tell; xenstored drops the
                    // transaction with the connection when this fails.
                    let _ = transaction.end(false).await;
                    Err(error)
                }
            };
            match ended {
                Err(Error::Conflict) => {}
                other => return other,
            }
        }
        Err(Error::ConflictLimit { attempts: ATTEMPTS })
    }
}
