//! Requests that were refused, as the ledger has them (Art. 12(4) GDPR). Of whom they were is written nowhere.

use super::desk::due;
use crate::clock::Instant;
use crate::evidence::{LedgerEntry, LedgerEvent};
use crate::policy::{Project, Refusal};
use crate::requests::COMMAND;

/// A request that was refused.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct CaseRefusal {
    /// Id of the request.
    pub request: String,
    /// What was asked for.
    pub right: String,
    /// Name of the reason.
    pub reason: String,
    /// The reason in words, with the article that allows it.
    pub why: String,
    /// When the request was received.
    pub received: Instant,
    /// When it was refused.
    pub refused: Instant,
    /// When the person was told; none = not yet.
    pub informed: Option<Instant>,
}

/// Returns what was refused of a case: of several refusals of one right the last counts.
pub fn of_case(entries: &[LedgerEntry], request: &str) -> Vec<CaseRefusal> {
    all(entries).into_iter().filter(|refusal| refusal.request == request).collect()
}

fn all(entries: &[LedgerEntry]) -> Vec<CaseRefusal> {
    let mut found: Vec<CaseRefusal> = Vec::new();
    for entry in entries {
        let LedgerEvent::RequestRefused { request, right, reason, received, informed } = &entry.event else { continue };
        let why = Refusal::named(reason).map_or_else(|| reason.clone(), |known| known.said().to_owned());
        let refusal = CaseRefusal {
            request: request.clone(),
            right: right.clone(),
            reason: reason.clone(),
            why,
            received: *received,
            refused: entry.at,
            informed: *informed,
        };
        match found.iter_mut().find(|known| known.request == *request && known.right == *right) {
            // Who was told before was told of another reason, unless it is the same.
            Some(known) if known.reason == *reason => {
                known.informed = informed.or(known.informed);
                known.received = *received;
            }
            Some(known) => *known = refusal,
            None => found.push(refusal),
        }
    }
    found
}

/// A refusal of which the person was not told.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct UntoldRefusal {
    /// Id of the request.
    pub request: String,
    /// What was asked for.
    pub right: String,
    /// By when the person has to be told (Art. 12(4) GDPR).
    pub due: Instant,
    /// Whether that has passed.
    pub overdue: bool,
}

/// Returns the refusals of which nobody has told the person.
pub fn untold(entries: &[LedgerEntry], project: &Project, now: Instant) -> Vec<UntoldRefusal> {
    let open = all(entries).into_iter().filter(|refusal| refusal.informed.is_none());
    let told = open.map(|CaseRefusal { request, right, received, .. }| {
        let due = due(project, COMMAND, received);
        UntoldRefusal { request, right, due, overdue: due <= now }
    });
    told.collect()
}
