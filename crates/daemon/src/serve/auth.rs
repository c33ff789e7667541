//! Calls in which a client proves who it is, before it opens a connection.
//!
//! What counts as a proof is in `crate::auth`.

use crate::sasl::Proof;
use virtxen_rpc::calls::SaslReply;
use virtxen_rpc::xdr::ByteChars;

super::rows! {
    AuthSaslInit => async |caller, ()| Ok(caller.login.mechanisms()?);
    AuthSaslStart => async |caller, start| {
        // No data are empty data to this mechanism.
        let step = |proof: &mut Proof| proof.start(&start.mech, &start.data.0);
        caller.login.sasl(step).await.map(answer).map_err(Into::into)
    };
    AuthSaslStep => async |caller, step| {
        let step = |proof: &mut Proof| proof.finish(&step.data.0);
        let answered = caller.login.sasl(step).await?;
        Ok(SaslReply { complete: 1, ..answer(answered) })
    };
    AuthPolkit => async |caller, ()| {
        caller.login.polkit(&caller.polkit, caller.read_only).await?;
        Ok(1)
    };
}

fn answer(data: Vec<u8>) -> SaslReply {
    SaslReply {
        complete: 0,
        nil: 0,
        data: ByteChars(data),
    }
}
