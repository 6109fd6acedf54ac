//! `decide`: all buckets judged, counts added up and shown to the gates, small groups suppressed; then `clear`.
//! Must not know where rows came from, nor where they go.

use super::absent::PreviousVersion;
use super::basis::binding;
use super::bucket::{BucketJudge, DecideTally};
use super::cleared::{Cleared, KeptShape};
use super::groups::{Counter, GroupOutcome};
use super::lists::Entries;
use super::reasons::{self, Reason};
use super::rules::Rules;
use super::verdict::{NotBinding, QuasiHint, Verdict};
use super::workers::each_bucket;
use crate::error::Result;
use crate::gates::{self, Gate, Observed, Reading, Veto};
use crate::monitor::{Event, Monitor};
use crate::policy::{Effect, GroupTerms};
use crate::stage::{Slot, SpillStore, Staged};

/// Rows judged, nothing cleared yet; `plan` stops here.
pub struct Judged {
    pub(super) rules: Rules,
    pub(super) staged: Staged,
    pub(super) kept: Vec<Slot>,
    pub(super) shape: KeptShape,
    verdict: Verdict,
    seen: Vec<([u8; 16], i64)>,
}

/// Judges every row, then shows the counts to every gate. `reading` is what was read, in numbers; `previous` the version
/// that is current, none for the first.
///
/// # Errors
/// A storage error when the spill refuses.
pub fn decide(
    rules: Rules,
    staged: Staged,
    entries: &dyn Entries,
    previous: Option<&dyn PreviousVersion>,
    reading: &Reading,
    threads: usize,
    monitor: &dyn Monitor,
) -> Result<Judged> {
    monitor.event(Event::Stage { name: "decide", total_bytes: None });
    let judge = BucketJudge::new(&rules, &staged, entries, previous);
    let judged = each_bucket(
        staged.buckets(),
        threads,
        || judge.calendars(),
        |calendars, bucket| {
            monitor.proceed()?;
            judge.bucket(calendars, bucket)
        },
    )?;
    let (mut tallies, mut kept): (Vec<DecideTally>, Vec<Slot>) = judged.into_iter().unzip();
    let seen = tallies.iter_mut().flat_map(|tally| std::mem::take(&mut tally.seen)).collect();
    let shared = judge.sharing.map_or(Ok(Vec::new()), |sharing| sharing.finish(&staged, threads, monitor))?;
    let (mut counters, shape) = (judge.counters.into_iter(), judge.shape);
    let mut tally = DecideTally::default();
    tallies.iter().for_each(|t| tally.add(t));

    let mut groups = JudgedGroups::default();
    if let (Some(terms), Some(counter)) = (&rules.gate, counters.next()) {
        groups = over_groups(terms, counter, counters, staged.spill_store())?;
    }
    let mut suppressed = 0;
    if groups.outcome.rows_suppressed > 0 {
        (kept, suppressed) = suppress(&staged, kept, shape, &groups.outcome, threads, monitor)?;
    }
    tally.reasons[Reason::Suppressed.place(rules.exclude_labels.len())] += suppressed;
    tally.reasons[Reason::Rejected.place(rules.exclude_labels.len())] += reading.dropped;
    let observed = observed(&rules, reading, &tally, suppressed, previous);
    let verdict = Verdict {
        as_of: rules.as_of,
        rows_in: observed.rows_in,
        rows_out: observed.rows_out,
        reasons: reasons::labels(&rules.exclude_labels).into_iter().zip(tally.reasons.iter().copied()).collect(),
        no_clock: tally.no_clock,
        dropped: reading.dropped,
        observed: tally.observed,
        previous: observed.previous,
        absent: tally.absent,
        not_binding: not_binding(&rules, &tally),
        others: tally.others.clone(),
        versions: rules.newest.then_some(tally.versions),
        gates: Gate::all(groups.gates, &observed),
        largest_person: tally.largest_person,
        shared,
        hints: groups.hints,
    };
    Ok(Judged { rules, staged, kept, shape, verdict, seen })
}

