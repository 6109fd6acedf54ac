//! The stage itself: a batch of raw records becomes rows of treated fields and controls, column by column.
//! Must not know what is decided by them, nor where batches come from.

use super::controls::{ClockColumn, ConsentReader, Excludes, Horizon, RowClock, certainly_past, typed, unreadable};
use super::identified::{IdentifiedColumn, count, identified_columns, place_slots, place_tokens, position, use_column};
use super::identity::Identified;
use super::minors::MinorReader;
use super::noticed::{NoticeCalendars, NoticeReader};
use super::quasi_identifier::QuasiIdentifierHasher;
use super::refused;
use super::row_mark::RowMarker;
use super::rows::*;
use super::tally::{ClockTally, FieldTally, IdentifierTally, MAX_DISTINCT, Tally, UnreadableTally, earlier};
use super::untreated::UntreatedReader;
use super::versions::{VersionCalendars, VersionRead, VersionReader};
use super::why_untreated::WhyUntreated;
use crate::cell::dates::{Calendars, DateReading};
use jiff::tz::TimeZone;

use crate::clock::Instant;
use crate::corrections::{Corrections, Unjudged};
use crate::error::{Code, Error, Result};
use crate::key::{Key, Keyring};
use crate::policy::{Column, Controls, Plan};
use crate::read::{RawBatch, Values};
use crate::treatments::{Apply, Given, Row, Treat, TreatOutcome};
use zeroize::Zeroizing;

/// Rows whose fields are treated together.
const TILE: usize = 32;

/// Which of a run's inputs is minimized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The job's own source.
    Main,
    /// One of `Plan::observe`: only subject, identities and clock.
    Observed(usize),
}

/// Everything that is the same for all batches of one stream.
pub struct Minimizer {
    stream: Stream,
    layout: Layout,
    zone: TimeZone,
    horizon: Horizon,
    /// Rows whose own clock is not after this are past keeping, when that is decided row by row.
    past: Option<i64>,
    token_key: Key,
    quasi_key: Key,
    /// Columns of which identities are made; the subject's key is the first, where there is one.
    identified: Vec<IdentifiedColumn>,
    /// Whether rows are about persons; if not, what stands in for the token of one is made of what is published (R61).
    persons: bool,
    fields: Vec<FieldPlan>,
    /// Field of each quasi-identifier, then of each sensitive field of the gate.
    quasi: Vec<usize>,
    clocks: Vec<ClockColumn>,
    excludes: Excludes,
    /// Name of the column of each exclude.
    excluded: Vec<String>,
    consent: Option<ConsentReader>,
    minors: Option<MinorReader>,
    notices: Option<NoticeReader>,
    versions: Option<VersionReader>,
    /// Names of the stream's columns.
    columns: Vec<String>,
}

struct FieldPlan {
    from: Option<usize>,
    kind: FieldKind,
    /// Applies the treatment; tokens are made without one.
    treater: Option<Box<dyn Apply>>,
    /// The clock that reads the same column as a date or time.
    clock: Option<usize>,
    /// Says why a value could not be treated.
    untreated: Option<UntreatedReader>,
}

