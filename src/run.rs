//! What a run and a plan do, in their order: requests are taken in, a set is pinned, all of it is judged (`judge`), then
//! published and attested, each step taking the product of the one before.
//! Must not know argv nor the terminal.

mod attest;
mod causes;
pub(crate) mod columns;
mod corrections;
mod input;
pub(crate) mod judge;
pub(crate) mod pinned;
mod previous;
mod published_set;
mod report;
mod scheduled;
mod stand_in;

pub(crate) use attest::{check_receipt, passed};
pub use report::{Outcome, Report};
pub use scheduled::Ran;

use crate::decide::{Links, Verdict};
use crate::error::{Error, Result};
use crate::evidence::Manifest;
use crate::gates;
use crate::job::matching::{self, Followed};
use crate::job::{Call, Ready, Watched, alone, aside, intake, recover};
use crate::monitor::{Monitor, Silent};
use crate::publish::{self, Commit, CurrentTable, Writing, Written};
use crate::requests::{IntakeReport, Requests};
use crate::sweep::{seen_file, settle};
use attest::Begun;
use columns::SeenColumns;
use judge::{Aim, JudgedRun, RunFindings, judge};
use pinned::{Pinned, pin};

/// Runs a job: publishes one version and its evidence, or refuses; then lists and retention are applied to the version
/// that is there, so that a bad night keeps nobody online. It holds the job's lease meanwhile.
///
/// # Errors
/// Any kind; from the intent on every refusal is in the ledger. One after a commit says which version was published.
pub fn run(call: &Call, monitor: &dyn Monitor) -> Result<Report> {
    // What is wrong with specs, keys and state is said before anybody is kept waiting.
    let ready = Ready::prepare(call, monitor)?;
    alone(&ready, monitor, |call| {
        let mut ready = Ready::prepare(call, monitor)?;
        ready.state.check_clock(call.now)?;
        let table = recover::unfinished(&mut ready)?;
        from_requests(ready, table, monitor)
    })
}

/// Runs a job at a scheduled instant (`as_of`): begins that run, resumes it, or finds it published (R28). The lease
/// is the caller's, by [`crate::job::held`].
///
/// # Errors
/// As [`run`].
pub fn run_scheduled(call: &Call, monitor: &dyn Monitor) -> Result<Ran> {
    let mut ready = Ready::prepare(call, monitor)?;
    ready.state.check_clock(call.now)?;
    let table = recover::unfinished(&mut ready)?;
    if scheduled::published(&ready)? {
        return Ok(Ran::Before);
    }
    from_requests(ready, table, monitor).map(|report| Ran::Now(Box::new(report)))
}

/// From here on the published version gets its sweep, whatever stops the run before its commit.
fn from_requests(mut ready: Ready, table: Option<CurrentTable>, monitor: &dyn Monitor) -> Result<Report> {
    ready.call.stop.check()?;
    let watched = Watched { monitor, stop: ready.call.stop.clone() };
    let (mut requests, intake) = intake::requests(&ready, true, monitor)?;
    intake::note_intake(&ready, &requests, &intake)?;
    let begun = begin(&mut ready, table.as_ref(), &requests, &intake);
    let (pinned, begun) = begun.map_err(|error| settle::refused(&mut ready, &mut requests, error, monitor))?;
    let mut digest = None;
    let prepared = match intake.refusal() {
        Some(refusal) => Err(refusal),
        None => version(&ready, &begun, &pinned, &mut requests, table.as_ref(), &mut digest, &watched),
    };
    let prepared = prepared.map_err(|error| {
        attest::refused(&ready, &begun, &error, digest);
        settle::refused(&mut ready, &mut requests, error, monitor)
    });
    let published = prepared.and_then(|prepared| publish(&mut ready, &begun, &mut requests, prepared, table.as_ref()));
    attest::spend_accept(&ready, &begun, published.as_ref().err());
    if published.is_ok() {
        intake::keep(&ready, requests);
    }
    published.map(|report| Report { aside: begun.aside, ..report })
}

fn begin(
    ready: &mut Ready,
    table: Option<&CurrentTable>,
    requests: &Requests,
    intake: &IntakeReport,
) -> Result<(Pinned, Begun)> {
    let pinned = pin(ready)?;
    let aside = aside::found(ready.plan(), intake, &pinned.main, &pinned.observed);
    let begun = attest::intend(ready, &pinned, table.map(|table| table.version), requests, aside)?;
    Ok((pinned, begun))
}

/// Does all of a run up to the verdict and writes nothing.
///
/// # Errors
/// Those of a run before it publishes; gates and limits are in the report instead.
pub fn plan(call: &Call, monitor: &dyn Monitor) -> Result<Report> {
    let mut ready = Ready::prepare(call, monitor)?;
    ready.passed = recover::unpublished(&ready)?;
    let (mut requests, intake) = intake::requests(&ready, false, monitor)?;
    let pinned = pin(&ready)?;
    let aside = aside::found(ready.plan(), &intake, &pinned.main, &pinned.observed);
    let JudgedRun { judged, findings } = judge(&ready, &pinned, &mut requests, Aim::Tell, monitor)?;
    let manifest = attest::manifest(&ready, &findings.facts("", &pinned, &aside, None), None);
    let digest = findings.verdict.digest(&findings.inputs(&pinned, ready.plan()))?;
    let mut report = attest::report(&ready, manifest, &findings.verdict, None, digest);
    report.aside = aside;
    let vetoes = judged.vetoes();
    let accepted = ready.accept.as_ref().is_some_and(|accept| accept.plan == report.plan_digest)
        && vetoes.iter().all(|veto| veto.acceptable);
    let refused = gates::refusal(&vetoes).filter(|_| !accepted);
    report.exit = intake.refusal().or(refused).map_or(0, |error| error.kind().exit_code());
    report.stops.extend(vetoes.into_iter().map(|veto| veto.message));
    report.stops.extend(intake.refusal().map(|error| error.message().to_string()));
    Ok(report)
}

