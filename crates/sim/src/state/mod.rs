//! What the simulated host is and holds: its machine, its domains, its clock.
//!
//! No XenD here: how a release shows this state is in `xend`.

pub(crate) mod behaviour;
mod block;
mod clock;
mod domain;
mod domains;
mod ending;
mod entropy;
mod guests;
mod host;
mod lookup;
mod machine;
mod options;
pub(crate) mod pci;
mod stored;
mod terminal;

pub(crate) use block::block_number;
pub(crate) use domain::{Active, Domain, Glimpse, Life, Reason, StoreDevice};
pub(crate) use entropy::Entropy;
pub use host::SimHost;
pub(crate) use machine::{CPUS, Key, Saved, State, TOTAL_MEMORY};
pub use options::{Options, Timing};
pub(crate) use terminal::Terminal;
