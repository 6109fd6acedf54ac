//! The blocks of one JSON file: text read on to the end of its last whole record. It is done under the reader's lock;
//! parsing is not.

use super::envelope::{Envelope, EnvelopeRead};
use super::fault::{JsonFault, JsonFlaw};
use crate::error::Result;
use crate::read::container::MemberFacts;
use crate::read::format::{Block, BlockStop, Blocks, FaultSpot, RecordFault};
use crate::read::pages::PagesSaid;
use crate::read::text::{BrokenText, Text};

/// A JSON file at its first record.
pub(super) struct JsonBlocks {
    text: Text,
    /// Text read and not yet given out: `pending[at..filled]`.
    pending: Vec<u8>,
    at: usize,
    filled: usize,
    /// Up to here there is no end of a record, but for the one at `cut`.
    seen: usize,
    /// Where the last record ends that is whole.
    cut: Option<usize>,
    part: FilePart,
    /// How much of what is pending is looked at around records.
    window: usize,
    longest: usize,
    /// Position in the text of `pending[at]`.
    offset: u64,
    taken: u64,
    stop: Option<BlockStop>,
    ended: bool,
    /// What its pages say of others, at the end of the file.
    pages: Option<PagesSaid>,
}

/// Where in the file the next byte is.
enum FilePart {
    /// Between records, one in each line.
    Lines,
    /// Around arrays of records.
    Around(Envelope),
    /// In an array of records; `first`: before the first of them.
    Records {
        envelope: Envelope,
        elements: Elements,
        first: bool,
    },
    Done,
}

/// Finds where the elements of an array end, given that the text starts at one of them.
#[derive(Default)]
struct Elements {
    depth: usize,
    in_text: bool,
    /// The byte before was a backslash that makes the next one part of a text.
    escaped: bool,
}

impl Blocks for JsonBlocks {
    fn next(&mut self, buffer: &mut Vec<u8>, block_bytes: usize) -> Option<Block> {
        buffer.clear();
        loop {
            let stepped = match std::mem::replace(&mut self.part, FilePart::Done) {
                FilePart::Lines => self.lines(block_bytes),
                FilePart::Around(envelope) => self.around(envelope),
                FilePart::Records { envelope, first: true, .. } => self.first(envelope),
                FilePart::Records { envelope, elements, .. } => self.records(envelope, elements, block_bytes),
                FilePart::Done => return None,
            };
            match stepped {
                BlockStep::Again => {}
                BlockStep::Fill => self.fill(block_bytes),
                BlockStep::Cut(end) => {
                    buffer.extend_from_slice(&self.pending[self.at..end]);
                    return Some(self.advance(end, None));
                }
                BlockStep::Stop { within, stop } => {
                    if within {
                        buffer.extend_from_slice(&self.pending[self.at..self.filled]);
                    }
                    self.part = FilePart::Done;
                    return Some(self.advance(self.at, Some(stop)));
                }
                BlockStep::End => return None,
            }
        }
    }

    fn close(self: Box<Self>) -> Result<MemberFacts> {
        Ok(MemberFacts { pages: self.pages, ..self.text.bytes().facts() })
    }
}

/// What a scan has found.
struct Scanned {
    /// Where the last element ends, its comma or the bracket after it included.
    cut: Option<usize>,
    /// The array ends there.
    closed: bool,
}

impl Elements {
    /// Scans the next bytes, up to the end of the array. In what is no JSON it may go wrong, but not before it is none: the
    /// record with that is in this block or in the one that it cuts, and is found there.
    fn scan(&mut self, bytes: &[u8]) -> Scanned {
        let (mut cut, mut at) = (None, 0);
        while at < bytes.len() {
            if self.in_text {
                if !std::mem::take(&mut self.escaped) {
                    match memchr::memchr2(b'"', b'\\', &bytes[at..]) {
                        None => break,
                        Some(found) => at += found,
                    }
                    match bytes[at] {
                        b'"' => self.in_text = false,
                        _ => self.escaped = true,
                    }
                }
                at += 1;
                continue;
            }
            match bytes[at] {
                b'"' => self.in_text = true,
                b'{' | b'[' => self.depth += 1,
                b']' if self.depth == 0 => return Scanned { cut: Some(at + 1), closed: true },
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                b',' if self.depth == 0 => cut = Some(at + 1),
                _ => {}
            }
            at += 1;
        }
        Scanned { cut, closed: false }
    }
}

