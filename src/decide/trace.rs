//! Why single rows of a run stay or go, for who asks about one person. Must not know who asks, nor any value.

use super::bucket::{BucketJudge, ThreadCalendars, is_ended};
use super::judged::Judged;
use super::lists::Entries;
use super::reasons::{Reason, labels, reason};
use super::workers::each_bucket;
use crate::clock::Instant;
use crate::error::Result;
use crate::stage::{NO_CLOCK, flag, mark};
use std::collections::BTreeSet;

/// Why nothing is decided about a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SetAside {
    /// It is activity in an observed source: it is never published.
    Observed,
    /// There is a newer version of the record (R75).
    Superseded,
    /// It says that the record has ended (R75).
    Ended,
}

impl SetAside {
    fn of(flags: u16) -> Option<SetAside> {
        match flags {
            _ if flags & flag::OBSERVED != 0 => Some(SetAside::Observed),
            _ if flags & flag::SUPERSEDED != 0 => Some(SetAside::Superseded),
            _ => is_ended(flags).then_some(SetAside::Ended),
        }
    }
}

/// One row of a person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Traced {
    /// Why nothing is decided about it; none for the record of a person in the job's own export.
    pub aside: Option<SetAside>,
    /// The label in the counts of why it goes, and why; none when it stays.
    pub reason: Option<(String, Reason)>,
    /// The number of the other person of the row that the values name, where they do not name its own (R68).
    pub other: Option<usize>,
    /// Whether a request has taken the cells of that person.
    pub taken: bool,
    /// The clock that counts for it, its own or its person's.
    pub clock: Option<Instant>,
    /// The first instant at which it no longer stays by that clock.
    pub keep_until: Option<Instant>,
}

impl Judged {
    /// What became of every row of the persons who carry a wanted identity; `entries` are those that were judged with.
    ///
    /// # Errors
    /// Storage errors of the spill.
    pub fn trace(
        &self,
        entries: &dyn Entries,
        wanted: &(dyn Fn(&[u8; 16]) -> bool + Sync),
        threads: usize,
    ) -> Result<Vec<Traced>> {
        let judge = BucketJudge::new(&self.rules, &self.staged, entries, None);
        let traced = each_bucket(
            self.staged.buckets(),
            threads,
            || judge.calendars(),
            |calendars, bucket| self.trace_bucket(&judge, calendars, wanted, bucket),
        )?;
        Ok(traced.into_iter().flatten().collect())
    }

    fn trace_bucket(
        &self,
        judge: &BucketJudge<'_>,
        calendars: &mut ThreadCalendars,
        wanted: &(dyn Fn(&[u8; 16]) -> bool + Sync),
        bucket: usize,
    ) -> Result<Vec<Traced>> {
        let (control, people) = judge.settled(bucket)?;
        let carries = |row: &usize| control.identities(*row).any(|(_, identity)| wanted(identity));
        let subjects: BTreeSet<[u8; 16]> =
            (0..control.rows()).filter(carries).map(|row| *control.subject(row)).collect();
        let as_other = |row: usize| {
            let mut others = control.others(row).filter(|(_, identity)| wanted(identity));
            others.find_map(|(mark, _)| mark::other(mark))
        };
        if subjects.is_empty() && (0..control.rows()).all(|row| as_other(row).is_none()) {
            return Ok(Vec::new());
        }
        let mut kept = Vec::new();
        self.staged.spill_store().read(&self.kept[bucket], &mut kept)?;
        let kept: BTreeSet<usize> = self.shape.rows(&kept).collect();
        let reached = judge.reached(&control, &people);
        let persons = judge.persons(&control, &people, &reached)?;
        let names = labels(&self.rules.exclude_labels);
        let own = |row: &usize| subjects.contains(control.subject(*row)) || carries(row);
        let met = |row: &usize| own(row) || as_other(*row).is_some();
        let trace = |row: usize| {
            let effects = reached.row(row).unwrap_or_default();
            let known = judge.known(&control, &persons, calendars, row, effects);
            let aside = SetAside::of(control.flags(row));
            let reason = reason(&judge.facts(&control, &known));
            let reason = reason.or((!kept.contains(&row)).then_some(Reason::Suppressed));
            let other = as_other(row).filter(|_| !own(&row));
            Traced {
                aside,
                other,
                taken: other.is_some_and(|number| known.others & 1 << number != 0),
                reason: reason
                    .filter(|_| aside.is_none())
                    .map(|r| (names[r.place(self.rules.exclude_labels.len())].clone(), r)),
                clock: (known.clock != NO_CLOCK).then_some(Instant(known.clock)),
                keep_until: known.until.map(Instant),
            }
        };
        Ok((0..control.rows()).filter(met).map(trace).collect())
    }
}
