//! Formats: how the bytes of a member become blocks of whole records, and blocks become cells. A format is a folder here,
//! a variant of `policy::RecordFormat` and a line in [`of`]; nothing outside of its folder knows which it is. Calls
//! through these traits are per member and per block, never per record.

mod arrow;
mod csv;
mod json;
mod laid;
mod null;
mod parquet;
mod seam;
mod xlsx;

pub(super) use arrow::ArrowRows;
pub(super) use laid::LaidCells;
pub use seam::Survey;
pub(super) use seam::{
    BadRecords, Block, BlockStop, Blocks, Failure, FaultSpot, FileFormat, FormatScratch, LaidRows, NamesKnown, OddCell,
    OddReason, OpenedMember, Parsed, RecordFault,
};
pub(super) use xlsx::sheets;

use crate::error::Result;
use crate::policy::{ReadFormat, RecordFormat};
use crate::read::wanted::WantedNames;

/// Returns the reader of a source's format. What is wanted counts where names are in records.
///
/// # Errors
/// A policy error for an unknown encoding, and for names that this format cannot have.
pub(super) fn of(read: &ReadFormat, bad: BadRecords, wanted: &WantedNames<'_>) -> Result<Box<dyn FileFormat>> {
    Ok(match &read.records {
        RecordFormat::Csv(rules) => Box::new(csv::Csv::new(read, *rules, bad)?),
        RecordFormat::Xlsx(rules) => Box::new(xlsx::Xlsx::new(read, rules.clone(), bad)),
        RecordFormat::Parquet => Box::new(parquet::Parquet::new(read, bad)),
        RecordFormat::Json(rules) => Box::new(json::Json::new(read, rules.clone(), bad, wanted)?),
    })
}
