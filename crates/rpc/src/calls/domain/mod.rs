//! Calls about one domain, in files by what of it they are about.
//!
//! Lists and statistics of many domains are calls about the connection.

pub mod block;
pub mod device;
pub mod guest;
pub mod job;
pub mod lifecycle;
pub mod lookup;
pub mod memory;
pub mod migration;
pub mod save;
pub mod vcpu;

pub use block::*;
pub use device::*;
pub use job::*;
pub use lifecycle::*;
pub use lookup::*;
pub use memory::*;
pub use migration::*;
pub use save::*;
pub use vcpu::*;

use crate::objects::Domain;
use crate::typed_param::{TypedParam, for_client};
use crate::xdr::{List, record};

/// Most bytes of memory or of a disk in one reply.
pub const PEEK_MAX: usize = 4_194_304;
/// Most parameters of most calls.
pub const PARAMS_MAX: usize = 16;

record! {
    /// A domain, and how many parameters the client has room for; 0 asks how many
    /// there are.
    ParamsFlags { dom: Domain, nparams: i32, flags: u32 }
    /// Parameters, or only how many there are.
    Params { params: List<TypedParam, PARAMS_MAX>, nparams: i32 }
    /// A domain and parameters to set.
    SetParamsFlags { dom: Domain, params: List<TypedParam, PARAMS_MAX>, flags: u32 }
}

impl Params {
    /// The answer to a client with room for `room` parameters that passed `flags`:
    /// what fits, or how many there are.
    #[must_use]
    pub fn answer(params: Vec<TypedParam>, room: i32, flags: u32) -> Self {
        let (params, nparams) = for_client(params, room, flags);
        Self {
            params: List(params),
            nparams,
        }
    }
}
