//! Objects in, `RawBatch` out: sets, archives, encodings and the CSV grammar, every record counted.
//! Must not know keys, treatments or retention.

mod archive;
mod batch;
mod cells;
mod container;
mod decode;
mod exact;
mod fault;
mod header;
mod order;
mod reader;
mod report;
mod scan;
mod set;
#[cfg(test)]
mod tests;
mod turn;

pub use batch::{ColumnMap, RawBatch, Values};
pub use container::Container;
pub use order::{Disorder, in_order, newest_before};
pub use reader::{ReadRequest, Reader, Scratch};
pub use report::{Drift, InputReport, Lost, ReadReport};
pub use set::{InputObjects, InputPaths, Selection, select, select_set, why_not};
