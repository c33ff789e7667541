//! Events that a client wants of other daemons' objects: our number for a callback,
//! and theirs.
//!
//! Events of domains are not here: `virtxen_rpc` keeps them.

use std::collections::BTreeMap;
use virtxen_rpc::calls::{
    ConnectNetworkEventDeregisterAny, ConnectNetworkEventRegisterAny,
    ConnectNodeDeviceEventDeregisterAny, ConnectNodeDeviceEventRegisterAny,
    ConnectSecretEventDeregisterAny, ConnectSecretEventRegisterAny,
    ConnectStoragePoolEventDeregisterAny, ConnectStoragePoolEventRegisterAny,
};
use virtxen_rpc::server::{ServerCall, ServerSession};
use virtxen_rpc::{Call, Group, RemoteError, code, origin, xdr};

/// Callbacks of a client.
const MOST: usize = 1024;

type Result<T> = std::result::Result<T, RemoteError>;

const REGISTERS: [i32; 4] = [
    ConnectNetworkEventRegisterAny::PROCEDURE.number,
    ConnectStoragePoolEventRegisterAny::PROCEDURE.number,
    ConnectNodeDeviceEventRegisterAny::PROCEDURE.number,
    ConnectSecretEventRegisterAny::PROCEDURE.number,
];

const DEREGISTERS: [i32; 4] = [
    ConnectNetworkEventDeregisterAny::PROCEDURE.number,
    ConnectStoragePoolEventDeregisterAny::PROCEDURE.number,
    ConnectNodeDeviceEventDeregisterAny::PROCEDURE.number,
    ConnectSecretEventDeregisterAny::PROCEDURE.number,
];

/// Whether the arguments of a registration are those of its procedure, when nobody
/// else looks at them.
///
/// # Errors
/// What to reply when they are not.
pub(super) fn check(call: &ServerCall) -> Result<()> {
    match call.procedure().types {
        Some(types) => Ok((types.arguments)(call.payload()).map(drop)?),
        None => Err(call.procedure().no_support()),
    }
}

/// All that a client has registered for, by our numbers.
#[derive(Debug, Default)]
pub(super) struct Callbacks(BTreeMap<i32, Callback>);

/// A callback at another daemon, or at none: then nothing ever happens.
#[derive(Clone, Copy, Debug)]
struct Callback {
    group: Group,
    theirs: Option<i32>,
}

impl Callbacks {
    pub(super) fn registers(procedure: i32) -> bool {
        REGISTERS.contains(&procedure)
    }

    pub(super) fn deregisters(procedure: i32) -> bool {
        DEREGISTERS.contains(&procedure)
    }

    /// Makes a number of ours for a callback.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn add(
        &mut self,
        session: &mut ServerSession,
        group: Group,
        theirs: Option<i32>,
    ) -> Result<i32> {
        if self.0.len() >= MOST {
            return Err(RemoteError::protocol(
                "too many registrations for events of other daemons",
            ));
        }
        let ours = session.new_callback()?;
        self.0.insert(ours, Callback { group, theirs });
        Ok(ours)
    }

    /// Our number in the arguments of a call, and theirs.
    ///
    /// # Errors
    /// When there is no such callback.
    pub(super) fn find(&self, group: Group, arguments: &[u8]) -> Result<(i32, Option<i32>)> {
        let ours: i32 = xdr::from_bytes(arguments)?;
        match self.0.get(&ours).filter(|found| found.group == group) {
            Some(callback) => Ok((ours, callback.theirs)),
            None => {
                let message =
                    format!("invalid argument: no events are registered with number {ours}");
                Err(RemoteError::new(code::INVALID_ARG, origin::RPC, message))
            }
        }
    }

    pub(super) fn ours(&self, group: Group, theirs: i32) -> Option<i32> {
        let mut all = self.0.iter();
        all.find_map(|(ours, callback)| {
            (callback.group == group && callback.theirs == Some(theirs)).then_some(*ours)
        })
    }

    pub(super) fn remove(&mut self, ours: i32) {
        self.0.remove(&ours);
    }

    /// The connection on which a group's events came is gone.
    pub(super) fn lose(&mut self, group: Group) {
        for callback in self.0.values_mut() {
            if callback.group == group {
                callback.theirs = None;
            }
        }
    }
}
