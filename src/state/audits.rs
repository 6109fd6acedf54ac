//! What audits by schedule came to: `audits/<time>.json`, create-only, the newest counts, some old ones stay. Counts by
//! check, no place and no value.

use super::{FORMAT, State, load};
use crate::clock::Instant;
use crate::error::Result;
use crate::evidence::{self, LedgerEvent, RunRef};
use crate::store::Created;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const FOLDER: &str = "audits";
/// Records that stay.
const KEPT: usize = 30;

/// What an audit by schedule came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    format: u32,
    /// The scheduled time.
    pub due: Instant,
    /// When it was done.
    pub at: Instant,
    /// What does not hold.
    pub errors: u64,
    /// What somebody should look at.
    pub warnings: u64,
    /// Checks that could not be made.
    pub not_checked: u64,
    /// Findings by check.
    pub found: BTreeMap<String, u64>,
}

impl AuditRecord {
    /// Counts nothing yet.
    pub fn new(due: Instant, at: Instant) -> AuditRecord {
        AuditRecord { format: FORMAT, due, at, errors: 0, warnings: 0, not_checked: 0, found: BTreeMap::new() }
    }
}

impl State {
    /// Writes down what an audit came to, also in the ledger. Of two processes that audit at once the first counts.
    ///
    /// # Errors
    /// Storage errors.
    pub fn audited(&self, record: &AuditRecord) -> Result<()> {
        if self.root.create(&path(record.due), evidence::record(record)?)? == Created::Exists {
            return Ok(());
        }
        let AuditRecord { due, errors, warnings, not_checked, .. } = *record;
        let run = format!("audit-{}", due.0);
        let event = LedgerEvent::Audited { due, errors, warnings, not_checked };
        self.ledger.append(RunRef { run: &run, attempt: 1, since: record.at }, event, record.at)?;
        let mut paths: Vec<String> = self.root.list(FOLDER)?.into_iter().map(|object| object.path).collect();
        paths.sort();
        let old = paths.len().saturating_sub(KEPT);
        paths[..old].iter().try_for_each(|path| self.root.delete(path))
    }

    /// Reads what the newest audit by schedule came to.
    ///
    /// # Errors
    /// An evidence error when it cannot be read; storage errors.
    pub fn last_audit(&self) -> Result<Option<AuditRecord>> {
        match self.root.list(FOLDER)?.into_iter().map(|object| object.path).max() {
            Some(path) => load(&self.root, &path),
            None => Ok(None),
        }
    }
}

fn path(due: Instant) -> String {
    format!("{FOLDER}/{:020}.json", due.0)
}
