//! The reading half of a run: requests taken in, a set pinned, every record read once and staged.

use super::prepare::Ready;
use super::published_set;
use super::stop::Stop;
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::evidence::{RunRef, ledger, segments};
use crate::gates::{ColumnRead, FieldRead, Reading};
use crate::key::{Key, Keyring};
use crate::minimize::{IdentityMaker, Minimizer, Stream, Tally};
use crate::monitor::{Event, Monitor};
use crate::policy::{Complete, Field, Identifier, Location, Plan, Project};
use crate::read::{self, ReadReport, ReadRequest, Reader, Scratch, Selection};
use crate::requests::{IntakeReport, LiftEnds, Requests};
use crate::stage::{Stage, Staged, Vault};
use crate::state::{self, Pin, State};
use crate::store::Root;
use crate::treatments::Treat;
use crate::{key, requests, threads};
use std::collections::BTreeMap;

/// Bytes of export per bucket: some thirty thousand rows, so that a worker holds a few MiB of one.
const BUCKET_BYTES: u64 = 16 << 20;
/// What a worker holds apart from rows, and the budget counts: two uploads of two parts, blocks, a bucket, row groups,
/// and what the allocator keeps of them.
const WORKER_BYTES: usize = 60 << 20;
/// Lifts that end nothing and are told one by one.
const IDLE_LIFTS_TOLD: usize = 20;
/// What a compressed byte may become.
const INFLATED: u64 = 8;

/// The objects of a run, fixed before anything is read.
pub struct Pinned {
    /// The job's own.
    pub main: Selection,
    /// Those of each observed source, in the job's order.
    pub observed: Vec<Selection>,
    /// All of them as pins, the job's own first.
    pub pins: Vec<Pin>,
}

impl Pinned {
    /// One digest over what a verdict depends on: objects as pinned, and the resolved specs.
    pub fn digest(&self, plan: &Plan) -> String {
        format!("{}:{}", state::pins(&self.pins), plan.digest)
    }

    /// The set's name; empty for inputs without one.
    pub fn set(&self) -> &str {
        self.main.set.as_deref().unwrap_or("")
    }
}

/// Says whether a request names an identity.
pub type Asked<'a> = dyn Fn(&[u8; 32]) -> bool + Sync + 'a;

/// What reading gave.
pub struct Read {
    /// Rows by bucket.
    pub staged: Staged,
    /// Files of the job's own export.
    pub main: ReadReport,
    /// Files of observed sources.
    pub observed: Vec<ReadReport>,
    /// Counts of values.
    pub tally: Tally,
    /// Those of observed sources.
    pub observed_tallies: Vec<Tally>,
}

/// The requests that are stored, as many as the ledger knows of.
///
/// # Errors
/// Evidence, when some are missing or damaged; storage.
pub fn stored(state: &State, identity: &Key) -> Result<Requests> {
    // Before they are read: another process may be storing some.
    let known = state.ledger().segment()?;
    let mut requests = Requests::open(state.root(), identity)?;
    let last = requests.last_segment();
    if last < known {
        return Err(Error::evidence(format!("stored requests end at segment {last}, and the ledger knows of {known}"))
            .help(
                "restore state:requests from a backup; a run without it would publish persons who asked for erasure",
            ));
    }
    requests.saw(state.witness()?);
    Ok(requests)
}

/// The segments are the ones that the dataset's record names, as far as they have not been merged.
fn same_segments(ready: &Ready, requests: &Requests) -> Result<()> {
    let now = requests.stored(0);
    let other = |(file, digest): &(&String, &String)| now.get(*file).is_some_and(|found| found != *digest);
    let Some((file, _)) = ready.dataset.stored.iter().find(other) else { return Ok(()) };
    let place = ready.state.root().display(&format!("{}/{file}", segments::FOLDER));
    Err(Error::evidence(format!("{place} is not the segment that the last run knew"))
        .help("bring the newest copy of state:requests back: this one may lack requests"))
}