/// What gates observe of a run; `tally` has all reasons.
fn observed<'a>(
    rules: &'a Rules,
    reading: &'a Reading,
    tally: &DecideTally,
    suppressed: u64,
    previous: Option<&dyn PreviousVersion>,
) -> Observed<'a> {
    Observed {
        reading,
        limits: &rules.limits,
        rows_in: tally.rows_in + reading.dropped,
        rows_out: tally.rows_kept - suppressed,
        removed: tally.reasons.iter().sum(),
        suppressed: rules.gate.as_ref().map(|terms| (suppressed, terms.max_suppressed)),
        previous: previous.map(PreviousVersion::rows),
    }
}

/// What was found over all groups.
#[derive(Default)]
struct JudgedGroups {
    gates: Vec<Gate>,
    outcome: GroupOutcome,
    hints: Vec<QuasiHint>,
}

/// Shows all groups to the gates over them, and for hints the groups without each quasi-identifier in turn.
fn over_groups(
    terms: &GroupTerms,
    counter: Counter,
    without: impl Iterator<Item = Counter>,
    spill_store: &SpillStore,
) -> Result<JudgedGroups> {
    let mut gates = Gate::over_groups(terms);
    let outcome = counter.finish(spill_store, &mut gates, true)?;
    let hints = hints(terms, &outcome, without, spill_store)?;
    Ok(JudgedGroups { gates, outcome, hints })
}

/// Takes rows of suppressed groups out of what stays.
fn suppress(
    staged: &Staged,
    kept: Vec<Slot>,
    shape: KeptShape,
    outcome: &GroupOutcome,
    threads: usize,
    monitor: &dyn Monitor,
) -> Result<(Vec<Slot>, u64)> {
    let spill_store = staged.spill_store();
    let left = each_bucket(kept.len(), threads, Vec::new, |bytes, bucket| {
        monitor.proceed()?;
        bytes.clear();
        spill_store.read(&kept[bucket], bytes)?;
        let (mut left, gone) = shape.without(bytes, |group| outcome.suppresses(group));
        Ok((spill_store.put(&mut left)?, gone))
    })?;
    let gone = left.iter().map(|(_, gone)| gone).sum();
    Ok((left.into_iter().map(|(slot, _)| slot).collect(), gone))
}

fn hints(
    terms: &GroupTerms,
    all: &GroupOutcome,
    counters: impl Iterator<Item = Counter>,
    spill_store: &SpillStore,
) -> Result<Vec<QuasiHint>> {
    let hint = |(field, counter): (&String, Counter)| {
        let without = counter.finish(spill_store, &mut Gate::over_groups(terms), false)?.rows_below;
        let saved = all.rows_below.saturating_sub(without);
        Ok(QuasiHint { field: field.clone(), rows_below_without: without, saved })
    };
    terms.quasi_identifiers.iter().zip(counters).map(hint).collect()
}

fn not_binding(rules: &Rules, tally: &DecideTally) -> Vec<NotBinding> {
    let told = |(effect, rows): (_, &u64)| {
        let reason = binding(effect, rules.grounds).err().filter(|_| *rows > 0)?;
        Some(NotBinding { effect: effect.name().to_string(), rows: *rows, reason: reason.to_string() })
    };
    Effect::ALL.into_iter().zip(&tally.not_binding).filter_map(told).collect()
}

impl Judged {
    /// What became of all rows.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Hands over the persons of rows that no erasure takes out, by the first half of the identity of their key, with when
    /// they were first seen; once for each row, and only where retention counts from then (R42).
    pub fn take_seen(&mut self) -> Vec<([u8; 16], i64)> {
        std::mem::take(&mut self.seen)
    }

    /// Everything that stands against publishing, in the order of the gates; empty when nothing does.
    pub fn vetoes(&self) -> Vec<Veto> {
        self.verdict.gates.iter().filter_map(Gate::veto).collect()
    }

    /// Lets the rows out when nothing stands against it, or when what does has been `accepted` by an operator who saw
    /// exactly these counts.
    ///
    /// # Errors
    /// The error of all gates that do not pass, with their numbers, and what to do.
    pub fn clear(self, accepted: bool) -> Result<Cleared> {
        let against: Vec<Veto> = self.vetoes().into_iter().filter(|veto| !(accepted && veto.acceptable)).collect();
        if let Some(error) = gates::refusal(&against) {
            return Err(error);
        }
        let keeps = self.rules.keeps();
        Ok(Cleared { rows_out: self.verdict.rows_out, keeps, staged: self.staged, kept: self.kept, shape: self.shape })
    }
}
