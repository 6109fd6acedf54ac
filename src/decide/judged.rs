//! `decide`: all buckets judged, counts added up, groups below k suppressed; then `clear`: gates and the brake.
//! Must not know where rows came from, nor where they go.

use super::absent::Previous;
use super::basis::binding;
use super::brake::{self, Numbers, over};
use super::bucket::{Judge, Tally};
use super::cleared::{Cleared, Shape};
use super::k::{Counter, Outcome};
use super::lists::{EFFECTS, Entries};
use super::reasons::{self, Reason};
use super::rules::Rules;
use super::verdict::{GateResult, NotBinding, QuasiHint, Verdict};
use super::workers::each_bucket;
use crate::error::{Code, Error, Result};
use crate::monitor::{Event, Monitor};
use crate::policy::Gate;
use crate::stage::{Slot, Staged, Vault};

/// Rows judged, nothing cleared yet; `plan` stops here.
pub struct Judged {
    pub(super) rules: Rules,
    pub(super) staged: Staged,
    pub(super) kept: Vec<Slot>,
    pub(super) shape: Shape,
    verdict: Verdict,
}

/// Why a run may not be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which limit.
    pub code: Code,
    /// Limit and numbers.
    pub message: String,
    /// Whether `accept` lets it through; k never is.
    pub acceptable: bool,
}

/// Judges every row. `dropped` is the number of bad records dropped while reading; `previous` the version that is
/// current, none for the first.
///
/// # Errors
/// A storage error when the spill refuses, an evidence error when the counts do not balance.
pub fn decide(
    rules: Rules,
    staged: Staged,
    entries: &dyn Entries,
    previous: Option<&dyn Previous>,
    dropped: u64,
    threads: usize,
    monitor: &dyn Monitor,
) -> Result<Judged> {
    monitor.event(Event::Stage { name: "decide", total_bytes: None });
    let judge = Judge::new(&rules, &staged, entries, previous);
    let judged = each_bucket(
        staged.buckets(),
        threads,
        || judge.calendars(),
        |calendars, bucket| {
            monitor.proceed()?;
            judge.bucket(calendars, bucket)
        },
    )?;
    let (tallies, mut kept): (Vec<Tally>, Vec<Slot>) = judged.into_iter().unzip();
    let shared = judge.sharing.map_or(Ok(Vec::new()), |sharing| sharing.finish(&staged, threads, monitor))?;
    let (mut counters, shape) = (judge.counters.into_iter(), judge.shape);
    let mut tally = Tally::default();
    tallies.iter().for_each(|t| tally.add(t));

    let (mut gate, mut suppressed, mut hints) = (None, 0, Vec::new());
    if let (Some(g), Some(counter)) = (&rules.gate, counters.next()) {
        let outcome = counter.finish(staged.vault(), g.k, g.suppress)?;
        hints = self::hints(g, &outcome, counters, staged.vault())?;
        if g.suppress && outcome.groups_below > 0 {
            (kept, suppressed) = suppress(&staged, kept, shape, &outcome, threads, monitor)?;
        }
        gate = Some(result(g, &outcome, tally.rows_kept));
    }
    tally.reasons[Reason::Suppressed.place(rules.exclude_labels.len())] += suppressed;
    tally.reasons[Reason::Rejected.place(rules.exclude_labels.len())] += dropped;
    let verdict = Verdict {
        as_of: rules.as_of,
        rows_in: tally.rows_in + dropped,
        rows_out: tally.rows_kept - suppressed,
        reasons: reasons::labels(&rules.exclude_labels).into_iter().zip(tally.reasons.iter().copied()).collect(),
        no_clock: tally.no_clock,
        dropped,
        observed: tally.observed,
        previous: previous.map(Previous::rows),
        absent: tally.absent,
        not_binding: not_binding(&rules, &tally),
        gate,
        largest_person: tally.largest_person,
        shared,
        hints,
    };
    if !reasons::balanced(verdict.rows_in, verdict.rows_out, &tally.reasons) {
        return Err(Error::new(Code::RowsDoNotAddUp, "rows in are not rows out plus the sum of reasons")
            .help("nothing was published; report this as a fault"));
    }
    Ok(Judged { rules, staged, kept, shape, verdict })
}