/// What to do next.
enum BlockStep {
    Again,
    Fill,
    /// Give out what comes before.
    Cut(usize),
    /// Nothing follows; `within`: what is pending is the beginning of a record.
    Stop {
        within: bool,
        stop: BlockStop,
    },
    End,
}

/// So much of a text is looked at first for what is around records, and twice as much each time that it does not do.
const WINDOW: usize = 16 * 1024;

impl JsonBlocks {
    /// Begins at the start of a text, of a record per line.
    pub fn lines_of(text: Text, longest: usize) -> JsonBlocks {
        JsonBlocks::new(text, FilePart::Lines, longest)
    }

    /// Begins at the start of a text with records in arrays.
    pub fn arrays_of(text: Text, envelope: Envelope, longest: usize) -> JsonBlocks {
        JsonBlocks::new(text, FilePart::Around(envelope), longest)
    }

    fn new(text: Text, part: FilePart, longest: usize) -> JsonBlocks {
        let (offset, pending) = (text.base(), Vec::new());
        let (at, filled, seen, cut, taken, stop, ended) = (0, 0, 0, None, 0, None, false);
        let (window, pages) = (WINDOW, None);
        JsonBlocks { text, pending, at, filled, seen, cut, part, window, longest, offset, taken, stop, ended, pages }
    }

    /// Finds the last line end.
    fn lines(&mut self, block_bytes: usize) -> BlockStep {
        let found = memchr::memrchr(b'\n', &self.pending[self.seen..self.filled]);
        self.cut = found.map(|at| self.seen + at + 1).or(self.cut);
        self.seen = self.filled;
        if self.ended && self.filled == self.at {
            return BlockStep::End;
        }
        self.part = FilePart::Lines;
        if self.ended {
            return BlockStep::Cut(self.filled);
        }
        self.whole(block_bytes)
    }

    /// Reads what is around the records.
    fn around(&mut self, mut envelope: Envelope) -> BlockStep {
        let all = &self.pending[self.at..self.filled];
        let bytes = &all[..all.len().min(self.window)];
        let last = self.ended && bytes.len() == all.len();
        let (text, malformed) = match simdutf8::compat::from_utf8(bytes) {
            Ok(text) => (text, false),
            Err(e) => {
                let whole = std::str::from_utf8(&bytes[..e.valid_up_to()]).unwrap_or_default();
                (whole, e.error_len().is_some() || last)
            }
        };
        let reached = envelope.read(text, last && !malformed);
        let up_to = match &reached {
            EnvelopeRead::Records(at) => *at,
            EnvelopeRead::Open(_) | EnvelopeRead::End => text.len(),
            EnvelopeRead::Fault(fault) => fault.at,
        };
        if let Some(at) = text[..up_to].find('\u{fffd}') {
            return self.fault(JsonFlaw::Replacement.at(at));
        }
        let (length, partly) = (text.len(), bytes.len() < all.len());
        match reached {
            EnvelopeRead::Records(at) => {
                self.skip(at);
                self.window = WINDOW;
                self.part = FilePart::Records { envelope, elements: Elements::default(), first: true };
                BlockStep::Again
            }
            EnvelopeRead::Open(_) if malformed => self.fault(JsonFlaw::Malformed.at(length)),
            EnvelopeRead::Open(at) => {
                self.skip(at);
                self.part = FilePart::Around(envelope);
                self.window = self.window.saturating_mul(2);
                match self.stop.take().filter(|_| !partly) {
                    Some(stop) => BlockStep::Stop { within: false, stop },
                    None if partly => BlockStep::Again,
                    None => BlockStep::Fill,
                }
            }
            EnvelopeRead::End => {
                self.pages = envelope.pages();
                BlockStep::End
            }
            EnvelopeRead::Fault(fault) => self.fault(fault),
        }
    }

