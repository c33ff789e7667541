//! Calls about filters of packets, which another daemon serves. Typed are those that
//! are answered without it.

use super::table::procedures;
use super::{ListAll, Listed};
use crate::objects::{NWFilter, NWFilterBinding, Uuid};
use crate::xdr::List;

/// Most filters in a list.
pub const NWFILTERS_MAX: usize = 16_384;

procedures! { ROWS: NWFilter {
    175 HIGH NWFilterLookupByName READS [NWFilter: Getattr] (String) -> NWFilter;
    176 HIGH NWFilterLookupByUUID READS [NWFilter: Getattr] (Uuid) -> NWFilter;
    177 HIGH NWFilterGetXMLDesc READS [NWFilter: Read];
    178 HIGH ConnectNumOfNWFilters READS [Connect: SearchNwfilters | NWFilter Getattr] (()) -> i32;
    179 HIGH ConnectListNWFilters READS [Connect: SearchNwfilters | NWFilter Getattr]
        (i32) -> List<String, NWFILTERS_MAX>;
    180 HIGH NWFilterDefineXML WRITES [NWFilter: Write, Save];
    181 HIGH NWFilterUndefine WRITES [NWFilter: Delete];
    286 HIGH ConnectListAllNWFilters READS [Connect: SearchNwfilters | NWFilter Getattr]
        (ListAll) -> Listed<NWFilter, NWFILTERS_MAX>;
    397 HIGH NWFilterBindingLookupByPortDev READS [NWFilterBinding: Getattr]
        (String) -> NWFilterBinding;
    398 HIGH NWFilterBindingGetXMLDesc READS [NWFilterBinding: Read];
    399 HIGH NWFilterBindingCreateXML WRITES [NWFilterBinding: Create];
    400 HIGH NWFilterBindingDelete WRITES [NWFilterBinding: Delete];
    401 HIGH ConnectListAllNWFilterBindings READS
        [Connect: SearchNwfilterBindings | NWFilterBinding Getattr]
        (ListAll) -> Listed<NWFilterBinding, NWFILTERS_MAX>;
    431 HIGH NWFilterDefineXMLFlags WRITES [NWFilter: Write, Save];
} }
