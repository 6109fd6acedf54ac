//! The reading half of a run: requests taken in, a set pinned, every record read once and staged.

use super::pinned::{Pinned, Read};
use super::published_set;
use crate::decide::{self, Distinct, RawValues, Untreated};
use crate::error::{Code, Error, Result};
use crate::job::{Ready, Stop};
use crate::minimize::{Minimizer, Stream, Tally};
use crate::monitor::Monitor;
use crate::policy::Plan;
use crate::read::{ReadReport, ReadRequest, Reader, Scratch, Selection};
use crate::requests::{Learned, Requests};
use crate::stage::{Stage, Vault};
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
pub type Asked<'a> = dyn Fn(&[u8; 32]) -> bool + Sync + 'a;

/// Reads, minimizes and stages everything that was pinned, each byte once. `known` says whether a request names an
/// identity.
///
/// # Errors
/// Input errors of any file, the first in file order; storage errors.
pub fn read(ready: &Ready, pinned: &Pinned, known: &Asked<'_>, monitor: &dyn Monitor) -> Result<Read> {
    let plan = ready.plan();
    let stage = stage(ready, pinned)?;
    let request = ReadRequest {
        source: &plan.source,
        columns: &plan.columns,
        required: &(0..plan.columns.len()).collect::<Vec<_>>(),
        drop_bad_records: plan.limits.drop_bad_records,
        block_bytes: ready.call.block_bytes,
    };
    let root = ready.root(&plan.input.root);
    let (main, tally) = stream(ready, root, &pinned.main, &request, (Stream::Main, known), &stage, monitor)?;
    let (mut observed, mut observed_tallies) = (Vec::new(), Vec::new());
    for (index, (observe, selection)) in plan.observe.iter().zip(&pinned.observed).enumerate() {
        let request = ReadRequest {
            source: &observe.source,
            columns: &observe.columns,
            required: &(0..observe.columns.len()).collect::<Vec<_>>(),
            drop_bad_records: false,
            block_bytes: ready.call.block_bytes,
        };
        let root = ready.root(&observe.input.root);
        let stream_of = (Stream::Observed(index), known);
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
    let vault = Vault::new(held, ready.call.spill.clone(), seed)?;
    let buckets = (inflated_bytes(pinned) / BUCKET_BYTES).next_power_of_two().clamp(16, 4096);
    Ok(Stage::new(Minimizer::layout(ready.plan()), buckets as usize, vault))
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
    (stream, known): (Stream, &Asked<'_>),
    stage: &Stage,
    monitor: &dyn Monitor,
) -> Result<(ReadReport, Tally)> {
    let minimizer = Minimizer::new(ready.plan(), &ready.keys, ready.as_of, stream)?;
    let reader = Reader::open(root, selection, request, monitor)?;
    let tallies =
        threads::side_by_side(ready.call.threads, || work(&reader, &minimizer, known, stage, &ready.call.stop));
    let tallies: Vec<Tally> = tallies.into_iter().collect::<Result<_>>()?;
    let tally = tallies.into_iter().reduce(|mut all, one| {
        all.merge(one);
        all
    });
    Ok((reader.finish()?, tally.unwrap_or_default()))
}

fn work(reader: &Reader<'_>, minimizer: &Minimizer, known: &Asked<'_>, stage: &Stage, stop: &Stop) -> Result<Tally> {
    let (mut scratch, mut worker, mut writer) = (Scratch::default(), minimizer.worker(known), stage.writer());
    while let Some(batch) = reader.next(&mut scratch)? {
        stop.check()?;
        writer.append(worker.minimize(&batch).map_err(|error| error.within(reader.place(batch.input)))?)?;
        scratch.recycle(batch);
    }
    writer.finish()?;
    Ok(worker.tally())
}

/// Limits on what was read: the set's size (`min_records`), untreated values (R37), tokens that hide nothing (R21).
///
/// # Errors
/// Input for a set too small, gate for the others.
pub fn check(ready: &Ready, pinned: &Pinned, read: &Read) -> Result<()> {
    let plan = ready.plan();
    min_records(ready, pinned, read)?;
    let field = |f: usize| (&plan.fields[f], &read.tally.fields[f]);
    let untreated: Vec<Untreated<'_>> = (0..plan.fields.len())
        .map(field)
        .map(|(f, t)| Untreated {
            field: &f.name,
            untreated: t.untreated,
            first: t.first_untreated.and_then(|at| read.main.place(at.input, at.record)),
            values: t.values,
            limit: f.max_untreated,
        })
        .collect();
    decide::check_untreated(&untreated)?;
    let rows = read.main.records();
    let distinct: Vec<Distinct<'_>> = (0..plan.fields.len())
        .map(field)
        .filter(|(f, _)| f.treat.treat() == Treat::Pseudonymize)
        .filter_map(|(f, t)| {
            let identified = plan.columns[f.from?].identified;
            Some(Distinct { field: &f.name, identified, distinct: t.distinct.len() as u64, rows })
        })
        .collect();
    decide::check_distinct(&distinct)?;
    decide::check_raw(&raw_values(ready, read))
}

/// What `max_raw` limits: columns with a limit, of the job's own source and of those it observes.
fn raw_values(ready: &Ready, read: &Read) -> Vec<RawValues> {
    let plan = ready.plan();
    let own = (&plan.source.name, &plan.columns, &read.tally, &read.main);
    let observed = plan.observe.iter().zip(&read.observed_tallies).zip(&read.observed);
    let observed = observed.map(|((observe, tally), report)| (&observe.source.name, &observe.columns, tally, report));
    let mut found = Vec::new();
    for (source, columns, tally, report) in std::iter::once(own).chain(observed) {
        for column in columns {
            let (Some(limit), Some(counts)) = (column.max_raw, tally.of_column(&column.name)) else { continue };
            found.push(RawValues {
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

fn min_records(ready: &Ready, pinned: &Pinned, read: &Read) -> Result<()> {
    let plan: &Plan = ready.plan();
    let (Some(complete), Some(before)) = (&plan.source.complete, published_set::records_before(ready, pinned.set()))
    else {
        return Ok(());
    };
    let records = read.main.records();
    let least = u128::from(before) * u128::from(complete.min_records.0);
    if u128::from(records) * 1_000_000 >= least {
        return Ok(());
    }
    Err(Error::new(
        Code::ExportShrank,
        format!("set {} has {records} records, the set before it had {before}", pinned.set()),
    )
    .help("the export may be cut short: export again; if persons really left, lower complete.min_records for this run"))
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
        let named = requests.effects(&renewed.before).iter().filter(|found| found.bond() == requests::Bond::Named);
        let of = |found: &requests::EntryRef| Learned {
            entry: found.entry(),
            identity: renewed.now,
            bond: requests::Bond::Named,
            raw: renewed.raw,
        };
        learned.extend(named.map(of));
    }
    if learned.is_empty() {
        return Ok(());
    }
    requests.learn(state, &learned).map(|_| ())
}
