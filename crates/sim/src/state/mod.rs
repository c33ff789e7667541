//! What the simulated host is and holds: its machine, its domains, its clock.
//!
//! No XenD here: how a release shows this state is in `xend`.

pub(crate) mod behaviour;
mod block;
mod domain;
mod entropy;
mod guests;
mod host;
mod lookup;
mod machine;
mod options;
mod terminal;

pub(crate) use block::block_number;
pub(crate) use domain::{Active, Domain, Life, Reason, StoreDevice};
pub(crate) use entropy::Entropy;
pub use host::SimHost;
pub(crate) use machine::{CPUS, Key, Saved, State};
pub use options::{Options, Timing};
pub(crate) use terminal::Terminal;
