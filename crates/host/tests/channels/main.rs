//! The mix of channels on every simulated release, a file for each thing that it is for.
//! What one channel does alone is tried in its own tests.

#![allow(clippy::unwrap_used)] // a failed test is what an unexpected answer should be

mod costs;
mod events;
mod mix;
mod support;
mod without_xend;
