//! A batch that a caller holds in memory: its columns are found by name and judged as those of a file, and its records
//! given out in blocks.

use super::batch::RawBatch;
use super::columns;
use super::format::{ArrowRows, BadRecords, Blocks, Failure, FormatScratch, LaidCells, Parsed};
use super::reader::readable;
use super::wanted::ReadRequest;
use crate::error::Result;
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// Hands over the records of a batch block by block, in their order. `place` names the batch in messages.
///
/// # Errors
/// Input errors as of a file: a column that is missing, there twice, or of a type that is not read; drift, where the source
/// refuses it; a value that no text may hold. Errors of `each`.
pub fn each_block(
    batch: &RecordBatch,
    request: &ReadRequest<'_>,
    place: &str,
    each: &mut dyn FnMut(&mut RawBatch) -> Result<()>,
) -> Result<()> {
    let read = &request.source.read;
    let mut blocks = ArrowRows::new(batch, read, place)?;
    let headed = columns::columns(&blocks.names, request, place)?;
    readable(&headed.map, &blocks, request, place)?;
    let map = Arc::new(headed.map);
    blocks.want(&map);
    let bad = BadRecords::Refuse;
    let judged = LaidCells { bad, null: bad.null_words(read) };
    let (mut scratch, mut bytes, mut cells, mut first_record) = (FormatScratch::default(), Vec::new(), Vec::new(), 1);
    while let Some(block) = blocks.next(&mut bytes, request.block_bytes) {
        let parsed = judged.parse(block, std::mem::take(&mut bytes), &map, &mut scratch);
        let Parsed { text, rows, dropped, blank, .. } = parsed.map_err(|failure| match failure {
            Failure::Fault(fault) => fault.error(place, first_record),
            Failure::Error(error) => error,
        })?;
        judged.find(&text, &map, &scratch, &mut cells);
        let mut records = RawBatch { input: 0, first_record, text, cells, rows, dropped, blank, columns: map.clone() };
        each(&mut records)?;
        first_record += rows as u64;
        (bytes, cells) = (records.text.into_bytes(), records.cells);
    }
    Ok(())
}
