//! Calls that act on a running guest as a whole: reset, keys, interrupts, sleep.

use super::{Caller, wire};
use crate::error::Result;
use std::sync::Arc;
use std::time::Duration;
use virtxen_driver::SleepTarget;
use virtxen_rpc::calls::{DomainFlags, SendKeyArguments, SuspendArguments};
use virtxen_rpc::{RemoteError, code, origin};

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

/// Xen's guests sleep until somebody wakes them up.
async fn pm_suspend(caller: Arc<Caller>, arguments: SuspendArguments) -> Result<()> {
    wire::only("virDomainPMSuspendForDuration", arguments.flags, 0)?;
    let wrong = |message: String| RemoteError::new(code::INVALID_ARG, origin::DOMAIN, message);
    if arguments.duration != 0 {
        let message = "invalid argument: a guest does not wake up by itself, the duration is 0";
        return Err(wrong(message.to_owned()).into());
    }
    let target = match arguments.target {
        0 => SleepTarget::Memory,
        1 => SleepTarget::Disk,
        2 => SleepTarget::Hybrid,
        other => return Err(wrong(format!("invalid argument: there is no target {other}")).into()),
    };
    let key = wire::key(&arguments.dom);
    Ok(caller.driver.pm_suspend(&key, target).await?)
}

async fn pm_wakeup(caller: Arc<Caller>, arguments: DomainFlags) -> Result<()> {
    wire::only("virDomainPMWakeup", arguments.flags, 0)?;
    Ok(caller.driver.pm_wakeup(&wire::key(&arguments.dom)).await?)
}
