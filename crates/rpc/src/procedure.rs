//! What is known of each procedure: name, types, who may call it, how soon.
//!
//! The rows are in [`calls`](crate::calls), beside the types that they name. Who
//! may do what is decided by those who serve the calls.

use crate::Result;
use crate::objects::{Domain, Uuid};
use crate::remote_error::{RemoteError, origin};
use crate::xdr::{Wire, to_bytes};

/// A procedure of the REMOTE program, as libvirt 9.0 has it.
#[derive(Debug)]
pub struct Procedure {
    /// Its number on the wire.
    pub number: i32,
    /// The public function of libvirt that it is.
    pub name: &'static str,
    /// Which part of libvirt it belongs to.
    pub group: Group,
    /// Whether it may be done by those who keep themselves free of long work.
    pub priority: Priority,
    /// What of it a read-only connection may do.
    pub access: Access,
    /// Permissions that the caller needs, all of them.
    pub acl: &'static [Rule],
    /// Permission that he needs for each object in a list or an event; the others
    /// are left out.
    pub filter: Option<Rule>,
    /// Its types. Without them it is a name only, answered by
    /// [`RemoteError::no_support`].
    pub types: Option<Types>,
}

/// Checks of payloads without knowing what is in them.
#[derive(Clone, Copy, Debug)]
pub struct Types {
    /// Reads arguments and writes them again.
    pub arguments: fn(&[u8]) -> Result<Vec<u8>>,
    /// Reads a reply and writes it again.
    pub reply: fn(&[u8]) -> Result<Vec<u8>>,
    #[cfg(test)]
    pub(crate) samples: fn(&mut crate::sample::Source) -> (Vec<u8>, Vec<u8>),
}

/// A procedure with its types: the markers in [`calls`](crate::calls).
pub trait Call {
    /// Its row in the table.
    const PROCEDURE: &'static Procedure;
    /// What it is called with.
    type Arguments: Wire + Arguments;
    /// What it returns.
    type Reply: Wire;

    /// The bytes of a result, for those who do a call away from its session.
    ///
    /// # Errors
    /// The result's own, or one that says why it does not fit the protocol.
    fn encode(
        result: std::result::Result<Self::Reply, RemoteError>,
    ) -> std::result::Result<Vec<u8>, RemoteError> {
        Ok(to_bytes(&result?)?)
    }
}

/// What rules look at in arguments.
pub trait Arguments {
    /// The flags of the call.
    fn flags(&self) -> Option<u64> {
        None
    }

    /// The domain that it is about.
    fn domain(&self) -> Option<&Domain> {
        None
    }

    /// Where addresses come from (`virDomainInterfaceAddressesSource`).
    fn source(&self) -> Option<u32> {
        None
    }
}

impl Arguments for () {}
impl Arguments for i32 {}
impl Arguments for String {}
impl Arguments for Option<String> {}
impl Arguments for Uuid {}

/// The only calls with a single word besides a number have their flags in it.
impl Arguments for u32 {
    fn flags(&self) -> Option<u64> {
        Some(u64::from(*self))
    }
}

/// Parts of libvirt, as far as different programs serve them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Proofs of who one is; answered before a connection is open.
    Auth,
    /// The connection and the host.
    Connect,
    /// Domains.
    Domain,
    /// Snapshots of domains.
    Snapshot,
    /// Checkpoints of domains.
    Checkpoint,
    /// Messages from the server, which nobody can call.
    Event,
    /// Networks.
    Network,
    /// Storage pools and volumes.
    Storage,
    /// Devices of the host.
    NodeDevice,
    /// Interfaces of the host.
    Interface,
    /// Secrets.
    Secret,
    /// Filters of packets.
    NWFilter,
}

impl Group {
    /// Who says that a procedure of the group is not supported.
    #[must_use]
    pub const fn origin(self) -> i32 {
        match self {
            Self::Auth | Self::Event => origin::RPC,
            Self::Connect | Self::Domain => origin::DOMAIN,
            Self::Snapshot => origin::DOMAIN_SNAPSHOT,
            Self::Checkpoint => origin::DOMAIN_CHECKPOINT,
            Self::Network => origin::NETWORK,
            Self::Storage => origin::STORAGE,
            Self::NodeDevice => origin::NODEDEV,
            Self::Interface => origin::INTERFACE,
            Self::Secret => origin::SECRET,
            Self::NWFilter => origin::NWFILTER,
        }
    }

    /// The scheme of the URI under which another daemon serves the group.
    #[must_use]
    pub const fn scheme(self) -> Option<&'static str> {
        match self {
            Self::Network => Some("network"),
            Self::Storage => Some("storage"),
            Self::NodeDevice => Some("nodedev"),
            Self::Interface => Some("interface"),
            Self::Secret => Some("secret"),
            Self::NWFilter => Some("nwfilter"),
            _ => None,
        }
    }
}

