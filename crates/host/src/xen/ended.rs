//! Domains that have shut down and wait to be taken down: XenD takes them down by itself,
//! of libxl whoever had it start a domain has to. What is then done is the driver's.

use super::XenHost;
use crate::{Ended, Result};

impl XenHost {
    /// Domains that have shut down and that are ours to take down. Of those that xl has
    /// started xl sees to.
    pub(super) async fn ended_domains(&self) -> Result<Vec<Ended>> {
        let (Ok(libxl), Ok(hypercalls)) = (&self.libxl, &self.hypercalls) else {
            return Ok(Vec::new());
        };
        let told = hypercalls.shut_down()?;
        if told.is_empty() {
            return Ok(Vec::new());
        }
        let domains = self.active().await?;
        let mut ended = Vec::new();
        for (domid, uuid, ending) in told {
            let info = domains.iter().find(|it| it.domid == Some(domid));
            let Some(domain) = info.and_then(|info| libxl.running(info.clone())) else {
                continue;
            };
            if domain.has_document().await? {
                let name = domain.name().to_owned();
                ended.push(Ended {
                    domid,
                    uuid,
                    name,
                    ending,
                });
            }
        }
        Ok(ended)
    }
}
