//! The evidence half of a run: intent before, manifest and ledger after, and the report that people see.

use super::causes;
use super::columns::{self, ColumnChanges};
use super::corrections::RunCorrections;
use super::pinned::Pinned;
use super::report::{Outcome, Report};
use super::scheduled;
use super::stand_in::SeenAfter;
use crate::clock::{self, Instant};
use crate::decide::{SharedBy, Verdict};
use crate::error::{Code, Error, Kind, Result};
use crate::evidence::LedgerEvent;
use crate::evidence::manifest::{
    self, Brake, ClocksIgnored, Drift, FieldEvidence, File, ForeignCommit, Identifiers, Input, Keys, ListApplied, Lost,
    Manifest, MemberEvidence, OtherRows, Output, Previous, RawCause, RecordVersions, Rejected, Removed, SCHEMA,
    SharedValues, UndatedEvidence,
};
use crate::job::{self, LeftAside, Ready};
use crate::minimize::{IdentifierTally, Tally, WhyRaw};
use crate::policy::{Column, Plan, TokenFormat};
use crate::publish::{self, ColumnType, Receipt, Written};
use crate::read::ReadReport;
use crate::requests::Requests;
use crate::state::{Current, Intent};
use crate::treatments::Treat;

/// A run that has begun.
pub struct Begun {
    /// What the run pinned before it read.
    pub intent: Intent,
    /// Number of the attempt at this run.
    pub attempt: u32,
    /// What lists and inputs left aside.
    pub aside: Vec<LeftAside>,
}

/// Begins a run: its intent is in `state` and in the ledger before a record is read.
///
/// # Errors
/// Storage errors.
pub fn intend(
    ready: &mut Ready,
    pinned: &Pinned,
    replaces: Option<u64>,
    requests: &Requests,
    aside: Vec<LeftAside>,
) -> Result<Begun> {
    let plan = ready.plan();
    let mut intent = Intent {
        run: String::new(),
        job: plan.job.clone(),
        at: ready.call.now,
        as_of: ready.as_of,
        plan: plan.digest.clone(),
        policy: ready.project.policy_digest.clone(),
        set: pinned.main.set.clone(),
        objects: pinned.pins.clone(),
        replaces,
        segment: requests.last_segment(),
        record: ready.dataset.seq,
        witness: Some(ready.state.witness()?),
    };
    let mut attempt = 1;
    if ready.call.scheduled {
        (intent, attempt) = scheduled::begin(ready, intent, pinned)?;
    } else {
        ready.state.begin(&mut intent, "")?;
    }
    ready.dataset.seen(ready.as_of);
    ready.dataset.stored = requests.stored(0);
    ready.state.save_dataset(&mut ready.dataset)?;
    ready.state.record_kinds(&job::kinds(&ready.project).into_keys().collect())?;
    let keys = ready.keys.ids();
    if ready.state.check_keys(&keys)? == crate::state::EpochState::New {
        ready.state.add_epoch(intent.of(1), &keys, ready.call.now)?;
    }
    Ok(Begun { intent, attempt, aside })
}

/// Writes down that a run stopped. When even that fails the first error is what counts.
pub fn refused(ready: &Ready, begun: &Begun, error: &Error, plan: Option<String>) {
    let event = LedgerEvent::Refused {
        job: begun.intent.job.clone(),
        as_of: begun.intent.as_of,
        exit: error.kind().exit_code(),
        code: Some(error.code().name().into()),
        cause: error.message().to_string(),
        plan,
    };
    let _ = ready.state.ledger().append(begun.intent.of(begun.attempt), event, ready.call.now);
}

/// An acceptance is for the next run alone: whatever came of that run, unless storage kept it from finding out, no later
/// one judges at its instant. When this fails the next run does it.
pub fn spend_accept(ready: &Ready, begun: &Begun, error: Option<&Error>) {
    let again = error.is_some_and(|error| error.kind() == Kind::Storage || error.kind().leaves_open());
    let accept = ready.accept.as_ref().filter(|accept| accept.as_of == ready.as_of && !again);
    if let Some(accept) = accept {
        let _ = ready.state.use_accept(&accept.job, &accept.plan, &begun.intent.run);
    }
}