/// Takes rows of groups below k out of what stays.
fn suppress(
    staged: &Staged,
    kept: Vec<Slot>,
    shape: Shape,
    outcome: &Outcome,
    threads: usize,
    monitor: &dyn Monitor,
) -> Result<(Vec<Slot>, u64)> {
    let vault = staged.vault();
    let left = each_bucket(kept.len(), threads, Vec::new, |bytes, bucket| {
        monitor.proceed()?;
        bytes.clear();
        vault.read(&kept[bucket], bytes)?;
        let (mut left, gone) = shape.without(bytes, |group| outcome.below(group));
        Ok((vault.put(&mut left)?, gone))
    })?;
    let gone = left.iter().map(|(_, gone)| gone).sum();
    Ok((left.into_iter().map(|(slot, _)| slot).collect(), gone))
}

fn hints(gate: &Gate, all: &Outcome, counters: impl Iterator<Item = Counter>, vault: &Vault) -> Result<Vec<QuasiHint>> {
    let hint = |(field, counter): (&String, Counter)| {
        let without = counter.finish(vault, gate.k, false)?.rows_below;
        let saved = all.rows_below.saturating_sub(without);
        Ok(QuasiHint { field: field.clone(), rows_below_without: without, saved })
    };
    gate.quasi_identifiers.iter().zip(counters).map(hint).collect()
}

fn result(gate: &Gate, outcome: &Outcome, rows_before: u64) -> GateResult {
    GateResult {
        k: gate.k,
        groups: outcome.groups,
        groups_below: outcome.groups_below,
        rows_below: outcome.rows_below,
        rows_before,
        smallest: outcome.smallest,
        suppress: gate.suppress,
    }
}

fn not_binding(rules: &Rules, tally: &Tally) -> Vec<NotBinding> {
    let told = |(effect, rows): (_, &u64)| {
        let reason = binding(effect, rules.grounds).err().filter(|_| *rows > 0)?;
        Some(NotBinding { effect: effect.name().to_string(), rows: *rows, reason: reason.to_string() })
    };
    EFFECTS.into_iter().zip(&tally.not_binding).filter_map(told).collect()
}

impl Judged {
    /// What became of all rows.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Everything that stands against publishing; empty when nothing does.
    pub fn refusals(&self) -> Vec<Refusal> {
        let verdict = &self.verdict;
        let mut found = Vec::new();
        let gates = verdict.gate.as_ref().zip(self.rules.gate.as_ref());
        if let Some((gate, _)) = gates.filter(|(gate, _)| !gate.suppress && gate.groups_below > 0) {
            let (groups, rows, k) = (gate.groups_below, gate.rows_below, gate.k);
            let message =
                format!("gate: {groups} of {} groups with {rows} rows have fewer than {k} subjects", gate.groups);
            found.push(Refusal { code: Code::GateK, message, acceptable: false });
        }
        let mut limits = Vec::new();
        if let Some((gate, spec)) = gates
            .filter(|(gate, spec)| gate.suppress && spec.max_suppressed.exceeded(gate.rows_below, gate.rows_before))
        {
            let of = "rows left";
            let limit = spec.max_suppressed;
            let (below, before) = (gate.rows_below, gate.rows_before);
            let message = over("max_suppressed", "would be suppressed", below, before, of, limit);
            limits.push((Code::TooManySuppressed, message));
        }
        let numbers = Numbers {
            rows_in: verdict.rows_in,
            rows_out: verdict.rows_out,
            dropped: verdict.dropped,
            previous: verdict.previous,
        };
        limits.extend(brake::exceeded(&numbers, &self.rules.limits));
        found.extend(limits.into_iter().map(|(code, message)| Refusal { code, message, acceptable: true }));
        found
    }

    /// Lets the rows out when nothing stands against it, or when what does has been `accepted` by an operator who saw
    /// exactly these counts.
    ///
    /// # Errors
    /// A gate error with every limit exceeded, its numbers, and what to do.
    pub fn clear(self, accepted: bool) -> Result<Cleared> {
        let against: Vec<Refusal> = self.refusals().into_iter().filter(|r| !(accepted && r.acceptable)).collect();
        if let Some(code) = against.first().map(|first| first.code) {
            let help = if against.iter().all(|r| r.acceptable) {
                "look at the plan; when this is what should happen, accept its digest, else correct the job or the export"
            } else {
                "coarsen or leave out a quasi-identifier (the plan shows what each would save), or suppress small groups"
            };
            let messages: Vec<String> = against.into_iter().map(|r| r.message).collect();
            return Err(Error::new(code, messages.join("; ")).help(help));
        }
        Ok(Cleared {
            rows_out: self.verdict.rows_out,
            as_of: self.rules.as_of,
            field_keeps: self.rules.field_keeps.iter().map(|(field, _)| *field).collect(),
            quasi_keeps: self.rules.quasi_keeps,
            staged: self.staged,
            kept: self.kept,
            shape: self.shape,
        })
    }
}
