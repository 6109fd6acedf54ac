//! How far a request has come: in one dataset, over all of them, and what reports say of it.

use crate::clock::Instant;

/// How far a request has come in one dataset, from the least to the furthest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestState {
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
    /// It was led to somebody by a value that was never theirs (R82).
    BrokenLink,
}

impl Review {
    /// Why, in words for reports.
    pub fn why(self) -> &'static str {
        match self {
            Review::SharedAlias => "a value it names or leads to is shared by too many persons (R15)",
            Review::TooMany => "its links lead to too many persons (R13)",
            Review::BrokenLink => {
                "it was led to a person by a value that a correction says was never theirs (R82): lift it for whom it does not mean"
            }
            Review::NoUsableValue => "none of its values has a normal form: only the same spelling is found (R4)",
        }
    }
}

/// Where a request stands in one dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryStatus {
    /// How far it has come.
    pub state: RequestState,
    /// Since when the request is in this state.
    pub at: Instant,
    /// When the store removes the last bytes; for `AwaitingLifecycle`.
    pub until: Option<Instant>,
    /// Whether a person has to look, as of the last time it was looked for.
    pub review: Option<Review>,
}

impl EntryStatus {
    /// A standing without anything to add.
    pub fn new(state: RequestState, at: Instant) -> EntryStatus {
        EntryStatus { state, at, until: None, review: None }
    }

    /// What reports say. `NeedsReview` stands before everything: rows nobody followed the request to may be left.
    pub fn status(&self) -> RequestStatus {
        match self.state {
            _ if self.review.is_some() => RequestStatus::NeedsReview,
            RequestState::Removed => RequestStatus::Removed,
            RequestState::Received => RequestStatus::Received,
            RequestState::Unmatched => RequestStatus::Unmatched,
            RequestState::NotBinding => RequestStatus::NotBinding,
            RequestState::Applied => RequestStatus::Applied,
            RequestState::AwaitingLifecycle => RequestStatus::AwaitingLifecycle,
        }
    }

    pub(super) fn bytes(&self) -> (u8, u8) {
        let review = self.review.map_or(0, |review| review as u8 + 1);
        (self.state as u8, review)
    }

    pub(super) fn read(state: u8, review: u8, at: Instant, until: Option<Instant>) -> Option<EntryStatus> {
        let states = [
            RequestState::Received,
            RequestState::Unmatched,
            RequestState::NotBinding,
            RequestState::Applied,
            RequestState::AwaitingLifecycle,
            RequestState::Removed,
        ];
        let review = match review {
            0 => None,
            1 => Some(Review::SharedAlias),
            2 => Some(Review::TooMany),
            3 => Some(Review::NoUsableValue),
            4 => Some(Review::BrokenLink),
            _ => return None,
        };
        Some(EntryStatus { state: *states.get(usize::from(state))?, at, until, review })
    }
}

/// What reports say of a request. The order is that of attention: of several, the first one stands for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RequestStatus {
    /// Somebody has to look at it.
    NeedsReview,
    /// It is stored, and the dataset has not been searched for it since.
    Received,
    /// No row of the current version is reached by it; a lift has ended a request.
    Applied,
    /// It is removed, apart from bytes that the store itself deletes later.
    AwaitingLifecycle,
    /// No version that tamis could verify has a byte of the person.
    Removed,
    /// The dataset was searched, and nobody was found.
    Unmatched,
    /// Somebody was found, but its effect does not bind the dataset's purpose (R29).
    NotBinding,
    /// It was refused, and the reason is in the ledger (Art. 12(4) GDPR).
    Refused,
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
            RequestStatus::Refused => "refused",
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

#[cfg(test)]
mod tests {
    use super::*;

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
            for review in 0..5 {
                let standing = EntryStatus::read(state, review, Instant(1), None).expect("known");
                assert_eq!(standing.bytes(), (state, review));
                assert_eq!((standing.status() == RequestStatus::NeedsReview), review > 0);
            }
        }
        assert!(EntryStatus::read(6, 0, Instant(1), None).is_none());
        assert!(EntryStatus::read(0, 5, Instant(1), None).is_none());
    }
}
