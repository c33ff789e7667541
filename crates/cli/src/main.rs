//! virtxen
#![forbid(unsafe_code)]
fn main() {}
