//! A table taken back from another program. Readers get the files of the last version of tamis again, where they are all
//! still there byte for byte; else an empty version until the next run, for nobody can apply a request to files that have
//! no companions. What the other program wrote goes for good after `grace`. Must not know argv.

use crate::error::{Code, Error, Result};
use crate::evidence::manifest::{ClocksIgnored, File, Manifest, Output, Previous, Rejected, Removed, VersionKind};
use crate::evidence::{LedgerEvent, RunRef};
use crate::gates::Gate;
use crate::job::{Call, Ready, alone, intake, output_of, recover};
use crate::monitor::Monitor;
use crate::publish::{self, Commit, FileWritten, Seen, Written};
use crate::run::{check_receipt, passed};
use crate::state::{Current, Intent, PublishedFile, Replaced};
use crate::sweep::settle;
use std::collections::{BTreeMap, BTreeSet};

/// Which table is taken back, and why.
pub struct Adopting {
    /// Why; goes to the ledger.
    pub reason: String,
    /// Who, when the operator wants it said.
    pub by: Option<String>,
}

/// What became of it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Adopted {
    /// Version of this schema.
    pub schema: &'static str,
    /// Name of the job whose table it is.
    pub job: String,
    /// `ROOT:path` of the table.
    pub dataset: String,
    /// Its last version before.
    pub before: u64,
    /// The version that readers have now.
    pub version: u64,
    /// Rows that the adopted version holds.
    pub rows: u64,
    /// Whether the files of the last version are all back; else the table is empty until the next run.
    pub back: bool,
    /// Commits of the other program.
    pub foreign: u64,
    /// Files that are not of tamis: removed for good after `grace`.
    pub files: u64,
    /// What tamis cannot vouch for.
    pub not_vouched: Vec<String>,
    /// Last entry of the ledger.
    pub ledger_head: String,
}

/// Takes the table of `call.job` back, then applies requests and retention to it.
///
/// # Errors
/// Policy, when there is nothing to take back or the other program has changed columns or features; evidence and storage
/// errors. Calling again after a crash goes on or finds that nothing is left to do.
pub fn adopt(call: &Call, asked: &Adopting, monitor: &dyn Monitor) -> Result<Adopted> {
    let ready = Ready::for_sweep(call, true, monitor)?;
    alone(&ready, monitor, |call| taken_back(call, asked, monitor))
}

fn taken_back(call: &Call, asked: &Adopting, monitor: &dyn Monitor) -> Result<Adopted> {
    let mut ready = Ready::for_sweep(call, false, monitor)?;
    ready.state.check_clock(call.now)?;
    let seen = look(&mut ready)?;
    let Some(current) = ready.dataset.current.clone() else { return Err(nothing(&ready)) };
    let before = ready.state.manifest(&current.run, current.attempt, &current.manifest)?;
    let lost = lost(&ready, &before)?;
    let strange = strange(&ready, &current, seen.tip)?;
    let files = strange.files.len() as u64;
    waits(&mut ready, strange)?;
    let manifest = commit(&mut ready, asked, &before, &seen, lost.is_empty(), files)?;
    let (mut requests, intake) = intake::requests(&ready, true, monitor)?;
    intake::note_intake(&ready, &requests, &intake)?;
    settle::apply(&mut ready, &mut requests, false, monitor)?;
    let now = ready.dataset.current.as_ref();
    Ok(Adopted {
        schema: "tamis-dataset-adopt/1",
        job: call.job.clone(),
        dataset: ready.dataset.dataset.clone(),
        before: current.version,
        version: now.map_or(manifest.output.version, |now| now.version),
        rows: now.map_or(0, |now| now.rows),
        back: lost.is_empty(),
        foreign: seen.foreign.len() as u64,
        files,
        not_vouched: not_vouched(&lost, &seen, &current),
        ledger_head: ready.state.ledger().head()?.to_string(),
    })
}

