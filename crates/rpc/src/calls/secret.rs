//! Calls about secrets, which another daemon serves. Typed are those that are answered
//! without it, and those that a driver needs from it.

use super::table::procedures;
use super::{ListAll, Listed};
use crate::objects::{Secret, Uuid};
use crate::xdr::{List, Opaque, record};

/// Most secrets in a list.
pub const SECRETS_MAX: usize = 16_384;

record! {
    /// Arguments of `virSecretLookupByUsage`.
    UsageArguments { usage_type: i32, usage_id: String }
    /// A secret, with flags.
    SecretFlags { secret: Secret, flags: u32 }
    /// Which events a client wants, of one secret or of all.
    SecretEventArguments { event_id: i32, secret: Option<Secret> }
}

procedures! { ROWS: Secret {
    139 HIGH ConnectNumOfSecrets READS [Connect: SearchSecrets | Secret Getattr] (()) -> i32;
    140 HIGH ConnectListSecrets READS [Connect: SearchSecrets | Secret Getattr]
        (i32) -> List<String, SECRETS_MAX>;
    141 HIGH SecretLookupByUUID READS [Secret: Getattr] (Uuid) -> Secret;
    142 HIGH SecretDefineXML WRITES [Secret: Write, Save];
    143 HIGH SecretGetXMLDesc READS [Secret: Read];
    144 HIGH SecretSetValue WRITES [Secret: Write];
    145 HIGH SecretGetValue WRITES [Secret: ReadSecure] (SecretFlags) -> Opaque<65536>;
    146 HIGH SecretUndefine WRITES [Secret: Delete];
    147 HIGH SecretLookupByUsage READS [Secret: Getattr] (UsageArguments) -> Secret;
    287 HIGH ConnectListAllSecrets READS [Connect: SearchSecrets | Secret Getattr]
        (ListAll) -> Listed<Secret, SECRETS_MAX>;
    380 HIGH ConnectSecretEventRegisterAny READS [Connect: SearchSecrets | Secret Getattr]
        (SecretEventArguments) -> i32;
    381 HIGH ConnectSecretEventDeregisterAny READS [Connect: Read] (i32) -> ();
} }
