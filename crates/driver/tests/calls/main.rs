//! The driver's calls on a scripted host: what is the driver's own, not XenD's.
//! One file a family of calls; the scripted host is shared.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod devices;
mod documents;
mod ended;
mod events;
mod jobs;
mod support;
