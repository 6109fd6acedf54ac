//! One correction, as a row of a file says it. Must not know exports.

use crate::clock::Instant;
use crate::policy::{Refusal, RefusedRight};
use zeroize::Zeroizing;

/// Why a value is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorrectionReason {
    /// It was right once, and has changed.
    Changed,
    /// It belongs to somebody else.
    NeverTheirs,
    /// It was never right.
    Wrong,
    /// Something was missing (Art. 16, second sentence, GDPR).
    Incomplete,
}

impl CorrectionReason {
    /// Every reason, in the order in which the docs list them.
    pub const ALL: [CorrectionReason; 4] = [
        CorrectionReason::Changed,
        CorrectionReason::NeverTheirs,
        CorrectionReason::Wrong,
        CorrectionReason::Incomplete,
    ];

    /// Returns the name, as written in files and evidence.
    pub fn name(self) -> &'static str {
        match self {
            CorrectionReason::Changed => "changed",
            CorrectionReason::NeverTheirs => "never-theirs",
            CorrectionReason::Wrong => "wrong",
            CorrectionReason::Incomplete => "incomplete",
        }
    }

    /// Returns the reason of that name.
    pub fn named(name: &str) -> Option<CorrectionReason> {
        CorrectionReason::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// Returns whether the value was the person's own once, so that requests may still name them by it (R81).
    pub fn was_theirs(self) -> bool {
        self == CorrectionReason::Changed
    }
}

/// What was decided about a correction that somebody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorrectionDecision {
    /// It is right.
    Accepted,
    /// Nobody knows yet: the value is not used meanwhile (Art. 18(1)(a) GDPR).
    Contested,
    /// It is refused (Art. 12(4) GDPR).
    Refused(Refusal),
}

impl CorrectionDecision {
    /// Returns what a cell says; nothing means accepted.
    pub(super) fn read(cell: &str) -> Option<CorrectionDecision> {
        match cell.trim() {
            "" | "accepted" => Some(CorrectionDecision::Accepted),
            "contested" => Some(CorrectionDecision::Contested),
            other => Refusal::named(other.strip_prefix("refused:")?.trim())
                .filter(|reason| reason.answers(RefusedRight::Rectify))
                .map(CorrectionDecision::Refused),
        }
    }
}

/// One row of a file of corrections. Deliberately without `Debug`: it holds raw values.
#[derive(Clone)]
pub struct Correction {
    /// Keyed hash of list, case, record and column.
    pub id: [u8; 16],
    /// Name of the list in the policy.
    pub list: String,
    /// Opaque id of the request.
    pub case: String,
    /// When the request was received.
    pub received: Instant,
    /// Identity of the record's key.
    pub record: [u8; 32],
    /// Name of the export's column, trimmed and NFC.
    pub column: String,
    /// Why the value is wrong.
    pub reason: CorrectionReason,
    /// What was decided.
    pub decision: CorrectionDecision,
    /// What the export has.
    pub was: Zeroizing<String>,
    /// What is right.
    pub value: Zeroizing<String>,
}