/// The end of the log, when it has something to take back. A version of tamis that a crash kept out of `state` is
/// completed first.
fn look(ready: &mut Ready) -> Result<Seen> {
    let output = ready.plan().output.clone();
    let seen = publish::seen(ready.root(&output.root), &output.path)?.ok_or_else(|| {
        Error::new(Code::TableApart, format!("{}: the table has no log", ready.dataset.dataset))
            .help(format!("close it, then publish anew: `tamis dataset retire {}`", ready.call.job))
    })?;
    let known = ready.dataset.current.as_ref().map(|current| (current.version, current.manifest.clone()));
    match (&seen.own, known) {
        (Some((version, .., manifest)), Some((known, of))) if *version == known && *manifest == of => {}
        (Some((version, run, attempt, manifest)), known) if known.as_ref().is_none_or(|(known, _)| version > known) => {
            recover::complete(ready, &(*version, run.clone(), *attempt, manifest.clone()))?;
        }
        (None, Some((known, _))) if known < seen.tip => {}
        _ => {
            return Err(Error::new(
                Code::TableApart,
                format!("{}: the table is not the one that state knows", ready.dataset.dataset),
            )
            .help("it was made anew or put back: `tamis dataset retire`, then publish a new version"));
        }
    }
    let harmless = publish::current(ready.root(&output.root), &output.path);
    if seen.foreign.is_empty() || harmless.is_ok() {
        return Err(nothing(ready));
    }
    Ok(seen)
}

fn nothing(ready: &Ready) -> Error {
    Error::new(Code::NothingPublished, format!("{}: there is nothing to take back", output_of(ready.plan())))
        .help("no other program has changed a file or a column; runs and sweeps go on")
}

/// What of the last version is no longer there byte for byte.
fn lost(ready: &Ready, manifest: &Manifest) -> Result<Vec<String>> {
    let lake = ready.root(&ready.plan().output.root);
    let files = manifest.output.files.iter().map(|file| (lake, file));
    let companions = manifest.output.companions.iter().map(|file| (ready.state.root(), file));
    let mut lost = Vec::new();
    for (root, file) in files.chain(companions) {
        if !file.is_same(root)? {
            lost.push(root.display(&file.path));
        }
    }
    Ok(lost)
}

/// Data files below the output that neither a version nor an attempt of tamis has written. Without companions nobody can
/// tell whom they hold, so any legal hold keeps them.
fn strange(ready: &Ready, current: &Current, tip: u64) -> Result<Replaced> {
    let target = ready.target();
    let versions = ready.dataset.replaced.iter().flat_map(|replaced| &replaced.files).chain(&current.files);
    let known: BTreeSet<&str> = versions.map(|file| file.path.as_str()).collect();
    let own = publish::orphans(&target, &BTreeSet::new())?.files;
    let own: BTreeSet<&str> = own.iter().map(|object| object.path.as_str()).collect();
    let file = |path: String| PublishedFile {
        companion: target.companion(path.rsplit('/').next().unwrap_or_default()),
        path,
        rows: 0,
        companion_blake3: None,
    };
    let there = target.lake.list(target.path)?.into_iter().map(|object| object.path);
    let strange = there.filter(|path| {
        publish::may_hold_rows(target.path, path) && !known.contains(path.as_str()) && !own.contains(path.as_str())
    });
    // Of which version the other program took its rows nobody knows, so no request is done before they are gone.
    let (at, applied) = (ready.call.now, None);
    Ok(Replaced { version: tip, at, applied, epoch: None, files: strange.map(file).collect() })
}

/// What is strange waits for removal from now on, whatever becomes of this call.
fn waits(ready: &mut Ready, strange: Replaced) -> Result<()> {
    if strange.files.is_empty() {
        return Ok(());
    }
    ready.dataset.replaced.push(strange);
    ready.state.save_dataset(&mut ready.dataset)
}

