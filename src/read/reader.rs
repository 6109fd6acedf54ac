//! `Reader`: many workers, one sequence of blocks. Blocks are taken in turns, parsed at once on all workers, and
//! numbered in order; the first fault in the order of the files is the one reported.

use super::LARGEST;
use super::batch::{Cell, ColumnMap, RawBatch};
use super::block_source::{BlockSource, Numbered};
use super::columns::{self, AS_TEXT, Headed};
use super::container::{self, Member, MemberFacts};
use super::format::{self, BadRecords, Blocks, Failure, FileFormat, FormatScratch, NamesKnown, Parsed};
use super::found::FoundNames;
use super::pages;
use super::report::{InputReport, MissingColumn, ReadReport, UnlistedColumn};
use super::set::Selection;
use super::wanted::{ReadRequest, Structures, WantedNames};
use crate::error::{Code, Error, Result};
use crate::monitor::{Event, Monitor};
use crate::policy::ReadFormat;
use crate::store::Root;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A worker's buffers, used again and again.
#[derive(Default)]
pub struct Scratch {
    bytes: Vec<u8>,
    format: FormatScratch,
    cells: Vec<Cell>,
}

impl Scratch {
    /// Parses a block whose bytes are given.
    pub(super) fn parse(
        &mut self,
        format: &dyn FileFormat,
        block: format::Block,
        bytes: Vec<u8>,
        columns: &ColumnMap,
    ) -> Result<Parsed, Failure> {
        format.parse(block, bytes, columns, &mut self.format)
    }

    /// Makes a batch of the block just parsed.
    pub(super) fn batch(
        &mut self,
        format: &dyn FileFormat,
        input: usize,
        first_record: u64,
        parsed: Parsed,
        columns: Arc<ColumnMap>,
    ) -> RawBatch {
        let Parsed { mut text, rows, dropped, blank, .. } = parsed;
        let mut cells = std::mem::take(&mut self.cells);
        format.cells(&mut text, &columns, &self.format, &mut cells);
        RawBatch { input, first_record, text, cells, rows, dropped, blank, columns }
    }

    /// Gives out the buffer for the bytes of the next block.
    pub(super) fn buffer(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Takes a batch's buffers back, so that the next block needs no memory of its own.
    pub fn recycle(&mut self, batch: RawBatch) {
        self.bytes = batch.text.into_bytes();
        self.cells = batch.cells;
    }
}

/// Reads a selection; shared by all workers.
pub struct Reader<'a> {
    blocks: Mutex<BlockSource>,
    progress: Mutex<Progress>,
    arrived: Condvar,
    members: Arc<Vec<Member>>,
    maps: Vec<Arc<ColumnMap>>,
    columns: ColumnsFound,
    format: Arc<dyn FileFormat>,
    /// Names of columns are known when all records are.
    in_records: bool,
    request: ReadRequest<'a>,
    monitor: &'a dyn Monitor,
}

/// What the names of columns of all files say.
#[derive(Default)]
struct ColumnsFound {
    /// Names that the source does not list, each with how many inputs have it, and the most columns of one.
    unlisted: BTreeMap<String, (usize, u64)>,
    covered: BTreeMap<String, (usize, u64)>,
    lost: BTreeMap<String, usize>,
    names: Vec<String>,
}

impl ColumnsFound {
    fn add(&mut self, names: Vec<String>, headed: Headed) -> ColumnMap {
        for (all, found) in [(&mut self.unlisted, headed.unlisted), (&mut self.covered, headed.covered)] {
            for (name, columns) in found {
                let (inputs, most) = all.entry(name).or_insert((0, 0));
                (*inputs, *most) = (*inputs + 1, columns.max(*most));
            }
        }
        headed.lost.into_iter().for_each(|name| *self.lost.entry(name).or_insert(0) += 1);
        if self.names.is_empty() {
            self.names = names;
        }
        headed.map
    }
}

fn by_name(columns: BTreeMap<String, (usize, u64)>) -> Vec<UnlistedColumn> {
    columns.into_iter().map(|(name, (inputs, columns))| UnlistedColumn { name, inputs, columns }).collect()
}

/// What is known of blocks in their order.
struct Progress {
    /// Blocks before this one have been parsed.
    next: u64,
    records: Vec<u64>,
    dropped: Vec<u64>,
    blank: Vec<u64>,
    /// Names of columns that were found in records, where the format has them there.
    found: Vec<FoundNames>,
    failed: Option<Error>,
}

impl Progress {
    fn new(inputs: usize) -> Progress {
        let none = || vec![0; inputs];
        let found = std::iter::repeat_with(FoundNames::default).take(inputs).collect();
        Progress { next: 0, records: none(), dropped: none(), blank: none(), found, failed: None }
    }
}

