//! `Reader`: many workers, one sequence of blocks. Blocks are taken in turns, parsed at once on all workers, and
//! numbered in order; the first fault in the order of the files is the one reported. Must not know what columns are for.

use super::archive;
use super::batch::{Cell, ColumnMap, RawBatch};
use super::cells::CellFinder;
use super::container::{Bytes, Container, From, container};
use super::decode::{Text, encoding};
use super::exact::{self, Grammar};
use super::fault::{Fault, What};
use super::header::{self, malformed};
use super::report::{Drift, InputReport, ReadReport};
use super::scan::{self, Marks, Positions};
use super::set::Selection;
use super::turn::{Block, Input, Stop, Turns};
use crate::error::{Error, Result};
use crate::monitor::{Event, Monitor};
use crate::policy::{Column, Source};
use crate::store::{Object, Root};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Positions in a block are 32 bits; half of that leaves room for the record that a block ends in.
const LARGEST: usize = 1 << 30;

/// What is wanted of the files.
pub struct ReadRequest<'a> {
    /// How they are read.
    pub source: &'a Source,
    /// Columns wanted; batches give their cells by index into this.
    pub columns: &'a [Column],
    /// Indexes of the columns that every file must have.
    pub required: &'a [usize],
    /// Leave out ragged records and count them.
    pub drop_bad_records: bool,
    /// About how much text is one block.
    pub block_bytes: usize,
}

/// A worker's buffers, used again and again.
#[derive(Default)]
pub struct Scratch {
    bytes: Vec<u8>,
    positions: Positions,
    cells: Vec<Cell>,
}

impl Scratch {
    /// Takes a batch's buffers back, so that the next block needs no memory of its own.
    pub fn recycle(&mut self, batch: RawBatch) {
        self.bytes = batch.text.into_bytes();
        self.cells = batch.cells;
    }
}

/// Reads a selection; shared by all workers.
pub struct Reader<'a> {
    turns: Mutex<Turns>,
    progress: Mutex<Progress>,
    arrived: Condvar,
    inputs: Arc<Vec<Input>>,
    maps: Vec<Arc<ColumnMap>>,
    drift: Vec<Drift>,
    grammar: Grammar,
    drop: bool,
    null: Vec<String>,
    encoding: &'static str,
    monitor: &'a dyn Monitor,
}

/// What is known of blocks in their order.
struct Progress {
    /// Blocks before this one have been parsed.
    next: u64,
    records: Vec<u64>,
    dropped: Vec<u64>,
    failed: Option<Error>,
}

/// A parsed block.
struct Parsed {
    text: String,
    rows: usize,
    dropped: Vec<u32>,
}

/// Why a block could not be parsed.
enum Failure {
    Fault(Fault),
    Stop(Stop),
}

