//! A published version judged again through its companions (R28, R36, R40): lists, consent, retention, then k over what
//! stays. No export and no published value is looked at. Must not know files, tables or where companions are.

use super::basis::binding;
use super::cleared::Consent;
use super::consent::{self, PersonConsent};
use super::k::{self, Counter, Outcome};
use super::lists::{EFFECTS, EffectSet, Entries, reach};
use super::reasons::{Facts, Reason, labels, reason};
use super::retention::past;
use super::workers::each_bucket;
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::monitor::Monitor;
use crate::policy::{Basis, Effect, Grounds};
use crate::stage::{NULL_QUASI, Slot, Vault};

/// Rows of a companion, in the order of their tokens.
pub trait Published {
    /// How many.
    fn rows(&self) -> usize;
    /// Subject token.
    fn subject(&self, row: usize) -> &[u8; 16];
    /// Identity slots per row.
    fn slots(&self) -> usize;
    /// Mark and identity in a slot, when there is one.
    fn identity(&self, row: usize, slot: usize) -> Option<(u8, &[u8; 32])>;
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
pub trait Version: Sync {
    /// How many files.
    fn files(&self) -> usize;
    /// Hands over the rows of one file, stretch by stretch, in order.
    ///
    /// # Errors
    /// What reading companions can meet, and what `each` returns.
    fn read(&self, file: usize, each: &mut dyn FnMut(&dyn Published) -> Result<()>) -> Result<()>;
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
    /// Per quasi-identifier, the place of its field among those.
    pub quasi_keeps: Vec<Option<usize>>,
    /// Smallest group of subjects, when there is a gate.
    pub k: Option<u32>,
}

/// Counts of a review; rows in = rows out + the sum of reasons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReviewCounts {
    /// Rows of the version.
    pub rows_in: u64,
    /// Rows that stay.
    pub rows_out: u64,
    /// Removed rows by reason, every label in the order of R33.
    pub reasons: Vec<(String, u64)>,
    /// Values that their field's `keep` takes now, in rows that lists and retention leave.
    pub nulled: u64,
    /// Combinations of quasi-identifiers over what lists and retention leave.
    pub groups: u64,
    /// Of these, combinations below k.
    pub groups_below: u64,
}

/// What stays of one file.
struct Judged {
    rows: u64,
    stay: u64,
    nulled: u64,
    reasons: Vec<u64>,
    /// Per row whether it stays (1 byte), then per row its combination (8 bytes) when there is a gate.
    record: Slot,
}

/// What stays of a version. Only `review` makes one, so nothing else can be published in a version's place.
pub struct Remaining {
    as_of: Instant,
    quasi_keeps: Vec<Option<usize>>,
    vault: Vault,
    files: Vec<Judged>,
    counts: ReviewCounts,
    below: Outcome,
}

/// Judges every row of a version again. Removals pass no brake, and groups below k fall whatever their share (R36).
///
/// # Errors
/// What reading companions meets; storage, when the spill refuses; evidence, for a companion out of order.
pub fn review(
    rules: &ReviewRules,
    version: &dyn Version,
    entries: &dyn Entries,
    vault: Vault,
    threads: usize,
    monitor: &dyn Monitor,
) -> Result<Remaining> {
    let binds = EFFECTS.map(|effect| binding(effect, rules.grounds).is_ok());
    let counter = Counter::default();
    let judge = Judge { rules, entries, binds, vault: &vault, counter: &counter };
    let mut files = each_bucket(
        version.files(),
        threads,
        || (),
        |(), file| {
            monitor.proceed()?;
            judge.file(version, file, monitor)
        },
    )?;
    let changed = files.iter().any(|file| file.stay < file.rows || file.nulled > 0);
    let below = match rules.k {
        Some(k) if changed => counter.finish(&vault, k, true)?,
        _ => Outcome::default(),
    };
    if below.groups_below > 0 {
        for file in &mut files {
            suppress(&vault, file, &below)?;
        }
    }
    let counts = counts(&files, &below);
    Ok(Remaining { as_of: rules.as_of, quasi_keeps: rules.quasi_keeps.clone(), vault, files, counts, below })
}

fn counts(files: &[Judged], below: &Outcome) -> ReviewCounts {
    let sum = |of: fn(&Judged) -> u64| files.iter().map(of).sum();
    let names = labels(&[]);
    let removed = |place: usize| files.iter().map(|file| file.reasons[place]).sum();
    ReviewCounts {
        rows_in: sum(|file| file.rows),
        rows_out: sum(|file| file.stay),
        reasons: names.into_iter().enumerate().map(|(place, name)| (name, removed(place))).collect(),
        nulled: sum(|file| file.nulled),
        groups: below.groups,
        groups_below: below.groups_below,
    }
}

/// Takes the rows of small groups out of one file.
fn suppress(vault: &Vault, file: &mut Judged, below: &Outcome) -> Result<()> {
    let mut bytes = Vec::new();
    vault.read(&file.record, &mut bytes)?;
    let (stay, groups) = bytes.split_at_mut(file.rows as usize);
    let mut gone = 0;
    for (stay, group) in stay.iter_mut().zip(groups.as_chunks().0) {
        if *stay != 0 && below.below(u64::from_le_bytes(*group)) {
            *stay = 0;
            gone += 1;
        }
    }
    if gone > 0 {
        file.stay -= gone;
        file.reasons[Reason::Suppressed.place(0)] += gone;
        file.record = vault.put(&mut bytes)?;
    }
    Ok(())
}

