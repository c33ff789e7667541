//! Calls that act on a running guest as a whole: reset, keys, interrupts, sleep.

use super::{Caller, lookup, wire};
use crate::error::Result;
use std::sync::Arc;
use std::time::Duration;
use virtxen_driver::{Error, State};
use virtxen_rpc::calls::{DomainFlags, SendKeyArguments, SuspendArguments};
use virtxen_rpc::{Domain, RemoteError, code, origin};

/// `VIR_KEYCODE_SET_LINUX`.
const LINUX: u32 = 0;

super::rows! {
    DomainReset => reset;
    DomainSendKey => send_key;
    DomainInjectNMI => inject_nmi;
    DomainPMSuspendForDuration => pm_suspend;
    DomainPMWakeup => pm_wakeup;
}

async fn reset(caller: Arc<Caller>, arguments: DomainFlags) -> Result<()> {
    wire::only("virDomainReset", arguments.flags, 0)?;
    Ok(caller.driver.reset(&wire::key(&arguments.dom)).await?)
}

async fn send_key(caller: Arc<Caller>, arguments: SendKeyArguments) -> Result<()> {
    wire::only("virDomainSendKey", arguments.flags, 0)?;
    if arguments.codeset != LINUX {
        let message = "Operation not supported: send-key: keys are taken in Linux's codes only, \
                       --codeset linux";
        return Err(RemoteError::new(code::OPERATION_UNSUPPORTED, origin::LIBXL, message).into());
    }
    let key = wire::key(&arguments.dom);
    let hold = Duration::from_millis(arguments.holdtime.into());
    let keys = arguments.keycodes.0;
    Ok(caller.driver.send_keys(&key, &keys, hold).await?)
}

async fn inject_nmi(caller: Arc<Caller>, arguments: DomainFlags) -> Result<()> {
    wire::only("virDomainInjectNMI", arguments.flags, 0)?;
    Ok(caller.driver.inject_nmi(&wire::key(&arguments.dom)).await?)
}

/// No channel of ours has a sleep of the guest's own making. Clients that get this
/// code pause the domain instead.
async fn pm_suspend(caller: Arc<Caller>, arguments: SuspendArguments) -> Result<()> {
    wire::only("virDomainPMSuspendForDuration", arguments.flags, 0)?;
    asleep_never(&caller, &arguments.dom, "sleep").await
}

async fn pm_wakeup(caller: Arc<Caller>, arguments: DomainFlags) -> Result<()> {
    wire::only("virDomainPMWakeup", arguments.flags, 0)?;
    asleep_never(&caller, &arguments.dom, "wake up").await
}

async fn asleep_never(caller: &Caller, dom: &Domain, operation: &'static str) -> Result<()> {
    let domain = lookup::look(caller, dom).await?;
    let error = if domain.state == State::Shutoff {
        Error::State {
            name: domain.name,
            operation,
            state: domain.state,
            needed: "running",
        }
    } else {
        let name = domain.name;
        Error::Unsupported {
            operation,
            reason: format!("domain '{name}' cannot be put to sleep here, suspend pauses it"),
        }
    };
    Err(error.into())
}