impl<'a> Reader<'a> {
    /// Looks at every input of a selection before any record is read: containers, members, encodings, headers, drift.
    ///
    /// # Errors
    /// Input errors of the design's section 5 "Bad input"; storage errors; a policy error for an unknown encoding.
    pub fn open(
        root: &Root,
        selection: &Selection,
        request: &ReadRequest<'_>,
        monitor: &'a dyn Monitor,
    ) -> Result<Reader<'a>> {
        let format = &request.source.read;
        let grammar = Grammar {
            delimiter: format.delimiter,
            quote: format.quote,
            literal: format.stray_quotes_literal,
            longest: format.max_record_bytes.min(LARGEST),
        };
        let inputs = Arc::new(inputs(root, selection, request)?);
        let (mut maps, mut unlisted) = (Vec::new(), BTreeMap::new());
        for input in inputs.iter() {
            let bytes = Bytes::open(root, &input.object, &input.from, format, 0)?;
            let names = header::read(&mut Text::open(bytes, format)?, format, &grammar)?.names;
            let (map, drift) = header::columns(&names, request, &input.place)?;
            maps.push(Arc::new(map));
            drift.into_iter().for_each(|name| *unlisted.entry(name).or_insert(0) += 1);
        }
        let drift = unlisted.into_iter().map(|(name, inputs)| Drift { name, inputs }).collect();
        let total = inputs.iter().map(|input| input.from.stored(&input.object)).sum();
        monitor.event(Event::Stage { name: "read", total_bytes: Some(total) });
        let block_bytes = request.block_bytes.clamp(1, LARGEST);
        let count = inputs.len();
        Ok(Reader {
            turns: Mutex::new(Turns::new(root, inputs.clone(), format, grammar, block_bytes)),
            progress: Mutex::new(Progress { next: 0, records: vec![0; count], dropped: vec![0; count], failed: None }),
            arrived: Condvar::new(),
            inputs,
            maps,
            drift,
            grammar,
            drop: request.drop_bad_records,
            null: format.null.clone(),
            encoding: encoding(&format.encoding)?.name(),
            monitor,
        })
    }

    /// The next block of records, for whichever worker asks; none when all have been given out. When it is returned,
    /// all blocks before it have been parsed without a fault.
    ///
    /// # Errors
    /// The first fault in the order of the files, the same for every worker and whatever the threads and block sizes.
    pub fn next(&self, scratch: &mut Scratch) -> Result<Option<RawBatch>> {
        loop {
            let mut bytes = std::mem::take(&mut scratch.bytes);
            if let Some(error) = &lock(&self.progress).failed {
                return Err(error.clone());
            }
            let Some(block) = lock(&self.turns).take(&mut bytes) else { return Ok(None) };
            let ticket = Ticket { reader: self, number: block.number };
            self.monitor.event(Event::Advance { bytes: block.taken });
            let (input, offset) = (block.input, block.offset);
            let parsed = self.parse(block, bytes, &mut scratch.positions);
            let (first_record, parsed) = ticket.arrive(input, offset, parsed)?;
            let batch = self.batch(input, first_record, parsed, scratch);
            if batch.rows > 0 {
                return Ok(Some(batch));
            }
            scratch.recycle(batch);
        }
    }

    /// What has been read.
    ///
    /// # Errors
    /// The fault that stopped the reading; an input error when it was not read to its end.
    pub fn finish(self) -> Result<ReadReport> {
        let turns = self.turns.into_inner().unwrap_or_else(PoisonError::into_inner);
        let progress = self.progress.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = progress.failed {
            return Err(error);
        }
        if !turns.done() {
            return Err(Error::input("the input was not read to its end"));
        }
        let counts = progress.records.iter().zip(&progress.dropped);
        let report = |((input, facts), (records, dropped)): ((&Input, _), (&u64, &u64))| {
            let facts: super::container::Facts = facts;
            InputReport {
                object: input.object.clone(),
                container: input.from.container(),
                member: input.from.member().map(str::to_string),
                bytes: facts.bytes,
                records: *records,
                dropped: *dropped,
                blake3: facts.blake3,
                encoding: self.encoding.to_lowercase(),
                delimiter: char::from(self.grammar.delimiter),
            }
        };
        let inputs = self.inputs.iter().zip(turns.facts).zip(counts).map(report).collect();
        Ok(ReadReport { inputs, drift: self.drift })
    }

    fn parse(&self, block: Block, bytes: Vec<u8>, positions: &mut Positions) -> Result<Parsed, Failure> {
        let width = self.maps[block.input].width;
        if let Some(stop) = block.stop {
            let parsed = exact::parse(&bytes, &self.grammar, width, self.drop, false);
            return Err(parsed.err().map_or(Failure::Stop(stop), Failure::Fault));
        }
        match self.plain(bytes, positions, width) {
            Ok(parsed) => Ok(parsed),
            Err(bytes) => {
                let exact = exact::parse(&bytes, &self.grammar, width, self.drop, true).map_err(Failure::Fault)?;
                *positions = Positions { ends: exact.ends, doubled: exact.doubled };
                Ok(Parsed { text: exact.text, rows: exact.rows, dropped: exact.dropped })
            }
        }
    }

    /// The quick way; the bytes back when anything is not plain.
    fn plain(&self, bytes: Vec<u8>, positions: &mut Positions, width: usize) -> Result<Parsed, Vec<u8>> {
        let marks = Marks { delimiter: self.grammar.delimiter, quote: self.grammar.quote };
        let seen = scan::scan(&bytes, marks, positions);
        if seen.odd || !regular(&bytes, &positions.ends, width, seen.lines, self.grammar.longest) {
            return Err(bytes);
        }
        let text = scan::text(bytes, seen)?;
        if seen.lost && memchr::memmem::find(text.as_bytes(), "\u{fffd}".as_bytes()).is_some() {
            return Err(text.into_bytes());
        }
        Ok(Parsed { text, rows: seen.lines, dropped: Vec::new() })
    }

    /// Where input number `input` is, for messages.
    pub fn place(&self, input: usize) -> &str {
        &self.inputs[input].place
    }

    fn batch(&self, input: usize, first_record: u64, parsed: Parsed, scratch: &mut Scratch) -> RawBatch {
        let (columns, mut cells) = (self.maps[input].clone(), std::mem::take(&mut scratch.cells));
        let Parsed { mut text, rows, dropped } = parsed;
        let Positions { ends, doubled } = &scratch.positions;
        let finder = CellFinder { quote: self.grammar.quote, null: &self.null, columns: &columns };
        finder.find(&mut text, ends, doubled, &mut cells);
        RawBatch { input, first_record, text, cells, rows, dropped, columns }
    }

    fn error(&self, input: usize, offset: u64, record: u64, failure: Failure) -> Error {
        let place = &self.inputs[input].place;
        let text = if self.encoding == "UTF-8" { "" } else { " of the text in UTF-8" };
        match failure {
            Failure::Fault(fault) => fault.what.error(place, record + fault.record, offset + fault.at as u64, text),
            Failure::Stop(Stop::Error(error)) => error,
            Failure::Stop(Stop::Malformed { at }) => malformed(place, &format!(", record {record}"), at, self.encoding),
            Failure::Stop(Stop::TooLong) => {
                What::TooLong { longest: self.grammar.longest }.error(place, record, offset, text)
            }
        }
    }
}

