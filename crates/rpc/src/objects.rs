//! What calls are about, as it travels: domains, networks, pools and so on.
//!
//! A client sends back all that it was told; a server finds a domain by its uuid
//! and believes nothing else.

use crate::xdr::record;

/// The sixteen bytes of a uuid.
pub type Uuid = [u8; 16];

record! {
    /// A domain.
    Domain {
        name: String,
        uuid: Uuid,
        /// Its number while it runs, else -1.
        id: i32,
    }
    /// A virtual network.
    Network { name: String, uuid: Uuid }
    /// A port of a virtual network.
    NetworkPort { net: Network, uuid: Uuid }
    /// A filter of packets.
    NWFilter { name: String, uuid: Uuid }
    /// A filter in use.
    NWFilterBinding { portdev: String, filtername: String }
    /// An interface of the host.
    Interface { name: String, mac: String }
    /// A storage pool.
    StoragePool { name: String, uuid: Uuid }
    /// A volume of a storage pool.
    StorageVol { pool: String, name: String, key: String }
    /// A device of the host.
    NodeDevice { name: String }
    /// A secret.
    Secret { uuid: Uuid, usage_type: i32, usage_id: String }
    /// A snapshot of a domain.
    DomainSnapshot { name: String, dom: Domain }
}
