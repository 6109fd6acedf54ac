//! One version made by a sweep: lists, consent and retention applied to a version that is published, without any export.
//! `companions + requests -> decide -> publish -> ledger`, then removal for good. Must not know argv nor the terminal.

use super::current::PublishedVersion;
use super::evidence;
use super::scene::{DatasetRequests, Scene};
use crate::decide::{self, Entries, Remaining, ReviewRules, has_erased};
use crate::error::{Code, Error, Result};
use crate::evidence::changed;
use crate::evidence::manifest::Manifest;
use crate::job::recover;
use crate::key;
use crate::monitor::Monitor;
use crate::publish::{self, Commit, CurrentTable, Rewriting, Rewritten, SeenPerson, SeenPersons};
use crate::stage::SpillStore;
use crate::state::{Dataset, Intent};

/// How the commit of a sweep comes about.
pub struct Making<'a> {
    /// A version is made even where nothing goes: what builds on the one before can then not be committed any more.
    pub fence: bool,
    /// Asked immediately before the commit.
    pub may: &'a dyn Fn() -> Result<()>,
}

/// A version that a sweep made.
pub struct Swept {
    /// The manifest of the version.
    pub manifest: Manifest,
    /// Files written in the place of others.
    pub rewritten: u64,
    /// Bytes read of data files and companions that were rewritten.
    pub read: u64,
    /// Length of all files that were written.
    pub written: u64,
}

/// Applies lists, consent and retention to the current version (R28: `as_of` has been checked). Where nothing goes,
/// nothing is written.
///
/// # Errors
/// Evidence, when table, files, companions and state do not agree; storage errors. A new version is there whole or not at all;
/// an error after its commit says that it is there.
pub fn apply(
    scene: &Scene<'_>,
    dataset: &mut Dataset,
    published: &PublishedVersion<'_>,
    asked: &DatasetRequests<'_>,
    making: &Making<'_>,
    monitor: &dyn Monitor,
) -> Result<Option<Swept>> {
    let remaining = review(scene, published, asked.entries, monitor)?;
    let seen = seen_left(scene, published, asked.entries)?;
    let touched: Vec<usize> = (0..remaining.files()).filter(|file| remaining.touched(*file)).collect();
    if !making.fence && seen.is_none() && touched.is_empty() {
        return Ok(None);
    }
    published.check_files(scene, &touched, monitor)?;
    let intent = intend(scene, dataset, published.table.version, asked.segment)?;
    let rewritten = rewrite(scene, published, &remaining, &intent, monitor)?;
    let mut manifest = evidence::manifest(scene, published, (&remaining, &rewritten), (asked, &intent.run));
    if let Some(seen) = seen {
        manifest.output.first_seen = Some(evidence::seen_file(seen.write(&scene.target, &intent.run, 1)?));
    }
    manifest.witness = Some(scene.state.witness()?);
    let digest = scene.state.put_manifest(&manifest)?;
    monitor.proceed()?;
    let commit = Commit {
        app: &format!("tamis/{}", scene.plan.job),
        sequence: manifest.output.version as i64,
        manifest: &digest,
        expected: Some(&published.table),
        may: making.may,
    };
    let receipt = publish::replace(&rewritten, &scene.target, &commit)?;
    if receipt.manifest != digest || receipt.version != manifest.output.version {
        return Err(overtaken(&manifest, receipt.version));
    }
    dataset.history = recover::history(&scene.target, &dataset.history);
    let noted = scene.state.remember(dataset, &intent, &manifest, scene.now);
    let noted = noted.and_then(|()| manifest.output.check_present(scene.target.lake, scene.target.state));
    noted.map_err(|error| error.after_publishing(&manifest.output.dataset, manifest.output.version))?;
    let files = &rewritten.written.files;
    let written = files.iter().map(|file| file.bytes + file.companion_bytes).sum();
    Ok(Some(Swept { rewritten: files.len() as u64, read: rewritten.read, written, manifest }))
}

fn overtaken(manifest: &Manifest, version: u64) -> Error {
    Error::new(Code::Overtaken, format!("sweep {}: version {version} carries another manifest", manifest.run))
        .help("nothing of this one was published: another process was at work on this dataset; sweep again")
}

fn review(
    scene: &Scene<'_>,
    published: &PublishedVersion<'_>,
    entries: &dyn Entries,
    monitor: &dyn Monitor,
) -> Result<Remaining> {
    let plan = scene.plan;
    let rules = ReviewRules {
        as_of: scene.as_of,
        before: published.current.as_of,
        grounds: plan.grounds(),
        consent_column: plan.controls.consent.is_some(),
        field_keeps: published.keeps().len(),
        others: published.others(),
        other_persons: published.manifest.others.len(),
        quasi_keeps: published.quasi_keeps(),
        sensitive: published.sensitive().count(),
        gates: published.gates(),
    };
    let mut seed = [0; 32];
    key::random(&mut seed)?;
    let spill_store = SpillStore::new(scene.memory_bytes, scene.spill.to_path_buf(), seed)?;
    decide::review(&rules, published, entries, spill_store, scene.threads, monitor)
}

/// Says that everything taken in by now is applied: nobody it names is in the version. Written only when that is news:
/// `fresh` requests have come since.
///
/// # Errors
/// Storage errors.
pub fn confirm(scene: &Scene<'_>, dataset: &mut Dataset, fresh: bool) -> Result<()> {
    if !fresh && dataset.applied.is_some() {
        return Ok(());
    }
    dataset.applied = dataset.applied.max(Some(scene.now));
    scene.state.save_dataset(dataset)
}

/// Begins: an intent that pins the version it replaces, and no objects.
fn intend(scene: &Scene<'_>, dataset: &Dataset, replaces: u64, segment: u64) -> Result<Intent> {
    let mut intent = Intent {
        run: String::new(),
        job: scene.plan.job.clone(),
        at: scene.now,
        as_of: scene.as_of,
        plan: scene.plan.digest.clone(),
        policy: scene.project.policy_digest.clone(),
        set: None,
        objects: Vec::new(),
        replaces: Some(replaces),
        segment,
        record: dataset.seq,
        witness: Some(scene.state.witness()?),
    };
    scene.state.begin(&mut intent, "sweep-")?;
    Ok(intent)
}

/// R42: without the erased, what is known of when persons were first seen; none where nobody of them is in it. A file that is
/// lost is a matter for the next run.
fn seen_left(
    scene: &Scene<'_>,
    published: &PublishedVersion<'_>,
    entries: &dyn Entries,
) -> Result<Option<SeenPersons>> {
    let Some(file) = &published.manifest.output.first_seen else { return Ok(None) };
    let Some(seen) = SeenPersons::open(scene.state.root(), &file.path, &file.blake3)? else { return Ok(None) };
    let stays = |person: &SeenPerson| !has_erased(&person.identity, entries, scene.plan.grounds());
    let left = SeenPersons::of(seen.kind(), seen.iter().filter(stays));
    Ok((left.len() < seen.len()).then_some(left))
}

fn rewrite(
    scene: &Scene<'_>,
    published: &PublishedVersion<'_>,
    remaining: &Remaining,
    intent: &Intent,
    monitor: &dyn Monitor,
) -> Result<Rewritten> {
    let table: &CurrentTable = &published.table;
    let how = Rewriting {
        run: &intent.run,
        attempt: 1,
        threads: scene.threads,
        current: table,
        files: &published.files,
        digests: &published.digests,
        changed,
        tokens: &published.tokens(),
        subject: published.subject()?,
        keeps: published.keeps(),
    };
    publish::rewrite(remaining, &scene.target, &how, monitor)
}
