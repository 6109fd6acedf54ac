//! What has been noted of requests, in memory.

use super::segment::Looked;
use super::status::{EntryStatus, RequestState};
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use std::collections::{BTreeMap, HashMap};

/// What has been noted, in memory.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) jobs: Vec<String>,
    pub(super) by_entry: HashMap<(u32, u16), EntryStatus>,
    /// When an entry was last noted as applied.
    pub(super) applied: HashMap<(u32, u16), Instant>,
    /// Per job the last segment whose entries have been looked for, and when.
    pub(super) looked: BTreeMap<String, Looked>,
}

impl Notes {
    /// Index of a job's name, added when it is new.
    pub(super) fn job(&mut self, name: &str) -> Result<u16> {
        let at = self.jobs.iter().position(|job| job == name).unwrap_or_else(|| {
            self.jobs.push(name.to_owned());
            self.jobs.len() - 1
        });
        u16::try_from(at)
            .map_err(|_| Error::new(Code::StateBeyond, "state holds notes of more jobs than this version can"))
    }

    /// Of several notes the one written last stays; of equally old ones the furthest.
    pub(super) fn put(&mut self, entry: u32, job: u16, standing: EntryStatus) {
        let place = self.by_entry.entry((entry, job)).or_insert(standing);
        if (place.at, place.state) <= (standing.at, standing.state) {
            *place = standing;
        }
        if standing.state == RequestState::Applied {
            let place = self.applied.entry((entry, job)).or_insert(standing.at);
            *place = (*place).max(standing.at);
        }
    }

    pub(super) fn looked(&mut self, looked: &Looked) {
        let known = self.looked.get(&looked.job).is_some_and(|known| known.segment >= looked.segment);
        if !known {
            self.looked.insert(looked.job.clone(), looked.clone());
        }
    }

    pub(super) fn key(&self, entry: u32, job: &str) -> Option<(u32, u16)> {
        let job = self.jobs.iter().position(|name| name == job)?;
        Some((entry, u16::try_from(job).ok()?))
    }

    pub(super) fn of(&self, entry: u32, job: &str) -> Option<EntryStatus> {
        self.by_entry.get(&self.key(entry, job)?).copied()
    }

    /// Up to which segment a job's dataset has been looked through.
    pub(super) fn looked_to(&self, job: &str) -> Option<&Looked> {
        self.looked.get(job)
    }

    pub(super) fn looked_jobs(&self) -> impl Iterator<Item = &Looked> {
        self.looked.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_note_counts_and_of_equal_ones_the_furthest() {
        let mut notes = Notes::default();
        let job = notes.job("a").expect("one");
        for (state, at) in [(RequestState::Applied, 5), (RequestState::Removed, 4), (RequestState::Unmatched, 5)] {
            notes.put(3, job, EntryStatus::new(state, Instant(at)));
        }
        assert_eq!(notes.of(3, "a").map(|s| s.state), Some(RequestState::Applied));
        notes.put(3, job, EntryStatus::new(RequestState::Unmatched, Instant(6)));
        assert_eq!(notes.of(3, "a").map(|s| s.state), Some(RequestState::Unmatched), "found again and lost again");
        assert_eq!(notes.of(3, "b"), None);
    }
}
