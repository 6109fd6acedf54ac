//! The person's records in raw exports that are still kept: found as a run finds whose a row is, then read as they are.
//! What is read lives as long as the answer.

use super::past::PublishedPast;
use super::person::{Asker, Certainty};
use super::report::{DoubtfulRow, RawRecord, Right, ShownValues, Withheld, Withholding, take_hidden};
use crate::clock::Instant;
use crate::corrections::{Corrections, RightValues};
use crate::decide::mark;
use crate::error::{Kind, Result};
use crate::job::{Desk, corrections};
use crate::minimize::{Minimizer, RowClock, Rows, Stream};
use crate::monitor::Monitor;
use crate::policy::{Basis, Category, Column, ColumnOrigin, CoveredBy, Location, Plan, Register, Source};
use crate::read::{self, InputPaths, RawBatch, ReadRequest, Reader, Records, Scratch, Selection, Structures};
use crate::store::{Aside, Object, Root};
use std::collections::{BTreeMap, BTreeSet};

const BLOCK_BYTES: usize = 1 << 20;

/// One export: how its records are read, and how it is told whose they are.
struct RawSource<'a> {
    plan: &'a Plan,
    stream: Stream,
    source: &'a Source,
    input: &'a Location,
    columns: &'a [Column],
    key: usize,
    objects: Vec<Object>,
}

/// All exports that are there.
pub(in crate::questions) struct ExportSearch<'a> {
    desk: &'a Desk,
    now: Instant,
    sources: Vec<RawSource<'a>>,
    /// Places that cannot be seen or read, with the reason.
    pub unreadable: BTreeSet<String>,
    /// What is right in place of their values, by source.
    right: BTreeMap<String, RightValues>,
}

/// Where a record is.
type RecordAt = (usize, String, u64);
/// How sure it is that a record is the person's, and the identity of its key.
type FoundRecord = (Certainty, [u8; 16]);

/// What the exports have of the person.
#[derive(Default)]
pub(super) struct InExports {
    pub records: Vec<RawRecord>,
    pub withheld: Vec<Withheld>,
    pub doubtful: Vec<DoubtfulRow>,
    pub hidden: Vec<DoubtfulRow>,
}