impl Minimizer {
    /// Prepares a stream of a plan.
    ///
    /// # Errors
    /// A policy error for what cannot be prepared: a date format, a clock that is no date, too many excludes.
    pub fn new(plan: &Plan, keys: &Keyring, as_of: Instant, stream: Stream) -> Result<Minimizer> {
        let (columns, controls, fields) = match stream {
            Stream::Main => (&plan.columns, &plan.controls, &plan.fields[..]),
            Stream::Observed(index) => match plan.observe.get(index) {
                Some(observe) => (&observe.columns, &observe.controls, &[][..]),
                None => {
                    return Err(Error::new(Code::SpecUnusable, format!("the job observes no source number {index}")));
                }
            },
        };
        let mut identified = identified_columns(columns, controls, keys);
        let key = |context: &'static str| {
            Zeroizing::new(*keys.token.derive(context, &[plan.domain.as_bytes(), plan.epoch.as_bytes()]).expose())
        };
        let mut prepared = Vec::new();
        for (index, field) in fields.iter().enumerate() {
            let column = field.from.map(|from| typed(&columns[from]));
            if let (Treat::Pseudonymize, Some(from)) = (field.treat.treat(), field.from) {
                use_column(&mut identified, columns, from, keys).fields.push(index);
            }
            let treater = field.treat.ready(&Given { column, as_of, zone: &plan.zone, key: &key })?;
            let clock = match treater.as_ref().and_then(|treater| treater.reader()) {
                Some(_) => controls.clocks.iter().position(|clock| field.from == Some(*clock)),
                None => None,
            };
            let of_column =
                field.from.map(|from| UntreatedReader::new(&columns[from], as_of, &plan.zone)).transpose()?;
            let birth = field.from.is_some_and(|from| columns[from].birth);
            let untreated = of_column.flatten().map(|reader| reader.of_birth(birth));
            prepared.push(FieldPlan { from: field.from, kind: field.treat.gives(column), treater, clock, untreated });
        }
        let quasi = (0..plan.gate.as_ref().map_or(0, |gate| gate.hashed().count()))
            .filter_map(|quasi| fields.iter().position(|field| field.quasi == Some(quasi)))
            .collect();
        let row_by_row = stream == Stream::Main && !plan.retention.person && plan.observe.is_empty();
        Ok(Minimizer {
            stream,
            layout: Minimizer::layout(plan),
            zone: plan.zone.clone(),
            horizon: Horizon::new(as_of, &plan.retention.max_future, &plan.zone),
            past: row_by_row.then(|| certainly_past(as_of, &plan.retention.keep, &plan.zone)),
            token_key: keys.token_key(&plan.domain),
            quasi_key: keys.identity.derive("tamis v1 quasi", &[plan.job.as_bytes()]),
            identified,
            persons: controls.key.is_some(),
            fields: prepared,
            quasi,
            clocks: controls.clocks.iter().map(|clock| ClockColumn::new(columns, *clock)).collect::<Result<_>>()?,
            excludes: Excludes::new(columns, &controls.excludes)?,
            excluded: controls.excludes.iter().map(|exclude| columns[exclude.column].name.clone()).collect(),
            consent: controls.consent.as_ref().map(|consent| ConsentReader::new(columns, consent)).transpose()?,
            minors: minors(columns, controls, as_of, &plan.zone)?,
            notices: controls.notice.as_ref().map(|rules| NoticeReader::new(columns, rules)).transpose()?,
            versions: versions(columns, controls, keys.identity.derive("tamis v1 version", &[plan.job.as_bytes()]))?,
            columns: columns.iter().map(|column| column.name.clone()).collect(),
        })
    }

    /// The column that the subject's token is made of.
    fn key(&self) -> Option<&IdentifiedColumn> {
        self.identified.first().filter(|_| self.persons)
    }

    /// What all rows of a run look like, those of observed sources included.
    pub fn layout(plan: &Plan) -> Layout {
        let slots = |controls: &Controls| {
            let others: usize = controls.others.iter().map(|other| other.by.len()).sum();
            usize::from(controls.key.is_some()) + controls.strong.len() + controls.weak.len() + others
        };
        let observed = plan.observe.iter().map(|observe| slots(&observe.controls));
        let field = |field: &crate::policy::Field| FieldLayout {
            name: field.name.clone(),
            kind: field.treat.gives(field.from.map(|from| typed(&plan.columns[from]))),
        };
        Layout {
            // A row of nobody has a slot as well, which is always empty.
            identities: observed.fold(slots(&plan.controls).max(1), usize::max),
            quasi: plan.gate.as_ref().map_or(0, |gate| gate.hashed().count()),
            fields: plan.fields.iter().map(field).collect(),
        }
    }

    /// A worker for one thread. `known` says whether a request names an identity: of values whose identity is another
    /// than before, those are noted whose former one is known. `row_clock` is for rows of the job's own source.
    /// `corrections` are laid over them before anything is made of their values.
    pub fn worker<'m>(
        &'m self,
        known: &'m (dyn Fn(&[u8; 32]) -> bool + Sync),
        row_clock: RowClock<'m>,
        corrections: &'m Corrections,
    ) -> Worker<'m> {
        let identifier =
            |column: &IdentifiedColumn| IdentifierTally { column: column.name.clone(), ..Default::default() };
        let clock = |clock: &ClockColumn| ClockTally { column: clock.name.clone(), ..Default::default() };
        let unreadable = |column: &String| UnreadableTally { column: column.clone(), ..Default::default() };
        let versions = self.versions.iter().flat_map(VersionReader::columns);
        let tally = Tally {
            fields: vec![FieldTally::default(); self.fields.len()],
            identifiers: self.identified.iter().map(identifier).collect(),
            clocks: self.clocks.iter().map(clock).collect(),
            excludes: self.excluded.iter().map(unreadable).collect(),
            versions: versions.map(|column| unreadable(&self.columns[column])).collect(),
            corrections: if self.stream == Stream::Main { corrections.tallies() } else { Vec::new() },
            ..Tally::default()
        };
        Worker {
            minimizer: self,
            known,
            row_clock: if self.stream == Stream::Main { row_clock } else { RowClock::OfColumns },
            corrections,
            rows: Rows::default(),
            tally,
            records: Vec::new(),
            published: Vec::new(),
            skipped: Vec::new(),
            readings: self.clocks.iter().map(|_| Vec::new()).collect(),
            key: Identified::default(),
            other: Identified::default(),
            clock_calendars: self.clocks.iter().map(|clock| clock.calendars(&self.zone)).collect(),
            noticed: Vec::new(),
            notice_calendars: self.notices.as_ref().map(|notices| notices.calendars(&self.zone)),
            version_calendars: self.versions.as_ref().map(|versions| versions.calendars(&self.zone)),
            minor_calendars: self.minors.as_ref().and_then(|minors| minors.calendars(&self.zone)),
            consent_calendars: self.consent.as_ref().and_then(|consent| consent.calendars(&self.zone)),
            field_calendars: self
                .fields
                .iter()
                .map(|field| {
                    let reader = field.treater.as_ref().and_then(|treater| treater.reader());
                    reader.map(|reader| reader.calendars(&self.zone))
                })
                .collect(),
            untreated_calendars: self
                .fields
                .iter()
                .map(|field| field.untreated.as_ref().and_then(|reader| reader.calendars(&self.zone)))
                .collect(),
            ends: Vec::new(),
            unkept: Vec::new(),
            quasi: QuasiIdentifierHasher::new(),
            ambiguous: None,
            nobody: None,
            unjudged: Vec::new(),
        }
    }
}