/// What a manifest is made of, apart from files.
pub struct ManifestFacts<'a> {
    /// The run's id; of a plan empty.
    pub run: &'a str,
    /// Objects that were pinned before they were read.
    pub pinned: &'a Pinned,
    /// Files of the job's own export.
    pub main: &'a ReadReport,
    /// Files of observed sources.
    pub observed: &'a [ReadReport],
    /// Counts of values, by field and column.
    pub tally: &'a Tally,
    /// Those of observed sources.
    pub observed_tallies: &'a [Tally],
    /// Counts of rows, by reason and by gate.
    pub verdict: &'a Verdict,
    /// Persons that the next run has to know.
    pub seen: Option<&'a SeenAfter>,
    /// The date of the export, where rows are kept by it.
    pub export_date: Option<Instant>,
    /// Whether subjects could be compared with those of the version before (R35).
    pub comparable: bool,
    /// Digest that was accepted.
    pub accepted: Option<String>,
    /// Identities in force per list.
    pub lists: Vec<ListApplied>,
    /// Corrections of its source.
    pub corrections: &'a RunCorrections,
    /// What lists and inputs left aside.
    pub aside: &'a [LeftAside],
    /// How columns differ from those of the run before.
    pub changes: &'a ColumnChanges,
}

/// The manifest of a version about to be committed; `written` is none for a plan.
pub fn manifest(ready: &Ready, facts: &ManifestFacts<'_>, written: Option<&Written>) -> Manifest {
    let (plan, keys, verdict) = (ready.plan(), ready.keys.ids(), facts.verdict);
    Manifest {
        schema: SCHEMA,
        tamis: env!("CARGO_PKG_VERSION").into(),
        time_zones: Some(clock::zones_version().into()),
        kind: manifest::VersionKind::Run,
        run: facts.run.into(),
        attempt: written.map_or(1, |written| written.attempt),
        job: plan.job.clone(),
        purpose: plan.purpose.name.clone(),
        lawful_basis: plan.purpose.basis.name().into(),
        recipient: plan.recipient.as_ref().map(|recipient| recipient.name.clone()),
        as_of: ready.as_of,
        scope: if plan.retention.person { "person" } else { "row" }.into(),
        keep: plan.retention.keep.to_string(),
        undated: undated(ready, facts),
        about_nobody: ready.plan().source.nobody.clone(),
        plan: plan.digest.clone(),
        policy: ready.project.policy_digest.clone(),
        keys: Keys { identity: keys.identity.0, token: keys.token.0, epoch: keys.epoch },
        set: facts.pinned.main.set.clone(),
        inputs: inputs(ready, facts.main, facts.observed),
        lists: facts.lists.clone(),
        corrections: corrections(ready, facts),
        aside: facts.aside.iter().map(LeftAside::counted).collect(),
        rows_in: verdict.rows_in,
        rows_out: verdict.rows_out,
        removed: verdict.reasons.iter().map(|(reason, rows)| Removed { reason: reason.clone(), rows: *rows }).collect(),
        nulled: 0,
        others: others(plan, &verdict.others),
        versions: verdict.versions.map(|of| RecordVersions {
            superseded: of.superseded,
            ended: of.ended,
            doubtful: of.doubtful,
        }),
        absent: facts.comparable.then_some(verdict.absent),
        no_clock: verdict.no_clock,
        rejected: rejected(facts),
        causes: causes::of(plan, facts.tally, facts.main, &identifiers(ready, facts)),
        clocks_ignored: clocks_ignored(facts),
        fields: fields(ready, facts),
        identifiers: identifiers(ready, facts),
        largest_person: verdict.largest_person,
        not_published: not_published(ready),
        drift: drift(ready, facts),
        covered: columns::covered(&plan.source, &facts.main.covered, &facts.changes.new),
        renamed: facts.changes.renamed.clone(),
        emptied: facts.changes.emptied.clone(),
        lost: lost(ready, facts.main),
        links: "applied".into(),
        gates: verdict.gates.clone(),
        brake: Some(brake(plan, facts)),
        previous: ready.dataset.current.as_ref().map(previous),
        foreign: ready.passed.iter().map(passed).collect(),
        output: output(ready, written),
        witness: None,
    }
}