impl<'a> ExportSearch<'a> {
    /// Lists what is there: for portability the newest complete set of each export, else everything. Exports of the past
    /// that no job of the specs reads any more are in `unreadable`: nothing says whose their records are.
    ///
    /// # Errors
    /// Storage errors; a policy error for a bad glob.
    pub fn list(desk: &'a Desk, past: &PublishedPast, right: Right, now: Instant) -> Result<ExportSearch<'a>> {
        let (values, unread) = corrections::right_values(desk, now);
        let mut exports =
            ExportSearch { desk, now, sources: Vec::new(), unreadable: unread.into_iter().collect(), right: values };
        let mut seen = BTreeSet::new();
        let jobs = || desk.project.jobs.values();
        let main = jobs().map(|plan| (plan, Stream::Main));
        let observed = jobs().flat_map(|plan| (0..plan.observe.len()).map(move |at| (plan, Stream::Observed(at))));
        for (plan, stream) in main.chain(observed) {
            let Some(mut source) = raw_source(plan, stream) else { continue };
            if seen.insert((source.source.name.clone(), source.input.root.clone(), source.input.path.clone())) {
                source.objects = exports.objects(&source, right)?;
                exports.sources.push(source);
            }
        }
        for (source, objects) in &past.exports {
            exports.tell_unread(source, objects, right)?;
        }
        Ok(exports)
    }

    /// Names the exports of a source that are still there, and that no job of the specs reads.
    fn tell_unread(&mut self, source: &str, objects: &BTreeSet<String>, right: Right) -> Result<()> {
        let plans = || self.desk.project.jobs.values();
        let main = plans().filter(|plan| plan.source.name == source).map(|plan| plan.controls.key);
        let observed = plans().flat_map(|plan| &plan.observe).filter(|observe| observe.source.name == source);
        let keys: Vec<Option<usize>> = main.chain(observed.map(|observe| observe.controls.key)).collect();
        // Records about nobody (R61) have no person, and of an export that is read the newest set is what is portable.
        if keys.contains(&None) || right == Right::Portability && !keys.is_empty() {
            return Ok(());
        }
        let mut unread: Vec<String> = Vec::new();
        for object in objects.iter().filter(|object| !self.searches(object)) {
            unread.extend(self.still_there(object)?);
        }
        let more = match unread.len() {
            0 => return Ok(()),
            1 => String::new(),
            all => format!(" and {} more", all - 1),
        };
        self.unreadable
            .insert(format!("{}{more}: no job of the specs reads it as source {source} any more", unread[0]));
        Ok(())
    }

    /// Says whether an object, `ROOT:path`, is among those that are searched.
    fn searches(&self, object: &str) -> bool {
        let Some((root, path)) = object.split_once(':') else { return false };
        let of_root = |source: &&RawSource<'_>| source.input.root == root;
        self.sources.iter().filter(of_root).any(|source| source.objects.iter().any(|of| of.path == path))
    }

    /// Tells an object of the past that is still there, or of which nobody can say it.
    fn still_there(&self, object: &str) -> Result<Option<String>> {
        let Some((root, path)) = object.split_once(':') else { return Ok(None) };
        let Some(root) = self.desk.roots.get(root) else {
            return Ok(Some(format!("{object} (the policy has no root {root} any more)")));
        };
        match root.head(path) {
            Ok(found) => Ok(found.filter(|found| found.bytes > 0).map(|_| object.to_owned())),
            Err(error) if error.kind() == Kind::Storage => Err(error),
            Err(_) => Ok(Some(object.to_owned())),
        }
    }

    /// Returns how many objects there are.
    pub fn objects_count(&self) -> u64 {
        self.sources.iter().map(|source| source.objects.len() as u64).sum()
    }

    fn objects(&mut self, source: &RawSource<'_>, right: Right) -> Result<Vec<Object>> {
        let root = &self.desk.roots[&source.input.root];
        if right == Right::Portability {
            let newest = read::select(root, source.input, source.source.complete.as_ref(), self.now);
            return Ok(newest.map(|selection| selection.objects).unwrap_or_else(|error| {
                self.unreadable.insert(format!("{}:{}: {}", source.input.root, source.input.path, error.message()));
                Vec::new()
            }));
        }
        let found = InputPaths::new(source.input)?.find(root)?;
        self.unreadable.extend(found.hidden);
        Ok(found.objects.into_iter().filter(|object| object.bytes > 0).collect())
    }

    /// Goes over all records once; returns where the person's are. The person learns from those that are surely theirs.
    ///
    /// # Errors
    /// Storage errors, why the monitor ends the work; what cannot be read is in `unreadable`.
    pub(super) fn search(
        &mut self,
        asker: &mut Asker,
        monitor: &dyn Monitor,
    ) -> Result<BTreeMap<RecordAt, FoundRecord>> {
        let mut found = BTreeMap::new();
        for (at, source) in self.sources.iter().enumerate() {
            let root = &self.desk.roots[&source.input.root];
            for object in &source.objects {
                monitor.proceed()?;
                let mut whose = |rows: &Rows, row: usize| {
                    let certainty = asker.whose(carried(rows, row))?;
                    if certainty == Certainty::Sure {
                        asker.learn(carried(rows, row));
                    }
                    Some((certainty, rows.identities.first().map_or([0; 16], |key| key.bytes[row])))
                };
                match source.search(self.desk, (root, object), self.now, &mut whose, monitor) {
                    Ok(records) => {
                        found.extend(records.into_iter().map(|((place, record), is)| ((at, place, record), is)))
                    }
                    Err(error) if error.kind() == Kind::Storage => return Err(error),
                    Err(error) => {
                        self.unreadable.insert(format!("{}: {}", root.display(&object.path), error.message()));
                    }
                }
            }
        }
        Ok(found)
    }

    /// Reads every record of the people who are wanted, by their key, export by export in the order of their paths.
    ///
    /// # Errors
    /// Storage errors, why the monitor ends the work; what cannot be read is in `unreadable`.
    pub fn each_record(
        &mut self,
        wanted: &dyn Fn(&[u8; 16]) -> bool,
        monitor: &dyn Monitor,
        take: &mut dyn FnMut([u8; 16], &str, ShownValues),
    ) -> Result<()> {
        for source in self.sources.iter().filter(|source| matches!(source.stream, Stream::Main)) {
            let root = &self.desk.roots[&source.input.root];
            for object in &source.objects {
                monitor.proceed()?;
                let mut whose = |rows: &Rows, row: usize| {
                    let key = rows.identities.first().filter(|slot| slot.marks[row] != mark::NONE)?;
                    Some(key.bytes[row]).filter(wanted)
                };
                let right = self.right.get(&source.source.name);
                let mut corrected = |person: [u8; 16], name: &str, mut values| {
                    right.into_iter().for_each(|right| right.lay(&person, &mut values));
                    take(person, name, values);
                };
                let read = source
                    .search(self.desk, (root, object), self.now, &mut whose, monitor)
                    .and_then(|found| source.read_found(root, object, found, &mut corrected));
                match read {
                    Err(error) if error.kind() != Kind::Storage => {
                        self.unreadable.insert(format!("{}: {}", root.display(&object.path), error.message()));
                    }
                    other => other?,
                }
            }
        }
        Ok(())
    }

    /// Reads the records that were found. With `all`, doubtful ones are shown as the person's.
    ///
    /// # Errors
    /// Storage errors and input errors.
    pub(super) fn show(&self, found: &BTreeMap<RecordAt, FoundRecord>, right: Right, all: bool) -> Result<InExports> {
        let mut shown = InExports::default();
        for (at, source) in self.sources.iter().enumerate() {
            let root = &self.desk.roots[&source.input.root];
            let keys = source.key_columns().into_iter().map(|column| source.columns[column].name.as_str()).collect();
            let corrections = self.right.get(&source.source.name);
            let hides = Hides { register: &self.desk.register, source: source.source, keys, right, corrections };
            for object in &source.objects {
                for member in read::members(root, object, &source.source.read)? {
                    let wanted: BTreeMap<u64, FoundRecord> = found
                        .range((at, member.place().to_string(), 0)..=(at, member.place().to_string(), u64::MAX))
                        .map(|((_, _, record), of)| (*record, *of))
                        .collect();
                    if !wanted.is_empty() {
                        let records = Records::open_source(root, &member, source.source)?;
                        shown.take(member.place(), records, &wanted, &hides, all)?;
                    }
                }
            }
        }
        shown.withheld.sort();
        Ok(shown)
    }
}

/// An export by which column it is told whose its records are; none where they are about nobody (R61).
fn raw_source(plan: &Plan, stream: Stream) -> Option<RawSource<'_>> {
    let (source, input, columns, controls) = match stream {
        Stream::Main => (&plan.source, &plan.input, plan.read_columns(), &plan.controls),
        Stream::Observed(at) => {
            let observe = &plan.observe[at];
            (&observe.source, &observe.input, &observe.columns[..], &observe.controls)
        }
    };
    Some(RawSource { plan, stream, source, input, columns, key: controls.key?, objects: Vec::new() })
}