fn minors(columns: &[Column], controls: &Controls, as_of: Instant, zone: &TimeZone) -> Result<Option<MinorReader>> {
    controls.minors.as_ref().map(|minors| MinorReader::new(columns, minors, as_of, zone)).transpose()
}

fn versions(columns: &[Column], controls: &Controls, key: Key) -> Result<Option<VersionReader>> {
    controls.newest.as_ref().map(|rules| VersionReader::new(columns, rules, key)).transpose()
}

/// One thread's share of the work; keeps its buffers from batch to batch.
pub struct Worker<'m> {
    minimizer: &'m Minimizer,
    known: &'m (dyn Fn(&[u8; 32]) -> bool + Sync),
    row_clock: RowClock<'m>,
    corrections: &'m Corrections,
    rows: Rows,
    tally: Tally,
    /// Record of the batch behind each row.
    records: Vec<u32>,
    /// Rows with published fields, and the others of the job's own stream.
    published: Vec<u32>,
    skipped: Vec<u32>,
    /// Per clock, what its values were read as; anything where there is none.
    readings: Vec<Vec<DateReading>>,
    key: Identified,
    other: Identified,
    clock_calendars: Vec<Calendars>,
    consent_calendars: Option<Calendars>,
    minor_calendars: Option<Calendars>,
    notice_calendars: Option<NoticeCalendars>,
    version_calendars: Option<VersionCalendars>,
    /// Per row 1 + the place of its notice, where that covers it; empty where nobody asks.
    noticed: Vec<u32>,
    field_calendars: Vec<Option<Calendars>>,
    untreated_calendars: Vec<Option<Calendars>>,
    ends: Vec<u32>,
    unkept: Vec<u8>,
    quasi: QuasiIdentifierHasher,
    /// Record and column of the batch's first value that two formats read differently.
    ambiguous: Option<(u32, usize)>,
    /// The batch's first record that leaves out a person, and does not say whom.
    nobody: Option<u32>,
    /// Records of the batch with a cell that an exclude reads, and of which nobody knows what is right (R80).
    unjudged: Vec<(u32, Unjudged)>,
}

