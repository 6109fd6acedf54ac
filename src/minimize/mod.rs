//! `RawBatch` in, `Rows` out, row by row: treatments, identities, tokens, controls. Raw values end here.
//! Pure functions over batches. Must not know I/O, the wall clock or async.

mod dates;
mod email;
mod lanes;
mod normal;
mod phone;
mod rows;
mod salesforce_id;

pub use rows::*;