impl RawSource<'_> {
    /// The columns without which nobody can tell whose a record is.
    fn key_columns(&self) -> Vec<usize> {
        match &self.columns[self.key].parts {
            parts if parts.is_empty() => vec![self.key],
            parts => parts.clone(),
        }
    }

    /// The records of one object that are wanted, by the place of their member and their number, with what makes them so.
    fn search<T>(
        &self,
        desk: &Desk,
        (root, object): (&Root, &Object),
        now: Instant,
        wanted: &mut dyn FnMut(&Rows, usize) -> Option<T>,
        monitor: &dyn Monitor,
    ) -> Result<Vec<((String, u64), T)>> {
        // Of an export of several archives, one or some hold the member.
        if read::members(root, object, &self.source.read)?.is_empty() {
            return Ok(Vec::new());
        }
        let selection =
            Selection { set: None, objects: vec![object.clone()], aside: Aside::default(), counts: Vec::new() };
        let request = ReadRequest {
            source: self.source,
            columns: self.columns,
            required: &self.key_columns(),
            structures: Structures::AsWritten,
            drop_bad_records: true,
            block_bytes: BLOCK_BYTES,
        };
        let minimizer = Minimizer::new(self.plan, &desk.keys, now, self.stream)?;
        let reader = Reader::open(root, &selection, &request, monitor)?;
        // A person is shown what the export has, and not what it ought to have.
        let (mut scratch, none) = (Scratch::default(), Corrections::default());
        let mut worker = minimizer.worker(&|_| false, RowClock::OfColumns, &none);
        let mut found = Vec::new();
        while let Some(mut batch) = reader.next(&mut scratch)? {
            worker.minimize(&mut batch)?;
            let (rows, records) = worker.rows_of_records();
            for (row, record) in records.iter().enumerate() {
                let Some(why) = wanted(rows, row) else { continue };
                found.push(((reader.place(batch.input).to_string(), batch.record(*record as usize)), why));
            }
            scratch.recycle(batch);
        }
        reader.finish()?;
        Ok(found)
    }
}

