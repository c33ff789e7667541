//! Client of libxl: what each release's library exports and how it lays out what it
//! is given, and the protocol of the process in which it is called.
//!
//! Nothing here calls the library yet: that will be one module, the only one with
//! unsafe code. Configurations are text here; what they mean is in `virtxen-formats`.
#![forbid(unsafe_code)]

mod frame;
mod layout;
mod protocol;
mod signature;

pub use frame::{FrameError, Frames, frame};
pub use layout::{LayoutError, check_size, size_of};
pub use protocol::{
    Device, Failure, FromWorker, LogLevel, LogLine, Operation, Outcome, Request, RequestId,
    ShutdownReason,
};
pub use signature::{FUNCTIONS, Function, Shape, shape_of};
