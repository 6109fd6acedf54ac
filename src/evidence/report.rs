//! What a verification found.

use super::ledger::Head;
use crate::error::{Code, Error, Result};
use schemars::JsonSchema;
use serde::Serialize;

/// What `verify` has looked at and found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct VerifyReport {
    /// The last entry; keep it elsewhere and give it to the next verification.
    pub head: Option<Head>,
    /// Entries whose chain holds.
    pub entries: u64,
    /// Records (intents, manifests) that agree with the ledger.
    pub records: u64,
    /// Current versions whose files were looked at.
    pub datasets: u64,
    /// Published files with the length and digest of their manifest.
    pub files: u64,
    /// Companions that are there, byte for byte.
    pub companions: u64,
    /// Files of stored requests with the digest that was recorded, or that they have of themselves.
    pub segments: u64,
    /// Records of the state with the digest that they have of themselves.
    pub own_digests: u64,
    /// Files and companions of replaced versions that are there still, byte for byte.
    pub replaced: u64,
    /// Files of the logs of tables with the digest that was recorded.
    pub history: u64,
    /// What holds, in words.
    pub proven: Vec<String>,
    /// What this does not prove, in words.
    pub not_proven: Vec<String>,
    /// Things to look at that are no faults: runs without an end, records without an entry.
    pub notes: Vec<String>,
    /// What does not agree; each names an entry or a file.
    pub faults: Vec<String>,
}

impl VerifyReport {
    /// # Errors
    /// An evidence error that names the first faults, when there are any.
    pub fn outcome(&self) -> Result<()> {
        let Some(first) = self.faults.first() else { return Ok(()) };
        let more = match self.faults.len() {
            1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        Err(Error::new(Code::EvidenceBroken, format!("{first}{more}"))
            .help("nothing was changed; compare with a copy of the state and find out who wrote there"))
    }
}
