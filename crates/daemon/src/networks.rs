//! The bridges of virtual networks, asked of the daemon that has the networks.

use crate::auth::Login;
use crate::forward::{Others, Question};
use async_trait::async_trait;
use std::sync::Arc;
use virtxen_driver::{Error, Networks, Result};
use virtxen_rpc::calls::{NetworkGetBridgeName, NetworkLookupByName};
use virtxen_rpc::{Group, RemoteError};

/// The networks that one client may see.
pub(crate) struct VirtualNetworks {
    others: Arc<Others>,
    login: Arc<Login>,
}

impl VirtualNetworks {
    pub(crate) fn new(others: Arc<Others>, login: Arc<Login>) -> Self {
        Self { others, login }
    }
}

#[async_trait]
impl Networks for VirtualNetworks {
    async fn bridge(&self, network: &str) -> Result<Option<String>> {
        let asked = async {
            let question = Question::open(&self.others, &self.login, Group::Network).await?;
            let Some(mut question) = question else {
                return Ok(None);
            };
            let found = question
                .ask::<NetworkLookupByName>(&network.to_owned())
                .await?;
            question.ask::<NetworkGetBridgeName>(&found).await.map(Some)
        };
        asked.await.map_err(|error: RemoteError| Error::Daemon {
            code: error.code,
            domain: error.domain,
            message: error.text().to_owned(),
        })
    }
}
