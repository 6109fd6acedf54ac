//! What `minimize` counted. Numbers, names, positions and identities, never a value. Must not know rows.

use super::identity::BatchCounts;
use super::why_untreated::WhyUntreated;
use crate::cell::why::WhyRaw;
use crate::corrections::CorrectionTally;
use crate::treatments::Counts;
use std::collections::{BTreeMap, BTreeSet};

/// Distinct tokens looked for per field; one more than R21 refuses.
pub const MAX_DISTINCT: usize = 20;

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Index of the object or member among the run's inputs.
    pub input: usize,
    /// Number of the record in its file, from 1, the header not counted.
    pub record: u64,
}

/// Counts of one worker, or of several together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records that were minimized.
    pub records: u64,
    /// Records of an observed source without a subject: they have no row.
    pub dropped: u64,
    /// Rows without a subject token (R11).
    pub no_subject: u64,
    /// The first of them.
    pub first_no_subject: Option<Position>,
    /// Rows with a clock that could not be read (R25).
    pub clock_unreadable: u64,
    /// Rows where an exclude on a boolean column met another value (R22).
    pub exclude_unreadable: u64,
    /// Rows without any usable clock, those with an unreadable one not among them (R25).
    pub no_clock: u64,
    /// Published fields, in the job's order; none for observed sources.
    pub fields: Vec<FieldTally>,
    /// Columns of which identities were made.
    pub identifiers: Vec<IdentifierTally>,
    /// Clocks, in the job's order.
    pub clocks: Vec<ClockTally>,
    /// Excludes, in the job's order.
    pub excludes: Vec<UnreadableTally>,
    /// Columns of versions and deletions (R75); none where each record is there once.
    pub versions: Vec<UnreadableTally>,
    /// Rows that no notice covers (R85).
    pub unnoticed: u64,
    /// Rows of which the notice does not name the category of some field.
    pub partly_noticed: u64,
    /// What came of the corrections, in their order (R80); none for observed sources.
    pub corrections: Vec<CorrectionTally>,
    /// Identities that requests name by the rules before, with what they are now.
    pub renewed: BTreeSet<Renewed>,
}

/// A value that has another identity than before (R6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Renewed {
    /// What stored requests may name it by.
    pub before: [u8; 32],
    /// What it is hashed as now.
    pub now: [u8; 32],
    /// Whether that is a raw form.
    pub raw: bool,
}

/// Counts of one published field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldTally {
    /// Non-null values read; a sentinel is null (R20, R37).
    pub values: u64,
    /// Values that could not be treated: null in the field.
    pub untreated: u64,
    /// The first of them.
    pub first_untreated: Option<Position>,
    /// Values that the row's notice does not name the category of: null in the field (R85).
    pub unnoticed: u64,
    /// Why, with how many of each and the first.
    pub why: BTreeMap<WhyUntreated, (u64, Option<Position>)>,
    /// Distinct tokens, at most `MAX_DISTINCT`, in order; only of pseudonymized columns without `identifier` (R21).
    pub distinct: Vec<[u8; 16]>,
    /// What the treatment counted, by name.
    pub counts: Counts,
}

/// Counts of one column of identities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentifierTally {
    /// Name of the column in the export.
    pub column: String,
    /// Values that are not null.
    pub values: u64,
    /// Values that did not normalise and were hashed as their raw form (R4).
    pub raw: u64,
    /// Why they did not, by the number of `WhyRaw`.
    pub why: [u64; WhyRaw::COUNT],
    /// The first of them.
    pub first_raw: Option<Position>,
    /// Values with characters that nobody sees, which were dropped (R5).
    pub unseen: u64,
    /// Values put together of parts of which one is missing: they are none (R51).
    pub partial: u64,
    /// The first of them.
    pub first_partial: Option<Position>,
}

/// Counts of one column that decides about rows: of an exclude, or of versions of records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnreadableTally {
    /// Name of the column in the export.
    pub column: String,
    /// Values that cannot be read as what the column is (R22, R75).
    pub unreadable: u64,
    /// The first of them.
    pub first_unreadable: Option<Position>,
}

/// Counts of one clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClockTally {
    /// Name of the column in the export.
    pub column: String,
    /// Sentinels that were ignored as clocks (R24).
    pub sentinels: u64,
    /// Values beyond `as_of + max_future` ignored (R24).
    pub future: u64,
    /// Values between `as_of` and that, which counted as `as_of`.
    pub clamped: u64,
    /// Values that are no date of its formats.
    pub unreadable: u64,
    /// The first of them.
    pub first_unreadable: Option<Position>,
}

impl Tally {
    /// Counts of a column by its name, all values of a cell with several together; none when no identity is made of it.
    pub fn of_column(&self, name: &str) -> Option<IdentifierTally> {
        self.identifiers.iter().filter(|counts| counts.column == name).cloned().reduce(|mut all, one| {
            all.merge(one);
            all
        })
    }

    /// Adds the counts of another worker of the same stream.
    pub fn merge(&mut self, other: Tally) {
        self.records += other.records;
        self.dropped += other.dropped;
        self.no_subject += other.no_subject;
        self.first_no_subject = earlier(self.first_no_subject, other.first_no_subject);
        self.clock_unreadable += other.clock_unreadable;
        self.exclude_unreadable += other.exclude_unreadable;
        self.no_clock += other.no_clock;
        merge_each(&mut self.fields, other.fields, FieldTally::merge);
        merge_each(&mut self.identifiers, other.identifiers, IdentifierTally::merge);
        merge_each(&mut self.clocks, other.clocks, ClockTally::merge);
        merge_each(&mut self.excludes, other.excludes, UnreadableTally::merge);
        merge_each(&mut self.versions, other.versions, UnreadableTally::merge);
        self.unnoticed += other.unnoticed;
        self.partly_noticed += other.partly_noticed;
        merge_each(&mut self.corrections, other.corrections, CorrectionTally::merge);
        self.renewed.extend(other.renewed);
    }
}

