//! When a dataset was last swept, and what requests there were: `sweeps/<job>/<seq>.json`, create-only, the newest
//! counts. What a scheduler asks before it sweeps again. Must not know raw values.

use super::seen::{NumberedFolder, SeenRecords};
use super::{FORMAT, RefusedRun, State, load};
use crate::clock::Instant;
use crate::error::Result;
use crate::evidence::{self, Witness};
use crate::store::Created;
use serde::{Deserialize, Serialize};

/// Records kept behind the newest.
const OLD: u64 = 3;

/// What is known of a dataset's sweeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepRecord {
    format: u32,
    /// The job whose dataset it is of; an earlier tamis did not say.
    #[serde(default)]
    job: Option<String>,
    /// Its number, from 1; 0 before it is first saved.
    pub seq: u64,
    /// When the dataset was last swept to the end.
    pub at: Option<Instant>,
    /// The requests that the last attempt met.
    pub requests: RequestsMet,
    /// Number of the dataset's record when it was swept.
    pub dataset: u64,
    /// The earliest deadline of a request that is not done in this dataset.
    pub due: Option<Instant>,
    /// What stopped the last attempt; `due` is the instant that it judged at.
    pub refusal: Option<RefusedRun>,
    /// What ledger and stored requests were like when it was saved, or before.
    #[serde(default)]
    pub witness: Option<Witness>,
    #[serde(default)]
    seen: SeenRecords,
}

/// Which requests there are, told without reading one: other ones make another value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestsMet {
    /// Digest over names and versions of all request files.
    pub files: String,
    /// Number of the newest segment of stored requests.
    pub segment: u64,
}

/// What an attempt came to.
pub enum SweepEnd {
    /// The dataset was swept to the end.
    Swept {
        /// Number of the dataset's record.
        dataset: u64,
        /// The earliest deadline of a request that is not done.
        due: Option<Instant>,
        /// When the sweep began to look.
        at: Instant,
    },
    /// Nothing had to be looked at.
    Unneeded,
    /// Something stopped it before the end.
    Refused(RefusedRun),
}

impl State {
    /// The newest record of a job; an empty one when it was never swept.
    ///
    /// # Errors
    /// An evidence error when it cannot be read.
    pub fn sweeps(&self, job: &str) -> Result<SweepRecord> {
        let newest = self.root.list(&format!("sweeps/{job}"))?.pop();
        let record = newest.map(|object| load::<SweepRecord>(&self.root, &object.path)).transpose()?.flatten();
        Ok(record.unwrap_or_default())
    }

    /// Writes down what an attempt came to. Two writers at once both get in, one after the other.
    ///
    /// # Errors
    /// A storage error; writing it down again is safe.
    pub fn swept(&self, job: &str, requests: &RequestsMet, end: &SweepEnd) -> Result<()> {
        loop {
            let mut record = self.sweeps(job)?;
            record.ended(requests, end);
            // What was refused rests on nothing: not on an entry that may have to go again.
            if !matches!(end, SweepEnd::Refused(_)) {
                record.witness = Some(Witness::latest(record.witness.take(), self.witness()?));
            }
            record.job = Some(job.to_owned());
            record.seen = record.seen.and(SeenRecords::of(&self.root, job)?);
            let path = |seq| NumberedFolder::Sweeps.path(job, seq);
            if self.root.create(&path(record.seq), evidence::record(&record)?)? == Created::New {
                if let Some(old) = record.seq.checked_sub(OLD + 1).filter(|old| *old > 0) {
                    self.root.delete(&path(old))?;
                }
                return Ok(());
            }
        }
    }

    /// Writes what is left once more, with a number after `last`, in place of lost records.
    pub(super) fn renew_sweep(&self, job: &str, last: u64, seen: SeenRecords) -> Result<()> {
        let mut record = self.sweeps(job)?;
        record.seq = last + 1;
        (record.format, record.job) = (FORMAT, Some(job.to_owned()));
        record.seen = record.seen.and(seen);
        self.root.create(&NumberedFolder::Sweeps.path(job, record.seq), evidence::record(&record)?)?;
        Ok(())
    }
}

impl SweepRecord {
    fn ended(&mut self, requests: &RequestsMet, end: &SweepEnd) {
        (self.format, self.seq) = (FORMAT, self.seq + 1);
        self.requests = requests.clone();
        match end {
            SweepEnd::Swept { dataset, due, at } => {
                self.at = self.at.max(Some(*at));
                (self.dataset, self.due, self.refusal) = (*dataset, *due, None);
            }
            SweepEnd::Unneeded => {}
            SweepEnd::Refused(refusal) => self.refusal = Some(refusal.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_to_the_end_clears_a_refusal_and_a_refusal_leaves_what_was_done() {
        let met = |segment| RequestsMet { files: "f".into(), segment };
        let refusal =
            RefusedRun { due: Instant(1), at: Instant(2), exit: 75, code: None, cause: "away".into(), help: None };
        let mut record = SweepRecord::default();
        record.ended(&met(3), &SweepEnd::Swept { dataset: 7, due: Some(Instant(9)), at: Instant(1) });
        record.ended(&met(4), &SweepEnd::Refused(refusal.clone()));
        assert_eq!((record.at, record.due, record.dataset), (Some(Instant(1)), Some(Instant(9)), 7));
        assert_eq!((record.refusal.clone(), record.requests.segment, record.seq), (Some(refusal), 4, 2));
        record.ended(&met(5), &SweepEnd::Swept { dataset: 8, due: None, at: Instant(3) });
        assert_eq!((record.at, record.due, record.refusal), (Some(Instant(3)), None, None));
    }
}
