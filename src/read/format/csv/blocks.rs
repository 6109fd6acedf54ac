//! The blocks of one CSV: text read on to the end of its last whole record. It is done under the reader's lock; parsing
//! is not.

use super::exact::Grammar;
use crate::error::Result;
use crate::read::container::MemberFacts;
use crate::read::format::{Block, BlockStop, Blocks};
use crate::read::text::{BrokenText, Text};

/// A CSV whose header has been read.
pub(super) struct CsvBlocks {
    text: Text,
    /// The beginning of a record, from the end of the last block.
    carry: Vec<u8>,
    cutter: Cutter,
    longest: usize,
    /// Position of the next block in the text.
    offset: u64,
    taken: u64,
    stop: Option<BlockStop>,
    ended: bool,
}

impl Blocks for CsvBlocks {
    /// Reads on until the buffer holds whole records, or the beginning of one at which the file stops.
    fn next(&mut self, buffer: &mut Vec<u8>, block_bytes: usize) -> Option<Block> {
        if buffer.len() < self.carry.len() {
            buffer.resize(self.carry.len(), 0);
        }
        buffer[..self.carry.len()].copy_from_slice(&self.carry);
        let mut filled = self.carry.len();
        loop {
            let from = filled;
            if self.stop.is_none() && !self.ended {
                match self.text.fill(buffer, &mut filled, block_bytes) {
                    Ok(more) => self.ended = !more,
                    Err(BrokenText::Error(e)) => self.stop = Some(BlockStop::Error(e)),
                    Err(BrokenText::Malformed { at }) => self.stop = Some(BlockStop::Malformed { at }),
                }
            }
            let end = self.cutter.cut(&buffer[..filled], from);
            if self.ended {
                return self.last(buffer, filled);
            }
            if let Some(end) = end {
                self.carry.clear();
                self.carry.extend_from_slice(&buffer[end..filled]);
                buffer.truncate(end);
                return Some(self.advance(end));
            }
            if filled > self.longest.saturating_add(2) && self.stop.is_none() {
                self.stop = Some(BlockStop::TooLong);
            }
            if self.stop.is_some() {
                buffer.truncate(filled);
                return Some(Block { stop: self.stop.take(), ..self.advance(0) });
            }
        }
    }

    fn close(self: Box<Self>) -> Result<MemberFacts> {
        self.text.doubt()?;
        Ok(self.text.bytes().facts())
    }
}

impl CsvBlocks {
    /// Begins at the first record, at a position of the text.
    pub fn new(text: Text, grammar: Grammar, offset: u64) -> CsvBlocks {
        let cutter = Cutter::new(&grammar);
        let (carry, longest) = (Vec::new(), grammar.longest);
        CsvBlocks { text, carry, cutter, longest, offset, taken: 0, stop: None, ended: false }
    }

    /// The file's last block. A record without a line end gets one, but not after a CR, which would hide it.
    fn last(&mut self, buffer: &mut Vec<u8>, filled: usize) -> Option<Block> {
        self.carry.clear();
        buffer.truncate(filled);
        if !matches!(buffer.last()?, b'\n' | b'\r') {
            buffer.push(b'\n');
        }
        Some(self.advance(filled))
    }

    fn advance(&mut self, by: usize) -> Block {
        let taken = self.text.bytes().taken();
        let block = Block { offset: self.offset, taken: taken - self.taken, laid: None, sheet: None, stop: None };
        self.offset += by as u64;
        self.taken = taken;
        block
    }
}

/// Finds where the last record ends, given that the text starts at a record's start.
enum Cutter {
    /// Without quotes every LF ends a record.
    Lines,
    /// An LF after an even number of quotes. One quote out of place makes it wrong from there on; but the block that
    /// holds this quote starts where it should, so the scan of that block finds it before anything is believed.
    Parity { quote: u8, odd: bool },
    /// By the grammar, where quotes may stand in unquoted cells.
    Literal { quote: u8, delimiter: u8, cell: CellState },
}

#[derive(Clone, Copy, PartialEq)]
enum CellState {
    Start,
    Bare,
    Quoted,
    Closed,
}

impl Cutter {
    fn new(grammar: &Grammar) -> Cutter {
        match grammar.quote {
            None => Cutter::Lines,
            Some(quote) if grammar.literal => {
                Cutter::Literal { quote, delimiter: grammar.delimiter, cell: CellState::Start }
            }
            Some(quote) => Cutter::Parity { quote, odd: false },
        }
    }

    /// The end of the last record that ends in `text[from..]`. Text before `from` has been seen by earlier calls.
    fn cut(&mut self, text: &[u8], from: usize) -> Option<usize> {
        let new = &text[from..];
        match self {
            Cutter::Lines => memchr::memrchr(b'\n', new).map(|at| from + at + 1),
            Cutter::Parity { quote, odd } => {
                *odd ^= memchr::memchr_iter(*quote, new).count() % 2 == 1;
                let mut inside = *odd;
                for at in memchr::memrchr2_iter(b'\n', *quote, new) {
                    match new[at] == *quote {
                        true => inside = !inside,
                        false if !inside => return Some(from + at + 1),
                        false => {}
                    }
                }
                None
            }
            Cutter::Literal { quote, delimiter, cell } => {
                let mut end = None;
                for (at, byte) in new.iter().enumerate() {
                    *cell = match (*cell, *byte) {
                        (CellState::Quoted, b) if b == *quote => CellState::Closed,
                        (CellState::Quoted, _) => CellState::Quoted,
                        (CellState::Start, b) if b == *quote => CellState::Quoted,
                        (CellState::Closed, b) if b == *quote => CellState::Quoted,
                        (_, b'\n') => {
                            end = Some(from + at + 1);
                            CellState::Start
                        }
                        (_, b) if b == *delimiter => CellState::Start,
                        _ => CellState::Bare,
                    };
                }
                end
            }
        }
    }
}
