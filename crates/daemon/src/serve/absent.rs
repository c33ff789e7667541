//! Networks, storage, devices, interfaces, secrets and filters of the host while
//! libvirt's daemons that have them are not there.
//!
//! Lists are empty and nothing is found, which is what clients go on with; what would
//! make such an object is not supported. When the daemons are there, `forward` asks
//! them.

use super::{Caller, Row};
use crate::error::Result;
use std::sync::Arc;
use virtxen_rpc::calls::UsageArguments;
use virtxen_rpc::{RemoteError, Uuid, code, origin};

/// A kind of object: what it is called, who has it, and the error that it is not
/// there.
struct Kind {
    name: &'static str,
    daemon: &'static str,
    code: i32,
    origin: i32,
}

/// Kinds of objects, the calls that list them and those that look one up.
macro_rules! kinds {
    ($(
        $name:literal of $daemon:literal ($code:ident $origin:ident):
        lists $($list:ident),*;
        looks up $($lookup:ident),+;
    )*) => {
        pub(super) const ROWS: &[Row] = &[$(
            $( kinds!(@row $list, |_: Arc<Caller>, _| none()), )*
            $( kinds!(@row $lookup, |_: Arc<Caller>, which| missing(
                Kind { name: $name, daemon: $daemon, code: code::$code, origin: origin::$origin },
                which,
            )), )+
        )*];
    };
    (@row $call:ident, $function:expr) => {
        Row {
            number: <virtxen_rpc::calls::$call as virtxen_rpc::Call>::PROCEDURE.number,
            serve: |caller, call| Box::pin(
                super::answer::<virtxen_rpc::calls::$call, _>(caller, call, $function)
            ),
        }
    };
}

kinds! {
    "network" of "virtnetworkd" (NO_NETWORK NETWORK):
        lists ConnectNumOfNetworks, ConnectListNetworks, ConnectNumOfDefinedNetworks,
            ConnectListDefinedNetworks, ConnectListAllNetworks;
        looks up NetworkLookupByName, NetworkLookupByUUID;
    "storage pool" of "virtstoraged" (NO_STORAGE_POOL STORAGE):
        lists ConnectNumOfStoragePools, ConnectListStoragePools,
            ConnectNumOfDefinedStoragePools, ConnectListDefinedStoragePools,
            ConnectListAllStoragePools;
        looks up StoragePoolLookupByName, StoragePoolLookupByUUID,
            StoragePoolLookupByTargetPath;
    "node device" of "virtnodedevd" (NO_NODE_DEVICE NODEDEV):
        lists NodeNumOfDevices, NodeListDevices, ConnectListAllNodeDevices;
        looks up NodeDeviceLookupByName;
    "interface" of "virtinterfaced" (NO_INTERFACE INTERFACE):
        lists ConnectNumOfInterfaces, ConnectListInterfaces,
            ConnectNumOfDefinedInterfaces, ConnectListDefinedInterfaces,
            ConnectListAllInterfaces;
        looks up InterfaceLookupByName, InterfaceLookupByMACString;
    "secret" of "virtsecretd" (NO_SECRET SECRET):
        lists ConnectNumOfSecrets, ConnectListSecrets, ConnectListAllSecrets;
        looks up SecretLookupByUUID, SecretLookupByUsage;
    "network filter" of "virtnwfilterd" (NO_NWFILTER NWFILTER):
        lists ConnectNumOfNWFilters, ConnectListNWFilters, ConnectListAllNWFilters;
        looks up NWFilterLookupByName, NWFilterLookupByUUID;
    "storage volume" of "virtstoraged" (NO_STORAGE_VOL STORAGE):
        lists;
        looks up StorageVolLookupByKey, StorageVolLookupByPath;
    "use of a network filter" of "virtnwfilterd" (NO_NWFILTER_BINDING NWFILTER):
        lists ConnectListAllNWFilterBindings;
        looks up NWFilterBindingLookupByPortDev;
}

/// No number, no names, no objects.
async fn none<R: Default>() -> Result<R> {
    Ok(R::default())
}

async fn missing<R>(kind: Kind, which: impl Which) -> Result<R> {
    let Kind { name, daemon, .. } = kind;
    let message = format!(
        "no {name} '{}': virtxend has none of its own, and {daemon} is not there",
        which.words()
    );
    Err(RemoteError::new(kind.code, kind.origin, message).into())
}

/// What an object is looked up by.
trait Which {
    fn words(self) -> String;
}

impl Which for String {
    fn words(self) -> String {
        self
    }
}

impl Which for Uuid {
    fn words(self) -> String {
        virtxen_guest::Uuid(self).to_string()
    }
}

impl Which for UsageArguments {
    fn words(self) -> String {
        self.usage_id
    }
}
