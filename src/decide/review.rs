//! A published version judged again through its companions (R28, R36, R40): lists, consent, retention, then gates over
//! what stays. No export and no published value is looked at.

use super::basis::binding;
use super::consent::{self, PersonConsent};
use super::field_keep::FieldKeeps;
use super::groups::{self, Counter, GroupOutcome};
use super::kept::Consent;
use super::kept_by::KeptBy;
use super::lists::{EffectSet, Entries, reach};
use super::others::{self, OtherFields, TAKEN};
use super::reasons::{Reason, RowFacts, labels, reason};
use super::retention::past;
use super::workers::each_bucket;
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::gates::Gate;
use crate::monitor::Monitor;
use crate::policy::{Basis, Effect, Grounds};
use crate::stage::{Slot, SpillStore};

/// Rows of a companion, in the order of their tokens.
pub trait PublishedRows {
    /// Returns how many rows these are.
    fn rows(&self) -> usize;
    /// First bits of the subject token.
    fn first(&self, row: usize) -> u32;
    /// Whose row it is: the identity of the subject's key.
    fn person(&self, row: usize) -> &[u8; 16];
    /// Identity slots per row.
    fn slots(&self) -> usize;
    /// Mark and identity in a slot, when there is one of the row's own person.
    fn identity(&self, row: usize, slot: usize) -> Option<(u8, &[u8; 16])>;
    /// Marks and identities of other persons of the row (R68).
    fn others(&self, row: usize) -> impl Iterator<Item = (u8, &[u8; 16])> + Clone;
    /// The row goes when `as_of` reaches this, in microseconds.
    fn keep_until(&self, row: usize) -> i64;
    /// The consent it was published on.
    fn consent(&self, row: usize) -> Consent;
    /// The value of the k-th field with a `keep` of its own goes when `as_of` reaches this.
    fn field_until(&self, row: usize, k: usize) -> i64;
    /// Keyed hash of a published quasi-identifier.
    fn quasi(&self, row: usize, q: usize) -> u64;
}

/// A published version: files, each with all rows of its persons.
pub trait ReviewedVersion: Sync {
    /// Some rows of it.
    type Rows: PublishedRows;
    /// Returns how many files the version has.
    fn files(&self) -> usize;
    /// Hands over all that lists and retention ask of the rows of one file, stretch by stretch, in order.
    ///
    /// # Errors
    /// What reading companions can meet, and what `each` returns.
    fn rules(&self, file: usize, each: &mut dyn FnMut(&Self::Rows) -> Result<()>) -> Result<()>;
    /// Hands over all that gates ask of the same rows: persons, hashes, and until when fields stay.
    ///
    /// # Errors
    /// As `rules`.
    fn hashes(&self, file: usize, each: &mut dyn FnMut(&Self::Rows) -> Result<()>) -> Result<()>;
}

/// What a version is judged by: effects by today's policy, dates and k as it was published with.
#[derive(Clone)]
pub struct ReviewRules {
    /// The instant to judge at.
    pub as_of: Instant,
    /// The instant it was last judged at.
    pub before: Instant,
    /// What decides which requests bind.
    pub grounds: Grounds,
    /// Whether consent is a column of the source.
    pub consent_column: bool,
    /// Fields with a `keep` of their own.
    pub field_keeps: usize,
    /// Per field with a `keep` of its own, the number of the other person that it is about (R68).
    pub others: Vec<Option<usize>>,
    /// How many other persons a row may have.
    pub other_persons: usize,
    /// Per field of which companions hold hashes, its place among those: quasi-identifiers, then sensitive fields.
    pub quasi_keeps: Vec<Option<usize>>,
    /// How many of these are sensitive fields.
    pub sensitive: usize,
    /// Gates over groups, as the version was published with them.
    pub gates: Vec<Gate>,
}

/// Counts of a review; rows in = rows out + the sum of reasons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReviewCounts {
    /// Rows of the version.
    pub rows_in: u64,
    /// Rows that stay in the version.
    pub rows_out: u64,
    /// Removed rows by reason, every label in the order of R33.
    pub reasons: Vec<(String, u64)>,
    /// Values that their field's `keep` takes now, in rows that lists and retention leave.
    pub nulled: u64,
    /// By number of the other person: rows that lose the cells that are about them (R68).
    pub others: Vec<u64>,
    /// Gates over groups, of what lists and retention leave.
    pub gates: Vec<Gate>,
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The row is taken out of the version.
    Goes,
    /// It stays as it is.
    Stays,
    /// It stays, and a value of it goes.
    Changes,
}