/// A version whose files and manifest are written and that no log names yet.
struct Prepared {
    written: Written,
    manifest: Manifest,
    /// Digest of the manifest's bytes.
    digest: String,
    verdict: Verdict,
    plan_digest: String,
    /// Requests that rows read are reached by.
    links: Links,
    /// The columns of the export, for the record.
    columns: SeenColumns,
    /// Whose rows corrections were laid over.
    corrected: corrections::CorrectedTokens,
}

/// Everything of a run before the commit.
fn version(
    ready: &Ready,
    begun: &Begun,
    pinned: &Pinned,
    requests: &mut Requests,
    table: Option<&CurrentTable>,
    digest: &mut Option<String>,
    monitor: &dyn Monitor,
) -> Result<Prepared> {
    let JudgedRun { judged, findings } = judge(ready, pinned, requests, Aim::Publish, monitor)?;
    ready.call.stop.check()?;
    let plan_digest = findings.verdict.digest(&findings.inputs(pinned, ready.plan()))?;
    let accepted = ready.accept.as_ref().is_some_and(|accept| accept.plan == plan_digest);
    let acceptable = judged.vetoes().iter().all(|veto| veto.acceptable);
    *digest = acceptable.then(|| plan_digest.clone());
    let cleared = judged.clear(accepted);
    let cleared = cleared.map_err(|error| if acceptable { offer(error, ready, &plan_digest) } else { error })?;
    let written = publish::write(&cleared, &ready.target(), &writing(ready, begun, table), monitor)?;
    let facts = findings.facts(&begun.intent.run, pinned, &begun.aside, accepted.then(|| plan_digest.clone()));
    let mut manifest = attest::manifest(ready, &facts, Some(&written));
    if let Some(seen) = &findings.seen {
        let file = seen.persons.write(&ready.target(), &begun.intent.run, begun.attempt)?;
        manifest.output.first_seen = Some(seen_file(file));
    }
    manifest.witness = Some(ready.state.witness()?);
    let digest = ready.state.put_manifest(&manifest)?;
    ready.call.stop.check()?;
    let corrected = findings.corrected();
    let RunFindings { verdict, links, columns, .. } = findings;
    Ok(Prepared { written, manifest, digest, verdict, plan_digest, links, columns, corrected })
}

fn writing<'a>(ready: &Ready, begun: &'a Begun, table: Option<&'a CurrentTable>) -> Writing<'a> {
    Writing {
        run: &begun.intent.run,
        attempt: begun.attempt,
        binary_tokens: ready.plan().token_format == crate::policy::TokenFormat::Binary,
        subject_field: ready.plan().subject_field(),
        threads: ready.call.threads,
        current: table,
    }
}

/// The commit and what follows it. An error from here on does not say that the version is not there, unless it says so:
/// no refusal is written, the next run looks.
fn publish(
    ready: &mut Ready,
    begun: &Begun,
    requests: &mut Requests,
    prepared: Prepared,
    table: Option<&CurrentTable>,
) -> Result<Report> {
    let commit = Commit {
        app: &format!("tamis/{}", ready.call.job),
        sequence: prepared.manifest.output.version as i64,
        manifest: &prepared.digest,
        expected: table,
        may: &|| ready.may_commit(ready.call.now),
    };
    let receipt = publish::commit(&prepared.written, &ready.target(), &commit)?;
    let manifest = scheduled::winner(ready, &receipt, &prepared.manifest)?;
    attest::check_receipt(&receipt, &manifest)?;
    let (dataset, version) = (manifest.output.dataset.clone(), manifest.output.version);
    published(ready, begun, requests, prepared, manifest).map_err(|error| error.after_publishing(&dataset, version))
}

/// What is written of a version that is published.
fn published(
    ready: &mut Ready,
    begun: &Begun,
    requests: &mut Requests,
    prepared: Prepared,
    manifest: Manifest,
) -> Result<Report> {
    let behind = settle::behind(ready);
    ready.dataset.columns = prepared.columns;
    ready.dataset.history = recover::history(&ready.target(), &ready.dataset.history);
    ready.state.remember(&mut ready.dataset, &begun.intent, &manifest, ready.call.now)?;
    manifest.output.check_present(ready.target().lake, ready.state.root())?;
    corrections::tell(ready, &manifest.corrections, &prepared.corrected)?;
    // Requests of another attempt that was first are its own to note: the next run or sweep does it.
    if manifest.attempt == begun.attempt {
        ready.call.caller.check_hold()?;
        let watched = Watched { monitor: &Silent, stop: ready.call.stop.clone() };
        if matching::note(ready, requests, &prepared.links, (Followed::Export, behind), &watched)? {
            settle::noted(ready, requests)?;
        }
    }
    let head = ready.state.ledger().head()?.to_string();
    Ok(attest::report(ready, manifest, &prepared.verdict, Some(head), prepared.plan_digest))
}

/// Says how to let a refused plan through, when that can be done.
fn offer(error: Error, ready: &Ready, digest: &str) -> Error {
    let (job, as_of) = (&ready.call.job, ready.as_of);
    let why = error.help_text().map_or(String::new(), |help| format!("{help}\n"));
    let command = format!("tamis accept {job} {digest} --as-of {as_of} --reason …");
    error.help(format!("{why}to let exactly this plan through: {command}"))
}
