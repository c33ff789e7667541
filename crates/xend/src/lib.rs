//! xend
#![forbid(unsafe_code)]