impl Worker<'_> {
    /// Minimizes one batch. The rows stay valid until the next call.
    ///
    /// # Errors
    /// An input error when the published text of one batch passes 4 GiB, when a cell has more values than its column may,
    /// when two formats read a date differently, or when a row leaves out a person and does not say whom.
    pub fn minimize(&mut self, batch: &mut RawBatch) -> Result<&Rows> {
        batch.widen(self.minimizer.columns.len());
        self.read_subjects(batch);
        self.correct(batch)?;
        let batch = &*batch;
        self.reset_rows();
        self.place_subjects(batch);
        self.place_row_clock();
        self.read_clocks(batch);
        if self.minimizer.stream == Stream::Main {
            self.reject_unjudged();
            self.read_excludes_and_consent(batch);
            self.read_ages(batch);
            self.read_notices(batch);
            self.read_versions(batch);
            self.mark_skipped();
        }
        self.place_identities(batch)?;
        self.hide_tokens();
        self.treat_fields(batch)?;
        if let Some((record, column)) = self.ambiguous {
            return Err(refused::ambiguous(batch.record(record as usize), &self.minimizer.columns[column]));
        }
        if let Some(record) = self.nobody {
            let of_record = self.rows.flags[record as usize] & flag::ENDS_RECORD != 0;
            return Err(refused::of_nobody(batch.record(record as usize), of_record));
        }
        self.hash_quasi();
        if !self.minimizer.persons {
            let marks = RowMarker::new(&self.minimizer.token_key);
            marks.place(&mut self.rows, &self.published);
        }
        Ok(&self.rows)
    }

    /// Returns the rows of the last batch again, with the record of the batch that each is of.
    pub fn rows_of_records(&self) -> (&Rows, &[u32]) {
        (&self.rows, &self.records)
    }

    /// Returns what this worker has counted.
    pub fn tally(self) -> Tally {
        self.tally
    }

    /// Identities of the key of every record, and which records become rows: all, or of an observed source those with a
    /// subject.
    fn read_subjects(&mut self, batch: &RawBatch) {
        self.records.clear();
        self.records.extend(0..batch.rows() as u32);
        let Some(key) = self.minimizer.key() else {
            self.tally.records += batch.rows() as u64;
            return;
        };
        self.key.read(&key.maker, batch, key.column, &self.records, |_| true, self.known);
        self.key.make_tokens(&self.minimizer.token_key);
        self.tally.records += batch.rows() as u64;
        if self.minimizer.stream == Stream::Main {
            return;
        }
        self.records.clear();
        self.records.extend_from_slice(&self.key.rows);
        self.key.rows.clear();
        self.key.rows.extend(0..self.records.len() as u32);
        self.tally.dropped += (batch.rows() - self.records.len()) as u64;
    }

    /// R80: corrections come before everything else. Whose a record is they never change.
    fn correct(&mut self, batch: &mut RawBatch) -> Result<()> {
        self.unjudged.clear();
        if self.minimizer.stream != Stream::Main || self.corrections.is_empty() {
            return Ok(());
        }
        for ((row, identity), token) in self.key.rows.iter().zip(&self.key.identities).zip(&self.key.tokens) {
            let laid = self.corrections.lay(batch, (*row, identity, token), &mut self.tally.corrections)?;
            self.unjudged.extend(laid.map(|unjudged| (*row, unjudged)));
        }
        Ok(())
    }

    /// R80: what an exclude cannot judge is not published. Every record of the job's own stream is a row.
    fn reject_unjudged(&mut self) {
        for (record, unjudged) in &self.unjudged {
            self.rows.flags[*record as usize] |= unreadable(*unjudged == Unjudged::Person);
        }
    }

    fn reset_rows(&mut self) {
        let (count, layout, rows) = (self.records.len(), &self.minimizer.layout, &mut self.rows);
        rows.count = count;
        refill(&mut rows.subject, count, [0; 16]);
        let flags = if self.minimizer.stream == Stream::Main { 0 } else { flag::OBSERVED };
        refill(&mut rows.flags, count, flags);
        refill(&mut rows.exclude, count, 0);
        refill(&mut rows.clock, count, NO_CLOCK);
        refill(&mut rows.since, count, NO_SINCE);
        rows.versions.clear();
        rows.identities.resize_with(layout.identities, Identities::default);
        for slot in &mut rows.identities {
            refill(&mut slot.bytes, count, [0; 16]);
            refill(&mut slot.marks, count, mark::NONE);
        }
        rows.quasi.resize_with(layout.quasi, Vec::new);
        if rows.fields.is_empty() {
            rows.fields.extend(self.minimizer.fields.iter().map(|field| empty_column(field.kind)));
        }
        rows.fields.iter_mut().for_each(clear_column);
    }

    fn place_subjects(&mut self, batch: &RawBatch) {
        if !self.minimizer.persons {
            return;
        }
        let Rows { subject, flags, .. } = &mut self.rows;
        for (row, token) in self.key.rows.iter().zip(&self.key.tokens) {
            subject[*row as usize] = *token;
        }
        let mut with_subject = self.key.rows.iter().copied().peekable();
        for (row, flags) in flags.iter_mut().enumerate() {
            if with_subject.next_if_eq(&(row as u32)).is_none() {
                *flags |= flag::NO_SUBJECT;
                self.tally.no_subject += 1;
                let at = position(batch, self.records[row]);
                self.tally.first_no_subject = earlier(self.tally.first_no_subject, Some(at));
            }
        }
    }

    /// R42: what stands in for clocks of the export.
    fn place_row_clock(&mut self) {
        match self.row_clock {
            RowClock::OfColumns => {}
            RowClock::At(instant) => self.rows.clock.fill(instant),
            RowClock::OfPerson(first_seen) => {
                // A row of nobody is rejected, not expired.
                self.rows.clock.fill(self.minimizer.horizon.as_of);
                for (row, identity) in self.key.rows.iter().zip(&self.key.identities) {
                    let half = identity.first_chunk().unwrap_or(&[0; 16]);
                    self.rows.clock[*row as usize] = first_seen(half);
                }
            }
        }
    }

    fn read_clocks(&mut self, batch: &RawBatch) {
        let Rows { flags, clock: latest, .. } = &mut self.rows;
        let horizon = self.minimizer.horizon;
        for (index, clock) in self.minimizer.clocks.iter().enumerate() {
            let (calendars, tally) = (&mut self.clock_calendars[index], &mut self.tally.clocks[index]);
            let (values, readings) = (batch.values(clock.column), &mut self.readings[index]);
            refill(readings, self.records.len(), DateReading::Unreadable);
            for (row, record) in self.records.iter().enumerate() {
                if let Some(value) = values.get(*record as usize) {
                    let at = || position(batch, *record);
                    readings[row] =
                        clock.read(value, horizon, calendars, at, (&mut latest[row], &mut flags[row]), tally);
                    if readings[row] == DateReading::Ambiguous {
                        note(&mut self.ambiguous, *record, clock.column);
                    }
                }
            }
        }
        for (flags, latest) in flags.iter().zip(latest) {
            let unreadable = flags & flag::CLOCK_UNREADABLE != 0;
            self.tally.clock_unreadable += u64::from(unreadable);
            self.tally.no_clock += u64::from(!unreadable && *latest == NO_CLOCK);
        }
    }

    fn read_excludes_and_consent(&mut self, batch: &RawBatch) {
        let Rows { flags, exclude, since, .. } = &mut self.rows;
        for (row, record) in self.records.iter().enumerate() {
            let odd = &mut |index: usize| self.tally.excludes[index].count_unreadable(position(batch, *record));
            exclude[row] = self.minimizer.excludes.first_match(batch, *record as usize, &mut flags[row], odd);
            self.tally.exclude_unreadable += u64::from(flags[row] & flag::EXCLUDE_UNREADABLE != 0);
            let of_person = flags[row] & (flag::EXCLUDES_PERSON | flag::PERSON_UNREADABLE) != 0;
            if of_person && flags[row] & flag::NO_SUBJECT != 0 {
                self.nobody = self.nobody.or(Some(*record));
            }
        }
        let Some(consent) = &self.minimizer.consent else { return };
        for (row, record) in self.records.iter().enumerate() {
            match consent.read(batch, *record as usize, &mut self.consent_calendars) {
                Ok((yes, when)) => {
                    flags[row] |= if yes { flag::CONSENT_YES } else { 0 };
                    since[row] = when;
                }
                Err(column) => note(&mut self.ambiguous, *record, column),
            }
        }
    }

    /// R84: whose rows are not sold without an opt-in.
    fn read_ages(&mut self, batch: &RawBatch) {
        let Some(minors) = &self.minimizer.minors else { return };
        for (flags, record) in self.rows.flags.iter_mut().zip(&self.records) {
            let value = minors.column().and_then(|column| batch.value(*record as usize, column));
            match minors.flags(value, &mut self.minor_calendars) {
                Some(age) => *flags |= age,
                None => note(&mut self.ambiguous, *record, minors.column().unwrap_or_default()),
            }
        }
    }

    /// R85: a row that no notice covers is left out, as an exclude after all of the job's own.
    fn read_notices(&mut self, batch: &RawBatch) {
        let (Some(notices), Some(calendars)) = (&self.minimizer.notices, &mut self.notice_calendars) else { return };
        refill(&mut self.noticed, self.records.len(), 0);
        let label = self.minimizer.excluded.len() as u8 + 1;
        for (row, record) in self.records.iter().enumerate() {
            let found = match notices.find(batch, *record as usize, calendars) {
                Ok(found) => found.filter(|notice| notices.terms(*notice).covers),
                Err(column) => {
                    note(&mut self.ambiguous, *record, column);
                    continue;
                }
            };
            match found {
                Some(notice) => {
                    self.noticed[row] = notice as u32 + 1;
                    self.tally.partly_noticed += u64::from(notices.is_partly(notice));
                }
                None => {
                    self.tally.unnoticed += 1;
                    let exclude = &mut self.rows.exclude[row];
                    *exclude = if *exclude == 0 { label } else { *exclude };
                }
            }
        }
    }

    /// R75: which version of its record each row is.
    fn read_versions(&mut self, batch: &RawBatch) {
        let (Some(versions), Some(calendars)) = (&self.minimizer.versions, &mut self.version_calendars) else { return };
        for (flags, record) in self.rows.flags.iter_mut().zip(&self.records) {
            let read = match versions.read(batch, *record as usize, calendars) {
                Ok(read) => read,
                Err(column) => {
                    note(&mut self.ambiguous, *record, column);
                    VersionRead::NONE
                }
            };
            self.rows.versions.push(read.version);
            if let Some(column) = read.unreadable {
                *flags |= flag::VERSION_DOUBTFUL;
                self.tally.versions[column].count_unreadable(position(batch, *record));
            }
            *flags |= if read.ends { flag::ENDS_RECORD } else { 0 };
            if read.ends && *flags & flag::NO_SUBJECT != 0 {
                self.nobody = self.nobody.or(Some(*record));
            }
        }
    }

    /// R85: tokens of fields whose category the notice of the row does not name are none.
    fn hide_tokens(&mut self) {
        let Some(notices) = &self.minimizer.notices else { return };
        for field in self.minimizer.identified.iter().flat_map(|column| &column.fields) {
            let FieldColumn::Fixed { width, bytes, valid } = &mut self.rows.fields[*field] else { continue };
            for (at, row) in self.published.iter().enumerate() {
                if valid[at] && hidden(notices, &self.noticed, *row, *field) {
                    valid[at] = false;
                    bytes[at * *width..][..*width].fill(0);
                    self.tally.fields[*field].unnoticed += 1;
                }
            }
        }
    }

    /// Marks the rows that cannot be published whatever else is decided: their fields are not staged.
    fn mark_skipped(&mut self) {
        const REJECTED: u16 = flag::NO_SUBJECT
            | flag::CLOCK_UNREADABLE
            | flag::EXCLUDE_UNREADABLE
            | flag::VERSION_DOUBTFUL
            | flag::ENDS_RECORD;
        self.published.clear();
        self.skipped.clear();
        let Rows { flags, exclude, clock, .. } = &mut self.rows;
        for (row, flags) in flags.iter_mut().enumerate() {
            let past = self.minimizer.past.is_some_and(|past| clock[row] <= past);
            if past || exclude[row] != 0 || *flags & REJECTED != 0 {
                *flags |= flag::FIELDS_SKIPPED;
                self.skipped.push(row as u32);
            } else {
                self.published.push(row as u32);
            }
        }
    }

    /// Puts identities into their slots and tokens into their fields.
    fn place_identities(&mut self, batch: &RawBatch) -> Result<()> {
        if let Some(key) = self.minimizer.key() {
            count(key, 0, &self.key, batch, &mut self.tally);
            place_slots(key, &self.key, &mut self.rows);
            place_tokens(key, &self.key, &self.published, &mut self.rows, &mut self.tally);
        }
        let others = usize::from(self.minimizer.persons);
        for (index, column) in self.minimizer.identified.iter().enumerate().skip(others) {
            let looking = column.tracked
                && column.fields.iter().any(|field| self.tally.fields[*field].distinct.len() < MAX_DISTINCT);
            let (everywhere, flags) = (looking || !column.slots.is_empty(), &self.rows.flags);
            let published = |row: usize| flags[row] & flag::FIELDS_SKIPPED == 0;
            let kept = |row| everywhere || published(row);
            self.other.read(&column.maker, batch, column.column, &self.records, kept, self.known);
            if let Some(record) = self.other.too_many {
                return Err(refused::too_many(batch.record(record as usize), &column.name));
            }
            count(column, index, &self.other, batch, &mut self.tally);
            place_slots(column, &self.other, &mut self.rows);
            if column.fields.is_empty() {
                continue;
            }
            if !looking {
                let flags = &self.rows.flags;
                self.other.retain(|row| flags[row as usize] & flag::FIELDS_SKIPPED == 0);
            }
            self.other.make_tokens(&self.minimizer.token_key);
            place_tokens(column, &self.other, &self.published, &mut self.rows, &mut self.tally);
        }
        Ok(())
    }

    /// Treats the fields of a few rows at a time, while their text is near.
    fn treat_fields(&mut self, batch: &RawBatch) -> Result<()> {
        let kept = self.published.chunks(TILE).map(|rows| (rows, true));
        for (rows, kept) in kept.chain(self.skipped.chunks(TILE).map(|rows| (rows, false))) {
            for (index, (field, column)) in self.minimizer.fields.iter().zip(&mut self.rows.fields).enumerate() {
                let Some(treater) = &field.treater else { continue };
                let mut treated = TreatedField {
                    treater: &**treater,
                    batch,
                    records: &self.records,
                    subjects: &self.rows.subject,
                    flags: &self.rows.flags,
                    values: field.from.map(|from| (from, batch.values(from))),
                    readings: field.clock.map(|clock| &self.readings[clock][..]),
                    calendars: &mut self.field_calendars[index],
                    untreated: (field.untreated.as_ref(), &mut self.untreated_calendars[index]),
                    tally: &mut self.tally.fields[index],
                    hidden: self.minimizer.notices.as_ref().map(|notices| (notices, &self.noticed[..], index)),
                    ambiguous: &mut self.ambiguous,
                };
                match kept {
                    true => treated.keep(rows, column),
                    false => treated.count(rows, &mut self.unkept),
                }
            }
        }
        let fits = |column: &FieldColumn| match column {
            FieldColumn::Text { bytes, .. } => u32::try_from(bytes.len()).is_ok(),
            FieldColumn::Fixed { .. } => true,
        };
        if self.rows.fields.iter().all(fits) { Ok(()) } else { Err(refused::too_much_text()) }
    }

    /// One keyed hash per quasi-identifier or sensitive field and row, of the published value (R40).
    fn hash_quasi(&mut self) {
        for (quasi, field) in self.minimizer.quasi.iter().enumerate() {
            let (bytes, ends, valid) = match &self.rows.fields[*field] {
                FieldColumn::Text { bytes, ends, valid } => (bytes, ends, valid),
                FieldColumn::Fixed { width, bytes, valid } => {
                    self.ends.clear();
                    self.ends.extend((1..=valid.len()).map(|row| (row * width) as u32));
                    (bytes, &self.ends, valid)
                }
            };
            let key = self.minimizer.quasi_key.expose();
            refill(&mut self.rows.quasi[quasi], valid.len(), NULL_QUASI);
            self.quasi.hash(key, bytes, ends, valid, &mut self.rows.quasi[quasi]);
        }
    }
}

