//! The driver on releases without XenD, by the simulated libxl.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod ended;
mod machine;
mod memory;
mod migration;
mod networks;
mod saved;
