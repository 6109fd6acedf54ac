//! Turns: who holds the source reads the next block of whole records and lets go. What is under the lock is reading,
//! inflating, decoding and finding the last record end; parsing is not. Must not know columns or cells.

use super::container::{Bytes, Facts, From};
use super::decode::{Broken, Text};
use super::exact::Grammar;
use super::header;
use crate::error::{Error, Result};
use crate::policy::ReadFormat;
use crate::store::{Object, Root};

/// One file to read: an object or a member of one.
pub(super) struct Input {
    pub object: Object,
    pub from: From,
    /// For messages.
    pub place: String,
    /// At the first member of an archive: files of macOS left out of it.
    pub of_macos: u64,
}

/// Why a file ends early; the block with it holds the beginning of the record that it cut.
pub(super) enum Stop {
    Error(Error),
    Malformed {
        at: u64,
    },
    /// No record end in more bytes than a record may have.
    TooLong,
}

/// A piece of work: text in the worker's buffer, at a record's start.
pub(super) struct Block {
    /// Blocks count on over all inputs.
    pub number: u64,
    pub input: usize,
    /// Position of the block in its text.
    pub offset: u64,
    /// Bytes taken from the store for it.
    pub taken: u64,
    pub stop: Option<Stop>,
}

/// The source behind the lock.
pub(super) struct Turns {
    root: Root,
    inputs: std::sync::Arc<Vec<Input>>,
    format: ReadFormat,
    grammar: Grammar,
    block_bytes: usize,
    current: Option<Current>,
    /// The input that comes after the current one.
    next: usize,
    number: u64,
    /// Decompressed bytes of earlier members of the current object.
    spent: u64,
    /// What is known of the inputs that are done.
    pub facts: Vec<Facts>,
    stopped: bool,
}

struct Piece {
    offset: u64,
    taken: u64,
    stop: Option<Stop>,
}

struct Current {
    input: usize,
    text: Text,
    /// The beginning of a record, from the end of the last block.
    carry: Vec<u8>,
    cutter: Cutter,
    /// Position of the next block in the text.
    offset: u64,
    taken: u64,
    stop: Option<Stop>,
    ended: bool,
}

impl Turns {
    pub fn new(
        root: &Root,
        inputs: std::sync::Arc<Vec<Input>>,
        format: &ReadFormat,
        grammar: Grammar,
        block_bytes: usize,
    ) -> Turns {
        Turns {
            root: root.clone(),
            inputs,
            format: format.clone(),
            grammar,
            block_bytes,
            current: None,
            next: 0,
            number: 0,
            spent: 0,
            facts: Vec::new(),
            stopped: false,
        }
    }

    /// Whether every input has been read to its end.
    pub fn done(&self) -> bool {
        !self.stopped && self.current.is_none() && self.next == self.inputs.len()
    }

    /// The next block, its text in `buffer`; none when there is no more. After a block with a `stop` nothing follows.
    pub fn take(&mut self, buffer: &mut Vec<u8>) -> Option<Block> {
        while !self.stopped && !self.done() {
            let input = self.current.as_ref().map_or(self.next, |current| current.input);
            let piece = match self.step(buffer) {
                Ok(None) => continue,
                Ok(Some(piece)) => piece,
                Err(error) => {
                    buffer.clear();
                    Piece { offset: 0, taken: 0, stop: Some(Stop::Error(error)) }
                }
            };
            self.stopped = piece.stop.is_some();
            self.number += 1;
            let Piece { offset, taken, stop } = piece;
            return Some(Block { number: self.number - 1, input, offset, taken, stop });
        }
        None
    }

    /// Opens the next input, or reads a piece of the current one, or closes it.
    fn step(&mut self, buffer: &mut Vec<u8>) -> Result<Option<Piece>> {
        let Some(current) = &mut self.current else { return self.open().map(|()| None) };
        match current.piece(buffer, self.block_bytes, self.grammar.longest) {
            Some(piece) => Ok(Some(piece)),
            None => self.close().map(|()| None),
        }
    }

    fn open(&mut self) -> Result<()> {
        let input = &self.inputs[self.next];
        let before = self.next.checked_sub(1).map(|before| &self.inputs[before]);
        if before.is_none_or(|before| before.object.path != input.object.path) {
            self.spent = 0;
        }
        let bytes = Bytes::open(&self.root, &input.object, &input.from, &self.format, self.spent)?;
        let mut text = Text::open(bytes, &self.format)?;
        let header = header::read(&mut text, &self.format, &self.grammar)?;
        let cutter = Cutter::new(&self.grammar);
        let offset = header.end;
        let current =
            Current { input: self.next, text, carry: Vec::new(), cutter, offset, taken: 0, stop: None, ended: false };
        self.current = Some(current);
        self.next += 1;
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let Some(current) = self.current.take() else { return Ok(()) };
        current.text.doubt()?;
        self.spent += current.text.bytes().out();
        self.facts.push(current.text.bytes().facts());
        Ok(())
    }
}

impl Current {
    /// Reads on until the buffer holds whole records, or the beginning of one at which the file stops; none at the end.
    fn piece(&mut self, buffer: &mut Vec<u8>, block_bytes: usize, longest: usize) -> Option<Piece> {
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
                    Err(Broken::Error(e)) => self.stop = Some(Stop::Error(e)),
                    Err(Broken::Malformed { at }) => self.stop = Some(Stop::Malformed { at }),
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
            if filled > longest.saturating_add(2) && self.stop.is_none() {
                self.stop = Some(Stop::TooLong);
            }
            if self.stop.is_some() {
                buffer.truncate(filled);
                return Some(Piece { stop: self.stop.take(), ..self.advance(0) });
            }
        }
    }

    /// The file's last block. A record without a line end gets one, but not after a CR, which would hide it.
    fn last(&mut self, buffer: &mut Vec<u8>, filled: usize) -> Option<Piece> {
        self.carry.clear();
        buffer.truncate(filled);
        if !matches!(buffer.last()?, b'\n' | b'\r') {
            buffer.push(b'\n');
        }
        Some(self.advance(filled))
    }

    fn advance(&mut self, by: usize) -> Piece {
        let taken = self.text.bytes().taken();
        let piece = Piece { offset: self.offset, taken: taken - self.taken, stop: None };
        self.offset += by as u64;
        self.taken = taken;
        piece
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
    Literal { quote: u8, delimiter: u8, cell: Cell },
}

#[derive(Clone, Copy, PartialEq)]
enum Cell {
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
                Cutter::Literal { quote, delimiter: grammar.delimiter, cell: Cell::Start }
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
                        (Cell::Quoted, b) if b == *quote => Cell::Closed,
                        (Cell::Quoted, _) => Cell::Quoted,
                        (Cell::Start, b) if b == *quote => Cell::Quoted,
                        (Cell::Closed, b) if b == *quote => Cell::Quoted,
                        (_, b'\n') => {
                            end = Some(from + at + 1);
                            Cell::Start
                        }
                        (_, b) if b == *delimiter => Cell::Start,
                        _ => Cell::Bare,
                    };
                }
                end
            }
        }
    }
}
