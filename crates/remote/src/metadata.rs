//! Calls about what people and programs write on a domain.

use crate::{Remote, wire};
use virtxen_driver::{Affect, DomainKey, MetadataChange, MetadataKind, Operation, Result};
use virtxen_rpc::calls::{
    DomainGetMetadata, DomainSetMetadata, MetadataArguments, SetMetadataArguments,
};

impl Remote {
    pub(crate) async fn metadata(
        &self,
        key: &DomainKey,
        kind: MetadataKind,
        uri: Option<&str>,
        affect: Affect,
    ) -> Result<String> {
        let arguments = MetadataArguments {
            dom: self.domain(key).await?,
            kind: kind.number(),
            uri: uri.map(str::to_owned),
            flags: wire::affect(affect),
        };
        self.ask::<DomainGetMetadata>(Operation::GetMetadata, arguments)
            .await
    }

    pub(crate) async fn set_metadata(
        &self,
        key: &DomainKey,
        change: &MetadataChange,
        affect: Affect,
    ) -> Result<()> {
        let arguments = SetMetadataArguments {
            dom: self.domain(key).await?,
            kind: change.kind.number(),
            metadata: change.value.clone(),
            key: change.prefix.clone(),
            uri: change.uri.clone(),
            flags: wire::affect(affect),
        };
        self.ask::<DomainSetMetadata>(Operation::SetMetadata, arguments)
            .await
    }
}
