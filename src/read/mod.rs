//! Objects in, `RawBatch` out: sets, archives, encodings and the CSV grammar, every record counted.
//! Must not know keys, treatments or retention.

mod batch;

pub use batch::{ColumnMap, RawBatch};