const GOES: u8 = 0;
const STAYS: u8 = 1;
const CHANGES: u8 = 2;

/// What stays of one file.
struct ReviewedFile {
    rows: u64,
    stay: u64,
    nulled: u64,
    reasons: Vec<u64>,
    /// Per row its `Fate`, a byte.
    fates: Slot,
    /// Other persons whose cells go, and in how many rows.
    others: OthersGone,
    /// Per row its combination, 8 bytes; none before gates count.
    groups: Option<Slot>,
}

/// Other persons whose cells go in one file (R68).
#[derive(Clone, Default)]
struct OthersGone {
    /// Per row a bit for each person; empty where no cell goes.
    rows: Vec<u16>,
    /// By number of the person the rows that stay without their cells.
    counts: Vec<u64>,
}

impl OthersGone {
    fn of(&self, row: usize) -> u16 {
        self.rows.get(row).copied().unwrap_or_default()
    }
}

/// What stays of a version. Only `review` makes one, so nothing else can be published in a version's place.
pub struct Remaining {
    keeps: FieldKeeps,
    others: OtherFields,
    spill_store: SpillStore,
    files: Vec<ReviewedFile>,
    counts: ReviewCounts,
}

/// Judges every row of a version again. Removals pass no brake, and small groups fall whatever their share (R36).
///
/// # Errors
/// What reading companions meets; storage, when the spill refuses; evidence, for a companion out of order.
pub fn review<V: ReviewedVersion>(
    rules: &ReviewRules,
    version: &V,
    entries: &dyn Entries,
    spill_store: SpillStore,
    threads: usize,
    monitor: &dyn Monitor,
) -> Result<Remaining> {
    let binds = Effect::ALL.map(|effect| binding(effect, rules.grounds).is_ok());
    let keeps = FieldKeeps::new(rules.as_of, (0..rules.field_keeps).collect(), rules.quasi_keeps.clone());
    let others = OtherFields::new(rules.others.clone());
    let judge = ReviewJudge { rules, entries, binds, spill_store: &spill_store, keeps: &keeps, others: &others };
    let each = |work: &(dyn Fn(usize) -> Result<ReviewedFile> + Sync)| {
        let one = |_: &mut (), file: usize| monitor.proceed().and_then(|()| work(file));
        each_bucket(version.files(), threads, || (), one)
    };
    let mut files = each(&|file| judge.file(version, file, monitor))?;
    let mut gates = rules.gates.clone();
    // Where nothing goes no group becomes smaller.
    if !gates.is_empty() && files.iter().any(|file| file.stay < file.rows || file.nulled > 0) {
        let counter = Counter::new(rules.sensitive);
        let judged = files;
        files = each(&|file| judge.count(&judged[file], version, file, &counter))?;
        let outcome = counter.finish(&spill_store, &mut gates, true)?;
        if outcome.rows_suppressed > 0 {
            files.iter_mut().try_for_each(|file| suppress(&spill_store, file, &outcome))?;
        }
    }
    let counts = counts(&files, gates, rules.other_persons);
    Ok(Remaining { keeps, others, spill_store, files, counts })
}

fn counts(files: &[ReviewedFile], gates: Vec<Gate>, other_persons: usize) -> ReviewCounts {
    let without = |number: usize| -> u64 { files.iter().filter_map(|file| file.others.counts.get(number)).sum() };
    let sum = |of: fn(&ReviewedFile) -> u64| files.iter().map(of).sum();
    let names = labels(&[]);
    let removed = |place: usize| files.iter().map(|file| file.reasons[place]).sum();
    ReviewCounts {
        rows_in: sum(|file| file.rows),
        rows_out: sum(|file| file.stay),
        reasons: names.into_iter().enumerate().map(|(place, name)| (name, removed(place))).collect(),
        nulled: sum(|file| file.nulled),
        others: (0..other_persons).map(without).collect(),
        gates,
    }
}

