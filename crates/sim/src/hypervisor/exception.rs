//! The event channel of domains that end, as the kernel's evtchn node gives it.
//!
//! A port is read and tells nothing more until it is written back. Which domain it
//! was about is not told.

use crate::state::SimHost;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// The port that the event is bound to.
const PORT: u32 = 21;

impl SimHost {
    /// Listens to domains that shut down or go (`VIRQ_DOM_EXC`): the bytes of the
    /// node. Dropping the stream ends it.
    #[must_use]
    pub fn domain_exceptions(&self) -> DuplexStream {
        let (node, mut kernel) = tokio::io::duplex(64);
        let mut count = self.state().exceptions.subscribe();
        self.start_clock();
        tokio::spawn(async move {
            while count.changed().await.is_ok() {
                if kernel.write_all(&PORT.to_ne_bytes()).await.is_err() {
                    return;
                }
                let mut unmasked = [0; 4];
                if kernel.read_exact(&mut unmasked).await.is_err() {
                    return;
                }
            }
        });
        node
    }
}
