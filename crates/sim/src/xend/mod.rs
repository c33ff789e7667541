//! The XenD server of the host: requests in, replies out.
//!
//! HTTP is in this folder's own files; what the operations do is in
//! `operations`, how a domain is shown in `document`, how a configuration is
//! read in `config`.

mod form;
mod operations;
mod reply;

// The HTTP side, which is the only caller of these, comes with its own commit.
#[allow(unused_imports)]
pub(crate) use self::{
    form::Form,
    operations::{get_domain, list_domains, post_domain, post_domain_root},
    reply::{Reply, Status},
};