/// Takes in the lists of the policy; what is readable is stored in any case.
///
/// # Errors
/// Storage, or a policy error of a list. What a list has wrong is in the report.
pub fn requests(ready: &Ready, save: bool, monitor: &dyn Monitor) -> Result<(Requests, IntakeReport)> {
    let known = stored(&ready.state, &ready.keys.identity)?;
    same_segments(ready, &known)?;
    Intake::of(ready).take_in_with(known, save, monitor)
}

/// Says which lifts end nothing: whoever wrote one meant somebody to be processed again (R30).
fn tell_idle_lifts(known: &Requests, monitor: &dyn Monitor) {
    let idle = known.idle_lifts();
    let said = |(lift, ends): &(u32, LiftEnds)| {
        let lift = known.entry(*lift);
        format!("list {}: lifts nothing: {}", lift.list, ends.why_nothing(lift.lifts.unwrap_or_default()))
    };
    for line in idle.iter().take(IDLE_LIFTS_TOLD).map(said) {
        monitor.event(Event::Warning(line));
    }
    if idle.len() > IDLE_LIFTS_TOLD {
        let more = idle.len() - IDLE_LIFTS_TOLD;
        monitor.event(Event::Warning(format!("{more} more lift nothing: `tamis status` names them")));
    }
}

/// Says in the ledger what was taken in, when there is something new.
///
/// # Errors
/// Storage errors.
pub fn note_intake(ready: &Ready, requests: &Requests, intake: &IntakeReport) -> Result<()> {
    Intake::of(ready).note(requests, intake)
}

/// What taking in requests needs, of a job or of none.
pub struct Intake<'a> {
    /// The state.
    pub state: &'a State,
    /// Keys in use.
    pub keys: &'a Keyring,
    /// Opened roots.
    pub roots: &'a BTreeMap<String, Root>,
    /// All specs.
    pub project: &'a Project,
    /// The present.
    pub now: Instant,
}

