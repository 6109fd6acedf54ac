//! Workbooks: a sheet of an `.xlsx` or `.xlsm` file (R58). The file is a zip archive of XML; it is unpacked as it is
//! read. Rows are cut under the reader's lock and read by the workers; shared strings are in memory.

mod header;
mod number;
mod ole;
mod part;
mod piece;
mod rows;
mod sheet;
mod sheet_blocks;
mod stream;
mod strings;
mod styles;
#[cfg(test)]
mod tests;
mod value;
mod workbook;
mod xml;

pub(in crate::read) use sheet::SheetPiece;

use self::piece::PieceOfRecords;
use self::sheet_blocks::SheetBlocks;
use super::laid::LaidCells;
use super::{
    BadRecords, Block, BlockStop, Blocks, Failure, FileFormat, FormatScratch, NamesKnown, OpenedMember, Parsed,
    RecordFault, Survey,
};
use crate::error::Result;
use crate::policy::{ReadFormat, XlsxFormat};
use crate::read::batch::{Cell, ColumnMap};
use crate::read::container::{Bytes, Member};
use crate::store::Root;

/// Returns the names of the sheets of a workbook that are not hidden.
///
/// # Errors
/// Input errors for what is no workbook, and for one that cannot be trusted; storage errors.
pub(in crate::read) fn sheets(root: &Root, member: &Member, read: &ReadFormat) -> Result<Vec<String>> {
    sheet_blocks::is_workbook(root, member, read)?;
    workbook::seen_sheets(&mut part::BookParts::new(root, member, read, 0)?, member.place())
}

/// The workbooks of one source.
pub(super) struct Xlsx {
    read: ReadFormat,
    rules: XlsxFormat,
    bad: BadRecords,
}

impl Xlsx {
    pub fn new(read: &ReadFormat, rules: XlsxFormat, bad: BadRecords) -> Xlsx {
        Xlsx { read: read.clone(), rules, bad }
    }

    fn laid(&self) -> LaidCells<'_> {
        LaidCells { bad: self.bad, null: self.bad.null_words(&self.read) }
    }

    fn blocks(&self, root: &Root, member: &Member, spent: u64) -> Result<(Vec<String>, SheetBlocks)> {
        SheetBlocks::open(root, member, &self.read, &self.rules, spent)
    }
}

impl FileFormat for Xlsx {
    fn open(&self, root: &Root, member: &Member, spent: u64) -> Result<OpenedMember> {
        let (names, blocks) = self.blocks(root, member, spent)?;
        Ok(OpenedMember { names: NamesKnown::Ahead(names), blocks: Box::new(blocks) })
    }

    fn parse(
        &self,
        mut block: Block,
        bytes: Vec<u8>,
        columns: &ColumnMap,
        scratch: &mut FormatScratch,
    ) -> Result<Parsed, Failure> {
        let Some(piece) = block.sheet.take() else { return self.laid().parse(block, bytes, columns, scratch) };
        let PieceOfRecords { block, text, blank } = piece::read(block, &piece, &bytes, columns, self.bad);
        let said = |fault: RecordFault| {
            let what = format!("{}, in sheet {}", fault.what, piece.sheet.name);
            RecordFault { what, ..fault }
        };
        match self.laid().parse(block, text, columns, scratch) {
            Ok(mut parsed) => {
                parsed.blank = blank.into_iter().filter(|row| (*row as usize) < parsed.rows).collect();
                parsed.fault = parsed.fault.map(said);
                Ok(parsed)
            }
            Err(Failure::Fault(fault)) => Err(Failure::Fault(said(fault))),
            Err(error) => Err(error),
        }
    }

    fn cells(&self, text: &mut String, columns: &ColumnMap, scratch: &FormatScratch, cells: &mut Vec<Cell>) {
        self.laid().find(text, columns, scratch, cells);
    }

    fn survey(&self, root: &Root, member: &Member, key: &[u8; 32]) -> Result<Survey> {
        let (_, mut blocks) = self.blocks(root, member, 0)?;
        let mut buffer = Vec::new();
        while let Some(block) = blocks.next(&mut buffer, 1 << 20) {
            if let Some(BlockStop::Error(error)) = block.stop {
                return Err(error);
            }
        }
        let mut bytes = Bytes::open(root, member, &self.read, 0, blake3::Hasher::new_keyed(key))?;
        buffer.resize(1 << 16, 0);
        while bytes.read(&mut buffer)? > 0 {}
        let digest = bytes.facts().hash.map_or([0; 32], |hash| *hash.as_bytes());
        Ok(Survey { digest, empty: false })
    }

    fn encoding(&self) -> String {
        "utf-8".into()
    }

    fn delimiter(&self) -> Option<char> {
        None
    }
}
