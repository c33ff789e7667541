//! Networks, storage, devices, interfaces, secrets and filters of the host: other
//! daemons of libvirt have them, which are not asked.
//!
//! Lists are empty and nothing is found, which is what clients go on with; what would
//! make such an object is not supported.

use super::Caller;
use crate::error::Result;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use virtxen_rpc::calls::{ListAll, Listed};
use virtxen_rpc::xdr::List;
use virtxen_rpc::{RemoteError, code, origin};

/// Registrations of a client for events of such objects.
const REGISTRATIONS: usize = 1024;

/// Where their numbers begin, so that none is also one of a domain's events.
const FIRST: i32 = 1 << 24;

/// What a client has registered for. None of it ever happens.
#[derive(Debug, Default)]
pub(crate) struct Registrations(Mutex<BTreeSet<i32>>);

/// A kind of object: what it is called, who has it, and the error that it is not
/// there.
struct Kind {
    name: &'static str,
    daemon: &'static str,
    code: i32,
    origin: i32,
}

const NETWORK: Kind = Kind {
    name: "network",
    daemon: "virtnetworkd",
    code: code::NO_NETWORK,
    origin: origin::NETWORK,
};
const POOL: Kind = Kind {
    name: "storage pool",
    daemon: "virtstoraged",
    code: code::NO_STORAGE_POOL,
    origin: origin::STORAGE,
};
const VOLUME: Kind = Kind {
    name: "storage volume",
    code: code::NO_STORAGE_VOL,
    ..POOL
};
const NODE_DEVICE: Kind = Kind {
    name: "node device",
    daemon: "virtnodedevd",
    code: code::NO_NODE_DEVICE,
    origin: origin::NODEDEV,
};
const INTERFACE: Kind = Kind {
    name: "interface",
    daemon: "virtinterfaced",
    code: code::NO_INTERFACE,
    origin: origin::INTERFACE,
};
const SECRET: Kind = Kind {
    name: "secret",
    daemon: "virtsecretd",
    code: code::NO_SECRET,
    origin: origin::SECRET,
};
const NWFILTER: Kind = Kind {
    name: "network filter",
    daemon: "virtnwfilterd",
    code: code::NO_NWFILTER,
    origin: origin::NWFILTER,
};
const BINDING: Kind = Kind {
    name: "use of a network filter",
    code: code::NO_NWFILTER_BINDING,
    ..NWFILTER
};

super::rows! {
    ConnectNumOfNetworks => async |_, ()| Ok(0);
    ConnectListNetworks => async |_, _| Ok(List::default());
    ConnectNumOfDefinedNetworks => async |_, ()| Ok(0);
    ConnectListDefinedNetworks => async |_, _| Ok(List::default());
    ConnectListAllNetworks => nothing;
    NetworkLookupByName => async |_, name: String| NETWORK.missing(&name);
    NetworkLookupByUUID => async |_, uuid| NETWORK.missing(&text(uuid));
    ConnectNetworkEventRegisterAny => async |caller, _| register(&caller);
    ConnectNetworkEventDeregisterAny => async |caller, id| deregister(&caller, id);

    ConnectNumOfStoragePools => async |_, ()| Ok(0);
    ConnectListStoragePools => async |_, _| Ok(List::default());
    ConnectNumOfDefinedStoragePools => async |_, ()| Ok(0);
    ConnectListDefinedStoragePools => async |_, _| Ok(List::default());
    ConnectListAllStoragePools => nothing;
    StoragePoolLookupByName => async |_, name: String| POOL.missing(&name);
    StoragePoolLookupByUUID => async |_, uuid| POOL.missing(&text(uuid));
    StoragePoolLookupByTargetPath => async |_, path: String| POOL.missing(&path);
    StorageVolLookupByKey => async |_, key: String| VOLUME.missing(&key);
    StorageVolLookupByPath => async |_, path: String| VOLUME.missing(&path);
    ConnectStoragePoolEventRegisterAny => async |caller, _| register(&caller);
    ConnectStoragePoolEventDeregisterAny => async |caller, id| deregister(&caller, id);

    NodeNumOfDevices => async |_, _| Ok(0);
    NodeListDevices => async |_, _| Ok(List::default());
    ConnectListAllNodeDevices => nothing;
    NodeDeviceLookupByName => async |_, name: String| NODE_DEVICE.missing(&name);
    ConnectNodeDeviceEventRegisterAny => async |caller, _| register(&caller);
    ConnectNodeDeviceEventDeregisterAny => async |caller, id| deregister(&caller, id);

    ConnectNumOfInterfaces => async |_, ()| Ok(0);
    ConnectListInterfaces => async |_, _| Ok(List::default());
    ConnectNumOfDefinedInterfaces => async |_, ()| Ok(0);
    ConnectListDefinedInterfaces => async |_, _| Ok(List::default());
    ConnectListAllInterfaces => nothing;
    InterfaceLookupByName => async |_, name: String| INTERFACE.missing(&name);
    InterfaceLookupByMACString => async |_, mac: String| INTERFACE.missing(&mac);

    ConnectNumOfSecrets => async |_, ()| Ok(0);
    ConnectListSecrets => async |_, _| Ok(List::default());
    ConnectListAllSecrets => nothing;
    SecretLookupByUUID => async |_, uuid| SECRET.missing(&text(uuid));
    SecretLookupByUsage => async |_, usage: virtxen_rpc::calls::UsageArguments| {
        SECRET.missing(&usage.usage_id)
    };
    ConnectSecretEventRegisterAny => async |caller, _| register(&caller);
    ConnectSecretEventDeregisterAny => async |caller, id| deregister(&caller, id);

    ConnectNumOfNWFilters => async |_, ()| Ok(0);
    ConnectListNWFilters => async |_, _| Ok(List::default());
    ConnectListAllNWFilters => nothing;
    ConnectListAllNWFilterBindings => nothing;
    NWFilterLookupByName => async |_, name: String| NWFILTER.missing(&name);
    NWFilterLookupByUUID => async |_, uuid| NWFILTER.missing(&text(uuid));
    NWFilterBindingLookupByPortDev => async |_, port: String| BINDING.missing(&port);
}

async fn nothing<T, const MAX: usize>(_: Arc<Caller>, _: ListAll) -> Result<Listed<T, MAX>> {
    Ok(Listed {
        items: List::default(),
        count: 0,
    })
}

impl Kind {
    fn missing<T>(&self, which: &str) -> Result<T> {
        let Self { name, daemon, .. } = self;
        let message =
            format!("no {name} '{which}': virtxend has none of its own and does not ask {daemon}");
        Err(RemoteError::new(self.code, self.origin, message).into())
    }
}

fn register(caller: &Caller) -> Result<i32> {
    let mut registered = caller.registrations.lock();
    let next = registered
        .last()
        .map_or(Some(FIRST), |id| id.checked_add(1));
    match next.filter(|_| registered.len() < REGISTRATIONS) {
        Some(id) => {
            registered.insert(id);
            Ok(id)
        }
        None => Err(RemoteError::protocol("too many registrations for events").into()),
    }
}

fn deregister(caller: &Caller, id: i32) -> Result<()> {
    if caller.registrations.lock().remove(&id) {
        return Ok(());
    }
    let message = format!("invalid argument: no events are registered with number {id}");
    Err(RemoteError::new(code::INVALID_ARG, origin::RPC, message).into())
}

impl Registrations {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<i32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn text(uuid: virtxen_rpc::Uuid) -> String {
    virtxen_guest::Uuid(uuid).to_string()
}
