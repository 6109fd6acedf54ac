//! The reading half of a run: requests taken in, a set pinned, every record read once and staged.

use super::pinned::{Pinned, Read};
use super::published_set;
use super::stand_in::StandIn;
use crate::corrections::Corrections;
use crate::error::{Code, Error, Result};
use crate::gates::{ColumnRead, FieldRead, NoticesRead, Reading, ReviewRead, SignOffRead};
use crate::job::{Ready, Stop, breaches, signature};
use crate::minimize::{Minimizer, RowClock, Stream, Tally};
use crate::monitor::Monitor;
use crate::policy::{Field, Location, Plan, RiskProfile, Source};
use crate::read::{self, ReadReport, ReadRequest, Reader, Scratch, Selection, Structures};
use crate::requests::{Learned, Requests};
use crate::stage::{SpillStore, Stage};
use crate::state::FieldType;
use crate::store::Root;
use crate::treatments::Treat;
use crate::{key, requests, threads};

/// Bytes of export per bucket: some thirty thousand rows, so that a worker holds a few MiB of one.
const BUCKET_BYTES: u64 = 16 << 20;
/// What a worker holds apart from rows, and the budget counts: two uploads of two parts, blocks, a bucket, row groups,
/// and what the allocator keeps of them.
const WORKER_BYTES: usize = 60 << 20;
/// What a compressed byte may become.
const INFLATED: u64 = 8;

/// Says whether a request names an identity.
pub type NamesIdentity<'a> = dyn Fn(&[u8; 32]) -> bool + Sync + 'a;

/// What rows are read with.
#[derive(Clone, Copy)]
pub struct ReadWith<'a> {
    /// Says whether a request names an identity.
    pub known: &'a NamesIdentity<'a>,
    /// What stands in for clocks of the export (R42).
    pub row_clock: RowClock<'a>,
    /// What is right in place of values of the export (R80).
    pub corrections: &'a Corrections,
}

/// Reads, minimizes and stages everything that was pinned, each byte once.
///
/// # Errors
/// Input errors of any file, the first in file order; storage errors.
pub fn read(ready: &Ready, pinned: &Pinned, with: ReadWith<'_>, monitor: &dyn Monitor) -> Result<Read> {
    let plan = ready.plan();
    let stage = stage(ready, pinned)?;
    let request = ReadRequest {
        source: &plan.source,
        columns: plan.read_columns(),
        required: &(0..plan.read_columns().len()).collect::<Vec<_>>(),
        structures: Structures::Refuse,
        drop_bad_records: plan.limits.drop_bad_records,
        block_bytes: ready.call.block_bytes,
    };
    let root = ready.root(&plan.input.root);
    let (main, tally) = stream(ready, root, &pinned.main, &request, (Stream::Main, with), &stage, monitor)?;
    let (mut observed, mut observed_tallies) = (Vec::new(), Vec::new());
    for (index, (observe, selection)) in plan.observe.iter().zip(&pinned.observed).enumerate() {
        let request = ReadRequest {
            source: &observe.source,
            columns: &observe.columns,
            required: &(0..observe.columns.len()).collect::<Vec<_>>(),
            structures: Structures::Refuse,
            drop_bad_records: false,
            block_bytes: ready.call.block_bytes,
        };
        let root = ready.root(&observe.input.root);
        let stream_of = (Stream::Observed(index), with);
        let (report, tally) = stream(ready, root, selection, &request, stream_of, &stage, monitor)?;
        observed.push(report);
        observed_tallies.push(tally);
    }
    ready.call.stop.check()?;
    Ok(Read { staged: stage.finish()?, main, observed, tally, observed_tallies })
}

fn stage(ready: &Ready, pinned: &Pinned) -> Result<Stage> {
    let mut seed = [0; 32];
    key::random(&mut seed)?;
    let held = ready.call.memory_bytes.saturating_sub(ready.call.threads * WORKER_BYTES);
    let spill_store = SpillStore::new(held, ready.call.spill.clone(), seed)?;
    let buckets = (inflated_bytes(pinned) / BUCKET_BYTES).next_power_of_two().clamp(16, 4096);
    Ok(Stage::new(Minimizer::layout(ready.plan()), buckets as usize, spill_store))
}