/// Numbers of the brake: what goes of the version before, or of the rows read where there is none.
fn brake(plan: &Plan, facts: &ManifestFacts<'_>) -> Brake {
    let of = facts.verdict.previous.unwrap_or(facts.verdict.rows_in);
    Brake {
        of,
        removed: of.saturating_sub(facts.verdict.rows_out),
        max_removed: plan.limits.max_removed.to_string(),
        accepted: facts.accepted.clone(),
    }
}

/// R68: other persons that rows may have, with the rows that stay without their cells.
fn others(plan: &Plan, rows: &[u64]) -> Vec<OtherRows> {
    let named = plan.controls.others.iter().zip(rows);
    named.map(|(other, rows)| OtherRows { name: other.name.clone(), rows: *rows }).collect()
}

fn previous(current: &Current) -> Previous {
    Previous { version: current.version, run: current.run.clone(), rows: current.rows }
}

/// Returns a commit of another program as the manifest has it.
pub fn passed(commit: &publish::Passed) -> ForeignCommit {
    ForeignCommit { version: commit.version, operation: commit.operation.clone() }
}

/// Objects that were read, those of the job's own export first.
pub fn inputs(ready: &Ready, main: &ReadReport, observed: &[ReadReport]) -> Vec<Input> {
    let plan = ready.plan();
    let mut all = reported(&plan.source.name, &plan.input.root, main);
    for (observe, report) in plan.observe.iter().zip(observed) {
        all.extend(reported(&observe.source.name, &observe.input.root, report));
    }
    all
}

/// Files of one archive become members of one input.
fn reported(source: &str, root: &str, report: &ReadReport) -> Vec<Input> {
    let mut inputs: Vec<Input> = Vec::new();
    for file in &report.inputs {
        let object = format!("{root}:{}", file.object.path);
        let member = MemberEvidence {
            name: file.member.clone(),
            records: file.records,
            dropped: file.dropped,
            blank: file.blank,
            encoding: file.encoding.clone(),
            blake3: file.blake3.clone(),
        };
        match inputs.last_mut().filter(|input| input.object == object) {
            Some(input) => input.members.push(member),
            None => inputs.push(Input {
                source: source.into(),
                object,
                etag: file.object.etag.clone(),
                version: file.object.version.clone(),
                bytes: file.object.bytes,
                members: vec![member],
                of_macos: file.of_macos,
            }),
        }
    }
    inputs
}

fn drift(ready: &Ready, facts: &ManifestFacts<'_>) -> Vec<Drift> {
    let main = facts.main;
    let names: Vec<String> = main.drift.iter().map(|drift| drift.name.clone()).collect();
    let told = |(column, first_seen): (String, _)| {
        let columns = main.drift.iter().find(|drift| drift.name == column).map(|drift| drift.columns);
        let new = facts.changes.new.contains(&column);
        Drift { column, first_seen, columns: columns.filter(|columns| *columns > 1), new }
    };
    ready.dataset.clone().drifted(&names, ready.as_of).into_iter().map(told).collect()
}

fn corrections(ready: &Ready, facts: &ManifestFacts<'_>) -> Vec<manifest::CorrectionEvidence> {
    let undeclared = |column: &str| facts.main.drift.iter().any(|drift| drift.name == column);
    facts.corrections.evidence(&facts.tally.corrections, next_version(ready), &undeclared)
}

fn lost(ready: &Ready, main: &ReadReport) -> Vec<Lost> {
    let names: Vec<String> = main.lost.iter().map(|lost| lost.name.clone()).collect();
    let told = |(column, first_seen): (String, _)| {
        let files = main.lost.iter().find(|lost| lost.name == column).map(|lost| lost.inputs as u64);
        Lost { column, first_seen, files: files.filter(|files| *files < main.inputs.len() as u64) }
    };
    ready.dataset.clone().missed(&names, ready.as_of).into_iter().map(told).collect()
}

