//! The last steps of a version: its commit is in the table's log, now ledger and record say so. The same for runs and
//! sweeps, and again after a crash.

use super::{Current, Dataset, FieldType, Intent, PublishedFile, SetRead, State, pins};
use crate::clock::Instant;
use crate::error::Result;
use crate::evidence::manifest::{Input, VersionKind};
use crate::evidence::{LedgerEvent, Manifest};

impl State {
    /// Makes the entry in the ledger and the dataset's record. Repeating it is safe.
    ///
    /// # Errors
    /// Storage errors; the next run or sweep makes up for what is missing.
    pub fn remember(&self, dataset: &mut Dataset, intent: &Intent, manifest: &Manifest, now: Instant) -> Result<()> {
        if let Some(plan) = manifest.brake.as_ref().and_then(|brake| brake.accepted.as_ref()) {
            self.use_accept(&manifest.job, plan, &manifest.run)?;
        }
        let digest = manifest.digest()?;
        self.ledger.append(intent.of(manifest.attempt), event(manifest, &digest, dataset.seq), now)?;
        dataset.replace(current(manifest, digest), now, intent.at);
        if manifest.kind == VersionKind::Run {
            take_over(dataset, intent, manifest);
        }
        self.save_dataset(dataset)
    }
}

fn event(manifest: &Manifest, digest: &str, record: u64) -> LedgerEvent {
    let (job, as_of, version) = (manifest.job.clone(), manifest.as_of, manifest.output.version);
    let (manifest_digest, rows_in, rows_out) = (digest.to_string(), manifest.rows_in, manifest.rows_out);
    match manifest.kind {
        VersionKind::Run => {
            LedgerEvent::Published { job, as_of, version, manifest: manifest_digest, rows_in, rows_out, record }
        }
        VersionKind::Sweep => {
            LedgerEvent::Swept { job, as_of, version, manifest: manifest_digest, rows_in, rows_out, record }
        }
    }
}

fn current(manifest: &Manifest, digest: String) -> Current {
    let pairs = manifest.output.files.iter().zip(&manifest.output.companions);
    let file =
        |(file, companion): (&crate::evidence::manifest::File, &crate::evidence::manifest::File)| PublishedFile {
            path: file.path.clone(),
            rows: file.rows,
            companion: companion.path.clone(),
            companion_blake3: Some(companion.blake3.clone()),
        };
    Current {
        version: manifest.output.version,
        run: manifest.run.clone(),
        attempt: manifest.attempt,
        manifest: digest,
        as_of: manifest.as_of,
        epoch: manifest.keys.epoch.clone(),
        rows: manifest.rows_out,
        files: pairs.map(file).collect(),
        first_seen: manifest.output.first_seen.clone(),
    }
}

/// What only a run knows: the set it read, the fields it published, the columns it did not know.
fn take_over(dataset: &mut Dataset, intent: &Intent, manifest: &Manifest) {
    let own = |input: &&Input| Some(&input.source) == manifest.inputs.first().map(|first| &first.source);
    let records: u64 = manifest.inputs.iter().filter(own).flat_map(|input| &input.members).map(|m| m.records).sum();
    let set = intent.set.clone().unwrap_or_default();
    let (run, version) = (manifest.run.clone(), Some(manifest.output.version));
    dataset.set_read(&set, SetRead { pins: pins(&intent.objects), records, run, version });
    let field = |field: &crate::evidence::manifest::FieldEvidence| FieldType {
        name: field.name.clone(),
        data_type: field.data_type.clone(),
        values: field.values,
        records,
    };
    dataset.fields = manifest.fields.iter().map(field).collect();
    let drift: Vec<String> = manifest.drift.iter().map(|drift| drift.column.clone()).collect();
    dataset.drifted(&drift, manifest.as_of);
    let lost: Vec<String> = manifest.lost.iter().map(|lost| lost.column.clone()).collect();
    dataset.missed(&lost, manifest.as_of);
    dataset.ran = dataset.ran.max(Some(manifest.as_of));
}
