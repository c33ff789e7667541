//! libxl from outside: what each release's library exports and how it lays out what
//! it is given, the protocol of the process in which it is called, and both sides of
//! that protocol: [`Worker`] asks, [`serve`] has a [`Toolstack`] answer.
//!
//! The library is called in one module, `library`, the only one with unsafe code.
//! Configurations are text here; what they mean is in `virtxen-formats`.
#![deny(unsafe_code)]

mod cause;
mod descriptors;
mod error;
mod failure;
mod frame;
mod launch;
mod layout;
#[allow(unsafe_code)]
mod library;
mod link;
mod operation;
mod protocol;
mod serve;
mod signature;
mod worker;

pub use error::{Error, Result};
pub use failure::{Failure, FailureKind, LogLevel, LogLine};
pub use frame::{FrameError, Frames, frame};
pub use launch::Launch;
pub use layout::{LayoutError, check_size, size_of};
pub use library::{LoadError, Loaded, find, run};
pub use operation::{Device, Operation, Trigger};
pub use protocol::{FromWorker, Library, Outcome, Progress, Request, RequestId};
pub use serve::{Call, Toolstack, refuse, serve};
pub use signature::{FUNCTIONS, Function, Shape, shape_of};
pub use worker::Worker;