/// One field while its values are treated.
struct TreatedField<'a> {
    treater: &'a dyn Apply,
    batch: &'a RawBatch,
    records: &'a [u32],
    /// Per row, the subject's token, and flags that say whether there is one.
    subjects: &'a [[u8; 16]],
    flags: &'a [u16],
    /// The column and its values.
    values: Option<(usize, Values<'a>)>,
    /// What the values were read as, when a clock has read them; per row.
    readings: Option<&'a [DateReading]>,
    calendars: &'a mut Option<Calendars>,
    /// Says why a value could not be treated, with its calendars.
    untreated: (Option<&'a UntreatedReader>, &'a mut Option<Calendars>),
    tally: &'a mut FieldTally,
    /// The notices of rows, and the field.
    hidden: Option<(&'a NoticeReader, &'a [u32], usize)>,
    /// The worker's first value that two formats read differently.
    ambiguous: &'a mut Option<(u32, usize)>,
}

impl TreatedField<'_> {
    /// Appends the treated values of rows to their column.
    fn keep(&mut self, rows: &[u32], column: &mut FieldColumn) {
        match column {
            FieldColumn::Text { bytes, ends, valid } => {
                for row in rows {
                    valid.push(self.append(*row, bytes));
                    ends.push(bytes.len() as u32);
                }
            }
            FieldColumn::Fixed { width, bytes, valid } => {
                for row in rows {
                    valid.push(self.append(*row, bytes));
                    bytes.resize(valid.len() * *width, 0);
                }
            }
        }
    }

    /// Appends a row's treated value; true when there is one.
    fn append(&mut self, row: u32, bytes: &mut Vec<u8>) -> bool {
        let record = self.records[row as usize];
        let found = self.values.and_then(|(column, values)| Some((column, values.get(record as usize)?)));
        if self.hidden.is_some_and(|(notices, noticed, field)| hidden(notices, noticed, row, field)) {
            self.tally.unnoticed += u64::from(found.is_some());
            return false;
        }
        let Some((column, value)) = found else { return self.treater.of_null(bytes) };
        let (at, batch) = (row as usize, self.batch);
        let subject = (self.flags[at] & flag::NO_SUBJECT == 0).then_some(self.subjects[at]);
        let other = |column: usize| batch.values(column).get(record as usize);
        let mut of = Row { subject, other: &other, counts: &mut self.tally.counts };
        let outcome = match self.readings {
            Some(readings) => self.treater.apply_read(readings[at], &mut of, self.calendars, bytes),
            None => self.treater.apply(value, &mut of, self.calendars, bytes),
        };
        match outcome {
            TreatOutcome::Null => return false,
            TreatOutcome::Value => self.tally.values += 1,
            TreatOutcome::Untreated => {
                let (reader, calendars) = &mut self.untreated;
                let why = reader.map(|reader| reader.why(value, &mut of, calendars));
                self.tally.values += 1;
                self.tally.count_untreated(position(batch, record), why.unwrap_or(WhyUntreated::NotForTreatment));
            }
            TreatOutcome::Ambiguous => note(self.ambiguous, record, column),
        }
        outcome == TreatOutcome::Value
    }

    /// Counts the values of rows whose fields are not kept (R37). They go to `unkept`, which is cleared, where it cannot
    /// be said without treating them whether they can be treated.
    fn count(&mut self, rows: &[u32], unkept: &mut Vec<u8>) {
        let Some((_, values)) = self.values else { return };
        let there = |row: &&u32| values.has(self.records[**row as usize] as usize);
        if self.treater.treats_all() {
            self.tally.values += rows.iter().filter(there).count() as u64;
            return;
        }
        unkept.clear();
        rows.iter().filter(there).for_each(|row| {
            self.append(*row, unkept);
        });
        unkept.clear();
    }
}