/// The commit, and before it the reason in the ledger.
fn commit(
    ready: &mut Ready,
    asked: &Adopting,
    before: &Manifest,
    seen: &Seen,
    back: bool,
    files: u64,
) -> Result<Manifest> {
    // Nothing is applied by this: requests of before stay as far as they were.
    let at = ready.dataset.applied.unwrap_or(ready.as_of);
    let mut intent = Intent {
        run: String::new(),
        job: ready.call.job.clone(),
        at,
        as_of: ready.as_of,
        plan: ready.plan().digest.clone(),
        policy: ready.project.policy_digest.clone(),
        set: None,
        objects: Vec::new(),
        replaces: Some(before.output.version),
        segment: crate::evidence::segments::last(ready.state.root())?,
        record: ready.dataset.seq,
        witness: Some(ready.state.witness()?),
    };
    ready.state.begin(&mut intent, "adopt-")?;
    let manifest = manifest(ready, &intent.run, before, seen, back);
    let digest = ready.state.put_manifest(&manifest)?;
    let event = LedgerEvent::Adopted {
        job: ready.call.job.clone(),
        dataset: ready.dataset.dataset.clone(),
        version: before.output.version,
        foreign: seen.foreign.len() as u64,
        files,
        reason: asked.reason.clone(),
        by: asked.by.clone(),
    };
    let of = RunRef { run: &intent.run, attempt: 1, since: ready.call.now };
    ready.state.ledger().append(of, event, ready.call.now)?;
    let commit = Commit {
        app: &format!("tamis/{}", ready.call.job),
        sequence: manifest.output.version as i64,
        manifest: &digest,
        expected: None,
        may: &|| ready.may_commit(ready.call.now),
    };
    let receipt = publish::adopt(&written(ready, &manifest), &ready.target(), &commit, seen.tip)?;
    check_receipt(&receipt, &manifest)?;
    // The other program may have written files of the history anew.
    ready.dataset.history = recover::history(&ready.target(), &BTreeMap::new());
    ready.state.remember(&mut ready.dataset, &intent, &manifest, ready.call.now)?;
    Ok(manifest)
}

/// The version before once more, or nothing of it.
fn manifest(ready: &Ready, run: &str, before: &Manifest, seen: &Seen, back: bool) -> Manifest {
    let rows_out = if back { before.rows_out } else { 0 };
    let lost = Removed { reason: "lost".into(), rows: before.rows_out };
    let output = Output { version: seen.tip + 1, ..before.output.clone() };
    Manifest {
        kind: VersionKind::Sweep,
        tamis: env!("CARGO_PKG_VERSION").into(),
        run: run.into(),
        attempt: 1,
        as_of: ready.as_of,
        plan: ready.plan().digest.clone(),
        policy: ready.project.policy_digest.clone(),
        inputs: Vec::new(),
        lists: Vec::new(),
        aside: Vec::new(),
        rows_in: before.rows_out,
        rows_out,
        removed: if back { Vec::new() } else { vec![lost] },
        nulled: 0,
        versions: None,
        absent: None,
        no_clock: 0,
        rejected: Rejected::default(),
        clocks_ignored: ClocksIgnored::default(),
        drift: Vec::new(),
        covered: Vec::new(),
        renamed: Vec::new(),
        emptied: Vec::new(),
        gates: before.gates.iter().filter_map(Gate::adopted).collect(),
        brake: None,
        previous: Some(Previous { version: before.output.version, run: before.run.clone(), rows: before.rows_out }),
        foreign: seen.foreign.iter().map(|(commit, _)| passed(commit)).collect(),
        output: if back { output } else { Output { files: Vec::new(), companions: Vec::new(), ..output } },
        ..before.clone()
    }
}

fn written(ready: &Ready, manifest: &Manifest) -> Written {
    let prefix = format!("{}/", ready.plan().output.path);
    let pairs = manifest.output.files.iter().zip(&manifest.output.companions);
    let file = |(file, companion): (&File, &File)| FileWritten {
        name: file.path.strip_prefix(&prefix).unwrap_or(&file.path).to_owned(),
        rows: file.rows,
        bytes: file.bytes,
        blake3: file.blake3.clone(),
        companion: companion.path.clone(),
        companion_bytes: companion.bytes,
        companion_blake3: companion.blake3.clone(),
    };
    Written {
        run: manifest.run.clone(),
        attempt: 1,
        as_of: manifest.as_of,
        columns: Vec::new(),
        rows: manifest.rows_out,
        files: pairs.map(file).collect(),
    }
}

fn not_vouched(lost: &[String], seen: &Seen, current: &Current) -> Vec<String> {
    let mut told = vec![
        "that nobody has read or copied what the other program published".to_string(),
        "that the other program left no bytes outside the table's folder".to_string(),
    ];
    if !lost.is_empty() {
        told.push(format!("{} file(s) of version {} are gone or changed: {}", lost.len(), current.version, lost[0]));
    }
    if seen.own.is_none() {
        told.push(format!("the log no longer names version {}: what came right after it is unknown", current.version));
    }
    told
}
