//! One suite of behaviour for every simulated release, through its own mix of
//! channels. A new release is one row of the table in `host`; what a release cannot
//! do is a column there.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod control;
mod devices;
mod events;
mod host;
mod inactive;
mod info;
mod lifecycle;
mod memory;
mod monitoring;
mod vcpu;