impl<'a> Reader<'a> {
    /// Looks at every input of a selection before any record is read: containers, members, encodings, headers, drift.
    ///
    /// # Errors
    /// Input errors of the design's section 5 "Bad input"; storage errors; a policy error for an unknown encoding.
    pub fn open(
        root: &Root,
        selection: &Selection,
        request: &ReadRequest<'a>,
        monitor: &'a dyn Monitor,
    ) -> Result<Reader<'a>> {
        let read = &request.source.read;
        let bad = match (request.structures, request.drop_bad_records) {
            (Structures::AsWritten, _) => BadRecords::Look,
            (Structures::Refuse, true) => BadRecords::DropRagged,
            (Structures::Refuse, false) => BadRecords::Refuse,
        };
        let members = Arc::new(all_members(root, selection, read)?);
        let wanted = WantedNames::of(request.source, request.columns, request.structures);
        let format: Arc<dyn FileFormat> = Arc::from(format::of(read, bad, &wanted)?);
        let (mut maps, mut found, mut in_records) = (Vec::new(), ColumnsFound::default(), false);
        for member in members.iter() {
            let map = format.open(root, member, 0).and_then(|opened| match opened.names {
                NamesKnown::Ahead(names) => {
                    let headed = columns::columns(&names, request, &member.place)?;
                    readable(&headed.map, &*opened.blocks, request, &member.place)?;
                    Ok(found.add(names, headed))
                }
                NamesKnown::InRecords => {
                    in_records = true;
                    Ok(columns::as_wanted(request.columns))
                }
            });
            maps.push(Arc::new(map.map_err(|error| one_of_several(error, member, &members, read))?));
        }
        let total = members.iter().map(Member::stored).sum();
        monitor.event(Event::Stage { name: "read", total_bytes: Some(total) });
        let block_bytes = request.block_bytes.clamp(1, LARGEST);
        let count = members.len();
        Ok(Reader {
            blocks: Mutex::new(BlockSource::new(root, members.clone(), maps.clone(), format.clone(), block_bytes)),
            progress: Mutex::new(Progress::new(count)),
            arrived: Condvar::new(),
            members,
            maps,
            columns: found,
            format,
            in_records,
            request: *request,
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
            let mut bytes = scratch.buffer();
            if let Some(error) = &lock(&self.progress).failed {
                return Err(error.clone());
            }
            let Some(Numbered { number, input, block }) = lock(&self.blocks).take(&mut bytes) else { return Ok(None) };
            let ticket = Ticket { reader: self, number };
            self.monitor.event(Event::Advance { bytes: block.taken });
            let parsed = scratch.parse(&*self.format, block, bytes, &self.maps[input]);
            let (first_record, parsed) = ticket.arrive(input, parsed.and_then(Parsed::whole))?;
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
        let blocks = self.blocks.into_inner().unwrap_or_else(PoisonError::into_inner);
        let progress = self.progress.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = progress.failed {
            return Err(error);
        }
        if !blocks.done() {
            return Err(Error::new(Code::InputNotReadable, "the input was not read to its end"));
        }
        let pages = self.members.iter().zip(&blocks.facts);
        let pages = pages.filter_map(|(member, facts)| Some((member.place.as_str(), facts.pages?)));
        pages::check(pages, progress.records.iter().sum())?;
        let mut columns = self.columns;
        for ((member, found), records) in self.members.iter().zip(&progress.found).zip(&progress.records) {
            // A file without a record lacks nothing.
            if self.in_records && *records > 0 {
                let headed = columns::found(found, &self.request, &member.place);
                let read = &self.request.source.read;
                let (names, headed) = headed.map_err(|error| one_of_several(error, member, &self.members, read))?;
                columns.add(names, headed);
            }
        }
        let report = |(at, (member, facts)): (usize, (&Member, MemberFacts))| InputReport {
            place: member.place.clone(),
            object: member.object.clone(),
            container: member.container(),
            member: member.name().map(str::to_string),
            bytes: facts.bytes,
            records: progress.records[at],
            dropped: progress.dropped[at],
            blank: progress.blank[at],
            of_macos: member.of_macos,
            blake3: facts.hash.map_or(String::new(), |hash| hash.to_hex().to_string()),
            encoding: self.format.encoding(),
            delimiter: self.format.delimiter(),
        };
        let inputs = self.members.iter().zip(blocks.facts).enumerate().map(report).collect();
        let ColumnsFound { unlisted, covered, lost, names } = columns;
        let lost = lost.into_iter().map(|(name, inputs)| MissingColumn { name, inputs }).collect();
        Ok(ReadReport { inputs, drift: by_name(unlisted), covered: by_name(covered), lost, names })
    }

    /// All columns of the first input, in its order.
    pub fn names(&self) -> Vec<String> {
        self.columns.names.clone()
    }

    /// Where input number `input` is, for messages.
    pub fn place(&self, input: usize) -> &str {
        &self.members[input].place
    }

    fn batch(&self, input: usize, first_record: u64, parsed: Parsed, scratch: &mut Scratch) -> RawBatch {
        let columns = self.maps[input].clone();
        scratch.batch(&*self.format, input, first_record, parsed, columns)
    }

    fn error(&self, input: usize, record: u64, failure: Failure) -> Error {
        match failure {
            Failure::Fault(fault) => fault.error(&self.members[input].place, record),
            Failure::Error(error) => error,
        }
    }
}

/// A block's place in the order. Every block that was taken must arrive, or those after it would wait for ever; so one
/// that is dropped on the way stops the reader.
struct Ticket<'r, 'a> {
    reader: &'r Reader<'a>,
    number: u64,
}

impl Ticket<'_, '_> {
    /// Waits for the blocks before, counts this one's records and gives the number of its first.
    fn arrive(self, input: usize, parsed: Result<Parsed, Failure>) -> Result<(u64, Parsed)> {
        let mut progress = lock(&self.reader.progress);
        while progress.next != self.number && progress.failed.is_none() {
            progress = self.reader.arrived.wait(progress).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(error) = &progress.failed {
            return Err(error.clone());
        }
        let first = progress.records[input] + 1;
        match parsed {
            Ok(mut parsed) => {
                let found = std::mem::take(&mut parsed.found);
                progress.found[input].append(found, self.reader.request.source.read.max_columns);
                progress.records[input] += (parsed.rows + parsed.dropped.len()) as u64;
                progress.dropped[input] += parsed.dropped.len() as u64;
                progress.blank[input] += parsed.blank.len() as u64;
                progress.next += 1;
                Ok((first, parsed))
            }
            Err(failure) => {
                let error = self.reader.error(input, first, failure);
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
            progress
                .failed
                .get_or_insert_with(|| Error::new(Code::InputNotReadable, "reading stopped in the middle of a block"));
        }
        self.reader.arrived.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Refuses a member of which a required column has no values that can be read, or an identifier has values that are none.
pub(super) fn readable(map: &ColumnMap, blocks: &dyn Blocks, request: &ReadRequest<'_>, place: &str) -> Result<()> {
    let identifiers = map.identified.iter().enumerate().filter(|(_, identified)| **identified).map(|(index, _)| index);
    let unfit = identifiers
        .filter_map(|index| Some((&request.columns[index].name, blocks.no_identifier(map.positions[index]?)?)))
        .next();
    if let Some((name, why)) = unfit.filter(|_| request.structures == Structures::Refuse) {
        return Err(
            Error::new(Code::FormatNotRead, format!("{place}: column {name} is an identifier and {why}")).help(AS_TEXT)
        );
    }
    let unread = |index: &usize| Some((*index, blocks.unread((*map.positions.get(*index)?)?)?));
    let Some((index, why)) = request.required.iter().find_map(unread) else { return Ok(()) };
    let name = request.columns.get(index).map_or("", |column| column.name.as_str());
    Err(Error::new(Code::FormatNotRead, format!("{place}: column {name} {why}"))
        .help("have it written as text, a number, a date or a time, or take the column out of the job"))
}

/// The files of a selection: objects in path order, members of archives in the order of their directory.
fn all_members(root: &Root, selection: &Selection, format: &ReadFormat) -> Result<Vec<Member>> {
    let mut found = Vec::new();
    for object in &selection.objects {
        found.extend(container::members(root, object, format)?);
    }
    let glob = format.member_text.as_deref().unwrap_or("*");
    if found.is_empty() {
        return Err(Error::new(
            Code::ArchiveMembers,
            format!("no member of the {} archive(s) matches {glob}", selection.objects.len()),
        )
        .help("check read.member in the source against the names in the archives"));
    }
    let members = found.iter().filter(|member| member.name().is_some()).count();
    if format.member_in_exactly_one && members > 1 {
        return Err(Error::new(
            Code::ArchiveMembers,
            format!("{members} members match {glob} where complete.member_in says exactly-one"),
        )
        .help("remove the part that does not belong, or set complete.member_in = \"any\""));
    }
    Ok(found)
}

/// Adds what helps where an archive has several members and the source does not say which of them it means.
fn one_of_several(error: Error, member: &Member, members: &[Member], format: &ReadFormat) -> Error {
    let same = |other: &&Member| other.name().is_some() && other.object.path == member.object.path;
    let members = members.iter().filter(same).count();
    if format.member.is_some() || member.name().is_none() || members < 2 {
        return error;
    }
    let more =
        format!("{members} members of the archive are read: say in read.member of the source which hold this export");
    let help = error.help_text().map_or(more.clone(), |help| format!("{more}\n{help}"));
    error.help(help)
}