/// Whether the ends are those of so many lines of so many cells, none too long.
fn regular(text: &[u8], ends: &[u32], width: usize, lines: usize, longest: usize) -> bool {
    if ends.len() != lines * width {
        return false;
    }
    let mut from = 0;
    for record in ends.chunks_exact(width) {
        let end = record[width - 1] as usize;
        if text[end] != b'\n' || end - from > longest {
            return false;
        }
        from = end + 1;
    }
    from == text.len()
}

/// A block's place in the order. Every block that was taken must arrive, or those after it would wait for ever; so one
/// that is dropped on the way stops the reader.
struct Ticket<'r, 'a> {
    reader: &'r Reader<'a>,
    number: u64,
}

impl Ticket<'_, '_> {
    /// Waits for the blocks before, counts this one's records and gives the number of its first.
    fn arrive(self, input: usize, offset: u64, parsed: Result<Parsed, Failure>) -> Result<(u64, Parsed)> {
        let mut progress = lock(&self.reader.progress);
        while progress.next != self.number && progress.failed.is_none() {
            progress = self.reader.arrived.wait(progress).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(error) = &progress.failed {
            return Err(error.clone());
        }
        let first = progress.records[input] + 1;
        match parsed {
            Ok(parsed) => {
                progress.records[input] += (parsed.rows + parsed.dropped.len()) as u64;
                progress.dropped[input] += parsed.dropped.len() as u64;
                progress.next += 1;
                Ok((first, parsed))
            }
            Err(failure) => {
                let error = self.reader.error(input, offset, first, failure);
                progress.failed = Some(error.clone());
                Err(error)
            }
        }
    }
}

impl Drop for Ticket<'_, '_> {
    fn drop(&mut self) {
        let mut progress = lock(&self.reader.progress);
        if std::thread::panicking() && progress.next <= self.number {
            progress.failed.get_or_insert_with(|| Error::input("reading stopped in the middle of a block"));
        }
        self.reader.arrived.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The files of a selection: objects in path order, members of archives in the order of their directory.
fn inputs(root: &Root, selection: &Selection, request: &ReadRequest<'_>) -> Result<Vec<Input>> {
    let format = &request.source.read;
    let mut found = Vec::new();
    let mut add = |object: &Object, from: From| {
        found.push(Input { place: from.place(root, object), object: object.clone(), from });
    };
    let mut members = 0;
    for object in &selection.objects {
        match container(root, object)? {
            Container::Plain => add(object, From::Plain),
            Container::Gzip => add(object, From::Gzip),
            Container::Zip => {
                let matching = archive::members(root, object, format)?;
                members += matching.len();
                matching.into_iter().for_each(|member| add(object, From::Member(member)));
            }
        }
    }
    let glob = format.member_text.as_deref().unwrap_or("*");
    if found.is_empty() {
        return Err(Error::input(format!("no member of the {} archive(s) matches {glob}", selection.objects.len()))
            .help("check read.member in the source against the names in the archives"));
    }
    if format.member_in_exactly_one && members > 1 {
        return Err(Error::input(format!("{members} members match {glob} where complete.member_in says exactly-one"))
            .help("remove the part that does not belong, or set complete.member_in = \"any\""));
    }
    Ok(found)
}