fn inflated_bytes(pinned: &Pinned) -> u64 {
    let packed = |name: &str| [".gz", ".zip"].iter().any(|end| name.to_ascii_lowercase().ends_with(end));
    pinned.pins.iter().map(|pin| pin.bytes * if packed(&pin.object) { INFLATED } else { 1 }).sum()
}

fn stream(
    ready: &Ready,
    root: &Root,
    selection: &Selection,
    request: &ReadRequest<'_>,
    (stream, with): (Stream, ReadWith<'_>),
    stage: &Stage,
    monitor: &dyn Monitor,
) -> Result<(ReadReport, Tally)> {
    let minimizer = Minimizer::new(ready.plan(), &ready.keys, ready.as_of, stream)?;
    let reader = Reader::open(root, selection, request, monitor)?;
    let tallies =
        threads::side_by_side(ready.call.threads, || work(&reader, &minimizer, with, stage, &ready.call.stop));
    let tallies: Vec<Tally> = tallies.into_iter().collect::<Result<_>>()?;
    let tally = tallies.into_iter().reduce(|mut all, one| {
        all.merge(one);
        all
    });
    Ok((reader.finish()?, tally.unwrap_or_default()))
}

fn work(reader: &Reader<'_>, minimizer: &Minimizer, with: ReadWith<'_>, stage: &Stage, stop: &Stop) -> Result<Tally> {
    let (mut scratch, mut writer) = (Scratch::default(), stage.writer());
    let mut worker = minimizer.worker(with.known, with.row_clock, with.corrections);
    while let Some(mut batch) = reader.next(&mut scratch)? {
        stop.check()?;
        let input = batch.input;
        writer.append(worker.minimize(&mut batch).map_err(|error| error.within(reader.place(input)))?)?;
        scratch.recycle(batch);
    }
    writer.finish()?;
    Ok(worker.tally())
}

/// Hands up what was read, in numbers, for the gates: nothing of it is judged here.
///
/// # Errors
/// Storage errors; evidence errors of the ledger.
pub fn observed(ready: &Ready, pinned: &Pinned, read: &Read, stand_in: &StandIn) -> Result<Reading> {
    let plan = ready.plan();
    let fields = plan.fields.iter().zip(&read.tally.fields);
    let fields = fields.map(|(field, tally)| FieldRead {
        name: field.name.clone(),
        values: tally.values,
        untreated: tally.untreated,
        first: tally.first_untreated.and_then(|at| read.main.place(at.input, at.record)),
        limit: field.max_untreated,
        distinct: without_identifier(plan, field).then_some(tally.distinct.len() as u64),
        before: before(&ready.dataset.fields, &field.name),
    });
    let min_records = plan.source.complete.as_ref().map(|complete| complete.min_records);
    for ((observe, selection), report) in plan.observe.iter().zip(&pinned.observed).zip(&read.observed) {
        let said = said(ready, (&observe.source, &observe.input), selection)?;
        if let Some(said) = said.filter(|said| *said != report.records()) {
            let records = report.records();
            let what =
                format!("observed {}: it has {records} records, and its sender says {said}", observe.source.name);
            return Err(
                Error::new(Code::ExportCountDiffers, what).help("fetch the export again: records may be missing")
            );
        }
    }
    Ok(Reading {
        records: read.main.records(),
        said: said(ready, (&plan.source, &plan.input), &pinned.main)?,
        dropped: read.main.dropped(),
        set: pinned.main.set.clone(),
        before: published_set::records_before(ready, pinned.set()).zip(min_records),
        doubt: published_set::doubt(ready, pinned, read)?,
        first_seen: stand_in.told(),
        review: review(ready),
        notices: notices(plan, &read.tally),
        sign_off: sign_off(ready)?,
        fields: fields.collect(),
        columns: columns_read(ready, read),
    })
}

/// R85: rows without a notice that covers them.
fn notices(plan: &Plan, tally: &Tally) -> Option<NoticesRead> {
    let rules = plan.controls.notice.as_ref()?;
    Some(NoticesRead { left_out: tally.unnoticed, nulled: tally.partly_noticed, limit: rules.max_unnoticed })
}

/// R71: the day is a day of the job's zone, and the present counts, not the instant that rows are judged at.
fn review(ready: &Ready) -> Option<ReviewRead> {
    let plan = ready.plan();
    let (recipient, day) = plan.recipient.as_ref().and_then(|of| Some((of.name.clone(), of.review_by?)))?;
    Some(ReviewRead { recipient, review_by: day.to_string(), past: ready.call.now.day(&plan.zone) > day })
}

/// R76: what the controller has signed, where the purpose asks for it.
fn sign_off(ready: &Ready) -> Result<Option<SignOffRead>> {
    let plan = ready.plan();
    let Some(now) = ready.project.risks.get(&plan.job).filter(|_| plan.purpose.signed) else { return Ok(None) };
    let names: Vec<String> = ready.names.iter().chain([&plan.job]).cloned().collect();
    let entries = ready.state.ledger().entries()?;
    let signed = signature(&ready.state, &entries, &names)?;
    let signed = signed.map(|of| (of.at.to_seconds().to_string(), of.digest, of.profile));
    let breaches = breaches(&entries, &ready.dataset.dataset);
    Ok(Some(SignOffRead { signed, now: RiskProfile { breaches, ..now.clone() } }))
}

/// R64: how many records the sender says an export has, where the source says that it does.
fn said(ready: &Ready, (source, input): (&Source, &Location), selection: &Selection) -> Result<Option<u64>> {
    let count = source.complete.as_ref().and_then(|complete| complete.count.as_ref());
    count.map(|count| read::said_count(ready.root(&input.root), &selection.counts, count)).transpose()
}

/// Values and records of a field in the run before.
fn before(fields: &[FieldType], name: &str) -> Option<(u64, u64)> {
    let field = fields.iter().find(|field| field.name == name)?;
    Some((field.values, field.records))
}

/// Whether a field has tokens of a column that the source declares no identifier for.
fn without_identifier(plan: &Plan, field: &Field) -> bool {
    field.treat.treat() == Treat::Pseudonymize && field.from.is_some_and(|from| !plan.columns[from].identified)
}

/// Columns of identifiers with a limit, of the job's own source and of those it observes.
fn columns_read(ready: &Ready, read: &Read) -> Vec<ColumnRead> {
    let plan = ready.plan();
    let own = (&plan.source.name, plan.read_columns(), &read.tally, &read.main);
    let observed = plan.observe.iter().zip(&read.observed_tallies).zip(&read.observed);
    let observed =
        observed.map(|((observe, tally), report)| (&observe.source.name, &observe.columns[..], tally, report));
    let mut found = Vec::new();
    for (source, columns, tally, report) in std::iter::once(own).chain(observed) {
        for column in columns {
            let (Some(limit), Some(counts)) = (column.max_raw, tally.of_column(&column.name)) else { continue };
            found.push(ColumnRead {
                column: format!("{source}.{}", column.name),
                values: counts.values,
                raw: counts.raw,
                why: counts.whys().map(|(why, _)| why.as_str()).collect::<Vec<_>>().join(", "),
                first: counts.first_raw.and_then(|at| report.place(at.input, at.record)),
                limit,
            });
        }
    }
    found
}

/// Lets requests name values by their new identity that they name by a former one (R6). Without `state` nothing is
/// written.
///
/// # Errors
/// Storage errors.
pub fn renew(state: Option<&Root>, requests: &mut Requests, read: &Read) -> Result<()> {
    let all = std::iter::once(&read.tally).chain(&read.observed_tallies).flat_map(|tally| &tally.renewed);
    let mut learned = Vec::new();
    for renewed in all {
        let named = requests
            .effects(requests::half(&renewed.before))
            .iter()
            .filter(|found| found.bond() == requests::StoredBond::Named);
        let of = |found: &requests::EntryRef| Learned {
            entry: found.entry(),
            identity: renewed.now,
            bond: requests::StoredBond::Named,
            raw: renewed.raw,
        };
        learned.extend(named.map(of));
    }
    if learned.is_empty() {
        return Ok(());
    }
    requests.learn(state, &learned).map(|_| ())
}
