//! What laying corrections over an export came to: counts and tokens, never a value.

use std::collections::BTreeSet;

/// Counts of one correction, or of several of the same cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorrectionTally {
    /// Cells that had the wrong value and got the right one.
    pub applied: u64,
    /// Cells that had the right value.
    pub agrees: u64,
    /// Cells that had a third value, and now have none.
    pub conflicts: u64,
    /// Cells that have no value until somebody decides.
    pub contested: u64,
    /// Subject tokens of their rows.
    pub tokens: BTreeSet<[u8; 16]>,
}

impl CorrectionTally {
    /// Returns how many cells were met.
    pub fn cells(&self) -> u64 {
        self.applied + self.agrees + self.conflicts + self.contested
    }

    /// Adds the counts of another worker.
    pub fn merge(&mut self, other: CorrectionTally) {
        self.applied += other.applied;
        self.agrees += other.agrees;
        self.conflicts += other.conflicts;
        self.contested += other.contested;
        self.tokens.extend(other.tokens);
    }
}
