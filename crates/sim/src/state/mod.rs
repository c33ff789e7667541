//! What the simulated host is and holds: its machine, its domains, its clock.
//!
//! No XenD here: how a release shows this state is in `xend`.

mod host;
mod options;

pub use host::SimHost;
pub use options::{Options, Timing};
