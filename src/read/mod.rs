//! Objects in, `RawBatch` out: sets, containers, formats and encodings, every record counted. A container gives members, a
//! format gives batches of cells; nothing after it knows which it was. Must not know keys, treatments or retention.

mod batch;
mod beginning;
mod block_source;
mod columns;
mod container;
mod format;
mod found;
mod handed;
mod model;
mod order;
mod pages;
mod reader;
mod records;
mod report;
mod said_count;
mod set;
mod set_name;
mod signature;
#[cfg(test)]
mod tests;
mod text;
mod wanted;

pub use batch::{ColumnMap, RawBatch, Values};
pub use beginning::{Beginning, FileKind, beginning, file_kind, model_of, sheets, what_to_do};
pub use columns::single_names;
pub use container::{Container, Member, members};
pub use format::Survey;
pub use handed::each_block;
pub use order::{Disorder, date_in, in_order, newest_before};
pub use reader::{Reader, Scratch};
pub use records::{Broken, Records, survey};
pub use report::{InputReport, MissingColumn, ReadReport, UnlistedColumn};
pub use said_count::said_count;
pub use set::{InputObjects, InputPaths, Selection, select, select_set, why_not};
pub use wanted::{KnownColumns, ReadRequest, Structures};

/// Positions in a block are 32 bits; half of that leaves room for the record that a block ends in.
const LARGEST: usize = 1 << 30;
