//! Proving who one is, before a connection is open.
//! The proofs themselves are the server's business.

use super::table::procedures;
use crate::xdr::{ByteChars, List, record};

/// Most bytes of one step of SASL.
pub const SASL_DATA_MAX: usize = 65_536;

record! {
    /// The first step of SASL, with the mechanism that the client chose.
    SaslStart {
        mech: String,
        /// 1 when there are no data, which is not the same as empty data.
        nil: i32,
        data: ByteChars<SASL_DATA_MAX>,
    }
    /// A further step.
    SaslStep { nil: i32, data: ByteChars<SASL_DATA_MAX> }
    /// What the server makes of a step.
    SaslReply { complete: i32, nil: i32, data: ByteChars<SASL_DATA_MAX> }
}

procedures! { ROWS: Auth {
     66 HIGH AuthList READS [] (()) -> List<i32, 20>;
     67 HIGH AuthSaslInit READS [] (()) -> String;
     68 HIGH AuthSaslStart READS [] (SaslStart) -> SaslReply;
     69 HIGH AuthSaslStep READS [] (SaslStep) -> SaslReply;
     70 HIGH AuthPolkit READS [] (()) -> i32;
} }
