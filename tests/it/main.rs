//! One binary for everything that needs several modules or a store.
#![allow(clippy::unwrap_used)] // clippy.toml allows it in #[test] functions, not in what they call

mod fault;
mod publish;
mod requests;
mod store;
mod tidy;
