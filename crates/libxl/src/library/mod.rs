//! libxl itself, found and called at run time: the only place with unsafe code, in
//! `loaded`, `context`, `structure`, `call` and `logger`. What an operation is made of
//! is in `toolstack`, `start` and `device`, which are safe, as are `find`, `line`,
//! `compare` and `evidence`.
//!
//! Each operation has a libxl context of its own, so that libxl's log lines belong to
//! the operation that caused them and none waits for another's lock. No structure's
//! layout is known here: they are filled from JSON and read as JSON by the library.

mod bitmap;
mod call;
mod compare;
mod context;
mod device;
mod evidence;
mod find;
mod line;
mod loaded;
mod logger;
mod process;
mod start;
mod structure;
mod toolstack;

pub use find::find;
pub use loaded::{LoadError, Loaded};
pub use process::run;