/// R85: whether the notice of a row does not name the category of a field.
fn hidden(notices: &NoticeReader, noticed: &[u32], row: u32, field: usize) -> bool {
    let notice = noticed[row as usize].checked_sub(1);
    notice.is_some_and(|notice| !notices.terms(notice as usize).fields[field])
}

fn refill<T: Clone>(values: &mut Vec<T>, count: usize, with: T) {
    values.clear();
    values.resize(count, with);
}

fn empty_column(kind: FieldKind) -> FieldColumn {
    match kind.width() {
        Some(width) => FieldColumn::Fixed { width, bytes: Vec::new(), valid: Vec::new() },
        None => FieldColumn::Text { bytes: Vec::new(), ends: Vec::new(), valid: Vec::new() },
    }
}

fn clear_column(column: &mut FieldColumn) {
    match column {
        FieldColumn::Fixed { bytes, valid, .. } => {
            bytes.clear();
            valid.clear();
        }
        FieldColumn::Text { bytes, ends, valid } => {
            bytes.clear();
            ends.clear();
            valid.clear();
        }
    }
}

/// Keeps the first record of a batch, and of it the first column.
fn note(ambiguous: &mut Option<(u32, usize)>, record: u32, column: usize) {
    let found = (record, column);
    *ambiguous = Some(ambiguous.map_or(found, |first| first.min(found)));
}
