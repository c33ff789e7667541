//! XenD's operations on domains: one file a family, dispatched here by name.
//!
//! An operation takes decoded parameters and answers a [`Reply`]; it knows no
//! HTTP. Those that take time await it, with no state locked but XenD's own
//! domain lock where real XenD holds that.

use super::form::Form;
use super::reply::Reply;
use crate::state::SimHost;

/// `GET /xend/domain/TARGET`, also with `op=vcpuinfo`.
pub(crate) async fn get_domain(_host: &SimHost, target: &str, _query: &Form) -> Reply {
    Reply::NoDomain {
        name: target.to_owned(),
    }
}

/// `GET /xend/domain`, with `detail` and `state`.
pub(crate) async fn list_domains(_host: &SimHost, _query: &Form) -> Reply {
    Reply::List("()".to_owned())
}

/// `POST /xend/domain/TARGET`.
pub(crate) async fn post_domain(_host: &SimHost, target: &str, _op: &str, _form: &Form) -> Reply {
    Reply::NoDomain {
        name: target.to_owned(),
    }
}

/// `POST /xend/domain`: create, new, restore, list.
pub(crate) async fn post_domain_root(_host: &SimHost, _op: &str, _form: &Form) -> Reply {
    Reply::NotImplemented
}
