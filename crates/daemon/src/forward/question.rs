//! A question of virtxend's own to another daemon, asked as the client for whom the
//! answer is needed, on a connection for it alone.

use super::Others;
use super::secondary::{NotOpen, Place, Secondary};
use crate::auth::Login;
use std::sync::Arc;
use virtxen_rpc::{Call, Group, RemoteError};

/// A connection to ask on. It ends with the value.
pub(crate) struct Question {
    secondary: Secondary,
    place: Place,
    others: Arc<Others>,
}

impl Question {
    /// Opens a connection to the daemon of a group; none when it is not there.
    ///
    /// # Errors
    /// When it does not answer, or does not let the client in.
    pub(crate) async fn open(
        others: &Arc<Others>,
        login: &Login,
        group: Group,
    ) -> Result<Option<Self>, RemoteError> {
        let Some(place) = Place::of(others, group, false) else {
            return Ok(None);
        };
        let limit = others.opening;
        let opened = tokio::time::timeout(limit, Secondary::open(&place, login)).await;
        match opened {
            Err(_) => Err(place.late("opening a connection", limit)),
            Ok(Err(NotOpen::Absent)) => Ok(None),
            Ok(Err(NotOpen::Failed(error))) => Err(error),
            Ok(Ok(secondary)) => Ok(Some(Self {
                secondary,
                place,
                others: Arc::clone(others),
            })),
        }
    }

    /// Asks.
    ///
    /// # Errors
    /// What the daemon says, or that it says nothing.
    pub(crate) async fn ask<C: Call>(
        &mut self,
        arguments: &C::Arguments,
    ) -> Result<C::Reply, RemoteError> {
        let limit = self.others.quick;
        let answer = tokio::time::timeout(limit, self.secondary.ask::<C>(arguments)).await;
        answer.unwrap_or_else(|_| Err(self.place.late(C::PROCEDURE.name, limit)))
    }
}
