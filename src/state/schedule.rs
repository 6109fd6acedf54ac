//! Which scheduled instants of a job are settled: `schedules/<job>/<seq>.json`, create-only, the newest counts.
//! An instant that is not settled is still to be run. Must not know raw values.

use super::seen::{NumberedFolder, SeenRecords};
use super::{FORMAT, State, load};
use crate::clock::Instant;
use crate::error::Result;
use crate::evidence::{self, Witness};
use crate::store::Created;
use serde::{Deserialize, Serialize};

/// Records kept behind the newest.
const OLD: u64 = 3;

/// What has become of a job's scheduled instants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheduled {
    format: u32,
    /// Its number, from 1; 0 before it is first saved.
    pub seq: u64,
    /// The job that the times are of.
    pub job: String,
    /// The last instant that is not to be run again: published, refused or given up.
    pub settled: Option<Instant>,
    /// The last instant that was published.
    pub published: Option<Instant>,
    /// The last refusal since then.
    pub refusal: Option<RefusedRun>,
    /// What ledger and stored requests were like when it was saved, or before.
    #[serde(default)]
    pub witness: Option<Witness>,
    #[serde(default)]
    seen: SeenRecords,
}

/// A scheduled run that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRun {
    /// The instant it was due at.
    pub due: Instant,
    /// When it was refused.
    pub at: Instant,
    /// Exit code of the run (design section 8).
    pub exit: u8,
    /// Name of the error (`docs/errors.md`), as text: another version of tamis may have written one that this one lacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What stopped it, without a value of the data.
    pub cause: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// What has become of one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// A version is there.
    Published,
    /// Refused for good; the next instant is the next chance.
    Refused(RefusedRun),
    /// Refused for now: the same run is tried again.
    Again(RefusedRun),
    /// Not run, and not to be caught up.
    Missed,
}

impl Scheduled {
    fn of(job: &str) -> Scheduled {
        Scheduled {
            format: FORMAT,
            seq: 0,
            job: job.into(),
            settled: None,
            published: None,
            refusal: None,
            witness: None,
            seen: SeenRecords::default(),
        }
    }

    fn ended(&mut self, due: Instant, end: &End) {
        if !matches!(end, End::Again(_)) {
            self.settled = self.settled.max(Some(due));
        }
        match end {
            End::Published => {
                self.published = self.published.max(Some(due));
                self.refusal = self.refusal.take().filter(|refusal| refusal.due > due);
            }
            End::Refused(refusal) | End::Again(refusal) => self.refusal = Some(refusal.clone()),
            End::Missed => {}
        }
    }
}

impl State {
    /// The newest record of a job; an empty one when there is none.
    ///
    /// # Errors
    /// An evidence error when it cannot be read.
    pub fn scheduled(&self, job: &str) -> Result<Scheduled> {
        let newest = self.root.list(&format!("schedules/{job}"))?.pop();
        let record = newest.map(|object| load::<Scheduled>(&self.root, &object.path)).transpose()?.flatten();
        Ok(record.unwrap_or_else(|| Scheduled::of(job)))
    }

    /// Writes down what has become of an instant. Two writers at once both get in, one after the other.
    ///
    /// # Errors
    /// A storage error; writing it down again is safe.
    pub fn settle(&self, job: &str, due: Instant, end: &End) -> Result<Scheduled> {
        loop {
            let mut record = self.scheduled(job)?;
            record.ended(due, end);
            record.seq += 1;
            // What was refused rests on nothing: not on an entry that may have to go again.
            if !matches!(end, End::Refused(_) | End::Again(_)) {
                record.witness = Some(Witness::latest(record.witness.take(), self.witness()?));
            }
            record.seen = record.seen.and(SeenRecords::of(&self.root, job)?);
            let path = |seq| NumberedFolder::Schedules.path(job, seq);
            if self.root.create(&path(record.seq), evidence::record(&record)?)? == Created::New {
                if let Some(old) = record.seq.checked_sub(OLD + 1).filter(|old| *old > 0) {
                    self.root.delete(&path(old))?;
                }
                return Ok(record);
            }
        }
    }

    /// Writes what is left once more, with a number after `last`, in place of lost records.
    pub(super) fn renew_schedule(&self, job: &str, last: u64, seen: SeenRecords) -> Result<()> {
        let mut record = self.scheduled(job)?;
        record.seq = last + 1;
        record.seen = record.seen.and(seen);
        self.root.create(&NumberedFolder::Schedules.path(job, record.seq), evidence::record(&record)?)?;
        Ok(())
    }
}
