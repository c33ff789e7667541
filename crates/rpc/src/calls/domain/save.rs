//! Calls that put a domain away into a file and take it out again.

use crate::calls::DomainFlags;
use crate::calls::table::procedures;
use crate::objects::Domain;
use crate::typed_param::TypedParam;
use crate::xdr::{List, record};

record! {
    /// Arguments of `virDomainSave`.
    SaveArguments { dom: Domain, to: String }
    /// Arguments of `virDomainSaveFlags`.
    SaveFlags { dom: Domain, to: String, dxml: Option<String>, flags: u32 }
    /// Arguments of `virDomainSaveParams`.
    SaveParams { dom: Domain, params: List<TypedParam, 64>, flags: u32 }
    /// Arguments of `virDomainRestoreFlags`.
    RestoreFlags { from: String, dxml: Option<String>, flags: u32 }
    /// Arguments of `virDomainRestoreParams`.
    RestoreParams { params: List<TypedParam, 64>, flags: u32 }
    /// Arguments of `virDomainSaveImageGetXMLDesc`.
    ImageArguments { file: String, flags: u32 }
    /// Arguments of `virDomainSaveImageDefineXML`.
    ImageXmlArguments { file: String, dxml: String, flags: u32 }
    /// Arguments of `virDomainManagedSaveDefineXML`.
    ManagedSaveXmlArguments { dom: Domain, dxml: Option<String>, flags: u32 }
    /// Arguments of `virDomainCoreDump`.
    DumpArguments { dom: Domain, to: String, flags: u32 }
    /// Arguments of `virDomainCoreDumpWithFormat`.
    DumpFormatArguments { dom: Domain, to: String, dumpformat: u32, flags: u32 }
}

procedures! { ROWS: Domain {
     53 LOW  DomainCoreDump WRITES [Domain: CoreDump] (DumpArguments) -> ();
     54 LOW  DomainRestore WRITES [Domain: Start, Write] (String) -> ();
     55 LOW  DomainSave WRITES [Domain: Hibernate] (SaveArguments) -> ();
    182 LOW  DomainManagedSave WRITES [Domain: Hibernate] (DomainFlags) -> ();
    183 LOW  DomainHasManagedSaveImage READS [Domain: Read] (DomainFlags) -> i32;
    184 LOW  DomainManagedSaveRemove WRITES [Domain: Hibernate] (DomainFlags) -> ();
    232 LOW  DomainSaveFlags WRITES [Domain: Hibernate] (SaveFlags) -> ();
    233 LOW  DomainRestoreFlags WRITES [Domain: Start, Write] (RestoreFlags) -> ();
    235 HIGH DomainSaveImageGetXMLDesc WRITES [Domain: Write] (ImageArguments) -> String;
    236 HIGH DomainSaveImageDefineXML WRITES [Domain: Write, Hibernate] (ImageXmlArguments) -> ();
    334 LOW  DomainCoreDumpWithFormat WRITES [Domain: CoreDump] (DumpFormatArguments) -> ();
    388 LOW  DomainManagedSaveGetXMLDesc READS_BUT_SECURE [Domain: Read, ReadSecure if SECURE]
        (DomainFlags) -> String;
    389 LOW  DomainManagedSaveDefineXML WRITES [Domain: Write, Hibernate]
        (ManagedSaveXmlArguments) -> ();
    440 LOW  DomainSaveParams WRITES [Domain: Hibernate] (SaveParams) -> ();
    441 LOW  DomainRestoreParams WRITES [Domain: Start, Write] (RestoreParams) -> ();
} }
