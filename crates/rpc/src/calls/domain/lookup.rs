//! Calls that find a domain and say what it is: state, description, metadata.

use crate::calls::DomainFlags;
use crate::calls::table::procedures;
use crate::objects::{Domain, Uuid};
use crate::xdr::{ByteChars, List, record};

record! {
    /// `virDomainInfo`.
    DomainInfo {
        state: u8,
        /// KiB.
        max_mem: u64,
        /// KiB.
        memory: u64,
        nr_virt_cpu: u16,
        /// Nanoseconds.
        cpu_time: u64,
    }
    /// A state and the reason for it.
    DomainState { state: i32, reason: i32 }
    /// `virDomainControlInfo`.
    ControlInfo { state: u32, details: u32, state_time: u64 }
    /// `virSecurityLabel`.
    SecurityLabel { label: ByteChars<4097>, enforcing: i32 }
    /// All labels, and how many there are.
    SecurityLabels { labels: List<SecurityLabel, 64>, ret: i32 }
    /// Arguments of `virDomainSetMetadata`; no metadata removes it.
    SetMetadataArguments {
        dom: Domain,
        kind: i32,
        metadata: Option<String>,
        key: Option<String>,
        uri: Option<String>,
        flags: u32,
    }
    /// Arguments of `virDomainGetMetadata`.
    MetadataArguments { dom: Domain, kind: i32, uri: Option<String>, flags: u32 }
}

procedures! { ROWS: Domain {
     14 LOW  DomainGetXMLDesc READS_BUT_SECURE_OR_MIGRATABLE
        [Domain: Read, ReadSecure if SECURE, ReadSecure if MIGRATABLE]
        (DomainFlags) -> String;
     16 LOW  DomainGetInfo READS [Domain: Read] (Domain) -> DomainInfo;
     19 HIGH DomainGetOSType READS [Domain: Read] (Domain) -> String;
     22 HIGH DomainLookupByID READS [Domain: Getattr] (i32) -> Domain;
     23 HIGH DomainLookupByName READS [Domain: Getattr] (String) -> Domain;
     24 HIGH DomainLookupByUUID READS [Domain: Getattr] (Uuid) -> Domain;
    121 HIGH DomainGetSecurityLabel READS [Domain: Read] (Domain) -> SecurityLabel;
    150 HIGH DomainIsActive READS [Domain: Read] (Domain) -> i32;
    151 HIGH DomainIsPersistent READS [Domain: Read] (Domain) -> i32;
    202 HIGH DomainIsUpdated READS [Domain: Read] (Domain) -> i32;
    212 HIGH DomainGetState READS [Domain: Read] (DomainFlags) -> DomainState;
    229 HIGH DomainGetControlInfo READS [Domain: Read] (DomainFlags) -> ControlInfo;
    264 LOW  DomainSetMetadata WRITES [Domain: Write, Save if STORED] (SetMetadataArguments) -> ();
    265 LOW  DomainGetMetadata READS [Domain: Read] (MetadataArguments) -> String;
    277 LOW  DomainGetHostname WRITES [Domain: Write] (DomainFlags) -> String;
    278 HIGH DomainGetSecurityLabelList READS [Domain: Read] (Domain) -> SecurityLabels;
    426 LOW  DomainGetMessages READS [Domain: Read] (DomainFlags) -> List<String, 2048>;
} }