impl RawSource<'_> {
    fn read_found(
        &self,
        root: &Root,
        object: &Object,
        found: Vec<((String, u64), [u8; 16])>,
        take: &mut dyn FnMut([u8; 16], &str, ShownValues),
    ) -> Result<()> {
        for member in read::members(root, object, &self.source.read)? {
            let of = found.iter().filter(|((place, _), _)| place == member.place());
            let wanted: BTreeMap<u64, [u8; 16]> = of.map(|((_, record), person)| (*record, *person)).collect();
            if !wanted.is_empty() {
                let records = Records::open_source(root, &member, self.source)?;
                let mut each = |_: u64, person: &[u8; 16], values| take(*person, &self.source.name, values);
                each_wanted(records, self.source, &wanted, &mut each)?;
            }
        }
        Ok(())
    }
}

fn carried(rows: &Rows, row: usize) -> impl Iterator<Item = (u8, &[u8; 16])> {
    rows.identities.iter().map(move |slot| (slot.marks[row], &slot.bytes[row]))
}

/// Which columns of a source are not shown.
struct Hides<'a> {
    register: &'a Register,
    source: &'a Source,
    /// The columns that say whose a record is.
    keys: Vec<&'a str>,
    right: Right,
    /// What is right in place of its values.
    corrections: Option<&'a RightValues>,
}

impl Hides<'_> {
    fn why(&self, column: &str) -> Option<Withholding> {
        let source = self.register.sources.get(&self.source.name);
        let Some((source, facts)) = source.and_then(|source| Some((source, source.columns.get(column)?))) else {
            return Some(self.undescribed(column));
        };
        match facts.category {
            Category::Secret => return Some(Withholding::Secret),
            _ if !self.keys.contains(&column) && source.may_name_others(column) => {
                return Some(Withholding::OtherPersonsId);
            }
            Category::FreeText if self.right == Right::Access => return Some(Withholding::FreeText),
            _ => {}
        }
        if self.right == Right::Access {
            return None;
        }
        if !matches!(facts.origin, Some(ColumnOrigin::Given | ColumnOrigin::Observed)) {
            return Some(Withholding::NotProvided);
        }
        let portable = |name: &String| {
            self.register.purposes.get(name).is_some_and(|p| matches!(p.basis, Basis::Consent | Basis::Contract))
        };
        (!facts.purposes.iter().any(portable)).then_some(Withholding::OtherBasis)
    }

    /// Why a column is not shown that no line names: a pattern may still say that it is a secret.
    fn undescribed(&self, column: &str) -> Withholding {
        match self.source.cover.of(column) {
            Some(CoveredBy::Line(line)) if line.category == Category::Secret => Withholding::Secret,
            _ => Withholding::Undescribed,
        }
    }
}