/// Takes the rows of small groups out of one file.
fn suppress(spill_store: &SpillStore, file: &mut ReviewedFile, outcome: &GroupOutcome) -> Result<()> {
    let Some(groups) = &file.groups else { return Ok(()) };
    let (mut fates, mut bytes) = (Vec::new(), Vec::new());
    spill_store.read(&file.fates, &mut fates)?;
    spill_store.read(groups, &mut bytes)?;
    let mut gone = 0;
    for (fate, group) in fates.iter_mut().zip(bytes.as_chunks().0) {
        if *fate != GOES && outcome.suppresses(u64::from_le_bytes(*group)) {
            *fate = GOES;
            gone += 1;
        }
    }
    if gone > 0 {
        file.stay -= gone;
        file.reasons[Reason::Suppressed.place(0)] += gone;
        file.fates = spill_store.put(&mut fates)?;
    }
    Ok(())
}

impl Remaining {
    /// Counts of what stays and what goes.
    pub fn counts(&self) -> &ReviewCounts {
        &self.counts
    }
    /// The instant judged at.
    pub fn as_of(&self) -> Instant {
        self.keeps.as_of()
    }
    /// Number of fields of which companions hold hashes.
    pub fn hashed(&self) -> usize {
        self.keeps.hashed()
    }
    /// Whether a value that stays until then is null (R26).
    pub fn over(&self, until: i64) -> bool {
        self.keeps.over(until)
    }
    /// Until when a value of a field with a `keep` of its own stays that stayed until `until`: a request takes it from a row of
    /// a file where it is about another person (R68).
    pub fn until(&self, (file, row): (usize, usize), place: usize, until: i64) -> i64 {
        if self.others.takes(place, self.files[file].others.of(row)) { TAKEN } else { until }
    }
    /// The place of a hashed field among those with a `keep` of their own: its hash goes with its value.
    pub fn place_of_hash(&self, q: usize) -> Option<usize> {
        self.keeps.place_of_hash(q)
    }
    /// Returns how many files the version has.
    pub fn files(&self) -> usize {
        self.files.len()
    }
    /// Whether any row or value of a file goes; all others stay as they are.
    pub fn touched(&self, file: usize) -> bool {
        let file = &self.files[file];
        file.stay < file.rows || file.nulled > 0
    }
    /// Rows of a file that stay.
    pub fn rows(&self, file: usize) -> u64 {
        self.files[file].stay
    }
    /// Row by row what becomes of it.
    ///
    /// # Errors
    /// A storage error when the spill cannot be read.
    pub fn fates(&self, file: usize) -> Result<Vec<Fate>> {
        let mut bytes = Vec::new();
        self.spill_store.read(&self.files[file].fates, &mut bytes)?;
        let fate = |byte: &u8| match *byte {
            GOES => Fate::Goes,
            STAYS => Fate::Stays,
            _ => Fate::Changes,
        };
        Ok(bytes.iter().map(fate).collect())
    }
}

/// R34, R69: what keeps bytes that have one of the rows; none when they may be removed.
pub fn kept_by(rows: &impl PublishedRows, entries: &dyn Entries) -> Option<KeptBy> {
    let of_row = |row| {
        let identities = (0..rows.slots()).filter_map(|slot| rows.identity(row, slot));
        let own = reach(identities, entries).and_then(|effects| KeptBy::of(&effects));
        own.max(others::kept_by(rows.others(row), entries))
    };
    (0..rows.rows()).filter_map(of_row).max()
}

struct ReviewJudge<'a> {
    rules: &'a ReviewRules,
    entries: &'a dyn Entries,
    binds: [bool; Effect::ALL.len()],
    spill_store: &'a SpillStore,
    keeps: &'a FieldKeeps,
    others: &'a OtherFields,
}

/// Numbers persons while their rows go by, ascending from 0.
#[derive(Default)]
struct PersonNumbers {
    /// First bits of the token and person of the last row.
    last: Option<(u32, [u8; 16])>,
    number: u32,
}

impl PersonNumbers {
    fn of(&mut self, rows: &impl PublishedRows, row: usize) -> u32 {
        let of = (rows.first(row), *rows.person(row));
        self.number += u32::from(self.last.is_some_and(|last| last != of));
        self.last = Some(of);
        self.number
    }
}

