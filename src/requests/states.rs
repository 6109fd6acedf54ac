//! How far each request has come in each dataset: notes beside the entries, create-only like them.
//! Must not know what is in a dataset, nor why a request has come so far.

use super::entry::{Requests, Usable};
use super::segment::{Looked, NoteRecord, Segment};
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::store::Root;
use std::collections::{BTreeMap, HashMap};

/// How far a request has come in one dataset, from the least to the furthest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Stored; the dataset has not been looked through since.
    Received,
    /// Looked for, and nobody found.
    Unmatched,
    /// Found, and its effect does not bind the dataset's purpose (R29).
    NotBinding,
    /// Found once, and no row of the current version is reached by it.
    Applied,
    /// As `Removed`, but for bytes that the store itself removes later.
    AwaitingLifecycle,
    /// In no version that tamis could verify.
    Removed,
}

/// Why a person has to look at a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Review {
    /// A weak value is shared by too many subjects (R15).
    SharedAlias,
    /// Its links lead to too many subjects (R13).
    TooMany,
    /// It names no value with a normal form (R4).
    NoUsableValue,
}

impl Review {
    /// Why, in words for reports.
    pub fn why(self) -> &'static str {
        match self {
            Review::SharedAlias => "a value it names or leads to is shared by too many persons (R15)",
            Review::TooMany => "its links lead to too many persons (R13)",
            Review::NoUsableValue => "none of its values has a normal form: only the same spelling is found (R4)",
        }
    }
}

/// Where a request stands in one dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How far it has come.
    pub state: State,
    /// Since when.
    pub at: Instant,
    /// When the store removes the last bytes; for `AwaitingLifecycle`.
    pub until: Option<Instant>,
    /// Whether a person has to look, as of the last time it was looked for.
    pub review: Option<Review>,
}

impl Standing {
    /// A standing without anything to add.
    pub fn new(state: State, at: Instant) -> Standing {
        Standing { state, at, until: None, review: None }
    }

    /// What reports say. `NeedsReview` stands before everything: rows nobody followed the request to may be left.
    pub fn status(&self) -> RequestStatus {
        match self.state {
            _ if self.review.is_some() => RequestStatus::NeedsReview,
            State::Removed => RequestStatus::Removed,
            State::Received => RequestStatus::Received,
            State::Unmatched => RequestStatus::Unmatched,
            State::NotBinding => RequestStatus::NotBinding,
            State::Applied => RequestStatus::Applied,
            State::AwaitingLifecycle => RequestStatus::AwaitingLifecycle,
        }
    }

    pub(super) fn bytes(&self) -> (u8, u8) {
        let review = self.review.map_or(0, |review| review as u8 + 1);
        (self.state as u8, review)
    }

    pub(super) fn read(state: u8, review: u8, at: Instant, until: Option<Instant>) -> Option<Standing> {
        let states = [
            State::Received,
            State::Unmatched,
            State::NotBinding,
            State::Applied,
            State::AwaitingLifecycle,
            State::Removed,
        ];
        let review = match review {
            0 => None,
            1 => Some(Review::SharedAlias),
            2 => Some(Review::TooMany),
            3 => Some(Review::NoUsableValue),
            _ => return None,
        };
        Some(Standing { state: *states.get(usize::from(state))?, at, until, review })
    }
}

/// What reports say of a request. The order is that of attention: of several, the first one stands for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RequestStatus {
    /// A person has to look.
    NeedsReview,
    /// As [`State::Received`].
    Received,
    /// As [`State::Applied`]; of a lift, that it ends a request.
    Applied,
    /// As [`State::AwaitingLifecycle`].
    AwaitingLifecycle,
    /// As [`State::Removed`].
    Removed,
    /// As [`State::Unmatched`].
    Unmatched,
    /// As [`State::NotBinding`].
    NotBinding,
    /// It has no effect any more (R30).
    Ended,
    /// A lift that ends nothing (R30).
    EndsNothing,
}

impl RequestStatus {
    /// Returns the spelling, the same in text and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            RequestStatus::NeedsReview => "needs-review",
            RequestStatus::Received => "received",
            RequestStatus::Applied => "applied",
            RequestStatus::AwaitingLifecycle => "awaiting-lifecycle",
            RequestStatus::Removed => "removed",
            RequestStatus::Unmatched => "unmatched",
            RequestStatus::NotBinding => "not-binding",
            RequestStatus::Ended => "ended",
            RequestStatus::EndsNothing => "ends-nothing",
        }
    }
}