impl InExports {
    fn take(
        &mut self,
        place: &str,
        records: Records,
        wanted: &BTreeMap<u64, FoundRecord>,
        hides: &Hides<'_>,
        all: bool,
    ) -> Result<()> {
        let mut each = |record: u64, (certainty, key): &FoundRecord, values| {
            let theirs = *certainty == Certainty::Sure || all;
            self.record((format!("{place}, record {record}"), key), values, theirs, hides);
        };
        each_wanted(records, hides.source, wanted, &mut each)
    }

    fn record(&mut self, (place, key): (String, &[u8; 16]), mut values: ShownValues, theirs: bool, hides: &Hides<'_>) {
        let of = hides.source.name.clone();
        for column in take_hidden(&mut values, |column| hides.why(column) == Some(Withholding::Secret)).keys() {
            if theirs {
                self.count(&of, Some(column), Withholding::Secret);
            }
        }
        if !theirs {
            self.count(&of, None, Withholding::PerhapsAnotherPerson);
            self.doubtful.push(DoubtfulRow { of, place, values });
            return;
        }
        let hidden = take_hidden(&mut values, |column| hides.why(column).is_some());
        for column in hidden.keys() {
            let why = hides.why(column).unwrap_or(Withholding::Undescribed);
            self.count(&of, Some(column), why);
        }
        if !hidden.is_empty() {
            self.hidden.push(DoubtfulRow { of: of.clone(), place: place.clone(), values: hidden });
        }
        let mut corrected = values.clone();
        hides.corrections.into_iter().for_each(|right| right.lay(key, &mut corrected));
        corrected.retain(|column, value| values.get(column) != Some(value));
        let same =
            |known: &&mut RawRecord| known.source == of && known.values == values && known.corrected == corrected;
        match self.records.iter_mut().find(same) {
            Some(known) => known.places.push(place),
            None => self.records.push(RawRecord { source: of, places: vec![place], values, corrected }),
        }
    }

    fn count(&mut self, of: &str, column: Option<&String>, why: Withholding) {
        let same = |known: &&mut Withheld| known.of == of && known.column.as_ref() == column && known.why == why;
        match self.withheld.iter_mut().find(same) {
            Some(known) => known.rows += 1,
            None => self.withheld.push(Withheld { of: of.into(), column: column.cloned(), why, rows: 1 }),
        }
    }
}

/// Reads the records of a member that are wanted, by their numbers.
fn each_wanted<T>(
    mut records: Records,
    source: &Source,
    wanted: &BTreeMap<u64, T>,
    each: &mut dyn FnMut(u64, &T, ShownValues),
) -> Result<()> {
    let own = |name: &String| source.also.get(name).unwrap_or(name).clone();
    let names: Vec<String> = records.names().iter().map(own).collect();
    records.want(&(0..names.len()).collect::<Vec<_>>());
    let last = wanted.keys().next_back().copied().unwrap_or(0);
    let mut next = 1;
    while next <= last {
        let Some(batch) = records.batch().map_err(|broken| broken.error)? else { break };
        for (record, row) in batch.records() {
            next = record + 1;
            if let (Some(why), Some(row)) = (wanted.get(&record), row) {
                each(record, why, values(&batch, row, &names));
            }
        }
        records.recycle(batch);
    }
    Ok(())
}

/// All values of a record. Columns without a name, and those whose name is there twice, are told by their number.
fn values(batch: &RawBatch, row: usize, names: &[String]) -> ShownValues {
    let name = |at: usize| match names[at].is_empty() || names[..at].contains(&names[at]) {
        true => format!("{} (column {})", names[at], at + 1).trim().to_string(),
        false => names[at].clone(),
    };
    (0..names.len())
        .map(|at| (name(at), batch.value(row, at).filter(|v| !v.trim().is_empty()).map(str::to_string)))
        .collect()
}
