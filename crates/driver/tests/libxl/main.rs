//! The driver on releases without XenD, by the simulated libxl: what differs from where
//! XenD is. Calls that do not differ are tested elsewhere.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cpu;
mod devices;
mod ended;
mod machine;
mod memory;
mod migration;
mod networks;
mod peer;
mod saved;
mod sleep;
mod status;
