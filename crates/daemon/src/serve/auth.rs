//! Calls in which a client proves who it is, before it opens a connection.
//!
//! What counts as a proof is in `crate::auth`.

super::rows! {
    AuthPolkit => async |caller, ()| {
        caller.login.polkit().await?;
        Ok(1)
    };
}