impl std::fmt::Display for RequestStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// What has been noted, in memory.
#[derive(Default)]
pub(super) struct Notes {
    jobs: Vec<String>,
    by_entry: HashMap<(u32, u16), Standing>,
    /// When an entry was last noted as applied.
    applied: HashMap<(u32, u16), Instant>,
    /// Per job the last segment whose entries have been looked for, and when.
    looked: BTreeMap<String, Looked>,
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
    pub(super) fn put(&mut self, entry: u32, job: u16, standing: Standing) {
        let place = self.by_entry.entry((entry, job)).or_insert(standing);
        if (place.at, place.state) <= (standing.at, standing.state) {
            *place = standing;
        }
        if standing.state == State::Applied {
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

    fn key(&self, entry: u32, job: &str) -> Option<(u32, u16)> {
        let job = self.jobs.iter().position(|name| name == job)?;
        Some((entry, u16::try_from(job).ok()?))
    }

    fn of(&self, entry: u32, job: &str) -> Option<Standing> {
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

impl Requests {
    /// Where an entry stands in a job's dataset. What it has learned since it was looked for there makes it `Received`
    /// again: nobody knows whether the dataset has those persons. One that names no usable value needs review as long as
    /// it is in force: rows with another spelling may be left.
    pub fn standing(&self, entry: u32, job: &str) -> Standing {
        let unusable = (self.usable(entry) == Usable::None).then_some(Review::NoUsableValue);
        let noted = self.noted(entry, job);
        let noted = Standing { review: noted.review.or(unusable), ..noted };
        if self.learned_since(entry, job) { Standing { state: State::Received, until: None, ..noted } } else { noted }
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
    pub fn noted(&self, entry: u32, job: &str) -> Standing {
        if let Some(noted) = self.notes.of(entry, job) {
            return noted;
        }
        match self.notes.looked.get(job) {
            Some(looked) if self.segment_of(entry).is_some_and(|last| last <= looked.segment) => {
                Standing::new(State::Unmatched, looked.at)
            }
            _ => Standing::new(State::Received, self.entry(entry).received),
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
    pub fn states(&self) -> impl Iterator<Item = (u32, &str, Standing)> {
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
        noted: &[(u32, Standing)],
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_note_counts_and_of_equal_ones_the_furthest() {
        let mut notes = Notes::default();
        let job = notes.job("a").expect("one");
        for (state, at) in [(State::Applied, 5), (State::Removed, 4), (State::Unmatched, 5)] {
            notes.put(3, job, Standing::new(state, Instant(at)));
        }
        assert_eq!(notes.of(3, "a").map(|s| s.state), Some(State::Applied));
        notes.put(3, job, Standing::new(State::Unmatched, Instant(6)));
        assert_eq!(notes.of(3, "a").map(|s| s.state), Some(State::Unmatched), "found again and lost again");
        assert_eq!(notes.of(3, "b"), None);
    }

    #[test]
    fn a_status_is_spelled_in_json_as_in_text() {
        use RequestStatus as S;
        let first = [S::NeedsReview, S::Received, S::Applied, S::AwaitingLifecycle, S::Removed];
        for status in first.into_iter().chain([S::Unmatched, S::NotBinding, S::Ended, S::EndsNothing]) {
            assert_eq!(serde_json::to_value(status).expect("text"), status.word());
        }
        assert!(first.is_sorted() && S::Removed < S::Unmatched, "the first one stands for all");
    }

    #[test]
    fn standings_come_back_from_their_bytes_and_others_do_not() {
        for state in 0..6 {
            for review in 0..4 {
                let standing = Standing::read(state, review, Instant(1), None).expect("known");
                assert_eq!(standing.bytes(), (state, review));
                assert_eq!((standing.status() == RequestStatus::NeedsReview), review > 0);
            }
        }
        assert!(Standing::read(6, 0, Instant(1), None).is_none());
        assert!(Standing::read(0, 4, Instant(1), None).is_none());
    }
}