impl<'a> Intake<'a> {
    fn of(ready: &'a Ready) -> Intake<'a> {
        let Ready { state, keys, roots, project, call, .. } = ready;
        Intake { state, keys, roots, project, now: call.now }
    }

    /// Takes in the lists of the policy.
    ///
    /// # Errors
    /// As [`requests()`].
    pub fn take_in(&self, save: bool, monitor: &dyn Monitor) -> Result<(Requests, IntakeReport)> {
        self.take_in_with(stored(self.state, &self.keys.identity)?, save, monitor)
    }

    fn take_in_with(&self, mut known: Requests, save: bool, monitor: &dyn Monitor) -> Result<(Requests, IntakeReport)> {
        let maker = |identifier: &Identifier| -> Result<requests::Maker> {
            let maker = IdentityMaker::new(self.keys, identifier);
            Ok(Box::new(move |value: &str| maker.make(value, None)))
        };
        let state = save.then(|| self.state.root());
        let report = requests::take_in(&mut known, state, self.roots, self.project, &maker, self.now, monitor)?;
        if let Some(state) = state {
            known.compact(state)?;
        }
        tell_idle_lifts(&known, monitor);
        Ok((known, report))
    }

    /// Says in the ledger what was taken in.
    ///
    /// # Errors
    /// As [`note_intake`].
    pub fn note(&self, requests: &Requests, intake: &IntakeReport) -> Result<()> {
        let told = |list: &requests::ListIntake| {
            let intake = ledger::Intake {
                files: list.objects - list.unchanged,
                rows: list.records,
                stored: list.new,
                unreadable: list.unreadable,
                lifted: list.lifted,
                returned: list.returned,
                digests: list.digests.clone(),
            };
            (list.list.clone(), intake)
        };
        let lists: BTreeMap<_, _> =
            intake.lists.iter().filter(|l| l.new + l.unreadable + l.lifted + l.returned > 0).map(told).collect();
        if lists.is_empty() {
            return Ok(());
        }
        let of = RunRef { run: &format!("requests-{}", self.now), attempt: 1, since: self.now };
        let stored = requests.stored(self.state.ledger().segment()?);
        let event = ledger::Event::Requests { lists, segment: requests.last_segment(), stored };
        self.state.ledger().append(of, event, self.now).map(|_| ())
    }
}

/// Chooses the set and pins its objects and those of the observed sources.
///
/// # Errors
/// Input, when no set is complete or an observed source is missing there (R26).
pub fn pin(ready: &Ready) -> Result<Pinned> {
    let plan = ready.plan();
    let complete = plan.source.complete.as_ref();
    let root = ready.root(&plan.input.root);
    let main = match ready.earlier.as_ref().and_then(|earlier| earlier.set.as_deref()) {
        Some(set) => read::select_set(root, &plan.input, complete, ready.call.now, set)?,
        None => read::select(root, &plan.input, complete, ready.call.now)?,
    };
    let mut pins = pins(&plan.input, &main);
    let mut observed = Vec::new();
    for observe in &plan.observe {
        let root = ready.root(&observe.input.root);
        let selection = observed_set(root, &observe.input, observe.source.complete.as_ref(), ready, &main)?;
        pins.extend(self::pins(&observe.input, &selection));
        observed.push(selection);
    }
    Ok(Pinned { main, observed, pins })
}

fn observed_set(
    root: &Root,
    input: &Location,
    complete: Option<&Complete>,
    ready: &Ready,
    main: &Selection,
) -> Result<Selection> {
    match &main.set {
        Some(set) if input.path.contains("{set}") => read::select_set(root, input, complete, ready.call.now, set),
        _ => read::select(root, input, complete, ready.call.now),
    }
}

fn pins(input: &Location, selection: &Selection) -> Vec<Pin> {
    selection.objects.iter().map(|object| Pin::of(&input.root, object)).collect()
}

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

/// Hands up what was read, in numbers, for the gates: nothing of it is judged here.
///
/// # Errors
/// Storage errors; evidence errors of the ledger.
pub fn observed(ready: &Ready, pinned: &Pinned, read: &Read) -> Result<Reading> {
    let plan = ready.plan();
    let fields = plan.fields.iter().zip(&read.tally.fields);
    let fields = fields.map(|(field, tally)| FieldRead {
        name: field.name.clone(),
        values: tally.values,
        untreated: tally.untreated,
        first: tally.first_untreated.and_then(|at| read.main.place(at.input, at.record)),
        limit: field.max_untreated,
        distinct: without_identifier(plan, field).then_some(tally.distinct.len() as u64),
    });
    let min_records = plan.source.complete.as_ref().map(|complete| complete.min_records);
    Ok(Reading {
        records: read.main.records(),
        dropped: read.main.dropped(),
        set: pinned.main.set.clone(),
        before: published_set::records_before(ready, pinned.set()).zip(min_records),
        doubt: published_set::doubt(ready, pinned, read)?,
        fields: fields.collect(),
        columns: columns_read(ready, read),
    })
}

/// Whether a field has tokens of a column that the source declares no identifier for.
fn without_identifier(plan: &Plan, field: &Field) -> bool {
    field.treat.treat() == Treat::Pseudonymize && field.from.is_some_and(|from| !plan.columns[from].identified)
}

/// Columns of identifiers with a limit, of the job's own source and of those it observes.
fn columns_read(ready: &Ready, read: &Read) -> Vec<ColumnRead> {
    let plan = ready.plan();
    let own = (&plan.source.name, &plan.columns, &read.tally, &read.main);
    let observed = plan.observe.iter().zip(&read.observed_tallies).zip(&read.observed);
    let observed = observed.map(|((observe, tally), report)| (&observe.source.name, &observe.columns, tally, report));
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