fn rejected(facts: &ManifestFacts<'_>) -> Rejected {
    let first = facts.tally.clocks.iter().filter_map(|clock| clock.first_unreadable).min();
    Rejected {
        no_subject: facts.tally.no_subject,
        clock_unreadable: facts.tally.clock_unreadable,
        first_clock_unreadable: first.and_then(|at| facts.main.place(at.input, at.record)),
        exclude_unreadable: facts.tally.exclude_unreadable,
    }
}

fn fields(ready: &Ready, facts: &ManifestFacts<'_>) -> Vec<FieldEvidence> {
    let (tally, main) = (facts.tally, facts.main);
    let plan = ready.plan();
    let layout = crate::minimize::Minimizer::layout(plan);
    plan.fields
        .iter()
        .enumerate()
        .map(|(f, field)| FieldEvidence {
            name: field.name.clone(),
            from: field.from.map(|column| plan.columns[column].name.clone()),
            pattern: field
                .from
                .and_then(|column| plan.source.pattern_of(&plan.columns[column].name).map(str::to_owned)),
            subject: field.subject,
            treatment: field.treat.words(),
            keep: field.keep.map(|keep| keep.to_string()),
            other: field.other.map(|number| number as u64),
            data_type: ColumnType::of(layout.fields[f].kind, plan.token_format == TokenFormat::Binary).to_string(),
            values: tally.fields[f].values,
            emptied: emptied(ready, facts, &field.name, tally.fields[f].values),
            untreated: tally.fields[f].untreated,
            first_untreated: tally.fields[f].first_untreated.and_then(|at| main.place(at.input, at.record)),
            raw_forms: match field.treat.treat() {
                Treat::Pseudonymize => raw_forms(tally, field.from.map(|column| plan.columns[column].name.as_str())),
                _ => 0,
            },
            counts: tally.fields[f].counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
        })
        .collect()
}

/// Whether nothing was read for a field that the run before had values for.
fn emptied(ready: &Ready, facts: &ManifestFacts<'_>, name: &str, values: u64) -> bool {
    let before = ready.dataset.fields.iter().find(|field| field.name == name).map_or(0, |field| field.values);
    values == 0 && before > 0 && facts.verdict.rows_in > 0
}

fn raw_forms(tally: &Tally, column: Option<&str>) -> u64 {
    column.and_then(|column| tally.of_column(column)).map_or(0, |counts| counts.raw)
}

/// Columns that identities are made of, of the job's own source and of those it observes.
fn identifiers(ready: &Ready, facts: &ManifestFacts<'_>) -> Vec<Identifiers> {
    let plan = ready.plan();
    let published: Vec<usize> =
        plan.fields.iter().filter(|field| field.treat.treat() == Treat::Pseudonymize).filter_map(|f| f.from).collect();
    let own = (&plan.source.name, plan.read_columns(), &plan.controls, &published[..], facts.tally, facts.main);
    let observed = plan.observe.iter().zip(facts.observed_tallies).zip(facts.observed);
    let observed = observed.map(|((observe, tally), report)| {
        (&observe.source.name, &observe.columns[..], &observe.controls, &[][..], tally, report)
    });
    let mut all = Vec::new();
    for (source, columns, controls, published, tally, report) in std::iter::once(own).chain(observed) {
        for (at, column) in columns.iter().enumerate() {
            let uses = [
                ("key", controls.key == Some(at)),
                ("strong", controls.strong.contains(&at)),
                ("weak", controls.weak.contains(&at)),
                ("published", published.contains(&at)),
            ];
            let uses = uses.into_iter().filter(|(_, is)| *is).map(|(name, _)| name.to_owned()).collect();
            if let Some(counts) = tally.of_column(&column.name) {
                let own = std::ptr::eq(columns, plan.read_columns());
                let shared = facts.verdict.shared.iter().find(|shared| own && shared.column == at);
                let found = identifier(source, column, uses, &counts, report);
                all.push(Identifiers { shared: shared.map(shared_values), ..found });
            }
        }
    }
    all
}

