//! The one integration binary: real servers, independent readers, and the sweep for leaks.
//! `tests/run` sets up what these tests need and says where it is.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod canary;
mod python;
mod servers;
mod tool;
