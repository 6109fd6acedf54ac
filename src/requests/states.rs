//! How far each request has come in each dataset: notes beside the entries, create-only like them.

use super::entry::{Requests, Usable};
use super::segment::{Looked, NoteRecord, Segment};
use super::status::{EntryStatus, RequestState, Review};
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::store::Root;

impl Requests {
    /// Where an entry stands in a job's dataset. What it has learned since it was looked for there makes it `Received`
    /// again: nobody knows whether the dataset has those persons. One that names no usable value needs review as long as
    /// it is in force: rows with another spelling may be left.
    pub fn standing(&self, entry: u32, job: &str) -> EntryStatus {
        let unusable = (self.usable(entry) == Usable::None).then_some(Review::NoUsableValue);
        let noted = self.noted(entry, job);
        let noted = EntryStatus { review: noted.review.or(unusable), ..noted };
        if self.learned_since(entry, job) {
            EntryStatus { state: RequestState::Received, until: None, ..noted }
        } else {
            noted
        }
    }

    /// Whether an entry has learned something since it was last looked for in a job's dataset.
    pub fn learned_since(&self, entry: u32, job: &str) -> bool {
        self.learned_in(entry) > self.notes.looked_to(job).map_or(0, |looked| looked.segment)
    }

    /// When an entry was last noted as applied in a job's dataset, whatever came after that.
    pub fn applied_at(&self, entry: u32, job: &str) -> Option<Instant> {
        self.notes.applied.get(&self.notes.key(entry, job)?).copied()
    }

    /// What was noted last. Nothing means `Unmatched` when it has been looked for since it was stored, else `Received`.
    pub fn noted(&self, entry: u32, job: &str) -> EntryStatus {
        if let Some(noted) = self.notes.of(entry, job) {
            return noted;
        }
        match self.notes.looked.get(job) {
            Some(looked) if self.segment_of(entry).is_some_and(|last| last <= looked.segment) => {
                EntryStatus::new(RequestState::Unmatched, looked.at)
            }
            _ => EntryStatus::new(RequestState::Received, self.entry(entry).received),
        }
    }

    /// Whether requests have been stored, or have learned something, since they were last looked for in a job's dataset.
    pub fn fresh(&self, job: &str) -> bool {
        self.notes.looked.get(job).is_none_or(|known| known.segment < self.last_news())
    }

    /// To be called before entries are looked for: what is stored by others from now on is not among them.
    pub fn begin_look(&mut self) {
        self.unlooked = None;
    }

    /// Whether requests have ever been looked for under this name of a job.
    pub fn looked_for(&self, job: &str) -> bool {
        self.notes.looked_to(job).is_some()
    }

    /// Whether an entry was there when somebody last began to look.
    pub fn was_looked_for(&self, entry: u32) -> bool {
        self.unlooked.is_none_or(|first| self.segment_of(entry).is_some_and(|segment| segment < first))
    }

    /// Everything noted: entry, job, standing; in no particular order. Entries without a note are not in it.
    pub fn states(&self) -> impl Iterator<Item = (u32, &str, EntryStatus)> {
        let notes = &self.notes;
        notes
            .by_entry
            .iter()
            .map(|((entry, job), standing)| (*entry, notes.jobs[usize::from(*job)].as_str(), *standing))
    }

    /// Notes where entries stand in a job's dataset; only what changes is written. `looked` says that every entry in
    /// force was looked for in all rows of the dataset at that instant: those without a note are `Unmatched` then.
    /// Returns how many notes were written.
    ///
    /// # Errors
    /// As [`Requests::open`]; a policy error for an entry that is not there.
    pub fn note(
        &mut self,
        state: &Root,
        job: &str,
        noted: &[(u32, EntryStatus)],
        looked: Option<Instant>,
    ) -> Result<usize> {
        let mut segment = Segment { jobs: vec![job.to_owned()], ..Segment::default() };
        for (entry, standing) in noted {
            let id = *self
                .id(*entry)
                .ok_or_else(|| Error::new(Code::InternalFault, "something was noted of an unknown entry"))?;
            if self.notes.of(*entry, job) != Some(*standing) {
                segment.notes.push(NoteRecord { entry: id, job: 0, standing: *standing });
            }
        }
        // What another process stored since was not looked for.
        let last = self.unlooked.map_or(self.last_segment(), |first| first - 1);
        let count = segment.notes.len();
        let fresh = self.fresh(job) && self.last_news() > 0;
        segment.looked.extend(looked.filter(|_| fresh).map(|at| Looked { job: job.to_owned(), segment: last, at }));
        self.append(Some(state), segment)?;
        self.index()?;
        Ok(count)
    }
}