/// Which of the workers may do a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// It may take long, so that it must not keep quick ones waiting.
    Low,
    /// It does not wait for a guest.
    High,
}

/// What of a procedure a read-only connection may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// All.
    Reads,
    /// Nothing.
    Writes,
    /// All, but for this.
    ReadsBut(When),
}

/// A permission that is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// For what kind of object.
    pub object: Object,
    /// What the caller wants to do with it.
    pub permission: Permission,
    /// For which calls.
    pub when: When,
}

/// The calls that a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// All.
    Always,
    /// Those with any of these flags.
    Any(u64),
    /// Those that change what is stored: with `AFFECT_CONFIG` (2), or without it
    /// and `AFFECT_LIVE` (1).
    Stored,
    /// Those with this source of addresses.
    Source(u32),
}

impl When {
    /// Whether the rule is for a call with these arguments.
    pub fn holds(self, arguments: &impl Arguments) -> bool {
        let flags = arguments.flags().unwrap_or(0);
        match self {
            Self::Always => true,
            Self::Any(mask) => flags & mask != 0,
            Self::Stored => flags & 2 != 0 || flags & 3 == 0,
            Self::Source(source) => arguments.source() == Some(source),
        }
    }
}

impl Procedure {
    /// Whether a read-only connection may call it with these arguments.
    ///
    /// # Errors
    /// libvirt's, when it may not.
    pub fn check_read_only(
        &self,
        arguments: &impl Arguments,
    ) -> std::result::Result<(), RemoteError> {
        let denied = match self.access {
            Access::Reads => false,
            Access::Writes => true,
            Access::ReadsBut(when) => when.holds(arguments),
        };
        if denied {
            return Err(RemoteError::read_only(self.name, self.group.origin()));
        }
        Ok(())
    }

    /// Permissions that a call with these arguments needs.
    pub fn permissions(&self, arguments: &impl Arguments) -> Vec<Rule> {
        let rules = self.acl.iter().copied();
        rules.filter(|rule| rule.when.holds(arguments)).collect()
    }

    /// The answer when nobody here can do it.
    #[must_use]
    pub fn no_support(&self) -> RemoteError {
        RemoteError::no_support(self.name, self.group.origin())
    }
}

/// A list of words and what libvirt calls them.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each has its word, which libvirt documents")]
        pub enum $name { $($variant),* }

        impl $name {
            /// libvirt's word, as it is in the names of polkit's actions.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }
    };
}

words! {
    /// What permissions are about.
    Object {
        Connect "connect",
        Domain "domain",
        Network "network",
        NetworkPort "network-port",
        StoragePool "storage-pool",
        StorageVol "storage-vol",
        NodeDevice "node-device",
        Interface "interface",
        Secret "secret",
        NWFilter "nwfilter",
        NWFilterBinding "nwfilter-binding",
    }
}

words! {
    /// What somebody may do.
    Permission {
        Getattr "getattr",
        Read "read",
        Write "write",
        ReadSecure "read-secure",
        Start "start",
        Stop "stop",
        Reset "reset",
        Save "save",
        Delete "delete",
        Create "create",
        Format "format",
        Refresh "refresh",
        Resize "resize",
        Detach "detach",
        DataRead "data-read",
        DataWrite "data-write",
        Migrate "migrate",
        Checkpoint "checkpoint",
        Snapshot "snapshot",
        Suspend "suspend",
        Hibernate "hibernate",
        CoreDump "core-dump",
        PmControl "pm-control",
        InitControl "init-control",
        InjectNmi "inject-nmi",
        SendInput "send-input",
        SendSignal "send-signal",
        FsTrim "fs-trim",
        FsFreeze "fs-freeze",
        BlockRead "block-read",
        BlockWrite "block-write",
        MemRead "mem-read",
        OpenGraphics "open-graphics",
        OpenDevice "open-device",
        Screenshot "screenshot",
        SetTime "set-time",
        SetPassword "set-password",
        SearchDomains "search-domains",
        SearchNetworks "search-networks",
        SearchPorts "search-ports",
        SearchStoragePools "search-storage-pools",
        SearchStorageVols "search-storage-vols",
        SearchNodeDevices "search-node-devices",
        SearchInterfaces "search-interfaces",
        SearchSecrets "search-secrets",
        SearchNwfilters "search-nwfilters",
        SearchNwfilterBindings "search-nwfilter-bindings",
        DetectStoragePools "detect-storage-pools",
        InterfaceTransaction "interface-transaction",
    }
}
