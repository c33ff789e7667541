//! What toolstacks keep with a running domain: libvirt's document of one that was started
//! from such, and else what no document says.
//!
//! How a guest is made of both is in `libxl` and `xend`.

use super::XenHost;
use crate::{Host, Result};
use virtxen_formats::Note;

impl XenHost {
    pub(super) async fn unsaid_by_document(&self, name: &str) -> Result<Vec<Note>> {
        match &self.libxl {
            Ok(libxl) => self.running(libxl, name, "dumpxml").await?.unsaid().await,
            Err(_) if self.has_xend() => self.xend("dumpxml").await?.unsaid(name).await,
            Err(_) => Ok(Vec::new()),
        }
    }

    pub(super) async fn is_of_document(&self, name: &str) -> Result<bool> {
        match &self.libxl {
            Ok(libxl) => {
                let domain = self.running(libxl, name, "dumpxml").await?;
                domain.has_document().await
            }
            Err(_) => Ok(false),
        }
    }
}
