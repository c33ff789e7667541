//! Writing a guest to a stream.

use super::log::{GUEST_TIMED_OUT, Wrong};
use super::{Answer, find, stream};
use crate::state::behaviour;
use crate::state::{Key, Life, SimHost};
use std::os::fd::OwnedFd;
use virtxen_libxl::Outcome;

/// Bytes of the stream for each MiB of a guest.
const PER_MIB: usize = 1024;

/// Writes a guest and leaves it suspended.
pub(super) async fn save(host: &SimHost, domid: u32, live: bool, to: OwnedFd) -> Answer {
    let (key, memory) = {
        let state = host.state();
        let key = find(&state, domid, "domain_suspend")?;
        let active = state.get(key).and_then(|domain| domain.active.as_ref());
        let memory = active.map_or(0, |active| active.memory);
        (
            key,
            usize::try_from(memory).unwrap_or(0).saturating_mul(PER_MIB),
        )
    };
    let saved = write(host, key, live, memory, &to).await;
    saved.map_err(|wrong| wrong.in_call("domain_suspend"))?;
    Ok(Outcome::Done)
}

/// A guest that is written `live` runs while the most of it is.
async fn write(
    host: &SimHost,
    key: Key,
    live: bool,
    memory: usize,
    to: &OwnedFd,
) -> Result<(), Wrong> {
    let broken = Wrong::failed;
    let time = host.options().timing.save;
    if !live {
        suspend(host, key)?;
    }
    stream::write(to, stream::head()).await.map_err(broken)?;
    stream::write(to, stream::memory(memory))
        .await
        .map_err(broken)?;
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
    if live {
        suspend(host, key)?;
    }
    stream::write(to, stream::end()).await.map_err(broken)
}

fn suspend(host: &SimHost, key: Key) -> Result<(), Wrong> {
    let mut state = host.state();
    let domain = state.get(key);
    let Some((name, active)) = domain.and_then(|it| Some((&it.config.name, it.active.as_ref()?)))
    else {
        return Err(Wrong::failed("the domain was destroyed meanwhile"));
    };
    let deaf = behaviour::is_deaf(name) || host.xend().faults().is_hung(name);
    if active.life == Life::Running && deaf {
        let line = "guest didn't acknowledge suspend, cancelling request";
        return Err(Wrong::new(GUEST_TIMED_OUT, line)
            .then("saving domain: domain did not respond to suspend request"));
    }
    state.suspend(key);
    Ok(())
}
