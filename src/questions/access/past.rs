//! What the manifests of all versions say of tables: which exports they were made of, and who received them. The
//! current manifest is not enough: a sweep reads no export, and a job may have had another recipient.

use crate::error::{Kind, Result};
use crate::evidence::{LedgerEntry, LedgerEvent};
use crate::state::State;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of all that was ever published.
pub(in crate::questions) struct PublishedPast {
    tables: BTreeMap<String, TablePast>,
    /// Every export that was read, as `ROOT:path`, by the source that it was read as.
    pub exports: BTreeMap<String, BTreeSet<String>>,
}

/// What is known of one table.
#[derive(Default)]
pub(super) struct TablePast {
    /// The source of the newest export.
    pub source: Option<String>,
    /// All sources of the newest export, also observed ones.
    pub sources: BTreeSet<String>,
    /// Every recipient that the table had, with the last version that was made for it.
    pub recipients: BTreeMap<String, u64>,
}

impl PublishedPast {
    /// Reads the manifests that the ledger names, in order. One that is lost says nothing: verifying tells of it.
    ///
    /// # Errors
    /// Storage errors.
    pub fn read(state: &State, ledger: &[LedgerEntry]) -> Result<PublishedPast> {
        let mut past = PublishedPast { tables: BTreeMap::new(), exports: BTreeMap::new() };
        for entry in ledger {
            let (LedgerEvent::Published { manifest, .. } | LedgerEvent::Swept { manifest, .. }) = &entry.event else {
                continue;
            };
            let manifest = match state.manifest(&entry.run, entry.attempt, manifest) {
                Ok(manifest) => manifest,
                Err(error) if error.kind() == Kind::Evidence => continue,
                Err(error) => return Err(error),
            };
            let table = past.tables.entry(manifest.output.dataset).or_default();
            if let Some(recipient) = manifest.recipient {
                table.recipients.insert(recipient, manifest.output.version);
            }
            // Inputs of the job's own export come first.
            if let Some(first) = manifest.inputs.first() {
                table.source = Some(first.source.clone());
                table.sources = manifest.inputs.iter().map(|input| input.source.clone()).collect();
            }
            for input in manifest.inputs {
                past.exports.entry(input.source).or_default().insert(input.object);
            }
        }
        Ok(past)
    }

    /// Returns what is known of a table, `ROOT:path`.
    pub(super) fn table(&self, dataset: &str) -> Option<&TablePast> {
        self.tables.get(dataset)
    }
}