    /// Passes over an array without a record.
    fn first(&mut self, mut envelope: Envelope) -> BlockStep {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let bytes = &self.pending[self.at..self.filled];
        let found = bytes.iter().position(|byte| !blank(byte));
        let empty = found.is_some_and(|at| bytes[at] == b']');
        self.skip(found.unwrap_or(bytes.len()));
        if empty {
            self.skip(1);
            envelope.after_records();
            self.part = FilePart::Around(envelope);
            return BlockStep::Again;
        }
        let first = found.is_none();
        self.part = FilePart::Records { envelope, elements: Elements::default(), first };
        match self.stop.take().filter(|_| first) {
            _ if !first => BlockStep::Again,
            Some(stop) => BlockStep::Stop { within: false, stop },
            None if self.ended => self.fault(JsonFlaw::CutShort.at(0)),
            None => BlockStep::Fill,
        }
    }

    /// Finds the last end of an element, or the end of the array.
    fn records(&mut self, mut envelope: Envelope, mut elements: Elements, block_bytes: usize) -> BlockStep {
        let Scanned { cut, closed } = elements.scan(&self.pending[self.seen..self.filled]);
        self.cut = cut.map(|at| self.seen + at).or(self.cut);
        self.seen = self.filled;
        if let (true, Some(end)) = (closed, self.cut) {
            envelope.after_records();
            self.part = FilePart::Around(envelope);
            return BlockStep::Cut(end);
        }
        let step = match self.cut {
            None if self.ended => {
                BlockStep::Stop { within: true, stop: self.refusal(JsonFlaw::CutShort.at(self.filled - self.at)) }
            }
            Some(end) if self.ended => BlockStep::Cut(end),
            _ => self.whole(block_bytes),
        };
        // What comes after a cut is scanned once more, from a start.
        let elements = if matches!(step, BlockStep::Cut(_)) { Elements::default() } else { elements };
        self.part = FilePart::Records { envelope, elements, first: false };
        step
    }

    /// Gives out whole records when there are enough of them or no more can be had.
    fn whole(&mut self, block_bytes: usize) -> BlockStep {
        match self.cut {
            Some(end) if self.filled - self.at >= block_bytes || self.stop.is_some() => BlockStep::Cut(end),
            None if self.filled - self.at > self.longest.saturating_add(2) => {
                BlockStep::Stop { within: true, stop: BlockStop::TooLong }
            }
            _ => self.stop.take().map_or(BlockStep::Fill, |stop| BlockStep::Stop { within: true, stop }),
        }
    }

    /// Ends the member at a fault around records.
    fn fault(&self, fault: JsonFault) -> BlockStep {
        BlockStep::Stop { within: false, stop: self.refusal(fault) }
    }

    fn refusal(&self, fault: JsonFault) -> BlockStop {
        let spot = FaultSpot::Byte { at: self.offset + fault.at as u64, unit: "" };
        let (code, what, help) = (fault.what.code(), fault.what.message(|_| String::new()), fault.what.help());
        BlockStop::Fault(RecordFault { record: 0, spot, code, what, help })
    }

    /// Passes over bytes that no block has.
    fn skip(&mut self, count: usize) {
        self.at += count;
        self.offset += count as u64;
        (self.seen, self.cut) = (self.at, None);
    }

    fn fill(&mut self, block_bytes: usize) {
        self.pending.copy_within(self.at..self.filled, 0);
        self.filled -= self.at;
        self.seen -= self.at;
        self.cut = self.cut.map(|cut| cut - self.at);
        self.at = 0;
        match self.text.fill(&mut self.pending, &mut self.filled, block_bytes) {
            Ok(more) => self.ended = !more,
            Err(BrokenText::Error(error)) => self.stop = Some(BlockStop::Error(error)),
            Err(BrokenText::Malformed { at }) => self.stop = Some(BlockStop::Malformed { at }),
        }
    }

    fn advance(&mut self, to: usize, stop: Option<BlockStop>) -> Block {
        let taken = self.text.bytes().taken();
        let block = Block { offset: self.offset, taken: taken - self.taken, laid: None, sheet: None, stop };
        self.taken = taken;
        self.skip(to - self.at);
        block
    }
}
