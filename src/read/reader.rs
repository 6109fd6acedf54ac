//! `Reader`: many workers, one sequence of blocks. Blocks are taken in turns, parsed at once on all workers, and
//! numbered in order; the first fault in the order of the files is the one reported. Must not know what columns are for.

use super::archive::{self, Chosen};
use super::batch::{Cell, ColumnMap, RawBatch};
use super::cells::CellFinder;
use super::container::{Bytes, Container, From, container};
use super::decode::{Text, encoding};
use super::exact::{self, Grammar};
use super::fault::{Fault, What};
use super::header::{self, malformed};
use super::report::{Drift, InputReport, Lost, ReadReport};
use super::scan::{self, Marks, Positions};
use super::set::Selection;
use super::turn::{Block, Input, Stop, Turns};
use crate::error::{Error, Result};
use crate::monitor::{Event, Monitor};
use crate::policy::{Column, ReadFormat, Source};
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
    lost: Vec<Lost>,
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
    blank: Vec<u64>,
    failed: Option<Error>,
}

impl Progress {
    fn new(inputs: usize) -> Progress {
        let none = || vec![0; inputs];
        Progress { next: 0, records: none(), dropped: none(), blank: none(), failed: None }
    }
}

/// A parsed block.
struct Parsed {
    text: String,
    rows: usize,
    dropped: Vec<u32>,
    blank: u64,
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
        let (mut maps, mut unlisted, mut lost) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for input in inputs.iter() {
            let found = headed(root, input, request, &grammar);
            let found = found.map_err(|error| one_of_several(error, input, &inputs, format))?;
            maps.push(Arc::new(found.map));
            for (name, columns) in found.unlisted {
                let (inputs, most) = unlisted.entry(name).or_insert((0, 0));
                (*inputs, *most) = (*inputs + 1, columns.max(*most));
            }
            found.lost.into_iter().for_each(|name| *lost.entry(name).or_insert(0) += 1);
        }
        let drift = unlisted.into_iter().map(|(name, (inputs, columns))| Drift { name, inputs, columns }).collect();
        let lost = lost.into_iter().map(|(name, inputs)| Lost { name, inputs }).collect();
        let total = inputs.iter().map(|input| input.from.stored(&input.object)).sum();
        monitor.event(Event::Stage { name: "read", total_bytes: Some(total) });
        let block_bytes = request.block_bytes.clamp(1, LARGEST);
        let count = inputs.len();
        Ok(Reader {
            turns: Mutex::new(Turns::new(root, inputs.clone(), format, grammar, block_bytes)),
            progress: Mutex::new(Progress::new(count)),
            arrived: Condvar::new(),
            inputs,
            maps,
            drift,
            lost,
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
            let parsed = self.parse(block, bytes, &mut scratch.positions).map(|mut parsed| {
                parsed.blank = self.blank(&parsed, &scratch.positions.ends, self.maps[input].width);
                parsed
            });
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
        let report = |(at, (input, facts)): (usize, (&Input, super::container::Facts))| InputReport {
            place: input.place.clone(),
            object: input.object.clone(),
            container: input.from.container(),
            member: input.from.member().map(str::to_string),
            bytes: facts.bytes,
            records: progress.records[at],
            dropped: progress.dropped[at],
            blank: progress.blank[at],
            of_macos: input.of_macos,
            blake3: facts.blake3,
            encoding: self.encoding.to_lowercase(),
            delimiter: char::from(self.grammar.delimiter),
        };
        let inputs = self.inputs.iter().zip(turns.facts).enumerate().map(report).collect();
        Ok(ReadReport { inputs, drift: self.drift, lost: self.lost })
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
                Ok(Parsed { text: exact.text, rows: exact.rows, dropped: exact.dropped, blank: 0 })
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
        Ok(Parsed { text, rows: seen.lines, dropped: Vec::new(), blank: 0 })
    }

    /// Counts records that hold nothing but blanks, such as those that Excel writes below a table. Where a record begins
    /// with a letter or digit there is no need to look further.
    fn blank(&self, parsed: &Parsed, ends: &[u32], width: usize) -> u64 {
        let (text, mut from, mut blank) = (&parsed.text, 0, 0);
        let quote = self.grammar.quote.map(char::from);
        let is_blank = |cell: &str| {
            let cell = cell.trim();
            let inner = quote.and_then(|quote| cell.strip_prefix(quote)?.strip_suffix(quote));
            inner.unwrap_or(cell).trim().is_empty()
        };
        for record in ends.chunks_exact(width) {
            let start = std::mem::replace(&mut from, record[width - 1] as usize + 1);
            if text.as_bytes()[start].is_ascii_alphanumeric() {
                continue;
            }
            let starts = std::iter::once(start).chain(record.iter().map(|end| *end as usize + 1));
            blank += u64::from(starts.zip(record).all(|(start, end)| is_blank(&text[start..*end as usize])));
        }
        blank
    }

    /// Where input number `input` is, for messages.
    pub fn place(&self, input: usize) -> &str {
        &self.inputs[input].place
    }

    fn batch(&self, input: usize, first_record: u64, parsed: Parsed, scratch: &mut Scratch) -> RawBatch {
        let (columns, mut cells) = (self.maps[input].clone(), std::mem::take(&mut scratch.cells));
        let Parsed { mut text, rows, dropped, .. } = parsed;
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
                progress.blank[input] += parsed.blank;
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

/// Reads the header of one file.
fn headed(root: &Root, input: &Input, request: &ReadRequest<'_>, grammar: &Grammar) -> Result<header::Headed> {
    let format = &request.source.read;
    let bytes = Bytes::open(root, &input.object, &input.from, format, 0)?;
    let names = header::read(&mut Text::open(bytes, format)?, format, grammar)?.names;
    header::columns(&names, request, &input.place)
}

/// The files of a selection: objects in path order, members of archives in the order of their directory.
fn inputs(root: &Root, selection: &Selection, request: &ReadRequest<'_>) -> Result<Vec<Input>> {
    let format = &request.source.read;
    let mut found = Vec::new();
    let mut add = |object: &Object, from: From, of_macos: u64| {
        found.push(Input { place: from.place(root, object), object: object.clone(), from, of_macos });
    };
    let mut members = 0;
    for object in &selection.objects {
        match container(root, object)? {
            Container::Plain => add(object, From::Plain, 0),
            Container::Gzip => add(object, From::Gzip, 0),
            Container::Zip => {
                let Chosen { members: matching, mut of_macos } = archive::members(root, object, format)?;
                members += matching.len();
                matching
                    .into_iter()
                    .for_each(|member| add(object, From::Member(member), std::mem::take(&mut of_macos)));
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

/// Adds what helps where an archive has several members and the source does not say which of them it means.
fn one_of_several(error: Error, input: &Input, inputs: &[Input], format: &ReadFormat) -> Error {
    let same = |other: &&Input| other.from.member().is_some() && other.object.path == input.object.path;
    let members = inputs.iter().filter(same).count();
    if format.member.is_some() || input.from.member().is_none() || members < 2 {
        return error;
    }
    let more =
        format!("{members} members of the archive are read: say in read.member of the source which hold this export");
    let help = error.help_text().map_or(more.clone(), |help| format!("{more}\n{help}"));
    error.help(help)
}