impl Remaining {
    /// Counts of what stays and what goes.
    pub fn counts(&self) -> &ReviewCounts {
        &self.counts
    }
    /// The instant judged at: a field whose until is not later is null.
    pub fn as_of(&self) -> Instant {
        self.as_of
    }
    /// Per quasi-identifier, the place of its field among those with a `keep` of their own.
    pub fn quasi_keeps(&self) -> &[Option<usize>] {
        &self.quasi_keeps
    }
    /// Number of files.
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
    /// Row by row whether it stays.
    ///
    /// # Errors
    /// A storage error when the spill cannot be read.
    pub fn stays(&self, file: usize) -> Result<Vec<bool>> {
        let mut bytes = Vec::new();
        self.vault.read(&self.files[file].record, &mut bytes)?;
        Ok(bytes[..self.files[file].rows as usize].iter().map(|stay| *stay != 0).collect())
    }
    /// Subjects of the smallest group before suppression.
    pub fn smallest(&self) -> Option<u32> {
        self.below.smallest
    }
}

/// R34: whether a hold reaches one of the rows.
pub fn reached_by_hold(rows: &dyn Published, entries: &dyn Entries) -> bool {
    let held = |row| {
        let identities = (0..rows.slots()).filter_map(|slot| rows.identity(row, slot));
        reach(identities, entries).is_some_and(|effects| effects.has(Effect::Hold))
    };
    (0..rows.rows()).any(held)
}

struct Judge<'a> {
    rules: &'a ReviewRules,
    entries: &'a dyn Entries,
    binds: [bool; EFFECTS.len()],
    vault: &'a Vault,
    counter: &'a Counter,
}

/// What is gathered of one file while its companion goes by.
#[derive(Default)]
struct Gathered {
    last: Option<[u8; 16]>,
    /// Number of each row's person, ascending.
    person: Vec<u32>,
    due: Vec<bool>,
    nulled: Vec<u16>,
    groups: Vec<u64>,
    /// Empty unless the purpose rests on consent.
    consent: Vec<Consent>,
    /// Rows that a request reaches.
    reached: Vec<(usize, EffectSet)>,
}

impl Judge<'_> {
    fn file(&self, version: &dyn Version, file: usize, monitor: &dyn Monitor) -> Result<Judged> {
        let mut gathered = Gathered::default();
        version.read(file, &mut |rows| {
            monitor.proceed()?;
            (0..rows.rows()).try_for_each(|row| self.gather(&mut gathered, rows, row))
        })?;
        self.judge(gathered)
    }

    fn gather(&self, gathered: &mut Gathered, rows: &dyn Published, row: usize) -> Result<()> {
        let subject = rows.subject(row);
        let person = match &gathered.last {
            Some(last) if last > subject => return Err(out_of_order()),
            Some(last) => gathered.person.last().copied().unwrap_or(0) + u32::from(last != subject),
            None => 0,
        };
        let at = gathered.person.len();
        gathered.last = Some(*subject);
        gathered.person.push(person);
        gathered.due.push(past(rows.keep_until(row), self.rules.as_of));
        if !self.entries.is_empty() {
            let identities = (0..rows.slots()).filter_map(|slot| rows.identity(row, slot));
            gathered.reached.extend(reach(identities, self.entries).map(|effects| (at, effects)));
        }
        let gone = |k: usize| past(rows.field_until(row, k), self.rules.as_of);
        let newly = |k: &usize| gone(*k) && !past(rows.field_until(row, *k), self.rules.before);
        gathered.nulled.push((0..self.rules.field_keeps).filter(newly).count() as u16);
        if self.rules.k.is_some() {
            let quasi = self.rules.quasi_keeps.iter().enumerate();
            let hash = |(q, keep): (usize, &Option<usize>)| match keep {
                Some(k) if gone(*k) => NULL_QUASI,
                _ => rows.quasi(row, q),
            };
            gathered.groups.push(k::combine(quasi.map(hash)));
        }
        if self.rules.grounds.basis == Basis::Consent {
            gathered.consent.push(rows.consent(row));
        }
        Ok(())
    }

    fn judge(&self, gathered: Gathered) -> Result<Judged> {
        let Gathered { person, due, nulled, groups, consent, reached, .. } = gathered;
        let refused = self.refused(&person, &consent, &reached);
        let mut effects = reached.iter().peekable();
        let (mut reasons, mut record, mut values) = (vec![0; labels(&[]).len()], Vec::new(), 0);
        for row in 0..person.len() {
            let effects = effects.next_if(|(at, _)| *at == row).map_or(EffectSet::default(), |(_, e)| *e);
            let facts = Facts {
                effects: effects.only(&self.binds),
                no_consent: refused.get(row).copied().unwrap_or(false),
                excluded: None,
                expired: due[row],
                rejected: false,
            };
            let reason = reason(&facts);
            match reason {
                Some(reason) => reasons[reason.place(0)] += 1,
                None => values += u64::from(nulled[row]),
            }
            record.push(u8::from(reason.is_none()));
        }
        let stay = record.iter().filter(|stay| **stay != 0).count() as u64;
        if self.rules.k.is_some() {
            let staying = person.iter().zip(&groups).zip(&record).filter(|(_, stay)| **stay != 0);
            self.counter.add(self.vault, staying.map(|((person, group), _)| (*person, *group)))?;
        }
        groups.iter().for_each(|group| record.extend_from_slice(&group.to_le_bytes()));
        let record = self.vault.put(&mut record)?;
        Ok(Judged { rows: person.len() as u64, stay, nulled: values, reasons, record })
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
