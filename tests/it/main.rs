//! One binary for everything that needs several modules or a store.

mod fault;
mod state;
mod store;