/// What is gathered of one file while its companion goes by.
#[derive(Default)]
struct Gathered {
    /// First bits of the token of the last row.
    last: u32,
    persons: PersonNumbers,
    due: Vec<bool>,
    /// Values that go; empty without fields with a `keep` of their own.
    nulled: Vec<u16>,
    /// Number of each row's person, ascending, and its consent; empty unless the purpose rests on consent.
    person: Vec<u32>,
    consent: Vec<Consent>,
    /// Rows that a request reaches.
    reached: Vec<(usize, EffectSet)>,
    /// Per row other persons whose cells go now; empty where there are none.
    others: Vec<u16>,
}

impl ReviewJudge<'_> {
    fn file<V: ReviewedVersion>(&self, version: &V, file: usize, monitor: &dyn Monitor) -> Result<ReviewedFile> {
        let mut gathered = Gathered::default();
        version.rules(file, &mut |rows| {
            monitor.proceed()?;
            self.gather(&mut gathered, rows)
        })?;
        self.judge(&gathered)
    }

    fn gather(&self, gathered: &mut Gathered, rows: &impl PublishedRows) -> Result<()> {
        let all = 0..rows.rows();
        let last = all
            .clone()
            .map(|row| rows.first(row))
            .try_fold(gathered.last, |last, first| if last > first { Err(out_of_order()) } else { Ok(first) });
        gathered.last = last?;
        let before = gathered.due.len();
        gathered.due.extend(all.clone().map(|row| past(rows.keep_until(row), self.rules.as_of)));
        if !self.entries.is_empty() {
            for row in all.clone() {
                let identities = (0..rows.slots()).filter_map(|slot| rows.identity(row, slot));
                gathered.reached.extend(reach(identities, self.entries).map(|effects| (before + row, effects)));
            }
        }
        if self.others.any() && !self.entries.is_empty() {
            gathered.others.extend(all.clone().map(|row| self.others_gone(rows, row)));
        }
        if self.rules.field_keeps > 0 {
            let there = |until: i64| !past(until, self.rules.before);
            let goes = |row: usize, k: usize| {
                let gone = gathered.others.get(before + row).copied().unwrap_or_default();
                self.keeps.over(rows.field_until(row, k)) || self.others.takes(k, gone)
            };
            let newly = |row: usize, k: usize| there(rows.field_until(row, k)) && goes(row, k);
            let nulled = |row: usize| (0..self.rules.field_keeps).filter(|k| newly(row, *k)).count();
            gathered.nulled.extend(all.clone().map(|row| nulled(row) as u16));
        }
        if self.rules.grounds.basis == Basis::Consent {
            gathered.person.extend(all.clone().map(|row| gathered.persons.of(rows, row)));
            gathered.consent.extend(all.map(|row| rows.consent(row)));
        }
        Ok(())
    }

    /// Other persons of a row whom a request takes out and of whom cells are left.
    fn others_gone(&self, rows: &impl PublishedRows, row: usize) -> u16 {
        let gone = others::gone(rows.others(row), self.entries, &self.binds);
        let left = |k: &usize| self.others.takes(*k, gone) && rows.field_until(row, *k) != TAKEN;
        if gone != 0 && (0..self.rules.field_keeps).any(|k| left(&k)) { gone } else { 0 }
    }

    fn judge(&self, gathered: &Gathered) -> Result<ReviewedFile> {
        let Gathered { person, due, nulled, consent, reached, others, .. } = gathered;
        let mut counts = vec![0; self.rules.other_persons];
        let refused = self.refused(person, consent, reached);
        let mut effects = reached.iter().peekable();
        let (mut reasons, mut fates, mut values) = (vec![0; labels(&[]).len()], Vec::with_capacity(due.len()), 0);
        for (row, due) in due.iter().enumerate() {
            let effects = effects.next_if(|(at, _)| *at == row).map_or(EffectSet::default(), |(_, e)| *e);
            let facts = RowFacts {
                effects: effects.only(&self.binds),
                no_consent: refused.get(row).copied().unwrap_or(false),
                excluded: None,
                expired: *due,
                rejected: false,
            };
            let (reason, nulled) = (reason(&facts), nulled.get(row).copied().unwrap_or(0));
            match reason {
                Some(reason) => reasons[reason.place(0)] += 1,
                None => {
                    values += u64::from(nulled);
                    let gone = others.get(row).copied().unwrap_or_default();
                    counts.iter_mut().enumerate().for_each(|(number, rows)| *rows += u64::from(gone >> number & 1));
                }
            }
            fates.push(match reason {
                Some(_) => GOES,
                None if nulled == 0 => STAYS,
                None => CHANGES,
            });
        }
        let (rows, stay) = (fates.len() as u64, fates.iter().filter(|fate| **fate != GOES).count() as u64);
        let fates = self.spill_store.put(&mut fates)?;
        // Most files lose no such cell.
        let rows_gone = if counts.iter().any(|rows| *rows > 0) { others.clone() } else { Vec::new() };
        let others = OthersGone { rows: rows_gone, counts };
        Ok(ReviewedFile { rows, stay, nulled: values, reasons, fates, others, groups: None })
    }

    /// Counts the groups of rows that stay so far.
    fn count<V: ReviewedVersion>(
        &self,
        judged: &ReviewedFile,
        version: &V,
        file: usize,
        counter: &Counter,
    ) -> Result<ReviewedFile> {
        let mut fates = Vec::new();
        self.spill_store.read(&judged.fates, &mut fates)?;
        let (mut groups, mut sensitive, mut person) = (Vec::new(), Vec::new(), Vec::new());
        let (mut persons, quasi) = (PersonNumbers::default(), self.keeps.hashed() - self.rules.sensitive);
        version.hashes(file, &mut |rows| {
            let before = groups.len();
            for row in 0..rows.rows() {
                let gone = judged.others.of(before + row);
                let until = |k| if self.others.takes(k, gone) { TAKEN } else { rows.field_until(row, k) };
                let hash = |q| self.keeps.hash(q, rows.quasi(row, q), until);
                let mut hashed = (0..self.keeps.hashed()).map(hash);
                groups.push(groups::combine(hashed.by_ref().take(quasi)));
                sensitive.extend(hashed);
                person.push(persons.of(rows, row));
            }
            Ok(())
        })?;
        if groups.len() != fates.len() {
            return Err(out_of_order());
        }
        let staying = (0..fates.len()).filter(|row| fates[*row] != GOES);
        let values = |row: usize| &sensitive[row * self.rules.sensitive..][..self.rules.sensitive];
        counter.add(self.spill_store, staying.map(|row| (person[row], groups[row], values(row))))?;
        let mut bytes: Vec<u8> = groups.iter().flat_map(|group| group.to_le_bytes()).collect();
        let (fates, groups) = (self.spill_store.put(&mut fates)?, self.spill_store.put(&mut bytes)?);
        let (reasons, others) = (judged.reasons.clone(), judged.others.clone());
        Ok(ReviewedFile { fates, groups: Some(groups), reasons, others, ..*judged })
    }

    /// R32: per row whether its person's consent no longer holds. What lists say now counts, and without a consent column
    /// nothing else does: what a run finds through rows that are not published comes back with the next run.
    fn refused(&self, person: &[u32], consent: &[Consent], reached: &[(usize, EffectSet)]) -> Vec<bool> {
        let Some(last) = person.last().filter(|_| !consent.is_empty()) else { return Vec::new() };
        let mut lists = vec![EffectSet::default(); *last as usize + 1];
        for (row, effects) in reached {
            lists[person[*row] as usize].add(effects);
        }
        let column = self.rules.consent_column;
        let given = |(person, consent): (&u32, &Consent)| {
            let listed = &lists[*person as usize];
            let person = PersonConsent {
                yes: true,
                since: consent.since,
                withdrawn: listed.withdrawn,
                listed: listed.has(Effect::Consent),
                listed_from: listed.consent_from,
                listed_until: listed.consent_until,
            };
            consent::given(&person, column).is_some()
        };
        person.iter().zip(consent).map(|row| !given(row)).collect()
    }
}

fn out_of_order() -> Error {
    Error::new(Code::CompanionBroken, "a companion of the current version is not in the order of its tokens")
        .help("compare its hash with the manifest: `tamis verify`")
}
