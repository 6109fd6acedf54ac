//! `Verdict`: the counts of a run, as `plan` shows them, the manifest keeps them and `accept` names them.
//! Numbers and names of the specs only. Must not know rows.

use super::reasons::Reason;
use super::shared::SharedBy;
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::gates::Gate;
use serde::Serialize;

/// What became of all rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The instant judged at.
    pub as_of: Instant,
    /// Rows of the main export, dropped bad records included; of records with several versions one row each.
    pub rows_in: u64,
    /// Rows that may be published.
    pub rows_out: u64,
    /// Removed rows by reason, every label in the order of R33, also those with none.
    pub reasons: Vec<(String, u64)>,
    /// Of `expired`, those without any usable clock.
    pub no_clock: u64,
    /// Of `rejected`, bad records dropped while reading.
    pub dropped: u64,
    /// Rows of observed sources, not in `rows_in`.
    pub observed: u64,
    /// Rows of the previous version; none for the first.
    pub previous: Option<u64>,
    /// Of those, rows whose subject is on no row read (R35).
    pub absent: u64,
    /// Rows that an effect reached which does not bind here.
    pub not_binding: Vec<NotBinding>,
    /// Rows that stay without the cells of another person (R68), in the order of the source; empty where no row has another.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<u64>,
    /// Versions of records (R75); none where each record is there once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versions: Option<VersionCounts>,
    /// What every gate has found.
    pub gates: Vec<Gate>,
    /// Rows of the person that has most, when these are ten or more; not part of the digest.
    #[serde(skip)]
    pub largest_person: u64,
    /// Columns with values of links that very many subjects share; not part of the digest.
    #[serde(skip)]
    pub shared: Vec<SharedBy>,
    /// What `plan` says about each quasi-identifier; empty unless asked for, and not part of the digest.
    pub hints: Vec<QuasiHint>,
}

/// Versions of records, where an export keeps earlier ones (R75).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VersionCounts {
    /// Rows that are earlier versions, or copies, of a record.
    pub superseded: u64,
    /// Records whose newest version says that they have ended.
    pub ended: u64,
    /// Records of which nobody can tell the newest version: they are rejected.
    pub doubtful: u64,
}

impl VersionCounts {
    pub(super) fn add(&mut self, other: VersionCounts) {
        self.superseded += other.superseded;
        self.ended += other.ended;
        self.doubtful += other.doubtful;
    }
}

/// An effect that reached rows and does not bind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotBinding {
    /// The effect's name in specs.
    pub effect: String,
    /// Rows that requests of the list reach.
    pub rows: u64,
    /// Why it does not bind.
    pub reason: String,
}

/// What one quasi-identifier costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuasiHint {
    /// Name of the field, as the job has it.
    pub field: String,
    /// Rows below k if it were not published; coarsening it helps at most that much.
    pub rows_below_without: u64,
    /// How many fewer that is.
    pub saved: u64,
}

impl Verdict {
    /// Returns the rows removed for a reason that no exclude gives.
    pub fn removed(&self, reason: Reason) -> u64 {
        self.reasons.iter().find(|(label, _)| reason.is(label)).map_or(0, |(_, n)| *n)
    }

    /// What `accept` names: BLAKE3 hex over the pinned inputs' digest, `as_of` and all counts of the rows read. Hints are
    /// left out, and so is the previous version: the refused run's own sweep may have taken rows from it since.
    ///
    /// # Errors
    /// When the counts cannot be written down.
    pub fn digest(&self, inputs: &str) -> Result<String> {
        let gates = self.gates.iter().filter(|gate| gate.is_of_rows_read()).cloned().collect();
        let counts = Verdict { hints: Vec::new(), previous: None, absent: 0, gates, ..self.clone() };
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(inputs.len() as u64).to_le_bytes());
        hasher.update(inputs.as_bytes());
        let counts = serde_json::to_vec(&counts)
            .map_err(|_| Error::new(Code::RowsDoNotAddUp, "the counts cannot be written down"))?;
        hasher.update(&counts);
        Ok(hasher.finalize().to_hex().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict() -> Verdict {
        Verdict {
            as_of: Instant(0),
            rows_in: 10,
            rows_out: 7,
            reasons: vec![("erased".into(), 1), ("expired".into(), 2)],
            no_clock: 1,
            dropped: 0,
            observed: 5,
            previous: None,
            absent: 0,
            not_binding: Vec::new(),
            others: Vec::new(),
            versions: None,
            gates: Vec::new(),
            largest_person: 0,
            shared: Vec::new(),
            hints: Vec::new(),
        }
    }

    #[test]
    fn the_digest_covers_inputs_time_and_counts_but_no_hints() {
        let one = verdict();
        let mut hinted = verdict();
        hinted.hints.push(QuasiHint { field: "city".into(), rows_below_without: 1, saved: 1 });
        let digest = |verdict: &Verdict, inputs| verdict.digest(inputs).expect("a digest");
        assert_eq!(digest(&one, "inputs"), digest(&hinted, "inputs"));
        assert_ne!(digest(&one, "inputs"), digest(&one, "other"));
        assert_ne!(digest(&one, "inputs"), digest(&Verdict { as_of: Instant(1), ..verdict() }, "inputs"));
        assert_ne!(digest(&one, "inputs"), digest(&Verdict { rows_out: 6, ..verdict() }, "inputs"));
        let swept = Verdict { previous: Some(3), absent: 2, ..verdict() };
        assert_eq!(digest(&one, "inputs"), digest(&swept, "inputs"), "a sweep in between does not undo an acceptance");
        assert_eq!((one.removed(Reason::Expired), one.removed(Reason::Rejected)), (2, 0));
    }
}
