//! The one integration binary: stores that fail, real servers, independent readers, and the sweep for leaks.
//! `tests/run` sets up what these tests need and says where it is.
#![allow(clippy::unwrap_used, clippy::print_stderr)] // clippy.toml allows unwrap in #[test] functions, not in what they call

mod access;
mod asleep;
mod audit;
mod bytes;
mod canary;
mod claims;
mod clouds;
mod commands;
mod dependencies;
mod erase;
mod errors;
mod fault;
mod former;
mod forms;
mod init;
mod installation;
mod job;
mod keepers;
mod leaks;
mod leaks_json;
mod lifts;
mod links;
mod marked;
mod nightly;
mod parts;
mod python;
mod recipients;
mod requests;
mod schedule;
mod schemas;
mod servers;
mod shown;
mod specs;
mod standing;
mod state;
mod store;
mod tables;
mod tidy;
mod tool;
mod unseen;
mod vectors;
mod versions;
mod workbooks;