fn identifier(
    source: &str,
    column: &Column,
    uses: Vec<String>,
    counts: &IdentifierTally,
    report: &ReadReport,
) -> Identifiers {
    let cause = |(why, values): (WhyRaw, u64)| RawCause { cause: why.as_str().into(), values };
    Identifiers {
        source: source.into(),
        column: column.name.clone(),
        uses,
        kind: column.identifier.kind.clone(),
        values: counts.values,
        normal: counts.values - counts.raw,
        raw: counts.raw,
        why: counts.whys().map(cause).collect(),
        first_raw: counts.first_raw.and_then(|at| report.place(at.input, at.record)),
        unseen: counts.unseen,
        partial: counts.partial,
        first_partial: counts.first_partial.and_then(|at| report.place(at.input, at.record)),
        max_raw: column.max_raw.map(|share| share.to_string()),
        shared: None,
    }
}

fn shared_values(shared: &SharedBy) -> SharedValues {
    SharedValues { values: shared.values, more_than: shared.limit, most: shared.most }
}

fn not_published(ready: &Ready) -> Vec<String> {
    let plan = ready.plan();
    let published = |name: &String| plan.fields.iter().any(|f| f.from.is_some_and(|c| plan.columns[c].name == *name));
    let mut names: Vec<String> = plan.source.listed.iter().filter(|name| !published(name)).cloned().collect();
    names.sort();
    names
}

/// What stands in for a clock of the export (R42).
fn undated(ready: &Ready, facts: &ManifestFacts<'_>) -> Option<UndatedEvidence> {
    let retention = &ready.plan().retention;
    Some(UndatedEvidence {
        clock: retention.undated?.name().into(),
        reason: retention.reason.clone(),
        export_date: facts.export_date,
        persons: facts.seen.map(|seen| seen.read),
        new: facts.seen.map(|seen| seen.new),
    })
}

fn clocks_ignored(facts: &ManifestFacts<'_>) -> ClocksIgnored {
    ClocksIgnored {
        sentinel: facts.tally.clocks.iter().map(|clock| clock.sentinels).sum(),
        future: facts.tally.clocks.iter().map(|clock| clock.future).sum(),
    }
}

/// The version that a commit makes now.
fn next_version(ready: &Ready) -> u64 {
    ready.dataset.current.as_ref().map_or(0, |current| current.version + 1 + ready.passed.len() as u64)
}

fn output(ready: &Ready, written: Option<&Written>) -> Output {
    let target = ready.target();
    let file = |path: String, rows, bytes, blake3: &String| File { path, rows, bytes, blake3: blake3.clone() };
    let files = written.map_or(&[][..], |written| &written.files);
    Output {
        dataset: ready.dataset.dataset.clone(),
        version: next_version(ready),
        files: files.iter().map(|f| file(target.file(&f.name), f.rows, f.bytes, &f.blake3)).collect(),
        companions: files
            .iter()
            .map(|f| file(f.companion.clone(), f.rows, f.companion_bytes, &f.companion_blake3))
            .collect(),
        first_seen: None,
    }
}

/// The commit must be the one whose manifest was prepared.
///
/// # Errors
/// Evidence, when the log holds another attempt or version.
pub fn check_receipt(receipt: &Receipt, manifest: &Manifest) -> Result<()> {
    if receipt.manifest == manifest.digest()? && receipt.version == manifest.output.version {
        return Ok(());
    }
    Err(Error::new(
        Code::StatePartChanged,
        format!("run {}: version {} carries another manifest", manifest.run, receipt.version),
    )
    .help("nothing of this run was published: two processes were at work on this job; run it again"))
}

/// Makes what people and programs see of a run.
pub fn report(ready: &Ready, manifest: Manifest, verdict: &Verdict, head: Option<String>, digest: String) -> Report {
    Report {
        schema: "tamis-report/1",
        outcome: if head.is_some() { Outcome::Published } else { Outcome::Planned },
        observed: verdict.observed,
        plan_digest: digest,
        stops: Vec::new(),
        exit: 0,
        aside: Vec::new(),
        hints: verdict
            .hints
            .iter()
            .filter(|hint| hint.saved > 0)
            .map(|hint| format!("without the field {}, {} fewer rows would be suppressed", hint.field, hint.saved))
            .collect(),
        ledger_head: head,
        location: ready.location(),
        manifest,
    }
}