fn merge_each<T>(mine: &mut Vec<T>, other: Vec<T>, merge: fn(&mut T, T)) {
    if mine.is_empty() {
        *mine = other;
        return;
    }
    for (mine, other) in mine.iter_mut().zip(other) {
        merge(mine, other);
    }
}

pub(super) fn earlier(mine: Option<Position>, other: Option<Position>) -> Option<Position> {
    mine.into_iter().chain(other).min()
}

impl FieldTally {
    /// Counts a value that could not be treated.
    pub(super) fn count_untreated(&mut self, at: Position, why: WhyUntreated) {
        self.untreated += 1;
        self.first_untreated = earlier(self.first_untreated, Some(at));
        let (count, first) = self.why.entry(why).or_default();
        (*count, *first) = (*count + 1, earlier(*first, Some(at)));
    }

    /// Remembers tokens until there are `MAX_DISTINCT`.
    pub(super) fn remember(&mut self, tokens: &[[u8; 16]]) {
        for token in tokens {
            if self.distinct.len() == MAX_DISTINCT {
                return;
            }
            if let Err(at) = self.distinct.binary_search(token) {
                self.distinct.insert(at, *token);
            }
        }
    }

    fn merge(&mut self, other: FieldTally) {
        self.values += other.values;
        self.untreated += other.untreated;
        self.unnoticed += other.unnoticed;
        self.first_untreated = earlier(self.first_untreated, other.first_untreated);
        self.remember(&other.distinct);
        for (why, (more, at)) in other.why {
            let (count, first) = self.why.entry(why).or_default();
            (*count, *first) = (*count + more, earlier(*first, at));
        }
        other.counts.into_iter().for_each(|(name, count)| *self.counts.entry(name).or_default() += count);
    }
}

impl IdentifierTally {
    /// Why values have no normal form, with how many of each.
    pub fn whys(&self) -> impl Iterator<Item = (WhyRaw, u64)> {
        WhyRaw::ALL.into_iter().zip(self.why).filter(|(_, count)| *count > 0)
    }

    fn merge(&mut self, other: IdentifierTally) {
        self.values += other.values;
        self.raw += other.raw;
        self.why.iter_mut().zip(other.why).for_each(|(mine, other)| *mine += other);
        self.first_raw = earlier(self.first_raw, other.first_raw);
        self.unseen += other.unseen;
        self.partial += other.partial;
        self.first_partial = earlier(self.first_partial, other.first_partial);
    }

    /// Counts of one batch; `at` says where a record of it is.
    pub(super) fn count(&mut self, seen: &BatchCounts, at: impl Fn(u32) -> Position) {
        self.values += seen.values;
        self.raw += seen.why.iter().sum::<u64>();
        self.why.iter_mut().zip(seen.why).for_each(|(mine, seen)| *mine += seen);
        self.first_raw = earlier(self.first_raw, seen.first_raw.map(&at));
        self.unseen += seen.unseen;
        self.partial += seen.partial;
        self.first_partial = earlier(self.first_partial, seen.first_partial.map(&at));
    }
}

impl UnreadableTally {
    pub(super) fn count_unreadable(&mut self, at: Position) {
        self.unreadable += 1;
        self.first_unreadable = earlier(self.first_unreadable, Some(at));
    }

    fn merge(&mut self, other: UnreadableTally) {
        self.unreadable += other.unreadable;
        self.first_unreadable = earlier(self.first_unreadable, other.first_unreadable);
    }
}

impl ClockTally {
    pub(super) fn count_unreadable(&mut self, at: Position) {
        self.unreadable += 1;
        self.first_unreadable = earlier(self.first_unreadable, Some(at));
    }

    fn merge(&mut self, other: ClockTally) {
        self.sentinels += other.sentinels;
        self.future += other.future;
        self.clamped += other.clamped;
        self.unreadable += other.unreadable;
        self.first_unreadable = earlier(self.first_unreadable, other.first_unreadable);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_adds_counts_and_keeps_the_first_position() {
        let at = |input, record| Some(Position { input, record });
        let field =
            |untreated, first_untreated| FieldTally { values: 10, untreated, first_untreated, ..FieldTally::default() };
        let mut one = Tally { records: 3, fields: vec![field(1, at(1, 4))], ..Tally::default() };
        one.merge(Tally { records: 4, fields: vec![field(2, at(0, 9))], ..Tally::default() });
        one.merge(Tally { records: 5, fields: vec![field(0, None)], ..Tally::default() });
        assert_eq!((one.records, one.fields[0].values), (12, 30));
        assert_eq!((one.fields[0].untreated, one.fields[0].first_untreated), (3, at(0, 9)));
        let mut empty = Tally::default();
        empty.merge(one.clone());
        assert_eq!(empty, one);
    }

    #[test]
    fn r21_distinct_tokens_are_counted_up_to_20_over_all_workers() {
        let mut fields = [FieldTally::default(), FieldTally::default()];
        for n in 0..15u8 {
            fields[0].remember(&[[n; 16], [n; 16]]);
            fields[1].remember(&[[n + 10; 16]]);
        }
        let [mut one, other] = fields;
        assert_eq!(one.distinct.len(), 15);
        one.merge(other);
        assert_eq!(one.distinct.len(), MAX_DISTINCT);
    }
}
