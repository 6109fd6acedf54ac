//! The manifest of a sweep: what went and why, and all files of the version, those it did not touch included.
//! Must not know how rows are decided or written.

use super::current::PublishedVersion;
use super::scene::{DatasetRequests, Scene};
use crate::clock;
use crate::decide::Remaining;
use crate::evidence::manifest::{
    ClocksIgnored, FieldEvidence, File, ForeignCommit, Manifest, OtherRows, Output, Previous, Rejected, Removed,
    SCHEMA, VersionKind,
};
use crate::policy::Plan;
use crate::publish::{FileWritten, Passed, Rewritten, SeenWritten};
use crate::state::Current;

/// What stays as the version before had it: fields, keys, purpose's terms. What today's policy says is named by digest.
pub(super) fn manifest(
    scene: &Scene<'_>,
    published: &PublishedVersion<'_>,
    (remaining, rewritten): (&Remaining, &Rewritten),
    (asked, run): (&DatasetRequests<'_>, &str),
) -> Manifest {
    let (plan, before, counts): (&Plan, &Manifest, _) = (scene.plan, &published.manifest, remaining.counts());
    Manifest {
        schema: SCHEMA,
        tamis: env!("CARGO_PKG_VERSION").into(),
        time_zones: Some(clock::zones_version().into()),
        kind: VersionKind::Sweep,
        run: run.into(),
        attempt: rewritten.written.attempt,
        job: before.job.clone(),
        purpose: before.purpose.clone(),
        lawful_basis: before.lawful_basis.clone(),
        recipient: before.recipient.clone(),
        as_of: scene.as_of,
        scope: before.scope.clone(),
        keep: before.keep.clone(),
        undated: before.undated.clone(),
        about_nobody: before.about_nobody.clone(),
        plan: plan.digest.clone(),
        policy: scene.project.policy_digest.clone(),
        keys: before.keys.clone(),
        set: before.set.clone(),
        inputs: Vec::new(),
        lists: asked.lists.clone(),
        corrections: before.corrections.clone(),
        aside: Vec::new(),
        rows_in: counts.rows_in,
        rows_out: counts.rows_out,
        removed: counts.reasons.iter().map(removed).collect(),
        nulled: counts.nulled,
        others: others(before, &counts.others),
        versions: None,
        absent: None,
        no_clock: 0,
        rejected: Rejected::default(),
        causes: Vec::new(),
        clocks_ignored: ClocksIgnored::default(),
        fields: before.fields.iter().map(unread).collect(),
        identifiers: before.identifiers.clone(),
        largest_person: before.largest_person,
        not_published: before.not_published.clone(),
        drift: Vec::new(),
        covered: Vec::new(),
        renamed: Vec::new(),
        emptied: Vec::new(),
        lost: Vec::new(),
        links: "applied".into(),
        gates: counts.gates.clone(),
        brake: None,
        previous: Some(previous(&published.current)),
        foreign: published.table.passed.iter().map(passed).collect(),
        output: output(published, rewritten),
        witness: None,
    }
}

fn removed((reason, rows): &(String, u64)) -> Removed {
    Removed { reason: reason.clone(), rows: *rows }
}

/// Other persons of the version's rows, with the rows that have lost their cells (R68).
fn others(before: &Manifest, rows: &[u64]) -> Vec<OtherRows> {
    let named = before.others.iter().zip(rows);
    named.map(|(other, rows)| OtherRows { rows: *rows, ..other.clone() }).collect()
}

fn previous(current: &Current) -> Previous {
    Previous { version: current.version, run: current.run.clone(), rows: current.rows }
}

fn passed(commit: &Passed) -> ForeignCommit {
    ForeignCommit { version: commit.version, operation: commit.operation.clone() }
}

/// A sweep reads no values.
fn unread(field: &FieldEvidence) -> FieldEvidence {
    FieldEvidence { values: 0, untreated: 0, first_untreated: None, raw_forms: 0, emptied: false, ..field.clone() }
}

/// Untouched files as they were said of, the others anew; in path order.
fn output(published: &PublishedVersion<'_>, rewritten: &Rewritten) -> Output {
    let before = &published.manifest.output;
    let stays = published.files.iter().map(|(name, _)| !rewritten.gone.contains(name));
    let pairs = before.files.iter().cloned().zip(before.companions.iter().cloned());
    let mut pairs: Vec<(File, File)> = pairs.zip(stays).filter(|(_, stays)| *stays).map(|(pair, _)| pair).collect();
    let prefix = before.files.first().and_then(|file| file.path.rsplit_once('/')).map_or("", |(folder, _)| folder);
    pairs.extend(rewritten.written.files.iter().map(|file| written(prefix, file)));
    pairs.sort_by(|a, b| a.0.path.cmp(&b.0.path));
    let (files, companions) = pairs.into_iter().unzip();
    let (dataset, first_seen) = (before.dataset.clone(), before.first_seen.clone());
    Output { dataset, version: published.table.tip() + 1, files, companions, first_seen }
}

/// Returns the file of persons and when they were first seen as the manifest names it.
pub fn seen_file(file: SeenWritten) -> File {
    File { path: file.path, rows: file.persons, bytes: file.bytes, blake3: file.blake3 }
}

fn written(folder: &str, file: &FileWritten) -> (File, File) {
    let data = File {
        path: format!("{folder}/{}", file.name),
        rows: file.rows,
        bytes: file.bytes,
        blake3: file.blake3.clone(),
    };
    let companion = File {
        path: file.companion.clone(),
        rows: file.rows,
        bytes: file.companion_bytes,
        blake3: file.companion_blake3.clone(),
    };
    (data, companion)
}
